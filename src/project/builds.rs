//! What was built: `.envtpl/builds/<id>/`, the newest twenty.
//!
//! A build's directory has `events.jsonl`, BuildKit's own account of it, one JSON document a line;
//! `log.txt`, the same for people; and `report.json`, a [`Build`]. Secrets that are known as such
//! are in none of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::files::{self, Journal};
use crate::installation::dockerfile::Sheet;

/// The directory, below the project's state directory.
const DIRECTORY: &str = "builds";
/// How many builds are kept.
const KEPT: usize = 20;
/// How often another id is tried when one is taken.
const ATTEMPTS: u32 = 100;

/// A build, as its `report.json` has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// Its id, which is the name of its directory.
    pub id: String,
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// Seconds that it took.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// The installation.
    pub installation: String,
    /// The Dockerfile, relative to the project.
    pub dockerfile: String,
    /// The command line of the tool that built, as it may be shown.
    pub command: Vec<String>,
    /// Build arguments that the Compose files and the command line gave.
    pub arguments: BTreeMap<String, String>,
    /// What was asked for.
    pub targets: Vec<BuildTarget>,
    /// Its steps, in the order in which they began.
    pub steps: Vec<BuildStep>,
    /// The number of the step that failed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<usize>,
    /// What the tools said beside the steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// The images that it made.
    #[serde(default)]
    pub images: Vec<BuildImage>,
    /// The stages of the Dockerfile as it was then, and which of them were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Sheet>,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its images are there.
    Built,
    /// It failed.
    #[default]
    Failed,
    /// The person stopped it.
    Interrupted,
}

/// What a build was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildTarget {
    /// What it is called in the names of steps.
    pub name: String,
    /// The Compose service that says how it is built.
    pub service: String,
    /// The stage of the Dockerfile; its last one if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

/// A step of a build.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildStep {
    /// Its number in `log.txt`.
    pub number: usize,
    /// Its whole name.
    pub name: String,
    /// The target that it was first asked for, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Which step of how many of its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<(u32, u32)>,
    /// What it does: the instruction with build arguments put in.
    pub instruction: String,
    /// The line of the Dockerfile that the instruction begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Build arguments and variables that it sees, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, String>,
    /// The numbers of the steps that it uses; the first is what it stands on.
    pub inputs: Vec<usize>,
    /// Seconds from the build's beginning to the step's.
    pub began: f64,
    /// Seconds that it worked.
    pub seconds: f64,
    /// Its result was there already.
    #[serde(default)]
    pub cached: bool,
    /// It was given up because another failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canceled: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Bytes that were read or fetched for it.
    #[serde(default)]
    pub bytes: u64,
}

/// An image that a build made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildImage {
    /// The target that it was built as.
    pub target: String,
    /// Its id in the engine.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// Bytes on disk.
    pub size: u64,
    /// Its layers, lowest first.
    pub layers: Vec<BuildLayer>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildLayer {
    /// What made it, as the image says.
    pub made_by: String,
    /// Bytes that it adds.
    pub bytes: u64,
    /// The step that made it; `None` for layers of the base image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
}

