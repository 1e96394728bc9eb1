//! The Compose project of one installation: what its files mean, and commands on it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::engine::Tools;
use crate::engine::reservation::{gpus_of, takes_gpus};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::installation::name::Acceleration;
use crate::output::Printer;
use crate::process::Invocation;

/// The Compose project in an installation directory.
#[derive(Debug, Clone)]
pub struct Compose {
    tools: Tools,
    directory: PathBuf,
    /// The project's root, where Compose's answers are kept; asking costs more than a whole
    /// `envtpl run` may.
    project_root: PathBuf,
}

/// What the Compose files mean, as `docker compose config --format json` says.
#[derive(Debug, Clone)]
pub struct Model {
    /// The Compose project's name.
    pub name: String,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Named volumes, by the names that services know them by.
    pub volumes: BTreeMap<String, NamedVolume>,
    /// Secrets, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// The whole answer, for handing back to Compose.
    document: Value,
}

/// The fields of the answer that envtpl reads; unknown ones are ignored.
#[derive(Debug, Deserialize)]
struct Known {
    #[serde(default)]
    name: String,
    #[serde(default)]
    services: BTreeMap<String, Service>,
    #[serde(default)]
    volumes: BTreeMap<String, Option<NamedVolume>>,
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
}

/// A named volume of the Compose project.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NamedVolume {
    /// Its name in the engine.
    #[serde(default)]
    pub name: String,
    /// How it is otherwise than others: its driver, its labels, that somebody else makes it.
    #[serde(flatten)]
    options: BTreeMap<String, Value>,
}

impl NamedVolume {
    /// Whether it is a volume of the engine's own, as it makes them without being told more.
    pub fn is_plain(&self) -> bool {
        !self.name.is_empty() && self.options.is_empty()
    }
}

/// A service of the Compose project.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Service {
    /// The image that it runs or that its build is called.
    #[serde(default)]
    pub image: Option<String>,
    /// How the image is built.
    #[serde(default)]
    pub build: Option<Build>,
    /// The platform, as `linux/amd64`.
    #[serde(default)]
    pub platform: Option<String>,
    /// Mounts.
    #[serde(default)]
    pub volumes: Vec<Volume>,
    /// Environment variables; a null value is taken from the environment.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
    /// What it runs when it is given no command, in the place of the image's own.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// The user, as `name`, `number` or with a group; that of the image if there is none.
    #[serde(default)]
    pub user: Option<String>,
    /// The network of the host or of nobody, when it is not one of its own.
    #[serde(default)]
    pub network_mode: Option<String>,
}

/// The `build:` of a service.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Build {
    /// The directory that files are copied from.
    #[serde(default)]
    pub context: Option<String>,
    /// The Dockerfile, relative to the context.
    #[serde(default)]
    pub dockerfile: Option<String>,
    /// The platforms, where they are not that of the service.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Secrets, by the names of the Compose files.
    #[serde(default)]
    pub secrets: Vec<BuildSecret>,
    /// The stage that becomes the image.
    #[serde(default)]
    pub target: Option<String>,
    /// Build arguments; a null value is taken from the environment.
    #[serde(default)]
    pub args: BTreeMap<String, Option<String>>,
    /// Labels of the image.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The network of all steps, if it is not the builder's own: `host`, `none`.
    #[serde(default)]
    pub network: Option<String>,
    /// Whether a step may do all that root may.
    #[serde(default)]
    pub privileged: bool,
    /// What steps may beyond the ordinary: `network.host`, `security.insecure`.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

impl Build {
    /// What steps may beyond the ordinary, by whatever key, in BuildKit's words.
    pub fn allows(&self) -> BTreeSet<&str> {
        let host = self.network.as_deref() == Some("host");
        let host = host.then_some("network.host");
        let all = self.privileged.then_some("security.insecure");
        let named = self.entitlements.iter().map(String::as_str);
        named.chain(host).chain(all).collect()
    }
}

