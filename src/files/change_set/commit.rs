//! From a change set to a transaction: checks, staged files, the order of things.

use std::path::{Path, PathBuf};

use super::seen::{self, Seen};
use super::{After, ChangeSet};
use crate::error::{Error, Result};
use crate::files::transaction::{Effect, Owner, Plan, Transaction};

impl ChangeSet {
    /// Makes the changes, all of them or none.
    ///
    /// # Errors
    /// When they cannot be made. Then nothing has changed; only if the disk fails in the very
    /// last step are they made in part, the error says so, and [`crate::files::recover`] completes them.
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
        let (steps, made) = self.layout.steps(&self.root, self.directories_to_make())?;
        if let Some(path) = made.iter().find(|path| self.will_be_no_directory(path)) {
            return Err(Error::failed(format!(
                "`{}` cannot be both a file and a directory",
                path.display()
            )));
        }
        let mut plan = Plan::new(steps);
        let places = self.planned.iter().map(|(path, planned)| {
            let follow = matches!(planned.after, After::File { follow: true, .. });
            (path.as_path(), follow)
        });
        self.layout.check_access(&self.root, places)?;
        for (path, planned) in &self.planned {
            let owner = self.owner(path, &planned.before);
            let is_precious = planned.before != Seen::Nothing;
            let effect = match &planned.after {
                After::File {
                    bytes,
                    mode,
                    follow,
                } => Effect::Place {
                    staged: transaction.stage_file(bytes, *mode, owner, is_precious)?,
                    path: path.clone(),
                    follow: *follow,
                    before: planned.before.digest(),
                },
                After::Symlink { target } => Effect::Place {
                    staged: transaction.stage_symlink(target)?,
                    path: path.clone(),
                    follow: false,
                    before: planned.before.digest(),
                },
                After::Directory => continue,
                After::Nothing if planned.removes_directory() => continue,
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

    fn will_be_no_directory(&self, path: &Path) -> bool {
        self.planned.get(path).is_some_and(|planned| {
            matches!(planned.after, After::File { .. } | After::Symlink { .. })
        })
    }

    /// A replaced file keeps its owner; a new one gets the one that it would have if it were
    /// created where it will be.
    fn owner(&self, path: &Path, before: &Seen) -> Option<Owner> {
        if let Seen::File { user, group, .. } = before {
            return Some(Owner {
                user: *user,
                group: *group,
            });
        }
        let parents = path.ancestors().skip(1);
        let parent = parents
            .filter_map(|parent| Some(self.root.join(self.layout.origin(parent)?)))
            .find(|parent| parent.is_dir())?;
        seen::inherited_owner(&parent, &self.root)
    }

    /// Directories that a removal may leave empty, innermost first.
    fn directories_to_prune(&self) -> Vec<PathBuf> {
        let mut directories: Vec<PathBuf> = self
            .planned
            .iter()
            .filter(|(_, planned)| planned.after == After::Nothing)
            .flat_map(|(path, planned)| {
                let itself = planned.removes_directory().then_some(path.as_path());
                itself.into_iter().chain(path.ancestors().skip(1))
            })
            .filter(|path| !path.as_os_str().is_empty() && !self.is_wanted(path))
            .map(Path::to_owned)
            .collect();
        directories.sort();
        directories.dedup();
        directories.reverse();
        directories
    }

    /// Whether a directory was asked for, be it empty.
    fn is_wanted(&self, path: &Path) -> bool {
        self.planned
            .get(path)
            .is_some_and(|planned| planned.after == After::Directory)
    }
}
