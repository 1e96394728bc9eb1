//! `envtpl attach`: a shell in the running workspace.

use std::ffi::OsString;

use crate::commands::Context;
use crate::commands::workplace::Workplace;
use crate::commands::workspace::{Beside, beside, running};
use crate::error::Result;

/// Options of `envtpl attach`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl attach                      a shell in what `envtpl dev --up` has started
  echo 'pip list' | envtpl attach    without a terminal the shell reads its commands

Leaving the shell leaves the workspace running. As many shells as you like; each is the shell
that `envtpl dev` opens. The exit status is the shell's own, and 125 when envtpl failed before it
began.")]
pub struct Args {
    /// Another shell than that of `envtpl dev`
    #[arg(long, value_name = "PROGRAM")]
    shell: Option<OsString>,
}

/// Opens the shell; returns only when it cannot.
///
/// # Errors
/// `NotReady` when the workspace does not run.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let container = running(&workplace)?;
    let shell = match &args.shell {
        Some(shell) => vec![shell.clone()],
        None => {
            let service = workplace.model.services.get(&container.service);
            let own = match service.and_then(|service| service.command.clone()) {
                Some(own) => own,
                None => {
                    let image = workplace.images.find(&container.image, &context.printer)?;
                    image.map(|image| image.command).unwrap_or_default()
                }
            };
            own.into_iter().map(OsString::from).collect()
        }
    };
    let what = Beside {
        environment: &[],
        env_files: &[],
        user: None,
        command: &shell,
    };
    let invocation = beside(&workplace, &container, &context.directory, &what);
    if context.dry_run {
        return context.printer.data(format!("{invocation}\n"));
    }
    Err(invocation.replace_this_process(&context.printer))
}
