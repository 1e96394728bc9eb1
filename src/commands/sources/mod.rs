//! `envtpl sources`: keeps every file that a lock names, so that a build needs no network.

mod fetch;
mod image;
mod index;
mod offline;
mod place;
mod push;
mod report;
mod scene;
mod verify;

use crate::commands::Context;
use crate::error::Result;

pub use offline::prepare;
use place::Place;

/// Options of `envtpl sources`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl freeze && envtpl sources fetch      keep what the lock names
  envtpl build --offline                     build from that alone, without any network
  envtpl sources push registry.lab/us/files  share it; `sources fetch --from` gets it elsewhere

The files are in .envtpl/sources/, or in the directory that ENVTPL_SOURCES names, which several
projects can share. Each lies by its sha256, or by its commit.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Fetch what the lock names and the store lacks
    #[command(after_help = "Examples:
  envtpl sources fetch
  envtpl sources fetch --from /media/stick/sources
  envtpl sources fetch --from registry.lab/us/files:2026
  envtpl sources fetch --dry-run             what would be fetched, and from where

What was cut, by the network or by Ctrl-C, is carried on the next time. Proxies, certificates and
credentials are those of .env (HTTPS_PROXY, CA_BUNDLE, NETRC_FILE) or of the environment; where
PIP_INDEX_URL, APT_MIRROR and CONDA_CHANNEL_ALIAS point is tried as well.")]
    Fetch {
        /// A directory that `sources push` wrote, or an image of a registry; a path begins with
        /// `/`, `./` or `../`, or is there
        #[arg(long, value_name = "REF|DIR")]
        from: Option<Place>,
    },
    /// Read every file of the store that the lock names, and say whether it is the right one
    #[command(after_help = "Examples:
  envtpl sources verify
  envtpl sources verify --format json")]
    Verify,
    /// Copy what the lock names to a directory or to a registry
    #[command(after_help = "Examples:
  envtpl sources push /media/stick/sources
  envtpl sources push ./sources
  envtpl sources push registry.lab/us/files:2026

To a registry it goes as an image without anything but the files, with the engine's own login; its
digest is printed. Only what is new is sent.")]
    Push {
        /// Where to; a path begins with `/`, `./` or `../`, or is there
        #[arg(value_name = "REF|DIR")]
        to: Place,
    },
}

/// Works on the sources of the installations asked for.
///
/// # Errors
/// `NotReady` without a lock; `Failed` when a file is missing, wrong, or cannot be had, after all
/// others were looked at.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    match &args.action {
        Action::Fetch { from } => fetch::run(context, from.as_ref()),
        Action::Verify => verify::run(context),
        Action::Push { to } => push::run(context, to),
    }
}
