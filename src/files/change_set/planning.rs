//! What may be planned, given what is on the disk and what is planned already.

use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::seen::Seen;
use super::{After, ChangeSet, Planned, layout};
use crate::error::{Error, Result};
use crate::files::walk::walk;

impl ChangeSet {
    pub(super) fn plan_file(
        &mut self,
        path: &Path,
        bytes: Vec<u8>,
        mode: impl FnOnce(Option<u32>) -> u32,
    ) -> Result<()> {
        let path = &self.locate(path, true)?;
        self.check_above(path)?;
        self.check_below(path)?;
        let outline = self.outline(path)?;
        // A link that was to be removed makes room for a file, any other is followed.
        let (follow, removed, planned_mode) = match self.planned_after(path) {
            Some(After::Symlink { .. }) => return Err(self.in_the_way(path, "to become a link")),
            Some(After::Directory) => {
                return Err(self.in_the_way(path, "to become a directory"));
            }
            Some(After::File { mode, follow, .. }) => (*follow, false, Some(*mode)),
            Some(After::Nothing) => (!outline.is_link(), true, None),
            None => (true, false, None),
        };
        let before = match self.layout.origin(path) {
            Some(origin) if follow => Seen::content(&self.root.join(origin))?,
            _ => outline,
        };
        let (unchanged, mode) = match &before {
            Seen::Nothing => (false, mode(planned_mode)),
            Seen::Outline { .. } if !follow => (false, mode(planned_mode)),
            Seen::File {
                bytes: old_bytes,
                mode: old_mode,
                ..
            } => {
                let mode = mode(planned_mode.or((!removed).then_some(*old_mode)));
                (*old_bytes == bytes && *old_mode == mode, mode)
            }
            Seen::Directory => return Err(self.in_the_way(path, "a directory")),
            Seen::Outline { .. } => {
                return Err(self.in_the_way(path, "neither a file nor a link to one"));
            }
        };
        if unchanged {
            self.keep(path);
        } else {
            let after = After::File {
                bytes,
                mode,
                follow,
            };
            self.set(path, after, before);
        }
        Ok(())
    }

    pub(super) fn plan_rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (&self.locate(from, false)?, &self.locate(to, false)?);
        self.check_above(to)?;
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
        if self.outline(from)? != Seen::Nothing || self.moved_below(from).next().is_some() {
            self.layout.rename(from.to_owned(), to.to_owned());
        }
        for (path, planned) in std::mem::take(&mut self.planned) {
            let path = layout::replace_prefix(&path, from, to).unwrap_or(path);
            self.planned.insert(path, planned);
        }
        Ok(())
    }

    /// Whether something will have this name after the changes planned so far.
    pub(super) fn will_exist(&self, path: &Path) -> Result<bool> {
        if let Some(planned) = self.planned.get(path) {
            return Ok(planned.after != After::Nothing);
        }
        let below = self
            .planned
            .iter()
            .any(|(other, planned)| other.starts_with(path) && planned.after != After::Nothing);
        let moved = self.moved_below(path).next().is_some();
        Ok(below || moved || self.outline(path)? != Seen::Nothing)
    }

    /// What is on the disk today at what will be this path.
    pub(super) fn outline(&self, path: &Path) -> Result<Seen> {
        match self.layout.origin(path) {
            Some(origin) => Seen::outline(&self.root.join(origin)),
            None => Ok(Seen::Nothing),
        }
    }

    /// Everything that is below a directory today, and everything that is moved there.
    pub(super) fn entries_below(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let mut entries = Vec::new();
        for top in self.moved_below(path).chain([path.to_owned()]) {
            let Some(origin) = self.layout.origin(&top) else {
                continue;
            };
            let origin = self.root.join(origin);
            if origin.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                entries.extend(walk(&origin)?.iter().map(|entry| top.join(&entry.path)));
            }
            entries.push(top);
        }
        Ok(entries)
    }

    /// Where renamed things will be below a directory.
    pub(super) fn moved_below(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        self.layout
            .destinations()
            .filter(move |destination| destination != path && destination.starts_with(path))
    }

    pub(super) fn planned_after(&self, path: &Path) -> Option<&After> {
        self.planned.get(path).map(|planned| &planned.after)
    }

    /// Refuses a path below what is no directory, or will be none.
    pub(super) fn check_above(&self, path: &Path) -> Result<()> {
        for above in path.ancestors().skip(1) {
            if let Some(After::File { .. } | After::Symlink { .. }) = self.planned_after(above) {
                return Err(self.in_the_way(above, "a file and would have to be a directory"));
            }
            let Some(origin) = self.layout.origin(above) else {
                continue;
            };
            let today = self.root.join(origin);
            if today.is_dir() {
                break;
            }
            if today.symlink_metadata().is_ok() {
                return Err(self.in_the_way(above, "no directory"));
            }
        }
        Ok(())
    }

    /// Refuses a path that will be a directory because of what will be in it.
    pub(super) fn check_below(&self, path: &Path) -> Result<()> {
        let created = self
            .planned
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded))
            .take_while(|(below, _)| below.starts_with(path))
            .any(|(_, planned)| planned.after != After::Nothing);
        if created || self.moved_below(path).next().is_some() {
            return Err(self.in_the_way(path, "to become a directory"));
        }
        Ok(())
    }

    /// Forgets what was planned for the path, and that directories above it were to be removed.
    pub(super) fn keep(&mut self, path: &Path) {
        self.planned.remove(path);
        self.keep_directories_above(path);
    }

    pub(super) fn set(&mut self, path: &Path, after: After, before: Seen) {
        if after != After::Nothing {
            self.keep_directories_above(path);
        }
        self.planned
            .insert(path.to_owned(), Planned { after, before });
    }

    /// Directories that were to be removed, and whose names are needed again.
    fn keep_directories_above(&mut self, path: &Path) {
        for above in path.ancestors().skip(1) {
            let planned = self.planned.get(above);
            if planned.is_some_and(Planned::removes_directory) {
                self.planned.remove(above);
            }
        }
    }

    pub(super) fn in_the_way(&self, path: &Path, what: &str) -> Error {
        Error::failed(format!(
            "cannot write `{}`: it is {what}",
            self.root.join(path).display()
        ))
        .help("rename or remove it first")
    }
}
