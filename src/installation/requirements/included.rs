//! Files that requirements files include with `-r`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Requirements;
use crate::error::Result;
use crate::files;

/// Opens included files, each once.
#[derive(Debug)]
pub struct Includes {
    within: PathBuf,
    seen: BTreeSet<PathBuf>,
}

/// What `-r` leads to.
#[derive(Debug)]
pub enum Inclusion {
    /// A file that was not opened before.
    Read(Requirements),
    /// A file that was opened before.
    Again,
    /// No file.
    Missing,
    /// A file outside of the directory that counts.
    Outside,
    /// A file that is not on this machine.
    Address,
}

impl Includes {
    /// Opens files within a directory.
    pub fn within(directory: &Path) -> Self {
        Self {
            within: resolved(directory),
            seen: BTreeSet::new(),
        }
    }

    /// Takes a file for opened.
    pub fn note(&mut self, path: &Path) {
        self.seen.insert(resolved(path));
    }

    /// Opens what the file `from` includes as `location`: relative to that file, as pip has it.
    ///
    /// # Errors
    /// When it cannot be read, or is no requirements file.
    pub fn open(&mut self, from: &Path, location: &str) -> Result<Inclusion> {
        if location.contains("://") {
            return Ok(Inclusion::Address);
        }
        let path = resolved(&from.parent().unwrap_or(Path::new("")).join(location));
        if !path.starts_with(&self.within) {
            return Ok(Inclusion::Outside);
        }
        if self.seen.contains(&path) {
            return Ok(Inclusion::Again);
        }
        let Some(text) = files::read_text_if_exists(&path)? else {
            return Ok(Inclusion::Missing);
        };
        let requirements = Requirements::parse(&path, &text)?;
        self.seen.insert(path);
        Ok(Inclusion::Read(requirements))
    }
}

/// A path without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if resolved.file_name().is_some() => {
                resolved.pop();
            }
            other => resolved.push(other),
        }
    }
    resolved
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_opened_once_and_nothing_outside() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("root");
        std::fs::create_dir_all(root.join("sub")).expect("made");
        std::fs::write(directory.path().join("other.txt"), "x\n").expect("written");
        std::fs::write(root.join("more.txt"), "a\n").expect("written");
        let mut includes = Includes::within(&root);
        let from = root.join("sub/dev.txt");
        let mut open = |location: &str| includes.open(&from, location).expect("opened");
        assert!(matches!(open("https://h/x.txt"), Inclusion::Address));
        assert!(matches!(open("none.txt"), Inclusion::Missing));
        assert!(matches!(open("../../other.txt"), Inclusion::Outside));
        assert!(
            matches!(open(".././more.txt"), Inclusion::Read(read) if read.path() == root.join("more.txt"))
        );
        assert!(matches!(open("../more.txt"), Inclusion::Again));
        std::fs::write(root.join("sub/bad.txt"), ">>>\n").expect("written");
        includes.note(&root.join("sub/dev.txt"));
        assert!(matches!(
            includes.open(&from, "dev.txt"),
            Ok(Inclusion::Again)
        ));
        let error = includes.open(&from, "bad.txt").expect_err("refused");
        assert_eq!(error.places()[0].line_number(), Some(1));
    }
}
