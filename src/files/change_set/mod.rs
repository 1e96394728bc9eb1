//! Changes to several files that happen together or not at all.

mod commit;
mod layout;
mod locate;
mod planning;
mod report;
mod seen;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make and look at trees")]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use self::layout::Layout;
use self::seen::Seen;
use super::read;
use super::umask::umask;
use super::walk::{EntryKind, walk};
use crate::error::{Error, Result};

pub use report::{Action, Change, unified_diff};

/// The permission bits of a new file about which nobody said anything.
const ORDINARY: u32 = 0o666;

/// Changes to the files of one project, planned first, then made by [`ChangeSet::commit`].
///
/// All paths are relative to the project's root. Each call sees what the calls before it have
/// planned: after `rename_directory("a", "b")`, the file `a/f` is `b/f`. What is on the disk is
/// looked at while planning, and must still be the same when the changes are made.
#[derive(Debug)]
pub struct ChangeSet {
    root: PathBuf,
    layout: Layout,
    planned: BTreeMap<PathBuf, Planned>,
    real_directories: RefCell<HashMap<PathBuf, Option<PathBuf>>>,
}

/// What will become of one path, and what is there today.
#[derive(Debug)]
struct Planned {
    after: After,
    before: Seen,
}

impl Planned {
    fn removes_directory(&self) -> bool {
        self.after == After::Nothing && self.before.is_directory()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum After {
    File {
        bytes: Vec<u8>,
        mode: u32,
        /// Whether a link there leads to what is written.
        follow: bool,
    },
    Symlink {
        target: PathBuf,
    },
    Directory,
    Nothing,
}

impl ChangeSet {
    /// No changes yet. The root need not exist.
    pub fn new(project_root: impl Into<PathBuf>) -> Self {
        let root: PathBuf = project_root.into();
        Self {
            root: if root.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                root
            },
            layout: Layout::default(),
            planned: BTreeMap::new(),
            real_directories: RefCell::default(),
        }
    }

    /// The project that the changes are for.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Plans that a file has these bytes and these permission bits, whether it is there or not.
    /// As for every new file, the person's umask takes bits away from the mode.
    /// A symbolic link to a file is followed.
    ///
    /// # Errors
    /// When there is something else than a file, or it cannot be looked at.
    pub fn write(
        &mut self,
        path: impl AsRef<Path>,
        bytes: impl Into<Vec<u8>>,
        mode: u32,
    ) -> Result<()> {
        self.plan_file(path.as_ref(), bytes.into(), |_| mode & !umask())
    }

    /// Plans that a file has these bytes; its permission bits stay, and a new file gets
    /// ordinary ones. A symbolic link to a file is followed.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_keeping_mode(
        &mut self,
        path: impl AsRef<Path>,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<()> {
        self.plan_file(path.as_ref(), bytes.into(), |before| {
            before.unwrap_or(ORDINARY & !umask())
        })
    }

    /// Plans a symbolic link in place of nothing, a file or another link.
    ///
    /// # Errors
    /// When there is a directory, or it cannot be looked at.
    pub fn write_symlink(
        &mut self,
        path: impl AsRef<Path>,
        target: impl Into<PathBuf>,
    ) -> Result<()> {
        let path = &self.locate(path.as_ref(), false)?;
        self.check_above(path)?;
        self.check_below(path)?;
        let target = target.into();
        let before = match self.layout.origin(path) {
            Some(origin) => Seen::content_unless_link(&self.root.join(origin))?,
            None => Seen::Nothing,
        };
        let planned = self.planned_after(path);
        if before.is_directory() || planned == Some(&After::Directory) {
            return Err(self.in_the_way(path, "a directory"));
        }
        if before.is_link_to(&target) {
            self.keep(path);
        } else {
            self.set(path, After::Symlink { target }, before);
        }
        Ok(())
    }

    /// Plans a directory; those above a written file come by themselves.
    ///
    /// # Errors
    /// When there is something else than a directory.
    pub fn create_directory(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = &self.locate(path.as_ref(), false)?;
        self.check_above(path)?;
        match self.layout.origin(path) {
            Some(origin) if self.root.join(&origin).is_dir() => {
                if self.planned.contains_key(path) {
                    // It was to be removed.
                    self.set(path, After::Directory, Seen::Directory);
                }
                Ok(())
            }
            _ => {
                let before = self.outline(path)?;
                let planned = self.planned_after(path);
                if before != Seen::Nothing || planned.is_some_and(|it| *it != After::Directory) {
                    return Err(self.in_the_way(path, "no directory"));
                }
                self.set(path, After::Directory, before);
                Ok(())
            }
        }
    }

    /// Plans a copy of a file or symbolic link, or of a directory with all that it contains.
    /// `from` is a path as it is on the disk today; permission bits are copied too.
    ///
    /// # Errors
    /// When it cannot be read, is neither file, link nor directory, or the copy cannot be
    /// planned.
    pub fn copy(&mut self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        let (from, to) = (self.root.join(locate::checked(from.as_ref())?), to.as_ref());
        let metadata = from
            .symlink_metadata()
            .map_err(|source| Error::io("copy", &from, source))?;
        if metadata.is_symlink() {
            self.write_symlink(to, read::read_link(&from)?)
        } else if metadata.is_file() {
            let mode = read::mode(&from)?;
            self.plan_file(to, read::read(&from)?, |_| mode)
        } else if metadata.is_dir() {
            self.create_directory(to)?;
            for entry in walk(&from)? {
                let (from, to) = (from.join(&entry.path), to.join(&entry.path));
                match entry.kind {
                    EntryKind::File => self.plan_file(&to, read::read(&from)?, |_| entry.mode)?,
                    EntryKind::Symlink => self.write_symlink(&to, read::read_link(&from)?)?,
                    EntryKind::Directory => self.create_directory(&to)?,
                    EntryKind::Other => return Err(cannot_copy(&from)),
                }
            }
            Ok(())
        } else {
            Err(cannot_copy(&from))
        }
    }

    /// Plans that a file, a symbolic link (not its target) or a directory with all that it
    /// contains is no longer there. Directories that become empty go too. What is not there
    /// anyway is no error.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn remove(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = &self.locate(path.as_ref(), false)?;
        self.planned.retain(|planned, _| !planned.starts_with(path));
        let before = self.outline(path)?;
        if matches!(before, Seen::Directory | Seen::Nothing) {
            for below in self.entries_below(path)? {
                let before = self.outline(&below)?;
                // What was moved away from below it stays.
                if before != Seen::Nothing {
                    self.set(&below, After::Nothing, before);
                }
            }
        }
        if before != Seen::Nothing {
            self.set(path, After::Nothing, before);
        }
        Ok(())
    }

