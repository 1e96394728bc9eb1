//! `envtpl verify`: builds the generic images from the lock alone, and says whether they are what
//! the lock says.

mod bits;
mod record;
mod trial;

use crate::commands::building::{Apart, BuildArgs, check_locked, check_locked_base};
use crate::commands::workplace::Workplace;
use crate::commands::{Context, planned};
use crate::environment::lock::{self, Lock};
use crate::environment::verdict::{self, Deviation};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::installation::flavour::Flavour;
use crate::project::{Installation, Revision};

use bits::Bits;
pub use record::{Outcome, Verdict};

/// Options of `envtpl verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl freeze && envtpl build && envtpl verify
  envtpl verify --bits              bit for bit as well, where the builder can
  envtpl verify --offline           from the kept sources, without any network
  envtpl verify --dry-run           the command that would build, and its Compose file
  envtpl verify --format json       the verdict, as it is kept in .envtpl/verdicts/

Both generic images are built again without the build's cache, under names of their own that are
removed afterwards; your images, tags and .env stay as they are. What is then installed is held
against envtpl.lock, and against your images, file by file, if they were built from the same files.
Exit status 1 means that something differs.")]
pub struct Args {
    /// Build twice more, and compare the layers bit for bit
    #[arg(long)]
    bits: bool,

    /// Build without any network, from what `envtpl sources fetch` keeps
    #[arg(long, conflicts_with = "bits")]
    offline: bool,
}

/// Verifies one installation.
///
/// # Errors
/// `NotReady` without a lock; `Failed` when something is declared that the lock does not hold, or the
/// base image is another, before anything is built, and when the build fails or its result differs.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let _locks = planned::lock(
        context,
        project.root(),
        &[installation.name()],
        "envtpl verify",
    )?;
    let (text, lock) = locked(installation)?;
    Apart::check(installation)?;
    check_locked(installation)?;
    let workplace = Workplace::open(context, &project, installation)?;
    check_locked_base(&workplace, &BuildArgs::default(), &lock)?;
    if context.dry_run {
        return context
            .printer
            .data(Apart::shown(&workplace, args.offline)?);
    }
    if args.bits {
        bits::check(&workplace)?;
    }
    let revision = Revision::of(installation.directory())?;

    let mut notes = Vec::new();
    notes.extend(trial::note_on_base(&workplace, &lock)?);
    let apart = Apart::build(&workplace, args.offline)?;
    context
        .printer
        .status("Comparing", format_args!("{}", installation.name()));
    let mut trials = Vec::new();
    let mut images = Vec::new();
    for flavour in Flavour::ALL {
        let (trial, image, note) = trial::gather(&workplace, &apart, flavour)?;
        trials.push(trial);
        images.push(image);
        notes.extend(note);
    }
    drop(apart);

    let mut judgement = verdict::judge(&lock, &trials);
    judgement.notes.extend(notes);
    let mut verdict = Verdict::new(installation, &revision, &text, images, judgement)?;
    if args.bits {
        verdict.bits = Some(bits::compare(&workplace, &revision)?);
    }
    verdict.keep(&project)?;
    context.printer.report(&verdict, human)?;
    for note in &verdict.judgement.notes {
        context.printer.warn(note);
    }
    let same_bits = verdict.bits.as_ref().is_none_or(Bits::are_identical);
    match verdict.verdict {
        Outcome::Reproduced if same_bits => Ok(()),
        Outcome::Reproduced => Err(Error::failed(format!(
            "two builds of {} have the same packages, and not the same bits",
            installation.name()
        ))
        .help("the layers and files that differ are above")),
        Outcome::Different => Err(Error::failed(format!(
            "{} is not reproduced by its lock and its Dockerfile",
            installation.name()
        ))
        .help("what differs is above; `envtpl freeze` locks what is installed now")),
    }
}

/// The lock, with its text.
fn locked(installation: &Installation) -> Result<(String, Lock)> {
    let path = installation.path(lock::FILE);
    let Some(text) = files::read_text_if_exists(&path)? else {
        return Err(Error::not_ready(format!(
            "{} has no lock, so there is nothing to verify",
            installation.name()
        ))
        .at(Place::file(path))
        .help(format!(
            "write one: `envtpl freeze -i {}`",
            installation.name()
        )));
    };
    let lock = Lock::parse(&path, &text)?;
    Ok((text, lock))
}

fn human(verdict: &Verdict) -> String {
    let counts = verdict.judgement.packages;
    let outcome = match verdict.verdict {
        Outcome::Reproduced => "reproduced",
        Outcome::Different => "not reproduced",
    };
    let first = format!(
        "{outcome}: {} of {} packages identical\n",
        counts.identical, counts.total
    );
    let line = |deviation: &Deviation| format!("  {deviation}\n");
    let mut text = first;
    text.extend(verdict.judgement.differences.iter().map(line));
    if let Some(bits) = &verdict.bits {
        text += &format!(
            "bits: {} of {} layers identical\n",
            bits.identical, bits.total
        );
        text.extend(bits.different.iter().map(|layer| format!("  {layer}\n")));
    }
    text
}
