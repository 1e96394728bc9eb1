//! What a check finds, and how it is shown.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Error, Kind, Place, Result};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot be built or run like this.
    Error,
    /// It can, but hardly as meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    severity: Severity,
    installation: String,
    /// The file, relative to the project.
    file: Option<PathBuf>,
    line: Option<usize>,
    message: String,
    help: Vec<String>,
    /// For a file that differs from its template: how.
    diff: Option<String>,
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Adds a way to mend it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help.push(help.into());
        self
    }

    /// Adds how a file differs.
    pub fn diff(&mut self, diff: String) -> &mut Self {
        self.diff = Some(diff);
        self
    }

    /// The finding for people and for editors, which know `file:line: `.
    fn human(&self, text: &mut String) {
        let severity = match self.severity {
            Severity::Error => console::style("error").red().bold(),
            Severity::Warning => console::style("warning").yellow().bold(),
            Severity::Note => console::style("note").cyan(),
        };
        let place = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
            (Some(file), None) => format!("{}: ", file.display()),
            (None, _) => format!("{}: ", self.installation),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{place}{severity}: {}", self.message);
        for help in &self.help {
            let label = console::style("help:").cyan().bold();
            let _ = writeln!(text, "    {label} {help}");
        }
        for line in self.diff.iter().flat_map(|diff| diff.lines()) {
            let shown = match line.as_bytes().first() {
                Some(b'+') => console::style(line).green(),
                Some(b'-') => console::style(line).red(),
                _ => console::style(line),
            };
            let _ = writeln!(text, "    {shown}");
        }
    }
}

/// All findings for people, the worst first in each file's order.
pub fn human(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        finding.human(&mut text);
    }
    text
}

/// Gathers findings of one installation.
#[derive(Debug)]
pub struct Findings {
    project_root: PathBuf,
    installation: String,
    found: Vec<Finding>,
}

impl Findings {
    /// None yet.
    pub fn new(project_root: &Path, installation: &str) -> Self {
        Self {
            project_root: project_root.to_owned(),
            installation: installation.to_owned(),
            found: Vec::new(),
        }
    }

    /// All of them, in the order in which they were found.
    pub fn into_found(mut self) -> Vec<Finding> {
        // Two checks that cannot read a file say the same of it.
        self.found.dedup();
        self.found
    }

    /// Something at a place.
    pub fn add(
        &mut self,
        severity: Severity,
        place: &Place,
        message: impl Into<String>,
    ) -> &mut Finding {
        let file = place
            .path
            .strip_prefix(&self.project_root)
            .unwrap_or(&place.path)
            .to_owned();
        self.found.push(Finding {
            severity,
            installation: self.installation.clone(),
            file: Some(file),
            line: place.line_number(),
            message: message.into(),
            help: Vec::new(),
            diff: None,
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Something wrong at a place.
    pub fn error(&mut self, place: &Place, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, place, message)
    }

    /// Something doubtful at a place.
    pub fn warning(&mut self, place: &Place, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, place, message)
    }

    /// Something worth knowing about a file.
    pub fn note(&mut self, place: &Place, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Note, place, message)
    }

    /// What a reader says is wrong; `fallback` is where when it does not say.
    ///
    /// # Errors
    /// When the error says to stop and not that something is wrong.
    pub fn take(&mut self, error: &Error, fallback: &Path) -> Result<()> {
        if matches!(error.kind(), Kind::Interrupted | Kind::ClosedPipe) {
            return Err(Error::new(error.kind(), error.message()));
        }
        let place = error.places().first();
        let file = Place::file(fallback);
        let mut message = error.message().to_owned();
        for cause in error.causes() {
            message = format!("{message}: {}", cause.trim().replace('\n', "; "));
        }
        let finding = self.error(place.unwrap_or(&file), message);
        for help in error.helps() {
            finding.help(help);
        }
        Ok(())
    }

    /// The value that a reader made, if it made one; otherwise what it says is wrong is taken.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn value<T>(&mut self, read: Result<T>, fallback: &Path) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) => self.take(&error, fallback).map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_as_editors_expect() {
        let root = Path::new("/p");
        let mut findings = Findings::new(root, "amd64-cpu");
        let place = Place::line("/p/installation/amd64-cpu/.env", "A=1\nB\n", 2);
        findings.warning(&place, "no value").help("give it one");
        let file = Place::file("/p/installation/amd64-cpu/x");
        findings.note(&file, "differs").diff("-a\n+b\n".into());
        assert_eq!(
            console::strip_ansi_codes(&human(&findings.into_found())),
            "installation/amd64-cpu/.env:2: warning: no value\n    help: give it one\n\
             installation/amd64-cpu/x: note: differs\n    -a\n    +b\n"
        );
    }
}
