//! What will be scaffolded: names, kind of base and images.

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::commands::init::repository::Repository;
use crate::commands::init::{Args, Kind, base_python};
use crate::commands::questions;
use crate::error::{Error, Result};
use crate::files;
use crate::installation::conda_environment::{CondaEnvironment, CondaPackage};
use crate::installation::name::{Acceleration, Name, Platform};
use crate::templates::{Catalogue, Choice, FromBase, Machine, Python, check_image, naming};

/// What will be scaffolded.
#[derive(Debug)]
pub(super) struct Scaffold {
    pub(super) root: PathBuf,
    /// The project's name as the person wrote it, where it may stand so.
    pub(super) title: String,
    pub(super) project_name: String,
    pub(super) package_name: String,
    pub(super) from_base: FromBase,
    /// The machine that a toolchain compiles for.
    pub(super) machine: Option<&'static Machine>,
    pub(super) installations: Vec<(Name, Choice)>,
}

/// Settles names, kind of base and images; asks for what nobody said, on a terminal.
pub(super) fn decide(
    context: &Context,
    args: &Args,
    root: PathBuf,
    repository: &Repository,
) -> Result<Scaffold> {
    let ask = context.printer.can_ask() && !args.yes && !context.dry_run;
    let catalogue = Catalogue::embedded()?;
    let machine = machine(args)?;

    let called = root.file_name().unwrap_or_default().to_string_lossy();
    let given = args.project_name.as_deref().or(repository.project_name());
    let title = match given {
        Some(name) => name.to_owned(),
        None if ask => questions::text("Name of the project", &called, |name| {
            project_name(name).map(drop)
        })?,
        None => called.into_owned(),
    };
    let project_name = project_name(&title)?;
    if args
        .project_name
        .as_ref()
        .is_some_and(|given| *given != project_name)
    {
        context.printer.note(format_args!(
            "images and Compose know the project as `{project_name}`: their names hold a-z, 0-9, - and _"
        ));
    }
    let package_name = match (&args.package_name, &repository.package_name) {
        (Some(name), _) if !naming::is_package(name) => {
            return Err(
                Error::usage(format!("`{name}` cannot be the name of a Python package")).help(
                    "letters, digits and _, not beginning with a digit, and no keyword of Python",
                ),
            );
        }
        (Some(name), _) | (None, Some(name)) => name.clone(),
        (None, None) => naming::package(&title).unwrap_or_else(|| project_name.clone()),
    };

    let from_base = match args.from_base {
        _ if machine.is_some() => FromBase::Toolchain,
        Some(kind) => kind,
        None if ask && args.base_image.is_none() => {
            let kinds = [
                "from-python: extend an image that has a Python (recommended)",
                "from-scratch: a plain distribution, and everything from conda",
            ];
            FromBase::ALL[questions::choice("Start", &kinds)?]
        }
        None => FromBase::default(),
    };

    let names = installations(context, &root, &catalogue, machine, ask)?;
    let python = match machine {
        // It has that of its distribution, which need not be one that the project runs with.
        Some(_) => Python::Any,
        None => python(args, repository)?,
    };
    if let Some(image) = &args.base_image {
        check_image(image)?;
    }
    let python = match &args.base_image {
        Some(image) if from_base == FromBase::FromPython => {
            base_python::check(context, image, python)?
        }
        _ => python,
    };
    let mut installations = Vec::new();
    for name in names {
        let choice = match &args.base_image {
            Some(image) => catalogue.choose_own(&name, from_base, image, &python)?,
            None => catalogue.choose(&name, from_base, &python)?,
        };
        if !python.accepts(&choice.python_version) {
            context.printer.warn(format_args!(
                "the project asks for Python {python}, and `{}` has {}",
                choice.base.base_image, choice.python_version
            ));
        }
        installations.push((name, choice));
    }
    Ok(Scaffold {
        root,
        title: if naming::is_distribution(&title) {
            title
        } else {
            project_name.clone()
        },
        project_name,
        package_name,
        from_base,
        machine,
        installations,
    })
}

fn project_name(title: &str) -> Result<String> {
    naming::project(title)
        .filter(|name| name.len() <= 63)
        .ok_or_else(|| {
            Error::usage(format!("`{title}` cannot be made into a project name"))
                .help("names of images hold a-z, 0-9, - and _, at most 63; give one with `--project-name`")
        })
}

