//! `envtpl runs`: what was run in this project.

use serde::Serialize;

use crate::commands::Context;
use crate::error::{Error, Kind, Result};
use crate::output::{Table, age};
use crate::process::quote;
use crate::project::{Project, Run, runs_file};

/// How much of a commit people read.
const SHORT: usize = 7;

/// Options of `envtpl runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl runs                      the last twenty
  envtpl runs --all -i amd64-cuda
  envtpl runs 17                   all that is known of one
  envtpl runs --format json | jq '.[] | select(.status != 0)'

Every `run` and `dev` adds a line to .envtpl/runs.jsonl when it ends. A run's number is that of its
line. An asterisk after the commit says that files differed from it. Values that may be secrets are
not kept.")]
pub struct Args {
    /// One run, with all that is known of it; -1 is the last
    #[arg(value_name = "N", allow_negative_numbers = true)]
    number: Option<i64>,

    /// How many of the last runs
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    last: usize,

    /// All runs
    #[arg(long, conflicts_with = "last")]
    all: bool,
}

/// A run with its number.
#[derive(Debug, Serialize)]
struct Numbered {
    number: usize,
    #[serde(flatten)]
    run: Run,
}

/// Prints the runs.
///
/// # Errors
/// `Usage` when there is no run of that number.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    if let Some(number) = args.number {
        let (number, run) = find(&project, number)?;
        let run = Numbered { number, run };
        return context.printer.report(&run, in_full);
    }
    let asked_for = context.asks_for(&project)?;
    let mut runs = Vec::new();
    for (number, run) in Run::all(project.root())? {
        match run {
            Ok(run) => runs.push(Numbered { number, run }),
            Err(error) => context.printer.warn_about(&error),
        }
    }
    runs.retain(|one| asked_for(&one.run.installation));
    if !args.all {
        runs.drain(..runs.len().saturating_sub(args.last));
    }
    context.printer.report(&runs, |runs| table(runs))
}

/// The run of a number; a negative number counts from the last one, which is -1.
///
/// # Errors
/// `Usage` when there is none, saying which there are.
pub fn find(project: &Project, number: i64) -> Result<(usize, Run)> {
    let runs = Run::all(project.root())?;
    let count = runs.len();
    let index = match usize::try_from(number) {
        Ok(number) => number.checked_sub(1),
        Err(_) => usize::try_from(number.unsigned_abs())
            .ok()
            .and_then(|back| count.checked_sub(back)),
    };
    let found = index.and_then(|index| runs.into_iter().nth(index));
    let Some((number, run)) = found else {
        let error = Error::usage(format!("there is no run {number}"));
        return Err(match count {
            0 => error.help("`envtpl run` and `envtpl dev` write one down when they end"),
            _ => error.help(format!(
                "runs are numbered 1 to {count} in {}: `envtpl runs`",
                runs_file(project.root()).display()
            )),
        });
    };
    Ok((number, run.map_err(|error| error.with_kind(Kind::Usage))?))
}

fn table(runs: &[Numbered]) -> String {
    let mut table = Table::new([
        "run",
        "started",
        "installation",
        "status",
        "seconds",
        "commit",
        "command",
    ]);
    for Numbered { number, run } in runs {
        table.row([
            number.to_string(),
            age(&run.started).unwrap_or_else(|| run.started.clone()),
            run.installation.clone(),
            run.status.to_string(),
            format!("{:.1}", run.seconds),
            commit(run),
            command(run),
        ]);
    }
    if table.is_empty() {
        return "nothing was run in this project\n".to_owned();
    }
    table.to_string()
}

fn commit(run: &Run) -> String {
    let Some(commit) = &run.commit else {
        return "-".to_owned();
    };
    let changed = if run.changes.is_some() { "*" } else { "" };
    format!("{}{changed}", commit.get(..SHORT).unwrap_or(commit))
}

fn command(run: &Run) -> String {
    if run.command.is_empty() {
        return "(the image's own)".to_owned();
    }
    let words: Vec<String> = run.command.iter().map(quote).collect();
    words.join(" ")
}

/// Everything, a line each.
fn in_full(numbered: &Numbered) -> String {
    let run = &numbered.run;
    let mut lines = vec![
        ("run", numbered.number.to_string()),
        ("command", command(run)),
        ("started", run.started.clone()),
        ("seconds", format!("{:.3}", run.seconds)),
        ("status", run.status.to_string()),
        ("installation", run.installation.clone()),
        ("service", run.service.clone()),
        ("image", run.image.name.clone()),
        ("image id", run.image.id.clone()),
    ];
    let mut optional = |name, value: &Option<String>| {
        if let Some(value) = value {
            lines.push((name, value.clone()));
        }
    };
    optional("image digest", &run.image.digest);
    optional("image commit", &run.image.commit);
    optional("commit", &run.commit);
    optional("changes", &run.changes);
    optional("entrypoint", &run.entrypoint);
    optional("directory", &run.directory);
    for (name, value) in &run.environment {
        let value = value.as_deref().unwrap_or("(not kept)");
        lines.push(("variable", format!("{name}={value}")));
    }
    for mount in &run.mounts {
        lines.push(("mount", format!("{} at {}", mount.source, mount.target)));
    }
    if !run.gpus.is_empty() {
        lines.push(("gpus", run.gpus.join(", ")));
    }
    lines.push(("machine", run.host.clone()));
    let lines = lines
        .iter()
        .map(|(name, value)| format!("{name:<13} {value}\n"));
    lines.collect()
}
