//! Facts about images and containers, from the engine's API where a socket is at hand and from
//! its command line otherwise (a remote engine over ssh or tcp).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ImageHistoryResponseItem, ImageInspect, VolumeCreateRequest,
};
use bollard::query_parameters::{
    InspectContainerOptions, RemoveImageOptions, TagImageOptionsBuilder,
};
use serde::Deserialize;

use crate::engine::configuration::{Step, instruction};
use crate::engine::{Model, Tools, Version};
use crate::error::{Error, Kind, Result};
use crate::installation::identity::split_tag;
use crate::output::Printer;
use crate::process::quote;

/// Seconds allowed for one question; image facts come from memory, so more means trouble.
const TIMEOUT_SECONDS: u64 = 30;

/// What envtpl asks about an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…`, the digest of the image's configuration.
    pub id: String,
    /// When it was made, RFC 3339; labels say when from what.
    pub created: String,
    /// Bytes on disk.
    pub size: u64,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// Labels.
    pub labels: HashMap<String, String>,
    /// Digests of the layers' uncompressed contents, lowest first.
    pub layers: Vec<String>,
    /// Its names, `name:tag`.
    pub repo_tags: Vec<String>,
    /// `name@sha256:…` for each registry it came from or went to.
    pub repo_digests: Vec<String>,
    /// The command that it runs by itself.
    pub command: Vec<String>,
    /// Environment variables of its containers, `NAME=value`.
    pub environment: Vec<String>,
    /// Who runs commands in it; empty for root.
    pub user: String,
    /// What runs commands of builds on it; empty where it is the usual one.
    pub shell: Vec<String>,
    /// Instructions that builds on it begin with (`ONBUILD`).
    pub triggers: Vec<String>,
}

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The Compose service that it runs.
    pub service: String,
}

/// A container, running or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether commands can be run in it.
    pub running: bool,
    /// The engine's word for its state: `running`, `exited`, `paused`.
    pub status: String,
    /// When it last ended, as the engine writes times; empty for one that never did.
    pub ended: String,
    /// The id of its image.
    pub image: String,
    /// The name by which its image was asked for.
    pub image_name: String,
    /// The Compose project that it belongs to; empty for one that was started by hand.
    pub compose_project: String,
    /// The Compose service that it runs; may be empty.
    pub service: String,
    /// What prepares its environment and becomes the command.
    pub entrypoint: Vec<String>,
    /// Labels.
    pub labels: HashMap<String, String>,
}

/// A container in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedContainer {
    /// Its name.
    pub name: String,
    /// The Compose service that it runs.
    pub service: String,
    /// Labels.
    pub labels: HashMap<String, String>,
    /// The engine's word for its state: `running`, `exited`, `paused`.
    pub state: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// The name by which its image was asked for.
    pub image: String,
    /// Its command, as a line to paste.
    pub command: String,
}

/// The engine's images and containers.
#[derive(Debug)]
pub struct Images {
    pub(super) tools: Tools,
    api: Option<Api>,
    is_local: bool,
}

#[derive(Debug)]
struct Api {
    docker: Docker,
    runtime: tokio::runtime::Runtime,
}

impl Images {
    /// Opens the API socket that the engine's command line uses, if it is a local one.
    pub fn open(tools: &Tools, printer: &Printer) -> Self {
        let socket = local_socket(tools, printer);
        Self {
            tools: tools.clone(),
            is_local: socket.is_some(),
            api: socket.and_then(|path| Api::open(&path)),
        }
    }

    /// An image by name or id; `None` when the engine does not have it.
    ///
    /// # Errors
    /// `NotReady` when the engine cannot be reached.
    pub fn find(&self, reference: &str, printer: &Printer) -> Result<Option<Image>> {
        if let Some(api) = &self.api {
            match api.inspect(reference) {
                Ok(found) => return Ok(found.map(Image::from)),
                // The command line explains a refusal better than the API's client.
                Err(error) => printer.verbose(format_args!("engine API: {error}")),
            }
        }
        let invocation = self.tools.docker().args(["image", "inspect", reference]);
        let finished = invocation.capture(printer)?;
        if finished.status.success() {
            let mut found: Vec<ImageInspect> =
                serde_json::from_slice(&finished.stdout).map_err(|source| {
                    Error::failed("cannot read `docker image inspect`").because(source)
                })?;
            return Ok(found.pop().map(Image::from));
        }
        let talk = finished.talk();
        if talk.to_lowercase().contains("no such image") {
            return Ok(None);
        }
        let failure = invocation.failure(finished.status, &talk);
        Err(self.tools.explain(&invocation, &talk, failure))
    }

