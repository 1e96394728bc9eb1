//! `envtpl doctor`: whether this machine can build and run images, and what to do where it cannot.

mod engine;
mod finding;
mod gpu;
mod gpu_images;
mod host;
mod network;

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::engine::machine::Machine;
use crate::engine::{Tools, local_socket};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::installation::name::{Acceleration, Name, Platform};
use crate::project::{Installation, Project};

use finding::{Report, Status};

/// Options of `envtpl doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl doctor                    look at everything; in a project, also at what it needs
  envtpl doctor -i amd64-cuda      ready for this installation?
  envtpl doctor --format json | jq '.findings[] | select(.status != \"ok\")'

The exit status is 0 when nothing is a problem, and 3 when something is. It changes nothing.")]
pub struct Args {}

/// What the project asks of the machine.
#[derive(Debug, Clone)]
struct Wanted {
    names: Vec<Name>,
    /// The person named the installations, so all that these need counts.
    explicit: bool,
}

impl Wanted {
    fn new(names: Vec<Name>, explicit: bool) -> Self {
        Self { names, explicit }
    }

    /// The installations for an acceleration, in a line.
    fn installation(&self, acceleration: Acceleration) -> Option<String> {
        let names: Vec<String> = self
            .names
            .iter()
            .filter(|name| name.acceleration() == acceleration)
            .map(ToString::to_string)
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// How bad it is when a GPU that is here cannot be used.
    fn severity(&self, acceleration: Acceleration) -> Status {
        let used = self
            .names
            .iter()
            .any(|name| name.acceleration() == acceleration && name.platform() == Platform::host());
        if used {
            Status::Problem
        } else {
            Status::Warning
        }
    }

    fn platforms(&self) -> Vec<Platform> {
        Platform::ALL
            .into_iter()
            .filter(|platform| !self.of_platform(*platform).is_empty())
            .collect()
    }

    fn of_platform(&self, platform: Platform) -> Vec<String> {
        self.names
            .iter()
            .filter(|name| name.platform() == platform)
            .map(ToString::to_string)
            .collect()
    }
}

/// The `.env` of an installation, as far as it can be read: `envtpl check` judges it.
#[derive(Debug, Clone)]
struct Settings {
    name: String,
    /// The file, as people call it.
    file: String,
    directory: PathBuf,
    dotenv: Option<Dotenv>,
}

impl Settings {
    fn new(name: &str, directory: &Path, text: &str) -> Self {
        let file = format!("installation/{name}/.env");
        Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            dotenv: Dotenv::parse(Path::new(&file), text).ok(),
            file,
        }
    }

    fn read(installation: &Installation) -> Self {
        let text = files::read_text_if_exists(&installation.path(".env"));
        let directory = installation.directory();
        let name = directory.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        Self::new(&name, directory, &text.ok().flatten().unwrap_or_default())
    }

    /// A value that is not empty.
    fn value(&self, key: &str) -> Option<String> {
        self.dotenv
            .as_ref()?
            .get(key)
            .filter(|value| !value.is_empty())
    }
}

/// Looks at everything and reports.
///
/// # Errors
/// `NotReady` when something is a problem; `Usage` when an installation that is named is not there.
pub fn run(context: &Context, _args: &Args) -> Result<()> {
    let project = match Project::discover(&context.directory) {
        Ok(project) => Some(project),
        Err(error) if !context.requested.is_empty() || error.kind() != Kind::Usage => {
            return Err(error);
        }
        Err(_) => None,
    };
    let installations = match &project {
        None => Vec::new(),
        Some(project) => context.installations_or_all(project)?,
    };
    let wanted = Wanted::new(
        installations.iter().map(|one| one.name().clone()).collect(),
        !context.requested.is_empty(),
    );
    let settings: Vec<Settings> = installations
        .iter()
        .map(|installation| Settings::read(installation))
        .collect();

    let mut findings = examine(context, project.as_ref(), &wanted, &settings)?;
    if let Some(project) = &project {
        findings.extend(gpu_images::examine(
            context,
            project,
            &installations,
            &wanted,
        )?);
    }
    let report = Report::new(findings);
    context.printer.report(&report, Report::human)?;
    match report.problems() {
        0 => Ok(()),
        1 => Err(Error::not_ready(
            "this machine is not ready: there is a problem",
        )),
        many => Err(Error::not_ready(format!(
            "this machine is not ready: there are {many} problems"
        ))),
    }
}

fn examine(
    context: &Context,
    project: Option<&Project>,
    wanted: &Wanted,
    settings: &[Settings],
) -> Result<Vec<finding::Finding>> {
    let printer = &context.printer;
    let machine = Machine::here();
    let environment = |name: &str| std::env::var(name).ok();
    let user = environment("USER")
        .or_else(|| environment("LOGNAME"))
        .unwrap_or_else(|| "\"$(id -un)\"".to_owned());
    // All installations of a project mostly use one engine; `-i` asks for another's.
    let tools = settings.first().map_or_else(Tools::default, |settings| {
        Tools::new(
            settings.value("DOCKER").as_deref(),
            settings.value("COMPOSE").as_deref(),
        )
    });
    let directory = project.map_or(context.directory.as_path(), Project::root);
    let local = local_socket(&tools, printer).is_some();

    let mut findings = vec![host::system(&machine, directory)];
    let (engine_findings, facts) = engine::examine(&tools, &machine, &user, printer)?;
    let facts = facts.as_ref();
    findings.extend(engine_findings);
    if which::which(tools.docker().program()).is_ok() {
        findings.extend(engine::plugins(&tools, &machine, printer)?);
    }
    findings.push(host::git(&machine, printer)?);
    findings.extend(host::disk(facts, local, directory));
    findings.extend(gpu::examine(&machine, facts, wanted, &user, printer)?);
    findings.extend(host::emulation(&machine, facts, local, wanted));
    findings.extend(network::examine(&machine, facts, settings, environment));
    Ok(findings)
}
