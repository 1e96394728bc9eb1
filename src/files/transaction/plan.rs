//! The plan of a transaction, as it is published.

use std::path::{Component, Path, PathBuf};

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
        // It lies in the project, where anybody may have put it.
        if let Some(strange) = plan.paths().find(|path| !is_inside(path)) {
            return Err(broken()
                .because(std::io::Error::other(format!(
                    "`{}` is no path inside the project",
                    strange.display()
                )))
                .help("envtpl did not write this: look at it, then remove its directory"));
        }
        Ok(plan)
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let steps = self.steps.iter().flat_map(|step| match step {
            Step::MakeDirectory { path } => vec![path],
            Step::Move { from, to } => vec![from, to],
        });
        let effects = self.effects.iter().map(|effect| match effect {
            Effect::Place { path, .. } | Effect::Remove { path } | Effect::Prune { path } => path,
        });
        steps.chain(effects).map(PathBuf::as_path)
    }
}

/// Whether a path, as it is written, leads to something below where it starts.
fn is_inside(path: &Path) -> bool {
    !path.as_os_str().is_empty()
        && path
            .components()
            .all(|component| matches!(component, Component::Normal(_)))
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

    #[test]
    fn a_plan_that_leaves_the_project_is_refused() {
        for path in ["../x", "/etc/x", "a/../../x", ""] {
            let effect = format!(r#"{{"do": "remove", "path": "{path}"}}"#);
            let step = format!(r#"{{"do": "move", "from": "a", "to": "{path}"}}"#);
            for (steps, effects) in [(&*step, ""), ("", &*effect)] {
                let json =
                    format!(r#"{{"schema": 1, "steps": [{steps}], "effects": [{effects}]}}"#);
                let error = Plan::from_json(Path::new("p"), json.as_bytes()).expect_err(path);
                assert!(error.causes()[0].contains("no path inside"), "{error}");
            }
        }
    }
}
