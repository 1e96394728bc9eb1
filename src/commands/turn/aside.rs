//! What an installation was before it was turned into another, kept so that the way back restores
//! every byte: `.envtpl/aside/<installation>/<kind of base>/`, which git ignores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, ChangeSet, STATE_DIRECTORY};
use crate::templates::FromBase;

const SCHEMA: u32 = 1;

/// Which installation, from which kind of base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The installation's name.
    pub installation: String,
    /// The kind of base that it starts from.
    pub from_base: FromBase,
}

impl State {
    /// Where it is kept, relative to the project.
    fn place(&self) -> PathBuf {
        Path::new(STATE_DIRECTORY)
            .join("aside")
            .join(&self.installation)
            .join(self.from_base.to_string())
    }
}

/// A file with its permission bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// A file before and after; `None` where there was none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    /// As it was.
    pub original: Option<Kept>,
    /// As envtpl wrote it when it turned the installation into the other one.
    pub written: Option<Kept>,
}

/// The files of an installation that changed when it was turned into another one.
#[derive(Debug, Default)]
pub struct Aside {
    /// By path in the installation.
    pub files: BTreeMap<String, Pair>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: u32,
    /// What it was turned into.
    left_for: State,
    files: BTreeMap<String, Modes>,
}

/// The permission bits before and after; `None` where there was no file.
#[derive(Debug, Serialize, Deserialize)]
struct Modes {
    original: Option<u32>,
    written: Option<u32>,
}

impl Aside {
    /// Reads what `state` was before it was turned into `now`; `None` when nothing is kept, or it
    /// was turned into something else.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub fn read(root: &Path, state: &State, now: &State) -> Result<Option<Self>> {
        let place = root.join(state.place());
        let path = place.join("manifest.json");
        let Some(text) = files::read_text_if_exists(&path)? else {
            return Ok(None);
        };
        let damaged = |source: serde_json::Error| {
            Error::failed(format!("`{}` is damaged", path.display()))
                .because(source)
                .help(format!(
                    "remove it, then nothing is restored: rm -r {}",
                    place.display()
                ))
        };
        let manifest: Manifest = serde_json::from_str(&text).map_err(damaged)?;
        if manifest.schema != SCHEMA || manifest.left_for != *now {
            return Ok(None);
        }
        let kept = |side: &str, path: &str, mode: Option<u32>| -> Result<Option<Kept>> {
            mode.map(|mode| {
                let bytes = files::read(&place.join(side).join(path))?;
                Ok(Kept { bytes, mode })
            })
            .transpose()
        };
        let mut aside = Self::default();
        for (path, modes) in manifest.files {
            let original = kept("original", &path, modes.original)?;
            let written = kept("written", &path, modes.written)?;
            aside.files.insert(path, Pair { original, written });
        }
        Ok(Some(aside))
    }

    /// Plans to keep this as what `state` was before it was turned into `now`.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub fn keep(&self, changes: &mut ChangeSet, state: &State, now: &State) -> Result<()> {
        let place = state.place();
        Self::forget(changes, state)?;
        let mut manifest = Manifest {
            schema: SCHEMA,
            left_for: now.clone(),
            files: BTreeMap::new(),
        };
        for (path, pair) in &self.files {
            for (side, kept) in [("original", &pair.original), ("written", &pair.written)] {
                if let Some(kept) = kept {
                    // It may be `.env`, which nobody else may read.
                    let path = place.join(side).join(path);
                    changes.write(path, kept.bytes.clone(), 0o600)?;
                }
            }
            let modes = Modes {
                original: pair.original.as_ref().map(|kept| kept.mode),
                written: pair.written.as_ref().map(|kept| kept.mode),
            };
            manifest.files.insert(path.clone(), modes);
        }
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|source| Error::failed("cannot write what is set aside").because(source))?;
        changes.write(place.join("manifest.json"), text + "\n", 0o600)
    }

    /// Plans to keep nothing for `state`.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn forget(changes: &mut ChangeSet, state: &State) -> Result<()> {
        changes.remove(state.place())
    }
}