/// A secret that a build may read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct BuildSecret {
    /// Its name in the Compose files.
    #[serde(default)]
    pub source: String,
    /// What the Dockerfile calls it, where that is another name.
    #[serde(default)]
    pub target: Option<String>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Secret {
    /// A file.
    #[serde(default)]
    pub file: Option<String>,
    /// A variable.
    #[serde(default)]
    pub environment: Option<String>,
}

/// A mount of a service.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Volume {
    /// `bind`, `volume` or `tmpfs`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The path on the host, for a bind mount; the name of a volume.
    #[serde(default)]
    pub source: String,
    /// The path in the container.
    #[serde(default)]
    pub target: String,
    /// How it is mounted, for a path of the host.
    #[serde(default)]
    pub bind: Bind,
}

/// The `bind:` of a mount.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Bind {
    /// Whether a path that is missing on the host is made there, as a directory.
    #[serde(default)]
    create_host_path: Option<bool>,
}

impl Volume {
    /// Whether it shows a path of the host which the engine would make, as root, were it missing.
    pub fn is_made_when_missing(&self) -> bool {
        self.kind == "bind" && self.bind.create_host_path != Some(false)
    }
}

impl Model {
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        let unreadable = |source| {
            Error::failed("cannot read what `docker compose config` printed").because(source)
        };
        let document: Value = serde_json::from_slice(text).map_err(unreadable)?;
        let known = Known::deserialize(&document).map_err(unreadable)?;
        Ok(Self {
            name: known.name,
            services: known.services,
            volumes: (known.volumes.into_iter())
                .filter_map(|(key, volume)| Some((key, volume?)))
                .collect(),
            secrets: known.secrets,
            document,
        })
    }

    /// The whole answer.
    pub(super) fn document(&self) -> &Value {
        &self.document
    }

    /// Whose GPUs a service takes; `None` when it takes none or is not there.
    pub fn takes_gpus(&self, service: &str) -> Option<Acceleration> {
        takes_gpus(&self.document["services"][service])
    }

    /// The GPUs that a service takes: numbers and ids, or `all`.
    pub fn gpus(&self, service: &str) -> Vec<String> {
        gpus_of(&self.document["services"][service])
    }

    /// A service by name.
    ///
    /// # Errors
    /// `Usage`, naming the services that there are.
    pub fn service(&self, name: &str, compose_file: &Path) -> Result<&Service> {
        self.services.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.services.keys().map(String::as_str).collect();
            Error::usage(format!("there is no service `{name}`"))
                .at(Place::file(compose_file))
                .help(format!("services there are: {}", known.join(", ")))
        })
    }

    /// The image of a service.
    ///
    /// # Errors
    /// `Usage` when the service or its image is missing.
    pub fn image(&self, service: &str, compose_file: &Path) -> Result<&str> {
        self.service(service, compose_file)?
            .image
            .as_deref()
            .ok_or_else(|| {
                Error::usage(format!("service `{service}` has no `image:`"))
                    .at(Place::file(compose_file))
            })
    }

    /// The directory in a service's container that is the given one outside, if a mount shows it
    /// there. The deepest mount wins, as it does in the container.
    pub fn directory_inside(&self, service: &str, outside: &Path) -> Option<OsString> {
        let volumes = &self.services.get(service)?.volumes;
        let (depth, inside) = volumes
            .iter()
            .filter_map(|volume| {
                let source = Path::new(&volume.source).canonicalize().ok()?;
                let below = outside.strip_prefix(&source).ok()?;
                let inside = Path::new(&volume.target).join(below);
                // Joining an empty path would leave a slash at the end.
                let inside: PathBuf = inside.components().collect();
                Some((source.components().count(), inside))
            })
            .max_by_key(|(depth, _)| *depth)?;
        // A mount of the whole file system says nothing about where the project is.
        (depth > 1).then(|| inside.into_os_string())
    }

    /// A Compose file with nothing but what building `targets` needs, for `docker compose -f -`.
    /// Each target keeps its `build:` and gets the image name given, and another stage where one
    /// is given. It stays Compose's own answer, so a person's overrides count.
    pub fn build_document(&self, targets: &[Target]) -> Value {
        let mut services = serde_json::Map::new();
        for target in targets {
            let Some(mut service) = self.document["services"].get(&target.service).cloned() else {
                continue;
            };
            let kept: serde_json::Map<String, Value> = ["build", "platform"]
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), service.get_mut(*key)?.take())))
                .collect();
            let mut service = Value::Object(kept);
            service["image"] = escaped(&target.image);
            if let Some(stage) = &target.stage {
                service["build"]["target"] = escaped(stage);
            }
            services.insert(target.name.clone(), service);
        }
        let mut document = serde_json::json!({ "name": self.name, "services": services });
        if let Some(secrets) = self.document.get("secrets") {
            document["secrets"] = secrets.clone();
        }
        document
    }
}

