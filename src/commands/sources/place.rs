//! Where files are shared: a directory or a registry.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A directory or an image of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory.
    Directory(PathBuf),
    /// The name of an image, which may also be that of a directory.
    Named(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
            return Err("this is neither a directory nor the name of an image".to_owned());
        }
        let is_path = text.starts_with(['/', '.', '~']) || text.ends_with('/');
        if is_path {
            return Ok(Self::Directory(text.into()));
        }
        Ok(Self::Named(text.to_owned()))
    }
}

impl Place {
    /// What it is, seen from a directory: a name of a directory that is there is that directory.
    pub fn from(&self, here: &Path) -> Self {
        match self {
            Self::Directory(path) => Self::Directory(here.join(path)),
            Self::Named(name) if here.join(name).is_dir() => Self::Directory(here.join(name)),
            Self::Named(name) => Self::Named(name.clone()),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Named(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_looks_like_one_or_is_there() {
        let here = tempfile::tempdir().expect("a directory");
        let inside = here.path().join("there");
        crate::files::make_directory(&inside).expect("made");
        let of = |text: &str| Place::from_str(text).expect("a place").from(here.path());
        assert_eq!(of("/x"), Place::Directory("/x".into()));
        assert_eq!(of("there"), Place::Directory(inside));
        assert_eq!(of("new/"), Place::Directory(here.path().join("new/")));
        assert_eq!(of("lab/x:1"), Place::Named("lab/x:1".into()));
        for wrong in ["", "--privileged", "a\nb"] {
            Place::from_str(wrong).expect_err("refused");
        }
    }
}
