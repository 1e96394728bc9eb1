//! `envtpl build-user`: the thin images with the person's user, on top of the generic ones.

use crate::commands::Context;
use crate::commands::building::{self, BuildArgs};
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::INPUTS_LABEL;
use crate::error::Result;
use crate::installation::flavour::Flavour;
use crate::project::{Installation, Project, digest};

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
    building::for_each_installation(context, |project, installation, built| {
        let generic = generic(context, project, installation)?;
        if generic == Generic::Stale {
            let name = installation.name();
            context.printer.warn(format_args!(
                "the generic images of {name} were built from other files than those that are \
                 there now, and yours will stand on them"
            ));
            context
                .printer
                .help(format_args!("build both layers: `envtpl build -i {name}`"));
        }
        if generic == Generic::Missing {
            building::check(installation, Layer::User, &args.build)?;
            context.printer.note(format_args!(
                "the generic images of {} are not there yet, so they are built first",
                installation.name()
            ));
            built.extend(building::build(
                context,
                project,
                installation,
                Layer::Generic,
                &args.build.without_stages(),
            )?);
        }
        built.extend(building::build(
            context,
            project,
            installation,
            Layer::User,
            &args.build,
        )?);
        Ok(())
    })
}

/// What the user images would stand on.
#[derive(Debug, PartialEq, Eq)]
enum Generic {
    Missing,
    /// Built from other files than those that are there now.
    Stale,
    Current,
}

fn generic(context: &Context, project: &Project, installation: &Installation) -> Result<Generic> {
    let workplace = Workplace::open(context, project, installation)?;
    let mut generic = Generic::Current;
    for flavour in Flavour::ALL {
        let Some(image) = workplace.find(&Layer::Generic.service(flavour))? else {
            return Ok(Generic::Missing);
        };
        let inputs = digest(installation.directory(), flavour)?;
        if image.labels.get(INPUTS_LABEL) != Some(&inputs) {
            generic = Generic::Stale;
        }
    }
    Ok(generic)
}
