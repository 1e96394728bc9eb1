//! `envtpl push-user`: the images with your user, for a cluster that pulls them.

use crate::commands::Context;
use crate::commands::sharing::{self, PushArgs};
use crate::error::Result;
use crate::installation::layer::Layer;

/// Options of `envtpl push-user`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl push-user registry.example/me/project   the first time; envtpl.yaml remembers it
  envtpl push-user                               from then on

Your name is in the tags. A user image says who you are on this machine: names and numbers of your
user and your groups.")]
pub struct Args {
    #[command(flatten)]
    push: PushArgs,
}

/// Pushes the user images of the installations asked for.
///
/// # Errors
/// As [`sharing::push`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    sharing::push(context, &[Layer::User], &args.push, false)
}
