//! `envtpl push-generic`: the images for everybody, where team-mates find them.

use crate::commands::Context;
use crate::commands::sharing::{self, PushArgs};
use crate::error::Result;
use crate::installation::layer::Layer;

/// Options of `envtpl push-generic`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl push-generic registry.example/lab/project   the first time; envtpl.yaml remembers it
  envtpl push-generic                                from then on
  envtpl push-generic IC/project --dry-run           IC is a name of `registries:` in envtpl.yaml
  envtpl push-generic --all                          every installation, joined over platforms

Run and dev are pushed, each by its commit and as the latest one. What is missing, or was built from
other files than those that are there now, is built first; whether the registry takes it is asked
before. The login is the engine's own (`docker login`).")]
pub struct Args {
    #[command(flatten)]
    push: PushArgs,

    /// Push every installation, or all that `-i` names, and join those that differ only in their
    /// platform: each machine then pulls its own by one name (NAME:cuda-dev-latest-root)
    #[arg(long)]
    all: bool,
}

/// Pushes the generic images of the installations asked for.
///
/// # Errors
/// As [`sharing::push`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    sharing::push(context, &[Layer::Generic], &args.push, args.all)
}
