//! Builds by `docker buildx bake`, which reads the same file as `docker compose build` and can more.

use std::collections::BTreeSet;

use crate::commands::workplace::{Workplace, settings};
use crate::engine::{Build, Version};
use crate::error::Result;
use crate::process::Invocation;

/// Progress as events.
pub const FOR_PROGRAMS: &str = "rawjson";

/// The first buildx whose `bake` is told what steps may beyond the ordinary, and refuses what it is
/// not told (its release notes: `--allow`, and `entitlements` of a target).
const FIRST_TOLD: Version = Version::new(0, 17);

/// The start of a build of services' Compose file on its standard input, for a platform such as
/// `linux/amd64`.
///
/// # Errors
/// `Usage` when `.env` cannot be read; `NotReady` without buildx.
pub fn bake<'s>(
    workplace: &Workplace<'_>,
    services: impl IntoIterator<Item = &'s str>,
    progress: &str,
    platform: &str,
) -> Result<Invocation> {
    let mut invocation = workplace.compose.tools().docker();
    // Compose takes secrets and arguments from `.env`, bake from the environment.
    let settings = settings(workplace.installation)?;
    for (name, value) in settings.values(|name| std::env::var(name).ok()) {
        invocation = invocation.env(name, value);
    }
    let mut invocation = invocation
        .env("BUILDX_BAKE_ENTITLEMENTS_FS", "0")
        .directory(workplace.installation.directory())
        .args(["buildx", "bake", "--file=-"])
        .arg(format!("--progress={progress}"))
        .args(["--provenance=false", "--sbom=false"])
        .arg(format!("--set=*.platform={platform}"));
    for entitlement in entitlements(workplace, services)? {
        invocation = invocation.arg(format!("--set=*.entitlements={entitlement}"));
    }
    Ok(invocation)
}

/// What `bake` is to be told that steps may beyond the ordinary. It reads of a Compose file no more
/// than `network: host`, which is all that one can have which is too old to be told.
fn entitlements<'a, 's>(
    workplace: &'a Workplace<'_>,
    services: impl IntoIterator<Item = &'s str>,
) -> Result<BTreeSet<&'a str>> {
    let known = &workplace.model.services;
    let builds = services
        .into_iter()
        .filter_map(|name| known.get(name)?.build.as_ref());
    let allowed: BTreeSet<&str> = builds.flat_map(Build::allows).collect();
    if allowed.is_empty() {
        return Ok(allowed);
    }
    let tools = workplace.compose.tools();
    let asked = tools.docker().args(["buildx", "version"]);
    let told = tools.read(&asked, &workplace.context.printer)?;
    Ok(match Version::find(&told) {
        Some(version) if version < FIRST_TOLD => BTreeSet::new(),
        _ => allowed,
    })
}
