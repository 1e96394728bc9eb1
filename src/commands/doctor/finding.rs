//! What the doctor finds, and how it is shown.

use std::fmt::Write;

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Something will not work, or not well; the rest will.
    Warning,
    /// Images cannot be built or run until it is mended.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: &'static str,
    status: Status,
    message: String,
    help: Vec<String>,
}

impl Finding {
    /// A finding; `check` names what was looked at, for filters.
    pub fn new(check: &'static str, status: Status, message: impl Into<String>) -> Self {
        Self {
            check,
            status,
            message: message.into(),
            help: Vec::new(),
        }
    }

    /// What is as it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, message)
    }

    /// What will not work, or not well, while the rest does.
    pub fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, message)
    }

    /// What keeps images from being built or run.
    pub fn problem(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Status::Problem, message)
    }

    /// Adds a way to mend it: a line to run, or what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// How bad it is.
    pub fn status(&self) -> Status {
        self.status
    }
}

/// All findings, as they are reported.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether nothing is a problem.
    pub ready: bool,
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// A report of findings.
    pub fn new(findings: Vec<Finding>) -> Self {
        Self {
            ready: findings
                .iter()
                .all(|finding| finding.status != Status::Problem),
            findings,
        }
    }

    /// How many findings are problems.
    pub fn problems(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.status == Status::Problem)
            .count()
    }

    /// The findings for people: a line each, and what to do below it.
    pub fn human(&self) -> String {
        let width = self.findings.iter().map(|finding| finding.check.len());
        let width = width.max().unwrap_or(0);
        let mut text = String::new();
        for finding in &self.findings {
            let status = match finding.status {
                Status::Ok => console::style("ok     ").green(),
                Status::Warning => console::style("warning").yellow().bold(),
                Status::Problem => console::style("problem").red().bold(),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{status}  {:width$}  {}",
                finding.check, finding.message
            );
            for help in &finding.help {
                let label = console::style("help:").cyan().bold();
                let _ = writeln!(text, "{:indent$}{label} {help}", "", indent = width + 11);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_stands_below_what_it_is_for() {
        let report = Report::new(vec![
            Finding::ok("git", "2.39.5"),
            Finding::problem("engine", "none answers").help("start it"),
        ]);
        assert!(!report.ready);
        assert_eq!(report.problems(), 1);
        assert_eq!(
            console::strip_ansi_codes(&report.human()),
            "ok       git     2.39.5\n\
             problem  engine  none answers\n\
             \x20                help: start it\n"
        );
    }
}
