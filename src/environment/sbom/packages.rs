//! The packages of an image, each once, in an order that depends on nothing but them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::environment::requires::Interpreter;
use crate::environment::sbom::artefact::Artefact;
use crate::environment::sbom::licence::Licence;
use crate::environment::sbom::needs::{self, Needs};
use crate::environment::sbom::{Contents, purl};
use crate::environment::snapshot::{Python, Snapshot};

/// Whose package it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The distribution's.
    Apt,
    /// conda's.
    Conda,
    /// A Python package, whoever installed it.
    Python,
    /// A Python that no package brought.
    Interpreter,
}

impl Kind {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Conda => "conda",
            Self::Python => "python",
            Self::Interpreter => "interpreter",
        }
    }
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Whose it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL, which no other package of the image has.
    pub purl: String,
    /// The licence that it declares.
    pub licence: Licence,
    /// What it was installed from.
    pub artefact: Artefact,
    /// Whether the base image has it already.
    pub base: bool,
    /// Whether somebody asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// The package URLs of what it needs.
    pub needs: BTreeSet<String>,
}

/// The packages of an image, by kind and name.
pub fn of(contents: &Contents) -> Vec<Package> {
    let groups = [
        apt(contents),
        conda(contents),
        python(contents),
        interpreter(contents).into_iter().collect(),
    ];
    // Two directories may hold the same package.
    let mut packages: BTreeMap<(Kind, String), Package> = BTreeMap::new();
    for package in groups.into_iter().flatten() {
        let key = (package.kind, package.purl.clone());
        packages.entry(key).or_insert(package);
    }
    packages.into_values().collect()
}

/// Gives each package what it needs; what has no package URL cannot be told.
fn linked(packages: Vec<Option<Package>>, needs: Needs) -> Vec<Package> {
    let purls: Vec<Option<String>> = (packages.iter())
        .map(|package| package.as_ref().map(|package| package.purl.clone()))
        .collect();
    let with_needs = packages.into_iter().zip(needs);
    with_needs
        .filter_map(|(package, needs)| {
            let mut package = package?;
            let found = needs.into_iter().filter_map(|place| purls[place].clone());
            package.needs = found.filter(|purl| *purl != package.purl).collect();
            Some(package)
        })
        .collect()
}

fn apt(contents: &Contents) -> Vec<Package> {
    let base: HashSet<[&str; 3]> = (contents.base.apt.iter())
        .map(|one| [&*one.name, &*one.version, &*one.architecture])
        .collect();
    let debs = &contents.now.apt;
    let packages = debs.iter().map(|deb| {
        let note = contents.notes.apt(deb);
        Some(Package {
            kind: Kind::Apt,
            name: deb.name.clone(),
            version: deb.version.clone(),
            purl: purl::deb(deb, note, &contents.now.os)?,
            // What `/usr/share/doc/*/copyright` says is prose.
            licence: Licence::Unknown,
            artefact: Artefact::of_apt(deb, contents.lock),
            base: base.contains(&[&*deb.name, &*deb.version, &*deb.architecture]),
            requested: deb.manual,
            needs: BTreeSet::new(),
        })
    });
    linked(packages.collect(), needs::of_apt(debs, &contents.notes))
}

fn conda(contents: &Contents) -> Vec<Package> {
    let base: HashSet<[&str; 2]> = (contents.base.conda.iter())
        .map(|one| [&*one.name, &*one.build])
        .collect();
    let condas = &contents.now.conda;
    let packages = condas.iter().map(|conda| {
        let note = contents.notes.conda(conda);
        Some(Package {
            kind: Kind::Conda,
            name: conda.name.clone(),
            version: conda.version.clone(),
            purl: purl::conda(conda, note)?,
            licence: note.map(Licence::of_conda).unwrap_or_default(),
            artefact: Artefact::of_conda(conda),
            base: base.contains(&[&*conda.name, &*conda.build]),
            requested: conda.requested.is_some(),
            needs: BTreeSet::new(),
        })
    });
    linked(packages.collect(), needs::of_conda(condas, &contents.notes))
}

fn python(contents: &Contents) -> Vec<Package> {
    let base: HashSet<(String, &str)> = (contents.base.distributions().iter())
        .map(|one| (one.key(), one.version.as_str()))
        .collect();
    let distributions = contents.now.distributions();
    let packages = distributions.iter().map(|distribution| {
        let note = contents.notes.python(distribution);
        Some(Package {
            kind: Kind::Python,
            name: distribution.name.clone(),
            version: distribution.version.clone(),
            purl: purl::pypi(distribution)?,
            licence: note.map(Licence::of_python).unwrap_or_default(),
            artefact: Artefact::of_python(distribution, contents),
            base: base.contains(&(distribution.key(), &distribution.version)),
            requested: distribution.requested,
            needs: BTreeSet::new(),
        })
    });
    let interpreter = Interpreter::of(&contents.now);
    linked(
        packages.collect(),
        needs::of_python(distributions, &interpreter),
    )
}

/// The Python itself, where it was built or unpacked in the image and no database has it, as in the
/// images `python:3.12`.
fn interpreter(contents: &Contents) -> Option<Package> {
    let python = contents.now.python.as_ref()?;
    if python.version.is_empty() || is_packaged(python, &contents.now) {
        return None;
    }
    let same =
        |known: &Python| (&known.version, &known.prefix) == (&python.version, &python.prefix);
    Some(Package {
        kind: Kind::Interpreter,
        name: "python".to_owned(),
        version: python.version.clone(),
        purl: purl::python(&python.version)?,
        licence: Licence::Unknown,
        artefact: Artefact::default(),
        base: contents.base.python.as_ref().is_some_and(same),
        requested: false,
        needs: BTreeSet::new(),
    })
}

fn is_packaged(python: &Python, now: &Snapshot) -> bool {
    python.prefix == "/usr" || now.conda.iter().any(|package| package.name == "python")
}
