//! Which declared lines the locked packages answer, so that a build from the lock need not resolve
//! them again.
//!
//! A digest of the declared files would be simpler, but two people's freezes could not be merged
//! then, and one comment more would make a build resolve everything.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use crate::environment::declared::{Asked, DeclaredLine, comparable};
use crate::environment::freeze::graph::{Extras, Graph};
use crate::environment::freeze::{Facts, List, Plan, TOOLS};
use crate::environment::lock::{self, Lock};
use crate::environment::origin::{Origin, repository, without_credentials};
use crate::environment::requires::Requirement;
use crate::environment::snapshot::{AptPackage, Distribution};
use crate::installation::apt_list::AptEntry;
use crate::installation::requirements::{Entry, Kind, normalise};

/// Adds to a plan what its lock answers.
pub fn plan(facts: &Facts, plan: &mut Plan) {
    apt(facts, plan);
    python(facts, plan);
}

/// What is installed, as declared lines are compared with it.
pub(super) struct Scene<'a> {
    /// Python packages by normalised name.
    pub now: BTreeMap<String, &'a Distribution>,
    graph: Graph,
    /// Packages that a build finds there, and never installs.
    given: BTreeMap<String, &'a str>,
    locked: BTreeMap<&'a str, &'a lock::PythonPackage>,
    /// Those of the lock before.
    previous: BTreeMap<&'a str, &'a lock::PythonPackage>,
}

/// An extra of which something is not installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingExtra {
    /// The extra, as written.
    pub extra: String,
    /// The package that is missing, by normalised name.
    pub needs: String,
}

fn python(facts: &Facts, plan: &mut Plan) {
    let Some(lock) = &plan.lock.python else {
        return;
    };
    let scene = Scene::new(facts, &plan.lock);
    // A package that the lists leave out may be needed by any of the others.
    let whole = plan.refused.is_empty()
        && lock
            .packages
            .iter()
            .all(|package| package.unfrozen.is_none());
    let mut answered: Vec<(Option<String>, String)> = Vec::new();
    if whole {
        let lines = facts.declared.lines.iter();
        answered.extend(lines.filter_map(|line| Some((scene.answers(line)?, line.text.clone()))));
        let added = plan.additions.iter();
        let added = added.filter(|addition| addition.list == List::Python);
        answered.extend(
            added.map(|addition| (Some(addition.name.clone()), comparable(&addition.line))),
        );
    }

    let roots = facts.declared.python.iter().map(|asked| asked.key.as_str());
    let mut extras = Extras::new();
    let new = plan.additions.iter();
    let new = new.filter_map(|addition| Requirement::parse(&addition.line));
    for asked in facts.declared.python.iter().cloned().chain(new) {
        extras.entry(asked.key).or_default().extend(asked.extras);
    }
    let needed = scene
        .graph
        .needed_by(roots.chain(scene.locked.keys().copied()), &extras);
    let given: Vec<String> = needed
        .iter()
        .filter(|key| !scene.locked.contains_key(key.as_str()) && !TOOLS.contains(&key.as_str()))
        .filter_map(|key| Some(format!("{key}=={}", scene.given.get(key)?)))
        .collect();
    let Some(python) = &mut plan.lock.python else {
        return;
    };
    python.given = given;
    for (key, line) in answered {
        let mut packages = python.packages.iter_mut();
        match packages.find(|package| Some(&package.name) == key.as_ref()) {
            Some(package) => package.declared.push(line),
            None => plan.lock.declared.python.push(line),
        }
    }
}

/// Packages of the base image, and of conda in an environment that it made.
fn given(facts: &Facts) -> BTreeMap<String, &str> {
    let conda: BTreeSet<String> = facts
        .now
        .conda
        .iter()
        .map(|package| normalise(&package.name))
        .collect();
    let of_conda = facts.now.distributions().iter().filter(|distribution| {
        conda.contains(&distribution.key()) || distribution.installer == "conda"
    });
    let all = facts.base.distributions().iter().chain(of_conda);
    all.map(|distribution| (distribution.key(), distribution.version.as_str()))
        .collect()
}

