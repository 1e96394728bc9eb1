//! The plan of a transaction, as it is published.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::files::path_text;

/// The version of the file's layout.
const SCHEMA: u32 = 1;

/// What is to be done; all paths are relative to the project's root.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::files) struct Plan {
    schema: u32,
    /// Done in this order, once each.
    pub(in crate::files) steps: Vec<Step>,
    /// Done after all steps, and repeatable.
    pub(in crate::files) effects: Vec<Effect>,
}

/// What can be undone.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(in crate::files) enum Step {
    MakeDirectory {
        #[serde(with = "path_text")]
        path: PathBuf,
    },
    Move {
        #[serde(with = "path_text")]
        from: PathBuf,
        #[serde(with = "path_text")]
        to: PathBuf,
    },
}

/// What can be repeated.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(in crate::files) enum Effect {
    /// Puts a staged file in its place.
    Place {
        staged: usize,
        #[serde(with = "path_text")]
        path: PathBuf,
        /// Whether a link there leads to what is replaced, or is itself replaced.
        follow: bool,
        /// The SHA-256 of the bytes that are replaced.
        before: Option<String>,
    },
    /// Removes a file or link.
    Remove {
        #[serde(with = "path_text")]
        path: PathBuf,
    },
    /// Removes a directory if it is empty.
    Prune {
        #[serde(with = "path_text")]
        path: PathBuf,
    },
}

/// Whom a staged file should belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::files) struct Owner {
    pub(in crate::files) user: u32,
    pub(in crate::files) group: u32,
}

impl Plan {
    pub(in crate::files) fn new(steps: Vec<Step>) -> Self {
        Self {
            schema: SCHEMA,
            steps,
            effects: Vec::new(),
        }
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self)
            .map_err(|source| Error::failed("cannot write down the planned change").because(source))
    }

    pub(super) fn from_json(path: &Path, bytes: &[u8]) -> Result<Self> {
        let broken = || {
            Error::failed("a change that was begun cannot be completed: its plan is not readable")
                .at(Place::file(path))
        };
        let plan: Self = serde_json::from_slice(bytes).map_err(|source| {
            broken().because(source).help(
                "if another version of envtpl began it, complete it with that one; \
                 else compare your files with those in the directory of the plan, \
                 then remove that directory",
            )
        })?;
        if plan.schema != SCHEMA {
            return Err(broken().help("another version of envtpl began it; complete it with that"));
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn paths_survive_with_any_bytes() {
        let odd = PathBuf::from(OsStr::from_bytes(b"caf\xe9"));
        let mut plan = Plan::new(vec![Step::Move {
            from: odd.clone(),
            to: "plain".into(),
        }]);
        plan.effects.push(Effect::Remove { path: odd });
        let json = plan.to_json().expect("written");
        assert_eq!(Plan::from_json(Path::new("p"), &json).expect("read"), plan);
    }

    #[test]
    fn a_plan_of_another_version_is_left_alone() {
        let json = br#"{"schema": 2, "steps": [], "effects": []}"#;
        let error = Plan::from_json(Path::new("p"), json).expect_err("refused");
        assert!(error.helps()[0].contains("another version"));
    }
}
