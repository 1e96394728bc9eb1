//! `envtpl init`: scaffolds installations, and a small package where there is none.

mod base_python;
mod decision;
mod declared;
mod import;
mod repository;
mod usable;
mod writing;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::env::Host;
use crate::commands::{Context, planned};
use crate::error::{Error, Result};
use crate::files::{self, ChangeSet};
use crate::installation::name::{Acceleration, Name, Platform};
use crate::process::quote;
use crate::project::{Git, Project};
use crate::templates::{Choice, FromBase};

use decision::Scaffold;
use declared::Declared;
use repository::Repository;

/// Scaffold installations for a new or an existing Python project
///
/// Writes `installation/<name>/` for each environment: Dockerfiles, Compose files and lists of
/// packages, which are yours to read and edit. In an existing repository names, the version of
/// Python and packages come from pyproject.toml (Poetry's table, too), setup.cfg,
/// requirements.txt with the files that it includes, environment.yml and apt.txt; what a build
/// cannot use is named. No file that is there changes, apart from lines that are added to
/// .gitignore. Where there is no Python package, a small one with an experiment is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl init                              amd64-cuda for the server, and <this platform>-cpu
  envtpl init my-project -i amd64-rocm     in a new directory, for AMD GPUs
  envtpl init --from-base from-scratch --python 3.11
  envtpl init --base-image python:3.11-slim -i arm64-cpu --yes
  envtpl init --kind toolchain --triple aarch64-linux-gnu -i amd64-cpu-aarch64
  envtpl init --dry-run                    show the files that would be written")]
pub struct Args {
    /// The project's directory; it is made if it is not there
    #[arg(value_name = "DIR")]
    project: Option<PathBuf>,

    /// What to scaffold: what the project runs in, or compilers for another machine
    #[arg(long, value_enum, value_name = "KIND", default_value_t)]
    kind: Kind,

    /// The machine that a toolchain compiles for, as a GNU triple
    #[arg(long, value_name = "TRIPLE")]
    triple: Option<String>,

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

/// What is scaffolded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// What the project runs in.
    #[default]
    Environment,
    /// Compilers for another machine.
    Toolchain,
}

#[derive(Debug, Serialize)]
struct Report {
    root: PathBuf,
    project_name: String,
    package_name: String,
    from_base: FromBase,
    /// The machine that a toolchain compiles for.
    #[serde(skip_serializing_if = "Option::is_none")]
    triple: Option<&'static str>,
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
    if args.project.is_none() {
        refuse_inside_another(&root)?;
    }
    if files::is_directory(&root) {
        files::recover(&root)?;
    }
    let repository = Repository::look(&root)?;
    let scaffold = decision::decide(context, args, root, &repository)?;
    let mut declared = match scaffold.machine {
        // What the project needs when it runs has no place beside compilers.
        Some(_) => Declared::default(),
        None => import::declared(context, &scaffold.root, &repository, scaffold.from_base)?,
    };
    let host = Host::look(&context.printer)?;

    let installations = scaffold.installations.iter();
    let names: Vec<&Name> = installations.map(|(name, _)| name).collect();
    let _lock = planned::lock(context, &scaffold.root, &names, "init")?;
    let mut changes = ChangeSet::new(&scaffold.root);
    let no_skeleton = args.no_skeleton || scaffold.machine.is_some();
    if repository.has_only_tools && !no_skeleton {
        context.printer.warn(
            "no package was written: pyproject.toml is there, and has no [project] to install",
        );
        context.printer.help(
            "add [project] and [build-system] to it, or say that none is wanted with `--no-skeleton`",
        );
    }
    let no_skeleton = no_skeleton || repository.has_only_tools;
    let program = if repository.has_package || no_skeleton {
        writing::ignore(&mut changes, ["/.envtpl/"].into_iter())?;
        None
    } else {
        Some(writing::package(&mut changes, &scaffold, &mut declared)?)
    };
    let mut added = Vec::new();
    for (name, choice) in &scaffold.installations {
        added = writing::installation(&mut changes, &scaffold, name, choice, &declared, &host)?;
    }

    planned::make(context, changes, &report(&scaffold))?;
    if !context.dry_run {
        host.explain(&added, &context.printer);
        tell(context, &scaffold, program.as_deref())?;
    }
    Ok(())
}

/// Who types `envtpl init` in a subdirectory of a project, or in one of its installations, means
/// that project; a repository of its own in there is a project of its own.
fn refuse_inside_another(directory: &Path) -> Result<()> {
    if files::exists(&directory.join(".git")) {
        return Ok(());
    }
    let Ok(project) = Project::discover(directory) else {
        return Ok(());
    };
    if project.root() == directory {
        return Ok(());
    }
    let root = quote(project.root());
    Err(Error::usage(format!(
        "`{}` is inside of the project `{}`",
        directory.display(),
        project.root().display()
    ))
    .help(format!(
        "add installations to it: `envtpl -C {root} init -i NAME`"
    ))
    .help("or name the directory, for a project of its own in there: `envtpl init .`"))
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
        triple: scaffold.machine.map(|machine| machine.triple),
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
    let program = match scaffold.machine {
        Some(_) => "make",
        None => program.unwrap_or("python"),
    };
    steps.push(format!("envtpl run -i {name} -- {program}"));
    steps.push(format!("envtpl freeze -i {name}"));
    printer.note(format_args!("\nNext:\n  {}", steps.join("\n  ")));
    Ok(())
}
