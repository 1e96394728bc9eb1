//! Looking at single files and directories.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Place, Result};

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::io("read", path, source))
}

/// A file that is too long to be read at once.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> Result<impl io::BufRead + use<>> {
    let file = fs::File::open(path).map_err(|source| Error::io("read", path, source))?;
    Ok(io::BufReader::new(file))
}

/// The bytes of a file, or `None` when there is no such file.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>> {
    found(fs::read(path)).map_err(|source| Error::io("read", path, source))
}

/// The text of a file that a person writes.
///
/// # Errors
/// When it cannot be read; a usage error that points at the line when it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    text(path, read(path)?)
}

/// The text of a file, or `None` when there is no such file.
///
/// # Errors
/// As [`read_text`].
pub fn read_text_if_exists(path: &Path) -> Result<Option<String>> {
    read_if_exists(path)?
        .map(|bytes| text(path, bytes))
        .transpose()
}

/// Where a symbolic link points to.
///
/// # Errors
/// When it is no link or cannot be read.
pub fn read_link(path: &Path) -> Result<PathBuf> {
    fs::read_link(path).map_err(|source| Error::io("read the link", path, source))
}

/// Whether anything has this name, be it a symbolic link to nowhere.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether this is a directory or a symbolic link to one.
pub fn is_directory(path: &Path) -> bool {
    path.is_dir()
}

/// The permission bits of a file, of the target if it is a symbolic link.
///
/// # Errors
/// When it is not there or cannot be looked at.
pub fn mode(path: &Path) -> Result<u32> {
    path.metadata()
        .map(|metadata| metadata.permissions().mode() & 0o7777)
        .map_err(|source| Error::io("look at", path, source))
}

/// What a directory contains, as full paths, sorted.
///
/// # Errors
/// When it cannot be read.
pub fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    list_raw(directory).map_err(|source| Error::io("list", directory, source))
}

/// Where a symbolic link points to, for callers that tell apart why it failed.
pub(super) fn read_link_raw(path: &Path) -> io::Result<PathBuf> {
    fs::read_link(path)
}

/// As [`list`], for callers that tell apart why it failed.
pub(super) fn list_raw(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The bytes of a file, for callers that tell apart why it failed.
pub(super) fn read_raw(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Turns "there is no such file" into `None`. A file where a directory should be on the way to
/// the name means the same.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let shown = String::from_utf8_lossy(error.as_bytes());
        // The replacement character of the lossy text stands where the first bad byte is.
        let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
        Error::usage(format!("`{}` is not UTF-8 text", path.display()))
            .at(Place::span(path, &shown, start..end).label("this is not UTF-8"))
            .help("save the file as UTF-8: `iconv -t UTF-8` converts it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn text_that_is_not_utf_8_is_pointed_at() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("f");
        fs::write(&path, b"first\nsecond \xff\n").expect("written");
        let error = read_text(&path).expect_err("not UTF-8");
        assert_eq!(error.kind(), Kind::Usage);
        assert_eq!(error.places()[0].line_number(), Some(2));
    }

    #[test]
    fn what_is_missing_is_none_and_what_cannot_be_read_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("f");
        fs::write(&file, "x").expect("written");
        let none = read_if_exists(&directory.path().join("g")).expect("no error");
        assert_eq!(none, None);
        assert_eq!(read_if_exists(&file.join("below")).expect("none"), None);
        assert_eq!(read_text_if_exists(&file).expect("read"), Some("x".into()));
        assert!(read_if_exists(directory.path()).is_err());
        let error = read(&directory.path().join("g")).expect_err("missing");
        assert!(error.message().contains("cannot read"), "{error}");
    }

    #[test]
    fn a_link_to_nowhere_exists() {
        let directory = tempfile::tempdir().expect("a directory");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("linked");
        assert!(exists(&link));
        assert!(!is_directory(&link));
        assert_eq!(read_link(&link).expect("a link"), Path::new("nowhere"));
        assert!(mode(&link).is_err());
    }

    #[test]
    fn a_list_is_sorted_and_full() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["b", "a", "c"] {
            fs::write(directory.path().join(name), "").expect("written");
        }
        let expected = ["a", "b", "c"].map(|name| directory.path().join(name));
        assert_eq!(list(directory.path()).expect("listed"), expected);
    }
}
