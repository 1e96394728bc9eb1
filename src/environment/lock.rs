//! `envtpl.lock`: every package of an environment with its exact version and origin.
//!
//! envtpl writes it as a whole and reads it strictly. One package is one block and the blocks are
//! sorted, so that git merges two people's freezes, or shows them one block to decide on.

#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::environment::origin::Origin;
use crate::installation::pin;

/// The file's name in an installation.
pub const FILE: &str = "envtpl.lock";

/// The form of the file that is written, and the newest that is read.
const SCHEMA: u32 = 1;

/// A frozen environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    pub schema: u32,
    /// The processor architecture, `amd64`.
    pub platform: String,
    /// What the environment stands on.
    pub base: Base,
    /// What was declared, as far as the packages answer it.
    #[serde(default, skip_serializing_if = "Settled::is_empty")]
    pub declared: Settled,
    /// The environment's Python; `None` when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
    /// System packages.
    #[serde(default, skip_serializing_if = "Apt::is_empty")]
    pub apt: Apt,
    /// Conda packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conda: Vec<CondaPackage>,
    /// Python packages that builds use and no image holds: what installs the others, and what
    /// those that are built from source ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
}

/// A Python package that builds use.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The files of the index that it is taken from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PythonFile>,
}

/// The base image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its name, as `compose-base.yaml` has it, without a digest.
    pub image: String,
    /// The digest by which its registry knows it; an image made on this machine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The engine's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The command that made it on this machine, where envtpl did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Its distribution.
    pub os: String,
}

/// Declared lines that the locked packages answer, each list sorted. A build that finds no others
/// in the declared files has nothing to resolve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settled {
    /// Requirements for pip that no locked package answers: the base image has theirs, or they do
    /// not hold here. As written, in one line, without comments and credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<String>,
    /// Packages for conda, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conda: Vec<String>,
    /// Packages of `apt-build.txt` that none of its locked packages is for, and that are there all
    /// the same, as written; all of them where nothing was built from source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt_build: Vec<String>,
    /// Packages of `apt-runtime.txt` that the base image has or provides, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt_runtime: Vec<String>,
    /// Packages of `apt-dev.txt` that the run image has or provides, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt_dev: Vec<String>,
}

/// A Python with the packages that the environment adds to those of the base image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// Its full version.
    pub version: String,
    /// Packages of the base image, or of conda, that the others or the declared files ask for,
    /// as `name==version`: with another base the lock does not answer what is declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// Packages by name.
    #[serde(default)]
    pub packages: Vec<PythonPackage>,
}

/// A Python package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PythonPackage {
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from.
    #[serde(with = "serde_yaml::with::singleton_map")]
    #[cfg_attr(test, schemars(with = "Origin"))]
    pub origin: Origin,
    /// The index that has it, without credentials, where that is not the environment's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The files of the index that it was installed from, by name: one, or where nothing tells
    /// which it was, each that could have been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PythonFile>,
    /// Why its authors took this version back (yanked it), where the index said so when it was
    /// asked; empty when they gave no reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<String>,
    /// Whether a person asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// The declared lines that it answers, as those of [`Settled`]. They are here and not there, so
    /// that two people's freezes are merged, or conflict, in one block a package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<String>,
    /// What it was built from source with: those of the lock's tools, as `name==version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Where it was built from source and came out as Python alone: SHA-256 over the sorted paths and
    /// digests of its RECORD. Builds then try it without compilers, and go by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pure: Option<String>,
    /// Why no build can get it again, if that is so; the build's lists then leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<String>,
}

/// A file of a package index: a wheel or a source archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PythonFile {
    /// Its name, from which pip reads what it is.
    pub name: String,
    /// Its address, without credentials.
    pub url: String,
    /// Its digest.
    pub sha256: String,
    /// Its size in bytes, where the index tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// System packages by the list that brings them, each beyond what stands below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Apt {
    /// What building adds to the base image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<AptPackage>,
    /// What the run image adds to the base image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runtime: Vec<AptPackage>,
    /// What the dev image adds to the run image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dev: Vec<AptPackage>,
}

/// A system package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AptPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, `all` for those of every one.
    pub architecture: String,
    /// The address that it came from, without credentials.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The digest of the package file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// A moment at which its archive had it, as snapshot services name moments
    /// (`20260102T030405Z`); for archives that have such a service alone. Each package has its own,
    /// so that two people's freezes merge.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snapshot: String,
    /// Whether a person asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// The lines of its list that it answers though they name no package: `libz-dev` is answered by
    /// `zlib1g-dev`, which provides it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<String>,
    /// Why no build can get it again, if that is so; the build's lists then leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<String>,
}

