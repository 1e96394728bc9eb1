//! Builds by `docker buildx bake`, which reads the same file as `docker compose build` and can more.

use crate::commands::workplace::{Workplace, settings};
use crate::error::Result;
use crate::process::Invocation;

/// Progress as events.
pub const FOR_PROGRAMS: &str = "rawjson";

/// The start of a build of a Compose file on its standard input, for a platform such as
/// `linux/amd64`.
///
/// # Errors
/// `Usage` when `.env` cannot be read.
pub fn bake(workplace: &Workplace<'_>, progress: &str, platform: &str) -> Result<Invocation> {
    let mut invocation = workplace.compose.tools().docker();
    // Compose takes secrets and arguments from `.env`, bake from the environment.
    let settings = settings(workplace.installation)?;
    for (name, value) in settings.values(|name| std::env::var(name).ok()) {
        invocation = invocation.env(name, value);
    }
    Ok(invocation
        .env("BUILDX_BAKE_ENTITLEMENTS_FS", "0")
        .directory(workplace.installation.directory())
        .args(["buildx", "bake", "--file=-"])
        .arg(format!("--progress={progress}"))
        .args(["--provenance=false", "--sbom=false"])
        .arg(format!("--set=*.platform={platform}")))
}
