//! `envtpl export`: files out of any stage of a Dockerfile, through a stage of their own that holds
//! nothing else and is in no file of the project.

mod place;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::commands::Context;
use crate::commands::building::{Derived, Ended, Failure, ServiceDockerfile, stage_failure};
use crate::commands::workplace::{Workplace, check_identity};
use crate::error::{Error, Result};
use crate::installation::dockerfile::{Dockerfile, Graph, SELECTED, Selection, Source, Stage};

use place::Destination;

/// Options of `envtpl export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl export python-plan /plan -o out            the directory /plan, as out/plan
  envtpl export build /build/compile_commands.json '/build/*.log' -o out
  envtpl export results -o results.tar              all of a stage that starts from scratch
  envtpl export development-generic --all -o - | tar tv | less
  envtpl export tests /report -o out --fresh tests  run the tests again first

What the stage needs is built, most of it from the cache. Each PATH, from `/`, comes to its own
name; `*`, `?` and `[…]` in its last part match files, and what is in directories. The directory
of -o is replaced when all of it is there: nothing of an earlier export stays, and one that fails
changes nothing.")]
pub struct Args {
    /// The stage
    stage: String,

    /// What is wanted of it; everything, if it starts from scratch
    #[arg(value_name = "PATH")]
    paths: Vec<String>,

    /// Write into this directory, this tar file, or standard output as tar
    #[arg(short = 'o', long = "output", value_name = "DIR|FILE.tar|-")]
    output: PathBuf,

    /// Everything in the stage, of the image that it starts from too
    #[arg(long, conflicts_with = "paths")]
    all: bool,

    /// Replace a directory that no export made
    #[arg(long)]
    replace: bool,

    /// Build this stage without its cache
    #[arg(long, value_name = "STAGE")]
    fresh: Vec<String>,

    /// The service whose Dockerfile is meant [default: that of the dev image which has the stage]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Set a build argument of the Dockerfile for this build alone
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_args: Vec<String>,
}

/// What was exported.
#[derive(Debug, Serialize)]
struct Report {
    stage: String,
    /// The paths that were asked for; none for everything.
    paths: Vec<String>,
    output: PathBuf,
    /// The files in a directory, relative to it.
    files: Vec<PathBuf>,
}

/// Exports.
///
/// # Errors
/// `Usage` when there is no such stage, nothing is chosen of one that is not from scratch, or the
/// directory is not to be replaced; `Failed` when it cannot be built, or has no such file.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    check_identity(installation)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let original = ServiceDockerfile::with_stage(&workplace, &args.stage, args.service.as_deref())?;
    let dockerfile = Dockerfile::parse(&original.path, &original.text)?;
    let stage = dockerfile.stage(&args.stage)?;
    for fresh in &args.fresh {
        dockerfile.stage(fresh)?;
    }
    let selections = selections(args)?;
    let given = original.given(&workplace, &args.build_args);
    let graph = Graph::new(&dockerfile, &given);
    refuse_whole_image(&dockerfile, &graph, stage, args)?;

    let mut derived = Derived::new(&workplace, &original);
    derived.build_args.clone_from(&args.build_args);
    derived.fresh.clone_from(&args.fresh);
    derived.stage.clone_from(&stage.name);
    if !selections.is_empty() {
        derived.text = dockerfile.selecting(stage.index, &selections);
        derived.stage = Some(SELECTED.to_owned());
    }
    let destination = Destination::of(context, &project, &args.output, args.replace)?;
    if context.dry_run {
        return context.printer.data(derived.shown(destination.shown())?);
    }
    let staged = destination.stage()?;
    context
        .printer
        .status("Exporting", format_args!("stage {}", stage.label()));
    let ended = derived.build(staged.output())?;
    if !ended.built {
        return Err(failure(&ended, &original, stage, args));
    }
    let files = staged.settle(&context.printer)?;
    if destination.is_stdout() {
        return Ok(());
    }
    context.printer.status("Exported", destination.told(&files));
    let report = Report {
        stage: stage.label(),
        paths: args.paths.clone(),
        output: args.output.clone(),
        files,
    };
    context.printer.report(&report, |_| String::new())
}

fn selections(args: &Args) -> Result<Vec<Selection>> {
    let mut names = BTreeSet::new();
    let mut selections = Vec::new();
    for path in &args.paths {
        let selection = Selection::read(path).map_err(Error::usage)?;
        if selection.to != "/" && !names.insert(selection.to.clone()) {
            return Err(Error::usage(format!(
                "two of the paths come to the name `{}`",
                &selection.to[1..]
            ))
            .help("export them one after the other, or the directory that holds both"));
        }
        selections.push(selection);
    }
    Ok(selections)
}

/// A whole image is rarely meant, and takes long.
fn refuse_whole_image(
    dockerfile: &Dockerfile,
    graph: &Graph,
    stage: &Stage,
    args: &Args,
) -> Result<()> {
    let chain = graph.chain(stage.index);
    let bottom = chain.last().and_then(|first| graph.parent(*first));
    if args.all || !args.paths.is_empty() || bottom == Some(&Source::Scratch) {
        return Ok(());
    }
    Err(
        Error::usage(format!("`{}` holds a whole system", stage.label()))
            .at(dockerfile.place(stage))
            .help("name the paths that you want of it")
            .help("or take everything with `--all`"),
    )
}

fn failure(ended: &Ended, original: &ServiceDockerfile, stage: &Stage, args: &Args) -> Error {
    let name = original.path.file_name().unwrap_or_default();
    let failure = Failure::read(&ended.said, &name.to_string_lossy());
    let missing = args.paths.iter().find(|path| {
        let path = path.trim_end_matches('/').trim_start_matches('/');
        failure.message.contains("not found") && failure.message.contains(path)
    });
    if let Some(path) = missing {
        return Error::failed(format!("the stage `{}` has no `{path}`", stage.label())).help(
            format!(
                "look around in it: `envtpl shell --stage {}`",
                stage.label()
            ),
        );
    }
    stage_failure(ended, original, &stage.label())
}