impl Build {
    /// Makes the directory of a build that begins now, and gives its id.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(project: &Path) -> Result<String> {
        let now = jiff::Timestamp::now();
        let time = now.strftime("%Y%m%d-%H%M%S");
        let first = std::process::id() ^ now.subsec_nanosecond().unsigned_abs();
        for attempt in 0..ATTEMPTS {
            let id = format!("{time}-{:04x}", first.wrapping_add(attempt) & 0xffff);
            if files::make_kept_directory(project, relative(&id))?.is_some() {
                return Ok(id);
            }
        }
        Err(Error::failed("cannot find an id for this build"))
    }

    /// Begins a file of a build.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn journal(project: &Path, id: &str, file: &str) -> Result<Journal> {
        Journal::begin(project, relative(id).join(file))
    }

    /// The step that failed first.
    pub fn failed_step(&self) -> Option<&BuildStep> {
        self.steps
            .iter()
            .find(|step| Some(step.number) == self.failed)
    }

    /// Writes the build's `report.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, project: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| Error::failed("cannot write down a build").because(source))?;
        text.push('\n');
        files::keep(
            project,
            relative(&self.id).join("report.json"),
            text.as_bytes(),
        )
    }

    /// Reads a build's `report.json`.
    ///
    /// # Errors
    /// `Usage` when there is no such build, or it is not finished; `Failed` when it cannot be read.
    pub fn read(project: &Path, id: &str) -> Result<Self> {
        let path = directory(project, id).join("report.json");
        let Some(text) = files::read_text_if_exists(&path)? else {
            return Err(
                Error::usage(format!("there is no report of a build `{id}`"))
                    .help("`envtpl builds` lists the builds that are kept"),
            );
        };
        serde_json::from_str(&text).map_err(|source| {
            Error::failed("this is no report of a build")
                .at(Place::file(&path))
                .because(source)
        })
    }

    /// The builds of the project, oldest first. One whose report is missing, since it runs or was
    /// killed, or cannot be read is given as an error.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn all(project: &Path) -> Result<Vec<(String, Result<Self>)>> {
        let ids = ids(project)?.into_iter();
        let builds = ids.map(|id| {
            let build = Self::read(project, &id);
            (id, build)
        });
        Ok(builds.collect())
    }

    /// Removes all but the newest builds.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn forget_old(project: &Path) -> Result<()> {
        let ids = ids(project)?;
        let old = ids.len().saturating_sub(KEPT);
        let mut old = ids[..old].iter();
        old.try_for_each(|id| files::remove_tree(&directory(project, id)))
    }

    /// The newest build that `suits`.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn newest(project: &Path, suits: impl Fn(&Self) -> bool) -> Result<Option<Self>> {
        // It is mostly one of the last; those before it need not be read.
        let mut ids = ids(project)?.into_iter().rev();
        Ok(ids.find_map(|id| Self::read(project, &id).ok().filter(&suits)))
    }

    /// The newest build before this one that made the same images; one to look at, such as that of
    /// `verify`, made none.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn before(&self, project: &Path) -> Result<Option<Self>> {
        Self::newest(project, |one| {
            // A build that could not be kept has no id.
            (self.id.is_empty() || one.id < self.id)
                && !one.images.is_empty()
                && one.installation == self.installation
                && one.targets == self.targets
        })
    }

    /// The names of its targets, for people.
    pub fn target_names(&self) -> String {
        let names: Vec<&str> = self.targets.iter().map(|target| &*target.name).collect();
        names.join(", ")
    }

    /// The build of an id, or of its beginning where that is enough; without one, the newest that
    /// `suits`.
    ///
    /// # Errors
    /// `Usage` when there is none, or several have that beginning.
    pub fn find(
        project: &Path,
        wanted: Option<&str>,
        suits: impl Fn(&Self) -> bool,
    ) -> Result<Self> {
        let Some(wanted) = wanted else {
            return Self::newest(project, suits)?.ok_or_else(|| {
                Error::usage("there is no such build in this project")
                    .help("`envtpl builds` lists those that are kept")
            });
        };
        Self::read(project, &Self::id_of(project, wanted)?)
    }

    /// The id that this is the beginning of, where that is enough; of a build that runs or was
    /// killed, too, which has no report.
    ///
    /// # Errors
    /// `Usage` when there is none, or several have that beginning.
    pub fn id_of(project: &Path, wanted: &str) -> Result<String> {
        let ids = ids(project)?;
        let mut found = ids.iter().filter(|id| id.starts_with(wanted));
        match (found.next(), found.next()) {
            (Some(id), None) => Ok(id.clone()),
            (Some(_), Some(_)) if ids.iter().any(|id| id == wanted) => Ok(wanted.to_owned()),
            (Some(_), Some(_)) => Err(Error::usage(format!(
                "several builds have an id that begins with `{wanted}`"
            ))
            .help("`envtpl builds` lists them")),
            _ => Err(Error::usage(format!("there is no build `{wanted}`"))
                .help("`envtpl builds` lists those that are kept")),
        }
    }
}

/// A file of a build, relative to the project.
pub fn file(id: &str, name: &str) -> PathBuf {
    Path::new(files::STATE_DIRECTORY)
        .join(relative(id))
        .join(name)
}

/// The directory of a build.
pub fn directory(project: &Path, id: &str) -> PathBuf {
    project.join(files::STATE_DIRECTORY).join(relative(id))
}

fn relative(id: &str) -> PathBuf {
    Path::new(DIRECTORY).join(id)
}

/// The ids of all builds, oldest first: they begin with the time.
fn ids(project: &Path) -> Result<Vec<String>> {
    let directory = project.join(files::STATE_DIRECTORY).join(DIRECTORY);
    if !files::is_directory(&directory) {
        return Ok(Vec::new());
    }
    let mut ids: Vec<String> = files::list(&directory)?
        .into_iter()
        .filter(|path| files::is_directory(path))
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    ids.sort();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(project: &Path, outcome: Outcome) -> Build {
        let id = Build::begin(project).expect("a directory");
        let build = Build {
            id,
            outcome,
            ..Build::default()
        };
        build.keep(project).expect("written");
        build
    }

    #[test]
    fn builds_are_found_by_their_ids_and_the_newest_by_what_it_is() {
        let project = tempfile::tempdir().expect("a directory");
        let project = project.path();
        let none = Build::find(project, None, |_| true).expect_err("there is none");
        assert!(none.helps()[0].contains("envtpl builds"));
        let failed = build(project, Outcome::Failed);
        let built = build(project, Outcome::Built);
        let running = Build::begin(project).expect("a directory");
        let newest = |outcome| Build::find(project, None, |build| build.outcome == outcome);
        assert_eq!(newest(Outcome::Failed).expect("found"), failed);
        assert_eq!(newest(Outcome::Built).expect("found"), built);
        let by_id = |id: &str| Build::find(project, Some(id), |_| false);
        assert_eq!(by_id(&built.id).expect("found"), built);
        assert!(
            by_id("2")
                .expect_err("three")
                .to_string()
                .contains("several")
        );
        assert!(
            by_id("../x")
                .expect_err("none")
                .to_string()
                .contains("no build")
        );
        assert!(
            by_id(&running)
                .expect_err("no report")
                .to_string()
                .contains(&running)
        );
        let all = Build::all(project).expect("read");
        assert_eq!(all.iter().filter(|(_, build)| build.is_ok()).count(), 2);
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn only_the_newest_builds_are_kept() {
        let project = tempfile::tempdir().expect("a directory");
        let project = project.path();
        for year in 2000..2030 {
            let id = format!("{year}0101-000000-0000");
            files::make_kept_directory(project, relative(&id)).expect("made");
            let build = Build {
                id,
                ..Build::default()
            };
            build.keep(project).expect("written");
        }
        Build::forget_old(project).expect("removed");
        let left = ids(project).expect("read");
        assert_eq!(left.len(), KEPT);
        assert_eq!(left[0], "20100101-000000-0000");
    }
}
