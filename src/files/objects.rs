//! Large files: written piece by piece beside their place, and moved there when they are whole;
//! read piece by piece. Losing one costs a download only, so they need no change set.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::digest::hexadecimal;
use super::held::is_named;
use super::read::found;
use super::walk::{EntryKind, walk};
use super::{state, sys};
use crate::error::{Error, Result};

/// How much is read at once.
const BLOCK: usize = 256 * 1024;

/// How often a process that waits for another looks again.
const PAUSE: Duration = Duration::from_millis(100);

/// A file that is not whole yet. Only one process at a time has it, and what was written so far
/// stays when this process dies.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Unfinished {
    /// Opens the file or begins it; `None` while another process writes it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let wrong = |source| Error::io("write", path, source);
        let file = sys::open_to_append(path, 0o644).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            // A file system without locks: what two processes mix up, the digest finds.
            Err(TryLockError::Error(_)) => {}
        }
        // Whoever had it until now may have moved it to its place: then this name is another's.
        if !is_named(&file, path).map_err(wrong)? {
            return Ok(None);
        }
        let length = file.metadata().map_err(wrong)?.len();
        Ok(Some(Self {
            file,
            path: path.to_owned(),
            length,
        }))
    }

    /// As [`Self::open`], and waits while another process writes it.
    ///
    /// # Errors
    /// `Interrupted` while waiting; when it cannot be opened.
    pub fn wait_for(path: &Path, interrupted: impl Fn() -> bool) -> Result<Self> {
        loop {
            if let Some(unfinished) = Self::open(path)? {
                return Ok(unfinished);
            }
            if interrupted() {
                return Err(Error::interrupted());
            }
            // The system tells who waits for a lock of its end, but not of an interruption.
            std::thread::sleep(PAUSE);
        }
    }

    /// How long it is so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digest of what is there so far, to be carried on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn digest(&mut self) -> Result<Sha256> {
        let wrong = |source| Error::io("read", &self.path, source);
        self.file.rewind().map_err(wrong)?;
        let mut hash = Sha256::new();
        each_block(&mut self.file, |block| hash.update(block)).map_err(wrong)?;
        Ok(hash)
    }

    /// Writes behind its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        sys::append(&mut self.file, bytes)
            .map_err(|source| Error::io("write", &self.path, source))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Begins again with nothing.
    ///
    /// # Errors
    /// When it cannot be emptied.
    pub fn restart(&mut self) -> Result<()> {
        sys::empty(&self.file).map_err(|source| Error::io("write", &self.path, source))?;
        self.length = 0;
        Ok(())
    }

    /// It is whole: moves it to its place, in one step.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn finish(self, place: &Path) -> Result<()> {
        sys::rename(&self.path, place).map_err(|source| Error::io("write", place, source))
    }

    /// Removes it.
    pub fn discard(self) {
        // What remains is emptied by whoever needs it next.
        let _ = sys::remove_file(&self.path);
    }
}

/// Makes a directory that only the person may look into, and those above it where they are missing.
/// One that is there stays as it is.
///
/// # Errors
/// When one cannot be made.
pub fn make_private_directory(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    make_directory(path)?;
    sys::set_mode(path, 0o700).map_err(|source| Error::io("make private", path, source))
}

/// Makes a directory and those above it where they are missing. What root makes belongs to the
/// owner of the directory around it.
///
/// # Errors
/// When one cannot be made.
pub fn make_directory(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    state::ensure_root(path)
        .map(drop)
        .map_err(|source| Error::io("create", path, source))
}

/// A file to be read piece by piece; `None` when there is none.
///
/// # Errors
/// When it cannot be opened.
pub fn open_if_exists(path: &Path) -> Result<Option<impl Read + use<>>> {
    found(File::open(path)).map_err(|source| Error::io("read", path, source))
}

/// The SHA-256 of a file, in hexadecimal; `None` when there is none.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> Result<Option<String>> {
    let wrong = |source| Error::io("read", path, source);
    let Some(mut file) = found(File::open(path)).map_err(wrong)? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    each_block(&mut file, |block| hash.update(block)).map_err(wrong)?;
    Ok(Some(hexadecimal(hash)))
}

/// The size of a file; `None` when there is none.
pub fn size(path: &Path) -> Option<u64> {
    Some(path.metadata().ok()?.len())
}

/// Gives a file a second name; where the file system does not let it, a copy. Directories on the
/// way are made.
///
/// # Errors
/// When neither can be made.
pub fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(directory) = to.parent() {
        make_directory(directory)?;
    }
    sys::hard_link(from, to)
        .or_else(|_| sys::copy(from, to))
        .map_err(|source| Error::io("write", to, source))
}

/// Removes a file if it is there.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    found(sys::remove_file(path))
        .map(drop)
        .map_err(|source| Error::io("remove", path, source))
}

/// Removes a directory of envtpl's own with all that is in it, if it is there.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_tree(directory: &Path) -> Result<()> {
    if found(directory.symlink_metadata()).is_ok_and(|there| there.is_none()) {
        return Ok(());
    }
    let mut entries = walk(directory)?;
    // What a directory contains goes before it.
    entries.reverse();
    for entry in entries {
        let path = directory.join(entry.path);
        let removed = match entry.kind {
            EntryKind::Directory => sys::remove_directory(&path),
            _ => sys::remove_file(&path),
        };
        removed.map_err(|source| Error::io("remove", &path, source))?;
    }
    sys::remove_directory(directory).map_err(|source| Error::io("remove", directory, source))
}

fn each_block(file: &mut File, mut with: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(length) => with(&block[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn a_file_appears_when_it_is_whole_and_is_carried_on_when_it_was_cut() {
        let directory = tempfile::tempdir().expect("a directory");
        let (part, place) = (directory.path().join("x.part"), directory.path().join("x"));
        let mut first = Unfinished::open(&part).expect("opened").expect("free");
        first.append(b"one ").expect("written");
        let other = Unfinished::open(&part).expect("no error");
        assert!(other.is_none(), "another has it");
        drop(first);
        assert!(!place.exists());

        let mut second = Unfinished::open(&part).expect("opened").expect("free");
        assert_eq!(second.length(), 4);
        let mut hash = second.digest().expect("read");
        hash.update(b"two");
        second.append(b"two").expect("written");
        second.finish(&place).expect("moved");
        assert_eq!(files::read(&place).expect("there"), b"one two");
        assert!(!part.exists());
        let whole = hexadecimal(hash);
        assert_eq!(digest_of(&place).expect("read"), Some(whole));
        assert_eq!(digest_of(&part).expect("no error"), None);
    }

    #[test]
    fn a_tree_goes_with_all_that_is_in_it_and_links_are_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let kept = directory.path().join("kept");
        std::fs::write(&kept, "x").expect("written");
        let tree = directory.path().join("tree");
        link(&kept, &tree.join("a/b/c")).expect("linked");
        std::os::unix::fs::symlink(directory.path(), tree.join("out")).expect("linked");
        remove_tree(&tree).expect("removed");
        assert!(kept.exists() && !tree.exists());
        remove_tree(&tree).expect("nothing to do");
    }
}
