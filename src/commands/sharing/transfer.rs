//! What the engine's own command line pushes and pulls, with the logins that it keeps.

use crate::commands::Progress;
use crate::commands::workplace::Workplace;
use crate::error::{Error, Result};
use crate::installation::name::Platform;
use crate::process::Invocation;

/// The command that gives a registry the image of a name.
pub fn push(workplace: &Workplace<'_>, name: &str) -> Invocation {
    workplace.compose.tools().docker().args(["push", name])
}

/// The command that fetches the image of a name for a platform.
pub fn pull(workplace: &Workplace<'_>, name: &str, platform: Platform) -> Invocation {
    let platform = platform.docker();
    let docker = workplace.compose.tools().docker();
    docker.args(["pull", "--platform", &platform, name])
}

/// Runs one of them, and shows how far it is as the engine itself does.
///
/// # Errors
/// `Failed` with what the engine said; `NotReady` when it does not answer.
pub fn run(workplace: &Workplace<'_>, invocation: &Invocation, doing: &str) -> Result<()> {
    let context = workplace.context;
    let printer = &context.printer;
    let silent = printer.is_quiet() || context.progress == Progress::None;
    let finished = match silent {
        true => invocation.capture(printer)?,
        false => invocation.show_progress(printer)?,
    };
    if finished.status.success() {
        return Ok(());
    }
    let talk = finished.talk();
    let failure = Error::failed(format!("cannot {doing}"))
        .because(std::io::Error::other(talk.clone()))
        .help(format!("the command was: {invocation}"));
    Err(workplace
        .compose
        .tools()
        .explain(invocation, &talk, failure))
}
