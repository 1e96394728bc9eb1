//! Asking images and containers for what a freeze must know.

use std::collections::{BTreeMap, BTreeSet};

use crate::commands::freeze::artefacts;
use crate::commands::freeze::base::base_image;
use crate::commands::freeze::changed;
use crate::commands::freeze::source::{self, From, Source};
use crate::commands::freeze::unpushed::Doubtful;
use crate::commands::workplace::{Layer, Workplace, settings};
use crate::engine::{Container, Images};
use crate::environment::declared::Declared;
use crate::environment::freeze::{AptTarget, Artefacts, Facts, as_in_dev};
use crate::environment::lock::Lock;
use crate::environment::origin::Found;
use crate::environment::probe::{Answer, Question};
use crate::environment::remotes;
use crate::environment::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;

/// What a freeze is told by a person and by files.
pub struct Given {
    /// What the declared files ask for.
    pub declared: Declared,
    /// The lock of the freeze before.
    pub previous: Option<Lock>,
    /// The list for new system packages; by itself the one of the flavour they are found in.
    pub apt_list: Option<AptTarget>,
}

/// Asks the images, and the container that `from` names, else the newest dev container that runs.
///
/// # Errors
/// `NotReady` when an image is missing or the engine does not answer; `Usage` when the container
/// is none of this installation.
pub fn gather(
    workplace: &Workplace<'_>,
    from: Option<&From>,
    given: Given,
) -> Result<(Source, Facts)> {
    let run_image = present(workplace, Flavour::Run)?;
    let dev_image = present(workplace, Flavour::Dev)?;
    let container = match from {
        None => source::newest(workplace)?,
        Some(From::Container(name)) => Some(source::named(workplace, name)?),
        Some(From::Image | From::Snapshot(_)) => None,
    };
    let (source, mut answer) = match &container {
        Some(container) => {
            let answer = ask_container(workplace, container)?;
            (Source::Container(container.name.clone()), answer)
        }
        None => {
            let answer = ask_image(workplace, &Question::records_and_now(), dev_image)?;
            (Source::Image(dev_image.to_owned()), answer)
        }
    };
    let artefacts = Artefacts {
        resolved: answer.resolved(),
        ..artefacts::settings_of(workplace.installation, &given.declared)?
    };
    let now = answer.now()?;
    let base = record(&mut answer, "base", &source.to_string())?;
    let apt_build = answer.record("apt-build");
    let (run, dev) = (answer.record("run"), answer.record("dev"));
    let flavour = match &dev {
        Some(_) => Flavour::Dev,
        None => Flavour::Run,
    };
    // An image without a record of the other flavour is asked itself.
    let ask = |image: &str, name: &str| -> Result<Snapshot> {
        record(
            &mut ask_image(workplace, &Question::records(), image)?,
            name,
            image,
        )
    };
    let dev = match dev {
        Some(dev) => dev,
        None => ask(dev_image, "dev")?,
    };
    let run = match run {
        Some(run) => run,
        None => ask(run_image, "run")?,
    };
    check_python(&source, &dev, &now)?;
    let lost = match &container {
        Some(container) => {
            let printer = &workplace.context.printer;
            let doubtful = Doubtful::of(&now, &dev, given.previous.as_ref());
            let mut lost = doubtful.ask(printer, |repositories| {
                let docker = workplace.compose.tools().docker();
                remotes::in_container(docker, &container.id, repositories)
            })?;
            lost.extend(changed::by_hand(workplace, &answer.contents()?, dev_image)?);
            lost
        }
        None => BTreeMap::new(),
    };
    let directories_in_image = directories_in_image(workplace, dev_image, &now)?;
    let facts = Facts {
        base_image: {
            let previous = given.previous.as_ref().map(|lock| &lock.base);
            base_image(workplace, &now, previous)?
        },
        project_root_at: setting(workplace, "PROJECT_ROOT_AT")?,
        conda_channel_alias: setting(workplace, "CONDA_CHANNEL_ALIAS")?,
        acceleration: Some(workplace.installation.name().acceleration()),
        new_apt: new_apt(given.apt_list, flavour),
        base,
        directories_in_image,
        lost,
        artefacts,
        apt_build,
        declared: given.declared,
        previous: given.previous,
        ..match &container {
            Some(_) => of_flavour(flavour, run, dev, now),
            // An image is what it is: nothing in it is new.
            None => of_flavour(Flavour::Dev, run, now.clone(), now),
        }
    };
    Ok((source, facts))
}

