//! What is told of a step that was looked into.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::commands::debug::looks::Looked;
use crate::commands::debug::outcome::{Outcome, Seen};
use crate::commands::debug::trial::{LOG, Trial};
use crate::commands::debug::why::Why;
use crate::commands::explain;
use crate::engine::failure;
use crate::error::{Error, Place, Result};
use crate::files::{self, EntryKind};
use crate::installation::dockerfile::{Dockerfile, Graph};
use crate::secrets::redact;

/// How many names of a kind people are shown.
const SHOWN: usize = 12;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Report {
    outcome: &'static str,
    installation: String,
    service: String,
    platform: String,
    dockerfile: String,
    line: usize,
    stage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<[usize; 2]>,
    /// What gave the step to its stage, as a trigger (`ONBUILD`).
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_of: Option<String>,
    instruction: String,
    status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    seen: Seen,
    directory: String,
    log_lines: usize,
    /// Paths in the failed file system.
    files: Vec<String>,
    probes: Vec<String>,
    /// CMake's variables that name nothing, by the probe that lists them.
    not_found: BTreeMap<String, Vec<String>>,
    /// Steps of other stages that failed, or were stopped, at the same time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_too: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<failure::Outcome>,
    /// What the explanation names, looked for where the step failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    looked: Vec<Looked>,
}

impl Report {
    /// What there is in a directory of evidence.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(trial: &Trial<'_>, outcome: &Outcome, why: Why, place: &Path) -> Result<Self> {
        let (dockerfile, original) = (trial.dockerfile, trial.original);
        let directory = outcome.directory.path();
        let below = |name: &str| names_below(&directory.join(name));
        let probes = below("probes")?;
        let log = files::read_if_exists(&directory.join(LOG))?.unwrap_or_default();
        let instruction = &dockerfile.instructions()[outcome.instruction];
        let stage = &dockerfile.stages()[instruction.stage.unwrap_or_default()];
        let graph = Graph::new(dockerfile, &trial.given);
        let step = graph.step(outcome.instruction);
        Ok(Self {
            outcome: if outcome.failed() { "failed" } else { "passed" },
            installation: trial.workplace.installation.name().to_string(),
            service: original.service.clone(),
            platform: trial.platform.clone(),
            dockerfile: original.path.display().to_string(),
            line: trial.line(outcome.instruction),
            trigger_of: trigger_of(trial, outcome.instruction)?,
            stage: stage.label(),
            step: step.map(|step| [step.number, step.total]),
            instruction: redact(dockerfile.own_text(instruction)),
            status: outcome.status,
            message: outcome.message.clone(),
            seen: outcome.seen,
            directory: place.display().to_string(),
            log_lines: log.iter().filter(|byte| **byte == b'\n').count(),
            files: below("files")?
                .into_iter()
                .map(|path| format!("/{path}"))
                .collect(),
            probes,
            not_found: not_found(directory)?,
            failed_too: outcome.others.clone(),
            explanation: why.explained,
            looked: why.looked,
        })
    }

    /// For people.
    pub fn told(&self) -> String {
        let mut text = match &self.explanation {
            Some(explained @ failure::Outcome::Failed(_)) => explain::told(explained) + "\n",
            _ => String::new(),
        };
        for looked in &self.looked {
            let told = looked.told.replace('\n', "\n       ");
            text += &format!("there: {told}\n");
        }
        if !self.looked.is_empty() {
            text.push('\n');
        }
        text += &format!("{}\n  {LOG}: {} lines\n", self.directory, self.log_lines);
        let few = |names: &[String]| {
            let shown = names
                .iter()
                .take(SHOWN)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            match names.len().saturating_sub(SHOWN) {
                0 => shown,
                more => format!("{shown}, and {more} more"),
            }
        };
        for (name, all) in [("files", &self.files), ("probes", &self.probes)] {
            if !all.is_empty() {
                text += &format!("  {name}: {}\n", few(all));
            }
        }
        for (probe, variables) in &self.not_found {
            text += &format!("  CMake did not find ({probe}): {}\n", few(variables));
        }
        for name in &self.failed_too {
            text += &format!("  failed too, or was stopped: {name}\n");
        }
        text
    }

    /// The failure of the step, as the command ends with it.
    pub fn error(&self, place: Place) -> Error {
        let mut step = match self.step {
            Some([number, total]) => format!("step {number}/{total} of stage `{}`", self.stage),
            None => format!("a step of stage `{}`", self.stage),
        };
        if let Some(giver) = &self.trigger_of {
            step += &format!(", a trigger of {giver},");
        }
        let how = match (self.status, &self.message) {
            (Some(status), _) => format!("failed again, with exit status {status}"),
            (None, Some(message)) => format!("failed again: {message}"),
            (None, None) => "failed again".to_owned(),
        };
        let error = Error::failed(format!("{step} {how}"))
            .at(place)
            .help(format!("its whole output: {}/{LOG}", self.directory));
        match self.seen {
            Seen::After => error,
            Seen::Before => error.help(
                "the command could not be run, or is none: the files are those before the step",
            ),
            Seen::Log => error
                .help("there is nothing to look at: no file system before the step has a shell"),
        }
    }
}

