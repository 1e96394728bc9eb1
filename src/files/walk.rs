//! Everything below a directory.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::read::list_raw;
use crate::error::{Error, Result};

/// Something below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path, relative to the directory that was walked; any bytes that a file name may have.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
    /// Its permission bits.
    pub mode: u32,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A symbolic link; it is not followed.
    Symlink,
    /// A directory; what is in it comes after it.
    Directory,
    /// A device, a pipe or a socket.
    Other,
}

/// Everything below a directory, sorted by path, parents before what they contain.
/// Symbolic links are listed, never followed.
///
/// # Errors
/// When the directory or one below it cannot be read.
pub fn walk(directory: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(relative) = pending.pop() {
        let here = directory.join(&relative);
        for path in list_raw(&here).map_err(|source| Error::io("list", &here, source))? {
            let Some(name) = path.file_name() else {
                continue;
            };
            let relative = relative.join(name);
            let entry = match entry(&path, relative) {
                Ok(entry) => entry,
                // It went away while we walked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("look at", &path, error)),
            };
            if entry.kind == EntryKind::Directory {
                pending.push(entry.path.clone());
            }
            entries.push(entry);
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

fn entry(path: &Path, relative: PathBuf) -> io::Result<Entry> {
    let metadata = path.symlink_metadata()?;
    let kind = match metadata.file_type() {
        kind if kind.is_symlink() => EntryKind::Symlink,
        kind if kind.is_dir() => EntryKind::Directory,
        kind if kind.is_file() => EntryKind::File,
        _ => EntryKind::Other,
    };
    Ok(Entry {
        path: relative,
        kind,
        mode: metadata.permissions().mode() & 0o7777,
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the trees they walk")]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn all_kinds_and_names_are_found_in_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let odd = OsStr::from_bytes(b"caf\xe9 \n");
        fs::create_dir_all(root.join("a/empty")).expect("created");
        fs::write(root.join("a/f"), "x").expect("written");
        fs::set_permissions(root.join("a/f"), fs::Permissions::from_mode(0o750)).expect("set");
        fs::write(root.join(odd), "x").expect("written");
        std::os::unix::fs::symlink("a", root.join("z")).expect("linked");

        let entries = walk(root).expect("walked");
        let found: Vec<_> = entries
            .iter()
            .map(|entry| (entry.path.as_os_str(), entry.kind))
            .collect();
        assert_eq!(
            found,
            [
                (OsStr::new("a"), EntryKind::Directory),
                (OsStr::new("a/empty"), EntryKind::Directory),
                (OsStr::new("a/f"), EntryKind::File),
                (odd, EntryKind::File),
                (OsStr::new("z"), EntryKind::Symlink),
            ]
        );
        assert_eq!(entries[2].mode, 0o750);
    }
}
