//! `envtpl init`: scaffolds installations, and a small package where there is none.

pub(in crate::commands) mod declared;
mod questions;
mod repository;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::env::{self, Host, Subject};
use crate::commands::{Context, planned};
use crate::error::{Error, Result};
use crate::files::{self, ChangeSet};
use crate::installation::name::{Acceleration, Name, Platform};
use crate::project::Git;
use crate::templates::render::{self, ProjectAnswers};
use crate::templates::{
    Answers, Catalogue, Choice, FromBase, Python, RECORD, Record, check_image, naming,
};

use declared::{Declared, Section};
use repository::Repository;

/// Scaffold installations for a new or an existing Python project
///
/// Writes `installation/<name>/` for each environment: Dockerfiles, Compose files and lists of
/// packages, which are yours to read and edit. In an existing repository names, the version of
/// Python and packages come from pyproject.toml, requirements.txt, environment.yml and apt.txt,
/// and no file that is there changes, apart from lines that are added to .gitignore. Where there
/// is no Python package, a small one with an experiment is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl init                              amd64-cuda for the server, and <this platform>-cpu
  envtpl init my-project -i amd64-rocm     in a new directory, for AMD GPUs
  envtpl init --from-base from-scratch --python 3.11
  envtpl init --base-image python:3.11-slim -i arm64-cpu --yes
  envtpl init --dry-run                    show the files that would be written")]
pub struct Args {
    /// The project's directory; it is made if it is not there
    #[arg(value_name = "DIR")]
    project: Option<PathBuf>,

    /// Extend an image that has a Python (the default), or start from a plain one with conda
    #[arg(long, value_enum, value_name = "KIND")]
    from_base: Option<FromBase>,

    /// The image to start from, in place of the catalogue's
    #[arg(long, value_name = "REF")]
    base_image: Option<String>,

    /// The project's name; by default from pyproject.toml, else the directory's
    #[arg(long, value_name = "NAME")]
    project_name: Option<String>,

    /// The name of its Python package; by default the one that is there, else from the project's
    #[arg(long, value_name = "NAME")]
    package_name: Option<String>,

    /// The version of Python; from-python: chooses the catalogue's image
    #[arg(long, value_name = "X.Y")]
    python: Option<String>,

    /// Write no package, though there is none
    #[arg(long)]
    no_skeleton: bool,

    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
}

/// What will be scaffolded.
#[derive(Debug)]
struct Scaffold {
    root: PathBuf,
    /// The project's name as the person wrote it, where it may stand so.
    title: String,
    project_name: String,
    package_name: String,
    from_base: FromBase,
    installations: Vec<(Name, Choice)>,
}

#[derive(Debug, Serialize)]
struct Report {
    root: PathBuf,
    project_name: String,
    package_name: String,
    from_base: FromBase,
    installations: Vec<Installed>,
}

#[derive(Debug, Serialize)]
struct Installed {
    name: String,
    base_image: String,
    python_version: String,
}

/// Runs the command.
///
/// # Errors
/// `Usage` for names, versions and images that cannot be, and for installations that are there
/// already; then nothing has changed.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let root = root(context, args);
    if files::is_directory(&root) {
        files::recover(&root)?;
    }
    let repository = Repository::look(&root)?;
    let scaffold = decide(context, args, root, &repository)?;
    let declared = declared(context, &repository, scaffold.from_base)?;
    let host = Host::look(&context.printer)?;

    let names: Vec<&Name> = scaffold
        .installations
        .iter()
        .map(|(name, _)| name)
        .collect();
    let _lock = planned::lock(context, &scaffold.root, &names, "init")?;
    let mut changes = ChangeSet::new(&scaffold.root);
    let mut declared = declared;
    let mut program = None;
    if !repository.has_package && !args.no_skeleton {
        let skeleton = skeleton(&scaffold)?;
        program = skeleton
            .keys()
            .find(|path| path.ends_with("digits.py"))
            .map(|_| format!("python -m {}.digits", scaffold.package_name));
        if let Some(file) = skeleton.get("pyproject.toml") {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let pyproject = crate::installation::pyproject::Pyproject::parse(
                Path::new("pyproject.toml"),
                &text,
            )?;
            declared.python.splice(0..0, sections(&pyproject, &[]));
        }
        for (path, file) in &skeleton {
            if path == ".gitignore" {
                let lines = String::from_utf8_lossy(&file.bytes).into_owned();
                ignore(&mut changes, lines.lines())?;
            } else if !files::exists(&scaffold.root.join(path)) {
                changes.write(path, file.bytes.clone(), file.mode())?;
            }
        }
    } else {
        ignore(&mut changes, ["/.envtpl/"].into_iter())?;
    }
    let mut added = Vec::new();
    for (name, choice) in &scaffold.installations {
        added = installation(&mut changes, &scaffold, name, choice, &declared, &host)?;
    }

    planned::make(context, changes, &report(&scaffold))?;
    if !context.dry_run {
        host.explain(&added, &context.printer);
        tell(context, &scaffold, program.as_deref())?;
    }
    Ok(())
}

