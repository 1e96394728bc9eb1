//! `envtpl explain`: why a build failed, from its log.

mod declared;
mod human;
mod image;

use std::io::{self, BufRead};
use std::path::Path;

use crate::commands::Context;
use crate::engine::failure::{self, DockerfileLine, Outcome};
use crate::engine::progress::Replay;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::project::{self, Build, build_file};

pub use declared::name_lines;
pub use human::text as told;

/// Options of `envtpl explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl explain                               the newest build of this project that failed
  envtpl explain 20261122-01                   another one, by the beginning of its id
  envtpl explain build.log                     a log that somebody kept, or a CI's
  docker build . 2>&1 | envtpl explain -
  make -j8 2>&1 | envtpl explain - --format json | jq .place

The log may be that of BuildKit, of a CI, or of one tool alone; `--progress plain` and `rawjson`
have all that is to know. Of a build whose log is missing or cut, its events are read. The first
cause is shown and what only follows from it is not. Ends with 1 when nothing in the log failed.")]
pub struct Args {
    /// A build, by its id or the beginning of it; a log's file; or `-` for standard input
    #[arg(value_name = "BUILD|FILE|-")]
    log: Option<String>,
}

/// Explains a log. Gives the exit status: 0 when there is something to explain, else 1.
///
/// # Errors
/// `Usage` when there is no such log; otherwise when it cannot be read.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let mut built_for = None;
    let mut outcome = match args.log.as_deref() {
        Some("-") => explain(std::io::stdin().lock())
            .map_err(|source| Error::failed("cannot read standard input").because(source))?,
        Some(log) if files::exists(Path::new(log)) => read(Path::new(log))?,
        build => {
            let (outcome, installation) = of_build(context, build)?;
            built_for = installation;
            outcome
        }
    };
    if let Outcome::Failed(explanation) = &mut outcome
        && let Ok(project) = context.project()
    {
        // Somebody else's log may come from another environment: what is named then is what asks
        // for the same here.
        let installation = match &built_for {
            Some(name) => project.find(name),
            None => context.installation(&project),
        };
        if let Ok(installation) = installation {
            name_lines(explanation, installation.directory(), project.root());
        }
    }
    context.printer.report(&outcome, human::text)?;
    Ok(match outcome {
        Outcome::Failed(_) => 0,
        Outcome::Nothing(_) => 1,
    })
}

fn read(path: &Path) -> Result<Outcome> {
    explain(files::open(path)?).map_err(|source| Error::io("read", path, source))
}

/// Explains a log, or the event stream of a builder.
fn explain(mut log: impl BufRead) -> io::Result<Outcome> {
    match log.fill_buf()?.first() {
        Some(b'{') => failure::explain(Replay::new(log)),
        _ => failure::explain(log),
    }
}

/// Explains a build that was kept; without an id, the newest that failed. Gives the installation
/// too, if that is known.
fn of_build(context: &Context, wanted: Option<&str>) -> Result<(Outcome, Option<String>)> {
    let project = match (context.project(), wanted) {
        (Ok(project), _) => project,
        (Err(error), None) => return Err(error),
        (Err(_), Some(wanted)) => return Err(no_such(wanted)),
    };
    let root = project.root();
    let (id, build) = match wanted {
        Some(wanted) => {
            let id = Build::id_of(root, wanted).map_err(|_| {
                no_such(wanted).help("`envtpl builds` lists the builds that are kept")
            })?;
            // One that was killed has no report.
            let build = Build::read(root, &id).ok();
            (id, build)
        }
        None => {
            let failed = |build: &Build| build.outcome == project::Outcome::Failed;
            let build = Build::find(root, None, failed)?;
            (build.id.clone(), Some(build))
        }
    };
    let mut outcome = kept(root, &id, build.as_ref())?;
    if let (Outcome::Failed(explanation), Some(build)) = (&mut outcome, &build) {
        explanation.dockerfile = explanation.dockerfile.take().or_else(|| line_of(build));
    }
    Ok((outcome, build.map(|build| build.installation)))
}

/// What the files of a build say: its log, or where that is missing or ends too early, the
/// builder's events.
fn kept(root: &Path, id: &str, build: Option<&Build>) -> Result<Outcome> {
    let of_file = |name: &str| -> Result<Option<Outcome>> {
        let path = root.join(build_file(id, name));
        match files::exists(&path) {
            true => read(&path).map(Some),
            false => Ok(None),
        }
    };
    let log = of_file("log.txt")?;
    let succeeded = build.is_some_and(|build| build.outcome == project::Outcome::Built);
    if let Some(log) = log.as_ref().filter(|log| is_whole(log, succeeded)) {
        return Ok(log.clone());
    }
    let told = match (log, of_file("events.jsonl")?) {
        (Some(log @ Outcome::Failed(_)), Some(events)) if !is_whole(&events, succeeded) => {
            Some(log)
        }
        (log, events) => events.or(log),
    };
    told.ok_or_else(|| {
        Error::failed(format!("nothing is left of what build `{id}` printed"))
            .at(Place::file(root.join(build_file(id, "log.txt"))))
    })
}

/// Whether this can be all that the build told.
fn is_whole(outcome: &Outcome, succeeded: bool) -> bool {
    match outcome {
        Outcome::Failed(explanation) => !explanation.unfinished,
        Outcome::Nothing(_) => succeeded,
    }
}

/// The instruction that failed, as the build's report has it.
fn line_of(build: &Build) -> Option<DockerfileLine> {
    let step = build.failed_step()?;
    let file = build.dockerfile.rsplit('/').next().unwrap_or_default();
    Some(DockerfileLine {
        file: file.to_owned(),
        line: u32::try_from(step.line?).ok()?,
        text: vec![step.instruction.clone()],
    })
}

fn no_such(wanted: &str) -> Error {
    Error::usage(format!("there is no log and no build `{wanted}`"))
        .help("`-` reads standard input")
}
