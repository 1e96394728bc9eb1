//! `envtpl env`: the person's `.env`, for this machine.

mod network;
mod settings;

use std::path::Path;

use serde::Serialize;

use crate::commands::Context;
use crate::commands::person::Person;
use crate::commands::planned;
use crate::error::{Error, Result};
use crate::files::{self, ChangeSet};
use crate::installation::name::Name;
use crate::network::is_loopback;
use crate::output::Printer;
use crate::project::Project;
use crate::templates::{Record, naming};

pub use network::Found;
pub use settings::{Subject, complete};

/// Write `.env` for you and this machine, or add what is missing in it
///
/// `.env` says who you are in the containers, what your images are called and how to reach the
/// network. It is for this machine alone: git ignores it, and only you can read it. What it has
/// already stays as it is, byte for byte; nothing in it is ever executed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl env                   for the installation in use
  envtpl env -i arm64-cpu      for this one
  envtpl env --dry-run         show what would be written")]
pub struct Args {}

/// What is known about the person and the machine.
#[derive(Debug)]
pub struct Host {
    person: Person,
    network: Vec<Found>,
}

impl Host {
    /// Asks the system.
    ///
    /// # Errors
    /// `Interrupted`, or when the system's lists cannot be read.
    pub fn look(printer: &Printer) -> Result<Self> {
        Ok(Self {
            person: Person::of_this_process(printer)?,
            network: network::look(|name| std::env::var(name).ok())?,
        })
    }

    /// Says what was taken over from the machine's settings.
    pub fn explain(&self, added: &[String], printer: &Printer) {
        for found in &self.network {
            if added.iter().any(|key| key == found.key) {
                printer.note(format_args!(
                    "{} is set in .env, as {} has it",
                    found.key, found.origin
                ));
                if found.key.ends_with("_PROXY") && is_loopback(&found.value) {
                    printer.warn(format_args!(
                        "builds do not reach a {} on this machine itself",
                        found.key
                    ));
                    printer.help(
                        "give the machine's own address in .env, and let the proxy listen there",
                    );
                }
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    installation: String,
    path: String,
    added: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// `Usage` when an existing `.env` cannot be read as settings.
pub fn run(context: &Context, _args: &Args) -> Result<()> {
    let project = context.project()?;
    let installations = context.installations(&project)?;
    let host = Host::look(&context.printer)?;
    let names: Vec<&Name> = installations.iter().map(|one| one.name()).collect();
    let _lock = planned::lock(context, project.root(), &names, "env")?;

    let mut changes = ChangeSet::new(project.root());
    let mut reports = Vec::new();
    for installation in installations {
        let subject = subject(&project, installation.directory(), installation.name())?;
        let path = Path::new("installation")
            .join(installation.name().to_string())
            .join(".env");
        let added = plan(&mut changes, &path, &subject, &host)?;
        reports.push(Report {
            installation: installation.name().to_string(),
            path: path.display().to_string(),
            added,
        });
    }
    planned::make(context, changes, &reports)?;
    if !context.dry_run {
        for report in &reports {
            if report.added.is_empty() {
                context
                    .printer
                    .status("Kept", format_args!("{}: nothing is missing", report.path));
            } else {
                let added = report.added.join(", ");
                context
                    .printer
                    .status("Wrote", format_args!("{}: {added}", report.path));
            }
            host.explain(&report.added, &context.printer);
        }
    }
    Ok(())
}

/// Plans to write or complete a `.env`; gives the settings that are added.
///
/// # Errors
/// `Usage` when an existing one cannot be read as settings.
pub fn plan(
    changes: &mut ChangeSet,
    path: &Path,
    subject: &Subject,
    host: &Host,
) -> Result<Vec<String>> {
    let full = changes.root().join(path);
    let existing = files::read_text_if_exists(&full)?;
    let completed = complete(
        &full,
        existing.as_deref(),
        subject,
        &host.person,
        &host.network,
    )?;
    // It may hold credentials; a stricter mode than ours stays.
    let mode = match existing {
        Some(_) => files::mode(&full)? & 0o700,
        None => 0o600,
    };
    changes.write(path, completed.text, mode)?;
    Ok(completed.added)
}

/// Whose `.env` it is: what the installation was rendered for, or the best guess for one that
/// envtpl has no record of.
fn subject(project: &Project, directory: &Path, name: &Name) -> Result<Subject> {
    if let Some(record) = Record::read(directory)? {
        return Ok(Subject {
            installation: name.clone(),
            project_name: record.answers.project_name,
            package_name: record.answers.package_name,
        });
    }
    let called = project
        .root()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let project_name = naming::project(&called).ok_or_else(|| {
        Error::usage(format!("`{called}` cannot be made into a project name"))
            .help("rename the directory, or write PROJECT_NAME and PACKAGE_NAME into .env")
    })?;
    Ok(Subject {
        installation: name.clone(),
        package_name: naming::package(&called).unwrap_or_else(|| project_name.clone()),
        project_name,
    })
}
