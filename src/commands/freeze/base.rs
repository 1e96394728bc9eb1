//! What the lock says about the base image.

use crate::commands::workplace::{Layer, Workplace};
use crate::environment::lock::Base;
use crate::environment::snapshot::Snapshot;
use crate::error::Result;
use crate::project::Flavour;

/// The base image that the Compose files name, by digest or by the engine's id.
///
/// # Errors
/// When the service that builds the dev image is missing, or the engine does not answer.
pub fn base_image(workplace: &Workplace<'_>, now: &Snapshot) -> Result<Base> {
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
