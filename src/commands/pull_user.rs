//! `envtpl pull-user`: your own images, on another machine.

use crate::commands::Context;
use crate::commands::sharing::{self, PullArgs};
use crate::error::Result;
use crate::installation::layer::Layer;

/// Options of `envtpl pull-user`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl pull-user                                from the repository that envtpl.yaml remembers
  envtpl pull-user registry.example/me/project --commit 0123abc

An image that was made for another user than `.env` says is pulled, and it is said that it was.")]
pub struct Args {
    #[command(flatten)]
    pull: PullArgs,
}

/// Pulls the user images of the installations asked for.
///
/// # Errors
/// As [`sharing::pull`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    sharing::pull(context, Layer::User, &args.pull)
}
