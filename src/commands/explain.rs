//! `envtpl explain`: why a build failed, from its log.

mod human;

use std::io::Read;
use std::path::Path;

use crate::commands::Context;
use crate::engine::failure::{self, Outcome};
use crate::error::{Error, Kind, Result};
use crate::files;

pub use human::text as told;

/// Options of `envtpl explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl explain build.log                     a log that somebody kept, or a CI's
  docker build . 2>&1 | envtpl explain -
  make -j8 2>&1 | envtpl explain - --format json | jq .place

The log may be that of BuildKit, of a CI, or of one tool alone; `--progress plain` has all that is to
know. The first cause is shown and what only follows from it is not. Ends with 1 when nothing in the
log failed.")]
pub struct Args {
    /// The log's file, or `-` for standard input
    #[arg(value_name = "FILE|-")]
    log: String,
}

/// Explains a log. Gives the exit status: 0 when there is something to explain, else 1.
///
/// # Errors
/// `Usage` when there is no such log; otherwise when it cannot be read.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let outcome = read(&args.log)?;
    context.printer.report(&outcome, human::text)?;
    Ok(match outcome {
        Outcome::Failed(_) => 0,
        Outcome::Nothing(_) => 1,
    })
}

fn read(log: &str) -> Result<Outcome> {
    if log == "-" {
        let stdin = std::io::stdin().lock();
        return failure::explain(stdin)
            .map_err(|source| Error::failed("cannot read standard input").because(source));
    }
    let path = Path::new(log);
    let file: Box<dyn Read> = Box::new(files::open(path).map_err(|error| {
        match files::exists(path) {
            true => error,
            false => error
                .with_kind(Kind::Usage)
                .help("`-` reads standard input"),
        }
    })?);
    failure::explain(file).map_err(|source| Error::io("read", path, source))
}
