//! Starting a container of the project: what `run` and `dev` have in common.

mod env_file;
mod gpus;
mod jupyter;
mod launch;
mod mounts;
mod person;
mod ports;
mod prerequisites;
mod record;
mod servers;
mod service;
mod ssh;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use crate::commands::{Context, detached};
use crate::engine::machine::GpuChoice;
use crate::error::Result;
use crate::installation::flavour::Flavour;
use crate::process::Invocation;
use crate::project::{Installation, Project};

pub use env_file::{check_env_files, take_env_files};
pub use gpus::{judge_gpus, take_gpus};
pub use jupyter::{JUPYTER, answers_jupyter, renew_jupyter, tell_jupyter};
pub use launch::{Launch, Order};
pub use mounts::make_missing;
pub use ports::{Asked, PORTS_LABEL, reached, refuse_port_as_command};
use record::Begun;
pub use servers::{Servers, tell_link};
pub use ssh::{SSH, answers_by_ssh, renew_ssh};

/// Options of `envtpl run` and `envtpl dev`.
#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// Start in the background and print the container's id
    #[arg(short, long)]
    pub detach: bool,

    /// Set an environment variable, or pass on the one of this name
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,

    /// Read environment variables from a file as `docker run` does; `--env` goes before it
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,

    /// Run this program instead of the image's entrypoint, which sets the project up
    #[arg(long, value_name = "PROGRAM")]
    pub entrypoint: Option<OsString>,

    /// Use these GPUs: numbers or UUIDs (0,2), all, or none
    #[arg(long, value_name = "LIST")]
    pub gpus: Option<GpuChoice>,
}

/// Runs a command in a new container of the flavour's service; the container is removed when the
/// command ends; gives the exit status that envtpl ends with, which is the command's own.
///
/// # Errors
/// `Usage` when the settings ask for what there is not; `NotReady` when the image is missing.
pub fn start(
    context: &Context,
    flavour: Flavour,
    args: &StartArgs,
    command: &[OsString],
) -> Result<u8> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let launch = prepare(context, &project, installation, flavour, args)?;
    start_prepared(&launch, flavour, args, command)
}

/// As [`start`], of what [`prepare`] gave.
///
/// # Errors
/// When something that it needs is missing or cannot be made.
pub fn start_prepared(
    launch: &Launch<'_>,
    flavour: Flavour,
    args: &StartArgs,
    command: &[OsString],
) -> Result<u8> {
    let order = Order {
        environment: args.env.clone(),
        entrypoint: args.entrypoint.clone(),
        directory: launch
            .workplace
            .model
            .directory_inside(&launch.service, &launch.workplace.context.directory),
        command: command.to_vec(),
        detach: args.detach,
        ..Order::default()
    };
    let typed = Invocation::new("envtpl")
        .arg(flavour.to_string())
        .args(args.detach.then_some("-d"))
        .args(command);
    go(launch, &order, &typed)
}

/// The service of a flavour for the acceleration that `.env` asks for, ready to be started, with the
/// GPUs and the variables' files of the options.
///
/// # Errors
/// As [`Launch::prepare`]; `Usage` when a GPU that is chosen is not there, or the service takes
/// none, or a file of variables is wrong.
pub fn prepare<'a>(
    context: &'a Context,
    project: &'a Project,
    installation: &'a Installation,
    flavour: Flavour,
    args: &StartArgs,
) -> Result<Launch<'a>> {
    let mut launch = Launch::prepare(context, project, installation, |workplace, settings| {
        service::choose(workplace, settings, flavour, args.gpus.as_ref())
    })?;
    if let Some(choice) = &args.gpus {
        take_gpus(&mut launch, choice)?;
    }
    take_env_files(&mut launch, &args.env_file)?;
    Ok(launch)
}

/// Starts the container, waits for it unless it runs in the background, and writes the run down.
/// `typed` is how the person started it. With `--dry-run` it shows the command line.
///
/// # Errors
/// When something that it needs is missing or cannot be made.
pub fn go(launch: &Launch<'_>, order: &Order, typed: &Invocation) -> Result<u8> {
    let context = launch.workplace.context;
    make_missing(launch)?;
    let (invocation, written) = launch.invocation(order)?;
    if context.dry_run {
        launch.tell_changes();
        context.printer.data(format!("{invocation}\n"))?;
        return Ok(0);
    }
    let mut begun = Begun::now(launch, order)?;
    if order.detach {
        begun.note_code(launch);
        return detached::start(launch, &invocation, begun.run(), &typed.to_string());
    }
    let child = invocation.start_in_foreground(&context.printer)?;
    begun.note_code(launch);
    let status = child.wait()?;
    drop(written);
    begun.ended(launch, status);
    Ok(status)
}

/// Whether the command can have a terminal: both of its ends must be ours.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