    /// Plans that a directory has another name, with everything that is in it.
    ///
    /// # Errors
    /// When it is not there, or the new name is taken.
    pub fn rename_directory(&mut self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        self.plan_rename(from.as_ref(), to.as_ref())
    }

    /// Plans that a file or symbolic link has another name.
    ///
    /// # Errors
    /// As [`Self::rename_directory`].
    pub fn rename_file(&mut self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        self.plan_rename(from.as_ref(), to.as_ref())
    }

    /// What a file will contain after the changes planned so far; `None` when there will be none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn content(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
        let path = &self.locate(path.as_ref(), true)?;
        match self.planned_after(path) {
            Some(After::File { bytes, .. }) => Ok(Some(bytes.clone())),
            Some(_) => Ok(None),
            None => match self.layout.origin(path) {
                Some(origin) => read::read_if_exists(&self.root.join(origin)),
                None => Ok(None),
            },
        }
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.layout.moves().is_empty() && self.planned.is_empty()
    }

    /// What would change, renamed directories first, then sorted by path; for `--dry-run`.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        report::changes(self.layout.moves(), &self.planned)
    }
}

fn cannot_copy(path: &Path) -> Error {
    Error::failed(format!(
        "cannot copy `{}`: it is neither file, directory nor link",
        path.display()
    ))
}
