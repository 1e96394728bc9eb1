//! One installation with its lock and its store.

use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::reach::Reach;
use crate::engine::Tools;
use crate::environment::lock::{self, Lock};
use crate::environment::sources::{Installer, Inventory, Store};
use crate::error::{Error, Place, Result};
use crate::files::{self, Scratch};
use crate::installation::compose::ComposeFile;
use crate::project::{Installation, Project};

/// The setting that names the store's directory.
const STORE: &str = "ENVTPL_SOURCES";

/// One installation with its lock and its store.
pub struct Scene<'a> {
    /// How the command was started.
    pub context: &'a Context,
    /// The project.
    pub project: &'a Project,
    /// The installation.
    pub installation: &'a Installation,
    /// The lock.
    pub lock: Lock,
    /// The lock's text.
    pub text: String,
    /// What the lock names.
    pub inventory: Inventory,
    /// Where it is kept.
    pub store: Store,
    /// How the network is reached.
    pub reach: Reach,
}

impl<'a> Scene<'a> {
    /// Reads an installation's lock and settings; neither an engine nor a `.env` is needed.
    ///
    /// # Errors
    /// `NotReady` without a lock, `Usage` when a file cannot be read as what it is.
    pub fn open(
        context: &'a Context,
        project: &'a Project,
        installation: &'a Installation,
    ) -> Result<Self> {
        let path = installation.path(lock::FILE);
        let Some(text) = files::read_text_if_exists(&path)? else {
            let name = installation.name();
            return Err(
                Error::not_ready(format!("{name} has no lock, which names the files"))
                    .at(Place::file(path))
                    .help(format!(
                        "write one: `envtpl build -i {name}`, then `envtpl freeze -i {name}`"
                    )),
            );
        };
        let lock = Lock::parse(&path, &text)?;
        let reach = Reach::of(installation)?;
        let inventory = Inventory::of(&lock, installer(installation)?.as_ref());
        let mut scene = Self {
            context,
            project,
            installation,
            lock,
            text,
            inventory,
            store: Store::at(PathBuf::new()),
            reach,
        };
        scene.store = Store::at(scene.directory());
        Ok(scene)
    }

    /// All installations that the command is about.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn all(context: &'a Context, project: &'a Project) -> Result<Vec<Self>> {
        let installations = context.installations(project)?;
        let scenes = installations.into_iter();
        scenes
            .map(|installation| Self::open(context, project, installation))
            .collect()
    }

    /// The engine's command line.
    pub fn tools(&self) -> Tools {
        self.reach.tools()
    }

    /// An empty directory beside the store's files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self) -> Result<Scratch> {
        self.make_store()?;
        Scratch::inside(self.store.directory())
    }

    /// Makes sure that the store's directory is there, that git ignores it, and that nothing is in
    /// it which a killed process left unfinished and nobody can carry on.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_store(&self) -> Result<()> {
        if self
            .store
            .directory()
            .starts_with(self.project.root().join(files::STATE_DIRECTORY))
        {
            files::state_directory(self.project.root())?;
        }
        files::make_directory(self.store.directory())?;
        Scratch::clear_abandoned(self.store.directory())
    }

    fn directory(&self) -> PathBuf {
        match self.reach.setting(STORE) {
            Some(path) => self.project.root().join(path),
            None => self
                .project
                .root()
                .join(files::STATE_DIRECTORY)
                .join("sources"),
        }
    }
}

/// What `compose-base.yaml` says of the program that installs conda packages.
fn installer(installation: &Installation) -> Result<Option<Installer>> {
    let path = installation.path("compose-base.yaml");
    let Some(text) = files::read_text_if_exists(&path)? else {
        return Ok(None);
    };
    let file = ComposeFile::parse(&path, &text)?;
    let argument = |name| file.build_arg(name).unwrap_or_default().to_owned();
    let installer = Installer {
        url: argument("CONDA_URL"),
        sha256: argument("CONDA_SHA256"),
    };
    Ok((!installer.url.is_empty()).then_some(installer))
}
