//! Pulling images that somebody pushed, in the place of building them.

use crate::commands::Context;
use crate::commands::sharing::permission::{self, Asked};
use crate::commands::sharing::report::{self, Moved, Report, There};
use crate::commands::sharing::{Place, differing, transfer};
use crate::commands::workplace::{Layer, Workplace, settings, user_inputs};
use crate::engine::{INPUTS_LABEL, Image, REVISION_LABEL, USER_INPUTS_LABEL, commit_tag};
use crate::error::{Error, Kind, Result};
use crate::installation::flavour::Flavour;
use crate::installation::identity::split_tag;
use crate::installation::project_settings::ProjectSettings;
use crate::output::Format;
use crate::project::{Git, Revision};
use crate::registry::Access;

/// Options of the commands that pull.
#[derive(Debug, Clone, clap::Args)]
pub struct PullArgs {
    /// Repository without tag, such as registry.example/lab/project, or behind an alias of
    /// envtpl.yaml, such as IC/project [default: the one that envtpl.yaml remembers]
    #[arg(value_name = "REF")]
    reference: Option<String>,

    /// The images of a commit in the place of the latest ones
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
}

/// An image on its way here.
struct Arrival {
    flavour: Flavour,
    /// Its name in the registry.
    there: String,
    /// The name that `compose.yaml` has for it.
    local: String,
}

/// Pulls the images of a layer, both flavours, and gives them the names that `compose.yaml` says.
///
/// # Errors
/// `Usage` when it is not known where from; `Failed` when they are not there, or are not of this
/// installation's platform, or do not say what they were built from. Then no name here changes.
pub fn pull(context: &Context, layer: Layer, args: &PullArgs) -> Result<()> {
    let project = context.project()?;
    let settings = ProjectSettings::read(project.root())?;
    let mut report = Report {
        dry_run: context.dry_run,
        ..Report::default()
    };
    for installation in context.installations(&project)? {
        let given = args.reference.as_deref();
        let place = Place::of(&settings, installation.name(), layer, given, "pull")?;
        let workplace = Workplace::open(context, &project, installation)?;
        let arrivals = arrivals(&workplace, layer, &place, args.commit.as_deref())?;
        if context.dry_run {
            show(&workplace, layer, &arrivals, &mut report)?;
            continue;
        }
        report
            .images
            .extend(fetch(&workplace, layer, &place, &arrivals)?);
    }
    if context.dry_run && context.printer.format() != Format::Json {
        return Ok(());
    }
    context.printer.report(&report, report::pulled)
}

/// What is to be pulled.
fn arrivals(
    workplace: &Workplace<'_>,
    layer: Layer,
    place: &Place,
    commit: Option<&str>,
) -> Result<Vec<Arrival>> {
    let mut arrivals = Vec::new();
    for flavour in Flavour::ALL {
        let local = workplace.image(&layer.service(flavour))?.to_owned();
        let tag = |name: &str| split_tag(name).1.unwrap_or("latest").to_owned();
        let there = match commit {
            None => tag(&local),
            Some(commit) => {
                let tags = names_of(workplace, commit)?;
                let tags = tags.iter().map(|short| tag(&commit_tag(&local, short)));
                existing(workplace, place, tags.collect(), commit)?
            }
        };
        arrivals.push(Arrival {
            flavour,
            there: place.image(&there),
            local,
        });
    }
    Ok(arrivals)
}

/// How a commit may be called in a tag: as git shortens it here, as it was typed, and as other
/// checkouts may have shortened it.
fn names_of(workplace: &Workplace<'_>, commit: &str) -> Result<Vec<String>> {
    let git = Git::open(workplace.installation.directory())?;
    let full = git.and_then(|git| git.commit(commit));
    let is_id = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(full) = full.or_else(|| is_id.then(|| commit.to_ascii_lowercase())) else {
        return Err(Error::usage(format!("`{commit}` is no commit"))
            .help("the first digits of a commit will do, seven at least: `git log --oneline`"));
    };
    let lengths = (7..=12).chain([full.len()]);
    let mut names: Vec<String> = lengths
        .map(|length| full.chars().take(length).collect())
        .collect();
    names.dedup();
    Ok(names)
}

/// The first of these tags that the repository has.
fn existing(
    workplace: &Workplace<'_>,
    place: &Place,
    tags: Vec<String>,
    commit: &str,
) -> Result<String> {
    let registry = Asked::open(workplace, place, Access::Pull)?;
    for tag in &tags {
        if registry.answer(registry.session.digest(tag))?.is_some() {
            return Ok(tag.clone());
        }
    }
    let first = tags.into_iter().next().unwrap_or_default();
    Err(Error::failed(format!(
        "{} has no image of the commit {commit} (`{}`)",
        place.name,
        place.image(&first)
    ))
    .help("only what was pushed is there: `envtpl push-generic`, with that commit checked out"))
}

