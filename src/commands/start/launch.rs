//! One start of a container: which service and image, and the command line that starts it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::commands::workplace::{Workplace, check_named_files, settings};
use crate::commands::{Context, start::has_terminal};
use crate::engine::machine::GpuChoice;
use crate::engine::{Adapted, Image, Images, Reserved, Service};
use crate::error::{Error, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::process::Invocation;
use crate::project::{Installation, Project};

/// What a container is started with.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Variables, as `NAME=VALUE`, or as `NAME` for that of this process.
    pub environment: Vec<OsString>,
    /// Another entrypoint than the image's.
    pub entrypoint: Option<OsString>,
    /// The working directory in the container, when it is not the service's.
    pub directory: Option<OsString>,
    /// The command and its arguments; none for the service's own.
    pub command: Vec<OsString>,
    /// Whether it runs in the background.
    pub detach: bool,
    /// The container's name, when Compose is not to choose one.
    pub name: Option<String>,
    /// Labels of the container, as `NAME=VALUE`.
    pub labels: Vec<String>,
}

/// A container that can be started: everything that it needs is there.
pub struct Launch<'a> {
    /// The installation.
    pub workplace: Workplace<'a>,
    /// Its settings.
    pub settings: Dotenv,
    /// The Compose service.
    pub service: String,
    /// The image that will run.
    pub image: Image,
    /// The name of that image.
    pub image_name: String,
    adapted: Option<Adapted>,
    /// The GPUs that a person chose, in the place of the service's own.
    chosen_gpus: Option<Vec<String>>,
    /// Files whose variables the container has too.
    pub env_files: Vec<PathBuf>,
    /// Where its servers are reached, as `ssh=127.0.0.1:21043`.
    pub ports: Vec<String>,
}

