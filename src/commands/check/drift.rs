//! Files that are no longer as envtpl wrote them. Most of them may be edited; it is worth knowing
//! before an upgrade or when something behaves unlike the documentation.

use std::path::Path;

use super::finding::Findings;
use crate::error::{Place, Result};
use crate::files::{self, unified_diff};
use crate::project::Installation;
use crate::templates::{RECORD, Record, Written, render};

/// Files that are there to be edited.
fn is_declared(path: &str) -> bool {
    path.starts_with("dependencies/")
        || matches!(
            path,
            "compose-base.yaml" | "README.md" | render::DEVCONTAINER
        )
}

/// Files whose absence other checks report.
fn is_needed(path: &str) -> bool {
    matches!(path, "compose.yaml" | "Dockerfile" | "Dockerfile-user")
}

/// Compares.
///
/// # Errors
/// When the person stopped it, or rendering fails.
pub fn check(findings: &mut Findings, installation: &Installation) -> Result<()> {
    let directory = installation.directory();
    let path = installation.path(RECORD);
    let Some(record) = findings.value(Record::read(directory), &path)? else {
        return Ok(());
    };
    let Some(record) = record else {
        findings
            .note(
                &Place::file(&path),
                "no record of what envtpl wrote: edits cannot be told apart",
            )
            .help("git has it if it was ever committed; without it `edit-platform` cannot merge");
        return Ok(());
    };
    for (name, written) in record.written(directory)? {
        if is_declared(&name) {
            continue;
        }
        let file = installation.path(&name);
        let place = Place::file(&file);
        let now = match findings.value(files::read_if_exists(&file), &file)? {
            Some(now) => now,
            None => continue,
        };
        match (now, written) {
            // Those that commands cannot do without are errors of their own.
            (None, _) if !is_needed(&name) => {
                findings.warning(&place, "envtpl wrote it, and it is no longer there");
            }
            (Some(now), Written::Known(then)) if now != then => {
                let diff = unified_diff(Path::new(&name), Some(&then), Some(&now));
                findings
                    .note(&place, "it differs from the template")
                    .diff(diff);
            }
            (Some(now), Written::Lost(id)) if crate::templates::blob_id(&now)? != id => {
                findings
                    .note(&place, "it differs from what an earlier envtpl wrote")
                    .help("git does not have that version, so the difference cannot be shown");
            }
            _ => {}
        }
    }
    Ok(())
}
