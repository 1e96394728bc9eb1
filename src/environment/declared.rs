//! The declared files of an installation: what they ask for, and editing them.

mod editing;
mod lines;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::environment::index::Indexes;
use crate::environment::requires::Requirement;
use crate::error::{Error, Result};
use crate::files;
use crate::installation::apt_list::AptList;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{
    Entry, FileOption, Includes, Inclusion, Kind, Requirements, check_conflicts,
};

pub use editing::Changed;
pub use lines::{Asked, DeclaredLine, comparable};

const REQUIREMENTS: &str = "dependencies/requirements.txt";
const ENVIRONMENT: &str = "dependencies/environment.yml";
const APT_BUILD: &str = "dependencies/apt-build.txt";
const APT_RUNTIME: &str = "dependencies/apt-runtime.txt";
const APT_DEV: &str = "dependencies/apt-dev.txt";

/// What people declared, as far as freezing asks.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Python requirements that name their package.
    pub python: Vec<Requirement>,
    /// Python requirements that are addresses alone.
    pub python_addresses: Vec<String>,
    /// Packages of `apt-build.txt`.
    pub apt_build: BTreeSet<String>,
    /// Packages of `apt-runtime.txt`.
    pub apt_runtime: BTreeSet<String>,
    /// Packages of `apt-dev.txt`.
    pub apt_dev: BTreeSet<String>,
    /// Conda packages of `environment.yml`; `None` for an installation without one.
    pub conda: Option<BTreeSet<String>>,
    /// All of it, line by line.
    pub lines: Vec<DeclaredLine>,
    /// The package indexes that it names.
    pub indexes: Indexes,
}

/// A package that is added to a declared file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Addition {
    /// The list that it is added to.
    pub list: List,
    /// The package's name.
    pub name: String,
    /// The line that is added.
    pub line: String,
    /// The version that is installed.
    pub version: String,
}

/// A list of declared packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// `apt-build.txt`.
    AptBuild,
    /// `apt-runtime.txt`.
    AptRuntime,
    /// `apt-dev.txt`.
    AptDev,
    /// The packages of `environment.yml` that conda installs.
    Conda,
    /// `requirements.txt`, or the `pip:` list of `environment.yml`.
    Python,
}

