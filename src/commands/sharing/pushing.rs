//! Pushing images: nothing long before it is known that it may end well, and commits first.

use crate::commands::sharing::announcement::Announcement;
use crate::commands::sharing::report::{self, Moved, Report, There};
use crate::commands::sharing::stack::{Parcel, Stack, refuse_clashes};
use crate::commands::sharing::{Place, index, permission, transfer};
use crate::commands::workplace::{Layer, Workplace};
use crate::commands::{Context, building};
use crate::error::{Error, Kind, Result};
use crate::installation::project_settings::{FILE, ProjectSettings};
use crate::installation::readme;
use crate::output::Format;
use crate::project::{Installation, Project};

/// Options of the commands that push.
#[derive(Debug, Clone, clap::Args)]
pub struct PushArgs {
    /// Repository without tag, such as registry.example/lab/project, or behind an alias of
    /// envtpl.yaml, such as IC/project [default: the one that envtpl.yaml remembers]
    #[arg(value_name = "REF")]
    reference: Option<String>,

    /// Remember REF in envtpl.yaml although another one is remembered
    #[arg(long, requires = "reference")]
    remember: bool,
}

/// Pushes the images of some layers, building first what is missing or no longer what the files
/// say. With `all`, those of every installation, and an index over platforms of each kind.
///
/// # Errors
/// `Usage` when it is not known where to; `Failed` or `NotReady` when the registry does not take
/// them, which is asked before anything is built; `Failed` when a tag would not be true.
pub fn push(context: &Context, layers: &[Layer], args: &PushArgs, all: bool) -> Result<()> {
    let project = context.project()?;
    let installations = match all {
        true => context.installations_or_all(&project)?,
        false => context.installations(&project)?,
    };
    let groups = match all {
        true => index::groups(&installations)?,
        false => Vec::new(),
    };
    let settings = ProjectSettings::read(project.root())?;
    let stacks = stacks(context, &project, &settings, &installations, layers, args)?;
    let planned = parcels(&stacks)?;
    refuse_clashes(planned.iter().flatten())?;
    let indexes = index::planned(&stacks, &planned, &groups)?;
    let planned_files = announcement(&project, &stacks, args)?;
    if context.dry_run {
        return show(context, &stacks, &planned, indexes, &planned_files);
    }
    drop(planned);
    permission::ask(&stacks)?;
    for stack in &stacks {
        stack.build()?;
    }
    let parcels = parcels(&stacks)?;
    let mut report = Report {
        images: send(&stacks, &parcels)?,
        ..Report::default()
    };
    report.indexes = index::make(&stacks, &parcels, &groups)?;
    // The files may have changed while it was built and pushed.
    let announcement = announcement(&project, &stacks, args)?;
    let unmarked = announcement.unmarked.clone();
    report.files = announcement.commit()?;
    context.printer.report(&report, report::pushed)?;
    say_what_next(context, &stacks, &report, &unmarked);
    Ok(())
}

/// What there is to push, as far as it can be judged without the engine's and the registry's help.
fn stacks<'a>(
    context: &'a Context,
    project: &'a Project,
    settings: &ProjectSettings,
    installations: &[&'a Installation],
    layers: &[Layer],
    args: &PushArgs,
) -> Result<Vec<Stack<'a>>> {
    let mut stacks = Vec::new();
    for installation in installations {
        let given = args.reference.as_deref();
        let places = layers.iter().map(|layer| {
            let place = Place::of(settings, installation.name(), *layer, given, "push");
            place.map(|place| (*layer, place))
        });
        let places: Vec<_> = places.collect::<Result<_>>()?;
        building::refuse_uncommitted(installation)?;
        for (layer, place) in places {
            let workplace = Workplace::open(context, project, installation)?;
            stacks.push(Stack::new(workplace, layer, place)?);
        }
    }
    Ok(stacks)
}

