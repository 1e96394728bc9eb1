//! The packages of an image, a container or a lock, in one form that can be compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::environment::contents::Contents;
use crate::environment::freeze::{Extras, Graph, apt_label};
use crate::environment::lock::{self, Lock};
use crate::environment::origin::Found;
use crate::environment::requires::Interpreter;
use crate::environment::snapshot::Snapshot;
use crate::installation::flavour::Flavour;
use crate::installation::requirements::normalise;

/// What a package is installed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// pip, uv and their like.
    Python,
    /// conda, mamba.
    Conda,
    /// apt.
    Apt,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Python => "python",
            Self::Conda => "conda",
            Self::Apt => "apt",
        })
    }
}

/// A package as an image, a container or a lock knows it; what they do not know is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from: `index`, or an address with a commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Conda's build string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// A digest of what it consists of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether somebody asked for it.
    pub requested: bool,
    /// The packages that somebody asked for and that need it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needed_by: Vec<String>,
}

/// What tells a package from the others: who installs it, and its name in one spelling.
pub type Key = (Kind, String);

/// Packages of an image, a container or a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages(BTreeMap<Key, Package>);

impl Packages {
    /// Everything that is installed, each once: what conda or the distribution brought for Python
    /// is theirs.
    pub fn of_snapshot(snapshot: &Snapshot) -> Self {
        let mut packages = BTreeMap::new();
        for apt in &snapshot.apt {
            let label = apt_label(&apt.name, &apt.architecture, &snapshot.platform);
            let package = Package {
                name: label.clone(),
                version: apt.version.clone(),
                requested: apt.manual,
                ..Package::default()
            };
            packages.insert((Kind::Apt, label), package);
        }
        let of_conda: BTreeMap<String, &str> = snapshot
            .conda
            .iter()
            .map(|conda| (normalise(&conda.name), conda.version.as_str()))
            .collect();
        for conda in &snapshot.conda {
            let package = Package {
                name: conda.name.clone(),
                version: conda.version.clone(),
                build: known(&conda.build),
                digest: known(&conda.sha256),
                requested: conda.requested.is_some(),
                ..Package::default()
            };
            packages.insert((Kind::Conda, conda.name.clone()), package);
        }
        let needed_by = needed_by(snapshot);
        for python in snapshot.distributions() {
            let key = python.key();
            let by_conda = of_conda.get(&key) == Some(&python.version.as_str());
            if by_conda || python.is_of_another_manager() {
                continue;
            }
            let origin = match Found::of(python) {
                Found::Origin(origin) => origin.address(),
                Found::Directory { path, editable } => {
                    let how = if editable { "editable " } else { "" };
                    format!("{how}directory {path}")
                }
                Found::Nowhere(why) => why,
            };
            let package = Package {
                name: python.name.clone(),
                version: python.version.clone(),
                origin: Some(origin),
                requested: python.requested,
                needed_by: needed_by.get(&key).cloned().unwrap_or_default(),
                ..Package::default()
            };
            packages.insert((Kind::Python, key), package);
        }
        Self(packages)
    }

    /// What a lock says of a flavour's image, beyond its base image.
    pub fn of_lock(lock: &Lock, flavour: Flavour) -> Self {
        let mut packages = BTreeMap::new();
        for python in lock.python_packages() {
            let package = Package {
                name: python.name.clone(),
                version: python.version.clone(),
                origin: Some(python.origin.address()),
                requested: python.requested,
                ..Package::default()
            };
            packages.insert((Kind::Python, normalise(&python.name)), package);
        }
        for conda in &lock.conda {
            let package = Package {
                name: conda.name.clone(),
                version: conda.version.clone(),
                build: known(&conda.build),
                digest: known(&conda.sha256),
                requested: conda.requested,
                ..Package::default()
            };
            packages.insert((Kind::Conda, conda.name.clone()), package);
        }
        let dev: &[lock::AptPackage] = match flavour {
            Flavour::Run => &[],
            Flavour::Dev => &lock.apt.dev,
        };
        for apt in lock.apt.runtime.iter().chain(dev) {
            let label = apt_label(&apt.name, &apt.architecture, &lock.platform);
            let package = Package {
                name: label.clone(),
                version: apt.version.clone(),
                requested: apt.requested,
                ..Package::default()
            };
            packages.insert((Kind::Apt, label), package);
        }
        Self(packages)
    }

    /// Adds what the RECORDs say, so that the same version with other files is seen.
    pub fn with_contents(mut self, contents: &Contents) -> Self {
        for files in &contents.distributions {
            if let Some(package) = self.0.get_mut(&(Kind::Python, files.key()))
                && package.version == files.version
            {
                package.digest = Some(files.record.clone());
            }
        }
        self
    }

