//! Why the step failed: its log explained, and what the explanation names looked for where it failed.

use crate::commands::building::{Failure, Output};
use crate::commands::debug::looks::{self, FOUND, Looked};
use crate::commands::debug::outcome::{Kept, Outcome};
use crate::commands::debug::trial::{LOG, Trial};
use crate::commands::debug::{evidence, report};
use crate::engine::failure;
use crate::error::{Error, Result};
use crate::files::{self, Scratch};
use crate::installation::dockerfile::derived::{self, Treatment};

/// Why a step failed, as far as its log and its file system tell.
#[derive(Default)]
pub struct Why {
    /// The explanation of the log.
    pub explained: Option<failure::Outcome>,
    /// What it names, and where that is.
    pub looked: Vec<Looked>,
}

impl Why {
    /// Explains a step that failed again.
    ///
    /// # Errors
    /// When the log cannot be read, and `Interrupted`. That something cannot be looked for is none.
    pub fn of(trial: &Trial<'_>, outcome: &Outcome) -> Result<Self> {
        if !outcome.failed() {
            return Ok(Self::default());
        }
        let log = as_told_by_a_build(trial, outcome)?;
        let explained = failure::explain(log.as_slice())
            .map_err(|source| Error::failed("cannot explain the log").because(source))?;
        let looked = match (&explained, &outcome.kept) {
            (failure::Outcome::Failed(why), Some(kept)) if !why.looks.is_empty() => {
                let variables: Vec<String> = report::not_found(outcome.directory.path())?
                    .into_values()
                    .flatten()
                    .collect();
                let found = look(trial, kept, &why.looks)?;
                looks::read(&why.looks, &found.unwrap_or_default(), &variables)
            }
            _ => Vec::new(),
        };
        Ok(Self {
            explained: Some(explained),
            looked,
        })
    }
}

/// The step's own output in the words of a build, whose stage and line belong to the explanation.
fn as_told_by_a_build(trial: &Trial<'_>, outcome: &Outcome) -> Result<Vec<u8>> {
    let log = files::read_if_exists(&outcome.directory.path().join(LOG))?.unwrap_or_default();
    let (step, line, first) = report::named(trial, outcome.instruction);
    let mut told = format!("#1 {step} {first}\n").into_bytes();
    // Where the builder's words are all there is, they are told at the end.
    let own =
        String::from_utf8_lossy(&log).trim() != outcome.message.as_deref().unwrap_or_default();
    for line in log.split(|byte| *byte == b'\n').filter(|_| own) {
        told.extend_from_slice(b"#1 0.100 ");
        told.extend_from_slice(line);
        told.push(b'\n');
    }
    let why = match (outcome.status, &outcome.message) {
        (Some(status), _) => {
            format!("process \"{first}\" did not complete successfully: exit code: {status}")
        }
        (None, message) => message.clone().unwrap_or_default(),
    };
    let why = why.trim_start_matches("failed to solve: ");
    let bar = "-".repeat(20);
    let end = format!(
        "#1 ERROR: {why}\n------\nDockerfile:{line}\n{bar}\n  {line} | >>> {first}\n{bar}\n\
         ERROR: failed to solve: {why}\n"
    );
    told.extend_from_slice(end.as_bytes());
    Ok(told)
}

/// Runs the script that looks in a failed state; `None` when it cannot be run.
fn look(trial: &Trial<'_>, kept: &Kept, looks: &[failure::Look]) -> Result<Option<String>> {
    let scratch = Scratch::inside(&std::env::temp_dir())?;
    // The step that was looked into is one of today's file, also when it went on from an earlier.
    trial.write_context(scratch.path(), kept.instruction)?;
    let script = evidence::looking(&looks::script(looks));
    for (name, text) in [("probe", "exit 0\n"), ("collect", &script)] {
        files::keep_readable(&scratch.path().join("collect").join(name), text.as_bytes())?;
    }
    let found = Scratch::inside(&std::env::temp_dir())?;
    let mut build = trial.derived();
    build.text = trial.dockerfile.collecting_from(
        kept.state.clone(),
        kept.instruction,
        Treatment::Wrapped {
            number: "",
            then: "",
        },
        &trial.shell(kept.instruction),
    );
    build
        .contexts
        .push((derived::CONTEXT, scratch.path().to_owned()));
    let ended = build.build(Output::Directory(found.path()))?;
    if ended.built {
        return files::read_text_if_exists(&found.path().join(FOUND));
    }
    let failure = Failure::read(&ended.said, "Dockerfile");
    let printer = &trial.workplace.context.printer;
    printer.warn(format_args!(
        "what the explanation names could not be looked for: {}",
        failure.message
    ));
    Ok(None)
}
