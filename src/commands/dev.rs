//! `envtpl dev`: a command, or a shell, in the dev image, with the project mounted.

use std::ffi::OsString;

use crate::commands::Context;
use crate::commands::start::{StartArgs, start};
use crate::error::Result;
use crate::installation::flavour::Flavour;

/// Options of `envtpl dev`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl dev                     a shell with the development tools
  envtpl dev pytest -x
  envtpl dev -d sleep infinity   a container to come back to

The exit status is the command's own, 128+n when signal n killed it, and 125 when envtpl failed
before the command began.")]
pub struct Args {
    #[command(flatten)]
    start: StartArgs,

    /// The command and its arguments; a shell if none is given
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// Runs the command, or the image's own shell.
///
/// # Errors
/// As [`start`].
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    start(context, Flavour::Dev, &args.start, &args.command)
}