/// Gives every build of a [`Model::build_document`] another Dockerfile, and further contexts by
/// their names.
pub fn with_dockerfile(document: &mut Value, dockerfile: &Path, contexts: &[(&str, &Path)]) {
    let services = document["services"].as_object_mut();
    for service in services.into_iter().flat_map(|all| all.values_mut()) {
        let build = &mut service["build"];
        if let Some(build) = build.as_object_mut() {
            build.remove("dockerfile_inline");
        }
        build["dockerfile"] = escaped(&dockerfile.to_string_lossy());
        for (name, path) in contexts {
            add_context(build, name, path);
        }
    }
}

fn add_context(build: &mut Value, name: &str, path: &Path) {
    let path = escaped(&path.to_string_lossy());
    match &mut build["additional_contexts"] {
        Value::Array(list) => list.push(match path {
            Value::String(path) => format!("{name}={path}").into(),
            other => other,
        }),
        contexts => contexts[name] = path,
    }
}

/// Has some stages of every build of a [`Model::build_document`] built without their cache. The key
/// is bake's own: Compose has none before its version 5, and `--set` of older bakes ignores it.
pub fn with_fresh_stages(document: &mut Value, stages: &[String]) {
    let services = document["services"].as_object_mut();
    for service in services.into_iter().flat_map(|all| all.values_mut()) {
        let stages: Vec<Value> = stages.iter().map(|stage| escaped(stage)).collect();
        service["build"]["x-bake"]["no-cache-filter"] = stages.into();
    }
}

/// Takes the network away from every build of a [`Model::build_document`], and gives their
/// Dockerfiles a directory in the place of the stage `sources`.
pub fn without_network(document: &mut Value, sources: Option<&Path>) {
    let services = document["services"].as_object_mut();
    for service in services
        .into_iter()
        .flat_map(|services| services.values_mut())
    {
        service["build"]["network"] = "none".into();
        if let Some(sources) = sources {
            add_context(&mut service["build"], "sources", sources);
        }
    }
}

/// Compose reads `$` as the start of a variable.
pub(super) fn escaped(text: &str) -> Value {
    Value::String(text.replace('$', "$$"))
}

/// One image to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What Compose calls it while it builds.
    pub name: String,
    /// The service whose `build:` it uses.
    pub service: String,
    /// The name that the image gets.
    pub image: String,
    /// Another stage than the service's own.
    pub stage: Option<String>,
}

impl Compose {
    /// The Compose project in an installation directory of the project.
    pub fn new(
        tools: Tools,
        directory: impl Into<PathBuf>,
        project_root: impl Into<PathBuf>,
    ) -> Self {
        Self {
            tools,
            directory: directory.into(),
            project_root: project_root.into(),
        }
    }

    /// Where the answer is kept, below the project's state directory.
    fn cache(&self) -> PathBuf {
        let name = self.directory.file_name().unwrap_or_default();
        let mut file = std::ffi::OsString::from("compose-");
        file.push(name);
        file.push(".json");
        Path::new("cache").join(file)
    }

