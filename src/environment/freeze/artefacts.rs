//! The exact files that Python packages were installed from.
//!
//! Installers do not record them. What a build resolved is recorded in its image; the lock of the
//! freeze before knows others; what remains must be asked of the index, where the packages are.

use std::collections::BTreeMap;

use crate::environment::freeze::{Facts, Plan, Refusal};
use crate::environment::index::{Answer, Digest, Indexes, Listed, Question};
use crate::environment::lock::{PythonFile, PythonPackage};
use crate::environment::origin::{Origin, without_credentials};
use crate::environment::pylock::Resolved;
use crate::environment::requires::Interpreter;
use crate::environment::snapshot::Distribution;
use crate::environment::wheel::{Chosen, Tags, choose};

/// The index of those who have chosen none.
pub const DEFAULT_INDEX: &str = "https://pypi.org/simple";

/// What is known of files and indexes.
#[derive(Debug, Clone, Default)]
pub struct Artefacts {
    /// What the image's build resolved.
    pub resolved: Resolved,
    /// The environment's first index, which the lock does not name.
    pub default_index: String,
    /// The indexes that declared files name.
    pub declared: Indexes,
    /// What an index lists of a package, by name and version.
    pub asked: BTreeMap<(String, String), Vec<Listed>>,
    /// Digests that were asked for, by address.
    pub digests: BTreeMap<String, Digest>,
}

impl Artefacts {
    /// Takes in what the index answered.
    pub fn learn(&mut self, question: &Question, answer: Answer) {
        let packages = question.packages.iter().cloned();
        self.asked.extend(packages.zip(answer.packages));
        let digests = answer.files.into_iter();
        self.digests
            .extend(digests.map(|digest| (digest.url.clone(), digest)));
    }
}

/// What an index says of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OfIndex {
    /// The index, where that is not the environment's first one.
    pub name: Option<String>,
    /// Why the version was taken back, if it was.
    pub yanked: Option<String>,
}

