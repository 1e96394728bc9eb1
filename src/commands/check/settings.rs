//! `.env`: there, readable, and made of values that Docker takes. Nothing in it is executed.

use super::finding::Findings;
use crate::error::{Place, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::installation::identity;
use crate::installation::name::Name;
use crate::project::Installation;

/// Bits of a file mode that let others than the owner read.
const OTHERS_READ: u32 = 0o044;

/// Settings that name files on this machine.
const FILES: [&str; 2] = ["CA_BUNDLE", "NETRC_FILE"];

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
    for key in FILES {
        let value = dotenv.get(key).unwrap_or_default();
        if !value.is_empty() && !files::exists(&installation.path(&value)) {
            findings
                .error(
                    &place(key),
                    format!("`{key}` names `{value}`, which is not there"),
                )
                .help("correct the path, or leave the value empty");
        }
    }
}
