//! The one error of the crate: what happened, where, why, and what to do next.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Result with the crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an error is; it decides the exit status (`docs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The work failed, or a check refused it: a build, a dirty tree, a conflict.
    Failed,
    /// The command line or a file that a person wrote is wrong.
    Usage,
    /// The environment is not ready: engine, disk, permission, missing image.
    NotReady,
    /// The person stopped it (Ctrl-C, SIGTERM).
    Interrupted,
    /// Whoever reads our output closed it; there is nobody left to tell.
    ClosedPipe,
}

impl Kind {
    /// The process exit status for this kind.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotReady => 3,
            Self::Interrupted => 130,
            // What a shell reports for a process that SIGPIPE killed.
            Self::ClosedPipe => 141,
        }
    }
}

/// Where in a file something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it should be shown to the person.
    pub path: PathBuf,
    /// The file's text and the byte range at fault, when the fault is inside the file.
    pub excerpt: Option<(String, Range<usize>)>,
    /// A few words about the marked range, shown beside it; may be empty.
    pub label: String,
}

impl Place {
    /// The file as a whole.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            excerpt: None,
            label: String::new(),
        }
    }

    /// A byte range of the file; it is cut to the text, so that a wrong range cannot panic.
    pub fn span(path: impl Into<PathBuf>, text: &str, range: Range<usize>) -> Self {
        let floor = |mut index: usize| {
            index = index.min(text.len());
            while !text.is_char_boundary(index) {
                index -= 1;
            }
            index
        };
        let start = floor(range.start);
        let end = floor(range.end).max(start);
        Self {
            path: path.into(),
            excerpt: Some((text.to_owned(), start..end)),
            label: String::new(),
        }
    }

    /// A whole line of the file, counted from 1.
    pub fn line(path: impl Into<PathBuf>, text: &str, line: usize) -> Self {
        let mut start = 0;
        for (index, content) in text.split_inclusive('\n').enumerate() {
            if index + 1 == line {
                let end = start + content.trim_end().len();
                return Self::span(path, text, start..end);
            }
            start += content.len();
        }
        Self::span(path, text, text.len()..text.len())
    }

    /// Puts a few words beside the marked range.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The line at fault, counted from 1, when it is known.
    pub fn line_number(&self) -> Option<usize> {
        let (text, range) = self.excerpt.as_ref()?;
        Some(text[..range.start].matches('\n').count() + 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.line_number() {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Details {
    kind: Kind,
    message: String,
    places: Vec<Place>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    help: Vec<String>,
}

/// What happened, where, why and what to do next.
///
/// Messages start in lower case, end without a full stop and put names between backticks.
#[derive(Debug)]
pub struct Error(Box<Details>);

impl Error {
    /// An error of the given kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            places: Vec::new(),
            source: None,
            help: Vec::new(),
        }))
    }

    /// The work failed or was refused by a check (exit status 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Wrong usage or wrong input (exit status 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The environment is not ready (exit status 3).
    pub fn not_ready(message: impl Into<String>) -> Self {
        Self::new(Kind::NotReady, message)
    }

    /// The person stopped the command (exit status 130).
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// An operation on a file failed; the kind follows from the operating system's reason:
    /// a full disk, a read-only file system or a missing permission is `NotReady`.
    pub fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let (kind, help) = match source.kind() {
            Io::PermissionDenied => (
                Kind::NotReady,
                Some("check who owns it: `ls -ld` on it and on its directory"),
            ),
            Io::IsADirectory => (
                Kind::Usage,
                Some("a file belongs there, and it is a directory: rename or remove it"),
            ),
            Io::ReadOnlyFilesystem => (
                Kind::NotReady,
                Some("the file system is mounted read-only; work in a copy elsewhere"),
            ),
            Io::StorageFull | Io::QuotaExceeded => (
                Kind::NotReady,
                Some("no space is left there: free some (`df -h .`) and run the command again"),
            ),
            _ => (Kind::Failed, None),
        };
        let error = Self::new(kind, format!("cannot {doing} `{}`", path.display())).because(source);
        match help {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// Adds a place; the first one is shown as the primary one.
    pub fn at(mut self, place: Place) -> Self {
        self.0.places.push(place);
        self
    }

    /// Adds the cause.
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds a next step.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    /// Changes the kind, for a caller that knows better what a failure means.
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The kind, which decides the exit status.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What happened, in one line.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened.
    pub fn places(&self) -> &[Place] {
        &self.0.places
    }

    /// The causes, outermost first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next: Option<&(dyn StdError + 'static)> =
            self.0.source.as_deref().map(|source| source as _);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }

    /// The next steps.
    pub fn helps(&self) -> &[String] {
        &self.0.help
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.0.places.first() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_knows_its_line() {
        let text = "a\nbb\nccc\n";
        assert_eq!(Place::line("f", text, 2).to_string(), "f:2");
        assert_eq!(Place::span("f", text, 5..8).line_number(), Some(3));
        assert_eq!(Place::span("f", text, 90..99).line_number(), Some(4));
    }

    #[test]
    fn a_span_inside_a_character_is_widened_not_panicked_on() {
        let place = Place::span("f", "é", 1..2);
        assert_eq!(place.excerpt, Some(("é".to_owned(), 0..2)));
    }

    #[test]
    fn causes_are_listed_outermost_first() {
        let inner = Error::failed("inner").because(std::io::Error::other("deep"));
        let outer = Error::failed("outer").because(inner);
        assert_eq!(outer.causes(), ["inner", "deep"]);
    }
}
