//! Going on from a failed state.

use std::path::Path;

use crate::commands::building::{Derived, Failure, Output};
use crate::commands::debug::outcome::{Kept, Outcome};
use crate::commands::debug::place::Evidence;
use crate::commands::debug::trial::{Trial, trial_number};
use crate::error::{Error, Place, Result};
use crate::files::Scratch;
use crate::installation::dockerfile::Dockerfile;
use crate::installation::dockerfile::derived::{self, Treatment};

impl Trial<'_> {
    /// Goes on from a failed state with what was changed in the Dockerfile since, up to the step;
    /// `before` is the one that the state is of, with triggers written out as in this one.
    ///
    /// # Errors
    /// `Usage` when what was changed is not behind that state; `Failed` when something before the
    /// step fails; otherwise as [`Self::look`].
    pub fn resume(&self, kept: &Kept, before: &Dockerfile, evidence: &Evidence) -> Result<Outcome> {
        let (mut derived, instruction, state) = self.resumed(kept, before, &trial_number())?;
        let line = self.line(instruction);
        let shown = self.original.path.display();
        let printer = &self.workplace.context.printer;
        printer.status("Resuming", format_args!("with the step at {shown}:{line}"));
        let context = Scratch::inside(&std::env::temp_dir())?;
        self.write_context(context.path(), instruction)?;
        let directory = evidence.scratch()?;
        derived
            .contexts
            .push((derived::CONTEXT, context.path().to_owned()));
        let ended = derived.build(Output::Directory(directory.path()))?;
        if ended.built {
            return self.read(instruction, directory, &derived, state);
        }
        let failure = Failure::read(&ended.said, &self.name());
        let what = failure
            .step
            .unwrap_or_else(|| "a step before it".to_owned());
        let error = Error::failed(format!(
            "{what} fails on the kept tree: {}",
            failure.message
        ));
        Err(match failure.log.is_empty() {
            true => error,
            false => error.because(std::io::Error::other(failure.log.join("\n"))),
        })
    }

    /// The build that goes on from a failed state; the step, and the state after it.
    fn resumed(
        &self,
        kept: &Kept,
        before: &Dockerfile,
        number: &str,
    ) -> Result<(Derived<'_>, usize, String)> {
        let changed = self.dockerfile.changed_since(before, kept.instruction);
        let Some(changed) = changed else {
            return Err(Error::usage(
                "the step that failed is gone, or its stage begins otherwise now",
            )
            .at(Place::file(&self.original.path))
            .help("without `--resume` it is built from its beginning"));
        };
        let instruction = *changed.end();
        let then = self.then(instruction);
        let treatment = Treatment::Wrapped {
            number,
            then: &then,
        };
        let shell = self.shell(instruction);
        let mut state = kept.state.clone();
        for index in changed {
            let one = &self.dockerfile.instructions()[index];
            state += &match index == instruction {
                true => self.dockerfile.treated(one, treatment, &shell),
                false => format!("{}\n", self.dockerfile.own_text(one)),
            };
        }
        let mut derived = self.derived();
        derived.text =
            (self.dockerfile).collecting_from(state.clone(), instruction, treatment, &shell);
        Ok((derived, instruction, state))
    }

    /// What `--dry-run` shows of [`Self::resume`].
    ///
    /// # Errors
    /// As [`Self::resume`].
    pub fn resume_shown(&self, kept: &Kept, before: &Dockerfile) -> Result<String> {
        let (mut derived, ..) = self.resumed(kept, before, "TRIAL")?;
        let context = Path::new("/tmp/.new-…").to_owned();
        derived.contexts.push((derived::CONTEXT, context));
        derived.shown(Output::Directory(Path::new("DIR")))
    }
}
