//! What every command knows before it begins: where it was started and what was asked for.

use std::path::PathBuf;

use crate::commands::{Global, Progress};
use crate::engine::{Compose, Tools, usable_acceleration};
use crate::error::{Error, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::installation::name::Platform;
use crate::output::Printer;
use crate::project::{Installation, Project};

/// Names installations where `-i` does not.
const VARIABLE: &str = "ENVTPL_INSTALLATION";

/// Where a command was started and what was asked for.
#[derive(Debug, Clone)]
pub struct Context {
    /// Prints.
    pub printer: Printer,
    /// The directory that the command works from, absolute and without symbolic links.
    pub directory: PathBuf,
    /// The installations named by `-i`.
    pub requested: Vec<String>,
    /// Whether they are named by an environment variable.
    named_by_variable: bool,
    /// Show, do not change.
    pub dry_run: bool,
    /// How progress is shown.
    pub progress: Progress,
}

impl Context {
    /// Resolves the global options.
    ///
    /// # Errors
    /// `Usage` when the directory of `-C` is not there.
    pub fn new(global: &Global, printer: Printer) -> Result<Self> {
        let asked = global.directory.clone().unwrap_or_else(|| ".".into());
        let directory = asked.canonicalize().map_err(|source| {
            Error::usage(format!("cannot work in `{}`", asked.display())).because(source)
        })?;
        if !files::is_directory(&directory) {
            return Err(Error::usage(format!(
                "cannot work in `{}`: it is no directory",
                asked.display()
            )));
        }
        let requested = requested(global);
        Ok(Self {
            printer,
            directory,
            named_by_variable: global.installation.is_empty() && !requested.is_empty(),
            requested,
            dry_run: global.dry_run,
            progress: global.progress,
        })
    }

    /// The project around the working directory, after finishing what an interrupted command left.
    ///
    /// # Errors
    /// `Usage` when there is none.
    pub fn project(&self) -> Result<Project> {
        if let Some(root) = files::unfinished(&self.directory)
            && let Some(recovered) = files::recover(root)?
        {
            self.printer.warn(recovered);
        }
        Project::discover(&self.directory)
    }

    /// The one installation to work on.
    ///
    /// # Errors
    /// `Usage` when several are named, or none can be chosen.
    pub fn installation<'a>(&self, project: &'a Project) -> Result<&'a Installation> {
        let chosen = match self.requested.as_slice() {
            [] => project.choose(&self.directory, Platform::host(), usable_acceleration),
            [one] => project.find(one),
            several => Err(Error::usage(format!(
                "this command works on one installation, and {} are named",
                several.join(" and ")
            ))
            .help("give `-i` once")),
        };
        chosen.map_err(|error| self.say_who_named(error))
    }

    /// The installations to work on: all that are named, else the chosen one.
    ///
    /// # Errors
    /// As [`Self::installation`].
    pub fn installations<'a>(&self, project: &'a Project) -> Result<Vec<&'a Installation>> {
        if self.requested.is_empty() {
            return Ok(vec![self.installation(project)?]);
        }
        let mut named: Vec<&Installation> = Vec::new();
        for name in &self.requested {
            let installation = project
                .find(name)
                .map_err(|error| self.say_who_named(error))?;
            if !named.contains(&installation) {
                named.push(installation);
            }
        }
        Ok(named)
    }

    /// The installations to look at: all that are named, else all that there are.
    ///
    /// # Errors
    /// `Usage` when one that is named is not there.
    pub fn installations_or_all<'a>(&self, project: &'a Project) -> Result<Vec<&'a Installation>> {
        match self.requested.is_empty() {
            true => Ok(project.installations().iter().collect()),
            false => self.installations(project),
        }
    }

    /// Which installations' runs or builds are asked for: those that are named, else all, also of
    /// installations that are gone.
    ///
    /// # Errors
    /// `Usage` when one that is named is not there.
    pub fn asks_for(&self, project: &Project) -> Result<impl Fn(&str) -> bool + use<>> {
        let named: Vec<String> = match self.requested.is_empty() {
            true => Vec::new(),
            false => (self.installations(project)?.iter())
                .map(|one| one.name().to_string())
                .collect(),
        };
        Ok(move |name: &str| named.is_empty() || named.iter().any(|one| one == name))
    }

    /// A name that nobody typed is hard to find.
    fn say_who_named(&self, error: Error) -> Error {
        if self.named_by_variable {
            error.help(format!("the name is that of the variable {VARIABLE}"))
        } else {
            error
        }
    }

    /// The Compose project of an installation, with the tools that its `.env` names.
    pub fn compose(
        &self,
        project: &Project,
        installation: &Installation,
        dotenv: &Dotenv,
    ) -> Compose {
        let tools = Tools::new(
            dotenv.get("DOCKER").as_deref(),
            dotenv.get("COMPOSE").as_deref(),
        );
        Compose::new(tools, installation.directory(), project.root())
    }
}

/// The installations that are named: on the command line, else in `ENVTPL_INSTALLATION`. There,
/// nothing is no name: an empty variable is how scripts take a setting back.
fn requested(global: &Global) -> Vec<String> {
    if !global.installation.is_empty() {
        return global.installation.clone();
    }
    let variable = std::env::var_os(VARIABLE).unwrap_or_default();
    let names = variable.to_string_lossy();
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
