//! The workspace of an installation: one long-lived dev container, which `dev --up` starts,
//! `exec`, `attach` and `logs` use, and `down` removes.

mod begin;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::commands::start::{
    JUPYTER, Launch, Order, PORTS_LABEL, SSH, Servers, has_terminal, make_missing, reached,
    renew_jupyter, renew_ssh, tell_jupyter,
};
use crate::commands::workplace::Workplace;
use crate::engine::{ContainerState, Model};
use crate::error::{Error, Result};
use crate::process::Invocation;

use begin::begin;

/// Says of a container that it is a workspace, and of which installation.
pub const LABEL: &str = "envtpl.workspace";

/// Says of a container that an editor brought it up; set by editors and by `devcontainer`.
pub const EDITORS_LABEL: &str = "devcontainer.config_file";

/// What a workspace does by itself: it is there.
const IDLE: [&str; 2] = ["sleep", "infinity"];

/// Set for what runs beside a container's own command: the servers are up already.
const BESIDE: &str = "ENVTPL_EXEC=1";

/// The name of the container. It holds the installation and the person, as the Compose project's
/// name does, so that two people on one machine have one each.
pub fn name(model: &Model) -> String {
    format!("{}-dev", model.name)
}

/// The workspace, running or not; `None` when it was never started, or removed.
///
/// # Errors
/// When the engine does not answer.
pub fn find(workplace: &Workplace<'_>) -> Result<Option<ContainerState>> {
    (workplace.images).container(&name(&workplace.model), &workplace.context.printer)
}

/// The workspace, which must be running.
///
/// # Errors
/// `NotReady` when it is not, with the command that starts it.
pub fn running(workplace: &Workplace<'_>) -> Result<ContainerState> {
    let installation = workplace.installation.name();
    let not_there = |what: &str| {
        Error::not_ready(format!("the workspace of {installation} {what}"))
            .help(format!("start it: `envtpl dev --up -i {installation}`"))
    };
    match find(workplace)? {
        Some(container) if container.running => Ok(container),
        Some(container) => Err(not_there(&format!(
            "does not run, it is {}",
            container.status
        ))),
        None => Err(not_there("is not there")),
    }
}

/// Starts the workspace, unless it runs, and prints its name; with the servers that are asked
/// for.
///
/// # Errors
/// When it cannot be started; with what it said when it ended at once.
pub fn up(launch: &mut Launch<'_>, environment: &[OsString], servers: Servers) -> Result<u8> {
    let there = find(&launch.workplace)?;
    let ports = match &there {
        None => {
            servers.add(launch)?;
            launch.ports.clone()
        }
        Some(container) => {
            tell_servers(launch, container, servers)?;
            ports_of(container)
        }
    };
    let launch = &*launch;
    let workplace = &launch.workplace;
    let printer = &workplace.context.printer;
    let name = name(&workplace.model);
    let docker = || workplace.compose.tools().docker();
    let invocation = match &there {
        Some(container) if container.running => {
            tell_other_image(launch, container);
            tell_gpus_stay(launch, container);
            printer.note(format_args!("{name} runs already; stop it: `envtpl down`"));
            printer.data(format!("{name}\n"))?;
            return Ok(0);
        }
        // What was installed in it by hand is still there.
        Some(container) => {
            tell_other_image(launch, container);
            tell_gpus_stay(launch, container);
            if let Some(reached) = reached(&ports, JUPYTER) {
                renew_jupyter(launch, reached)?;
            }
            docker().args(["start", &name])
        }
        None => {
            make_missing(launch)?;
            let order = Order {
                environment: environment.to_vec(),
                command: IDLE.iter().map(OsString::from).collect(),
                detach: true,
                name: Some(name.clone()),
                labels: vec![format!("{LABEL}={}", workplace.installation.name())],
                ..Order::default()
            };
            let (invocation, written) = launch.invocation(&order)?;
            if workplace.context.dry_run {
                launch.tell_changes();
            }
            return begin(launch, &name, &invocation, &ports, "").inspect(|_| drop(written));
        }
    };
    let ended = there.map(|container| container.ended).unwrap_or_default();
    begin(launch, &name, &invocation, &ports, &ended)
}

