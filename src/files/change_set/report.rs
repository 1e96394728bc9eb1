//! What a change set would do, for `--dry-run`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use similar::TextDiff;

use super::seen::Seen;
use super::{After, Planned};

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It has other bytes or another mode.
    Change,
    /// It is no longer there.
    Remove,
    /// It, or the directory with all its files, has another name.
    Rename,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Remove => "remove",
            Self::Rename => "rename",
        })
    }
}

/// One planned change.
#[derive(Debug, Serialize)]
pub struct Change<'a> {
    /// What happens.
    pub action: Action,
    /// The name before, when it is renamed.
    #[serde(
        serialize_with = "lossy_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub from: Option<&'a Path>,
    /// The file, relative to the project's root.
    #[serde(serialize_with = "lossy")]
    pub path: &'a Path,
    /// Its bytes before, when it is a file whose bytes change.
    #[serde(skip)]
    pub before: Option<&'a [u8]>,
    /// Its bytes after, when it is a file whose bytes change.
    #[serde(skip)]
    pub after: Option<&'a [u8]>,
    /// Its permission bits before and after, where they differ.
    #[serde(skip)]
    pub modes: Option<(u32, u32)>,
}

impl Change<'_> {
    /// The change as a unified diff with git's file headers; empty when no bytes change.
    pub fn diff(&self) -> String {
        match (self.before, self.after) {
            (None, None) => String::new(),
            (before, after) => unified_diff(self.path, before, after),
        }
    }
}

/// One line, such as "create installation/amd64-cpu/Dockerfile".
impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.action)?;
        if let Some(from) = self.from {
            write!(f, "{} -> ", from.display())?;
        }
        write!(f, "{}", self.path.display())?;
        if let Some((before, after)) = self.modes {
            write!(f, " (mode {before:04o} -> {after:04o})")?;
        }
        Ok(())
    }
}

/// The difference between two states of a file as a unified diff with git's file headers;
/// `None` stands for a file that is not there.
pub fn unified_diff(path: &Path, before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let name = |side, bytes: Option<&[u8]>| match bytes {
        Some(_) => format!("{side}/{}", path.display()),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (name("a", before), name("b", after));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before == after {
        return String::new();
    }
    let text = |bytes| {
        std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
    };
    match (text(before), text(after)) {
        (Some(before), Some(after)) => TextDiff::from_lines(before, after)
            .unified_diff()
            .header(&old, &new)
            .to_string(),
        _ => format!("Binary files {old} and {new} differ\n"),
    }
}

pub(super) fn changes<'a>(
    moves: &'a [(PathBuf, PathBuf)],
    planned: &'a BTreeMap<PathBuf, Planned>,
) -> impl Iterator<Item = Change<'a>> {
    let renamed = moves.iter().map(|(from, to)| Change {
        action: Action::Rename,
        from: Some(from),
        path: to,
        before: None,
        after: None,
        modes: None,
    });
    let rest = planned
        .iter()
        // A directory that was to be removed and then not.
        .filter(|(_, planned)| planned.after != After::Directory || !planned.before.is_directory())
        .map(|(path, planned)| change(path, planned));
    renamed.chain(rest)
}

fn change<'a>(path: &'a Path, planned: &'a Planned) -> Change<'a> {
    let action = match (&planned.before, &planned.after) {
        (_, After::Nothing) => Action::Remove,
        (Seen::Nothing, _) => Action::Create,
        _ => Action::Change,
    };
    let (before, old_mode) = match &planned.before {
        Seen::File { bytes, mode, .. } => (Some(bytes.as_slice()), Some(*mode)),
        _ => (None, None),
    };
    let (after, new_mode) = match &planned.after {
        After::File { bytes, mode, .. } => (Some(bytes.as_slice()), Some(*mode)),
        _ => (None, None),
    };
    let same = before == after;
    Change {
        action,
        from: None,
        path,
        before: before.filter(|_| !same),
        after: after.filter(|_| !same),
        modes: old_mode.zip(new_mode).filter(|(old, new)| old != new),
    }
}

fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn lossy_option<S: Serializer>(path: &Option<&Path>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => lossy(path, serializer),
        None => serializer.serialize_none(),
    }
}
