//! The store: a directory where each file lies by its digest.

use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::environment::sources::inventory::Digest;
use crate::error::{Error, Result};
use crate::files::{self, Unfinished, hexadecimal};

/// How a file stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there, and right.
    Right,
    /// It is not there.
    Missing,
    /// It is there and something else than its name says; what.
    Wrong(String),
}

/// A directory of files by digest: `sha256/ab/abcd…`, `git/ab/abcd….bundle`.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The store in a directory, which need not be there yet.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a file lies in a store, from its directory on.
    pub fn relative(digest: &Digest) -> PathBuf {
        let digits = digest.digits();
        match digest {
            Digest::Sha256(_) => Path::new("sha256").join(&digits[..2]).join(digits),
            Digest::Commit(_) => {
                let name = format!("{digits}.bundle");
                Path::new("git").join(&digits[..2]).join(name)
            }
        }
    }

    /// Where a file lies.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(Self::relative(digest))
    }

    /// Whether there is a file by that name; whether it is the right one, [`Self::state`] tells.
    pub fn has(&self, digest: &Digest) -> bool {
        files::exists(&self.path(digest))
    }

    /// Reads a file and says whether it is the right one. A commit is judged by the digest that
    /// was noted when it was stored; git looks at it when it comes into the store.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn state(&self, digest: &Digest) -> Result<State> {
        let path = self.path(digest);
        let expected = match digest {
            Digest::Sha256(digits) => digits.clone(),
            Digest::Commit(_) => match files::read_text_if_exists(&noted(&path))? {
                Some(noted) => noted.trim().to_owned(),
                None => return Ok(State::Missing),
            },
        };
        Ok(match files::digest_of(&path)? {
            None => State::Missing,
            Some(found) if found == expected => State::Right,
            Some(found) => State::Wrong(format!("its sha256 is {found} and not {expected}")),
        })
    }

    /// The unfinished file of a digest; waits while another process writes it. `None` when that
    /// one brought it.
    ///
    /// # Errors
    /// `Interrupted` while waiting; when it cannot be written.
    pub fn unfinished(
        &self,
        digest: &Digest,
        interrupted: impl Fn() -> bool,
    ) -> Result<Option<Unfinished>> {
        let path = self.path(digest);
        if let Some(directory) = path.parent() {
            files::make_directory(directory)?;
        }
        let unfinished = Unfinished::wait_for(&part(&path), interrupted)?;
        if self.has(digest) {
            unfinished.discard();
            return Ok(None);
        }
        Ok(Some(unfinished))
    }

    /// Removes a file that is not what its name says.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, digest: &Digest) -> Result<()> {
        files::remove(&self.path(digest))
    }

    /// Copies a file from another store, if it is the right one there: says how it stands there.
    ///
    /// # Errors
    /// When it cannot be read or written, `Interrupted`.
    pub fn take(
        &self,
        from: &Self,
        digest: &Digest,
        interrupted: impl Fn() -> bool + Copy,
    ) -> Result<State> {
        use std::io::Read;
        let source = from.path(digest);
        let expected = match digest {
            Digest::Sha256(digits) => Some(digits.clone()),
            Digest::Commit(_) => files::read_text_if_exists(&noted(&source))?,
        };
        let (Some(expected), Some(mut reader)) = (expected, files::open_if_exists(&source)?) else {
            return Ok(State::Missing);
        };
        let expected = expected.trim();
        let Some(mut unfinished) = self.unfinished(digest, interrupted)? else {
            return Ok(State::Right);
        };
        unfinished.restart()?;
        let mut hash = sha2::Sha256::new();
        let mut block = vec![0; 256 * 1024];
        loop {
            let length = reader
                .read(&mut block)
                .map_err(|error| Error::io("read", &source, error))?;
            if length == 0 {
                break;
            }
            if interrupted() {
                return Err(Error::interrupted());
            }
            hash.update(&block[..length]);
            unfinished.append(&block[..length])?;
        }
        let found = hexadecimal(hash);
        if found != expected {
            unfinished.discard();
            return Ok(State::Wrong(format!(
                "its sha256 is {found} and not {expected}"
            )));
        }
        // What lies there now may be something else than what was written.
        let written = hexadecimal(unfinished.digest()?);
        if written != expected {
            unfinished.discard();
            return Err(
                Error::failed("the disk gave back something else than was written")
                    .at(crate::error::Place::file(self.path(digest))),
            );
        }
        if let Digest::Commit(_) = digest {
            self.note(digest, expected)?;
        }
        unfinished.finish(&self.path(digest))?;
        Ok(State::Right)
    }

    /// Puts the bundle of a commit into the store.
    ///
    /// # Errors
    /// When it cannot be read or written, `Interrupted`.
    pub fn put(
        &self,
        digest: &Digest,
        bundle: &Path,
        interrupted: impl Fn() -> bool + Copy,
    ) -> Result<()> {
        let Some(sha256) = files::digest_of(bundle)? else {
            return Err(Error::failed("git wrote no bundle"));
        };
        self.note(digest, &sha256)?;
        let path = self.path(digest);
        files::remove(&path)?;
        if let Some(unfinished) = self.unfinished(digest, interrupted)? {
            unfinished.discard();
        }
        files::link(bundle, &path)
    }

    fn note(&self, digest: &Digest, sha256: &str) -> Result<()> {
        let path = noted(&self.path(digest));
        if let Some(directory) = path.parent() {
            files::make_directory(directory)?;
        }
        let Some(mut note) = Unfinished::open(&part(&path))? else {
            return Ok(());
        };
        note.restart()?;
        note.append(format!("{sha256}\n").as_bytes())?;
        note.finish(&path)
    }
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn noted(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &Store, bytes: &[u8]) -> Digest {
        let digest = Digest::Sha256(files::digest(bytes));
        let mut unfinished = store
            .unfinished(&digest, || false)
            .expect("opened")
            .expect("free");
        unfinished.append(bytes).expect("written");
        unfinished.finish(&store.path(&digest)).expect("moved");
        digest
    }

    #[test]
    fn one_flipped_byte_is_seen_and_is_not_taken_over() {
        let place = tempfile::tempdir().expect("a directory");
        let [mine, theirs] = ["a", "b"].map(|name| Store::at(place.path().join(name)));
        let digest = put(&theirs, b"contents");
        assert_eq!(mine.state(&digest).expect("asked"), State::Missing);
        assert_eq!(
            mine.take(&theirs, &digest, || false).expect("taken"),
            State::Right
        );
        assert_eq!(mine.state(&digest).expect("asked"), State::Right);

        let mut changes = files::ChangeSet::new(theirs.directory());
        changes
            .write(Store::relative(&digest), "content5", 0o644)
            .expect("planned");
        changes.commit().expect("written");
        assert!(matches!(theirs.state(&digest), Ok(State::Wrong(_))));
        mine.remove(&digest).expect("removed");
        let taken = mine.take(&theirs, &digest, || false).expect("looked at");
        assert!(matches!(taken, State::Wrong(_)));
        assert_eq!(mine.state(&digest).expect("asked"), State::Missing);
    }

    #[test]
    fn a_file_lies_by_its_digest() {
        let commit = Digest::Commit("cd".repeat(20));
        assert_eq!(
            Store::relative(&commit),
            Path::new("git/cd").join(format!("{}.bundle", "cd".repeat(20)))
        );
        let file = Digest::Sha256("ab".repeat(32));
        assert_eq!(
            Store::relative(&file),
            Path::new("sha256/ab").join("ab".repeat(32))
        );
    }
}