/// What was found out about a package.
pub(super) enum Known {
    /// The lock's files, and what their index says of them.
    Files(Vec<PythonFile>, OfIndex),
    /// These files, whose digests are not known yet.
    Digests(Vec<String>),
    /// The index was not asked yet.
    Nothing,
    /// No build can get it: why, and what to do.
    Nowhere(String, &'static str),
}

/// Adds the files to the packages of a plan. What is still to be asked is in [`Plan::unknown`].
pub fn plan(facts: &Facts, plan: &mut Plan) {
    let now: BTreeMap<String, &Distribution> = facts
        .now
        .distributions()
        .iter()
        .map(|distribution| (distribution.key(), distribution))
        .collect();
    let mut packages = match &mut plan.lock.python {
        Some(python) => std::mem::take(&mut python.packages),
        None => return,
    };
    for package in &mut packages {
        let Some(installed) = now.get(&package.name) else {
            continue;
        };
        if package.unfrozen.is_some() {
            continue;
        }
        let known = match &mut package.origin {
            Origin::Index => of_index(facts, installed),
            Origin::Archive(archive) if archive.sha256.is_none() => {
                match of_address(facts, &archive.url) {
                    Ok(sha256) => {
                        archive.sha256 = Some(sha256);
                        continue;
                    }
                    Err(known) => known,
                }
            }
            _ => continue,
        };
        take_in(package, installed, known, plan);
    }
    let yanked = packages.iter().filter_map(PythonPackage::yanked_note);
    plan.notes.extend(yanked);
    if let Some(python) = &mut plan.lock.python {
        python.packages = packages;
    }
    if !plan.unknown.is_empty() {
        plan.unknown.declared = facts.artefacts.declared.clone();
    }
}

fn take_in(package: &mut PythonPackage, installed: &Distribution, known: Known, plan: &mut Plan) {
    match known {
        Known::Files(files, index) => {
            package.files = files;
            package.index = index.name;
            package.yanked = index.yanked;
        }
        Known::Digests(files) => plan.unknown.files.extend(files),
        Known::Nothing => {
            let asked = (package.name.clone(), package.version.clone());
            plan.unknown.packages.push(asked);
        }
        Known::Nowhere(why, help) => {
            package.unfrozen = Some(why.clone());
            plan.refused.push(Refusal {
                name: installed.name.clone(),
                version: installed.version.clone(),
                why,
                help: help.to_owned(),
            });
        }
    }
}

/// The files of a package that came from an index.
pub(super) fn of_index(facts: &Facts, installed: &Distribution) -> Known {
    let wanted = Wanted {
        key: (installed.key(), installed.version.clone()),
        tags: Tags::of_installed(&installed.tags, installed.build.as_deref()),
        interpreter: facts.interpreter(),
        built: is_as_built(facts, installed),
    };
    as_resolved(facts, &wanted)
        .or_else(|| as_locked(facts, &wanted))
        .unwrap_or_else(|| as_listed(facts, &wanted, installed))
}

/// What tells a package's file among others.
struct Wanted {
    /// Name and version.
    key: (String, String),
    /// What is known of the wheel that it was installed from.
    tags: Option<Tags>,
    interpreter: Interpreter,
    /// Whether it is as the image's build made it.
    built: bool,
}

/// What the build resolved. It prefers wheels, and so that came as one where it could.
fn as_resolved(facts: &Facts, wanted: &Wanted) -> Option<Known> {
    let known = &facts.artefacts;
    let files = known.resolved.packages.get(&wanted.key)?;
    let (tags, built) = (wanted.tags.as_ref(), wanted.built);
    let chosen = choose(files, |file| &file.name, tags, &wanted.interpreter, built);
    let taken = match chosen {
        Chosen::Exactly(files) => files,
        Chosen::Sources(files) | Chosen::Fitting(files) if built => files,
        _ => Vec::new(),
    };
    (!taken.is_empty()).then(|| known.with_digests(taken))
}

/// What the lock of the freeze before says, while that can be what is installed.
fn as_locked(facts: &Facts, wanted: &Wanted) -> Option<Known> {
    let (name, version) = &wanted.key;
    let packages = facts.previous.as_ref()?.python_packages().iter();
    let previous = packages
        .filter(|package| (&package.name, &package.version) == (name, version))
        .find(|package| package.origin == Origin::Index && !package.files.is_empty())?;
    let files = &previous.files;
    let tags = wanted.tags.as_ref();
    let chosen = choose(files, |file| &file.name, tags, &wanted.interpreter, false);
    let holds = match chosen {
        Chosen::Exactly(_) => true,
        Chosen::Sources(_) => !files.iter().any(PythonFile::is_wheel),
        Chosen::Fitting(_) => wanted.built,
        Chosen::Nothing => false,
    };
    holds.then(|| {
        let index = OfIndex {
            name: previous.index.clone(),
            yanked: previous.yanked.clone(),
        };
        Known::Files(files.clone(), index)
    })
}

/// What the indexes answered, once they were asked.
fn as_listed(facts: &Facts, wanted: &Wanted, installed: &Distribution) -> Known {
    let Some(listed) = facts.artefacts.asked.get(&wanted.key) else {
        return Known::Nothing;
    };
    let tags = wanted.tags.as_ref();
    let found = of_listed(listed, |files| {
        choose(files, |file| &file.name, tags, &wanted.interpreter, false)
    });
    if found.is_empty() {
        return nowhere(facts, installed, listed);
    }
    facts.artefacts.with_digests(found)
}

/// The choice among what several indexes list: the first that has the very file, else the first
/// that has any that could be it.
fn of_listed<'a>(
    listed: &'a [Listed],
    chosen: impl Fn(&'a [Listed]) -> Chosen<'a, Listed>,
) -> Vec<&'a Listed> {
    // The script gives them index by index.
    let of_each: Vec<Chosen<'a, Listed>> = listed
        .chunk_by(|one, other| one.index == other.index)
        .map(chosen)
        .collect();
    let exactly = of_each
        .iter()
        .find(|chosen| matches!(chosen, Chosen::Exactly(_)));
    let any = || {
        of_each
            .iter()
            .find(|chosen| !matches!(chosen, Chosen::Nothing))
    };
    match exactly.or_else(any) {
        Some(Chosen::Exactly(files) | Chosen::Sources(files) | Chosen::Fitting(files)) => {
            files.clone()
        }
        _ => Vec::new(),
    }
}

