//! Whether a process holds an open file, and whether its name still leads to it.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::sys;

/// Whether the lock was free, and is ours now.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        // A file system without locks: one process at a time is then up to the person, which is
        // better than no work at all.
        Err(TryLockError::Error(error)) if is_unsupported(&error) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOLCK]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Whether the path still leads to this open file.
pub(super) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match path.symlink_metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a lock file that no process holds; says whether it is gone.
pub(super) fn remove_stale(path: &Path) -> io::Result<bool> {
    let file = sys::open_lock_file(path)?;
    match try_lock(&file)? {
        true if is_named(&file, path)? => sys::remove_file(path).map(|()| true),
        _ => Ok(false),
    }
}
