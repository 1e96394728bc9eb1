//! `envtpl pull-generic`: the images that a team-mate built, in the place of building them.

use crate::commands::Context;
use crate::commands::sharing::{self, PullArgs};
use crate::error::Result;
use crate::installation::layer::Layer;

/// Options of `envtpl pull-generic`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl pull-generic                             from the repository that envtpl.yaml remembers
  envtpl pull-generic registry.example/lab/project
  envtpl pull-generic --commit 0123abc            the images of a commit
  envtpl build-user                               then: yours, on top of them

Where a pulled image was built from other files than those that are there now, the lines that differ
are shown.")]
pub struct Args {
    #[command(flatten)]
    pull: PullArgs,
}

/// Pulls the generic images of the installations asked for.
///
/// # Errors
/// As [`sharing::pull`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    sharing::pull(context, Layer::Generic, &args.pull)
}