impl<'a> Scene<'a> {
    /// What is installed, and the lock that keeps it.
    pub fn new(facts: &'a Facts, lock: &'a Lock) -> Self {
        let named = |lock: &'a Lock| {
            let packages = lock.python_packages().iter();
            packages.map(|package| (package.name.as_str(), package))
        };
        Self {
            now: facts
                .now
                .distributions()
                .iter()
                .map(|distribution| (distribution.key(), distribution))
                .collect(),
            graph: Graph::new(facts.interpreter(), facts.now.distributions()),
            given: given(facts),
            locked: named(lock).collect(),
            previous: facts.previous.iter().flat_map(named).collect(),
        }
    }

    /// Whether a line is answered, and by which package.
    fn answers(&self, line: &DeclaredLine) -> Option<Option<String>> {
        match &line.asked {
            Asked::Python(entry) if !self.holds(entry) => Some(None),
            Asked::Python(entry) => {
                let key = self.meets(entry, &line.text)?;
                let kept = self.locked.contains_key(key) || self.given.contains_key(key);
                kept.then(|| Some(key.to_owned()))
            }
            Asked::Constraint(entry) => self.keeps_to(entry).then_some(None),
            // It was installed, whatever it is; nobody here can tell more.
            Asked::Elsewhere => Some(None),
            _ => None,
        }
    }

    /// The installed package that is what a requirement asks for, with all its extras; `text` is
    /// the line as a lock has it.
    pub fn meets(&self, entry: &Entry, text: &str) -> Option<&str> {
        let key = self.without_extras(entry, text)?;
        self.missing_extra(entry, key).is_none().then_some(key)
    }

    /// As [`Self::meets`], whatever its extras are.
    fn without_extras(&self, entry: &Entry, text: &str) -> Option<&str> {
        let (key, installed) = match entry.normalised() {
            Some(key) => self.now.get_key_value(&key),
            None => self
                .now
                .iter()
                .find(|(_, distribution)| comes_from(&entry.kind, distribution)),
        }?;
        let is_that = allows(&entry.kind, installed) || self.was_locked_for(key, text);
        is_that.then_some(key)
    }

    /// Why the installed package that a requirement asks for does not meet it, when that is one of
    /// its extras alone.
    pub fn lacks(&self, entry: &Entry, text: &str) -> Option<MissingExtra> {
        self.missing_extra(entry, self.without_extras(entry, text)?)
    }

    /// The first extra of a requirement that is not whole.
    fn missing_extra(&self, entry: &Entry, key: &str) -> Option<MissingExtra> {
        entry.kind.extras().iter().find_map(|extra| {
            let needs = self.graph.extra_needs(key, &normalise(extra));
            let mut needs = needs.into_iter();
            let missing = needs.find(|need| !self.now.contains_key(&need.key))?;
            Some(MissingExtra {
                extra: extra.clone(),
                needs: missing.key.clone(),
            })
        })
    }

    /// Whether nothing is installed that a constraint forbids.
    pub fn keeps_to(&self, entry: &Entry) -> bool {
        let installed = entry.normalised().and_then(|key| self.now.get(&key));
        installed.is_none_or(|installed| !self.holds(entry) || allows(&entry.kind, installed))
    }

    /// Whether the lock before answered a line with the very commit that is installed. A build from
    /// a lock asks for the commit alone, so the package's own record has lost the branch.
    fn was_locked_for(&self, key: &str, text: &str) -> bool {
        let (Some(now), Some(before)) = (self.locked.get(key), self.previous.get(key)) else {
            return false;
        };
        matches!(now.origin, Origin::Vcs(_))
            && now.origin.address() == before.origin.address()
            && before.declared.iter().any(|line| line == text)
    }

    /// Whether the marker of a requirement holds here.
    pub fn holds(&self, entry: &Entry) -> bool {
        let marker = entry.kind.marker();
        self.graph
            .declared_holds(&Requirement::new("x", [], None, marker))
    }
}

/// Whether an installed package is what a requirement asks for, its name aside.
fn allows(asked: &Kind, installed: &Distribution) -> bool {
    match asked {
        Kind::Named { specifier, .. } => {
            let inside = specifier.trim();
            let inside = inside.strip_prefix('(').unwrap_or(inside);
            let inside = inside.strip_suffix(')').unwrap_or(inside);
            match (
                VersionSpecifiers::from_str(inside),
                Version::from_str(&installed.version),
            ) {
                (Ok(wanted), Ok(version)) => wanted.contains(&version),
                _ => inside.trim_start_matches('=').trim() == installed.version,
            }
        }
        _ => comes_from(asked, installed),
    }
}

