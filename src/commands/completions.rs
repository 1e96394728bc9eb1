//! `envtpl completions`: what makes a shell complete envtpl's commands and options.

use clap_complete::Shell;

use crate::commands::Context;
use crate::error::Result;

/// Options of `envtpl completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl completions bash >~/.local/share/bash-completion/completions/envtpl
  envtpl completions zsh >~/.zfunc/_envtpl        with ~/.zfunc in fpath
  envtpl completions fish >~/.config/fish/completions/envtpl.fish")]
pub struct Args {
    /// Shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for `envtpl`, the whole command line.
///
/// # Errors
/// When it cannot be printed.
pub fn run(context: &Context, args: &Args, mut envtpl: clap::Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut envtpl, "envtpl", &mut script);
    context.printer.data(script)
}
