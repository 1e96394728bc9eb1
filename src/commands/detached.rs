//! Containers in the background: one that fails keeps its log, and every one is removed when it
//! ends.
//!
//! `docker run --rm` would remove a failed container together with its log before anybody can
//! read it. So the container is started without `--rm`, and a second envtpl process, which
//! outlives the terminal's commands, waits for its end, keeps the log of a failure and removes it.
//! The next `run -d`, `dev -d` or `ls` says what has failed since.

mod failures;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::commands::Context;
use crate::commands::start::Launch;
use crate::engine::Tools;
use crate::error::{Error, Result};
use crate::files;
use crate::process::Invocation;
use crate::project::{Run, to_the_millisecond, to_the_second};

pub use failures::tell_failures;
use failures::{Failure, log, told};

/// How long a start is watched for an early end, such as a command that does not exist.
const EARLY: Duration = Duration::from_secs(1);

/// Lines of a failed start's log that are shown.
const SHOWN: usize = 20;

/// Options of the hidden command that waits for a container.
#[derive(Debug, clap::Args)]
pub struct WatchArgs {
    /// The container's id
    container: String,
    /// The project, which keeps the log of a failure
    project: PathBuf,
    /// The installation that it was started in
    installation: String,
    /// How it was started
    command: String,
    /// The engine's command line, if it is not `docker`
    #[arg(long)]
    docker: Option<String>,
}

/// Starts the container in the background, prints its id, and says how to follow it and where a
/// failure is kept. A command that fails within a second is reported with what it printed; its
/// exit status is given then. `run` is what is written down of it when it has ended, and `command`
/// how the person started it.
///
/// # Errors
/// When the container cannot be started.
pub fn start(launch: &Launch<'_>, invocation: &Invocation, run: &Run, command: &str) -> Result<u8> {
    let workplace = &launch.workplace;
    let printer = &workplace.context.printer;
    let installation = workplace.installation.name();
    tell_failures(workplace.context, workplace.project, &[installation])?;
    let container = workplace.compose.tools().read(invocation, printer)?;
    let project = workplace.project.root();
    let log = project.join(files::STATE_DIRECTORY).join(log(&container));
    // A project that cannot be written in has no list of runs.
    if let Err(error) = files::keep(project, pending(&container), run.line()?.as_bytes()) {
        printer.verbose(error);
    }
    let program = std::env::current_exe()
        .map_err(|source| Error::failed("cannot find envtpl's own program").because(source))?;
    let mut watcher = Invocation::new(program)
        .args(["watch-container", &container])
        .arg(project)
        .args([&installation.to_string(), command]);
    if let Some(docker) = launch.settings.get("DOCKER") {
        watcher = watcher.arg("--docker").arg(docker);
    }
    let ended = watcher.start_in_background(printer)?.wait_for(EARLY)?;
    if let Some(status) = ended.filter(|status| !status.success()) {
        told(project, &container)?;
        let status = status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1);
        printer.error(
            &Error::failed(format!(
                "the container ended at once, with exit status {status}"
            ))
            .because(std::io::Error::other(last_lines(&log)))
            .help(format!("its log is in {}", log.display())),
        );
        return Ok(status);
    }
    printer.data(format!("{container}\n"))?;
    if ended.is_some() {
        printer.note("it has ended already, with exit status 0");
        return Ok(0);
    }
    let docker = |arguments: &[&str]| {
        let short = container.get(..12).unwrap_or(&container);
        workplace
            .compose
            .tools()
            .docker()
            .args(arguments)
            .arg(short)
    };
    printer.note(format_args!(
        "it runs in the background; follow it: {}; wait for its exit status: {}",
        docker(&["logs", "--follow"]),
        docker(&["wait"])
    ));
    printer.note(format_args!(
        "should it fail, its log and exit status are kept in {}, and the next `envtpl ls` says so",
        log.display()
    ));
    Ok(0)
}

/// Waits for a container to end, keeps its log if it failed, and removes it. Ends with the
/// container's own exit status.
///
/// # Errors
/// When the engine goes away.
pub fn watch(context: &Context, args: &WatchArgs) -> Result<u8> {
    let tools = Tools::new(args.docker.as_deref(), None);
    let printer = &context.printer;
    let clock = Instant::now();
    let wait = tools.docker().args(["wait", &args.container]);
    let status: u8 = tools.read(&wait, printer)?.parse().unwrap_or(1);
    write_down(args, status, clock)?;
    if status != 0 {
        let logs = tools
            .docker()
            .args(["logs", &args.container])
            .capture(printer)?;
        let mut text = logs.stdout;
        // The two streams come apart; lines of one must not run into those of the other.
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend(logs.stderr);
        let failure = Failure {
            installation: args.installation.clone(),
            command: args.command.clone(),
            status,
            ended: to_the_second(Timestamp::now()),
        };
        failure.keep(&args.project, &args.container, text)?;
    }
    let remove = tools
        .docker()
        .args(["rm", "--force", "--volumes", &args.container]);
    tools.read(&remove, printer)?;
    Ok(status)
}

/// Adds a run that has ended to those of the project.
fn write_down(args: &WatchArgs, status: u8, clock: Instant) -> Result<()> {
    let relative = pending(&args.container);
    let path = args.project.join(files::STATE_DIRECTORY).join(&relative);
    let Some(text) = files::read_if_exists(&path)? else {
        return Ok(());
    };
    files::forget(&args.project, relative)?;
    let Ok(run) = serde_json::from_slice::<Run>(&text) else {
        return Ok(());
    };
    let run = Run {
        status,
        seconds: to_the_millisecond(clock.elapsed().as_secs_f64()),
        ..run
    };
    run.append(&args.project)
}

/// Where a run in the background is noted until it has ended, below the project's state directory.
fn pending(container: &str) -> PathBuf {
    Path::new("start").join(format!("{container}.run.json"))
}

fn last_lines(log: &Path) -> String {
    let text = files::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}