    /// The instructions that made an image, first to last, also those that added nothing; none
    /// when the engine does not tell.
    pub fn history(&self, image: &str) -> Vec<Step> {
        let told = (self.api.as_ref()).and_then(|api| api.history(image).ok());
        let items = told.unwrap_or_default().into_iter().rev();
        items
            .map(|item| Step {
                made_by: instruction(&item.created_by),
                size: u64::try_from(item.size).unwrap_or(0),
            })
            .collect()
    }

    /// Gives an image a further name.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn tag(&self, source: &str, target: &str, printer: &Printer) -> Result<()> {
        if let Some(api) = &self.api {
            match api.tag(source, target) {
                Ok(Some(())) => return Ok(()),
                // The command line explains what is missing or refused.
                Ok(None) => {}
                Err(error) => printer.verbose(format_args!("engine API: {error}")),
            }
        }
        let invocation = self.tools.docker().args(["tag", source, target]);
        self.tools.read(&invocation, printer).map(|_| ())
    }

    /// Takes names away from images, if they have them; an image without a name is removed.
    /// What cannot be removed is left and said at `-v`, since it is only a leftover.
    pub fn untag<'a>(&self, names: impl Iterator<Item = &'a str>, printer: &Printer) {
        for name in names {
            if let Some(api) = &self.api {
                match api.untag(name) {
                    Ok(_) => continue,
                    Err(error) => printer.verbose(format_args!("engine API: {error}")),
                }
            }
            let invocation = self.tools.docker().args(["image", "rm", name]);
            match invocation.capture_even_when_interrupted(printer) {
                Ok(finished) if finished.status.success() => {}
                Ok(finished) => printer.verbose(finished.talk()),
                Err(error) => printer.verbose(error),
            }
        }
    }

    /// Which version the engine is; `None` when it says none that can be read.
    ///
    /// # Errors
    /// `NotReady` when the engine does not answer.
    pub fn engine_version(&self, printer: &Printer) -> Result<Option<Version>> {
        if let Some(version) = self.api.as_ref().and_then(Api::version) {
            return Ok(Version::find(&version));
        }
        let invocation = self
            .tools
            .docker()
            .args(["version", "--format={{.Server.Version}}"]);
        Ok(Version::find(&self.tools.read(&invocation, printer)?))
    }

    /// Whether the engine runs on this machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Running containers of a Compose project, newest first.
    ///
    /// # Errors
    /// When the engine cannot be reached.
    pub fn running(&self, compose_project: &str, printer: &Printer) -> Result<Vec<Container>> {
        let invocation = self.tools.docker().args([
            "ps".to_owned(),
            "--no-trunc".to_owned(),
            format!("--filter=label=com.docker.compose.project={compose_project}"),
            "--format={{.ID}} {{.Names}} {{.Label \"com.docker.compose.service\"}}".to_owned(),
        ]);
        let listed = self.tools.read(&invocation, printer)?;
        Ok(listed
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some(Container {
                    id: words.next()?.to_owned(),
                    name: words.next()?.to_owned(),
                    service: words.next()?.to_owned(),
                })
            })
            .collect())
    }

    /// The id of the image that a container was started from.
    ///
    /// # Errors
    /// When the engine cannot be reached or the container has gone.
    pub fn of_container(&self, container: &str, printer: &Printer) -> Result<String> {
        let inspect = [
            "inspect",
            "--type=container",
            "--format={{.Image}}",
            container,
        ];
        self.tools.read(&self.tools.docker().args(inspect), printer)
    }

    /// A container by name or id, running or not; `None` when there is none.
    ///
    /// # Errors
    /// When the engine cannot be reached.
    pub fn container(&self, name: &str, printer: &Printer) -> Result<Option<ContainerState>> {
        if let Some(api) = &self.api {
            match api.inspect_container(name) {
                Ok(found) => return Ok(found.map(ContainerState::from)),
                // The command line explains a refusal better than the API's client.
                Err(error) => printer.verbose(format_args!("engine API: {error}")),
            }
        }
        let question = ["container", "inspect", "--", name];
        let invocation = self.tools.docker().args(question);
        let finished = invocation.capture(printer)?;
        if !finished.status.success() {
            let talk = finished.talk();
            if talk.to_lowercase().contains("no such container") {
                return Ok(None);
            }
            let failure = invocation.failure(finished.status, &talk);
            return Err(self.tools.explain(&invocation, &talk, failure));
        }
        let mut found: Vec<ContainerInspectResponse> = serde_json::from_slice(&finished.stdout)
            .map_err(|source| {
                Error::failed("cannot read `docker container inspect`").because(source)
            })?;
        Ok(found.pop().map(ContainerState::from))
    }

    /// The containers that Compose made for the files of a directory, newest first; stopped ones as
    /// well where they are asked for.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn of_directory(
        &self,
        directory: &Path,
        stopped: bool,
        printer: &Printer,
    ) -> Result<Vec<ListedContainer>> {
        let label = format!(
            "--filter=label=com.docker.compose.project.working_dir={}",
            directory.display()
        );
        let mut list = self
            .tools
            .docker()
            .args(["ps", "--quiet", "--no-trunc"])
            .arg(label);
        if stopped {
            list = list.arg("--all");
        }
        let ids = self.tools.read(&list, printer)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let inspect = self
            .tools
            .docker()
            .args(["container", "inspect"])
            .args(ids.lines());
        // One that has gone in the meantime makes the status a failure; the others are told.
        let finished = inspect.capture(printer)?;
        let found: Vec<ContainerInspectResponse> = serde_json::from_slice(&finished.stdout)
            .map_err(|source| {
                Error::failed("cannot read `docker container inspect`").because(source)
            })?;
        Ok(found.into_iter().map(ListedContainer::from).collect())
    }

    /// Makes the plain volumes of a Compose project as Compose would, which says so on the stream
    /// that is the command's. Those that are there stay as they are. What cannot be made is left to
    /// Compose, as is everything in an engine elsewhere.
    pub fn make_volumes(&self, model: &Model, printer: &Printer) {
        let Some(api) = &self.api else { return };
        for (key, volume) in &model.volumes {
            if volume.is_plain()
                && let Err(error) = api.make_volume(&model.name, key, &volume.name)
            {
                printer.verbose(format_args!("engine API: {error}"));
            }
        }
    }

    /// The error for an image that is not there, naming the command that makes it.
    pub fn missing(reference: &str, command: &str) -> Error {
        Error::not_ready(format!("there is no image `{reference}`"))
            .help(format!("build it: `{command}`"))
    }
}

