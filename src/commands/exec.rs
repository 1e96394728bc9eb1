//! `envtpl exec`: a command in the running workspace.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::start::check_env_files;
use crate::commands::workplace::Workplace;
use crate::commands::workspace::{Beside, beside, running};
use crate::error::Result;

/// Options of `envtpl exec`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl exec pytest -x
  envtpl exec -e SEED=1 -- python train.py --epochs 3
  envtpl exec --env-file keys.env python train.py
  envtpl exec --user root -- apt-get update

It runs in the directory that is yours outside. The exit status is the command's own, and 125 when
envtpl failed before the command began.")]
pub struct Args {
    /// Set an environment variable, or pass on the one of this name
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,

    /// Read environment variables from a file as `docker run` does; `--env` goes before it
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,

    /// Run as another user of the container
    #[arg(short, long, value_name = "NAME|UID[:GID]")]
    user: Option<String>,

    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// Runs the command; returns only when it cannot.
///
/// # Errors
/// `NotReady` when the workspace does not run.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let env_files = check_env_files(&context.directory, &args.env_file)?;
    let container = running(&workplace)?;
    let what = Beside {
        environment: &args.env,
        env_files: &env_files,
        user: args.user.as_deref(),
        command: &args.command,
    };
    let invocation = beside(&workplace, &container, &context.directory, &what);
    if context.dry_run {
        return context.printer.data(format!("{invocation}\n"));
    }
    Err(invocation.replace_this_process(&context.printer))
}