fn parcels<'s>(stacks: &'s [Stack<'_>]) -> Result<Vec<Vec<Parcel<'s>>>> {
    stacks.iter().map(Stack::parcels).collect()
}

fn announcement(project: &Project, stacks: &[Stack<'_>], args: &PushArgs) -> Result<Announcement> {
    let mut announcement = Announcement::new(project)?;
    for stack in stacks {
        let installation = stack.workplace.installation;
        announcement.add(
            project,
            installation,
            stack.layer,
            &stack.place,
            args.remember,
        )?;
    }
    Ok(announcement)
}

/// Gives the registry all images, by their commits first: whoever is cut off leaves no `latest`
/// whose commit is not there.
fn send(stacks: &[Stack<'_>], parcels: &[Vec<Parcel<'_>>]) -> Result<Vec<Moved>> {
    let pairs = || {
        let both = stacks.iter().zip(parcels);
        both.flat_map(|(stack, parcels)| parcels.iter().map(move |parcel| (stack, parcel)))
    };
    let sent = (|| {
        for (stack, parcel) in pairs() {
            send_one(stack, parcel, &parcel.by_commit)?;
        }
        for (stack, parcel) in pairs() {
            send_one(stack, parcel, &parcel.latest)?;
        }
        pairs()
            .map(|(stack, parcel)| moved(stack, parcel))
            .collect()
    })();
    // The names that the next push takes over hold the digests; one more for every commit would
    // only fill the list of images.
    for (stack, parcel) in pairs() {
        let is_local = parcel.latest == parcel.local;
        let names = [parcel.by_commit.as_str()];
        let names = names.into_iter().filter(|_| !is_local);
        (stack.workplace.images).untag(names, &stack.workplace.context.printer);
    }
    sent
}

fn send_one(stack: &Stack<'_>, parcel: &Parcel<'_>, name: &str) -> Result<()> {
    let workplace = &stack.workplace;
    let printer = &workplace.context.printer;
    let Some(image) = &parcel.image else {
        return Err(Error::failed(format!(
            "`{}` is not what the files say, although it was just built",
            parcel.local
        )));
    };
    printer.status("Pushing", name);
    let before = workplace.images.find(name, printer)?;
    if before.is_some_and(|before| before.id != image.id) && name != parcel.local {
        // The image before would keep a name without a tag, by its digest there, which nobody sees.
        workplace.images.untag([name].into_iter(), printer);
    }
    workplace.images.tag(&image.id, name, printer)?;
    let doing = format!("push `{name}`");
    transfer::run(workplace, &transfer::push(workplace, name), &doing).map_err(|error| match error
        .kind()
    {
        Kind::Failed => permission::explain(stack, error),
        _ => error,
    })
}

fn moved(stack: &Stack<'_>, parcel: &Parcel<'_>) -> Result<Moved> {
    let workplace = &stack.workplace;
    let id = parcel.image.as_ref().map(|image| image.id.clone());
    let found = (workplace.images).find(&parcel.latest, &workplace.context.printer)?;
    // The same bytes go by both names.
    let found = found.filter(|image| Some(&image.id) == id.as_ref());
    let digest = found.and_then(|image| permission::digest(&image, &stack.place));
    let there = [&parcel.by_commit, &parcel.latest].map(|name| There {
        name: name.clone(),
        digest: digest.clone(),
    });
    Ok(Moved {
        installation: workplace.installation.name().to_string(),
        layer: stack.layer,
        flavour: parcel.flavour,
        local: vec![parcel.local.to_owned()],
        id,
        commit: parcel.commit.clone(),
        there: there.into(),
    })
}

/// What would be done.
fn show(
    context: &Context,
    stacks: &[Stack<'_>],
    parcels: &[Vec<Parcel<'_>>],
    indexes: Vec<report::Index>,
    announcement: &Announcement,
) -> Result<()> {
    if context.printer.format() == Format::Json {
        let both = stacks.iter().zip(parcels);
        let pairs = both.flat_map(|(stack, all)| all.iter().map(move |parcel| (stack, parcel)));
        let images: Result<_> = pairs.map(|(stack, parcel)| moved(stack, parcel)).collect();
        let changes = announcement.changes().changes();
        let files = changes.map(|change| change.path.display().to_string());
        return context.printer.json(&Report {
            dry_run: true,
            images: images?,
            indexes,
            files: files.collect(),
        });
    }
    let mut lines = Vec::new();
    for stack in stacks {
        let installation = stack.workplace.installation.name();
        for (layer, why) in stack.unbuilt()? {
            lines.push(format!(
                "envtpl build-{layer} -i {installation}   # the {layer} images are {why}"
            ));
        }
    }
    // `push` says of both layers what they need.
    lines.dedup();
    let name = |parcel: &Parcel<'_>, latest: bool| match latest {
        true => parcel.latest.clone(),
        false => parcel.by_commit.clone(),
    };
    for latest in [false, true] {
        for (stack, parcels) in stacks.iter().zip(parcels) {
            let docker = || stack.workplace.compose.tools().docker();
            for parcel in parcels {
                let name = name(parcel, latest);
                if name != parcel.local {
                    lines.push(docker().args(["tag", parcel.local, &name]).to_string());
                }
                lines.push(transfer::push(&stack.workplace, &name).to_string());
            }
        }
    }
    for planned in indexes {
        lines.push(format!(
            "# index {} of {}",
            planned.name,
            planned.platforms.join(", ")
        ));
    }
    lines.extend(
        (announcement.changes().changes()).map(|change| format!("{change}\n{}", change.diff())),
    );
    context.printer.data(lines.join("\n") + "\n")
}

fn say_what_next(context: &Context, stacks: &[Stack<'_>], report: &Report, unmarked: &[String]) {
    let printer = &context.printer;
    for file in &report.files {
        printer.status("Wrote", file);
    }
    for stack in stacks {
        if let Some(other) = &stack.place.other
            && !report.files.iter().any(|file| file == FILE)
        {
            printer.note(format_args!(
                "{FILE} still names {other} for the {} images; `--remember` would change that",
                stack.layer
            ));
        }
    }
    let generic = stacks.iter().filter(|stack| stack.layer == Layer::Generic);
    for stack in generic {
        let name = stack.workplace.installation.name();
        let command = readme::pull_command(&stack.place.written, name);
        printer.note(format_args!("team-mates pull them: `{command}`"));
        if unmarked.contains(&name.to_string()) {
            printer.verbose(format_args!(
                "the README.md of {name} has no line that ends with `{}`, so it does not say so",
                readme::MARK
            ));
        }
    }
}