impl<'a> Launch<'a> {
    /// Finds the service that `choose` names, and its image.
    ///
    /// # Errors
    /// `Usage` when the settings ask for what there is not; `NotReady` when the image is missing.
    pub fn prepare(
        context: &'a Context,
        project: &'a Project,
        installation: &'a Installation,
        choose: impl FnOnce(&Workplace<'_>, &Dotenv) -> Result<String>,
    ) -> Result<Self> {
        let (workplace, settings) = open(context, project, installation)?;
        let service = choose(&workplace, &settings)?;
        let image_name = workplace.image(&service)?.to_owned();
        let Some(image) = workplace.find(&service)? else {
            let build = format!("envtpl build-user -i {}", installation.name());
            return Err(Images::missing(&image_name, &build));
        };
        Ok(Self::of(workplace, settings, service, (image, image_name)))
    }

    /// A service with a certain image in the place of its own.
    ///
    /// # Errors
    /// `Usage` when the service is gone; `NotReady` when the image is.
    pub fn of_image(
        context: &'a Context,
        project: &'a Project,
        installation: &'a Installation,
        service: &str,
        image: &str,
    ) -> Result<Self> {
        let (workplace, settings) = open(context, project, installation)?;
        workplace
            .model
            .service(service, &workplace.compose.file())?;
        let Some(found) = workplace.images.find(image, &context.printer)? else {
            return Err(Error::not_ready(format!("the image `{image}` is gone")));
        };
        let image_and_name = (found, image.to_owned());
        let mut launch = Self::of(workplace, settings, service.to_owned(), image_and_name);
        launch.adapt(|adapted| adapted.run_image(image));
        Ok(launch)
    }

    /// A start as the Compose files say it.
    fn of(
        workplace: Workplace<'a>,
        settings: Dotenv,
        service: String,
        (image, image_name): (Image, String),
    ) -> Self {
        Self {
            workplace,
            settings,
            service,
            image,
            image_name,
            adapted: None,
            chosen_gpus: None,
            env_files: Vec::new(),
            ports: Vec::new(),
        }
    }

    /// The service as Compose understands it.
    ///
    /// # Errors
    /// `Usage` when it is missing.
    pub fn composed(&self) -> Result<&Service> {
        (self.workplace.model).service(&self.service, &self.workplace.compose.file())
    }

    /// The start with something otherwise than the Compose files say.
    pub fn adapt(&mut self, change: impl FnOnce(&mut Adapted)) {
        let unchanged = || Adapted::new(&self.workplace.model, &self.service);
        change(self.adapted.get_or_insert_with(unchanged));
    }

    /// Gives the container these GPUs in the place of the service's own; they are the person's
    /// choice.
    pub fn reserve_gpus(&mut self, reserved: &Reserved, choice: &GpuChoice) {
        self.chosen_gpus = Some(choice.names());
        self.adapt(|adapted| adapted.reserve_gpus(reserved, choice));
    }

    /// The GPUs that the container gets: numbers and ids, or `all`.
    pub fn gpus(&self) -> Vec<String> {
        let own = || self.workplace.model.gpus(&self.service);
        self.chosen_gpus.clone().unwrap_or_else(own)
    }

    /// Whether the person chose the GPUs.
    pub fn has_chosen_gpus(&self) -> bool {
        self.chosen_gpus.is_some()
    }

    /// Says what is otherwise than in the Compose files, for whoever wants to see the start before
    /// it happens.
    pub fn tell_changes(&self) {
        let printer = &self.workplace.context.printer;
        for change in self.adapted.iter().flat_map(Adapted::changes) {
            printer.note(format_args!("otherwise than in compose.yaml: {change}"));
        }
    }

    /// The command line that starts the container, and the file that it reads, if Compose's own
    /// files do not say it all. The file goes when the value is dropped.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn invocation(&self, order: &Order) -> Result<(Invocation, Option<Written>)> {
        let compose = &self.workplace.compose;
        let mut invocation = if order.detach {
            compose.invocation()
        } else {
            compose.in_foreground()
        };
        let written = match &self.adapted {
            Some(adapted) => {
                let written = Written::new(self.workplace.project.root());
                if !self.workplace.context.dry_run {
                    written.write(&adapted.file())?;
                }
                invocation = compose.with_file(invocation, &written.path());
                Some(written)
            }
            None => None,
        };
        invocation = invocation.arg("run");
        if !order.detach {
            invocation = invocation.arg("--rm");
        }
        if self.adapted.as_ref().is_some_and(Adapted::publishes) {
            invocation = invocation.arg("--service-ports");
        }
        let mut option = |name: &str, value: &OsStr| {
            invocation = std::mem::replace(&mut invocation, Invocation::new(""))
                .arg(name)
                .arg(value);
        };
        if let Some(name) = &order.name {
            option("--name", name.as_ref());
        }
        for label in &order.labels {
            option("--label", label.as_ref());
        }
        if let Some(directory) = &order.directory {
            option("--workdir", directory);
        }
        if let Some(entrypoint) = &order.entrypoint {
            option("--entrypoint", entrypoint);
        }
        for variable in &order.environment {
            option("--env", variable);
        }
        if order.detach {
            invocation = invocation.arg("--detach");
        } else if !has_terminal() {
            invocation = invocation.arg("--no-TTY");
        }
        Ok((invocation.arg(&self.service).args(&order.command), written))
    }
}

/// An installation with settings that a container can be started with.
fn open<'a>(
    context: &'a Context,
    project: &'a Project,
    installation: &'a Installation,
) -> Result<(Workplace<'a>, Dotenv)> {
    let workplace = Workplace::open(context, project, installation)?;
    let settings = settings(installation)?;
    check_named_files(installation, &settings)?;
    Ok((workplace, settings))
}

/// A Compose file for one start. It holds what the person's settings hold, so only they may read
/// it, and it goes with the start.
#[derive(Debug)]
pub struct Written {
    project: PathBuf,
    relative: PathBuf,
}

impl Written {
    fn new(project: &Path) -> Self {
        Self {
            project: project.to_owned(),
            relative: Path::new("start").join(format!("{}.json", std::process::id())),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        files::keep(&self.project, &self.relative, bytes)
    }

    fn path(&self) -> PathBuf {
        self.project
            .join(files::STATE_DIRECTORY)
            .join(&self.relative)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // A file that stays is a leftover for which no command should fail.
        let _ = files::forget(&self.project, &self.relative);
    }
}
