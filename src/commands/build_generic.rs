//! `envtpl build-generic`: the images for everybody, run and dev, in one build.

use crate::commands::Context;
use crate::commands::building::{self, BuildArgs};
use crate::commands::workplace::Layer;
use crate::error::Result;

/// Options of `envtpl build-generic`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl build-generic                        build what is committed
  envtpl build-generic --commit               commit this installation's files first
  envtpl build-generic -i amd64-cpu -i arm64-cpu
  envtpl build-generic --build-arg BASE_IMAGE=python:3.13-slim
  envtpl build-generic --stage python-packages  stop at a stage of the Dockerfile")]
pub struct Args {
    #[command(flatten)]
    build: BuildArgs,
}

/// Builds the generic images of the installations asked for.
///
/// # Errors
/// As [`building::build`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    building::for_each_installation(context, |project, installation, built| {
        built.extend(building::build(
            context,
            project,
            installation,
            Layer::Generic,
            &args.build,
        )?);
        Ok(())
    })
}
