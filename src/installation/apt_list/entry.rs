//! One package of a list: its name, perhaps with an architecture and a version.

use std::fmt;
use std::ops::Range;

use super::word::{Fault, check_arch, check_name, check_version};

/// One package of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptEntry {
    /// The package's name, without architecture and version.
    pub name: String,
    /// The version behind `=`, if there is one.
    pub version: Option<String>,
    /// The architecture behind `:`, if there is one.
    pub arch: Option<String>,
    /// Where the entry stands in the text, in bytes.
    pub span: Range<usize>,
}

impl AptEntry {
    /// Reads one word of a list, which starts at byte `start` of the text.
    pub(super) fn parse(word: &str, start: usize) -> Result<Self, Fault> {
        let (head, version) = match word.split_once('=') {
            Some((head, version)) => (head, Some(version)),
            None => (word, None),
        };
        let (name, arch) = match head.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (head, None),
        };
        check_name(name, word)?;
        arch.map_or(Ok(()), |arch| check_arch(arch, word))?;
        version.map_or(Ok(()), |version| check_version(version, word))?;
        Ok(Self {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            arch: arch.map(str::to_owned),
            span: start..start + word.len(),
        })
    }

    /// Whether both stand for the same package; the version makes no difference.
    pub(super) fn same_package(&self, other: &Self) -> bool {
        (&self.name, &self.arch) == (&other.name, &other.arch)
    }
}

/// As it is written in a list.
impl fmt::Display for AptEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(arch) = &self.arch {
            write!(f, ":{arch}")?;
        }
        match &self.version {
            Some(version) => write!(f, "={version}"),
            None => Ok(()),
        }
    }
}