    /// The tools that commands on this project use.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The main Compose file, for messages.
    pub fn file(&self) -> PathBuf {
        self.directory.join("compose.yaml")
    }

    /// The start of a command line on this project. It runs in the installation directory, where
    /// Compose finds `compose.yaml` and `.env` by itself, as when typed by hand.
    pub fn invocation(&self) -> Invocation {
        self.tools.compose().directory(&self.directory)
    }

    /// The same for a command that takes this process's place, with its signals.
    pub fn in_foreground(&self) -> Invocation {
        self.tools
            .compose_in_foreground()
            .directory(&self.directory)
    }

    /// Puts another file in the place of the installation's own.
    pub fn with_file(&self, invocation: Invocation, file: &Path) -> Invocation {
        invocation
            .arg("--file")
            .arg(file)
            .arg("--project-directory")
            .arg(&self.directory)
    }

    /// What the Compose files mean. The answer is kept, and used again while every file and
    /// environment variable that it depends on is unchanged.
    ///
    /// # Errors
    /// `Usage` when the files are wrong, with what Compose says of them; `NotReady` when Compose
    /// cannot be run.
    pub fn model(&self, printer: &Printer) -> Result<Model> {
        let key = self.key();
        if let Some(model) = self.remembered(&key) {
            return Ok(model);
        }
        let invocation = self.invocation().args(["config", "--format", "json"]);
        let finished = invocation.capture(printer)?;
        let talk = finished.talk();
        if !finished.status.success() {
            return Err(self.tools.explain(&invocation, &talk, self.refused(&talk)));
        }
        let model = Model::parse(&finished.stdout)?;
        if talk.is_empty() {
            // A warning ("variable is not set") must come again the next time, so it is not kept.
            let mut kept = key.into_bytes();
            kept.push(b'\n');
            kept.extend_from_slice(&finished.stdout);
            // The answer holds what `.env` holds, so only the person may read it. A project on a
            // read-only file system works without.
            let _ = files::keep(&self.project_root, self.cache(), &kept);
        } else {
            printer.warn(talk);
        }
        Ok(model)
    }

    /// Why Compose refuses the files: what we find ourselves comes with the line at fault.
    fn refused(&self, talk: &str) -> Error {
        for name in ["compose.yaml", "compose-base.yaml"] {
            let path = self.directory.join(name);
            let fault = files::read_text(&path).and_then(|text| ComposeFile::parse(&path, &text));
            if let Err(fault) = fault {
                return fault.with_kind(Kind::Usage);
            }
        }
        Error::usage("Compose does not accept this installation's files")
            .at(Place::file(self.file()))
            .because(std::io::Error::other(talk.to_owned()))
            .help("`envtpl check` reads them one by one")
    }

    fn remembered(&self, key: &str) -> Option<Model> {
        let path = self
            .project_root
            .join(files::STATE_DIRECTORY)
            .join(self.cache());
        let kept = files::read(&path).ok()?;
        let answer = kept.strip_prefix(key.as_bytes())?.strip_prefix(b"\n")?;
        Model::parse(answer).ok()
    }

