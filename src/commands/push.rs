//! `envtpl push`: the generic images and yours.

use crate::commands::Context;
use crate::commands::sharing::{self, PushArgs};
use crate::error::Result;
use crate::installation::layer::Layer;

/// Options of `envtpl push`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl push registry.example/lab/project   the generic images, and those with your user
  envtpl push                                from then on")]
pub struct Args {
    #[command(flatten)]
    push: PushArgs,
}

/// Pushes generic and user images of the installations asked for.
///
/// # Errors
/// As [`sharing::push`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    sharing::push(context, &[Layer::Generic, Layer::User], &args.push, false)
}
