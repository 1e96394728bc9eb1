//! `envtpl debug`: looks into a step that fails, with a Dockerfile that is thrown away.

mod evidence;
mod place;
mod report;
mod secrets;
mod trial;

use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::building::{Output, ServiceDockerfile};
use crate::commands::workplace::{Layer, Workplace, check_identity};
use crate::error::{Error, Place, Result};
use crate::installation::dockerfile::{Dockerfile, Given};
use crate::installation::flavour::Flavour;

use place::Evidence;
use report::Report;
use trial::{Outcome, Trial};

/// Options of `envtpl debug`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl debug                          the step at which the dev image fails
  envtpl debug tests                    the first step of the stage `tests` that fails
  envtpl debug 42                       the step at line 42 of the Dockerfile
  envtpl debug --keep 'build/**/*.log' --probe 'ls -la build'
  envtpl debug 12 --service image-dev-user
  envtpl debug --dry-run 42             the Dockerfile that would be built, and the command

Everything before the step comes from the build's cache. The step itself runs once more, with its
whole output in a file; then files and answers of programs are collected in the failed file system:
log.txt, files/, probes/ and debug.json, in .envtpl/builds/ID/debug/ or the directory of -o. Your
Dockerfile, images and tags stay as they are, and so do the cached steps of your own builds. The
secrets of the build are in no file.

Exit status 1 means that the step failed again, 0 that nothing did: then the step is flaky.")]
pub struct Args {
    /// A stage, whose first failing step is meant, or a line of the Dockerfile; otherwise the step
    /// at which the image fails
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
    let original = original(&workplace, args)?;
    let dockerfile = Dockerfile::parse(&original.path, &original.text)?;
    let evidence = Evidence::plan(context, &project, args.output.as_deref())?;
    let aim = aim(&dockerfile, args)?;
    let mut outcome = None;
    for platform in platforms(&workplace, &original.service) {
        let trial = Trial {
            workplace: &workplace,
            original: &original,
            dockerfile: &dockerfile,
            given: given(&workplace, &original.service, args, &platform),
            args,
            platform,
        };
        let instruction = match &aim {
            Aim::Instruction(index) => *index,
            Aim::Stage(stage) if context.dry_run => {
                let derived = trial.whole(stage.as_deref());
                context.printer.data(derived.shown(Output::Nothing)?)?;
                continue;
            }
            Aim::Stage(stage) => match trial.first_failure(stage.as_deref())? {
                Some(index) => index,
                None => continue,
            },
        };
        if context.dry_run {
            context.printer.data(trial.shown(instruction)?)?;
            continue;
        }
        let done = trial.look(instruction, &evidence)?;
        let failed = done.failed();
        outcome = Some((trial.platform.clone(), done));
        if failed {
            break;
        }
    }
    if context.dry_run {
        return Ok(());
    }
    let Some((platform, outcome)) = outcome else {
        return nothing_failed(context, &aim, &original);
    };
    finish(
        &workplace,
        &original,
        &dockerfile,
        &platform,
        outcome,
        evidence,
    )
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
    if let Some(service) = &args.service {
        return ServiceDockerfile::of(workplace, service);
    }
    let generic = ServiceDockerfile::of(workplace, &Layer::Generic.service(Flavour::Dev))?;
    let Some(step) = args
        .step
        .as_ref()
        .filter(|step| step.parse::<usize>().is_err())
    else {
        return Ok(generic);
    };
    let has_stage = |one: &ServiceDockerfile| {
        Dockerfile::parse(&one.path, &one.text).is_ok_and(|file| file.find_stage(step).is_some())
    };
    if !has_stage(&generic)
        && let Ok(user) = ServiceDockerfile::of(workplace, &Layer::User.service(Flavour::Dev))
        && has_stage(&user)
    {
        return Ok(user);
    }
    Ok(generic)
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

fn given(workplace: &Workplace<'_>, service: &str, args: &Args, platform: &str) -> Given {
    let mut given = Given {
        platform: Some(platform.to_owned()),
        ..Given::default()
    };
    let build = workplace.model.services.get(service);
    if let Some(build) = build.and_then(|service| service.build.as_ref()) {
        let set = build.args.iter();
        given.args = set
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect();
        given.target.clone_from(&build.target);
    }
    let own = args.build_args.iter();
    given.args.extend(own.filter_map(|argument| {
        let (name, value) = argument.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    }));
    given
}

fn nothing_failed(context: &Context, aim: &Aim, original: &ServiceDockerfile) -> Result<()> {
    let what = match aim {
        Aim::Stage(Some(stage)) => format!("the stage `{stage}` of `{}`", original.path.display()),
        _ => format!("the image of `{}`", original.service),
    };
    let printer = &context.printer;
    let report = serde_json::json!({ "outcome": "built", "service": original.service });
    printer.warn(format_args!("{what} can be built: no step fails this time"));
    match printer.format() {
        crate::output::Format::Json => printer.json(&report),
        _ => Ok(()),
    }
}

/// Writes the evidence and tells of it.
fn finish(
    workplace: &Workplace<'_>,
    original: &ServiceDockerfile,
    dockerfile: &Dockerfile,
    platform: &str,
    outcome: Outcome,
    evidence: Evidence,
) -> Result<()> {
    let printer = &workplace.context.printer;
    secrets::Secrets::of(workplace, &original.service)?.hide_below(outcome.directory.path())?;
    let place = evidence.place().to_owned();
    let report = Report::new(workplace, original, dockerfile, platform, &outcome, &place)?;
    let failed = outcome.failed();
    evidence.settle(outcome.directory, &report)?;
    printer.report(&report, Report::told)?;
    if !failed {
        printer.warn("the step passed this time: it is flaky, or what it needs has come back");
        return Ok(());
    }
    Err(report.error(dockerfile))
}