impl Api {
    fn open(socket: &str) -> Option<Self> {
        let docker =
            Docker::connect_with_socket(socket, TIMEOUT_SECONDS, bollard::API_DEFAULT_VERSION)
                .ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        Some(Self { docker, runtime })
    }

    fn version(&self) -> Option<String> {
        self.runtime.block_on(self.docker.version()).ok()?.version
    }

    fn inspect(&self, reference: &str) -> Result<Option<ImageInspect>> {
        found(self.runtime.block_on(self.docker.inspect_image(reference)))
    }

    fn history(&self, image: &str) -> Result<Vec<ImageHistoryResponseItem>> {
        let asked = self.docker.image_history(image);
        Ok(found(self.runtime.block_on(asked))?.unwrap_or_default())
    }

    /// Gives an image a further name; `None` when there is no such image.
    fn tag(&self, source: &str, target: &str) -> Result<Option<()>> {
        let (repository, tag) = split_tag(target);
        let tag = tag.unwrap_or("latest");
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag);
        let asked = self.docker.tag_image(source, Some(options.build()));
        found(self.runtime.block_on(asked))
    }

    /// Takes a name away, and the image with its last one; `None` when there is no such name.
    fn untag(&self, name: &str) -> Result<Option<()>> {
        let options = None::<RemoveImageOptions>;
        let asked = self.docker.remove_image(name, options, None);
        Ok(found(self.runtime.block_on(asked))?.map(drop))
    }

    fn make_volume(&self, project: &str, key: &str, name: &str) -> Result<()> {
        let labels = [("project", project), ("volume", key)];
        let labels = labels.map(|(label, value)| {
            let label = format!("com.docker.compose.{label}");
            (label, value.to_owned())
        });
        let volume = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(HashMap::from(labels)),
            ..VolumeCreateRequest::default()
        };
        found(self.runtime.block_on(self.docker.create_volume(volume))).map(drop)
    }

    fn inspect_container(&self, name: &str) -> Result<Option<ContainerInspectResponse>> {
        let options = None::<InspectContainerOptions>;
        found(
            self.runtime
                .block_on(self.docker.inspect_container(name, options)),
        )
    }
}

