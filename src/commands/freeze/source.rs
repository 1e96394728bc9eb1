//! Where a freeze looks: a container, the image, or a snapshot file.

use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{Container, ContainerState, Image};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;

/// What `--from` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A container, by name or id.
    Container(String),
    /// The dev image, whatever runs.
    Image,
    /// A file that `update-env-file` wrote.
    Snapshot(PathBuf),
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(name) => f.write_str(name),
            Self::Image => f.write_str("image"),
            Self::Snapshot(path) => write!(f, "snapshot:{}", path.display()),
        }
    }
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "image" => Ok(Self::Image),
            None if text.is_empty() => Err("a container's name is missing".to_owned()),
            None => Ok(Self::Container(text.to_owned())),
            Some(("snapshot", "")) => Err("a file's name is missing behind `snapshot:`".to_owned()),
            Some(("snapshot", path)) => Ok(Self::Snapshot(path.into())),
            // As `envtpl diff` has it.
            Some(("container", name)) if !name.is_empty() => Ok(Self::Container(name.to_owned())),
            Some(_) => {
                Err("give a container's name, `image`, or `snapshot:` and a file".to_owned())
            }
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
pub enum Source {
    /// A running container.
    Container(String),
    /// The dev image.
    Image(String),
    /// A snapshot file.
    Snapshot(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(name) => write!(f, "the running container {name}"),
            Self::Image(name) => write!(f, "the image {name}"),
            Self::Snapshot(name) => write!(f, "the snapshot {name}"),
        }
    }
}

/// The newest running dev container of this installation.
///
/// # Errors
/// When the engine cannot be reached.
pub fn newest(workplace: &Workplace<'_>) -> Result<Option<Container>> {
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
        printer.help("choose one by its name: `envtpl freeze --from NAME`");
    }
    let Some(newest) = running.into_iter().next() else {
        return Ok(None);
    };
    let own = workplace.images.of_container(&newest.id, printer)?;
    warn_of_older_image(workplace, &newest, &own)?;
    Ok(Some(newest))
}

/// The container that somebody named.
///
/// # Errors
/// `Usage` when there is none, or it is none of this installation; `NotReady` when it does not run.
pub fn named(workplace: &Workplace<'_>, name: &str) -> Result<Container> {
    let printer = &workplace.context.printer;
    let Some(state) = workplace.images.container(name, printer)? else {
        return Err(nowhere(workplace, name)?);
    };
    if !state.running {
        return Err(stopped(&state));
    }
    let container = Container {
        id: state.id.clone(),
        name: state.name.clone(),
        service: state.service.clone(),
    };
    if state.compose_project == workplace.model.name {
        if !state.service.is_empty() {
            warn_of_older_image(workplace, &container, &state.image)?;
        }
        return Ok(container);
    }
    if stands_on_ours(workplace, &state)? {
        return Ok(container);
    }
    let whose = match state.compose_project.as_str() {
        "" => String::new(),
        project => format!(" of the Compose project {project}"),
    };
    Err(Error::usage(format!(
        "the container `{}`{whose} is none of {}: it runs `{}`, which does not stand on this \
         installation's images",
        state.name,
        workplace.installation.name(),
        state.image_name,
    ))
    .help("choose its installation with `-i`, and its project with `-C`"))
}

/// The error for a container that does not run.
pub fn stopped(state: &ContainerState) -> Error {
    let error = Error::not_ready(format!(
        "the container `{}` does not run ({}), so nothing can be asked in it",
        state.name, state.status
    ));
    let again = match state.status.as_str() {
        "paused" => "unpause",
        _ => "start",
    };
    error
        .help(format!("let it run again: `docker {again} {}`", state.name))
        .help("or freeze what the image holds: `envtpl freeze --from image`")
}

fn nowhere(workplace: &Workplace<'_>, name: &str) -> Result<Error> {
    let printer = &workplace.context.printer;
    let running = workplace.images.running(&workplace.model.name, printer)?;
    let names: Vec<String> = running.into_iter().map(|one| one.name).collect();
    let error = Error::usage(format!("there is no container `{name}`"));
    Ok(if names.is_empty() {
        error.help("none of this installation runs; `envtpl dev` starts one")
    } else {
        error.help(format!("these run: {}", names.join(", ")))
    })
}

/// Whether a container's image is one of the generic images, or was built on one.
fn stands_on_ours(workplace: &Workplace<'_>, state: &ContainerState) -> Result<bool> {
    let find = |name: &str| workplace.images.find(name, &workplace.context.printer);
    let Some(own) = find(&state.image)? else {
        return Ok(false);
    };
    for flavour in [Flavour::Dev, Flavour::Run] {
        let generic = find(workplace.image(&Layer::Generic.service(flavour))?)?;
        let stands_on = |generic: Image| {
            generic.id == own.id
                || (!generic.layers.is_empty() && own.layers.starts_with(&generic.layers))
        };
        if generic.is_some_and(stands_on) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn warn_of_older_image(workplace: &Workplace<'_>, container: &Container, own: &str) -> Result<()> {
    let printer = &workplace.context.printer;
    let current = workplace.find(&container.service)?;
    if current.is_some_and(|current| current.id != own) {
        printer.warn(format_args!(
            "{} was started before the image was built last; what that build added is not in it",
            container.name
        ));
        printer.help(
            "start a new container with `envtpl dev` and install there what you want to keep",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_name_the_image_or_a_file() {
        let read = |text: &str| text.parse::<From>();
        assert_eq!(read("image"), Ok(From::Image));
        for name in ["p-dev-1", "container:p-dev-1"] {
            assert_eq!(read(name), Ok(From::Container("p-dev-1".into())));
        }
        assert_eq!(
            read("snapshot:a b/c:d.json"),
            Ok(From::Snapshot("a b/c:d.json".into()))
        );
        for wrong in ["", "snapshot:", "lab/x:1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
