//! The start of a workspace: until its set-up is through, with what that said.

use std::time::Duration;

use crate::commands::start::{
    JUPYTER, Launch, SSH, answers_by_ssh, answers_jupyter, reached, tell_jupyter,
};
use crate::commands::workspace::{IDLE, find};
use crate::error::{Error, Result};
use crate::process::{Invocation, interrupted};

/// How often to look whether the set-up is through.
const PAUSE: Duration = Duration::from_millis(50);

/// How the entrypoint begins what a person should know.
const WARNING: &str = "warning: ";

/// Starts it, looks whether it stays, passes on what its set-up warned of, and says where its
/// servers are; `ports` are theirs, `ended` is when an earlier start of it ended. Prints the name.
///
/// # Errors
/// When it does not start, or ends at once; with what it said then.
pub fn begin(
    launch: &Launch<'_>,
    name: &str,
    invocation: &Invocation,
    ports: &[String],
    ended: &str,
) -> Result<u8> {
    let workplace = &launch.workplace;
    let printer = &workplace.context.printer;
    if workplace.context.dry_run {
        return printer.data(format!("{invocation}\n")).map(|()| 0);
    }
    let tools = workplace.compose.tools();
    tools.read(invocation, printer)?;
    wait_for_set_up(launch, name)?;
    let container = find(workplace)?.unwrap_or_default();
    let said = said_since(launch, name, ended)?;
    if !container.running {
        let remove = tools.docker().args(["rm", "--force", "--volumes", name]);
        tools.read(&remove, printer)?;
        return Err(Error::failed(format!("{name} ended at once"))
            .because(std::io::Error::other(said.trim_end().to_owned())));
    }
    let lines = said.lines().map(str::trim_end);
    let warnings: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix(WARNING))
        .collect();
    for warning in &warnings {
        printer.warn(warning);
    }
    let is_told = |what: &str| warnings.iter().any(|warning| warning.contains(what));
    let is_older = |what: &str, option: &str| {
        printer.warn(format_args!(
            "there is no {what} in {name}: its image was built before these files could have one; \
             `envtpl build`, `envtpl down` and then `envtpl dev --up {option}`"
        ));
    };
    if reached(ports, SSH).is_some() && !answers_by_ssh(launch, name)? && !is_told("ssh") {
        is_older("ssh server", "--ssh");
    }
    if let Some(reached) = reached(ports, JUPYTER) {
        if answers_jupyter(reached) {
            tell_jupyter(launch, reached, "")?;
        } else if !is_told("Jupyter") {
            is_older("Jupyter", "--jupyter");
        }
    }
    printer.data(format!("{name}\n"))?;
    printer.note(
        "it runs in the background: `envtpl attach` opens a shell in it, `envtpl exec -- CMD` runs \
         a command, `envtpl down` removes it",
    );
    Ok(0)
}

/// Waits until the command of a workspace has begun, or the workspace has ended.
fn wait_for_set_up(launch: &Launch<'_>, name: &str) -> Result<()> {
    let tools = launch.workplace.compose.tools();
    let command = IDLE.join(" ");
    while !interrupted() {
        let processes =
            (tools.docker().args(["top", name])).capture(&launch.workplace.context.printer)?;
        let text = processes.text();
        // A small process 1 has the whole line as its arguments.
        let mut commands = text.lines().filter(|line| !line.contains("entrypoint"));
        let has_begun = commands.any(|line| line.trim_end().ends_with(&command));
        if has_begun || !processes.status.success() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Both streams of a container, without what an earlier start of it said. When this one began is no
/// mark: the engine notes that time when the container has already spoken.
fn said_since(launch: &Launch<'_>, name: &str, ended: &str) -> Result<String> {
    let mut logs = launch.workplace.compose.tools().docker().arg("logs");
    if !ended.is_empty() {
        logs = logs.args(["--since", ended]);
    }
    let logs = logs.arg(name).capture(&launch.workplace.context.printer)?;
    Ok(format!("{}\n{}", logs.text(), logs.talk()))
}
