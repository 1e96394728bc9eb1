//! `envtpl edit-from-base`: switches an installation to the other kind of base.

use crate::commands::Context;
use crate::commands::turn::{Target, turn};
use crate::error::{Error, Result};
use crate::templates::{FromBase, Record};

/// Switch an installation between an image that has a Python and a plain one with conda
///
/// Your edits are kept, and declared packages go over from requirements.txt to the `pip:` list of
/// environment.yml or back. What cannot be kept is named, and nothing changes. What was frozen is
/// set aside; switching back restores every byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl edit-from-base from-scratch
  envtpl edit-from-base from-python -i amd64-cuda --base-image python:3.11-slim")]
pub struct Args {
    /// The kind of base
    #[arg(value_enum, value_name = "KIND")]
    from_base: FromBase,

    /// The image to start from, in place of the catalogue's
    #[arg(long, value_name = "REF")]
    base_image: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// `Usage` when it has that kind of base already, or is a toolchain; `Failed` when edits contradict what would be
/// written. Then nothing has changed.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let source = context.installation(&project)?;
    let record = Record::read(source.directory())?;
    match record.map(|record| record.answers.from_base) {
        Some(FromBase::Toolchain) => {
            return Err(Error::usage(format!(
                "`{}` is a toolchain: its Python is that of its distribution, beside the compilers",
                source.name()
            ))
            .help("scaffold an environment beside it: `envtpl init -i NAME`"));
        }
        Some(kind) if kind == args.from_base => {
            return Err(Error::usage(format!(
                "`{}` is {kind} already",
                source.name()
            )));
        }
        _ => {}
    }
    turn(
        context,
        &project,
        source,
        Target {
            name: source.name().clone(),
            from_base: Some(args.from_base),
            copy: false,
            base_image: args.base_image.clone(),
        },
    )
}
