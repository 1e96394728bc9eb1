//! What is on the disk at a path, remembered while planning and compared before the changes
//! are made.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::digest::digest;
use crate::files::read::{found, read_link_raw, read_raw};
use crate::files::transaction::Owner;

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    /// A directory, not a link to one.
    Directory,
    /// A file that will be written, reached through a link or not.
    File {
        bytes: Vec<u8>,
        mode: u32,
        user: u32,
        group: u32,
    },
    /// Anything that will be replaced or removed without a look inside.
    Outline {
        mode: u32,
        length: u64,
        modified: (i64, i64),
        /// Where it leads, if it is a link.
        link: Option<PathBuf>,
    },
}

impl Seen {
    /// Looks at what will be written; links are followed.
    pub(super) fn content(path: &Path) -> Result<Self> {
        let look = || -> io::Result<Self> {
            let Some(named) = found(path.symlink_metadata())? else {
                return Ok(Self::Nothing);
            };
            if named.is_dir() {
                return Ok(Self::Directory);
            }
            // Nothing is written through a link to nowhere.
            let Some(metadata) = found(path.metadata())?.filter(|metadata| metadata.is_file())
            else {
                return Ok(Self::of(path, &named));
            };
            Ok(Self::File {
                bytes: read_raw(path)?,
                mode: metadata.permissions().mode() & 0o7777,
                user: metadata.uid(),
                group: metadata.gid(),
            })
        };
        look().map_err(|source| Error::io("look at", path, source))
    }

    /// Looks at what will be replaced by a link, be it a file or a link.
    pub(super) fn content_unless_link(path: &Path) -> Result<Self> {
        if path.is_symlink() {
            Self::outline(path)
        } else {
            Self::content(path)
        }
    }

    /// Looks at what will be replaced or removed; links are not followed.
    pub(super) fn outline(path: &Path) -> Result<Self> {
        match found(path.symlink_metadata()) {
            Ok(None) => Ok(Self::Nothing),
            Ok(Some(metadata)) if metadata.is_dir() => Ok(Self::Directory),
            Ok(Some(metadata)) => Ok(Self::of(path, &metadata)),
            Err(source) => Err(Error::io("look at", path, source)),
        }
    }

    fn of(path: &Path, metadata: &std::fs::Metadata) -> Self {
        Self::Outline {
            mode: metadata.mode(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            link: read_link_raw(path).ok(),
        }
    }

    /// Looks again, in the same way.
    pub(super) fn again(&self, path: &Path) -> Result<Self> {
        match self {
            Self::File { .. } => Self::content(path),
            _ => Self::outline(path),
        }
    }

    pub(super) fn is_link(&self) -> bool {
        matches!(self, Self::Outline { link: Some(_), .. })
    }

    pub(super) fn is_link_to(&self, target: &Path) -> bool {
        matches!(self, Self::Outline { link: Some(link), .. } if link == target)
    }

    pub(super) fn is_directory(&self) -> bool {
        *self == Self::Directory
    }

    /// The digest of the bytes of a file that will be written.
    pub(super) fn digest(&self) -> Option<String> {
        match self {
            Self::File { bytes, .. } => Some(digest(bytes)),
            _ => None,
        }
    }
}

/// Who a new file in this directory of a project belongs to, if that is not simply whoever
/// creates it: a directory may pass on its group, and what root makes in a person's project is
/// the person's.
pub(super) fn inherited_owner(directory: &Path, root: &Path) -> Option<Owner> {
    let user = rustix::process::geteuid();
    let directory = directory.metadata().ok()?;
    let passes_on_group = directory.mode() & 0o2000 != 0;
    if user.is_root() {
        let root = root.metadata().ok()?;
        let group = if passes_on_group { &directory } else { &root }.gid();
        return Some(Owner {
            user: root.uid(),
            group,
        });
    }
    passes_on_group.then(|| Owner {
        user: user.as_raw(),
        group: directory.gid(),
    })
}
