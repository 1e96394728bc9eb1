//! Asking images and containers for what a freeze must know.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::commands::workplace::{Layer, Workplace, settings};
use crate::engine::{Container, Images};
use crate::environment::freeze::{Declared, Facts};
use crate::environment::lock::{Base, Lock};
use crate::environment::origin::Found;
use crate::environment::probe::{Answer, Question};
use crate::environment::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::project::Flavour;

/// What was looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
pub enum Source {
    /// A running dev container.
    Container(String),
    /// The dev image.
    Image(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(name) => write!(f, "the running container {name}"),
            Self::Image(name) => write!(f, "the image {name}"),
        }
    }
}

/// Asks the images and the newest running dev container.
///
/// # Errors
/// `NotReady` when an image is missing or the engine does not answer.
pub fn gather(
    workplace: &Workplace<'_>,
    declared: Declared,
    previous: Option<Lock>,
) -> Result<(Source, Facts)> {
    let run_image = present(workplace, Flavour::Run)?;
    let dev_image = present(workplace, Flavour::Dev)?;
    let container = container(workplace)?;
    let (source, mut answer) = match &container {
        Some(container) => {
            let answer = ask_container(workplace, container)?;
            (Source::Container(container.name.clone()), answer)
        }
        None => {
            let answer = ask_image(workplace, Question::RecordsAndNow, dev_image)?;
            (Source::Image(dev_image.to_owned()), answer)
        }
    };
    let mut run_answer = ask_image(workplace, Question::Records, run_image)?;

    let now = answer.now()?;
    // An image is what it is: nothing in it is new.
    let dev = match container {
        Some(_) => record(&mut answer, "dev", dev_image)?,
        None => now.clone(),
    };
    let facts = Facts {
        base: record(&mut answer, "base", dev_image)?,
        run: record(&mut run_answer, "run", run_image)?,
        apt_build: answer
            .record("apt-build")
            .or_else(|| run_answer.record("apt-build")),
        directories_in_image: directories_in_image(workplace, dev_image, &now)?,
        base_image: base_image(workplace, &now)?,
        project_root_at: setting(workplace, "PROJECT_ROOT_AT")?,
        conda_channel_alias: setting(workplace, "CONDA_CHANNEL_ALIAS")?,
        dev,
        now,
        declared,
        previous,
    };
    Ok((source, facts))
}

/// The generic image of a flavour, which must be there.
fn present<'a>(workplace: &'a Workplace<'_>, flavour: Flavour) -> Result<&'a str> {
    let image = workplace.image(&Layer::Generic.service(flavour))?;
    match workplace.images.find(image, &workplace.context.printer)? {
        Some(_) => Ok(image),
        None => Err(Images::missing(
            image,
            &format!("envtpl build -i {}", workplace.installation.name()),
        )),
    }
}

/// The newest running dev container of this installation.
fn container(workplace: &Workplace<'_>) -> Result<Option<Container>> {
    let printer = &workplace.context.printer;
    let mut running = workplace.images.running(&workplace.model.name, printer)?;
    running.retain(|container| container.service.starts_with("dev-local-"));
    if let [newest, others @ ..] = running.as_slice()
        && !others.is_empty()
    {
        let others: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
        printer.warn(format_args!(
            "several dev containers are running; the newest one, {}, is frozen, and not {}",
            newest.name,
            others.join(", ")
        ));
    }
    let Some(newest) = running.into_iter().next() else {
        return Ok(None);
    };
    let current = workplace.find(&newest.service)?;
    let own = workplace.images.of_container(&newest.id, printer)?;
    if current.is_some_and(|current| current.id != own) {
        printer.warn(format_args!(
            "{} was started before the image was built last; what that build added is not in it",
            newest.name
        ));
        printer.help(
            "start a new container with `envtpl dev` and install there what you want to keep",
        );
    }
    Ok(Some(newest))
}