/// Whether an installed package comes from the address that is asked for.
fn comes_from(asked: &Kind, installed: &Distribution) -> bool {
    let Some(direct) = &installed.direct_url else {
        return false;
    };
    match (asked, &direct.vcs_info) {
        (Kind::Url { url: asked, .. }, None) => {
            without_credentials(asked.as_written()) == without_credentials(&direct.url)
        }
        (
            Kind::Vcs {
                url: asked,
                revision,
                ..
            },
            Some(vcs),
        ) => {
            let asked = asked.as_written();
            let asked = asked.split_once('+').map_or(asked, |(_, url)| url);
            let asked = repository(asked);
            let asked = match revision {
                Some(revision) => asked.trim_end_matches(&format!("@{revision}")),
                None => &asked,
            };
            let same_revision = match revision {
                Some(revision) => {
                    vcs.requested_revision.as_ref() == Some(revision) || vcs.commit_id == *revision
                }
                None => vcs.requested_revision.is_none(),
            };
            asked == repository(&direct.url) && same_revision
        }
        _ => false,
    }
}

/// Lines that name none of the locked packages: a locked one may answer them under that name, as the
/// build found, or the image answers them all the same. (What the lists hold by name, they answer
/// themselves.)
fn apt(facts: &Facts, plan: &mut Plan) {
    let (apt, declared) = (&mut plan.lock.apt, &mut plan.lock.declared);
    for line in &facts.declared.lines {
        let (entry, locked, image, list) = match &line.asked {
            Asked::AptRuntime(entry) => (
                entry,
                &mut apt.runtime,
                Some(&facts.run),
                &mut declared.apt_runtime,
            ),
            Asked::AptDev(entry) => (entry, &mut apt.dev, Some(&facts.now), &mut declared.apt_dev),
            Asked::AptBuild(entry) => (
                entry,
                &mut apt.build,
                facts.apt_build.as_ref(),
                &mut declared.apt_build,
            ),
            _ => continue,
        };
        if locked.iter().any(|package| is_named(package, entry)) {
            continue;
        }
        // Where nothing was built from source, nothing is missing.
        let Some(image) = image else {
            list.push(line.text.clone());
            continue;
        };
        let mut answering = image.apt.iter().filter(|package| is_answer(package, entry));
        let Some(answering) = answering.next() else {
            continue;
        };
        let locked = locked.iter_mut().find(|package| {
            (&package.name, &package.architecture) == (&answering.name, &answering.architecture)
        });
        match locked {
            Some(package) => package.declared.push(line.text.clone()),
            None => list.push(line.text.clone()),
        }
    }
}

/// Whether an installed package is what a declared line asks for, by its own name or as the build
/// found.
fn is_answer(package: &AptPackage, entry: &AptEntry) -> bool {
    let named = package.name == entry.name && is_version(entry, &package.version);
    // Names that are no package's have no versions.
    named || (entry.version.is_none() && package.answers.contains(&entry.name))
}

fn is_named(package: &lock::AptPackage, entry: &AptEntry) -> bool {
    package.name == entry.name && is_version(entry, &package.version)
}

/// Whether a list of the lock answers a declared line.
fn holds(packages: &[lock::AptPackage], entry: &AptEntry, line: &DeclaredLine) -> bool {
    let mut packages = packages.iter().filter(|package| package.unfrozen.is_none());
    packages.any(|package| is_named(package, entry) || package.declared.contains(&line.text))
}

/// Whether a lock answers a declared line: a build from it need not look further.
pub fn answers(lock: &Lock, line: &DeclaredLine) -> bool {
    let declared = &lock.declared;
    let (list, held) = match &line.asked {
        Asked::Python(_) | Asked::Constraint(_) | Asked::Elsewhere => {
            let mut packages = lock.python_packages().iter();
            let held = packages.any(|package| package.declared.contains(&line.text));
            (&declared.python, held)
        }
        Asked::Conda(_) => (&declared.conda, false),
        Asked::AptBuild(entry) => (&declared.apt_build, holds(&lock.apt.build, entry, line)),
        Asked::AptRuntime(entry) => (&declared.apt_runtime, holds(&lock.apt.runtime, entry, line)),
        Asked::AptDev(entry) => (&declared.apt_dev, holds(&lock.apt.dev, entry, line)),
    };
    held || list.contains(&line.text)
}

fn is_version(entry: &AptEntry, version: &str) -> bool {
    entry.version.as_ref().is_none_or(|asked| asked == version)
}
