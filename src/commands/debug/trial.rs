//! One more run of a step, wrapped, and what is left of it.

use std::path::Path;

use crate::commands::building::{Derived, Failure, Output, ServiceDockerfile};
use crate::commands::debug::place::Evidence;
use crate::commands::debug::{Args, evidence};
use crate::commands::workplace::Workplace;
use crate::engine::Image;
use crate::error::{Error, Place, Result};
use crate::files::{self, Scratch};
use crate::installation::dockerfile::derived::{self, Treatment};
use crate::installation::dockerfile::{Dockerfile, Given, Graph, Keyword, Source};

/// What the whole output of a step is called.
pub const LOG: &str = "log.txt";
/// What the derived Dockerfile is called beside it.
const DOCKERFILE: &str = "Dockerfile";

/// A step is tried for a platform.
pub struct Trial<'a> {
    pub workplace: &'a Workplace<'a>,
    pub original: &'a ServiceDockerfile,
    pub dockerfile: &'a Dockerfile,
    pub given: Given,
    pub args: &'a Args,
    pub platform: String,
    pub build_args: Vec<String>,
}

/// How a failed state is had again: by building what led to it, which the build's cache has.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// The service that is built.
    pub service: String,
    /// The platform.
    pub platform: String,
    /// Build arguments of that build alone.
    pub build_args: Vec<String>,
    /// The derived Dockerfile up to the state.
    pub state: String,
    /// The Dockerfile that it was derived from.
    pub dockerfile: String,
    /// The step, as the index of its instruction there.
    pub instruction: usize,
}

/// How much could be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// The file system as the step left it.
    After,
    /// That before the step, which runs no command of its own or could not be begun.
    Before,
    /// Only what the builder said.
    Log,
}

/// What came out.
pub struct Outcome {
    /// The instruction, as its index.
    pub instruction: usize,
    /// The exit status of the step's command, where it has one.
    pub status: Option<i32>,
    /// Why the step failed, in the builder's words, where it was not wrapped.
    pub message: Option<String>,
    /// What could be looked at.
    pub seen: Seen,
    /// Other steps that failed at the same time.
    pub others: Vec<String>,
    /// What was collected.
    pub directory: Scratch,
    /// How the failed state is had again, where it is kept.
    pub kept: Option<Kept>,
}

impl Outcome {
    /// Whether the step failed again.
    pub fn failed(&self) -> bool {
        self.message.is_some() || self.status.is_some_and(|status| status != 0)
    }
}

