//! `envtpl dev`: a command, or a shell, in the dev image, with the project mounted.

use std::ffi::OsString;

use crate::commands::start::{StartArgs, prepare, start};
use crate::commands::{Context, workspace};
use crate::error::Result;
use crate::installation::flavour::Flavour;

/// Options of `envtpl dev`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl dev                     a shell with the development tools
  envtpl dev pytest -x
  envtpl dev --up                a workspace that stays: `envtpl attach`, `exec`, `logs`, `down`
  envtpl dev --gpus 1            with one GPU; `envtpl run --help` says how they are named

The exit status is the command's own, 128+n when signal n killed it, and 125 when envtpl failed
before the command began.")]
pub struct Args {
    #[command(flatten)]
    start: StartArgs,

    /// Start the installation's workspace, which stays until `envtpl down`, and print its name
    #[arg(long, conflicts_with_all = ["detach", "entrypoint", "command"])]
    up: bool,

    /// The command and its arguments; a shell if none is given
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// Runs the command, or the image's own shell; or starts the workspace.
///
/// # Errors
/// As [`start`].
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    if args.up {
        let project = context.project()?;
        let installation = context.installation(&project)?;
        let launch = prepare(context, &project, installation, Flavour::Dev, &args.start)?;
        return workspace::up(&launch, &args.start.env);
    }
    start(context, Flavour::Dev, &args.start, &args.command)
}
