//! What is kept of a container in the background that failed: its log, for as long as the person
//! likes, and a note beside it until somebody was told.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::commands::Context;
use crate::error::{Error, Result};
use crate::files;
use crate::installation::name::Name;
use crate::output::age;
use crate::project::Project;

/// The directory of logs, below the project's state directory.
const LOGS: &str = "logs";

/// A container in the background that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The installation that it was started in.
    pub installation: String,
    /// How it was started, as a line to paste.
    pub command: String,
    /// Its exit status.
    pub status: u8,
    /// When it ended (RFC 3339).
    pub ended: String,
}

impl Failure {
    /// Whether somebody should be told: not when a person has stopped it (SIGHUP, SIGINT,
    /// SIGTERM).
    fn is_news(&self) -> bool {
        !matches!(self.status, 129 | 130 | 143)
    }

    /// Keeps the log, with how the command ended as its last line, and the note.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep(&self, project: &Path, container: &str, mut printed: Vec<u8>) -> Result<()> {
        if !printed.is_empty() && !printed.ends_with(b"\n") {
            printed.push(b'\n');
        }
        let end = format!(
            "envtpl: `{}` ended with exit status {} at {}\n",
            self.command, self.status, self.ended
        );
        printed.extend(end.into_bytes());
        files::keep(project, log(container), &printed)?;
        if !self.is_news() {
            return Ok(());
        }
        let note = serde_json::to_vec(self)
            .map_err(|source| Error::failed("cannot note a failure").because(source))?;
        files::keep(project, note_of(container), &note)
    }
}

/// Where a container's log is kept, below the project's state directory.
pub fn log(container: &str) -> PathBuf {
    Path::new(LOGS).join(format!("{container}.log"))
}

/// Takes the note of a failure away, since the person has been told.
///
/// # Errors
/// When it cannot be removed.
pub fn told(project: &Path, container: &str) -> Result<bool> {
    files::forget(project, note_of(container))
}

fn note_of(container: &str) -> PathBuf {
    Path::new(LOGS).join(format!("{container}.json"))
}

/// Says which containers of these installations have failed in the background since somebody was
/// last told, a line each.
///
/// # Errors
/// When a note is there and cannot be read.
pub fn tell_failures(context: &Context, project: &Project, installations: &[&Name]) -> Result<()> {
    let directory = project.root().join(files::STATE_DIRECTORY).join(LOGS);
    if context.dry_run || !files::is_directory(&directory) {
        return Ok(());
    }
    let mut failures = Vec::new();
    for path in files::list(&directory)? {
        let container = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        // Another envtpl may tell it at this moment.
        let Some(note) = files::read_if_exists(&path)? else {
            continue;
        };
        let Ok(failure) = serde_json::from_slice::<Failure>(&note) else {
            continue;
        };
        let asked = installations
            .iter()
            .any(|name| name.to_string() == failure.installation);
        // Where nothing can be removed it is better told twice than never.
        if asked && told(project.root(), &container).unwrap_or(true) {
            failures.push((failure, directory.join(format!("{container}.log"))));
        }
    }
    failures.sort_by(|(one, _), (other, _)| one.ended.cmp(&other.ended));
    for (failure, log) in failures {
        let when = age(&failure.ended).unwrap_or(failure.ended);
        context.printer.warn(format_args!(
            "`{}` ended with exit status {} ({when}); its log: {}",
            failure.command,
            failure.status,
            log.display()
        ));
    }
    Ok(())
}
