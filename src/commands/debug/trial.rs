//! One more run of a step, wrapped, and what is left of it.

use std::ops::Range;
use std::path::Path;

use crate::commands::building::{Derived, Failure, Output, ServiceDockerfile, with_advice};
use crate::commands::debug::outcome::{Kept, Outcome, Seen};
use crate::commands::debug::place::Evidence;
use crate::commands::debug::written::Written;
use crate::commands::debug::{Args, evidence};
use crate::commands::workplace::Workplace;
use crate::error::{Error, Place, Result};
use crate::files::{self, Scratch};
use crate::installation::dockerfile::derived::{self, Treatment};
use crate::installation::dockerfile::{Dockerfile, Given, Graph, Keyword};

/// What the whole output of a step is called.
pub const LOG: &str = "log.txt";
/// What the derived Dockerfile is called beside it.
const DOCKERFILE: &str = "Dockerfile";

/// A step is tried for a platform.
pub struct Trial<'a> {
    pub workplace: &'a Workplace<'a>,
    pub original: &'a ServiceDockerfile,
    /// The service's own Dockerfile, or what has the triggers of a stage written out.
    pub dockerfile: &'a Dockerfile,
    pub written: Option<&'a Written<'a>>,
    pub given: Given,
    pub args: &'a Args,
    pub platform: String,
    pub build_args: Vec<String>,
}

/// A step that fails, as far as a build tells.
#[derive(Debug, Default)]
pub struct Failing {
    /// The instruction, as its index.
    pub instruction: usize,
    /// Which step of its stage it is, as the builder counts them.
    pub number: Option<usize>,
    /// Whether it is a trigger of what its stage starts from; the instruction is the `FROM` then.
    pub is_trigger: bool,
    /// The names of other steps that failed, or were stopped.
    pub others: Vec<String>,
}

impl<'a> Trial<'a> {
    /// A trial of the service's own Dockerfile for a platform, `linux/amd64`.
    pub fn new(
        workplace: &'a Workplace<'a>,
        original: &'a ServiceDockerfile,
        dockerfile: &'a Dockerfile,
        args: &'a Args,
        platform: &str,
        build_args: &[String],
    ) -> Self {
        let given = Given {
            platform: Some(platform.to_owned()),
            ..original.given(workplace, build_args)
        };
        Self {
            workplace,
            original,
            dockerfile,
            written: None,
            given,
            args,
            platform: platform.to_owned(),
            build_args: build_args.to_owned(),
        }
    }

    /// The same with the triggers of a stage written out.
    pub fn with<'b>(&self, written: &'b Written<'b>) -> Trial<'b>
    where
        'a: 'b,
    {
        Trial {
            dockerfile: &written.spelled.dockerfile,
            written: Some(written),
            given: self.given.clone(),
            platform: self.platform.clone(),
            build_args: self.build_args.clone(),
            ..*self
        }
    }

    /// The line of the person's Dockerfile that an instruction is from, counted from 1.
    pub fn line(&self, instruction: usize) -> usize {
        match self.written {
            Some(written) => written.spelled.line(instruction),
            None => *self.dockerfile.instructions()[instruction].lines.start(),
        }
    }

    /// Where that is, for messages.
    pub fn place(&self, instruction: usize) -> Place {
        let original = self.original;
        Place::line(&original.path, &original.text, self.line(instruction))
    }

