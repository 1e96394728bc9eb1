//! `envtpl logs`: what the workspace has printed.

use crate::commands::Context;
use crate::commands::workplace::Workplace;
use crate::commands::workspace::find;
use crate::error::{Error, Result};

/// Options of `envtpl logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl logs --follow
  envtpl logs -n 50

It shows what the workspace's set-up and servers said. What `exec` and `attach` print is on their
own terminal; logs of failed `run -d` are below .envtpl/logs/.")]
pub struct Args {
    /// Go on as lines come
    #[arg(short, long)]
    follow: bool,

    /// How many of the last lines
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<u32>,
}

/// Prints them; returns only when it cannot.
///
/// # Errors
/// `NotReady` when there is no workspace.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let Some(container) = find(&workplace)? else {
        let installation = installation.name();
        return Err(Error::not_ready(format!("{installation} has no workspace"))
            .help(format!("start it: `envtpl dev --up -i {installation}`")));
    };
    let mut invocation = workplace.compose.tools().docker().arg("logs");
    if args.follow {
        invocation = invocation.arg("--follow");
    }
    if let Some(lines) = args.tail {
        invocation = invocation.args(["--tail", &lines.to_string()]);
    }
    let invocation = invocation.arg(&container.name);
    if context.dry_run {
        return context.printer.data(format!("{invocation}\n"));
    }
    Err(invocation.replace_this_process(&context.printer))
}