/// The declared files of an installation.
#[derive(Debug)]
pub struct DeclaredFiles {
    /// The installation's.
    directory: PathBuf,
    requirements: Option<Requirements>,
    /// Files that requirements.txt includes with `-r`.
    included: Vec<Included>,
    environment: Option<CondaEnvironment>,
    apt_build: AptList,
    apt_runtime: AptList,
    apt_dev: AptList,
    /// The texts as they were read.
    before: Vec<(&'static str, String)>,
}

/// A file that requirements.txt includes.
#[derive(Debug, Clone)]
struct Included {
    /// Its path in the installation; `None` for one outside.
    name: Option<String>,
    before: String,
    now: Requirements,
}

impl DeclaredFiles {
    /// Reads the files in an installation's directory.
    ///
    /// # Errors
    /// `Usage`, with the line, when one of them is wrong or a file that they include is missing.
    pub fn read(directory: &Path) -> Result<Self> {
        let mut before = Vec::new();
        let mut read = |name: &'static str| -> Result<Option<(PathBuf, String)>> {
            let path = directory.join(name);
            let text = files::read_text_if_exists(&path)?;
            before.extend(text.clone().map(|text| (name, text)));
            Ok(text.map(|text| (path, text)))
        };
        let environment = read(ENVIRONMENT)?
            .map(|(path, text)| CondaEnvironment::parse(&path, &text))
            .transpose()?;
        // The build of an installation with an environment.yml reads no requirements.txt.
        let requirements = match environment {
            Some(_) => None,
            None => read(REQUIREMENTS)?,
        };
        let requirements = requirements
            .map(|(path, text)| Requirements::parse(&path, &text))
            .transpose()?;
        let included = match &requirements {
            Some(requirements) => included(directory, requirements)?,
            None => Vec::new(),
        };
        check_conflicts((requirements.iter()).chain(included.iter().map(|file| &file.now)))?;
        let mut list = |name: &'static str| match read(name)? {
            Some((path, text)) => AptList::parse(&path, &text),
            None => AptList::parse(&directory.join(name), ""),
        };
        let files = Self {
            directory: directory.to_owned(),
            apt_build: list(APT_BUILD)?,
            apt_runtime: list(APT_RUNTIME)?,
            apt_dev: list(APT_DEV)?,
            requirements,
            included,
            environment,
            before,
        };
        files.lines()?;
        Ok(files)
    }

    /// What they ask for.
    pub fn declared(&self) -> Declared {
        let names = |list: &AptList| list.names().map(str::to_owned).collect();
        // What pip gets from environment.yml was read when the file was.
        let of_environment = self
            .environment
            .as_ref()
            .and_then(|environment| environment.pip_requirements().ok());
        let included = self.included.iter().map(|included| &included.now);
        let lists = self.requirements.iter().chain(included);
        let lists = lists.chain(&of_environment);
        let lists: Vec<&Requirements> = lists.collect();
        let values = |option: &'static str| {
            let values = lists.iter().flat_map(|list| list.option_values(option));
            let mut values: Vec<String> = values.map(|url| url.as_written().to_owned()).collect();
            values.dedup();
            values
        };
        let indexes = Indexes {
            index: values("--index-url").pop(),
            extra: values("--extra-index-url"),
            links: values("--find-links"),
        };
        let lists = lists.iter().copied();
        let entries: Vec<&Entry> = lists.flat_map(Requirements::requirements).collect();
        Declared {
            python: entries
                .iter()
                .filter_map(|entry| requirement(entry))
                .collect(),
            python_addresses: entries
                .iter()
                .filter(|entry| entry.kind.name().is_none())
                .filter_map(|entry| entry.kind.location())
                .map(|location| location.as_written().to_owned())
                .collect(),
            apt_build: names(&self.apt_build),
            apt_runtime: names(&self.apt_runtime),
            apt_dev: names(&self.apt_dev),
            conda: self.environment.as_ref().map(|environment| {
                let packages = environment.conda().iter();
                packages.map(|package| package.name.clone()).collect()
            }),
            // What cannot be read was told when the files were read.
            lines: self.lines().unwrap_or_default(),
            indexes,
        }
    }
}

/// The files that a requirements file includes with `-r`, theirs too, each once.
fn included(directory: &Path, requirements: &Requirements) -> Result<Vec<Included>> {
    let mut includes = Includes::within(directory);
    includes.note(requirements.path());
    let mut pending = vec![requirements.clone()];
    let mut found = Vec::new();
    while let Some(requirements) = pending.pop() {
        for entry in requirements.entries() {
            let Kind::Option(FileOption {
                name: "--requirement",
                value: Some(location),
            }) = &entry.kind
            else {
                continue;
            };
            match includes.open(requirements.path(), location.as_written())? {
                Inclusion::Read(requirements) => {
                    found.push(Included {
                        name: name_in(directory, requirements.path()),
                        before: requirements.text().to_owned(),
                        now: requirements.clone(),
                    });
                    pending.push(requirements);
                }
                // What is behind an address is for the build to read.
                Inclusion::Again | Inclusion::Address => {}
                Inclusion::Missing | Inclusion::Outside => {
                    return Err(Error::usage(format!(
                        "`{location}` is included and not in the installation"
                    ))
                    .at(requirements.place(entry))
                    .help("the build sees dependencies/requirements*.txt alone"));
                }
            }
        }
    }
    Ok(found)
}

/// The path of a file in the installation, if it is one.
fn name_in(directory: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(directory).ok()?;
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| relative.to_string_lossy().into_owned())
}

/// A declared requirement, when it tells its name.
fn requirement(entry: &Entry) -> Option<Requirement> {
    let location = entry.kind.location().map(|location| location.as_written());
    let extras = entry.kind.extras().iter().map(String::as_str);
    Some(Requirement::new(
        entry.kind.name()?,
        extras,
        location,
        entry.kind.marker(),
    ))
}
