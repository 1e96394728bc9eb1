//! What a freeze must know, from a snapshot file alone: no engine is asked that does not answer.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::Context;
use crate::commands::freeze::base::base_image;
use crate::commands::freeze::facts::{Given, check_python, of_flavour};
use crate::commands::freeze::source::Source;
use crate::commands::freeze::unpushed::Doubtful;
use crate::commands::freeze::{artefacts, changed, facts, other_image};
use crate::commands::workplace::{Workplace, settings};
use crate::environment::freeze::{Artefacts, Facts, dev_by_lock};
use crate::environment::lock::{Base, Lock};
use crate::environment::origin::Found;
use crate::environment::pylock::Resolved;
use crate::environment::remotes;
use crate::environment::snapshot::Snapshot;
use crate::environment::snapshot_file::SnapshotFile;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::installation::flavour::Flavour;
use crate::installation::name::Name;
use crate::installation::pin;
use crate::project::{Installation, Project};

/// Reads a snapshot file of this installation.
///
/// # Errors
/// `Usage` when it is none, or is of another installation, project or platform.
pub fn gather(
    context: &Context,
    project: &Project,
    installation: &Installation,
    path: &Path,
    given: Given,
) -> Result<(Source, Facts)> {
    let name = path.display().to_string();
    let bytes = files::read_if_exists(&context.directory.join(path))?.ok_or_else(|| {
        Error::usage(format!("there is no file `{name}`"))
            .help("write one in the container: `update-env-file`")
    })?;
    let file = SnapshotFile::parse(&bytes, &name)?;
    check_identity(&file, &name, installation)?;
    let workplace = Workplace::open(context, project, installation);
    if let Ok(workplace) = &workplace {
        match other_image::tell(workplace, &file, &name) {
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            // Nobody needs an engine for this.
            Err(error) => context.printer.verbose(error),
            Ok(()) => {}
        }
    }
    let run = file.run.ok_or_else(|| {
        Error::usage(format!("`{name}` does not say what the run image holds"))
            .help("its image is of an older kind: build it again")
    })?;
    let previous = given.previous.as_ref();
    let dev = match (file.dev, file.flavour) {
        (Some(dev), _) => dev,
        // The image of unattended jobs does not know what dev has besides.
        (None, Flavour::Run) => dev_by_lock(&run, previous),
        (None, Flavour::Dev) => {
            return Err(
                Error::usage(format!("`{name}` does not say what the dev image holds"))
                    .help("write it again in the container: `update-env-file`"),
            );
        }
    };
    let source = Source::Snapshot(name);
    check_python(&source, &dev, &file.now)?;
    let settings = settings(installation).ok();
    let values = settings.map(|settings| settings.values(|name| std::env::var(name).ok()));
    let setting = |name: &str| {
        let values = values.as_ref()?;
        values.get(name).filter(|value| !value.is_empty()).cloned()
    };
    let doubtful = Doubtful::of(&file.now, &dev, previous);
    let mut lost = doubtful.ask(&context.printer, remotes::here)?;
    let contents = file.contents.iter();
    lost.extend(contents.flat_map(changed::since_built));
    let artefacts = Artefacts {
        resolved: Resolved::parse(&file.resolved, &source.to_string())?,
        ..artefacts::settings_of(installation, &given.declared)?
    };
    let root = Some(file.project_root_at).filter(|root| !root.is_empty());
    let facts = Facts {
        base_image: base(context, workplace, installation, &file.now, previous)?,
        project_root_at: root.or_else(|| setting("PROJECT_ROOT_AT")),
        conda_channel_alias: setting("CONDA_CHANNEL_ALIAS"),
        acceleration: Some(installation.name().acceleration()),
        new_apt: facts::new_apt(given.apt_list, file.flavour),
        directories_in_image: directories(&dev),
        lost,
        artefacts,
        base: file.base,
        apt_build: file.apt_build,
        declared: given.declared,
        previous: given.previous,
        ..of_flavour(file.flavour, run, dev, file.now)
    };
    Ok((source, facts))
}

/// Refuses a snapshot of something else.
fn check_identity(file: &SnapshotFile, name: &str, installation: &Installation) -> Result<()> {
    let ours = installation.name();
    let theirs = file.installation.parse::<Name>().ok();
    let Some(theirs) = theirs.filter(|theirs| !theirs.same_environment(ours)) else {
        let wanted = ours.platform().to_string();
        if file.now.platform != wanted {
            return Err(Error::usage(format!(
                "`{name}` is of a machine for {}, and the installation is for {wanted}",
                file.now.platform
            )));
        }
        return check_project(file, name, installation);
    };
    Err(Error::usage(format!(
        "`{name}` was written in a container of {theirs}, and this is {ours}"
    ))
    .help(format!("choose the installation: `-i {theirs}`")))
}

fn check_project(file: &SnapshotFile, name: &str, installation: &Installation) -> Result<()> {
    let ours = settings(installation)
        .ok()
        .and_then(|settings| settings.get("PROJECT_NAME"))
        .filter(|ours| !ours.is_empty());
    match ours {
        Some(ours) if !file.project.is_empty() && file.project != ours => {
            Err(Error::usage(format!(
                "`{name}` was written in a container of the project {}, and this is {ours}",
                file.project
            ))
            .help("choose the project's directory with `-C`"))
        }
        _ => Ok(()),
    }
}

/// The base image as the engine knows it, else as the files and the lock before do.
fn base(
    context: &Context,
    workplace: Result<Workplace<'_>>,
    installation: &Installation,
    now: &Snapshot,
    previous: Option<&Lock>,
) -> Result<Base> {
    let known = previous.map(|lock| &lock.base);
    let asked = workplace.and_then(|workplace| base_image(&workplace, now, known));
    let base = match asked {
        Ok(base) => base,
        Err(error) if error.kind() == Kind::Interrupted => return Err(error),
        Err(error) => {
            context.printer.verbose(error);
            Base {
                image: declared_base(installation)?,
                os: now.os.to_string(),
                ..Base::default()
            }
        }
    };
    let unknown = base.digest.is_none() && base.id.is_none();
    Ok(
        match known.filter(|known| unknown && known.image == base.image) {
            Some(known) => Base {
                os: base.os,
                ..known.clone()
            },
            None => base,
        },
    )
}

/// The base image's name, as `compose-base.yaml` has it.
fn declared_base(installation: &Installation) -> Result<String> {
    let path = installation.path("compose-base.yaml");
    let compose = ComposeFile::parse(&path, &files::read_text(&path)?)?;
    let name = compose.build_arg("BASE_IMAGE").unwrap_or_default();
    Ok(pin::split(name).0.to_owned())
}

/// The local repositories that packages of the image came from when it was built.
fn directories(dev: &Snapshot) -> BTreeSet<String> {
    let distributions = dev.distributions().iter();
    distributions
        .filter_map(|distribution| match Found::of(distribution) {
            Found::Origin(origin) => origin.directory(),
            _ => None,
        })
        .collect()
}