/// What was and is installed, for a container of either flavour.
pub fn of_flavour(flavour: Flavour, run: Snapshot, dev: Snapshot, now: Snapshot) -> Facts {
    let now = match flavour {
        Flavour::Dev => now,
        Flavour::Run => as_in_dev(&run, &dev, now),
    };
    Facts {
        run,
        dev,
        now,
        ..Facts::default()
    }
}

/// The list for new system packages: the one that was asked for, else that of the flavour.
pub fn new_apt(asked: Option<AptTarget>, flavour: Flavour) -> AptTarget {
    asked.unwrap_or(match flavour {
        Flavour::Run => AptTarget::Runtime,
        Flavour::Dev => AptTarget::Dev,
    })
}

/// Refuses an environment that has lost its Python: freezing that would forget all packages.
///
/// # Errors
/// `Failed`.
pub fn check_python(source: &Source, built: &Snapshot, now: &Snapshot) -> Result<()> {
    if now.python.is_some() || built.python.is_none() {
        return Ok(());
    }
    Err(Error::failed(format!(
        "there is no Python in {source}, and there was one when its image was built"
    ))
    .help("start a new container: `envtpl dev`"))
}

/// The generic image of a flavour, which must be there and for the installation's platform.
fn present<'a>(workplace: &'a Workplace<'_>, flavour: Flavour) -> Result<&'a str> {
    let image = workplace.image(&Layer::Generic.service(flavour))?;
    let build = format!("envtpl build -i {}", workplace.installation.name());
    let Some(found) = workplace.images.find(image, &workplace.context.printer)? else {
        return Err(Images::missing(image, &build));
    };
    let wanted = workplace.installation.name().platform().to_string();
    match found.architecture.as_str() {
        "" => Ok(image),
        own if own == wanted => Ok(image),
        other => Err(Error::not_ready(format!(
            "the image `{image}` is for {other}, and the installation for {wanted}"
        ))
        .help(format!("build it again: `{build}`"))),
    }
}

fn ask_container(workplace: &Workplace<'_>, container: &Container) -> Result<Answer> {
    let tools = workplace.compose.tools();
    let printer = &workplace.context.printer;
    let question = Question::records_and_now().with_contents(changed::question());
    let question = question.to_container(tools.docker(), &container.id);
    match tools.read(&question, printer) {
        Ok(printed) => Answer::parse(&printed, &container.name),
        // It may have ended since it was listed.
        Err(error) => match workplace.images.container(&container.id, printer) {
            Ok(Some(state)) if !state.running => Err(source::stopped(&state)),
            Ok(None) => Err(Error::not_ready(format!(
                "the container `{}` has gone meanwhile",
                container.name
            ))
            .help("start a new one: `envtpl dev`")),
            _ => Err(error),
        },
    }
}

/// Asks an image.
///
/// # Errors
/// When the engine cannot run it, or it does not answer.
pub fn ask_image(workplace: &Workplace<'_>, question: &Question, image: &str) -> Result<Answer> {
    let tools = workplace.compose.tools();
    let platform = workplace.installation.name().platform().docker();
    let question = question.to_image(tools.docker(), image, &platform);
    let printed = tools.read(&question, &workplace.context.printer)?;
    Answer::parse(&printed, image)
}

/// A record that the build of an image left in it; `place` is for messages.
///
/// # Errors
/// `Failed` when there is none.
pub fn record(answer: &mut Answer, name: &str, place: &str) -> Result<Snapshot> {
    answer.record(name).ok_or_else(|| {
        Error::failed(format!(
            "{place} has no record of its build (/opt/envtpl/{name}.json)"
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

/// A setting of `.env` that is not empty.
fn setting(workplace: &Workplace<'_>, name: &str) -> Result<Option<String>> {
    let dotenv = settings(workplace.installation)?;
    let values = dotenv.values(|name| std::env::var(name).ok());
    Ok(values.get(name).filter(|value| !value.is_empty()).cloned())
}