    /// Without what `below` has as well, in the same version.
    pub fn beyond(&self, below: &Self) -> Self {
        let packages = self.0.iter().filter(|(key, package)| {
            (below.0.get(*key)).is_none_or(|known| known.version != package.version)
        });
        packages.map(owned).collect()
    }

    /// Those that `other` names too, in whatever version.
    pub fn named_in(&self, other: &Self) -> Self {
        let packages = self.0.iter().filter(|(key, _)| other.0.contains_key(*key));
        packages.map(owned).collect()
    }

    /// These, and those of `other` that are not among them.
    pub fn and(mut self, other: Self) -> Self {
        for (key, package) in other.0 {
            self.0.entry(key).or_insert(package);
        }
        self
    }

    /// Takes over who asked for a package where only `other` knows.
    pub fn learn_who_asked(&mut self, other: &Self) {
        for (key, package) in &mut self.0 {
            if let Some(known) = other.0.get(key)
                && package.needed_by.is_empty()
            {
                package.needed_by.clone_from(&known.needed_by);
            }
        }
    }

    /// A package.
    pub fn get(&self, key: &Key) -> Option<&Package> {
        self.0.get(key)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Package)> {
        self.0.iter()
    }

    /// What tells them apart.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Key, Package)> for Packages {
    fn from_iter<T: IntoIterator<Item = (Key, Package)>>(packages: T) -> Self {
        Self(packages.into_iter().collect())
    }
}

fn owned((key, package): (&Key, &Package)) -> (Key, Package) {
    (key.clone(), package.clone())
}

/// What a record says; in its place snapshots and locks have an empty text where they do not know.
fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The packages that somebody asked for, by what they need. An extra that somebody asked for is
/// in no database, so where nothing else needs a package, any extra that would counts.
fn needed_by(snapshot: &Snapshot) -> BTreeMap<String, Vec<String>> {
    let distributions = snapshot.distributions();
    let graph = Graph::new(Interpreter::of(snapshot), distributions);
    let requested = distributions.iter().filter(|found| found.requested);
    let mut surely: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut perhaps = surely.clone();
    for root in requested {
        let key = root.key();
        for need in graph.needed_by([key.as_str()], &Extras::new()) {
            surely.entry(need).or_default().insert(root.name.clone());
        }
        for need in graph.possibly_needed_by([key.as_str()]) {
            perhaps.entry(need).or_default().insert(root.name.clone());
        }
    }
    for (key, roots) in perhaps {
        surely.entry(key).or_insert(roots);
    }
    surely
        .into_iter()
        .map(|(key, roots)| {
            let others = roots.into_iter().filter(|root| normalise(root) != key);
            let others = others.collect();
            (key, others)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::snapshot::{AptPackage, CondaPackage, Distribution, Python};

    fn distribution(name: &str, requested: bool, requires: &[&str]) -> Distribution {
        Distribution {
            name: name.into(),
            version: "1".into(),
            requested,
            requires: requires.iter().map(|line| (*line).to_owned()).collect(),
            ..Distribution::default()
        }
    }

    #[test]
    fn a_snapshot_has_each_package_once_and_knows_who_needs_it() {
        let of_conda = Distribution {
            installer: "conda".into(),
            ..distribution("Numpy", false, &[])
        };
        let of_debian = Distribution {
            location: "/usr/lib/python3/dist-packages".into(),
            ..distribution("apt-listchanges", false, &[])
        };
        let snapshot = Snapshot {
            platform: "amd64".into(),
            python: Some(Python {
                version: "3.11.2".into(),
                distributions: vec![
                    distribution("Pandas", true, &["Date_Util", "lxml; extra == 'html'"]),
                    distribution("date-util", false, &["six"]),
                    distribution("six", false, &[]),
                    distribution("lxml", false, &[]),
                    distribution("stray", false, &[]),
                    of_conda,
                    of_debian,
                ],
                ..Python::default()
            }),
            apt: vec![AptPackage {
                name: "jq".into(),
                version: "1.6".into(),
                architecture: "amd64".into(),
                manual: true,
                ..AptPackage::default()
            }],
            conda: vec![CondaPackage {
                name: "numpy".into(),
                version: "1".into(),
                build: "py_0".into(),
                ..CondaPackage::default()
            }],
            ..Snapshot::default()
        };
        let packages = Packages::of_snapshot(&snapshot);
        let names: Vec<String> = packages
            .keys()
            .map(|(kind, name)| format!("{kind} {name}"))
            .collect();
        assert_eq!(
            names,
            [
                "python date-util",
                "python lxml",
                "python pandas",
                "python six",
                "python stray",
                "conda numpy",
                "apt jq"
            ]
        );
        let asked = |name: &str| &packages.0[&(Kind::Python, name.to_owned())].needed_by;
        assert_eq!(asked("six"), &["Pandas"]);
        assert_eq!(asked("lxml"), &["Pandas"]);
        assert!(asked("stray").is_empty() && asked("pandas").is_empty());
    }
}
