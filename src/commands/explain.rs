//! `envtpl explain`: why a build failed, from its log.

mod human;

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::engine::failure::{self, Outcome};
use crate::error::{Error, Result};
use crate::files;
use crate::project::{self, Build, build_file};

pub use human::text as told;

/// Options of `envtpl explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl explain                               the newest build of this project that failed
  envtpl explain 20261122-01                   another one, by the beginning of its id
  envtpl explain build.log                     a log that somebody kept, or a CI's
  docker build . 2>&1 | envtpl explain -
  make -j8 2>&1 | envtpl explain - --format json | jq .place

The log may be that of BuildKit, of a CI, or of one tool alone; `--progress plain` has all that is to
know. The first cause is shown and what only follows from it is not. Ends with 1 when nothing in the
log failed.")]
pub struct Args {
    /// A build, by its id or the beginning of it; a log's file; or `-` for standard input
    #[arg(value_name = "BUILD|FILE|-")]
    log: Option<String>,
}

/// Explains a log. Gives the exit status: 0 when there is something to explain, else 1.
///
/// # Errors
/// `Usage` when there is no such log; otherwise when it cannot be read.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let outcome = match args.log.as_deref() {
        Some("-") => failure::explain(std::io::stdin().lock())
            .map_err(|source| Error::failed("cannot read standard input").because(source))?,
        Some(log) if files::exists(Path::new(log)) => read(Path::new(log))?,
        build => read(&log_of(context, build)?)?,
    };
    context.printer.report(&outcome, human::text)?;
    Ok(match outcome {
        Outcome::Failed(_) => 0,
        Outcome::Nothing(_) => 1,
    })
}

fn read(path: &Path) -> Result<Outcome> {
    failure::explain(files::open(path)?).map_err(|source| Error::io("read", path, source))
}

/// The log of a build that was kept; without an id, of the newest that failed.
fn log_of(context: &Context, wanted: Option<&str>) -> Result<PathBuf> {
    let project = match (context.project(), wanted) {
        (Ok(project), _) => project,
        (Err(error), None) => return Err(error),
        (Err(_), Some(wanted)) => return Err(no_such(wanted)),
    };
    let failed = |build: &Build| build.outcome == project::Outcome::Failed;
    let build = Build::find(project.root(), wanted, failed).map_err(|error| match wanted {
        Some(wanted) => no_such(wanted).help("`envtpl builds` lists the builds that are kept"),
        None => error,
    })?;
    Ok(project.root().join(build_file(&build.id, "log.txt")))
}

fn no_such(wanted: &str) -> Error {
    Error::usage(format!("there is no log and no build `{wanted}`"))
        .help("`-` reads standard input")
}
