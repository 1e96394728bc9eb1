//! `envtpl builds`: what was built in this project.

use crate::commands::Context;
use crate::commands::building::stages_table;
use crate::error::Result;
use crate::output::{Table, age};
use crate::project::{Build, Outcome, build_file};

/// Options of `envtpl builds`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  envtpl builds                    the builds that are kept, the newest last
  envtpl builds show               all that is known of the newest
  envtpl builds show 20261122-01   one, by the beginning of its id
  envtpl builds show --format json | jq '.steps[] | select(.cached | not) | .name'

The newest twenty are kept in .envtpl/builds/<id>/: log.txt is what the build printed, whole;
events.jsonl is the builder's own account of it; report.json is what this command reads."
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show one build, stage by stage
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The build, by its id or the beginning of it; the newest if there is none
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Prints the builds, or one of them.
///
/// # Errors
/// `Usage` when there is no such build.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let asked_for = context.asks_for(&project)?;
    let suits = |build: &Build| asked_for(&build.installation);
    if let Some(Command::Show(show)) = &args.command {
        let build = Build::find(project.root(), show.id.as_deref(), suits)?;
        return context.printer.report(&build, in_full);
    }
    // One that runs has no report yet, and one that was killed will have none.
    let builds = Build::all(project.root())?.into_iter();
    let builds: Vec<Build> = builds
        .filter_map(|(_, build)| build.ok())
        .filter(suits)
        .collect();
    context.printer.report(&builds, |builds| table(builds))
}

fn table(builds: &[Build]) -> String {
    let mut table = Table::new([
        "build",
        "started",
        "installation",
        "outcome",
        "seconds",
        "steps",
        "cached",
        "what",
    ]);
    for build in builds {
        let cached = build.steps.iter().filter(|step| step.cached).count();
        table.row([
            build.id.clone(),
            age(&build.started).unwrap_or_else(|| build.started.clone()),
            build.installation.clone(),
            outcome(build.outcome).to_owned(),
            format!("{:.1}", build.seconds),
            build.steps.len().to_string(),
            cached.to_string(),
            build.target_names(),
        ]);
    }
    if table.is_empty() {
        return "nothing was built in this project\n".to_owned();
    }
    table.to_string()
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Built => "built",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}

/// Everything: a line for each fact, then the stages.
fn in_full(build: &Build) -> String {
    let mut lines = vec![
        ("build", build.id.clone()),
        ("started", build.started.clone()),
        ("seconds", format!("{:.1}", build.seconds)),
        ("outcome", outcome(build.outcome).to_owned()),
        ("installation", build.installation.clone()),
        ("dockerfile", build.dockerfile.clone()),
        ("targets", build.target_names()),
    ];
    for (name, value) in &build.arguments {
        lines.push(("argument", format!("{name}={value}")));
    }
    for image in &build.images {
        lines.extend(image.tags.iter().map(|tag| ("image", tag.clone())));
    }
    if let Some(step) = build.failed_step() {
        lines.push(("failed", step.name.clone()));
        lines.push(("because", step.error.clone().unwrap_or_default()));
    }
    let log = build_file(&build.id, "log.txt");
    lines.push(("log", log.display().to_string()));
    let lines = lines
        .iter()
        .map(|(name, value)| format!("{name:<13} {value}\n"));
    format!(
        "{}\n{}\n",
        lines.collect::<String>(),
        stages_table(build, None)
    )
}
