//! What was run: `.envtpl/runs.jsonl`, one JSON document a line, in the order in which the runs
//! ended. A run's number is the number of its line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::files;

/// The file, below the project's state directory.
const FILE: &str = "runs.jsonl";

/// One run of a command in a container. No field holds a secret that envtpl knows as such.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it started (RFC 3339, UTC).
    pub started: String,
    /// Seconds from the start of the container's client to its end.
    pub seconds: f64,
    /// The exit status, 128+n when signal n killed it.
    pub status: u8,
    /// The installation.
    pub installation: String,
    /// The Compose service.
    pub service: String,
    /// The image.
    pub image: RanImage,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// A digest of what differed from the commit; absent when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// The command and its arguments; empty for the image's own.
    pub command: Vec<String>,
    /// Another entrypoint than the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// Variables that were set for this run alone; without a value where it may be a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Option<String>>,
    /// Files whose variables were set, by their absolute paths; what they held is not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_files: Vec<String>,
    /// The working directory in the container, when it was not the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// What was mounted.
    #[serde(default)]
    pub mounts: Vec<Mount>,
    /// The GPUs that the container got: device numbers or ids, or `all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// Where its servers were reached, as `ssh=127.0.0.1:21043`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// The machine.
    pub host: String,
    /// Whether it ran in the background.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detached: bool,
}

/// An image that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanImage {
    /// The name that it was asked for by.
    pub name: String,
    /// The digest of its configuration, which is the engine's id for it.
    pub id: String,
    /// `name@sha256:…` when a registry has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The commit that it was built from, as its label says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The path on the host, or the name of a volume.
    pub source: String,
    /// The path in the container.
    pub target: String,
}

impl Run {
    /// Adds the run to those of the project.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&self, project: &Path) -> Result<()> {
        files::keep_line(project, FILE, &self.line()?)
    }

    /// The run as one line of JSON.
    ///
    /// # Errors
    /// Never in practice: its fields all have a form in JSON.
    pub fn line(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|source| Error::failed("cannot write down a run").because(source))
    }

    /// All runs of the project with their numbers, oldest first. Lines that are no run, such as
    /// one that a full disk cut off, are given as errors and keep their number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn all(project: &Path) -> Result<Vec<(usize, Result<Self>)>> {
        let path = file(project);
        let Some(text) = files::read_text_if_exists(&path)? else {
            return Ok(Vec::new());
        };
        let runs = text.lines().enumerate().map(|(index, line)| {
            let run = serde_json::from_str(line).map_err(|source| {
                Error::failed("this line is no run")
                    .at(Place::line(&path, &text, index + 1))
                    .because(source)
            });
            (index + 1, run)
        });
        Ok(runs.collect())
    }
}

/// The file of a project's runs.
pub fn file(project: &Path) -> PathBuf {
    project.join(files::STATE_DIRECTORY).join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str) -> Run {
        Run {
            started: "2026-01-02T03:04:05Z".into(),
            seconds: 1.5,
            status: 0,
            installation: "amd64-cpu".into(),
            service: "run-local-cpu".into(),
            image: RanImage {
                name: "x:y".into(),
                id: "sha256:1".into(),
                digest: None,
                commit: None,
            },
            commit: None,
            changes: None,
            command: vec![command.into()],
            entrypoint: None,
            environment: BTreeMap::from([("TOKEN".into(), None)]),
            directory: None,
            mounts: Vec::new(),
            gpus: Vec::new(),
            ports: vec!["ssh=127.0.0.1:21043".into()],
            host: "here".into(),
            detached: false,
            env_files: Vec::new(),
        }
    }

    #[test]
    fn runs_are_read_as_they_were_written_and_a_broken_line_keeps_its_number() {
        let project = tempfile::tempdir().expect("a directory");
        run("one\ntwo").append(project.path()).expect("written");
        files::keep_line(project.path(), FILE, "{\"started\":").expect("written");
        run("three").append(project.path()).expect("written");
        let runs = Run::all(project.path()).expect("read");
        assert_eq!(runs.len(), 3);
        assert_eq!(runs[0].1.as_ref().expect("a run"), &run("one\ntwo"));
        let broken = runs[1].1.as_ref().expect_err("broken");
        assert_eq!(broken.places()[0].line_number(), Some(2));
        assert_eq!(
            (runs[2].0, runs[2].1.as_ref().expect("a run")),
            (3, &run("three"))
        );
    }

    #[test]
    fn a_project_without_runs_has_none() {
        let project = tempfile::tempdir().expect("a directory");
        assert!(Run::all(project.path()).expect("read").is_empty());
    }
}
