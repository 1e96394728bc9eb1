//! What the lock says about the base image, and how the files name it from then on.

use std::time::Duration;

use serde_json::Value;

use crate::commands::workplace::{Layer, Workplace};
use crate::engine::Image;
use crate::engine::bootstrap;
use crate::environment::lock::Base;
use crate::environment::snapshot::Snapshot;
use crate::error::{Kind, Result};
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::installation::flavour::Flavour;
use crate::installation::identity::split_tag;
use crate::installation::pin;
use crate::project::Installation;

/// How long a registry may take to say a digest. It takes a second or two; a firewall that drops
/// what is sent lets one wait for minutes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The file that names the base image.
pub const FILE: &str = "compose-base.yaml";

/// The base image that the Compose files name: by the digest that its registry knows it by, or for
/// one that was made on this machine by the engine's id and what it was made from. `previous` is
/// what the lock before says: its registry may have another image by that name since.
///
/// # Errors
/// When the service that builds the dev image is missing, or the engine does not answer.
pub fn base_image(
    workplace: &Workplace<'_>,
    now: &Snapshot,
    previous: Option<&Base>,
) -> Result<Base> {
    let service = Layer::Generic.service(Flavour::Dev);
    let build = &workplace
        .model
        .service(&service, &workplace.compose.file())?
        .build;
    let named = build
        .as_ref()
        .and_then(|build| build.args.get("BASE_IMAGE").cloned().flatten())
        .unwrap_or_default();
    let (name, pinned) = pin::split(&named);
    let base = Base {
        image: name.to_owned(),
        os: now.os.to_string(),
        ..Base::default()
    };
    if let Some(digest) = pinned {
        return Ok(Base {
            digest: Some(digest.to_owned()),
            ..base
        });
    }
    let image = match name {
        "" => return Ok(base),
        name => workplace.images.find(name, &workplace.context.printer)?,
    };
    let Some(image) = image else {
        // BuildKit fetches what it starts from without keeping it as an image.
        let built = workplace.find(&service)?;
        let digest = match built {
            Some(built) => registrys_digest(workplace, name, &built, previous)?,
            None => None,
        };
        return Ok(Base { digest, ..base });
    };
    let made = image.labels.get(bootstrap::LABEL).cloned();
    let digests = image.repo_digests.iter().filter(|_| made.is_none());
    let digest = digests
        .filter_map(|digest| digest.rsplit_once('@'))
        .find(|(repository, _)| is_repository_of(repository, name))
        .map(|(_, digest)| digest.to_owned());
    Ok(match digest {
        Some(_) => Base { digest, ..base },
        // An id tells apart what was made on this machine; where there is a digest, that says more.
        None => Base {
            id: Some(image.id),
            made,
            ..base
        },
    })
}

/// The digest of what a registry has by that name, if that is what an image was built on; else that
/// of the lock before, if the registry has it still. What is in the way is warned of, and no reason
/// to freeze nothing.
///
/// # Errors
/// When the person interrupts.
fn registrys_digest(
    workplace: &Workplace<'_>,
    name: &str,
    built: &Image,
    previous: Option<&Base>,
) -> Result<Option<String>> {
    let printer = &workplace.context.printer;
    let why = match asked_for(workplace, name, built)? {
        Ok(digest) => return Ok(Some(digest)),
        Err(why) => why,
    };
    let previous = previous.filter(|previous| previous.image == name);
    if let Some(digest) = previous.and_then(|previous| previous.digest.as_ref())
        && asked_for(workplace, &pin::join(name, digest), built)?.is_ok()
    {
        return Ok(Some(digest.clone()));
    }
    printer.warn(format_args!(
        "the base image `{name}` is locked without its digest: {why}"
    ));
    printer
        .help("freeze again when the registry has it, or write NAME@DIGEST into compose-base.yaml");
    Ok(None)
}

/// The digest of what a registry has by that name, if an image was built on that; else why not.
fn asked_for(
    workplace: &Workplace<'_>,
    name: &str,
    built: &Image,
) -> Result<std::result::Result<String, String>> {
    let tools = workplace.compose.tools();
    let inspect = ["buildx", "imagetools", "inspect", "--format", "{{json .}}"];
    let invocation = tools.docker().args(inspect).arg(name);
    match invocation.read_within(&workplace.context.printer, PATIENCE) {
        Ok(answer) => Ok(digest_of(&answer, built)
            .ok_or_else(|| "the registry has another image by that name now".to_owned())),
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(error) => Ok(Err(match error.causes().first() {
            Some(cause) => cause.clone(),
            None => error.to_string(),
        })),
    }
}

/// The digest that `docker buildx imagetools inspect` tells, if an image was built on what it is of.
fn digest_of(answer: &str, built: &Image) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let digest = answer.get("manifest")?.get("digest")?.as_str()?;
    // One configuration, or one for each platform.
    layers(answer.get("image")?)
        .iter()
        .any(|layers| !layers.is_empty() && built.layers.starts_with(layers))
        .then(|| digest.to_owned())
}

/// The lists of layers in image configurations (OCI image specification, `rootfs.diff_ids`).
fn layers(configuration: &Value) -> Vec<Vec<String>> {
    let own = configuration.pointer("/rootfs/diff_ids");
    match (own, configuration) {
        (Some(Value::Array(list)), _) => {
            let list = list.iter().filter_map(Value::as_str);
            vec![list.map(str::to_owned).collect()]
        }
        (_, Value::Object(platforms)) => platforms.values().flat_map(layers).collect(),
        _ => Vec::new(),
    }
}

/// `compose-base.yaml` with the base image by its digest, so that every build starts from the same;
/// `None` when it is so already, or names the image in a way that is not this command's to edit.
///
/// # Errors
/// When the file cannot be read, or not be edited without a change of what else it says.
pub fn pinned(installation: &Installation, base: &Base) -> Result<Option<(String, String)>> {
    let path = installation.path(FILE);
    let Some(before) = files::read_text_if_exists(&path)? else {
        return Ok(None);
    };
    let Some(digest) = &base.digest else {
        return Ok(None);
    };
    let mut compose = ComposeFile::parse(&path, &before)?;
    if compose.build_arg("BASE_IMAGE") != Some(base.image.as_str()) {
        return Ok(None);
    }
    compose.set_build_arg("BASE_IMAGE", &pin::join(&base.image, digest))?;
    Ok(Some((before, compose.text().to_owned())))
}

/// Whether an image's name is one of the repository, its tag aside.
fn is_repository_of(repository: &str, image: &str) -> bool {
    let (name, _) = split_tag(image);
    let short = |name: &str| {
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        name.strip_prefix("library/").unwrap_or(name).to_owned()
    };
    short(repository) == short(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn configurations_of_one_and_of_several_platforms_have_layers() {
        let one =
            json!({"architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": ["a", "b"]}});
        assert_eq!(layers(&one), [["a", "b"]]);
        let several = json!({"linux/amd64": one, "linux/arm64": {"rootfs": {"diff_ids": ["c"]}}});
        assert_eq!(layers(&several), [vec!["a", "b"], vec!["c"]]);
    }

    #[test]
    fn a_repository_is_known_by_each_of_its_names() {
        for (repository, image, expected) in [
            ("python", "docker.io/library/python:3.12", true),
            ("docker.io/library/python", "python", true),
            ("127.0.0.1:5000/lab/base", "127.0.0.1:5000/lab/base:1", true),
            ("127.0.0.1:5000/lab/base", "127.0.0.1:5000/lab/base", true),
            ("python", "lab/python:3.12", false),
        ] {
            assert_eq!(is_repository_of(repository, image), expected, "{image}");
        }
    }
}
