//! `envtpl build-user`: the thin images with the person's user, on top of the generic ones.

use crate::commands::Context;
use crate::commands::building::{self, BuildArgs};
use crate::commands::workplace::{Layer, Workplace};
use crate::error::Result;
use crate::project::{Flavour, Installation, Project};

/// Options of `envtpl build-user`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl build-user                build for the user, group and home named in .env
  envtpl build-user -i arm64-cpu   for another platform")]
pub struct Args {
    #[command(flatten)]
    build: BuildArgs,
}

/// Builds the user images of the installations asked for, and the generic ones where missing.
///
/// # Errors
/// As [`building::build`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let mut built = Vec::new();
    for installation in context.installations(&project)? {
        if lacks_generic(context, &project, installation)? {
            building::check(installation, Layer::User, &args.build)?;
            context.printer.note(format_args!(
                "the generic images of {} are not there yet, so they are built first",
                installation.name()
            ));
            built.extend(building::build(
                context,
                &project,
                installation,
                Layer::Generic,
                &args.build.without_stages(),
            )?);
        }
        built.extend(building::build(
            context,
            &project,
            installation,
            Layer::User,
            &args.build,
        )?);
    }
    building::report(context, &built)
}

fn lacks_generic(
    context: &Context,
    project: &Project,
    installation: &Installation,
) -> Result<bool> {
    let workplace = Workplace::open(context, project, installation)?;
    for flavour in Flavour::ALL {
        if workplace.find(&Layer::Generic.service(flavour))?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}