fn nowhere(facts: &Facts, installed: &Distribution, listed: &[Listed]) -> Known {
    let help = "name the index that has it (PIP_EXTRA_INDEX_URL in .env, or --extra-index-url in \
                the declared files), or install another version";
    if !listed.is_empty() {
        let machine = facts.interpreter();
        return Known::Nowhere(
            format!(
                "no file that an index has of it is for Python {} on {}",
                machine.version, machine.platform
            ),
            help,
        );
    }
    let why = match installed.version.split_once('+') {
        Some((_, local)) => format!("no configured index has its local version (`+{local}`)"),
        None => "no configured index has this version".to_owned(),
    };
    Known::Nowhere(why, help)
}

/// The digest of a file with an address of its own; else what is still to be done.
fn of_address(facts: &Facts, url: &str) -> Result<String, Known> {
    let known = &facts.artefacts;
    if let Some(sha256) = known.resolved.archives.get(url) {
        return Ok(sha256.clone());
    }
    match known.digests.get(url) {
        Some(digest) => digest.sha256.clone().ok_or_else(|| {
            Known::Nowhere(
                format!("{url} gives nothing"),
                "install it from an address that still has it; user and password for one belong \
                 into the file that NETRC_FILE names in .env",
            )
        }),
        None => Err(Known::Digests(vec![url.to_owned()])),
    }
}

impl Artefacts {
    /// Files as the lock has them, if the digest of each is known.
    fn with_digests<'a>(&self, listed: impl IntoIterator<Item = &'a Listed>) -> Known {
        let mut files = Vec::new();
        let mut missing = Vec::new();
        let mut index = OfIndex::default();
        for file in listed {
            let digest = self.digests.get(&file.url);
            let sha256 = file.sha256.clone();
            let size = file.size.or_else(|| digest.and_then(|digest| digest.size));
            match sha256.or_else(|| digest.and_then(|digest| digest.sha256.clone())) {
                Some(sha256) => files.push(PythonFile {
                    name: file.name.clone(),
                    url: file.url.clone(),
                    sha256,
                    size,
                }),
                None if digest.is_some() => {}
                None => missing.push(file.url.clone()),
            }
            let name = || self.other_index(file.index.as_deref()?);
            index.name = index.name.take().or_else(name);
            index.yanked = index.yanked.take().or_else(|| file.yanked.clone());
        }
        match (files.is_empty(), missing.is_empty()) {
            (_, false) => Known::Digests(missing),
            (false, true) => Known::Files(files, index),
            (true, true) => Known::Nowhere(
                "its index lists it and does not give it".to_owned(),
                "install another version, or ask who keeps the index",
            ),
        }
    }

    /// An index, where it is not the first.
    fn other_index(&self, index: &str) -> Option<String> {
        let plain = |url: &str| without_credentials(url.trim_end_matches('/'));
        let first = match self.default_index.as_str() {
            "" => DEFAULT_INDEX,
            first => first,
        };
        (plain(index) != plain(first)).then(|| plain(index))
    }
}

/// Whether the image was built with it, and nobody has put another in its place since.
pub(super) fn is_as_built(facts: &Facts, installed: &Distribution) -> bool {
    let key = installed.key();
    facts.dev.distributions().iter().any(|built| {
        built.key() == key
            && (&built.version, &built.direct_url, &built.tags)
                == (&installed.version, &installed.direct_url, &installed.tags)
    })
}

#[cfg(test)]
mod tests;
