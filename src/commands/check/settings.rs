//! `.env`: there, readable, and made of values that Docker takes. Nothing in it is executed.

use super::finding::Findings;
use crate::commands::workplace::missing_files;
use crate::error::{Place, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::installation::identity;
use crate::installation::name::Name;
use crate::project::Installation;

/// Bits of a file mode that let others than the owner read.
const OTHERS_READ: u32 = 0o044;

/// Reads and judges the settings; `None` when there are none to go on with.
///
/// # Errors
/// When the person stopped it.
pub fn check(findings: &mut Findings, installation: &Installation) -> Result<Option<Dotenv>> {
    let path = installation.path(".env");
    let file = Place::file(&path);
    let name = installation.name();
    let Some(text) = findings.value(files::read_text_if_exists(&path), &path)? else {
        return Ok(None);
    };
    let Some(text) = text else {
        findings
            .note(&file, "your personal settings are not there yet")
            .help(format!("write them: `envtpl env -i {name}`"));
        return Ok(None);
    };
    let Some(dotenv) = findings.value(Dotenv::parse(&path, &text), &path)? else {
        return Ok(None);
    };
    let environment = |name: &str| std::env::var(name).ok();
    let problems = identity::problems(&path, &dotenv, environment);
    for problem in &problems {
        findings.take(problem, &path)?;
    }
    for missing in missing_files(installation, &dotenv) {
        findings.take(&missing, &path)?;
    }
    if files::mode(&path).is_ok_and(|mode| mode & OTHERS_READ != 0) {
        findings
            .warning(
                &file,
                "others on this machine can read it, and it may name credentials",
            )
            .help(format!("chmod 600 {}", crate::process::quote(&path)));
    }
    doubtful_values(findings, &dotenv, installation);
    Ok(problems.is_empty().then_some(dotenv))
}

/// Judges the setting that chooses a service: whether those that are there have it.
pub fn acceleration(
    findings: &mut Findings,
    installation: &Installation,
    dotenv: &Dotenv,
    services: &[String],
) {
    let values = dotenv.values(|name| std::env::var(name).ok());
    let asked = values.get("ACCELERATION").map_or("", String::as_str);
    let known: Vec<&str> = services
        .iter()
        .filter_map(|name| name.strip_prefix("run-local-"))
        .collect();
    // Without any service, that is what is told.
    if known.is_empty() || known.contains(&asked) || matches!(asked, "" | "auto") {
        return;
    }
    let path = installation.path(".env");
    let place = dotenv.place(&path, "ACCELERATION");
    findings
        .error(
            &place.unwrap_or_else(|| Place::file(&path)),
            format!(
                "`ACCELERATION` is `{asked}`, and compose.yaml has no service `run-local-{asked}`"
            ),
        )
        .help(format!("values with a service: {}, auto", known.join(", ")));
}

fn doubtful_values(findings: &mut Findings, dotenv: &Dotenv, installation: &Installation) {
    let path = installation.path(".env");
    let place = |key: &str| {
        dotenv
            .place(&path, key)
            .unwrap_or_else(|| Place::file(&path))
    };
    for key in dotenv.keys() {
        let value = dotenv.get(key).unwrap_or_default();
        if value.contains("$(") || value.contains('`') {
            findings.warning(
                &place(key),
                format!("`{key}` holds a command; it is text and is never executed"),
            );
        }
    }
    for key in dotenv.read_differently_elsewhere() {
        findings
            .warning(
                &place(&key),
                format!("Compose and other readers of .env files take `{key}` differently"),
            )
            .help("put the value between single quotes");
    }
    let platform = dotenv.get("IMAGE_PLATFORM").unwrap_or_default();
    let same = platform
        .parse::<Name>()
        .is_ok_and(|named| named.same_environment(installation.name()));
    if !same && !platform.is_empty() {
        findings
            .warning(
                &place("IMAGE_PLATFORM"),
                format!(
                    "images of this installation are called `{platform}`, and it is {}",
                    installation.name()
                ),
            )
            .help(format!("IMAGE_PLATFORM={}", installation.name()));
    }
}
