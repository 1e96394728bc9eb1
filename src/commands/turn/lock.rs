//! A frozen environment belongs to one platform and one base.

use std::collections::BTreeSet;

use crate::commands::turn::Turn;
use crate::commands::turn::aside::{Aside, Pair};
use crate::error::Result;
use crate::files::{self, EntryKind};

/// Files that freeze writes: they belong to one platform and one base.
pub(super) fn is_lock(path: &str) -> bool {
    path == "envtpl.lock"
        || (path.starts_with("dependencies/locked/") && path != "dependencies/locked/README.md")
}

impl Turn<'_> {
    /// A frozen environment is not that of another platform: it is set aside, and the one that was
    /// set aside on the way here comes back. Says whether one is set aside.
    pub(super) fn add_lock(&self, files: &mut Aside, aside: Option<&Aside>) -> Result<bool> {
        if self.target.copy {
            return Ok(false);
        }
        let same_machine = {
            let (from, to) = (self.source.name(), &self.target.name);
            (from.platform(), from.acceleration()) == (to.platform(), to.acceleration())
        };
        if same_machine && self.kind == self.record.answers.from_base {
            // Only the variant's name is another one; what is installed stays what it is.
            return Ok(false);
        }
        let mut paths: BTreeSet<String> = self.locked()?;
        if let Some(aside) = aside {
            paths.extend(aside.files.keys().filter(|path| is_lock(path)).cloned());
        }
        let mut set_aside = false;
        for path in paths {
            let original = self.mine(&path)?;
            let written = aside
                .and_then(|aside| aside.files.get(&path))
                .and_then(|pair| pair.original.clone());
            set_aside |= original.is_some();
            if original != written {
                files.files.insert(path, Pair { original, written });
            }
        }
        Ok(set_aside)
    }

    /// The files that freeze has written.
    fn locked(&self) -> Result<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        for path in ["envtpl.lock", "dependencies/locked"] {
            let full = self.source.path(path);
            if !files::exists(&full) {
                continue;
            }
            if !files::is_directory(&full) {
                paths.insert(path.to_owned());
                continue;
            }
            for entry in files::walk(&full)? {
                if entry.kind == EntryKind::File
                    && let Some(name) = entry.path.to_str()
                {
                    paths.insert(format!("{path}/{name}"));
                }
            }
        }
        paths.retain(|path| is_lock(path));
        Ok(paths)
    }
}
