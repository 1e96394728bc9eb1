//! `envtpl shell`: a shell in the generic dev image, to look around in the bare environment.

use crate::commands::Context;
use crate::commands::start::has_terminal;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::Images;
use crate::error::Result;
use crate::installation::flavour::Flavour;

/// Options of `envtpl shell`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl shell                       look around; nothing of the project is in there
  echo 'pip list' | envtpl shell     without a terminal the shell reads its commands

The exit status is the shell's own, and 125 when envtpl failed before it began.")]
pub struct Args {}

/// Opens the shell; needs no user image and mounts nothing.
///
/// # Errors
/// `NotReady` when the generic dev image is missing.
pub fn run(context: &Context, _args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let image = workplace.image(&Layer::Generic.service(Flavour::Dev))?;
    if workplace.images.find(image, &context.printer)?.is_none() {
        return Err(Images::missing(
            image,
            &format!("envtpl build-generic -i {}", installation.name()),
        ));
    }
    let mut invocation = workplace.compose.tools().docker().args([
        "run",
        "--rm",
        "--init",
        "--interactive",
        "--network=host",
        "--platform",
        &installation.name().platform().docker(),
    ]);
    if has_terminal() {
        invocation = invocation.arg("--tty");
    }
    let invocation = invocation.arg(image).arg("/bin/bash");
    if context.dry_run {
        return context.printer.data(format!("{invocation}\n"));
    }
    Err(invocation.replace_this_process(&context.printer))
}
