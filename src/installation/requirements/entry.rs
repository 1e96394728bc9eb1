//! What one line of a requirements file asks for.

use std::fmt;
use std::ops::Range;

use super::location::Location;
use super::normalise;
use super::options::FileOption;

/// What a line of a requirements file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A distribution of the index.
    Named {
        /// As it is written.
        name: String,
        /// As names are compared (PEP 503).
        normalised: String,
        /// The extras, as they are written.
        extras: Vec<String>,
        /// The versions, as they are written, brackets included; may be empty.
        specifier: String,
        /// The environment marker, as it is written.
        marker: Option<String>,
    },
    /// An archive at a URL.
    Url {
        /// The name before `@`, in `#egg=` or in the wheel's file name.
        name: Option<String>,
        /// The extras.
        extras: Vec<String>,
        /// The URL.
        url: Location,
        /// The environment marker.
        marker: Option<String>,
    },
    /// A repository of a version control system.
    Vcs {
        /// The name before `@` or in `#egg=`.
        name: Option<String>,
        /// The extras.
        extras: Vec<String>,
        /// The whole URL, with its `git+`, revision and fragment.
        url: Location,
        /// The revision: a branch, a tag or a commit.
        revision: Option<String>,
        /// The environment marker.
        marker: Option<String>,
    },
    /// A project that is installed in place (`-e`).
    Editable {
        /// The name before `@` or in `#egg=`.
        name: Option<String>,
        /// The path or URL.
        target: Location,
    },
    /// A file or directory.
    Path {
        /// The name before `@` or in the wheel's file name.
        name: Option<String>,
        /// The extras.
        extras: Vec<String>,
        /// The path.
        path: Location,
        /// The environment marker.
        marker: Option<String>,
    },
    /// An option for the whole file, such as `--index-url`, `-r` or `-c`.
    Option(FileOption),
}

impl Kind {
    /// The distribution's name, as it is written, when the line tells it.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named { name, .. } => Some(name),
            Self::Url { name, .. }
            | Self::Vcs { name, .. }
            | Self::Editable { name, .. }
            | Self::Path { name, .. } => name.as_deref(),
            Self::Option(_) => None,
        }
    }

    /// The extras that are asked for.
    pub fn extras(&self) -> &[String] {
        match self {
            Self::Named { extras, .. }
            | Self::Url { extras, .. }
            | Self::Vcs { extras, .. }
            | Self::Path { extras, .. } => extras,
            Self::Editable { .. } | Self::Option(_) => &[],
        }
    }

    /// The environment marker, as it is written.
    pub fn marker(&self) -> Option<&str> {
        match self {
            Self::Named { marker, .. }
            | Self::Url { marker, .. }
            | Self::Vcs { marker, .. }
            | Self::Path { marker, .. } => marker.as_deref(),
            Self::Editable { .. } | Self::Option(_) => None,
        }
    }

    /// Where it comes from, when it is not the index.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::Url { url, .. } | Self::Vcs { url, .. } => Some(url),
            Self::Editable { target, .. } => Some(target),
            Self::Path { path, .. } => Some(path),
            Self::Named { .. } | Self::Option(_) => None,
        }
    }

    /// The one version that a named requirement allows: `==1.2` or `===1.2`, without `*`.
    pub fn exact_version(&self) -> Option<&str> {
        let Self::Named { specifier, .. } = self else {
            return None;
        };
        let inside = specifier
            .strip_prefix('(')
            .and_then(|inside| inside.strip_suffix(')'))
            .unwrap_or(specifier);
        let version = inside.strip_prefix("==")?;
        let version = version.strip_prefix('=').unwrap_or(version).trim();
        let plain = !version.is_empty() && !version.contains([',', '*', '$']);
        plain.then_some(version)
    }
}

/// A line of a requirements file, or one of the options on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it asks for.
    pub kind: Kind,
    /// The options behind a requirement: `--hash`, `--config-settings` and older ones.
    pub options: Vec<FileOption>,
    /// Where it stands in the text, in bytes: from its first to its last character, without the
    /// comment behind.
    pub span: Range<usize>,
    /// The whole lines, with their comment and line ending.
    pub(super) line: Range<usize>,
    /// Where the specifier of a named requirement stands, or where one goes.
    pub(super) specifier: Range<usize>,
}

impl Entry {
    /// The name as names are compared (PEP 503), when the line tells it.
    pub fn normalised(&self) -> Option<String> {
        match &self.kind {
            Kind::Named { normalised, .. } => Some(normalised.clone()),
            kind => kind.name().map(normalise),
        }
    }

    /// Whether it asks for a distribution, and not for a setting or another file.
    pub fn is_requirement(&self) -> bool {
        !matches!(self.kind, Kind::Option(_))
    }

    /// The hashes that are allowed, each `algorithm:digits`.
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        self.options
            .iter()
            .filter(|option| option.name == "--hash")
            .filter_map(|option| option.value.as_ref().map(Location::as_written))
    }

    pub(super) fn move_back(&mut self, by: usize) {
        for range in [&mut self.span, &mut self.line, &mut self.specifier] {
            *range = range.start - by..range.end - by;
        }
    }
}

/// For messages: in one line, without hashes and without credentials.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Option(option) => {
                f.write_str(option.name)?;
                return match &option.value {
                    Some(value) => write!(f, " {value}"),
                    None => Ok(()),
                };
            }
            Kind::Editable { target, .. } => return write!(f, "-e {target}"),
            _ => {}
        }
        f.write_str(self.kind.name().unwrap_or_default())?;
        if !self.kind.extras().is_empty() {
            write!(f, "[{}]", self.kind.extras().join(","))?;
        }
        if let Kind::Named { specifier, .. } = &self.kind {
            f.write_str(specifier)?;
        }
        if let Some(location) = self.kind.location() {
            f.write_str(if self.kind.name().is_some() {
                " @ "
            } else {
                ""
            })?;
            write!(f, "{location}")?;
        }
        match self.kind.marker() {
            Some(marker) => write!(f, " ; {marker}"),
            None => Ok(()),
        }
    }
}