    /// The build of a stage as it is; `None` for the image's own.
    pub fn whole(&self, stage: Option<&str>) -> Derived<'_> {
        let mut derived = self.derived();
        derived.stage = match stage {
            Some(stage) => Some(stage.to_owned()),
            None => self.given.target.clone(),
        };
        derived
    }

    /// The step at which the build of a stage fails; `None` when it does not fail.
    ///
    /// # Errors
    /// `Failed` when the build fails elsewhere than at an instruction.
    pub fn first_failure(&self, stage: Option<&str>) -> Result<Option<Failing>> {
        let printer = &self.workplace.context.printer;
        let of = stage.map_or_else(
            || format!("`{}`", self.original.service),
            |stage| format!("the stage `{stage}`"),
        );
        printer.status("Building", format_args!("{of}, to see which step fails"));
        self.failing(&self.whole(stage))
    }

    /// The trigger that fails, of those that are written out, or a step before them.
    ///
    /// # Errors
    /// As [`Self::first_failure`].
    pub fn failing_trigger(&self, triggers: &Range<usize>) -> Result<Option<usize>> {
        let mut derived = self.derived();
        derived.text = self.dockerfile.through(triggers.end - 1);
        let failing = self.failing(&derived)?;
        Ok(failing.map(|failing| failing.instruction))
    }

    fn failing(&self, derived: &Derived<'_>) -> Result<Option<Failing>> {
        let ended = derived.build(Output::Nothing)?;
        if ended.built {
            return Ok(None);
        }
        let failure = Failure::read(&ended.said, &self.name());
        let position = failure.position();
        let keyword = |index: &usize| self.dockerfile.instructions()[*index].keyword;
        // A trigger is told with a line that counts in the trigger, or with another's line.
        let by_line = failure.line.and_then(|line| self.dockerfile.at_line(line));
        let is_trigger = match (by_line, position.as_ref().and(failure.keyword())) {
            (Some(index), Some(does)) => !keyword(&index).to_string().eq_ignore_ascii_case(does),
            _ => false,
        };
        // Some failures are told without a line, such as those of ADD.
        let by_name = || {
            let (stage, number, total) = position.clone()?;
            if is_trigger {
                let stage = self.dockerfile.labelled(stage.as_deref())?;
                return Some(stage.instructions.start);
            }
            let graph = Graph::new(self.dockerfile, &self.given);
            graph.instruction_of(self.dockerfile, stage.as_deref(), number, total)
        };
        let by_line = by_line.filter(|_| !is_trigger);
        let Some(instruction) = by_line.or_else(by_name) else {
            return Err(no_step(&failure, &ended.said));
        };
        Ok(Some(Failing {
            instruction,
            number: position.map(|(_, number, _)| number),
            is_trigger,
            others: failure.others,
        }))
    }

    /// What `--dry-run` shows for an instruction.
    ///
    /// # Errors
    /// When it cannot be shown as JSON.
    pub fn shown(&self, instruction: usize) -> Result<String> {
        let then = self.then(instruction);
        let treatment = match self.is_run(instruction) {
            true => Treatment::Wrapped {
                number: "TRIAL",
                then: &then,
            },
            false => Treatment::Before,
        };
        let derived = self.collecting(instruction, treatment, Path::new("/tmp/.new-…"))?;
        derived.shown(Output::Directory(Path::new("DIR")))
    }

    /// Runs a step again and collects what is left of it. When an earlier one fails, that is the
    /// one that is looked into.
    ///
    /// # Errors
    /// When the build cannot be begun, and `Interrupted`.
    pub fn look(&self, mut instruction: usize, evidence: &Evidence) -> Result<Outcome> {
        let printer = &self.workplace.context.printer;
        let context = Scratch::inside(&std::env::temp_dir())?;
        self.write_context(context.path(), instruction)?;
        loop {
            let line = *self.dockerfile.instructions()[instruction].lines.start();
            let shown = (self.original.path.display(), self.line(instruction));
            printer.status(
                "Trying",
                format_args!("the step at {}:{} again", shown.0, shown.1),
            );
            if !self.is_run(instruction) {
                return self.look_before(instruction, context.path(), evidence);
            }
            let directory = evidence.scratch()?;
            let (number, then) = (trial_number(), self.then(instruction));
            let treatment = Treatment::Wrapped {
                number: &number,
                then: &then,
            };
            let derived = self.collecting(instruction, treatment, context.path())?;
            let ended = derived.build(Output::Directory(directory.path()))?;
            if ended.built {
                let shell = self.shell(instruction);
                let state = self.dockerfile.state(instruction, treatment, &shell);
                return self.read(instruction, directory, &derived, state);
            }
            let failure = Failure::read(&ended.said, &self.name());
            let failing = failure.line.filter(|at| *at < line);
            match failing.and_then(|line| self.dockerfile.at_line(line)) {
                Some(earlier) => {
                    printer.warn(format_args!("an earlier step fails: {}", failure.message));
                    instruction = earlier;
                }
                // The wrapper could not be run, or what it ran was killed with it.
                None => return self.look_before(instruction, context.path(), evidence),
            }
        }
    }

    /// What the wrapper wrote down.
    pub fn read(
        &self,
        instruction: usize,
        directory: Scratch,
        derived: &Derived<'_>,
        state: String,
    ) -> Result<Outcome> {
        self.keep_dockerfile(&directory, derived)?;
        let status = files::read_text(&directory.path().join("status"))?;
        let status = status.trim().parse().map_err(|source| {
            Error::failed(format!("the step's exit status is `{}`", status.trim())).because(source)
        })?;
        for name in ["status", "directory"] {
            files::remove(&directory.path().join(name))?;
        }
        Ok(Outcome {
            instruction,
            status: Some(status),
            message: None,
            seen: Seen::After,
            others: Vec::new(),
            directory,
            kept: Some(Kept {
                service: self.original.service.clone(),
                platform: self.platform.clone(),
                build_args: self.build_args.clone(),
                state,
                dockerfile: self.original.text.clone(),
                triggers: self.written.map(|written| written.origin.clone()),
                instruction,
            }),
        })
    }

    /// The step as it is, with what the builder says of it, and the state before it.
    fn look_before(
        &self,
        instruction: usize,
        context: &Path,
        evidence: &Evidence,
    ) -> Result<Outcome> {
        let directory = evidence.scratch()?;
        let mut derived = self.derived();
        derived.text = self.dockerfile.through(instruction);
        let ended = derived.build(Output::Nothing)?;
        let failure = Failure::read(&ended.said, &self.name());
        let mut seen = Seen::Log;
        let is_from = self.dockerfile.instructions()[instruction].keyword == Keyword::From;
        if !is_from {
            let derived = self.collecting(instruction, Treatment::Before, context)?;
            if derived.build(Output::Directory(directory.path()))?.built {
                seen = Seen::Before;
                self.keep_dockerfile(&directory, &derived)?;
            }
        }
        let mut log = failure.log.join("\n");
        if ended.built {
            log = ended.said.join("\n");
        } else if failure.log.is_empty() {
            log.clone_from(&failure.message);
        }
        files::keep_readable(&directory.path().join(LOG), (log + "\n").as_bytes())?;
        Ok(Outcome {
            instruction,
            status: None,
            message: (!ended.built).then_some(failure.message),
            seen,
            others: failure.others,
            directory,
            kept: None,
        })
    }

    /// A build of the Dockerfile for the platform, which is to get another text.
    pub fn derived(&self) -> Derived<'_> {
        let mut derived = Derived::new(self.workplace, self.original);
        derived.platform.clone_from(&self.platform);
        derived.build_args.clone_from(&self.build_args);
        derived
            .contexts
            .extend(self.written.and_then(Written::context));
        derived
    }

    fn collecting(
        &self,
        instruction: usize,
        treatment: Treatment<'_>,
        context: &Path,
    ) -> Result<Derived<'_>> {
        let mut derived = self.derived();
        let shell = self.shell(instruction);
        derived.text = self.dockerfile.collecting(instruction, treatment, &shell);
        derived
            .contexts
            .push((derived::CONTEXT, context.to_owned()));
        Ok(derived)
    }

    fn keep_dockerfile(&self, directory: &Scratch, derived: &Derived<'_>) -> Result<()> {
        files::keep_readable(&directory.path().join(DOCKERFILE), derived.text.as_bytes())
    }

    /// Writes the scripts for a step into a directory, which the derived Dockerfile copies from.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_context(&self, directory: &Path, instruction: usize) -> Result<()> {
        let shell = self.shell(instruction);
        let probes = evidence::probes(&self.args.probe, &shell);
        let collect = evidence::collect(&self.args.keep, &self.passing(instruction));
        for (path, text) in [
            ("run/run", evidence::WRAPPER),
            ("collect/probe", &probes),
            ("collect/collect", &collect),
        ] {
            let path = directory.join(path);
            files::make_directory(path.parent().unwrap_or(directory))?;
            files::keep_readable(&path, text.as_bytes())?;
        }
        files::make_directory(&directory.join("run/out"))
    }

    fn is_run(&self, instruction: usize) -> bool {
        self.dockerfile.instructions()[instruction].keyword == Keyword::Run
    }

    /// What the Dockerfile is called, in messages of the builder too.
    pub fn name(&self) -> String {
        let name = self.original.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// What makes a run of a step another one than those before it, so that it is not taken from the
/// cache.
pub fn trial_number() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    format!("{now:x}-{}", std::process::id())
}

fn no_step(failure: &Failure, said: &[String]) -> Error {
    let mut shown: Vec<&str> = said.iter().rev().take(10).map(String::as_str).collect();
    shown.reverse();
    let error = Error::failed(format!(
        "the build fails before its first step: {}",
        failure.message
    ))
    .because(std::io::Error::other(shown.join("\n")));
    with_advice(error, said)
}
