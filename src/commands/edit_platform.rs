//! `envtpl edit-platform`: turns an installation into one of another name.

use crate::commands::Context;
use crate::commands::turn::{Target, turn};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::installation::name::Name;
use crate::templates::render;

/// Turn an installation into one for another platform, acceleration or variant
///
/// What envtpl wrote is written anew for the new name; your edits are kept. Where the two
/// contradict each other, nothing changes and you are told where. A base image of your own is
/// kept, with a warning. `.env` goes with the installation. What was frozen is set aside, since an
/// environment for one platform is not that of another; turning back restores every byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl edit-platform amd64-cuda arm64-cpu
  envtpl edit-platform amd64-cuda amd64-rocm --copy        add it beside
  envtpl edit-platform amd64-cuda amd64-cuda-jax --copy    a second environment there
  envtpl edit-platform amd64-cuda arm64-cpu --base-image python:3.11-slim")]
pub struct Args {
    /// The installation to turn
    #[arg(value_name = "FROM", allow_hyphen_values = true)]
    from: String,

    /// What it becomes: <platform>-<acceleration>[-<variant>]
    #[arg(value_name = "TO", allow_hyphen_values = true)]
    to: String,

    /// Leave FROM as it is, and make TO beside it, without `.env` and what was frozen
    #[arg(long)]
    copy: bool,

    /// The image to start from, in place of the catalogue's or your own
    #[arg(long, value_name = "REF")]
    base_image: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// `Usage` for names that cannot be, a missing source and a target that is there already; `Failed`
/// when edits contradict what would be written. Then nothing has changed.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let name: Name = args.to.parse()?;
    let _: Name = args.from.parse()?;
    let project = context.project()?;
    let source = project.find(&args.from)?;
    let taken = project.installations().iter().find(|installation| {
        let itself = !args.copy && *installation == source && *source.name() != name;
        installation.name().same_environment(&name) && !itself
    });
    let directory = project.root().join("installation").join(name.to_string());
    let editors = render::place(&name.to_string(), render::DEVCONTAINER);
    if *source.name() != name && files::exists(&project.root().join(&editors)) {
        return Err(
            Error::usage(format!("`{}` is there already", editors.display()))
                .at(Place::file(project.root().join(&editors)))
                .help("move it away: it would be written for the new installation"),
        );
    }
    if taken.is_some() || files::exists(&directory) {
        let there = taken.map_or_else(|| name.to_string(), |there| there.name().to_string());
        return Err(
            Error::usage(format!("`installation/{there}` is there already")).help(format!(
                "choose another name, such as one with a variant: {}",
                name.another()
            )),
        );
    }
    turn(
        context,
        &project,
        source,
        Target {
            name,
            from_base: None,
            copy: args.copy,
            base_image: args.base_image.clone(),
        },
    )
}
