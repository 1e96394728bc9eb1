//! `envtpl rerun`: an earlier run once more, in the same image.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::runs::find;
use crate::commands::start::{Launch, Order, Servers, go, take_env_files, take_gpus, tell_link};
use crate::engine::machine::GpuChoice;
use crate::error::{Error, Result};
use crate::process::Invocation;
use crate::project::{Run, WorkTree, runs_file};
use crate::secrets::HIDDEN;

/// Options of `envtpl rerun`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl rerun 17              as `envtpl runs` numbers them
  envtpl rerun -1              the last one
  envtpl rerun 17 --dry-run    what would be started

The image is the very one of that run, also when its name means another one today. The code is what
is checked out now; envtpl says when it is not that of the run. Values that were not kept, since
they may be secrets, are taken from the environment of this command, and the files of `--env-file`
are read again.

The exit status is the command's own, 128+n when signal n killed it, and 125 when envtpl failed
before the command began.")]
pub struct Args {
    /// The number of the run; -1 is the last
    #[arg(value_name = "N", allow_negative_numbers = true)]
    number: i64,
}

/// Runs it again.
///
/// # Errors
/// `Usage` when there is no such run, or not all of it was kept; `NotReady` when its image is gone.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let project = context.project()?;
    let (number, run) = find(&project, args.number)?;
    let installation = project.find(&run.installation)?;
    let mut launch = Launch::of_image(context, &project, installation, &run.service, &run.image.id)
        .map_err(|error| match &run.image.commit {
            Some(commit) => error.help(format!(
                "it was built from commit {commit}: check that out and build it again"
            )),
            None => error,
        })?;
    launch.image_name.clone_from(&run.image.name);
    if launch.gpus() != run.gpus {
        take_gpus(&mut launch, &GpuChoice::of_names(&run.gpus))?;
    }
    let env_files: Vec<PathBuf> = run.env_files.iter().map(PathBuf::from).collect();
    take_env_files(&mut launch, &env_files)?;
    Servers::again(&run.ports).add(&mut launch)?;
    tell_link(&launch)?;
    let order = order(&run).map_err(|error| {
        error.help(format!(
            "run {number} is line {number} of {}",
            runs_file(project.root()).display()
        ))
    })?;
    tell_other_code(context, &run, &WorkTree::of(project.root())?);
    let typed = Invocation::new("envtpl")
        .arg("rerun")
        .arg(number.to_string());
    go(&launch, &order, &typed)
}

/// What was ordered then.
fn order(run: &Run) -> Result<Order> {
    let mut environment = Vec::new();
    for (name, value) in &run.environment {
        environment.push(match value {
            Some(value) => OsString::from(format!("{name}={value}")),
            None if std::env::var_os(name).is_some() => OsString::from(name),
            None => {
                return Err(Error::usage(format!(
                    "the value of `{name}` was not kept, since it may be a secret"
                ))
                .help(format!(
                    "set it for this command: `{name}=… envtpl rerun …`"
                )));
            }
        });
    }
    let words = run.command.iter().chain(&run.entrypoint);
    for word in words {
        // What could not be written down as it was is not what was run.
        if word.contains(HIDDEN) || word.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Error::usage(format!(
                "`{word}` of the command line was not kept as it was, since it may be a secret \
                 or is no text"
            ))
            .help("type the command again"));
        }
    }
    Ok(Order {
        environment,
        entrypoint: run.entrypoint.as_ref().map(OsString::from),
        directory: run.directory.as_ref().map(OsString::from),
        command: run.command.iter().map(OsString::from).collect(),
        detach: run.detached,
        ..Order::default()
    })
}

/// Says so when the code is not that of the run.
fn tell_other_code(context: &Context, run: &Run, now: &WorkTree) {
    if run.commit != now.commit {
        let name = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "no commit".into());
        context.printer.warn(format_args!(
            "the code is that of {}, and it was that of {} then",
            name(&now.commit),
            name(&run.commit)
        ));
    } else if run.changes != now.changes {
        context.printer.warn(
            "files that differ from the commit are not those of then, or differ in another way",
        );
    }
}
