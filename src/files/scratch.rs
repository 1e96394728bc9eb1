//! Directories for what is on its way to its place, and goes with the process that made them.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::held::is_named;
use super::objects::remove_tree;
use super::read::{found, list};
use super::walk::{EntryKind, walk};
use crate::error::{Error, Result};

/// How the names of such directories begin.
const PREFIX: &str = ".new-";

/// A directory that is empty at first and removed when this is dropped. What a killed process
/// leaves of it goes with [`Self::clear_abandoned`].
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    /// Locked as long as the process lives, which tells others that the directory is in use.
    _open: File,
}

impl Scratch {
    /// An empty directory in `parent`, so that a rename brings files from it to their place.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn inside(parent: &Path) -> Result<Self> {
        let wrong = |source| Error::io("create a directory in", parent, source);
        loop {
            let directory = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempdir_in(parent)
                .map_err(wrong)?;
            if let Some(open) = claim(directory.path()).map_err(wrong)? {
                return Ok(Self {
                    directory,
                    _open: open,
                });
            }
        }
    }

    /// Removes what processes that are gone left in `parent`.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn clear_abandoned(parent: &Path) -> Result<()> {
        let is_ours = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) && !path.is_symlink()
        };
        for directory in list(parent)?.into_iter().filter(is_ours) {
            let Ok(open) = File::open(&directory) else {
                continue;
            };
            if open.try_lock().is_ok() {
                // What cannot be removed now is in nobody's way.
                let _ = remove_tree(&directory);
            }
        }
        Ok(())
    }

    /// Puts it in its place, where nothing may be but a directory that it replaces.
    ///
    /// # Errors
    /// When what is there cannot be removed, or the place is on another file system.
    pub fn settle(self, place: &Path) -> Result<()> {
        remove_tree(place)?;
        let moved = super::sys::rename(self.directory.path(), place);
        moved.map_err(|source| Error::io("write", place, source))
    }

    /// Puts one of the things in it in its place; what is there goes when the new one is there, and
    /// stays when that cannot be moved.
    ///
    /// # Errors
    /// When it cannot be moved, or what was there cannot be removed.
    pub fn settle_one(self, name: &str, place: &Path) -> Result<()> {
        let wrong = |source| Error::io("write", place, source);
        let old = self.directory.path().join(".old");
        let had = found(super::sys::rename(place, &old))
            .map_err(wrong)?
            .is_some();
        if let Err(source) = super::sys::rename(&self.directory.path().join(name), place) {
            if had {
                // It is the first failure that is told.
                let _ = super::sys::rename(&old, place);
            }
            return Err(wrong(source));
        }
        if !had || !old.is_dir() || old.is_symlink() {
            return Ok(());
        }
        // Directories that came out of an image may not be writable.
        for entry in walk(&old)?
            .into_iter()
            .filter(|one| one.kind == EntryKind::Directory)
        {
            let path = old.join(entry.path);
            super::sys::set_mode(&path, 0o700)
                .map_err(|source| Error::io("remove", &path, source))?;
        }
        remove_tree(&old)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Locks a directory just made. `None` when another process took it for abandoned meanwhile.
fn claim(directory: &Path) -> io::Result<Option<File>> {
    let open = match File::open(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        open => open?,
    };
    match open.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        // Where directories cannot be locked, nobody takes one for abandoned.
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => {
            Ok(is_named(&open, directory)?.then_some(open))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_cleared_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().expect("a directory");
        let abandoned = parent.path().join(".new-abandoned");
        std::fs::create_dir_all(abandoned.join("below")).expect("made");
        std::fs::write(abandoned.join("below/half"), "a").expect("written");
        let kept = parent.path().join("sha256");
        std::fs::create_dir(&kept).expect("made");
        std::os::unix::fs::symlink(&kept, parent.path().join(".new-link")).expect("made");

        let make = || {
            Scratch::clear_abandoned(parent.path()).expect("cleared");
            Scratch::inside(parent.path()).expect("made")
        };
        let first = make();
        std::fs::write(first.path().join("mine"), "a").expect("written");
        assert!(!abandoned.exists() && kept.exists());
        let second = make();
        assert_ne!(first.path(), second.path());
        assert!(first.path().join("mine").exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }

    #[test]
    fn many_at_once_take_nothing_from_each_other() {
        let parent = tempfile::tempdir().expect("a directory");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        Scratch::clear_abandoned(parent.path()).expect("cleared");
                        let scratch = Scratch::inside(parent.path()).expect("made");
                        let file = scratch.path().join("file");
                        std::fs::write(&file, "a").expect("written");
                        assert_eq!(std::fs::read(&file).expect("there"), b"a");
                    }
                });
            }
        });
        let left = std::fs::read_dir(parent.path()).expect("listed").count();
        assert_eq!(left, 0);
    }
}
