//! Which image a bill is about, and what is known of it besides what is in it.

use jiff::Timestamp;

use crate::commands::Context;
use crate::commands::building::base_image;
use crate::commands::workplace::{Layer, Workplace, settings};
use crate::engine::{INPUTS_LABEL, Image, Images, REVISION_LABEL, Tools};
use crate::environment::lock::{self, Lock};
use crate::environment::sbom::{Base, Subject};
use crate::error::{Error, Kind, Result};
use crate::installation::flavour::Flavour;
use crate::installation::identity::split_tag;
use crate::installation::pin;
use crate::project::{digest, to_the_second};

const SOURCE_LABEL: &str = "org.opencontainers.image.source";

/// An image of the engine.
pub struct Found {
    /// The tools that know it.
    pub tools: Tools,
    /// What it runs on, in Docker's words.
    pub platform: String,
    /// What is known of it.
    pub subject: Subject,
    /// The lock that it was built from.
    pub lock: Option<Lock>,
}

impl Found {
    /// An image by its name or id; the project around us, if there is one, says which tools.
    ///
    /// # Errors
    /// `NotReady` when the engine has none, or does not answer.
    pub fn by_name(context: &Context, name: &str) -> Result<Self> {
        let tools = tools(context)?;
        let images = Images::open(&tools, &context.printer);
        let image = match images.find(name, &context.printer) {
            Err(error) if error.kind() == Kind::Failed => {
                return Err(Error::usage(format!("`{name}` is no name of an image")).because(error));
            }
            found => found?,
        };
        let image = image.ok_or_else(|| {
            Error::not_ready(format!("there is no image `{name}`"))
                .help(format!("if a registry has it: `docker pull {name}`"))
                .help("`envtpl ls` lists this project's images")
        })?;
        Ok(Self {
            tools,
            platform: format!("linux/{}", image.architecture),
            subject: subject(name, image)?,
            lock: None,
        })
    }

    /// The generic image of the installation.
    ///
    /// # Errors
    /// `NotReady` when it is not built; `Usage` when its lock is damaged.
    pub fn of_installation(context: &Context, flavour: Flavour) -> Result<Self> {
        let project = context.project()?;
        let installation = context.installation(&project)?;
        let workplace = Workplace::open(context, &project, installation)?;
        let name = workplace
            .image(&Layer::Generic.service(flavour))?
            .to_owned();
        let Some(image) = workplace.images.find(&name, &context.printer)? else {
            let build = format!("envtpl build-generic -i {}", installation.name());
            return Err(Images::missing(&name, &build));
        };
        // What the files say now is only true of an image that was built from them.
        let inputs = digest(installation.directory(), flavour)?;
        let is_of_these_files = image.labels.get(INPUTS_LABEL) == Some(&inputs);
        let mut subject = subject(&name, image)?;
        let mut lock = None;
        if is_of_these_files {
            lock = Lock::read(&installation.path(lock::FILE))?;
            let named = base_image(&workplace, &Default::default())?;
            subject.base = named.map(|named| base(&named, lock.as_ref()));
        }
        Ok(Self {
            tools: workplace.compose.tools().clone(),
            platform: installation.name().platform().docker(),
            subject,
            lock,
        })
    }
}

fn tools(context: &Context) -> Result<Tools> {
    let project = match context.project() {
        Ok(project) => project,
        Err(error) if error.kind() == Kind::Usage && context.requested.is_empty() => {
            return Ok(Tools::new(None, None));
        }
        Err(error) => return Err(error),
    };
    let settings = context.installation(&project).and_then(settings).ok();
    let setting = |name| settings.as_ref().and_then(|settings| settings.get(name));
    Ok(Tools::new(
        setting("DOCKER").as_deref(),
        setting("COMPOSE").as_deref(),
    ))
}

fn subject(name: &str, image: Image) -> Result<Subject> {
    let label = |label: &str| image.labels.get(label).cloned().unwrap_or_default();
    Ok(Subject {
        name: name.to_owned(),
        revision: label(REVISION_LABEL),
        source: label(SOURCE_LABEL),
        base: None,
        pinned: pinned(name, &image.repo_digests),
        created: created(&image.created)?,
        id: image.id,
        architecture: image.architecture,
    })
}

/// By which digest a registry knows the image: the one whose name was asked for, else any.
fn pinned(name: &str, digests: &[String]) -> Option<String> {
    let repository = split_tag(pin::split(name).0).0;
    let same = |pinned: &&String| pin::split(pinned).0 == repository;
    digests.iter().find(same).or(digests.first()).cloned()
}

fn base(named: &str, lock: Option<&Lock>) -> Base {
    let (name, digest) = pin::split(named);
    let locked = lock.map(|lock| &lock.base);
    let locked = locked.filter(|locked| locked.may_be(named));
    let locked = locked.and_then(|locked| locked.digest.clone());
    Base {
        name: name.to_owned(),
        digest: digest.map(str::to_owned).or(locked),
    }
}

/// The time of the document: what `SOURCE_DATE_EPOCH` says
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), else when the image was made.
fn created(of_image: &str) -> Result<String> {
    let time = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(epoch) => {
            let seconds = epoch.trim().parse().ok();
            let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.ok_or_else(|| {
                Error::usage(format!("SOURCE_DATE_EPOCH is `{epoch}`, which is no time")).help(
                    "it holds seconds since 1970: `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`",
                )
            })?
        }
        // Some builders write no time.
        Err(_) => of_image.parse().unwrap_or(Timestamp::UNIX_EPOCH),
    };
    Ok(to_the_second(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_the_registry_that_was_named_is_told() {
        let digests = ["a.example/x@sha256:1", "b.example:5/x@sha256:2"].map(str::to_owned);
        let of = |name: &str| pinned(name, &digests);
        assert_eq!(
            of("b.example:5/x:run").as_deref(),
            Some("b.example:5/x@sha256:2")
        );
        assert_eq!(of("other:1").as_deref(), Some("a.example/x@sha256:1"));
        assert_eq!(pinned("x", &[]), None);
    }

    #[test]
    fn the_base_has_the_digest_of_the_lock_that_it_fits() {
        let mut locked = lock::Base {
            image: "python:3.12".into(),
            digest: Some("sha256:1".into()),
            ..lock::Base::default()
        };
        let of = |named: &str, locked: &lock::Base| {
            let base = base(named, Some(&Lock::new("amd64", locked.clone())));
            (base.name, base.digest)
        };
        assert_eq!(
            of("python:3.12", &locked),
            ("python:3.12".into(), Some("sha256:1".into()))
        );
        assert_eq!(of("python:3.13", &locked), ("python:3.13".into(), None));
        locked.digest = None;
        assert_eq!(
            of("python:3.12@sha256:2", &locked),
            ("python:3.12".into(), Some("sha256:2".into()))
        );
    }
}