/// What would be done.
fn show(
    workplace: &Workplace<'_>,
    layer: Layer,
    arrivals: &[Arrival],
    report: &mut Report,
) -> Result<()> {
    let platform = workplace.installation.name().platform();
    let printer = &workplace.context.printer;
    for arrival in arrivals {
        if printer.format() != Format::Json {
            let pull = transfer::pull(workplace, &arrival.there, platform);
            let docker = workplace.compose.tools().docker();
            let tag = docker.args(["tag", &arrival.there, &arrival.local]);
            printer.data(format!("{pull}\n{tag}\n"))?;
        }
        report.images.push(Moved {
            installation: workplace.installation.name().to_string(),
            layer,
            flavour: arrival.flavour,
            local: vec![arrival.local.clone()],
            id: None,
            commit: String::new(),
            there: vec![There {
                name: arrival.there.clone(),
                digest: None,
            }],
        });
    }
    Ok(())
}

/// Pulls all, looks at all, and only then names all.
fn fetch(
    workplace: &Workplace<'_>,
    layer: Layer,
    place: &Place,
    arrivals: &[Arrival],
) -> Result<Vec<Moved>> {
    let printer = &workplace.context.printer;
    let installation = workplace.installation;
    let mut images = Vec::new();
    for arrival in arrivals {
        images.push(fetch_one(workplace, place, arrival)?);
    }
    let revision = Revision::of(installation.directory())?;
    let mut moved = Vec::new();
    for (arrival, image) in arrivals.iter().zip(&images) {
        let commit = image
            .labels
            .get(REVISION_LABEL)
            .cloned()
            .unwrap_or_default();
        let by_commit = commit_tag(&arrival.local, &revision.abbreviate(&commit));
        let local = vec![arrival.local.clone(), by_commit];
        for name in &local {
            workplace.images.tag(&image.id, name, printer)?;
        }
        moved.push(Moved {
            installation: installation.name().to_string(),
            layer,
            flavour: arrival.flavour,
            local,
            id: Some(image.id.clone()),
            commit,
            there: vec![There {
                name: arrival.there.clone(),
                digest: permission::digest(image, place),
            }],
        });
    }
    let flavours: Vec<Flavour> = arrivals.iter().map(|arrival| arrival.flavour).collect();
    differing::tell(workplace, layer, &flavours, &images)?;
    Ok(moved)
}

fn fetch_one(workplace: &Workplace<'_>, place: &Place, arrival: &Arrival) -> Result<Image> {
    let printer = &workplace.context.printer;
    let platform = workplace.installation.name().platform();
    let name = &arrival.there;
    let before = workplace.images.find(name, printer)?;
    printer.status("Pulling", name);
    let pull = transfer::pull(workplace, name, platform);
    let pulled = transfer::run(workplace, &pull, &format!("pull `{name}`"));
    let found = workplace.images.find(name, printer)?;
    let is_here = found.is_some();
    let outcome = match (pulled, found) {
        (Ok(()), Some(image)) => check(workplace, name, &image).map(|()| image),
        (Ok(()), None) => Err(Error::failed(format!(
            "the engine pulled `{name}`, and does not have it"
        ))),
        // Engines that refuse another platform themselves have fetched the image by then.
        (Err(failure), Some(image)) => Err(check_platform(workplace, name, &image)
            .err()
            .unwrap_or(failure)),
        (Err(failure), None) if failure.kind() == Kind::Failed => {
            Err(why(workplace, place, name, failure))
        }
        (Err(failure), None) => Err(failure),
    };
    if outcome.is_err() && is_here && before.is_none() {
        workplace.images.untag([name.as_str()].into_iter(), printer);
    }
    outcome
}

/// What the registry says of an image that could not be pulled.
fn why(workplace: &Workplace<'_>, place: &Place, name: &str, failure: Error) -> Error {
    let asked = Asked::open(workplace, place, Access::Pull).and_then(|registry| {
        let tag = split_tag(name).1.unwrap_or("latest");
        registry.answer(registry.session.digest(tag))
    });
    match asked {
        Err(refusal) => refusal,
        Ok(None) => Error::failed(format!("there is no image `{name}`"))
            .help("whoever has the images pushes them: `envtpl push-generic`")
            .help("or build them: `envtpl build-generic`"),
        Ok(Some(_)) => failure,
    }
}

/// Refuses an image that cannot be run here.
fn check_platform(workplace: &Workplace<'_>, name: &str, image: &Image) -> Result<()> {
    let installation = workplace.installation.name();
    let platform = installation.platform();
    if image.architecture != platform.to_string() {
        return Err(Error::failed(format!(
            "`{name}` is for {}, and {installation} is for {platform}",
            image.architecture
        ))
        .help("somebody pushed it for another installation: look at its tag"));
    }
    Ok(())
}

/// Refuses also one of which nothing is known.
fn check(workplace: &Workplace<'_>, name: &str, image: &Image) -> Result<()> {
    check_platform(workplace, name, image)?;
    let label = |name: &str| image.labels.get(name).filter(|value| !value.is_empty());
    if label(REVISION_LABEL).is_none() || label(INPUTS_LABEL).is_none() {
        return Err(Error::failed(format!(
            "`{name}` does not say what it was built from, so envtpl did not build it"
        ))
        .help("push images with `envtpl push-generic`, which sends none that does not say so"));
    }
    Ok(())
}

/// Whether a pulled user image is for whoever pulled it.
pub fn is_mine(workplace: &Workplace<'_>, image: &Image) -> Result<bool> {
    let installation = workplace.installation;
    let mine = user_inputs(installation, &settings(installation)?)?;
    Ok(image.labels.get(USER_INPUTS_LABEL) == Some(&mine))
}