fn trigger_of(trial: &Trial<'_>, instruction: usize) -> Result<Option<String>> {
    let original = Dockerfile::parse(&trial.original.path, &trial.original.text)?;
    let written = trial.written;
    let written = written.filter(|written| written.spelled.triggers.contains(&instruction));
    Ok(written.map(|written| written.giver(&original)))
}

/// What the builder calls a step, `[stage 2/5]`, its line, and the first line of its instruction.
pub fn named(trial: &Trial<'_>, instruction: usize) -> (String, usize, String) {
    let dockerfile = trial.dockerfile;
    let own = &dockerfile.instructions()[instruction];
    let text = dockerfile.own_text(own);
    let first = text.lines().next().unwrap_or(text).to_owned();
    let label = match Graph::new(dockerfile, &trial.given).step(instruction) {
        Some(step) => {
            let stage = step.stage.as_ref().map(|stage| format!("{stage} "));
            format!(
                "[{}{}/{}]",
                stage.unwrap_or_default(),
                step.number,
                step.total
            )
        }
        None => String::new(),
    };
    (label, trial.line(instruction), first)
}

/// The variables of CMake that name nothing, by the probe below a directory that lists them.
///
/// # Errors
/// When a probe cannot be read.
pub fn not_found(directory: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut found = BTreeMap::new();
    let directory = directory.join("probes");
    for probe in names_below(&directory)? {
        let text = files::read(&directory.join(&probe))?;
        let variables = not_found_in(&String::from_utf8_lossy(&text));
        if !variables.is_empty() {
            found.insert(probe, variables);
        }
    }
    Ok(found)
}

fn names_below(directory: &Path) -> Result<Vec<String>> {
    if !files::is_directory(directory) {
        return Ok(Vec::new());
    }
    let entries = files::walk(directory)?.into_iter();
    let entries = entries.filter(|entry| entry.kind == EntryKind::File);
    Ok(entries
        .map(|entry| entry.path.display().to_string())
        .collect())
}

/// Tools of other systems, which CMake never finds here.
const ELSEWHERE: [&str; 3] = ["CMAKE_DLLTOOL", "CMAKE_MT", "CMAKE_TAPI"];

/// The variables that CMake lists as `NAME:TYPE=…-NOTFOUND`.
fn not_found_in(listed: &str) -> Vec<String> {
    let pairs = listed.lines().filter_map(|line| line.split_once('='));
    let missing = pairs.filter(|(_, value)| value.trim_end().ends_with("NOTFOUND"));
    missing
        .filter_map(|(name, _)| Some(name.split_once(':')?.0))
        .filter(|name| !ELSEWHERE.contains(name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cmake_did_not_find_is_listed() {
        let listed = "// A path\nX_DIR:PATH=X_DIR-NOTFOUND\nY:FILEPATH=/usr/y\nZ:PATH=NOTFOUND\n\
                      CMAKE_DLLTOOL:FILEPATH=CMAKE_DLLTOOL-NOTFOUND\n";
        assert_eq!(not_found_in(listed), ["X_DIR", "Z"]);
    }
}