/// Says so when the workspace was started from an image that was built again since.
fn tell_other_image(launch: &Launch<'_>, container: &ContainerState) {
    if container.image != launch.image.id {
        let printer = &launch.workplace.context.printer;
        printer.warn(format_args!(
            "{} runs an older {}: keep what you installed in it (`envtpl freeze`), then \
             `envtpl down` and `envtpl dev --up`",
            container.name, launch.image_name
        ));
    }
}

/// Where the servers of a workspace are reached.
fn ports_of(container: &ContainerState) -> Vec<String> {
    let ports = container.labels.get(PORTS_LABEL).into_iter();
    ports
        .flat_map(|ports| ports.split(' ').map(str::to_owned))
        .collect()
}

/// Says how the servers that are asked for are reached in a workspace that exists, or that it has
/// none of them.
fn tell_servers(launch: &Launch<'_>, container: &ContainerState, asked: Servers) -> Result<()> {
    let ports = ports_of(container);
    let missing = |what: &str, option: &str| {
        launch.workplace.context.printer.warn(format_args!(
            "{} was made without {what}: `{option}` counts for a new one, after `envtpl down`",
            container.name
        ));
    };
    if asked.ssh.is_some() {
        match reached(&ports, SSH) {
            Some(reached) => renew_ssh(launch, reached)?,
            None => missing("an ssh server", "--ssh"),
        }
    }
    if asked.jupyter.is_some() {
        match reached(&ports, JUPYTER) {
            Some(reached) if container.running => tell_jupyter(launch, reached, "")?,
            // It is told when it has started.
            Some(_) => {}
            None => missing("Jupyter", "--jupyter"),
        }
    }
    Ok(())
}

/// Says so when GPUs are chosen for a container that exists: it keeps those that it was made with.
fn tell_gpus_stay(launch: &Launch<'_>, container: &ContainerState) {
    if launch.has_chosen_gpus() {
        launch.workplace.context.printer.warn(format_args!(
            "{} keeps the GPUs that it was started with: `--gpus` counts for a new one, after \
             `envtpl down`",
            container.name
        ));
    }
}

/// What is run beside the workspace's own command.
pub struct Beside<'a> {
    /// Variables, as `NAME=VALUE`, or as `NAME` for that of this process.
    pub environment: &'a [OsString],
    /// Files with variables in Docker's format; those above go before what they hold.
    pub env_files: &'a [PathBuf],
    /// Another user than the container's.
    pub user: Option<&'a str>,
    /// The command and its arguments.
    pub command: &'a [OsString],
}

/// The command line that runs something in the workspace, as `envtpl dev` would: with the same
/// environment, in the directory that is the given one outside.
///
/// # Errors
/// As [`Workplace::image`].
pub fn beside(
    workplace: &Workplace<'_>,
    container: &ContainerState,
    outside: &Path,
    beside: &Beside<'_>,
) -> Invocation {
    let docker = workplace.compose.tools().docker();
    let mut invocation = docker.args(["exec", "--interactive"]);
    if has_terminal() {
        invocation = invocation.arg("--tty");
    }
    if let Some(directory) = workplace
        .model
        .directory_inside(&container.service, outside)
    {
        invocation = invocation.arg("--workdir").arg(directory);
    }
    if let Some(user) = beside.user {
        invocation = invocation.args(["--user", user]);
    }
    invocation = invocation.args(["--env", BESIDE]);
    // Docker reads them itself, so that what they hold stands on no command line.
    for file in beside.env_files {
        invocation = invocation.arg("--env-file").arg(file);
    }
    for variable in beside.environment {
        invocation = invocation.arg("--env").arg(variable);
    }
    invocation
        .arg(&container.name)
        .args(&container.entrypoint)
        .args(beside.command)
}