fn ask_container(workplace: &Workplace<'_>, container: &Container) -> Result<Answer> {
    let tools = workplace.compose.tools();
    let question = Question::RecordsAndNow.to_container(tools.docker(), &container.id);
    let printed = tools.read(&question, &workplace.context.printer)?;
    Answer::parse(&printed, &container.name)
}

fn ask_image(workplace: &Workplace<'_>, question: Question, image: &str) -> Result<Answer> {
    let tools = workplace.compose.tools();
    let platform = workplace.installation.name().platform().docker();
    let question = question.to_image(tools.docker(), image, &platform);
    let printed = tools.read(&question, &workplace.context.printer)?;
    Answer::parse(&printed, image)
}

fn record(answer: &mut Answer, name: &str, image: &str) -> Result<Snapshot> {
    answer.record(name).ok_or_else(|| {
        Error::failed(format!(
            "`{image}` has no record of its build (/opt/envtpl/{name}.json)"
        ))
        .help("build it again: its Dockerfile must end as envtpl's do (`envtpl check` compares)")
    })
}

/// The local repositories that packages come from, as far as the image has them.
fn directories_in_image(
    workplace: &Workplace<'_>,
    image: &str,
    now: &Snapshot,
) -> Result<BTreeSet<String>> {
    let wanted: BTreeSet<String> = now
        .distributions()
        .iter()
        .filter_map(|distribution| match Found::of(distribution) {
            Found::Origin(origin) => origin.directory(),
            _ => None,
        })
        .collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let tools = workplace.compose.tools();
    let invocation = tools
        .docker()
        .args(["run", "--rm", "--network=none", "--platform"])
        .arg(workplace.installation.name().platform().docker())
        .args(["--entrypoint=sh", image, "-c"])
        .arg("for path; do if [ -e \"$path\" ]; then printf '%s\\n' \"$path\"; fi; done")
        .arg("sh")
        .args(&wanted);
    let found = tools.read(&invocation, &workplace.context.printer)?;
    let found: BTreeSet<&str> = found.lines().collect();
    Ok(wanted
        .into_iter()
        .filter(|path| found.contains(path.as_str()))
        .collect())
}

fn base_image(workplace: &Workplace<'_>, now: &Snapshot) -> Result<Base> {
    let service = Layer::Generic.service(Flavour::Dev);
    let build = &workplace
        .model
        .service(&service, &workplace.compose.file())?
        .build;
    let name = build
        .as_ref()
        .and_then(|build| build.args.get("BASE_IMAGE").cloned().flatten())
        .unwrap_or_default();
    let image = match name.as_str() {
        "" => None,
        name => workplace.images.find(name, &workplace.context.printer)?,
    };
    let digests = image.iter().flat_map(|image| &image.repo_digests);
    let digest = digests
        .filter_map(|digest| digest.rsplit_once('@'))
        .find(|(repository, _)| is_repository_of(repository, &name))
        .map(|(_, digest)| digest.to_owned());
    // An id tells apart what was made on this machine; where there is a digest, that says more.
    let id = match digest {
        Some(_) => None,
        None => image.as_ref().map(|image| image.id.clone()),
    };
    Ok(Base {
        digest,
        id,
        os: now.os.to_string(),
        image: name,
    })
}

/// Whether an image's name is one of the repository, its tag aside.
fn is_repository_of(repository: &str, image: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    let name = match image.rsplit_once(':') {
        // A colon before a slash belongs to a port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    };
    let short = |name: &str| {
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        name.strip_prefix("library/").unwrap_or(name).to_owned()
    };
    short(repository) == short(name)
}

/// A setting of `.env` that is not empty.
fn setting(workplace: &Workplace<'_>, name: &str) -> Result<Option<String>> {
    let dotenv = settings(workplace.installation)?;
    let values = dotenv.values(|name| std::env::var(name).ok());
    Ok(values.get(name).filter(|value| !value.is_empty()).cloned())
}