/// A conda package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CondaPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its build string.
    pub build: String,
    /// The address that it came from, without credentials.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The digest of the package file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// The older digest, where its channel has no other.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub md5: String,
    /// Whether a person asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// Why no build can get it again, if that is so; the build's lists then leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<String>,
}

impl Base {
    /// Whether an image that is named so can be this one: the same digest, or the same name where
    /// one of them has no digest.
    pub fn may_be(&self, named: &str) -> bool {
        match (&self.digest, pin::split(named)) {
            (Some(locked), (_, Some(digest))) => locked == digest,
            (_, (name, _)) => self.image == name,
        }
    }
}

impl Settled {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn lists_mut(&mut self) -> [&mut Vec<String>; 5] {
        [
            &mut self.python,
            &mut self.conda,
            &mut self.apt_build,
            &mut self.apt_runtime,
            &mut self.apt_dev,
        ]
    }
}

impl Tool {
    /// Its name and version, as packages name what they were built with.
    pub fn exact(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }
}

impl PythonPackage {
    /// A sentence for who freezes a version that its authors took back; `None` for any other.
    pub fn yanked_note(&self) -> Option<String> {
        let reason = match self.yanked.as_deref()? {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        Some(format!(
            "{} {} was taken back by its authors (yanked{reason}); it is frozen all the same",
            self.name, self.version
        ))
    }
}

impl PythonFile {
    /// Whether it is a wheel, and not an archive of sources.
    pub fn is_wheel(&self) -> bool {
        self.name.ends_with(".whl")
    }
}

impl Apt {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.runtime.is_empty() && self.dev.is_empty()
    }
}

impl Lock {
    /// An environment without any package, in today's form.
    pub fn new(platform: impl Into<String>, base: Base) -> Self {
        Self {
            schema: SCHEMA,
            platform: platform.into(),
            base,
            declared: Settled::default(),
            python: None,
            apt: Apt::default(),
            conda: Vec::new(),
            tools: Vec::new(),
        }
    }

    /// What a package was built from source with.
    pub fn tools_of(&self, package: &PythonPackage) -> impl Iterator<Item = &Tool> {
        let used = |tool: &&Tool| package.tools.contains(&tool.exact());
        self.tools.iter().filter(used)
    }

    /// The locked Python packages.
    pub fn python_packages(&self) -> &[PythonPackage] {
        self.python.as_ref().map_or(&[], |python| &python.packages)
    }

    /// Takes over what another lock of the same packages says of the declared lines of pip and apt.
    pub fn take_declared(&mut self, other: Self) {
        self.declared = other.declared;
        let mine = self
            .python
            .iter_mut()
            .flat_map(|python| &mut python.packages);
        let theirs = other.python.iter().flat_map(|python| &python.packages);
        let theirs: BTreeMap<_, _> = theirs.map(|other| (&other.name, &other.declared)).collect();
        for package in mine {
            let same = theirs.get(&package.name);
            package.declared = same.map(|declared| (*declared).clone()).unwrap_or_default();
        }
        for (mine, theirs) in self.apt.lists_mut().into_iter().zip(other.apt.lists()) {
            let theirs = theirs.iter();
            let theirs: BTreeMap<_, _> = theirs
                .map(|other| ((&other.name, &other.architecture), &other.declared))
                .collect();
            for package in mine {
                let same = theirs.get(&(&package.name, &package.architecture));
                package.declared = same.map(|declared| (*declared).clone()).unwrap_or_default();
            }
        }
    }

    /// Brings the packages into the order of the file.
    pub fn sort(&mut self) {
        if let Some(python) = &mut self.python {
            python
                .packages
                .sort_by(|one, other| one.name.cmp(&other.name));
            for package in &mut python.packages {
                package.files.sort();
                package.declared.sort();
                package.declared.dedup();
                package.tools.sort();
            }
            python.given.sort();
        }
        for list in self.declared.lists_mut() {
            list.sort();
            list.dedup();
        }
        for list in self.apt.lists_mut() {
            list.sort_by(|one, other| {
                (&one.name, &one.architecture).cmp(&(&other.name, &other.architecture))
            });
            for package in list {
                package.declared.sort();
                package.declared.dedup();
            }
        }
        self.conda.sort_by(|one, other| one.name.cmp(&other.name));
        for tool in &mut self.tools {
            tool.files.sort();
        }
        self.tools.sort();
    }
}

impl Apt {
    /// The three lists.
    pub fn lists(&self) -> [&Vec<AptPackage>; 3] {
        [&self.build, &self.runtime, &self.dev]
    }

    fn lists_mut(&mut self) -> [&mut Vec<AptPackage>; 3] {
        [&mut self.build, &mut self.runtime, &mut self.dev]
    }
}
