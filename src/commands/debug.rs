//! `envtpl debug`: looks into a step that fails, with a Dockerfile that is thrown away.

mod evidence;
mod last;
mod looks;
mod outcome;
mod place;
mod report;
mod resume;
mod secrets;
mod shell;
mod surroundings;
mod trial;
mod why;
mod written;

use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::building::{Output, ServiceDockerfile};
use crate::commands::workplace::{Layer, Workplace, check_identity};
use crate::error::{Error, Place, Result};
use crate::installation::dockerfile::Dockerfile;
use crate::installation::flavour::Flavour;
use crate::output::Format;

use last::LastFailure;
use outcome::{Kept, Outcome};
use place::Evidence;
use report::Report;
use trial::{Failing, Trial};
use why::Why;
use written::Written;

/// Options of `envtpl debug`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl debug                          the step at which the last build failed
  envtpl debug tests                    the first step of the stage `tests` that fails
  envtpl debug 42                       the step at line 42 of the Dockerfile
  envtpl debug --keep 'build/**/*.log' --probe 'ls -la build'
  envtpl debug 12 --service image-dev-user
  envtpl debug --shell                  a shell where it failed; `again` runs the command
  envtpl debug --resume                 the command as you have edited it, on the tree as it is
  envtpl debug --dry-run 42             the Dockerfile that would be built, and the command

Everything before the step comes from the build's cache. The step itself runs once more, with its
whole output in a file; then files and answers of programs are collected in the failed file system:
log.txt, files/, probes/ and debug.json, in .envtpl/builds/ID/debug/ or the directory of -o. Your
Dockerfile, images and tags stay as they are, and so do the cached steps of your own builds. The
secrets of the build are in no file.

Exit status 1 means that the step failed again, 0 that nothing did: then the step is flaky.")]
pub struct Args {
    /// A stage, whose first failing step is meant, or a line of the Dockerfile; otherwise the step
    /// at which the last build failed, or the dev image does
    #[arg(value_name = "STAGE|LINE")]
    step: Option<String>,

    /// The service whose Dockerfile is meant [default: that of the dev image which has the stage]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Keep these files of the failed file system too, from the step's directory or from `/`; `**`
    /// is any directory below
    #[arg(long, value_name = "GLOB")]
    keep: Vec<String>,

    /// Ask this too, with the step's own shell, where it failed
    #[arg(long, value_name = "COMMAND")]
    probe: Vec<String>,

    /// Open a shell in the failed state; without a step, in that of the last `envtpl debug`
    #[arg(long)]
    shell: bool,

    /// Go on from the state of the last `envtpl debug` with what you have changed in the Dockerfile
    /// since, up to the step
    #[arg(long, conflicts_with_all = ["step", "service", "build_args"])]
    resume: bool,

    /// Write into this directory
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: Option<PathBuf>,

    /// Set a build argument of the Dockerfile for this build alone
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_args: Vec<String>,
}

/// Looks into the step.
///
/// # Errors
/// `Usage` when there is no such step, `NotReady` when the engine cannot, `Failed` when the step
/// failed again, with the evidence written.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    check_identity(installation)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let last = || Evidence::last(context, &project, args.output.as_deref());
    if args.resume {
        return resume(&workplace, args, last()?);
    }
    let failed = match (&args.step, &args.service) {
        (None, None) => LastFailure::of(&workplace)?,
        _ => None,
    };
    let original = match &failed {
        Some(failed) => ServiceDockerfile::of(&workplace, &failed.service)?,
        None => original(&workplace, args)?,
    };
    let is_plain = args.step.is_none() && args.build_args.is_empty();
    if args.shell
        && is_plain
        && !context.dry_run
        && let Some(kept) = last()?
        && kept.dockerfile == original.text
        && kept.service == original.service
    {
        return open(&workplace, args, &original, &kept);
    }
    look(&workplace, args, &original, failed)
}

