//! Whether images that were built from a lock are what the lock says, and what the images of
//! before are. Pure: facts go in, a judgement comes out.

mod files;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::environment::compare::{Key, Kind, Packages, What, compare};
use crate::environment::contents::Contents;
use crate::environment::freeze::apt_label;
use crate::environment::lock::Lock;
use crate::environment::snapshot::Snapshot;
use crate::installation::flavour::Flavour;

pub use files::to_be_listed;

/// What is known of an image.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What is installed in it.
    pub now: Snapshot,
    /// What its base image has.
    pub base: Snapshot,
    /// The files of its Python packages.
    pub contents: Contents,
}

/// An image that was built again.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its flavour.
    pub flavour: Flavour,
    /// The image that was built now.
    pub rebuilt: Facts,
    /// The image that people use, when it was built from the same files.
    pub present: Option<Facts>,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The packages of the lock.
    pub packages: Counts,
    /// What is not as it should be.
    pub differences: Vec<Deviation>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// How many packages were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Those that are the same in all of it.
    pub identical: usize,
    /// All that the lock names.
    pub total: usize,
}

/// A package that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deviation {
    /// What it is installed by.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// In which images.
    pub flavours: Vec<Flavour>,
    /// What it was held against.
    pub against: Against,
    /// What is not the same.
    pub what: Aspect,
    /// What should be; empty where it should not be at all, and for files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What is; empty where it is not at all, and for files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// The files at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// What an image is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// `envtpl.lock`.
    Lock,
    /// The image that people use.
    Image,
    /// The RECORD that the package's own artefact brought.
    Record,
}

/// What of a package is not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// It is not there.
    Missing,
    /// It is there and should not be.
    Added,
    /// Its version.
    Version,
    /// Where it came from.
    Origin,
    /// Conda's build string.
    Build,
    /// What it consists of.
    Files,
    /// No build can get it again, as freeze found.
    Unfrozen,
}

impl From<What> for Aspect {
    fn from(what: What) -> Self {
        match what {
            What::Version => Self::Version,
            What::Origin => Self::Origin,
            What::Build => Self::Build,
            What::Digest => Self::Files,
        }
    }
}

impl Judgement {
    /// Whether the images are what the lock says.
    pub fn is_reproduced(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Deviation {
    fn key(&self) -> Key {
        (self.kind, self.name.clone())
    }
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flavours: Vec<String> = self.flavours.iter().map(Flavour::to_string).collect();
        let images = format!(
            "the rebuilt {} image{}",
            flavours.join(" and "),
            if flavours.len() == 1 { "" } else { "s" }
        );
        let has = if flavours.len() == 1 { "has" } else { "have" };
        let reference = match self.against {
            Against::Lock => "envtpl.lock",
            Against::Image => "the present image",
            Against::Record => "its RECORD",
        };
        write!(f, "{} {}: ", self.kind, self.name)?;
        match self.what {
            Aspect::Missing => write!(
                f,
                "{reference} has {}, and it is missing in {images}",
                self.expected
            ),
            Aspect::Unfrozen => write!(f, "{reference} says of {}: {}", self.expected, self.found),
            Aspect::Added => write!(f, "{images} {has} {}, and {reference} has none", self.found),
            Aspect::Files if self.files.is_empty() => {
                write!(f, "its files in {images} are not those of {reference}")
            }
            Aspect::Files => {
                let shown: Vec<&str> = self.files.iter().take(10).map(String::as_str).collect();
                let more = self.files.len() - shown.len();
                let is = if self.files.len() == 1 { "is" } else { "are" };
                write!(f, "{}", shown.join(", "))?;
                if more > 0 {
                    write!(f, " and {more} more")?;
                }
                match self.against {
                    Against::Record => {
                        write!(f, " {is} not what {reference} says, in {images}")
                    }
                    _ => write!(f, " {is} not the same in {images} as in {reference}"),
                }
            }
            Aspect::Version | Aspect::Origin | Aspect::Build => write!(
                f,
                "{reference} has {}, {images} {has} {}",
                self.expected, self.found
            ),
        }
    }
}

/// Judges images that were built from a lock.
pub fn judge(lock: &Lock, trials: &[Trial]) -> Judgement {
    let mut differences: Vec<Deviation> = Vec::new();
    let mut notes = BTreeSet::new();
    for trial in trials {
        for found in trial.differences(lock, &mut notes) {
            let same = |known: &&mut Deviation| {
                known.flavours != found.flavours
                    && Deviation {
                        flavours: found.flavours.clone(),
                        ..(*known).clone()
                    } == found
            };
            match differences.iter_mut().find(same) {
                Some(known) => known.flavours.extend(found.flavours),
                None => differences.push(found),
            }
        }
    }
    differences.sort();
    let locked = Packages::of_lock(lock, Flavour::Dev);
    let different: BTreeSet<Key> = differences.iter().map(Deviation::key).collect();
    let total = locked.len();
    let identical = locked.keys().filter(|key| !different.contains(key)).count();
    Judgement {
        packages: Counts { identical, total },
        differences,
        notes: notes.into_iter().collect(),
    }
}

/// A package that freeze marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfrozen<'a> {
    /// What it is installed by, and its name.
    pub key: Key,
    /// Its version.
    pub version: &'a str,
    /// Why no build can get it again.
    pub why: &'a str,
}