impl Trial<'_> {
    /// The build of a stage as it is; `None` for the image's own.
    pub fn whole(&self, stage: Option<&str>) -> Derived<'_> {
        let mut derived = self.derived();
        derived.stage = match stage {
            Some(stage) => Some(stage.to_owned()),
            None => self.given.target.clone(),
        };
        derived
    }

    /// The instruction at which the build of a stage fails, and what else failed or was stopped;
    /// `None` when it does not fail.
    ///
    /// # Errors
    /// `Failed` when the build fails elsewhere than at an instruction.
    pub fn first_failure(&self, stage: Option<&str>) -> Result<Option<(usize, Vec<String>)>> {
        let printer = &self.workplace.context.printer;
        let of = stage.map_or_else(
            || format!("`{}`", self.original.service),
            |stage| format!("the stage `{stage}`"),
        );
        printer.status("Building", format_args!("{of}, to see which step fails"));
        let ended = self.whole(stage).build(Output::Nothing)?;
        if ended.built {
            return Ok(None);
        }
        let failure = Failure::read(&ended.said, &self.name());
        let by_line = failure.line.and_then(|line| self.dockerfile.at_line(line));
        // Some failures are told without a line, such as those of ADD.
        let by_name = || {
            let (stage, number, total) = failure.position()?;
            let graph = Graph::new(self.dockerfile, &self.given);
            graph.instruction_of(self.dockerfile, stage.as_deref(), number, total)
        };
        match by_line.or_else(by_name) {
            Some(index) => Ok(Some((index, failure.others))),
            None => Err(no_step(&failure, &ended.said)),
        }
    }

    /// What `--dry-run` shows for an instruction.
    ///
    /// # Errors
    /// When it cannot be shown as JSON.
    pub fn shown(&self, instruction: usize) -> Result<String> {
        let treatment = match self.is_run(instruction) {
            true => Treatment::Wrapped("TRIAL"),
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
            printer.status(
                "Trying",
                format_args!("the step at {}:{line} again", self.original.path.display()),
            );
            if !self.is_run(instruction) {
                return self.look_before(instruction, context.path(), evidence);
            }
            let directory = evidence.scratch()?;
            let number = trial_number();
            let treatment = Treatment::Wrapped(&number);
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
    fn read(
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

    /// Goes on from a failed state with what was changed in the Dockerfile since, up to the step.
    ///
    /// # Errors
    /// `Usage` when what was changed is not behind that state; `Failed` when something before the
    /// step fails; otherwise as [`Self::look`].
    pub fn resume(&self, kept: &Kept, evidence: &Evidence) -> Result<Outcome> {
        let (mut derived, instruction, state) = self.resumed(kept, None)?;
        let line = *self.dockerfile.instructions()[instruction].lines.start();
        let shown = self.original.path.display();
        let printer = &self.workplace.context.printer;
        printer.status("Resuming", format_args!("with the step at {shown}:{line}"));
        let context = Scratch::inside(&std::env::temp_dir())?;
        self.write_context(context.path(), instruction)?;
        let directory = evidence.scratch()?;
        derived.contexts = vec![(derived::CONTEXT, context.path().to_owned())];
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
    fn resumed(&self, kept: &Kept, number: Option<&str>) -> Result<(Derived<'_>, usize, String)> {
        let before = Dockerfile::parse(&self.original.path, &kept.dockerfile)?;
        let changed = self.dockerfile.changed_since(&before, kept.instruction);
        let Some(changed) = changed else {
            return Err(Error::usage(
                "the step that failed is gone, or its stage begins otherwise now",
            )
            .at(Place::file(&self.original.path))
            .help("without `--resume` it is built from its beginning"));
        };
        let instruction = *changed.end();
        let own = trial_number();
        let treatment = Treatment::Wrapped(number.unwrap_or(&own));
        let shell = self.shell(instruction);
        let mut state = kept.state.clone();
        for index in changed {
            let one = &self.dockerfile.instructions()[index];
            state += &match treatment {
                Treatment::Wrapped(number) if index == instruction => {
                    self.dockerfile.wrapped(one, number, &shell)
                }
                _ => format!("{}\n", self.dockerfile.own_text(one)),
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
    pub fn resume_shown(&self, kept: &Kept) -> Result<String> {
        let (mut derived, ..) = self.resumed(kept, Some("TRIAL"))?;
        derived.contexts = vec![(derived::CONTEXT, Path::new("/tmp/.new-…").to_owned())];
        derived.shown(Output::Directory(Path::new("DIR")))
    }

    pub fn derived(&self) -> Derived<'_> {
        let mut derived = Derived::new(self.workplace, self.original);
        derived.platform.clone_from(&self.platform);
        derived.build_args.clone_from(&self.build_args);
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
        derived.contexts = vec![(derived::CONTEXT, context.to_owned())];
        Ok(derived)
    }

    fn keep_dockerfile(&self, directory: &Scratch, derived: &Derived<'_>) -> Result<()> {
        files::keep_readable(&directory.path().join(DOCKERFILE), derived.text.as_bytes())
    }

    pub fn write_context(&self, directory: &Path, instruction: usize) -> Result<()> {
        let shell = self.shell(instruction);
        let probes = evidence::probes(&self.args.probe, &shell);
        let collect = evidence::collect(&self.args.keep);
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

    /// What runs commands at an instruction: what the file says, else what the base image does.
    pub fn shell(&self, instruction: usize) -> Vec<String> {
        let (chain, base) = self.below(instruction);
        let own = self.dockerfile.shell_at(instruction, &chain);
        let shell = own.or_else(|| base.map(|base| base.shell));
        let shell = shell.filter(|shell| !shell.is_empty());
        shell.unwrap_or_else(derived::default_shell)
    }

    /// Who runs commands at an instruction, as it is written; likewise.
    pub fn user(&self, instruction: usize) -> Option<String> {
        let (chain, base) = self.below(instruction);
        let own = self
            .dockerfile
            .user_at(instruction, &chain)
            .map(str::to_owned);
        let user = own.or_else(|| base.map(|base| base.user));
        user.filter(|user| !user.is_empty())
    }

    /// The stages below an instruction, its own first, and the image that they start from. One that
    /// is not here is fetched by the build, and then rarely has a shell of its own.
    fn below(&self, instruction: usize) -> (Vec<usize>, Option<Image>) {
        let stage = self.dockerfile.instructions()[instruction].stage;
        let graph = Graph::new(self.dockerfile, &self.given);
        let chain = graph.chain(stage.unwrap_or_default());
        let image = match chain.last().and_then(|root| graph.parent(*root)) {
            Some(Source::Image(image)) => {
                let found = self
                    .workplace
                    .images
                    .find(image, &self.workplace.context.printer);
                found.ok().flatten()
            }
            _ => None,
        };
        (chain, image)
    }

    fn is_run(&self, instruction: usize) -> bool {
        self.dockerfile.instructions()[instruction].keyword == Keyword::Run
    }

    fn name(&self) -> String {
        let name = self.original.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// What makes a run of a step another one than those before it, so that it is not taken from the
/// cache.
fn trial_number() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    format!("{now:x}-{}", std::process::id())
}

fn no_step(failure: &Failure, said: &[String]) -> Error {
    let mut said: Vec<&str> = said.iter().rev().take(10).map(String::as_str).collect();
    said.reverse();
    Error::failed(format!(
        "the build fails before its first step: {}",
        failure.message
    ))
    .because(std::io::Error::other(said.join("\n")))
}
