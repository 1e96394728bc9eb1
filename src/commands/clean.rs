//! `envtpl clean`: frees the space of what nothing needs any more.

mod leftovers;
mod removal;

use crate::commands::workplace::{Workplace, settings};
use crate::commands::{Context, questions};
use crate::error::{Error, Kind, Result};
use crate::output::{Table, age, amount};
use leftovers::{Kinds, Leftover, Leftovers, OlderThan};

/// Options of `envtpl clean`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl clean --dry-run           what would go, and how much that frees
  envtpl clean                     stopped containers, images without a name, unused networks
  envtpl clean --images --older-than 30d
  envtpl clean --all --yes --format json

It looks at the installations of this project alone, but for the build cache, which all projects of
the engine share. It never touches the images that your installations use now, an image with a
container, a workspace (that is for `envtpl down`), a dev container of an editor, volumes, the
sources store, or a file of yours.

Images that a run was recorded with are listed with its number: `envtpl rerun` needs them.")]
pub struct Args {
    /// Images of earlier builds as well as those without a name
    #[arg(long)]
    images: bool,

    /// Networks that no container is on
    #[arg(long)]
    networks: bool,

    /// The engine's build cache, as far as nothing uses it
    #[arg(long)]
    caches: bool,

    /// All of these, and stopped containers
    #[arg(short, long)]
    all: bool,

    /// Only what was made, or last used, before that: 30d, 12h, 2w
    #[arg(long, value_name = "DURATION")]
    older_than: Option<OlderThan>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Args {
    fn kinds(&self) -> Kinds {
        let nothing_named = !(self.images || self.networks || self.caches || self.all);
        Kinds {
            containers: nothing_named || self.all,
            unnamed_images: nothing_named || self.images || self.all,
            earlier_images: self.images || self.all,
            networks: nothing_named || self.networks || self.all,
            build_cache: self.caches || self.all,
        }
    }
}

/// Lists what would go, asks, and removes it.
///
/// # Errors
/// `NotReady` when the engine does not answer; `Usage` when nobody can be asked; `Failed` when
/// something could not be removed, after the rest was.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let printer = &context.printer;
    let project = context.project()?;
    let asked = context.installations_or_all(&project)?;
    let mut workplaces = Vec::new();
    for installation in asked {
        match settings(installation) {
            Ok(_) => workplaces.push(Workplace::open(context, &project, installation)?),
            // Nothing was ever built there.
            Err(error) if error.kind() == Kind::Usage => {}
            Err(error) => return Err(error),
        }
    }
    let found = Leftovers::find(&workplaces, args.kinds(), args.older_than.as_ref())?;
    if context.dry_run || found.items.is_empty() {
        return printer.report(&found, table);
    }
    if !args.yes && !printer.can_ask() {
        printer.report(&found, table)?;
        return Err(
            Error::usage("nothing was removed, since nobody can be asked here")
                .help("give `--yes` to remove what is listed, `--dry-run` to list it"),
        );
    }
    if !args.yes {
        printer.note(table(&found).trim_end());
        if !questions::confirm("Remove all of this?")? {
            return Err(Error::interrupted());
        }
    }
    let unused_for = args.older_than.as_ref().map(OlderThan::seconds);
    let removed = removal::remove(context, &workplaces, &found, unused_for)?;
    printer.report(&removed, summary)?;
    match removed
        .items
        .iter()
        .filter(|item| item.failure.is_some())
        .count()
    {
        0 => Ok(()),
        count => Err(Error::failed(format!("{count} could not be removed"))
            .help("what uses them: `envtpl ps --all`")),
    }
}

fn table(found: &Leftovers) -> String {
    if found.items.is_empty() {
        return "nothing to remove\n".to_owned();
    }
    let mut table = Table::new(["what", "name", "installation", "made", "frees", "runs"]);
    for item in &found.items {
        table.row([
            item.kind.to_string(),
            item.name.clone(),
            item.installation.clone().unwrap_or_else(|| "-".to_owned()),
            item.made
                .and_then(|time| age(&time.to_string()))
                .unwrap_or_else(|| "-".to_owned()),
            bytes(item.bytes),
            runs(item),
        ]);
    }
    format!("{table}{} in all\n", summed(found))
}

fn runs(item: &Leftover) -> String {
    let numbers: Vec<String> = item.runs.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [] => "-".to_owned(),
        [first, .., last] if numbers.len() > 3 => format!("{} ({first} to {last})", numbers.len()),
        numbers => numbers.join(", "),
    }
}

fn summary(removed: &Leftovers) -> String {
    let count = (removed.items.iter())
        .filter(|item| item.failure.is_none())
        .count();
    format!("removed {count}, {} freed\n", summed(removed))
}

/// Layers that several of the images share with each other alone are in no image's number.
fn summed(found: &Leftovers) -> String {
    format!("at least {}", bytes(found.bytes))
}

fn bytes(bytes: u64) -> String {
    // What is shown is rounded further than a number of this kind is.
    #[allow(clippy::cast_precision_loss)]
    amount(bytes as f64)
}
