//! `--offline`: what a build without any network needs, before it begins.

use std::path::PathBuf;

use crate::commands::building::{BuildArgs, checks};
use crate::commands::workplace::{Layer, Workplace};
use crate::commands::{Context, sources};
use crate::error::{Error, Result};
use crate::files;
use crate::installation::dockerfile::Dockerfile;
use crate::project::{Installation, Project};

/// A build that has no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offline {
    /// The files that stand in for it; the layer with the person's user needs none.
    pub sources: Option<PathBuf>,
}

/// Looks for everything that the build of a layer needs; `None` for a build with a network.
///
/// # Errors
/// `Failed` when a file is missing or wrong, each of them named, and when something is declared
/// that the lock does not hold.
pub fn prepare(
    context: &Context,
    project: &Project,
    installation: &Installation,
    layer: Layer,
    args: &BuildArgs,
) -> Result<Option<Offline>> {
    if !args.offline {
        return Ok(None);
    }
    let sources = match layer {
        Layer::User => None,
        Layer::Generic => {
            let path = installation.path("Dockerfile");
            let dockerfile = Dockerfile::parse(&path, &files::read_text(&path)?)?;
            dockerfile.stage("sources").map_err(|error| {
                error.help("`--offline` puts the files in its place: `FROM scratch AS sources`")
            })?;
            Some(sources::prepare(context, project, installation)?)
        }
    };
    Ok(Some(Offline { sources }))
}

/// The base image has to be there: nothing can be pulled.
///
/// # Errors
/// `NotReady` when it is not.
pub fn check_base(workplace: &Workplace<'_>, layer: Layer, args: &BuildArgs) -> Result<()> {
    if !args.offline || layer != Layer::Generic {
        return Ok(());
    }
    let Some(base) = checks::base_image(workplace, args)? else {
        return Ok(());
    };
    let found = workplace.images.find(&base, &workplace.context.printer)?;
    match found {
        Some(_) => Ok(()),
        None => Err(Error::not_ready(format!(
            "the base image `{base}` is not on this machine, and `--offline` pulls nothing"
        ))
        .help(format!(
            "bring it: `docker save {base} | gzip >base.tar.gz` where it is, `docker load -i \
             base.tar.gz` here"
        ))),
    }
}
