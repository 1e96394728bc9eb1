//! One installation, ready to be built or run: its settings, its Compose project, its images.

use std::collections::BTreeMap;

use crate::commands::Context;
use crate::engine::machine::ImageNeeds;
use crate::engine::{Compose, Image, Images, Model};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::installation::flavour::Flavour;
use crate::installation::identity;
use crate::project::{Installation, Project, user_digest};

pub use crate::installation::layer::Layer;

/// One installation, ready to be built or run.
pub struct Workplace<'a> {
    /// How the command was started.
    pub context: &'a Context,
    /// The project.
    pub project: &'a Project,
    /// The installation.
    pub installation: &'a Installation,
    /// Its Compose project.
    pub compose: Compose,
    /// What its Compose files mean.
    pub model: Model,
    /// The engine's images.
    pub images: Images,
}

impl<'a> Workplace<'a> {
    /// Reads the installation's settings and asks Compose what its files mean.
    ///
    /// # Errors
    /// `Usage` when `.env` or the Compose files are missing or wrong.
    pub fn open(
        context: &'a Context,
        project: &'a Project,
        installation: &'a Installation,
    ) -> Result<Self> {
        let dotenv = settings(installation)?;
        let compose = context.compose(project, installation, &dotenv);
        let model = compose.model(&context.printer)?;
        let images = Images::open(compose.tools(), &context.printer);
        Ok(Self {
            context,
            project,
            installation,
            compose,
            model,
            images,
        })
    }

    /// The name of the image that a service builds or runs.
    ///
    /// # Errors
    /// `Usage` when the service or its image is missing.
    pub fn image(&self, service: &str) -> Result<&str> {
        self.model.image(service, &self.compose.file())
    }

    /// Whether the engine runs on another machine, so that this one's devices are not its own.
    pub fn engine_is_elsewhere(&self) -> bool {
        self.compose.tools().docker().program() == "docker" && !self.images.is_local()
    }

    /// What a service's image needs of GPUs, by the environment that its containers get.
    ///
    /// # Errors
    /// What cannot be read of it, as the first half of a sentence.
    pub fn gpu_needs(&self, service: &str, image: &Image) -> Result<ImageNeeds, String> {
        let own = image.environment.iter();
        let own = own.filter_map(|variable| variable.split_once('='));
        let composed = self.model.services.get(service).into_iter();
        let composed = composed.flat_map(|service| &service.environment);
        // What the service sets stands later, and so counts.
        let composed =
            composed.filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        let variables: BTreeMap<&str, &str> = own.chain(composed).collect();
        ImageNeeds::read(variables.into_iter()).map_err(|unreadable| {
            format!(
                "`{}` of the image is no requirement (`{}`)",
                unreadable.variable, unreadable.condition
            )
        })
    }

    /// The generic image of a flavour, and its name.
    ///
    /// # Errors
    /// As [`Self::find`]; `NotReady` when it is missing, with the command that makes it.
    pub fn generic(&self, flavour: Flavour) -> Result<(&str, Image)> {
        let service = Layer::Generic.service(flavour);
        let name = self.image(&service)?;
        let build = format!("envtpl build-generic -i {}", self.installation.name());
        let found = self.find(&service)?;
        let image = found.ok_or_else(|| Images::missing(name, &build))?;
        Ok((name, image))
    }

    /// The image of a service, if the engine has it.
    ///
    /// # Errors
    /// As [`Self::image`]; `NotReady` when the engine does not answer.
    pub fn find(&self, service: &str) -> Result<Option<Image>> {
        let found = (self.images).find(self.image(service)?, &self.context.printer);
        match found {
            // A name that the engine refuses is better told with its line in `.env`.
            Err(error) if error.kind() == Kind::Failed => {
                check_identity(self.installation)?;
                Err(error)
            }
            found => found,
        }
    }
}

/// The settings in an installation's `.env`.
///
/// # Errors
/// `Usage` when the file is missing or cannot be read as `.env`.
pub fn settings(installation: &Installation) -> Result<Dotenv> {
    let path = installation.path(".env");
    let Some(text) = files::read_text_if_exists(&path)? else {
        return Err(Error::usage("your personal settings are missing")
            .at(Place::file(&path))
            .help(format!(
                "write them: `envtpl env -i {}`",
                installation.name()
            )));
    };
    Dotenv::parse(&path, &text)
}

/// Checks the names and numbers of `.env` that end up in image names and in the user layer.
///
/// # Errors
/// `Usage` when one is missing or cannot be, with its line.
pub fn check_identity(installation: &Installation) -> Result<()> {
    let settings = settings(installation)?;
    identity::check(&installation.path(".env"), &settings, |name| {
        std::env::var(name).ok()
    })
}

/// Settings that name files of this machine for builds and containers.
const FILES: [&str; 2] = ["CA_BUNDLE", "NETRC_FILE"];

/// What is wrong with the settings that name files: an error for each that is not there.
pub fn missing_files(installation: &Installation, settings: &Dotenv) -> Vec<Error> {
    let path = installation.path(".env");
    let values = settings.values(|name| std::env::var(name).ok());
    let missing = FILES.iter().filter_map(|name| {
        let value = values.get(*name).filter(|value| !value.is_empty())?;
        if files::exists(&installation.path(value)) {
            return None;
        }
        let place = match std::env::var_os(name) {
            Some(_) => Place::file("the environment of this command"),
            None => (settings.place(&path, name)).unwrap_or_else(|| Place::file(&path)),
        };
        Some(
            Error::usage(format!("`{name}` names `{value}`, which is not there"))
                .at(place)
                .help("correct the path, or leave the value empty"),
        )
    });
    missing.collect()
}

/// Refuses settings that name files which are not there: builds and containers would fail for
/// them later, and less clearly.
///
/// # Errors
/// `Usage`, for the first.
pub fn check_named_files(installation: &Installation, settings: &Dotenv) -> Result<()> {
    match missing_files(installation, settings).into_iter().next() {
        Some(missing) => Err(missing),
        None => Ok(()),
    }
}

/// The digest of what the user layer is built from: its files, and who the person is.
///
/// # Errors
/// When a file cannot be read.
pub fn user_inputs(installation: &Installation, settings: &Dotenv) -> Result<String> {
    let values = settings.values(|name| std::env::var(name).ok());
    let person: Vec<(&str, String)> = identity::PERSONAL
        .iter()
        .map(|name| (*name, values.get(*name).cloned().unwrap_or_default()))
        .collect();
    user_digest(installation.directory(), &person)
}