fn root(context: &Context, args: &Args) -> PathBuf {
    match &args.project {
        Some(directory) => {
            let asked = context.directory.join(directory);
            asked.canonicalize().unwrap_or(asked)
        }
        None => context.directory.clone(),
    }
}

/// Settles names, kind of base and images; asks for what nobody said, on a terminal.
fn decide(
    context: &Context,
    args: &Args,
    root: PathBuf,
    repository: &Repository,
) -> Result<Scaffold> {
    let ask = context.printer.can_ask() && !args.yes && !context.dry_run;
    let catalogue = Catalogue::embedded()?;

    let called = root.file_name().unwrap_or_default().to_string_lossy();
    let given = args
        .project_name
        .as_deref()
        .or(repository.pyproject.name.as_deref());
    let title = match given {
        Some(name) => name.to_owned(),
        None if ask => questions::text("Name of the project", &called, |name| {
            project_name(name).map(drop)
        })?,
        None => called.into_owned(),
    };
    let project_name = project_name(&title)?;
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

    let names = installations(context, &root, &catalogue, ask)?;
    let python = python(args, repository)?;
    if let Some(image) = &args.base_image {
        check_image(image)?;
    }
    let mut installations = Vec::new();
    for name in names {
        let choice = match &args.base_image {
            Some(image) => catalogue.choose_own(&name, from_base, image, &python)?,
            None => catalogue.choose(&name, from_base, &python)?,
        };
        if !python.accepts(&choice.python_version) {
            context.printer.warn(format_args!(
                "pyproject.toml requires Python {python}, and `{}` has {}",
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
    if let Some(specifiers) = &repository.pyproject.requires_python {
        return Ok(Python::Within(specifiers.clone()));
    }
    if let Some((path, text)) = &repository.conda
        && let (conda, _) = declared::environment(path, text)?
        && let Some(version) = conda.python
        && args.from_base == Some(FromBase::FromScratch)
    {
        return Ok(Python::Exactly(version));
    }
    Ok(Python::Any)
}

/// The installations to scaffold: none of them is there yet.
fn installations(
    context: &Context,
    root: &Path,
    catalogue: &Catalogue,
    ask: bool,
) -> Result<Vec<Name>> {
    let check = |text: &str| -> Result<Name> {
        let name: Name = text.parse()?;
        catalogue.check(&name)?;
        let there = there(root)?;
        let taken = there.iter().find(|path| {
            let other = path.file_name().unwrap_or_default().to_string_lossy();
            other == name.to_string()
                || (other.parse()).is_ok_and(|other: Name| other.same_environment(&name))
        });
        if let Some(path) = taken {
            return Err(
                Error::usage(format!("`{}` is there already", path.display()))
                    .help("give other names with `-i`, such as a variant: amd64-cuda-2")
                    .help(format!("or remove it first: rm -r {}", path.display())),
            );
        }
        Ok(name)
    };
    let requested = if !context.requested.is_empty() {
        context.requested.clone()
    } else {
        let defaults = [
            Name::new(Platform::Amd64, Acceleration::Cuda).to_string(),
            Name::new(Platform::host(), Acceleration::Cpu).to_string(),
        ];
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
            defaults.to_vec()
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

/// The packages that the repository declares.
fn declared(context: &Context, repository: &Repository, kind: FromBase) -> Result<Declared> {
    let printer = &context.printer;
    let mut declared = Declared::default();
    let mut imported = Vec::new();
    if let Some(text) = &repository.requirements {
        let (lines, unusable) = declared::requirements(text);
        for one in unusable {
            printer.warn(format_args!(
                "requirements.txt: `{}` is left out: {}",
                one.line, one.why
            ));
        }
        imported.push(Section::new("From requirements.txt.", lines));
    }
    if let Some((path, text)) = &repository.conda {
        let (conda, lines) = declared::environment(path, text)?;
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        if kind == FromBase::FromPython && !conda.packages.is_empty() {
            printer.warn(format_args!(
                "{shown}: conda packages are left out of a from-python installation: {}",
                conda.packages.join(", ")
            ));
            printer.help(
                "`--from-base from-scratch` takes them; or add to requirements.txt what pip has",
            );
        }
        imported.push(Section::new(&format!("From {shown}."), lines));
        declared.conda = conda;
    }
    if repository.pyproject.has_poetry_dependencies {
        printer.warn(
            "pyproject.toml: packages in [tool.poetry.dependencies] are left out; \
             [project] dependencies are read",
        );
    }
    declared.python = sections(&repository.pyproject, &imported);
    declared.python.extend(imported);
    if let Some(text) = &repository.apt {
        let list = crate::installation::apt_list::AptList::parse(Path::new("apt.txt"), text)?;
        declared.apt = list.entries().iter().map(ToString::to_string).collect();
    }
    Ok(declared)
}

/// What `pyproject.toml` declares; a file of requirements says more exactly what it repeats.
fn sections(
    pyproject: &crate::installation::pyproject::Pyproject,
    imported: &[Section],
) -> Vec<Section> {
    let mut known: Vec<String> = imported
        .iter()
        .flat_map(|section| &section.lines)
        .filter_map(|line| declared::distribution(line))
        .collect();
    let mut section = |heading: &str, lines: &[String]| {
        let new = |line: &&String| match declared::distribution(line) {
            Some(name) if known.contains(&name) => false,
            Some(name) => {
                known.push(name);
                true
            }
            None => true,
        };
        Section::new(heading, lines.iter().filter(new).cloned().collect())
    };
    let builds = "Builds the project itself, without the network (pyproject.toml, [build-system]).";
    let needs = "What the project needs (pyproject.toml, [project] dependencies).";
    vec![
        section(builds, &pyproject.build_requires),
        section(needs, &pyproject.dependencies),
    ]
}

fn skeleton(scaffold: &Scaffold) -> Result<render::Files> {
    let python = scaffold
        .installations
        .iter()
        .map(|(_, choice)| choice.python_version.as_str())
        .min_by_key(|version| {
            let minor = version.split('.').nth(1);
            minor.and_then(|minor| minor.parse::<u32>().ok())
        });
    render::project(&ProjectAnswers {
        project_title: scaffold.title.clone(),
        project_name: scaffold.project_name.clone(),
        package_name: scaffold.package_name.clone(),
        python_version: python.unwrap_or("3.9").to_owned(),
    })
}

/// Plans the lines of `.gitignore` that are missing.
fn ignore<'a>(changes: &mut ChangeSet, lines: impl Iterator<Item = &'a str>) -> Result<()> {
    let before = changes.content(".gitignore")?.unwrap_or_default();
    let shown = String::from_utf8_lossy(&before).into_owned();
    let line_break = if shown.contains("\r\n") { "\r\n" } else { "\n" };
    let mut after = before.clone();
    for line in lines {
        if !shown.lines().any(|other| other.trim_end() == line) {
            if !after.is_empty() && !after.ends_with(b"\n") {
                after.extend(line_break.bytes());
            }
            after.extend(line.bytes().chain(line_break.bytes()));
        }
    }
    if after != before {
        changes.write_keeping_mode(".gitignore", after)?;
    }
    Ok(())
}

/// Plans the files of an installation; gives the settings that its `.env` makes.
fn installation(
    changes: &mut ChangeSet,
    scaffold: &Scaffold,
    name: &Name,
    choice: &Choice,
    declared: &Declared,
    host: &Host,
) -> Result<Vec<String>> {
    let directory = Path::new("installation").join(name.to_string());
    let answers = Answers::new(
        name,
        scaffold.from_base,
        choice.clone(),
        &scaffold.project_name,
        &scaffold.package_name,
    );
    let mut rendered = render::installation(&answers)?;
    let record = Record::new(answers, &rendered)?;
    declared::put(&mut rendered, scaffold.from_base, declared)?;
    for (path, file) in rendered {
        let mode = file.mode();
        changes.write(directory.join(path), file.bytes, mode)?;
    }
    changes.write(directory.join(RECORD), record.to_text()?, 0o644)?;
    let subject = Subject {
        installation: name.clone(),
        project_name: scaffold.project_name.clone(),
        package_name: scaffold.package_name.clone(),
    };
    env::plan(changes, &directory.join(".env"), &subject, host)
}

fn report(scaffold: &Scaffold) -> Report {
    let installed = |(name, choice): &(Name, Choice)| Installed {
        name: name.to_string(),
        base_image: choice.base.base_image.clone(),
        python_version: choice.python_version.clone(),
    };
    Report {
        root: scaffold.root.clone(),
        project_name: scaffold.project_name.clone(),
        package_name: scaffold.package_name.clone(),
        from_base: scaffold.from_base,
        installations: scaffold.installations.iter().map(installed).collect(),
    }
}

/// Says what was done and what comes next.
fn tell(context: &Context, scaffold: &Scaffold, program: Option<&str>) -> Result<()> {
    let printer = &context.printer;
    for (name, choice) in &scaffold.installations {
        printer.status(
            "Wrote",
            format_args!("installation/{name}, from {}", choice.base.base_image),
        );
    }
    if program.is_some() {
        printer.status(
            "Wrote",
            format_args!("the package {}", scaffold.package_name),
        );
    }
    let here = Name::new(Platform::host(), Acceleration::Cpu);
    let name = scaffold
        .installations
        .iter()
        .map(|(name, _)| name)
        .find(|name| **name == here)
        .or(scaffold.installations.first().map(|(name, _)| name));
    let Some(name) = name else { return Ok(()) };
    let mut steps = Vec::new();
    if scaffold.root != context.directory {
        steps.push(format!("cd {}", scaffold.root.display()));
    }
    if Git::open(&scaffold.root)?.is_none() {
        steps.push("git init".to_owned());
    }
    steps.push("git add . && git commit -m 'Scaffold the environments'".to_owned());
    steps.push(format!("envtpl build-user -i {name}"));
    let program = program.unwrap_or("python");
    steps.push(format!("envtpl run -i {name} -- {program}"));
    steps.push(format!("envtpl freeze -i {name}"));
    printer.note(format_args!("\nNext:\n  {}", steps.join("\n  ")));
    Ok(())
}
