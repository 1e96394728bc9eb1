//! `.envtpl/`, the directory in the project for what git must not see.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::boundary::{Last, refuse_leaving};
use super::read::{list_raw, read_raw};
use super::{held, sys};
use crate::error::{Error, Result};

/// The name of the directory, below the project's root.
pub const STATE_DIRECTORY: &str = ".envtpl";

/// How often a directory that comes and goes is tried.
const ATTEMPTS: u32 = 100;

/// What its `.gitignore` says: everything, itself included.
const IGNORE_ALL: &[u8] = b"*\n";

/// Makes sure that the project has the directory and that git ignores it; gives its path.
///
/// # Errors
/// When it cannot be created.
pub fn state_directory(root: &Path) -> Result<PathBuf> {
    refuse_leaving(root, Path::new(STATE_DIRECTORY), Last::Followed)?;
    prepare(root).map_err(|source| Error::io("create", &root.join(STATE_DIRECTORY), source))
}

/// As [`state_directory`], for callers that tell apart why it failed.
pub(super) fn prepare(root: &Path) -> io::Result<PathBuf> {
    let directory = root.join(STATE_DIRECTORY);
    ensure_directory(&directory)?;
    let ignore = directory.join(".gitignore");
    // Whoever died between creating and filling it left it empty.
    let unfinished = match read_raw(&ignore) {
        Ok(bytes) => bytes.is_empty(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(error),
    };
    if unfinished {
        let mut file = sys::open_lock_file(&ignore)?;
        sys::rewrite(&mut file, IGNORE_ALL)?;
    }
    give_to_owner(root, &[&directory, &ignore])?;
    Ok(directory)
}

/// The error for a project in which nothing can be prepared. When it is closed to us, what matters
/// to a person is the directory that is, not the file that envtpl wanted to write there.
pub(super) fn cannot_prepare(root: &Path, doing: &str, path: &Path, source: io::Error) -> Error {
    let state = root.join(STATE_DIRECTORY);
    let closed = [root, &state].into_iter().find(|directory| {
        directory.is_dir() && rustix::fs::access(*directory, Access::WRITE_OK).is_err()
    });
    let help = match (source.kind(), closed) {
        (ErrorKind::PermissionDenied, Some(closed)) if closed == root => {
            "let its owner give you the right to write there, or work in a copy of your own \
             (`git clone`, `cp -r`)"
                .to_owned()
        }
        (ErrorKind::PermissionDenied, Some(closed)) => format!(
            "another user made it: have them remove it, or take it over with \
             `sudo chown -R \"$(id -u):$(id -g)\" '{}'`",
            closed.display()
        ),
        (ErrorKind::ReadOnlyFilesystem, _) => {
            "its file system is mounted read-only: work in a copy elsewhere (`git clone`, `cp -r`)"
                .to_owned()
        }
        _ => return Error::io(doing, path, source),
    };
    let directory = closed.unwrap_or(root);
    Error::not_ready(format!("cannot write in `{}`", directory.display()))
        .because(source)
        .help(help)
        .help("`--dry-run` shows what a command would do, and writes nothing")
}

/// What root makes in a person's project is the person's: otherwise neither they nor their
/// containers could write there later.
pub(super) fn give_to_owner(root: &Path, made: &[&Path]) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = root.metadata()?;
    for path in made {
        if owner.uid() != 0 && path.symlink_metadata()?.uid() == 0 {
            sys::set_owner(path, owner.uid(), owner.gid())?;
        }
    }
    Ok(())
}

/// Creates the project's directory and those above it where they are missing; gives what was
/// created, outermost first.
pub(super) fn ensure_root(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut missing: Vec<_> = root
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.is_dir())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    for (index, path) in missing.iter().enumerate() {
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        let made = ensure_directory(path)
            .and_then(|()| give_to_owner(above.unwrap_or(Path::new(".")), &[path]));
        if let Err(error) = made {
            let _ = sys::remove_directory(path);
            remove_empty(&missing[..index]);
            return Err(error);
        }
    }
    Ok(missing)
}

/// Removes those directories that are empty, innermost first. A courtesy as [`tidy`].
pub(super) fn remove_empty(directories: &[PathBuf]) {
    for path in directories.iter().rev() {
        let _ = sys::remove_directory(path);
    }
}

/// Creates a directory unless it is there. Another process may tidy it away in between, so that it
/// is in the way at one moment and gone at the next; then it is tried again.
pub(super) fn ensure_directory(path: &Path) -> io::Result<()> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match sys::create_directory(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match path.metadata() {
                Ok(there) if there.is_dir() => return Ok(()),
                Err(_) if attempts < ATTEMPTS => {}
                _ => return Err(error),
            },
            result => return result,
        }
    }
}

/// Removes the directory again when it holds nothing but its `.gitignore` and locks that nobody
/// holds. That is a courtesy: whatever prevents it is no error.
pub(super) fn tidy(root: &Path) {
    let _ = try_tidy(&root.join(STATE_DIRECTORY));
}

fn try_tidy(directory: &Path) -> io::Result<()> {
    if directory.symlink_metadata()?.is_symlink() {
        // The person has put it elsewhere on purpose.
        return Ok(());
    }
    let ignore = directory.join(".gitignore");
    let mut locks = Vec::new();
    for path in list_raw(directory)? {
        if path
            .extension()
            .is_some_and(|extension| extension == "lock")
        {
            locks.push(path);
        } else if path != ignore || ![IGNORE_ALL, b""].contains(&read_raw(&ignore)?.as_slice()) {
            return Ok(());
        }
    }
    for path in locks {
        if !held::remove_stale(&path)? {
            return Ok(());
        }
    }
    match sys::remove_file(&ignore) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    sys::remove_directory(directory)
}
