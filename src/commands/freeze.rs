//! `envtpl freeze`: keeps what was installed by hand, and locks everything.

mod facts;
mod report;

use std::path::PathBuf;

use crate::commands::workplace::Workplace;
use crate::commands::{Context, planned};
use crate::environment::declared::DeclaredFiles;
use crate::environment::freeze::{self, LOCKED_DIRECTORY, Plan, locked_files};
use crate::environment::lock::{self, Lock};
use crate::error::{Error, Result};
use crate::files::{self, ChangeSet};
use crate::output::Format;
use crate::process::interrupted;
use crate::project::{Installation, Project};

/// Options of `envtpl freeze`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl dev                     pip install …, sudo apt install …, try, keep the shell open
  envtpl freeze                  in another terminal: what you installed is declared and locked
  envtpl freeze --dry-run        only show it

New packages that you asked for are added by name to dependencies/; exact versions and commits go
to envtpl.lock and dependencies/locked/, from where the next build installs them.")]
pub struct Args {}

/// Freezes the environment of an installation.
///
/// # Errors
/// `NotReady` when the images are missing; `Failed` when something cannot be frozen, with nothing
/// changed.
pub fn run(context: &Context, _args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let _locks = planned::lock(
        context,
        project.root(),
        &[installation.name()],
        "envtpl freeze",
    )?;
    let mut declared = DeclaredFiles::read(installation.directory())?;
    let previous = previous(installation)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let (source, facts) = facts::gather(&workplace, declared.declared(), previous)?;

    let plan = freeze::plan(&facts);
    if plan.refused.is_empty() {
        for addition in &plan.additions {
            declared.add(addition)?;
        }
    }
    let changes = changes(&project, installation, &declared, &plan)?;
    let place = (&project, installation);
    let report = report::Report::new(context, place, source, &declared, &plan, &changes);
    if !plan.refused.is_empty() {
        if context.printer.format() == Format::Json {
            context.printer.json(&report)?;
        }
        return Err(report::refusal(&plan.refused));
    }
    if interrupted() {
        return Err(Error::interrupted());
    }
    let nothing_new = changes.is_empty();
    if !context.dry_run {
        changes.commit()?;
    }
    report.print(context)?;
    report::say_what_next(context, installation, &plan, nothing_new);
    Ok(())
}

fn previous(installation: &Installation) -> Result<Option<Lock>> {
    let path = installation.path(lock::FILE);
    files::read_text_if_exists(&path)?
        .map(|text| Lock::parse(&path, &text))
        .transpose()
}

/// The files of a plan: declared files, the lock, and the lists that the Dockerfile reads.
fn changes(
    project: &Project,
    installation: &Installation,
    declared: &DeclaredFiles,
    plan: &Plan,
) -> Result<ChangeSet> {
    let directory = relative(project, installation);
    let mut changes = ChangeSet::new(project.root());
    for file in declared.changed() {
        changes.write_keeping_mode(directory.join(file.name), file.after)?;
    }
    changes.write_keeping_mode(directory.join(lock::FILE), plan.lock.to_text()?)?;
    for file in locked_files(&plan.lock) {
        let path = directory.join(LOCKED_DIRECTORY).join(file.name);
        match file.text {
            Some(text) => changes.write_keeping_mode(path, text)?,
            None => changes.remove(path)?,
        }
    }
    Ok(changes)
}

fn relative(project: &Project, installation: &Installation) -> PathBuf {
    let directory = installation.directory();
    directory
        .strip_prefix(project.root())
        .unwrap_or(directory)
        .to_owned()
}
