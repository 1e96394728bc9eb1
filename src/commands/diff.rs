//! `envtpl diff`: what differs between two environments, wherever each of them is.

mod human;
mod image;
mod markdown;
mod report;
mod resolve;
mod side;

use crate::commands::Context;
use crate::error::Result;
use crate::installation::flavour::Flavour;
use crate::output::Format;

use report::Report;
use resolve::Resolver;

/// Options of `envtpl diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl diff HEAD~1 HEAD                  what the last commit changed in the lock
  envtpl diff amd64-cpu my-dev-run-1       what was installed in a container since
  envtpl diff main installation/amd64-cpu/envtpl.lock --format markdown
  envtpl diff --flavour run lab/me/p:amd64-cpu-run-1a2b3c4-root amd64-cpu
  envtpl diff image:python:3.12-slim image:python:3.13-slim

BEFORE and AFTER are, the first that fits: an installation (its generic image), a file (a lock, or a
snapshot), a git commit (the lock of the current installation there), a running container, an image.
A prefix leaves no choice: `installation:`, `lock:`, `snapshot:`, `commit:`, `container:`, `image:`.
With `--format markdown` the report fits into a pull request.")]
pub struct Args {
    /// What was
    before: String,

    /// What is
    after: String,

    /// Which of the two images, of an installation or a lock
    #[arg(long, value_enum, default_value_t = Flavour::Dev)]
    flavour: Flavour,

    /// End with 1 when something differs
    #[arg(long)]
    exit_code: bool,
}

/// Compares two environments. Gives the exit status.
///
/// # Errors
/// `Usage` when a side is nothing that can be compared; `NotReady` when the engine does not answer
/// or an image is missing.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let resolver = Resolver::new(context, args.flavour)?;
    let before = resolver.resolve(&args.before)?;
    let after = resolver.resolve(&args.after)?;
    if context.dry_run {
        for side in [&before, &after] {
            context.printer.data(format!("{side}\n"))?;
        }
        return Ok(0);
    }
    let report = Report::new(resolver.read(before)?, resolver.read(after)?);
    match context.printer.format() {
        Format::Human => context.printer.data(human::text(&report)),
        Format::Json => context.printer.json(&report),
        Format::Markdown => context.printer.data(markdown::text(&report)),
    }?;
    Ok(u8::from(args.exit_code && !report.is_empty()))
}
