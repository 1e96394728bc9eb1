//! `envtpl dev`: a command, or a shell, in the dev image, with the project mounted.

use std::ffi::OsString;

use crate::commands::start::{
    Asked, Servers, StartArgs, prepare, refuse_port_as_command, start_prepared, tell_link,
};
use crate::commands::{Context, workspace};
use crate::error::Result;
use crate::installation::flavour::Flavour;

/// Options of `envtpl dev`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl dev                     a shell with the development tools
  envtpl dev pytest -x
  envtpl dev --up                a workspace that stays: `envtpl attach`, `exec`, `logs`, `down`
  envtpl dev --ssh               a shell, and a server that `ssh`, `sftp` and editors reach
  envtpl dev --up --ssh=2222     a workspace with one, at a port of your choice
  envtpl dev --jupyter           a shell, and Jupyter with a link for your browser
  envtpl dev --gpus 1            with one GPU; `envtpl run --help` says how they are named

The exit status is the command's own, 128+n when signal n killed it, and 125 when envtpl failed
before the command began.")]
pub struct Args {
    #[command(flatten)]
    start: StartArgs,

    /// Start the installation's workspace, which stays until `envtpl down`, and print its name
    #[arg(long, conflicts_with_all = ["detach", "entrypoint", "command"])]
    up: bool,

    /// Let your ssh keys in, at a port of this machine; the lines for ~/.ssh/config are printed
    ///
    /// Without a port it is the same one each time for this installation. Only this machine reaches
    /// it, unless one of its addresses is given: `--ssh=0.0.0.0:2222` is all of them. Your keys are
    /// those of your agent and of ~/.ssh/*.pub; there are no passwords.
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true)]
    #[arg(conflicts_with = "entrypoint")]
    ssh: Option<Option<Asked>>,

    /// Run Jupyter too, at a port of this machine; the link that opens it is printed
    ///
    /// It shows the project's files, and its kernel is the environment's Python. The port is as with
    /// `--ssh`: the same one each time, for this machine alone, unless another is given, such as
    /// `--jupyter=8888` or `--jupyter=0.0.0.0:8888`.
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true)]
    #[arg(conflicts_with = "entrypoint")]
    jupyter: Option<Option<Asked>>,

    /// The command and its arguments; a shell if none is given
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// Runs the command, or the image's own shell; or starts the workspace.
///
/// # Errors
/// As [`start_prepared`]; `NotReady` when a server cannot be had.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let without_port = [("--ssh", args.ssh), ("--jupyter", args.jupyter)];
    let without_port = without_port.iter().filter(|(_, port)| *port == Some(None));
    let without_port: Vec<&str> = without_port.map(|(option, _)| *option).collect();
    refuse_port_as_command(&args.command, &without_port)?;
    let servers = Servers {
        ssh: args.ssh.map(Option::unwrap_or_default),
        jupyter: args.jupyter.map(Option::unwrap_or_default),
    };
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let mut launch = prepare(context, &project, installation, Flavour::Dev, &args.start)?;
    if args.up {
        return workspace::up(&mut launch, &args.start.env, servers);
    }
    servers.add(&mut launch)?;
    tell_link(&launch)?;
    start_prepared(&launch, Flavour::Dev, &args.start, &args.command)
}
