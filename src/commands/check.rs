//! `envtpl check`: an installation read and judged without building it.

mod candidates;
mod compose;
mod dependencies;
mod dockerfiles;
mod drift;
mod editors;
mod finding;
mod lock;
mod project_settings;
mod settings;

use serde::Serialize;

use crate::commands::Context;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::installation::name::Name;
use crate::project::{Installation, Project};

use finding::{Finding, Findings, Severity};

/// Options of `envtpl check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl check                       the installation that you are in, or the one for this machine
  envtpl check -i amd64-cuda -i arm64-cpu
  envtpl check --no-engine           what can be seen without starting any program
  envtpl check --format json | jq '.findings[] | select(.severity == \"error\")'

Nothing is built and nothing is changed. When the engine has the base image, its own apt is asked
for the packages of the lists, in a container that is thrown away. The exit status is 1 when
something is wrong; warnings and notes leave it at 0.")]
pub struct Args {
    /// Start no program: neither Compose nor a container is asked
    #[arg(long)]
    no_engine: bool,
}

/// What is reported.
#[derive(Debug, Serialize)]
struct Report {
    installations: Vec<String>,
    errors: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

/// Checks and reports.
///
/// # Errors
/// `Failed` when something is wrong; `Usage` when there is no such installation.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = Project::discover(&context.directory)?;
    let installations = context.installations(&project)?;
    let mut findings = strangers(&project)?;
    findings.extend(project_settings::check(&project)?);
    for installation in &installations {
        findings.extend(examine(context, &project, installation, args)?);
    }
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity() == severity)
            .count()
    };
    let report = Report {
        installations: installations
            .iter()
            .map(|installation| installation.name().to_string())
            .collect(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        findings,
    };
    context
        .printer
        .report(&report, |report| finding::human(&report.findings))?;
    let names = report.installations.join(", ");
    let counted = |number: usize, noun: &str| {
        format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
    };
    let warnings = counted(report.warnings, "warning");
    if report.errors == 0 {
        context.printer.status(
            "Checked",
            format_args!("{names}: nothing wrong, {warnings}"),
        );
        return Ok(());
    }
    Err(Error::failed(format!(
        "{names}: {}, {warnings}",
        counted(report.errors, "error")
    )))
}

/// Directories among the installations that look like one and have no installation's name, so
/// that no command finds them.
fn strangers(project: &Project) -> Result<Vec<Finding>> {
    let mut findings = Findings::new(project.root(), "installation");
    for directory in files::list(&project.root().join("installation"))? {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        if files::exists(&directory.join("compose.yaml"))
            && let Err(error) = name.parse::<Name>()
        {
            let finding = findings.warning(
                &Place::file(&directory),
                format!("no command finds it, for its name: {}", error.message()),
            );
            for help in error.helps() {
                finding.help(help);
            }
        }
    }
    Ok(findings.into_found())
}

fn examine(
    context: &Context,
    project: &Project,
    installation: &Installation,
    args: &Args,
) -> Result<Vec<Finding>> {
    let name = installation.name().to_string();
    let mut findings = Findings::new(project.root(), &name);
    let dotenv = settings::check(&mut findings, installation)?;
    let said = compose::check(&mut findings, installation)?;
    if let Some(dotenv) = &dotenv {
        settings::acceleration(&mut findings, installation, dotenv, &said.services);
    }
    dockerfiles::check(&mut findings, installation, &said.stages)?;
    let listed = dependencies::apt(&mut findings, installation)?;
    dependencies::python(&mut findings, installation)?;
    lock::check(&mut findings, installation)?;
    let root = project.root();
    editors::check(
        &mut findings,
        root,
        installation,
        &said.services,
        dotenv.as_ref(),
    )?;
    drift::check(&mut findings, installation)?;
    // Compose and containers are asked with the person's settings, or not at all.
    if let Some(dotenv) = dotenv.filter(|_| !args.no_engine) {
        let compose = context.compose(project, installation, &dotenv);
        compose::ask(&mut findings, &compose, &context.printer)?;
        if let Some(base) = &said.base {
            candidates::check(
                context,
                &mut findings,
                project,
                installation,
                &dotenv,
                base,
                &listed,
            )?;
        }
    }
    Ok(findings.into_found())
}