/// What the engine has; `None` when it says that it has no such thing.
fn found<T>(answer: Result<T, bollard::errors::Error>) -> Result<Option<T>> {
    use bollard::errors::Error::DockerResponseServerError;
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(None),
        Err(source) => {
            Err(Error::new(Kind::NotReady, "the engine does not answer").because(source))
        }
    }
}

/// Whether the engine knows a time; otherwise it writes the first day of the first year.
fn is_known(time: &str) -> bool {
    !time.starts_with("0001-")
}

impl From<ContainerInspectResponse> for ListedContainer {
    fn from(found: ContainerInspectResponse) -> Self {
        let created = found.created.clone();
        let config = found.config.clone().unwrap_or_default();
        let command = config.cmd.unwrap_or_default();
        let command: Vec<String> = command.iter().map(quote).collect();
        let state = ContainerState::from(found);
        Self {
            name: state.name,
            service: state.service,
            labels: state.labels,
            state: state.status,
            created: created.unwrap_or_default(),
            image: state.image_name,
            command: command.join(" "),
        }
    }
}

impl From<ContainerInspectResponse> for ContainerState {
    fn from(found: ContainerInspectResponse) -> Self {
        let config = found.config.unwrap_or_default();
        let labels = config.labels.unwrap_or_default();
        let label = |name: &str| {
            let name = format!("com.docker.compose.{name}");
            labels.get(&name).cloned().unwrap_or_default()
        };
        let state = found.state.unwrap_or_default();
        let name = found.name.unwrap_or_default();
        Self {
            id: found.id.unwrap_or_default(),
            name: name.trim_start_matches('/').to_owned(),
            running: state.running == Some(true) && state.paused != Some(true),
            status: state
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            ended: state
                .finished_at
                .filter(|time| is_known(time))
                .unwrap_or_default(),
            image: found.image.unwrap_or_default(),
            image_name: config.image.unwrap_or_default(),
            compose_project: label("project"),
            service: label("service"),
            entrypoint: config.entrypoint.unwrap_or_default(),
            labels,
        }
    }
}

impl From<ImageInspect> for Image {
    fn from(found: ImageInspect) -> Self {
        let config = found.config.unwrap_or_default();
        Self {
            id: found.id.unwrap_or_default(),
            created: found
                .created
                .map(|time| time.to_string())
                .unwrap_or_default(),
            size: found
                .size
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or(0),
            architecture: found.architecture.unwrap_or_default(),
            labels: config.labels.unwrap_or_default(),
            environment: config.env.unwrap_or_default(),
            user: config.user.unwrap_or_default(),
            shell: config.shell.unwrap_or_default(),
            triggers: config.on_build.unwrap_or_default(),
            layers: found
                .root_fs
                .and_then(|root| root.layers)
                .unwrap_or_default(),
            repo_tags: found.repo_tags.unwrap_or_default(),
            repo_digests: found.repo_digests.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
        }
    }
}

/// The path of the local socket that the engine's command line talks to, by the order that it
/// follows itself: `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` in its configuration, the
/// default socket. `None` for a remote engine or another tool than docker.
pub fn local_socket(tools: &Tools, printer: &Printer) -> Option<String> {
    if tools.docker().program() != "docker" {
        return None;
    }
    if let Ok(host) = std::env::var("DOCKER_HOST")
        && !host.is_empty()
    {
        return host.strip_prefix("unix://").map(str::to_owned);
    }
    let context = std::env::var("DOCKER_CONTEXT")
        .ok()
        .filter(|name| !name.is_empty())
        .or_else(current_context)
        .unwrap_or_else(|| "default".to_owned());
    if context == "default" {
        return Some("/var/run/docker.sock".to_owned());
    }
    let invocation = tools.docker().args([
        "context",
        "inspect",
        "--format={{.Endpoints.docker.Host}}",
        &context,
    ]);
    invocation
        .read(printer)
        .ok()
        .and_then(|host| host.strip_prefix("unix://").map(str::to_owned))
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

fn current_context() -> Option<String> {
    let directory = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".docker")))?;
    let text = crate::files::read(&directory.join("config.json")).ok()?;
    serde_json::from_slice::<DockerConfig>(&text)
        .ok()?
        .current_context
        .filter(|name| !name.is_empty())
}
