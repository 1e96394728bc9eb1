//! Changes to several files that happen together or not at all.

mod layout;
mod report;
mod seen;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use self::layout::Layout;
use self::seen::Seen;
use super::transaction::{Effect, Owner, Plan, Transaction};
use super::walk::{EntryKind, walk};
use super::{STATE_DIRECTORY, read};
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
}

/// What will become of one path, and what is there today.
#[derive(Debug)]
struct Planned {
    after: After,
    before: Seen,
}

#[derive(Debug, PartialEq, Eq)]
enum After {
    File { bytes: Vec<u8>, mode: u32 },
    Symlink { target: PathBuf },
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
        let path = checked(path.as_ref())?;
        let target = target.into();
        let before = match self.layout.origin(path) {
            Some(origin) => Seen::content_unless_link(&self.root.join(origin))?,
            None => Seen::Nothing,
        };
        if before.is_directory() {
            return Err(self.in_the_way(path, "a directory"));
        }
        self.set(path, After::Symlink { target }, before);
        Ok(())
    }

    /// Plans a directory; those above a written file come by themselves.
    ///
    /// # Errors
    /// When there is something else than a directory.
    pub fn create_directory(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = checked(path.as_ref())?;
        match self.layout.origin(path) {
            Some(origin) if self.root.join(&origin).is_dir() => Ok(()),
            _ => {
                let before = self.outline(path)?;
                if before != Seen::Nothing {
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
        let (from, to) = (self.root.join(checked(from.as_ref())?), to.as_ref());
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
        let path = checked(path.as_ref())?;
        self.planned.retain(|planned, _| !planned.starts_with(path));
        let before = self.outline(path)?;
        match before {
            Seen::Nothing => return Ok(()),
            Seen::Directory => {
                // What was moved below it is found through the layout, like everything else.
                for entry in self.entries_below(path)? {
                    let below = path.join(entry);
                    let before = self.outline(&below)?;
                    // What was moved away from below it stays.
                    if before != Seen::Nothing {
                        self.set(&below, After::Nothing, before);
                    }
                }
            }
            _ => {}
        }
        self.set(path, After::Nothing, before);
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
        let path = checked(path.as_ref())?;
        match self.planned.get(path).map(|planned| &planned.after) {
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

    /// Makes the changes, all of them or none.
    ///
    /// # Errors
    /// When they cannot be made. Then nothing has changed; only if the disk fails in the very
    /// last step are they made in part, the error says so, and [`super::recover`] completes them.
    pub fn commit(self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut transaction = Transaction::begin(&self.root)?;
        match self.stage(&mut transaction) {
            Ok(plan) => transaction.run(&plan),
            Err(error) => {
                transaction.discard();
                Err(error)
            }
        }
    }

    /// Checks that the plan still fits the disk, and stages it.
    fn stage(&self, transaction: &mut Transaction) -> Result<Plan> {
        for (path, planned) in &self.planned {
            let Some(origin) = self.layout.origin(path) else {
                continue;
            };
            let origin = self.root.join(origin);
            if planned.before.again(&origin)? != planned.before {
                return Err(Error::failed(format!(
                    "`{}` was changed by someone else while envtpl worked; nothing was changed",
                    origin.display()
                ))
                .help("run the command again"));
            }
        }
        let mut plan = Plan::new(self.layout.steps(&self.root, self.directories_to_make())?);
        let places = self.planned.iter().map(|(path, planned)| {
            let follow = matches!(planned.after, After::File { .. });
            (path.as_path(), follow)
        });
        self.layout.check_access(&self.root, places)?;
        for (path, planned) in &self.planned {
            let owner = self.owner(path, &planned.before);
            let effect = match &planned.after {
                After::File { bytes, mode } => Effect::Place {
                    staged: transaction.stage_file(bytes, *mode, owner)?,
                    path: path.clone(),
                    follow: true,
                    before: planned.before.digest(),
                },
                After::Symlink { target } => Effect::Place {
                    staged: transaction.stage_symlink(target)?,
                    path: path.clone(),
                    follow: false,
                    before: planned.before.digest(),
                },
                After::Directory => continue,
                After::Nothing if planned.before.is_directory() => continue,
                After::Nothing => Effect::Remove { path: path.clone() },
            };
            plan.effects.push(effect);
        }
        plan.effects.extend(
            self.directories_to_prune()
                .into_iter()
                .map(|path| Effect::Prune { path }),
        );
        Ok(plan)
    }

    /// Directories that must be there for what will be written.
    fn directories_to_make(&self) -> impl Iterator<Item = &Path> {
        self.planned
            .iter()
            .filter_map(|(path, planned)| match planned.after {
                After::Directory => Some(path.as_path()),
                After::File { .. } | After::Symlink { .. } => path.parent(),
                After::Nothing => None,
            })
    }

    /// A replaced file keeps its owner; a new one in a directory with the setgid bit gets that
    /// directory's group, as if it had been created there.
    fn owner(&self, path: &Path, before: &Seen) -> Option<Owner> {
        if let Seen::File { user, group, .. } = before {
            return Some(Owner {
                user: *user,
                group: *group,
            });
        }
        let parent = self.layout.origin(path.parent()?)?;
        seen::inherited_owner(&self.root.join(parent))
    }

    /// Directories that a removal may leave empty, innermost first.
    fn directories_to_prune(&self) -> Vec<PathBuf> {
        let mut directories: Vec<PathBuf> = self
            .planned
            .iter()
            .filter(|(_, planned)| planned.after == After::Nothing)
            .flat_map(|(path, planned)| {
                let itself = planned.before.is_directory().then_some(path.as_path());
                itself.into_iter().chain(path.ancestors().skip(1))
            })
            .filter(|path| !path.as_os_str().is_empty())
            .map(Path::to_owned)
            .collect();
        directories.sort();
        directories.dedup();
        directories.reverse();
        directories
    }

    fn plan_file(
        &mut self,
        path: &Path,
        bytes: Vec<u8>,
        mode: impl FnOnce(Option<u32>) -> u32,
    ) -> Result<()> {
        let path = checked(path)?;
        let before = match self.layout.origin(path) {
            Some(origin) => Seen::content(&self.root.join(origin))?,
            None => Seen::Nothing,
        };
        let (unchanged, mode) = match &before {
            Seen::Nothing => (false, mode(None)),
            Seen::File {
                bytes: old_bytes,
                mode: old_mode,
                ..
            } => {
                let mode = mode(Some(*old_mode));
                (*old_bytes == bytes && *old_mode == mode, mode)
            }
            Seen::Directory => return Err(self.in_the_way(path, "a directory")),
            Seen::Outline { .. } => {
                return Err(self.in_the_way(path, "neither a file nor a link to one"));
            }
        };
        if unchanged {
            self.planned.remove(path);
        } else {
            self.set(path, After::File { bytes, mode }, before);
        }
        Ok(())
    }

    fn plan_rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (checked(from)?, checked(to)?);
        // What is removed makes no room for another: removals come last, for they cannot be undone.
        if self.will_exist(to)? || self.outline(to)? != Seen::Nothing {
            return Err(
                Error::failed(format!("`{}` exists already", to.display())).help(format!(
                    "rename or remove it first, or choose another name than `{}`",
                    to.display()
                )),
            );
        }
        if to.starts_with(from) {
            return Err(Error::failed(format!(
                "cannot move `{}` into itself",
                from.display()
            )));
        }
        if !self.will_exist(from)? {
            return Err(Error::failed(format!("there is no `{}`", from.display())));
        }
        if self.outline(from)? != Seen::Nothing {
            self.layout.rename(from.to_owned(), to.to_owned());
        }
        for (path, planned) in std::mem::take(&mut self.planned) {
            let path = layout::replace_prefix(&path, from, to).unwrap_or(path);
            self.planned.insert(path, planned);
        }
        Ok(())
    }

    /// Whether something will have this name after the changes planned so far.
    fn will_exist(&self, path: &Path) -> Result<bool> {
        if let Some(planned) = self.planned.get(path) {
            return Ok(planned.after != After::Nothing);
        }
        let below = self
            .planned
            .iter()
            .any(|(other, planned)| other.starts_with(path) && planned.after != After::Nothing);
        Ok(below || self.outline(path)? != Seen::Nothing)
    }

    /// What is on the disk today at what will be this path.
    fn outline(&self, path: &Path) -> Result<Seen> {
        match self.layout.origin(path) {
            Some(origin) => Seen::outline(&self.root.join(origin)),
            None => Ok(Seen::Nothing),
        }
    }

    /// The paths, relative to it, of everything that is or was moved below a directory.
    fn entries_below(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let mut entries = Vec::new();
        if let Some(origin) = self.layout.origin(path) {
            for entry in walk(&self.root.join(origin))? {
                entries.push(entry.path);
            }
        }
        for (_, to) in self.layout.moves() {
            let Some(origin) = self.layout.origin(to) else {
                continue;
            };
            let Ok(relative) = to.strip_prefix(path) else {
                continue;
            };
            if relative.as_os_str().is_empty() {
                continue;
            }
            entries.push(relative.to_owned());
            let origin = self.root.join(origin);
            if origin.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                entries.extend(
                    walk(&origin)?
                        .iter()
                        .map(|entry| relative.join(&entry.path)),
                );
            }
        }
        Ok(entries)
    }

    fn set(&mut self, path: &Path, after: After, before: Seen) {
        self.planned
            .insert(path.to_owned(), Planned { after, before });
    }

    fn in_the_way(&self, path: &Path, what: &str) -> Error {
        Error::failed(format!(
            "cannot write `{}`: it is {what}",
            self.root.join(path).display()
        ))
        .help("rename or remove it first")
    }
}

fn cannot_copy(path: &Path) -> Error {
    Error::failed(format!(
        "cannot copy `{}`: it is neither file, directory nor link",
        path.display()
    ))
}

/// Paths come from within envtpl, but names in them come from people: nothing outside of the
/// project may be reached, nor the transaction itself.
fn checked(path: &Path) -> Result<&Path> {
    let normal = path
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    let mut start = path.components().map(Component::as_os_str);
    let transaction = start.next() == Some(OsStr::new(STATE_DIRECTORY))
        && start.next() == Some(OsStr::new("transaction"));
    if path.as_os_str().is_empty() || !normal || transaction {
        return Err(Error::failed(format!(
            "`{}` is no path inside the project",
            path.display()
        )));
    }
    Ok(path)
}

/// The person's umask. The system only tells it to those who set it, so that is done once, for
/// an instant, with a value that keeps files private.
fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let old = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        rustix::process::umask(old);
        old.as_raw_mode() as u32
    })
}
