//! Where things are before and after the planned renames, and which directories must be made.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::error::{Error, Result};
use crate::files::transaction::Step;

/// The planned renames, in order.
#[derive(Debug, Default)]
pub(super) struct Layout {
    moves: Vec<(PathBuf, PathBuf)>,
}

impl Layout {
    pub(super) fn rename(&mut self, from: PathBuf, to: PathBuf) {
        self.moves.push((from, to));
    }

    pub(super) fn moves(&self) -> &[(PathBuf, PathBuf)] {
        &self.moves
    }

    /// Where today is what will be at `path`; `None` when it was moved away from there.
    pub(super) fn origin(&self, path: &Path) -> Option<PathBuf> {
        origin(&self.moves, path)
    }

    /// Where will be what is at `path` today.
    pub(super) fn destination(&self, path: &Path) -> PathBuf {
        destination(&self.moves, path)
    }

    /// Where everything that is renamed will be in the end.
    pub(super) fn destinations(&self) -> impl Iterator<Item = PathBuf> {
        self.moves
            .iter()
            .enumerate()
            .map(|(index, (_, to))| destination(&self.moves[index + 1..], to))
    }

    /// The steps that make the renames, what directories they need, and these directories;
    /// and the names of all directories made.
    pub(super) fn steps<'a>(
        &self,
        root: &Path,
        directories: impl Iterator<Item = &'a Path>,
    ) -> Result<(Vec<Step>, Vec<PathBuf>)> {
        let mut steps = Vec::new();
        // Directories made so far, under the names that they have at that point.
        let mut made: Vec<PathBuf> = Vec::new();
        for (index, (from, to)) in self.moves.iter().enumerate() {
            if let Some(parent) = to.parent() {
                make_directory(root, &self.moves[..index], parent, &mut made, &mut steps)?;
            }
            for path in &mut made {
                if let Some(moved) = replace_prefix(path, from, to) {
                    *path = moved;
                }
            }
            steps.push(Step::Move {
                from: from.clone(),
                to: to.clone(),
            });
        }
        for path in directories {
            make_directory(root, &self.moves, path, &mut made, &mut steps)?;
        }
        Ok((steps, made))
    }

    /// Checks that names can be created and removed wherever that will be needed, and that
    /// renames stay on one file system. With each place comes whether a link there is followed.
    pub(super) fn check_access<'a>(
        &self,
        root: &Path,
        places: impl Iterator<Item = (&'a Path, bool)>,
    ) -> Result<()> {
        for (index, (from, to)) in self.moves.iter().enumerate() {
            let source = root.join(origin(&self.moves[..index], from).unwrap_or_default());
            let old = nearest_directory(root, &self.moves[..index], from);
            let new = nearest_directory(root, &self.moves[..index], to);
            check_writable(&old)?;
            check_writable(&new)?;
            if device(source.symlink_metadata(), &source)? != device(new.metadata(), &new)? {
                return Err(Error::failed(format!(
                    "cannot move `{}` to `{}`: they are on different file systems",
                    from.display(),
                    to.display()
                ))
                .help("copy it there by hand"));
            }
        }
        let mut checked = BTreeSet::new();
        for (path, follow) in places {
            if checked.insert(path.parent()) {
                check_writable(&nearest_directory(root, &self.moves, path))?;
            }
            // What is reached through a link is replaced where it really is.
            let real = self
                .origin(path)
                .filter(|_| follow)
                .map(|origin| root.join(origin))
                .filter(|origin| origin.is_symlink())
                .and_then(|origin| origin.canonicalize().ok());
            if let Some(parent) = real.as_deref().and_then(Path::parent) {
                check_writable(parent)?;
            }
        }
        Ok(())
    }
}

fn origin(moves: &[(PathBuf, PathBuf)], path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for (from, to) in moves.iter().rev() {
        if let Some(before) = replace_prefix(&path, to, from) {
            path = before;
        } else if path.starts_with(from) {
            return None;
        }
    }
    Some(path)
}

fn destination(moves: &[(PathBuf, PathBuf)], path: &Path) -> PathBuf {
    moves.iter().fold(path.to_owned(), |path, (from, to)| {
        replace_prefix(&path, from, to).unwrap_or(path)
    })
}

/// The path below `to` that corresponds to `path` below `from`.
pub(super) fn replace_prefix(path: &Path, from: &Path, to: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(from).ok()?;
    // Joining an empty path would end the name with a slash.
    Some(if rest.as_os_str().is_empty() {
        to.to_owned()
    } else {
        to.join(rest)
    })
}

/// Adds the steps that make a directory and those above it, where they will be missing.
fn make_directory(
    root: &Path,
    moves: &[(PathBuf, PathBuf)],
    path: &Path,
    made: &mut Vec<PathBuf>,
    steps: &mut Vec<Step>,
) -> Result<()> {
    let ancestors: Vec<&Path> = path.ancestors().collect();
    for directory in ancestors.into_iter().rev() {
        if directory.as_os_str().is_empty() || made.iter().any(|made| made == directory) {
            continue;
        }
        let today = origin(moves, directory).map(|origin| root.join(origin));
        match today {
            Some(today) if today.is_dir() => {}
            Some(today) if today.symlink_metadata().is_ok() => {
                return Err(Error::failed(format!(
                    "cannot create files in `{}`: `{}` is not a directory",
                    path.display(),
                    today.display()
                ))
                .help("rename or remove it first"));
            }
            _ => {
                made.push(directory.to_owned());
                steps.push(Step::MakeDirectory {
                    path: directory.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Where on the disk today is the innermost directory above `path` that is there.
fn nearest_directory(root: &Path, moves: &[(PathBuf, PathBuf)], path: &Path) -> PathBuf {
    path.ancestors()
        .skip(1)
        .filter_map(|ancestor| origin(moves, ancestor))
        .map(|origin| root.join(origin))
        .find(|ancestor| ancestor.is_dir())
        .unwrap_or_else(|| root.to_owned())
}

fn check_writable(directory: &Path) -> Result<()> {
    rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|errno| Error::io("change files in", directory, errno.into()))
}

fn device(metadata: io::Result<Metadata>, path: &Path) -> Result<u64> {
    metadata
        .map(|metadata| metadata.dev())
        .map_err(|source| Error::io("look at", path, source))
}
