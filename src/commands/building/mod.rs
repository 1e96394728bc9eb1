//! Building images: what `build-generic`, `build-user` and `build` have in common.

mod apart;
mod args;
mod bake;
mod capture;
mod checks;
mod derived;
mod inputs;
mod listen;
mod lists;
mod locked;
mod offline;
mod places;
mod plan;
mod publish;
mod record;
mod said;
mod summary;
mod view;

use serde::Serialize;

use crate::commands::Context;
use crate::commands::workplace::{Layer, Workplace, check_identity, check_named_files, settings};
use crate::engine::short_id;
use crate::environment::lock::Lock;
use crate::error::Result;
use crate::files;
use crate::installation::dockerfile::Dockerfile;
use crate::output::{Table, megabytes};
use crate::process::interrupted;
use crate::project::{Installation, Project, Revision};

pub use apart::Apart;
pub use args::BuildArgs;
use capture::Captured;
pub use checks::base_image;
pub use derived::{Derived, Ended, Output, ServiceDockerfile, stage_failure, with_advice};
pub use locked::{check as check_locked, check_base as check_locked_base};
use plan::{Plan, Purpose};
pub use said::Failure;
pub use summary::{stage_of, steps_by_stage, table as stages_table};

/// An image that was built, with all its names.
#[derive(Debug, Serialize)]
pub struct Built {
    installation: String,
    service: String,
    id: String,
    size: u64,
    tags: Vec<String>,
}

/// Builds one layer of an installation's images, both flavours in one build.
///
/// # Errors
/// Everything that is wrong with the files, the checkout, the base or the engine is found before
/// the build begins; `Failed` when the build fails, with nothing tagged.
pub fn build(
    context: &Context,
    project: &Project,
    installation: &Installation,
    layer: Layer,
    args: &BuildArgs,
) -> Result<Vec<Built>> {
    let _lock = lock(context, project, installation)?;
    if args.commit && !context.dry_run {
        inputs::commit(context, installation)?;
    }
    let revision = Revision::of(installation.directory())?;
    checks::refuse_dirty(&revision, installation, args)?;
    let lock = check_files(installation, layer, args)?;
    let offline = offline::prepare(context, project, installation, layer, args)?;
    if !context.dry_run {
        inputs::record(project, installation, &revision, args)?;
    }
    let workplace = Workplace::open(context, project, installation)?;
    check_machine(&workplace, args)?;
    offline::check_base(&workplace, layer, args)?;
    if let Some(lock) = lock {
        locked::check_base(&workplace, args, &lock)?;
    }

    let plan = Plan::new(&workplace, layer, args, Purpose::Publish, offline)?;
    if context.dry_run {
        context.printer.data(plan.shown(&workplace, args)?)?;
        return Ok(Vec::new());
    }
    if layer == Layer::Generic {
        locked::tell(installation, &context.printer)?;
    }
    let mut captured = run_build(&workplace, &plan, args)?;
    let built = publish::publish(&workplace, &plan, layer, args, &revision)?;
    captured.made(&workplace, &built);
    captured.tell();
    Ok(built)
}

/// The files that a layer is built from: what is wrong with them is told before the build. Gives
/// the lock, if the build may only install what it holds.
fn check_files(
    installation: &Installation,
    layer: Layer,
    args: &BuildArgs,
) -> Result<Option<Lock>> {
    check_identity(installation)?;
    check_named_files(installation, &settings(installation)?)?;
    checks::dockerfile(installation, layer, args)?;
    if layer != Layer::Generic {
        return Ok(None);
    }
    checks::declared(installation)?;
    match args.locked || args.offline {
        true => locked::check(installation).map(Some),
        false => Ok(None),
    }
}

/// The engine and the base image, likewise.
fn check_machine(workplace: &Workplace<'_>, args: &BuildArgs) -> Result<()> {
    checks::engine(workplace)?;
    checks::platform(workplace, args)
}

/// Builds the installations asked for, each as `build` does, which adds its images to those built;
/// prints them all, also when what came after them failed.
///
/// # Errors
/// Those of `build`; otherwise when standard output cannot be written.
pub fn for_each_installation(
    context: &Context,
    mut build: impl FnMut(&Project, &Installation, &mut Vec<Built>) -> Result<()>,
) -> Result<()> {
    let project = context.project()?;
    let mut built = Vec::new();
    let outcome = context.installations(&project).and_then(|installations| {
        let mut installations = installations.into_iter();
        installations.try_for_each(|installation| build(&project, installation, &mut built))
    });
    report(context, &built, outcome)
}

fn report(context: &Context, built: &[Built], outcome: Result<()>) -> Result<()> {
    if context.dry_run || (outcome.is_err() && built.is_empty()) {
        return outcome;
    }
    let printed = context.printer.report(&built, |built| {
        let mut table = Table::new(["image", "id", "size"]);
        for image in built.iter() {
            for tag in &image.tags {
                table.row([tag.clone(), short_id(&image.id), megabytes(image.size)]);
            }
        }
        table.to_string()
    });
    outcome.and(printed)
}

/// Refuses what a later layer of the same command would be refused for, before the long part.
///
/// # Errors
/// `Usage` when its Dockerfile lacks a stage or a build argument.
pub fn check(installation: &Installation, layer: Layer, args: &BuildArgs) -> Result<()> {
    checks::dockerfile(installation, layer, args)
}

/// Refuses files that are not committed, of which no true tag could be made.
///
/// # Errors
/// `Failed` with the line that commits them.
pub fn refuse_uncommitted(installation: &Installation) -> Result<()> {
    checks::refuse_uncommitted(&Revision::of(installation.directory())?, installation)
}

/// The same for the generic images, and the stages to be built again that only the user images
/// have.
///
/// # Errors
/// `Usage` when the user's Dockerfile cannot be read. A stage that neither has is left to the
/// check of the generic images.
pub fn split_fresh(
    installation: &Installation,
    args: &BuildArgs,
) -> Result<(BuildArgs, Vec<String>)> {
    if args.fresh.is_empty() {
        return Ok((args.clone(), Vec::new()));
    }
    let path = installation.path("Dockerfile-user");
    let user = Dockerfile::parse(&path, &files::read_text(&path)?)?;
    let (of_the_user, generic) =
        (args.fresh.iter().cloned()).partition(|stage| user.find_stage(stage).is_some());
    let generic = BuildArgs {
        fresh: generic,
        ..args.clone()
    };
    Ok((generic, of_the_user))
}

fn lock(context: &Context, project: &Project, installation: &Installation) -> Result<files::Lock> {
    let printer = context.printer.clone();
    files::Lock::acquire(
        project.root(),
        &installation.name().to_string(),
        "build",
        interrupted,
        |holder| printer.note(format_args!("waiting for {holder}")),
    )
}

/// Runs the build; when it fails, nothing of it keeps a name.
fn run_build(workplace: &Workplace<'_>, plan: &Plan, args: &BuildArgs) -> Result<Captured> {
    let printer = &workplace.context.printer;
    let invocation = plan.invocation(workplace, args)?;
    let names: Vec<&str> = plan
        .targets
        .iter()
        .map(|target| target.name.as_str())
        .collect();
    printer.status(
        "Building",
        format_args!("{} ({})", workplace.installation.name(), names.join(", ")),
    );
    let outcome = capture::run(workplace, plan, args, &invocation)
        .and_then(|captured| captured.succeeded().map(|()| captured));
    if outcome.is_err() {
        workplace.images.untag(
            plan.targets.iter().map(|target| target.image.as_str()),
            printer,
        );
    }
    outcome
}
