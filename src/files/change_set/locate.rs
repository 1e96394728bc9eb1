//! One name for each file: symbolic links on the way to it are resolved while planning, so that
//! two names for the same file are one change.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::ChangeSet;
use crate::error::{Error, Result};
use crate::files::STATE_DIRECTORY;
use crate::files::boundary::{Last, refuse_leaving};

impl ChangeSet {
    /// The name, as it will be, by which changes to this path are planned. Links to directories
    /// are resolved. With `follow` so is a link to a file, unless something is planned for the link
    /// itself.
    ///
    /// # Errors
    /// `Usage` when a link leads out of the project.
    pub(super) fn locate(&self, path: &Path, follow: bool) -> Result<PathBuf> {
        let path = checked(path)?;
        let Some(root) = self.real_directory(&self.root) else {
            return Ok(path.to_owned());
        };
        let inside = |real: PathBuf| {
            let inside = real.strip_prefix(&root).ok()?;
            (!inside.as_os_str().is_empty()).then(|| self.layout.destination(inside))
        };
        let Some(origin) = self.layout.origin(path) else {
            return Ok(path.to_owned());
        };
        let today = self.root.join(&origin);
        let Some(name) = self.real_name(&today).and_then(inside) else {
            refuse_leaving(&self.root, &origin, Last::Itself)?;
            return Ok(path.to_owned());
        };
        if follow && !self.planned.contains_key(&name) && today.is_symlink() {
            refuse_leaving(&self.root, &origin, Last::Followed)?;
            if today.is_file() {
                let real = today.canonicalize().ok().and_then(inside);
                return Ok(real.unwrap_or(name));
            }
        }
        Ok(name)
    }

    /// The path with all links resolved but the last component, as far as there is anything.
    fn real_name(&self, path: &Path) -> Option<PathBuf> {
        path.ancestors().skip(1).find_map(|ancestor| {
            let rest = path.strip_prefix(ancestor).ok()?;
            Some(self.real_directory(ancestor)?.join(rest))
        })
    }

    /// A directory's name without links, remembered: there are many files in few directories.
    fn real_directory(&self, path: &Path) -> Option<PathBuf> {
        let known = self.real_directories.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let real = path.canonicalize().ok();
            self.real_directories
                .borrow_mut()
                .insert(path.to_owned(), real.clone());
            real
        })
    }
}

/// Paths come from within envtpl, but names in them come from people: nothing outside of the
/// project may be reached, nor the transaction itself.
pub(super) fn checked(path: &Path) -> Result<&Path> {
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