/// The packages of a lock that freeze marked.
pub fn unfrozen(lock: &Lock) -> impl Iterator<Item = Unfrozen<'_>> {
    let python = lock.python_packages().iter();
    let python = python.map(|one| (Kind::Python, one.name.clone(), &one.version, &one.unfrozen));
    let conda = lock.conda.iter();
    let conda = conda.map(|one| (Kind::Conda, one.name.clone(), &one.version, &one.unfrozen));
    let apt = lock.apt.lists().into_iter().flatten().map(|one| {
        let label = apt_label(&one.name, &one.architecture, &lock.platform);
        (Kind::Apt, label, &one.version, &one.unfrozen)
    });
    let all = python.chain(conda).chain(apt);
    all.filter_map(|(kind, name, version, why)| {
        Some(Unfrozen {
            key: (kind, name),
            version,
            why: why.as_deref()?,
        })
    })
}

impl Trial {
    fn differences(&self, lock: &Lock, notes: &mut BTreeSet<String>) -> Vec<Deviation> {
        let found = Packages::of_snapshot(&self.rebuilt.now);
        let mut differences = self.against_lock(lock, &found, notes);
        let known: BTreeSet<Key> = differences.iter().map(Deviation::key).collect();
        if let Some(present) = &self.present {
            let more = self.against_present(&found, present).into_iter();
            differences.extend(more.filter(|one| !known.contains(&one.key())));
        }
        differences.extend(files::differences(self, &known, notes));
        differences
    }

    fn against_lock(
        &self,
        lock: &Lock,
        found: &Packages,
        notes: &mut BTreeSet<String>,
    ) -> Vec<Deviation> {
        let expected = Packages::of_lock(lock, self.flavour);
        let unfrozen: BTreeMap<Key, &str> = unfrozen(lock).map(|one| (one.key, one.why)).collect();
        let comparison = compare(&expected, &found.named_in(&expected));
        let mut differences = self.deviations(Against::Lock, comparison);
        for deviation in &mut differences {
            if let Some(why) = unfrozen.get(&deviation.key()) {
                deviation.what = Aspect::Unfrozen;
                deviation.found = (*why).to_owned();
            }
        }
        if let (Some(locked), Some(python)) = (&lock.python, &self.rebuilt.now.python)
            && locked.version != python.version
        {
            differences.push(Deviation {
                expected: locked.version.clone(),
                found: python.version.clone(),
                ..self.deviation(
                    Against::Lock,
                    Aspect::Version,
                    Kind::Python,
                    "Python itself",
                )
            });
        }
        let beyond = found.beyond(&Packages::of_snapshot(&self.rebuilt.base));
        for ((kind, name), package) in beyond.iter() {
            if expected.get(&(*kind, name.clone())).is_none() {
                notes.insert(format!(
                    "{kind} {name} {} is in the images and not in envtpl.lock: a line of the \
                     Dockerfile brings it",
                    package.version
                ));
            }
        }
        differences
    }

    fn against_present(&self, found: &Packages, present: &Facts) -> Vec<Deviation> {
        let comparison = compare(&Packages::of_snapshot(&present.now), found);
        self.deviations(Against::Image, comparison)
    }

    fn deviations(
        &self,
        against: Against,
        comparison: crate::environment::compare::Comparison,
    ) -> Vec<Deviation> {
        let removed = comparison.removed.into_iter().map(|single| Deviation {
            expected: single.package.version,
            ..self.deviation(against, Aspect::Missing, single.kind, &single.package.name)
        });
        let added = comparison.added.into_iter().map(|single| Deviation {
            found: single.package.version,
            ..self.deviation(against, Aspect::Added, single.kind, &single.package.name)
        });
        let changed = comparison.changed.into_iter().flat_map(|change| {
            let (kind, name) = (change.kind, change.name);
            let differences = change.differences.into_iter();
            differences.map(move |difference| Deviation {
                expected: difference.before,
                found: difference.after,
                ..self.deviation(against, difference.what.into(), kind, &name)
            })
        });
        removed.chain(added).chain(changed).collect()
    }

    fn deviation(&self, against: Against, what: Aspect, kind: Kind, name: &str) -> Deviation {
        let name = match kind {
            // One spelling, so that a package is counted once.
            Kind::Python if !name.contains(' ') => {
                crate::installation::requirements::normalise(name)
            }
            _ => name.to_owned(),
        };
        Deviation {
            kind,
            name,
            flavours: vec![self.flavour],
            against,
            what,
            expected: String::new(),
            found: String::new(),
            files: Vec::new(),
        }
    }
}
