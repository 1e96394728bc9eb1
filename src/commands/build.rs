//! `envtpl build`: the generic images, then the user images.

use crate::commands::Context;
use crate::commands::building::{self, BuildArgs};
use crate::commands::workplace::Layer;
use crate::error::Result;

/// Options of `envtpl build`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl build                 build everything that this machine's installation needs
  envtpl build --with tests    the stage `tests` of the Dockerfile must pass too
  envtpl build --locked        only what envtpl.lock says, or nothing
  envtpl build --fresh tests   run the steps of one stage again
  envtpl build --no-cache      run every step again
  envtpl build --offline       without any network, from what `envtpl sources fetch` keeps")]
pub struct Args {
    #[command(flatten)]
    build: BuildArgs,
}

/// Builds generic and user images of the installations asked for.
///
/// # Errors
/// As [`building::build`].
pub fn run(context: &Context, args: &Args) -> Result<()> {
    building::for_each_installation(context, |project, installation, built| {
        let (of_all, fresh_of_the_user) = building::split_fresh(installation, &args.build)?;
        let of_the_user = BuildArgs {
            fresh: fresh_of_the_user,
            ..of_all.without_stages().without_build_args()
        };
        if args.build.stage.is_none() {
            building::check(installation, Layer::User, &of_the_user)?;
        }
        built.extend(building::build(
            context,
            project,
            installation,
            Layer::Generic,
            &of_all,
        )?);
        if args.build.stage.is_none() {
            built.extend(building::build(
                context,
                project,
                installation,
                Layer::User,
                &of_the_user,
            )?);
        }
        Ok(())
    })
}