/// Tries the step again, on each platform until it fails.
fn look(
    workplace: &Workplace<'_>,
    args: &Args,
    original: &ServiceDockerfile,
    failed: Option<LastFailure>,
) -> Result<()> {
    let context = workplace.context;
    let dockerfile = Dockerfile::parse(&original.path, &original.text)?;
    let id = failed.as_ref().map(|failed| failed.build.as_str());
    let evidence = Evidence::plan(context, workplace.project, args.output.as_deref(), id)?;
    let known = failed
        .as_ref()
        .and_then(|failed| failed.instruction(&dockerfile));
    let aim = match known {
        Some(index) => Aim::Instruction(index),
        None => aim(&dockerfile, args)?,
    };
    let mut build_args = failed.map(|failed| failed.build_args).unwrap_or_default();
    build_args.extend(args.build_args.iter().cloned());
    for platform in platforms(workplace, &original.service) {
        let trial = Trial::new(
            workplace,
            original,
            &dockerfile,
            args,
            &platform,
            &build_args,
        );
        let failing = match &aim {
            Aim::Instruction(index) => Failing {
                instruction: *index,
                ..Failing::default()
            },
            Aim::Stage(stage) if context.dry_run => {
                let derived = trial.whole(stage.as_deref());
                return context.printer.data(derived.shown(Output::Nothing)?);
            }
            Aim::Stage(stage) => match trial.first_failure(stage.as_deref())? {
                Some(failing) => failing,
                None => continue,
            },
        };
        let Some((written, known)) = Written::of(&trial, &failing)? else {
            if context.dry_run {
                return context.printer.data(trial.shown(failing.instruction)?);
            }
            let mut outcome = trial.look(failing.instruction, &evidence)?;
            outcome.others.extend(failing.others);
            // A stage's step failed a moment ago: that it passes now is worth its evidence too.
            if outcome.failed() || matches!(aim, Aim::Stage(_)) {
                return finish(&trial, evidence, outcome);
            }
            continue;
        };
        let trial = trial.with(&written);
        let triggers = &written.spelled.triggers;
        if context.dry_run {
            let trigger = known.unwrap_or(triggers.start);
            return context.printer.data(trial.shown(trigger)?);
        }
        let known = match known {
            Some(known) => Some(known),
            None => trial.failing_trigger(triggers)?,
        };
        if let Some(trigger) = known {
            let mut outcome = trial.look(trigger, &evidence)?;
            outcome.others.extend(failing.others);
            if outcome.failed() || matches!(aim, Aim::Stage(_)) {
                return finish(&trial, evidence, outcome);
            }
        }
    }
    nothing_failed(context, &aim, original, &dockerfile)
}

/// Goes on from the state of the last evidence.
fn resume(workplace: &Workplace<'_>, args: &Args, kept: Option<Kept>) -> Result<()> {
    let context = workplace.context;
    let Some(kept) = kept else {
        return Err(Error::usage("there is no failed state to go on from")
            .help("`envtpl debug` keeps one, in its directory"));
    };
    let original = ServiceDockerfile::of(workplace, &kept.service)?;
    let dockerfile = Dockerfile::parse(&original.path, &original.text)?;
    let before = Dockerfile::parse(&original.path, &kept.dockerfile)?;
    let evidence = Evidence::plan(context, workplace.project, args.output.as_deref(), None)?;
    let (platform, build_args) = (&kept.platform, &kept.build_args);
    let trial = Trial::new(
        workplace,
        &original,
        &dockerfile,
        args,
        platform,
        build_args,
    );
    let Some(origin) = &kept.triggers else {
        return go_on(&trial, &kept, &before, evidence);
    };
    let written = Written::again(workplace, &dockerfile, &before, origin)?;
    let before = origin.written_out(&before)?;
    go_on(&trial.with(&written), &kept, &before, evidence)
}

fn go_on(trial: &Trial<'_>, kept: &Kept, before: &Dockerfile, evidence: Evidence) -> Result<()> {
    let context = trial.workplace.context;
    if context.dry_run {
        return context.printer.data(trial.resume_shown(kept, before)?);
    }
    let outcome = trial.resume(kept, before, &evidence)?;
    finish(trial, evidence, outcome)
}

/// Opens a shell in the state of the last evidence.
fn open(
    workplace: &Workplace<'_>,
    args: &Args,
    original: &ServiceDockerfile,
    kept: &Kept,
) -> Result<()> {
    let dockerfile = Dockerfile::parse(&original.path, &kept.dockerfile)?;
    let (platform, build_args) = (&kept.platform, &kept.build_args);
    let trial = Trial::new(workplace, original, &dockerfile, args, platform, build_args);
    let place = match &kept.triggers {
        None => {
            shell::open(&trial, kept)?;
            trial.place(kept.instruction)
        }
        Some(origin) => {
            let written = Written::again(workplace, &dockerfile, &dockerfile, origin)?;
            let trial = trial.with(&written);
            shell::open(&trial, kept)?;
            trial.place(kept.instruction)
        }
    };
    Err(Error::failed("the step had failed").at(place))
}