/// The machine that a toolchain compiles for; `None` when none is asked for.
fn machine(args: &Args) -> Result<Option<&'static Machine>> {
    match (args.kind, &args.triple) {
        (Kind::Environment, None) => Ok(None),
        (Kind::Environment, Some(_)) => Err(Error::usage(
            "`--triple` says what a toolchain compiles for, and none was asked for",
        )
        .help("add `--kind toolchain`")),
        (Kind::Toolchain, None) => Err(Error::usage(
            "nobody said which machine the toolchain compiles for",
        )
        .help(format!("give it with `--triple`: {}", Machine::triples()))),
        (Kind::Toolchain, Some(_)) if args.from_base.is_some() || args.python.is_some() => {
            Err(Error::usage(
                "a toolchain has the Python of its distribution: `--from-base` and `--python` choose none",
            )
            .help("another release of the distribution has another one: `--base-image debian:12-slim`"))
        }
        (Kind::Toolchain, Some(triple)) => Machine::of(triple).map(Some),
    }
}

/// The version of Python that was asked for, or that the project requires.
fn python(args: &Args, repository: &Repository) -> Result<Python> {
    if let Some(version) = &args.python {
        let number =
            |part: &str| (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
        return match version.split_once('.') {
            Some(("3", minor)) if number(minor) => Ok(Python::Exactly(version.clone())),
            _ => Err(Error::usage(format!("`{version}` is no version of Python"))
                .help("give it as X.Y, such as 3.12")),
        };
    }
    let pyproject = repository.pyproject.requires_python.as_ref();
    let required = pyproject.or(repository.setup_cfg.python_requires.as_ref());
    if let Some(specifiers) = required {
        return Ok(Python::Within(specifiers.clone()));
    }
    let packages = repository.conda.iter().flat_map(CondaEnvironment::conda);
    let mut series = packages.filter(|package| package.name == "python");
    if let Some(version) = series.find_map(CondaPackage::series) {
        if args.from_base == Some(FromBase::FromScratch) {
            return Ok(Python::Exactly(version));
        }
        // An image brings its own Python: one that fits is chosen, another is warned of.
        if let Ok(specifiers) = format!("=={version}.*").parse() {
            return Ok(Python::Within(specifiers));
        }
    }
    Ok(Python::Any)
}

/// The installations to scaffold: none of them is there yet.
fn installations(
    context: &Context,
    root: &Path,
    catalogue: &Catalogue,
    machine: Option<&Machine>,
    ask: bool,
) -> Result<Vec<Name>> {
    let check = |text: &str| -> Result<Name> {
        let name: Name = text.parse()?;
        catalogue.check(&name)?;
        if let Some(machine) = machine {
            machine.check(&name)?;
        }
        let there = there(root)?;
        let taken = there.iter().find(|path| {
            let other = path.file_name().unwrap_or_default().to_string_lossy();
            other == name.to_string()
                || (other.parse()).is_ok_and(|other: Name| other.same_environment(&name))
        });
        if let Some(path) = taken {
            return Err(
                Error::usage(format!("`{}` is there already", path.display()))
                    .help(format!(
                        "give other names with `-i`, such as a variant: {}",
                        name.another()
                    ))
                    .help(format!("or remove it first: rm -r {}", path.display())),
            );
        }
        Ok(name)
    };
    let requested = if !context.requested.is_empty() {
        context.requested.clone()
    } else {
        let here = Name::new(Platform::host(), Acceleration::Cpu);
        let defaults = match machine {
            Some(machine) => vec![format!("{here}-{}", machine.variant())],
            None => vec![
                Name::new(Platform::Amd64, Acceleration::Cuda).to_string(),
                here.to_string(),
            ],
        };
        if ask {
            let answer = questions::text(
                "Installations, as <platform>-<acceleration>",
                &defaults.join(" "),
                |answer| {
                    let names = answer.split([' ', ',']).filter(|name| !name.is_empty());
                    names.map(check).collect::<Result<Vec<_>>>().map(drop)
                },
            )?;
            let names = answer.split([' ', ',']).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        } else {
            defaults
        }
    };
    let mut names: Vec<Name> = requested
        .iter()
        .map(|name| check(name))
        .collect::<Result<_>>()?;
    names.sort();
    for pair in names.windows(2) {
        if pair[0].same_environment(&pair[1]) {
            return Err(Error::usage(format!(
                "`{}` and `{}` are the same installation",
                pair[0], pair[1]
            )));
        }
    }
    Ok(names)
}

/// What `installation/` holds, relative to the project.
fn there(root: &Path) -> Result<Vec<PathBuf>> {
    let directory = root.join("installation");
    if !files::is_directory(&directory) {
        return Ok(Vec::new());
    }
    let relative = |path: PathBuf| path.strip_prefix(root).map(Path::to_owned).unwrap_or(path);
    Ok(files::list(&directory)?.into_iter().map(relative).collect())
}