    /// A digest of everything that Compose's answer depends on: the Compose files of the
    /// directory (any `*.yaml`, `*.yml`, `.env` or `*.env` may be included by another), Compose's
    /// own variables and the variables that the files mention, and which Compose it is.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        let mut mentioned = BTreeSet::new();
        let mut elsewhere = BTreeSet::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        hash.update(self.directory.as_os_str().as_encoded_bytes());
        hash.update(self.tools.compose().to_string());
        for path in files::list(&self.directory).unwrap_or_default() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if ![".yaml", ".yml", ".env"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                continue;
            }
            if let Ok(bytes) = files::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                mentioned.extend(variables(&text));
                elsewhere.extend(files_elsewhere(&text).map(str::to_owned));
                hash.update(name.as_bytes());
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(&bytes);
            }
        }
        for path in elsewhere {
            let bytes = files::read(&self.directory.join(&path)).unwrap_or_default();
            mentioned.extend(variables(&String::from_utf8_lossy(&bytes)));
            hash.update(path.as_bytes());
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(&bytes);
        }
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let relevant = name.starts_with("COMPOSE_")
                || name.starts_with("DOCKER_")
                || matches!(&*name, "HOME" | "PATH")
                || mentioned.contains(&*name);
            if relevant {
                hash.update(name.as_bytes());
                hash.update([0]);
                hash.update(value.as_encoded_bytes());
                hash.update([0]);
            }
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// The names after `$` and `${` in a text; more than Compose would find does no harm.
fn variables(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('$').skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    })
}

/// Words that name a file of another directory which Compose may read (`include:`, `extends:`,
/// `env_file:`). A word too many only makes the answer be asked for again.
fn files_elsewhere(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "'\"[]{},:=".contains(c))
        .filter(|word| word.contains('/'))
        .filter(|word| {
            [".yaml", ".yml", ".env"]
                .iter()
                .any(|end| word.ends_with(end))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        Model::parse(
            br#"{"name":"p","services":{"image-run-root":{"image":"x:run","platform":"linux/amd64",
                "build":{"context":"/c","target":"runtime-generic","args":{"A":"1$$2"}},
                "ports":["1"]}},"secrets":{"ca":{"file":"/dev/null"}}}"#,
        )
        .expect("valid")
    }

    #[test]
    fn a_build_document_holds_nothing_but_the_build() {
        let document = model().build_document(&[Target {
            name: "with-tests".into(),
            service: "image-run-root".into(),
            image: "x:$y".into(),
            stage: Some("tests".into()),
        }]);
        let expected = serde_json::json!({
            "name": "p",
            "services": {"with-tests": {
                "build": {"context": "/c", "target": "tests", "args": {"A": "1$$2"}},
                "platform": "linux/amd64",
                "image": "x:$$y",
            }},
            "secrets": {"ca": {"file": "/dev/null"}},
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn a_build_without_network_has_a_directory_instead() {
        let mut document = model().build_document(&[Target {
            name: "image".into(),
            service: "image-run-root".into(),
            image: "x".into(),
            stage: None,
        }]);
        without_network(&mut document, Some(Path::new("/a $b")));
        let build = &document["services"]["image"]["build"];
        assert_eq!(build["network"], "none");
        assert_eq!(build["additional_contexts"]["sources"], "/a $$b");
        document["services"]["image"]["build"]["additional_contexts"] = serde_json::json!(["x=/x"]);
        without_network(&mut document, Some(Path::new("/y")));
        let contexts = &document["services"]["image"]["build"]["additional_contexts"];
        assert_eq!(contexts, &serde_json::json!(["x=/x", "sources=/y"]));
    }

    #[test]
    fn a_missing_service_names_those_there_are() {
        let error = model()
            .service("run-local-cuda", Path::new("compose.yaml"))
            .expect_err("missing");
        assert!(error.helps()[0].contains("image-run-root"));
    }

    #[test]
    fn files_of_other_directories_are_found_wherever_compose_may_read_them() {
        let text = "include: [../common.yaml, 'a/b.yml']\nenv_file: \"../../x.env\"\n\
                    COMPOSE_FILE=compose.yaml:/etc/lab/compose.yaml\n";
        let found: Vec<&str> = files_elsewhere(text).collect();
        let expected = [
            "../common.yaml",
            "a/b.yml",
            "../../x.env",
            "/etc/lab/compose.yaml",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn variables_are_found_in_all_their_spellings() {
        let found: Vec<String> = variables("a: ${X:-${Y}} $Z $$ ${}").collect();
        assert_eq!(found, ["X", "Y", "Z"]);
    }
}
