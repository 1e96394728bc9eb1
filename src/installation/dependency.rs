//! A dependency in the metadata of a Python project, as `pyproject.toml` and `setup.cfg` hold it.
//!
//! Source: "Dependency specifiers" of the Python packaging user guide (PEP 508).

use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Result};
use crate::installation::requirements::{self, Entry, Kind, redacted_place};

/// A dependency, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// What it asks for.
    pub entry: Entry,
    /// As it is written, without a comment. It may hold credentials.
    pub requirement: String,
    /// The line of the file, counted from 1.
    pub line: usize,
}

/// A file of requirements that holds dependencies in place of the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its path, seen from the project.
    pub file: String,
    /// The line that names it, counted from 1.
    pub line: usize,
}

/// A part of a file that says something which cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// What it is about, without credentials.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Dependency {
    /// Reads a dependency that stands at a range of a file's text.
    ///
    /// # Errors
    /// `Usage`, with the line, when it is no name with versions or a URL.
    pub fn read(path: &Path, text: &str, range: Range<usize>, requirement: &str) -> Result<Self> {
        let place = || redacted_place(path, text, range.clone());
        let entry = requirements::requirement(requirement).map_err(|error| error.at(place()))?;
        if !is_specifier(&entry.kind) {
            let shown = crate::secrets::redact(requirement);
            return Err(Error::usage(format!("`{shown}` is no dependency"))
                .at(place())
                .help("give a name with versions, `numpy>=1.26`, or a URL, `name @ https://…`"));
        }
        Ok(Self {
            requirement: requirement
                .get(entry.span.clone())
                .unwrap_or(requirement)
                .to_owned(),
            entry,
            line: line_of(text, range.start),
        })
    }
}

/// Whether the standard knows such a thing: a name, alone or with what comes behind `@`.
fn is_specifier(kind: &Kind) -> bool {
    match kind {
        Kind::Named { .. } => true,
        Kind::Url { name, .. } | Kind::Vcs { name, .. } => name.is_some(),
        Kind::Editable { .. } | Kind::Path { .. } | Kind::Option(_) => false,
    }
}

/// The line that a byte of a text stands on, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(requirement: &str) -> Result<Dependency> {
        let text = format!("[x]\n{requirement}\n");
        let range = 4..4 + requirement.len();
        Dependency::read(Path::new("f"), &text, range, requirement)
    }

    #[test]
    fn names_and_addresses_are_dependencies() {
        for (written, expected) in [
            ("numpy>=1.26", "numpy>=1.26"),
            (
                "  a [b] ; os_name == 'nt'  # why",
                "a [b] ; os_name == 'nt'",
            ),
            ("x @ https://h/x.zip", "x @ https://h/x.zip"),
            ("x @ git+https://h/x", "x @ git+https://h/x"),
        ] {
            let found = read(written).expect(written);
            assert_eq!((found.requirement.as_str(), found.line), (expected, 2));
        }
    }

    #[test]
    fn what_is_none_is_refused_at_its_line() {
        for written in [
            "numpy >>> 1",
            "",
            "-e .",
            "./x",
            "--pre",
            "https://h/x.zip",
            "a\nb",
            "x @ ./y",
            "x>>1 @ https://u:pa55@h/",
        ] {
            let error = read(written).expect_err(written);
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert_eq!(error.places()[0].line_number(), Some(2), "{written}");
            assert!(!format!("{error:?}").contains("pa55"), "{error:?}");
        }
    }
}
