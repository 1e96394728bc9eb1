//! `envtpl down`: removes the workspace.

use crate::commands::Context;
use crate::commands::workplace::Workplace;
use crate::commands::workspace::find;
use crate::error::Result;

/// Options of `envtpl down`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl freeze && envtpl down     keep what was installed in it, then remove it
  envtpl down --stop               `envtpl dev --up` goes on where it was

Removing it removes what was installed in it by hand and not frozen, and everything outside of
mounts; files of the project stay.")]
pub struct Args {
    /// Stop it and keep it
    #[arg(long)]
    stop: bool,
}

/// Removes, or stops, the workspaces of the installations; one that is not there is no error.
///
/// # Errors
/// When the engine refuses.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    for installation in context.installations(&project)? {
        let workplace = Workplace::open(context, &project, installation)?;
        let name = installation.name();
        let Some(container) = find(&workplace)? else {
            context
                .printer
                .note(format_args!("{name} has no workspace"));
            continue;
        };
        let tools = workplace.compose.tools();
        let stop = tools.docker().args(["stop", &container.name]);
        let remove = tools
            .docker()
            .args(["rm", "--force", "--volumes", &container.name]);
        // What runs in it may end in its own way before it goes.
        let mut steps = vec![stop];
        if !args.stop {
            steps.push(remove);
        }
        for step in steps {
            if context.dry_run {
                context.printer.data(format!("{step}\n"))?;
            } else {
                tools.read(&step, &context.printer)?;
            }
        }
        if !context.dry_run {
            let verb = if args.stop { "Stopped" } else { "Removed" };
            context.printer.status(verb, &container.name);
        }
    }
    Ok(())
}
