//! `envtpl stages`: the stages of a Dockerfile, what they take from each other, which of them a
//! build leaves out and why, and where each argument is seen.

mod human;
pub mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::error::Result;
use crate::files;
use crate::installation::dockerfile::{Dockerfile, Given, Sheet};
use crate::project::{Installation, Project};

pub use human::{built, seen, taken, why};

/// Options of `envtpl stages`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl stages                        both Dockerfiles of the installation
  envtpl stages --target tests         what a build of the stage `tests` needs
  envtpl stages --file Dockerfile      any Dockerfile; its last stage is what is built
  envtpl stages --format json | jq '.[].stages[] | select(.skipped) | {name, skipped}'

Nothing is started. Stages stand below what they start from. Of an installation those count as
wanted that its Compose files build; a stage that none of them needs is skipped by the builder,
without a word. Build arguments have the values that a build gives them: those of the Compose files,
with what .env and the environment have for ${...}. Without .env they are shown as written. Secrets
that envtpl knows as such are not shown.")]
pub struct Args {
    /// Look at this Dockerfile instead of the installation's
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// What is built; by default what the Compose files build, or the last stage
    #[arg(long, value_name = "STAGE")]
    target: Vec<String>,

    /// A build argument's value, when it is not the Compose files' or the Dockerfile's own
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_args: Vec<String>,
}

/// Reports the stages.
///
/// # Errors
/// `Usage` when a Dockerfile cannot be read, or has no such stage.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let sheets = match &args.file {
        Some(file) => vec![alone(context, file, args)?],
        None => {
            let project = Project::discover(&context.directory)?;
            let mut sheets = Vec::new();
            for installation in context.installations(&project)? {
                sheets.extend(of(&project, installation, args)?);
            }
            sheets
        }
    };
    (context.printer).report(&sheets, |sheets| human::text(sheets))
}

/// A Dockerfile by its path.
fn alone(context: &Context, file: &Path, args: &Args) -> Result<Sheet> {
    let path = context.directory.join(file);
    let dockerfile = Dockerfile::parse(&path, &files::read_text(&path)?)?;
    let given = Given {
        args: values(&args.build_args),
        ..Given::default()
    };
    Sheet::new(&dockerfile, &given, &args.target, file)
}

/// Those of an installation. A stage of `--target` need be in one of them only.
fn of(project: &Project, installation: &Installation, args: &Args) -> Result<Vec<Sheet>> {
    let compose = written::files(installation)?;
    let mut sheets = Vec::new();
    let mut missing = None;
    for (name, targets) in written::wanted(&compose) {
        let path = installation.path(&name);
        let dockerfile = Dockerfile::parse(&path, &files::read_text(&path)?)?;
        let (mut given, mut unknown) = written::effective(&dockerfile, installation, &compose);
        for (name, value) in values(&args.build_args) {
            unknown.remove(&name);
            given.args.insert(name, value);
        }
        let shown = path.strip_prefix(project.root()).unwrap_or(&path);
        let targets = match args.target.is_empty() {
            true => targets,
            false => args.target.clone(),
        };
        match Sheet::new(&dockerfile, &given, &targets, shown) {
            Ok(mut sheet) => {
                sheet.leave_open(&unknown);
                sheets.push(sheet);
            }
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    match missing {
        Some(error) if sheets.is_empty() || args.target.is_empty() => Err(error),
        _ => Ok(sheets),
    }
}

/// `NAME=VALUE` words; a name alone is the environment's.
fn values(build_args: &[String]) -> BTreeMap<String, String> {
    let values = build_args
        .iter()
        .filter_map(|word| match word.split_once('=') {
            Some((name, value)) => Some((name.to_owned(), value.to_owned())),
            None => Some((word.clone(), std::env::var(word).ok()?)),
        });
    values.collect()
}
