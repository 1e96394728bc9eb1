//! The system calls that change the disk, one function each; [`fault::point`] stands before all
//! of them, so that no change escapes the tests that kill the process at every operation.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::fault;

/// Creates one directory; its parent must be there.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    fault::point()?;
    fs::create_dir(path)
}

/// Creates a file that must not exist yet, readable for nobody else.
pub(super) fn create_file(path: &Path, bytes: &[u8]) -> io::Result<File> {
    fault::point()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    fault::point()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Lets the system begin to move a file's contents to the disk, without waiting for it.
pub(super) fn begin_sync(file: &File) {
    // Advice for reading by its name, but this is what it does for what was just written.
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Creates a symbolic link that must not exist yet.
pub(super) fn create_symlink(target: &Path, path: &Path) -> io::Result<()> {
    fault::point()?;
    std::os::unix::fs::symlink(target, path)
}

/// Opens a file for locking, and creates it if it is not there. It is one of envtpl's own: where a
/// link has its name, somebody else put it there, and what it leads to is not ours to write.
pub(super) fn open_lock_file(path: &Path) -> io::Result<File> {
    fault::point()?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Opens a file for writing behind its end, and creates it with these permission bits if it is not
/// there; a link by its name is refused, as for locks.
pub(super) fn open_to_append(path: &Path, mode: u32) -> io::Result<File> {
    fault::point()?;
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(mode)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Writes behind the end of an open file.
pub(super) fn append(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    fault::point()?;
    file.write_all(bytes)
}

/// Empties an open file.
pub(super) fn empty(file: &File) -> io::Result<()> {
    fault::point()?;
    file.set_len(0)
}

/// Gives a file a second name on the same file system.
pub(super) fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    fault::point()?;
    fs::hard_link(from, to)
}

/// Copies a file with its permission bits.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fault::point()?;
    fs::copy(from, to).map(drop)
}

/// Replaces what an open file contains.
pub(super) fn rewrite(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    fault::point()?;
    file.set_len(0)?;
    fault::point()?;
    io::Seek::rewind(file)?;
    file.write_all(bytes)
}

/// Gives a file to a user and a group.
pub(super) fn set_owner(path: &Path, user: u32, group: u32) -> io::Result<()> {
    fault::point()?;
    std::os::unix::fs::lchown(path, Some(user), Some(group))
}

/// Sets the permission bits of a file.
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fault::point()?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Renames; a file at the new name is replaced in one step.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fault::point()?;
    fs::rename(from, to)
}

/// Removes a file or a symbolic link.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    fault::point()?;
    fs::remove_file(path)
}

/// Removes an empty directory.
pub(super) fn remove_directory(path: &Path) -> io::Result<()> {
    fault::point()?;
    fs::remove_dir(path)
}

/// Makes the contents of files, or the names in a directory, survive a power failure. Together,
/// many take hardly longer than one: each waits for the disk, not for the others.
pub(super) fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    const AT_ONCE: usize = 16;
    for batch in paths.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = batch
                .iter()
                .map(|path| scope.spawn(|| sync(path)))
                .collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a thread died")))
            })
        })?;
    }
    Ok(())
}

/// Makes the contents of a file, or the names in a directory, survive a power failure.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    fault::point()?;
    match File::open(path)?.sync_all() {
        // Some network file systems cannot do this for directories; there is no more to be had.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}
