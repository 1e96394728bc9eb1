//! `envtpl man`: manual pages, one for envtpl and one for each command.

use std::path::PathBuf;

use clap::Command;
use clap_mangen::Man;

use crate::commands::{Context, planned};
use crate::error::{Error, Result};
use crate::files::ChangeSet;

/// Options of `envtpl man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl man ~/.local/share/man/man1       then: man envtpl-build
  envtpl man --dry-run /tmp/pages          say which files, write none")]
pub struct Args {
    /// Directory to write the pages into
    #[arg(value_name = "DIR")]
    into: PathBuf,
}

/// Writes the pages of `envtpl`, the whole command line.
///
/// # Errors
/// When the directory cannot be written to.
pub fn run(context: &Context, args: &Args, mut envtpl: Command) -> Result<()> {
    let directory = context.directory.join(&args.into);
    let mut changes = ChangeSet::new(&directory);
    let mut pages = Vec::new();
    // Fills in what commands inherit: names, global options.
    envtpl.build();
    for (name, page) in all(&envtpl)? {
        changes.write_keeping_mode(&name, page)?;
        pages.push(name);
    }
    planned::make(context, changes, &pages)?;
    let wrote = if context.dry_run {
        "Would write"
    } else {
        "Wrote"
    };
    context.printer.status(
        wrote,
        format_args!("{} pages into {}", pages.len(), directory.display()),
    );
    Ok(())
}

/// The pages by file name.
fn all(envtpl: &Command) -> Result<Vec<(String, Vec<u8>)>> {
    let commands = envtpl
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help");
    let mut pages = vec![page("envtpl", envtpl)?];
    for command in commands {
        pages.push(page(&format!("envtpl-{}", command.get_name()), command)?);
    }
    Ok(pages)
}

fn page(name: &str, command: &Command) -> Result<(String, Vec<u8>)> {
    let mut text = Vec::new();
    Man::new(command.clone())
        .title(name)
        .source(concat!("envtpl ", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .map_err(|source| Error::failed("cannot write a manual page").because(source))?;
    Ok((format!("{name}.1"), text))
}