/// What is asked for.
enum Aim {
    /// An instruction, as its index.
    Instruction(usize),
    /// Whatever fails first on the way to a stage; `None` for that of the image.
    Stage(Option<String>),
}

fn aim(dockerfile: &Dockerfile, args: &Args) -> Result<Aim> {
    let Some(step) = &args.step else {
        return Ok(Aim::Stage(None));
    };
    if let Some(stage) = dockerfile.find_stage(step) {
        return Ok(Aim::Stage(stage.name.clone()));
    }
    let Ok(line) = step.parse::<usize>() else {
        // Says which stages there are.
        return dockerfile
            .stage(step)
            .map(|stage| Aim::Stage(stage.name.clone()));
    };
    let found = dockerfile.at_line(line);
    match found.filter(|index| dockerfile.instructions()[*index].stage.is_some()) {
        Some(index) => Ok(Aim::Instruction(index)),
        None => Err(Error::usage(format!("line {line} belongs to no step"))
            .at(Place::line(dockerfile.path(), dockerfile.text(), line))
            .help("name a line of a RUN, COPY or ADD, or a stage")),
    }
}

/// The Dockerfile that is meant: that of the service named, else the one that has the stage.
fn original(workplace: &Workplace<'_>, args: &Args) -> Result<ServiceDockerfile> {
    let is_stage = |step: &&String| step.parse::<usize>().is_err();
    let service = args.service.as_deref();
    match (args.step.as_ref().filter(is_stage), service) {
        (Some(stage), service) => ServiceDockerfile::with_stage(workplace, stage, service),
        (None, Some(service)) => ServiceDockerfile::of(workplace, service),
        (None, None) => ServiceDockerfile::of(workplace, &Layer::Generic.service(Flavour::Dev)),
    }
}

/// The platforms that the service is built for: those of its build, else the installation's.
fn platforms(workplace: &Workplace<'_>, service: &str) -> Vec<String> {
    let own = workplace.model.services.get(service);
    let own = own.and_then(|service| service.build.as_ref());
    match own.map(|build| build.platforms.clone()) {
        Some(platforms) if !platforms.is_empty() => platforms,
        _ => vec![workplace.installation.name().platform().docker()],
    }
}

fn nothing_failed(
    context: &Context,
    aim: &Aim,
    original: &ServiceDockerfile,
    dockerfile: &Dockerfile,
) -> Result<()> {
    let printer = &context.printer;
    let what = match aim {
        Aim::Stage(Some(stage)) => format!("the stage `{stage}` of `{}`", original.path.display()),
        Aim::Stage(None) => format!("the image of `{}`", original.service),
        Aim::Instruction(index) => {
            let line = *dockerfile.instructions()[*index].lines.start();
            format!("the step at {}:{line}", original.path.display())
        }
    };
    printer.warn(format_args!(
        "{what} can be built: nothing fails this time. If it failed before, it is flaky, or what \
         it needs has come back"
    ));
    match printer.format() {
        Format::Json => printer.json(&serde_json::json!({
            "outcome": "passed",
            "service": original.service,
        })),
        _ => Ok(()),
    }
}

/// Writes the evidence, tells of it, and opens the shell that was asked for.
fn finish(trial: &Trial<'_>, evidence: Evidence, outcome: Outcome) -> Result<()> {
    let printer = &trial.workplace.context.printer;
    let secrets = secrets::Secrets::of(trial.workplace, &trial.original.service)?;
    secrets.hide_below(outcome.directory.path())?;
    let why = Why::of(trial, &outcome)?;
    let report = Report::new(trial, &outcome, why, evidence.place())?;
    let (failed, kept) = (outcome.failed(), outcome.kept.clone());
    let place = trial.place(outcome.instruction);
    evidence.settle(outcome, &report)?;
    if trial.args.shell {
        // Standard output is the shell's.
        printer.note(report.told());
    } else {
        printer.report(&report, Report::told)?;
    }
    if !failed {
        match trial.args.resume {
            true => printer.warn("the step passes now: build it all, with `envtpl build`"),
            false => printer.warn("the step passed this time: it is flaky"),
        }
        return Ok(());
    }
    match kept {
        Some(kept) if trial.args.shell => shell::open(trial, &kept)?,
        None if trial.args.shell => {
            printer.warn("no shell is opened: the step did not run, so that it left no state");
        }
        _ => {}
    }
    Err(report.error(place))
}
