//! Python packages: whose they are, which are new, which were asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::freeze::graph::{Extras, Graph};
use crate::environment::freeze::{Addition, Facts, List, Lost, Plan, Refusal, TOOLS};
use crate::environment::lock;
use crate::environment::origin::{Found, Origin};
use crate::environment::snapshot::{Distribution, Snapshot};
use crate::installation::name::Acceleration;
use crate::installation::requirements::normalise;

/// Whose an installed package is.
enum Owner {
    /// The base image's, apt's or conda's.
    Others,
    /// It is the project itself.
    Project,
    /// It is in the project's own files.
    PartOfProject(String),
    /// The environment's, and a build can get it again.
    Ours(Origin),
    /// The environment's, and a build cannot get it again: why, and what to do.
    Unreachable(String, &'static str),
    /// A build would not get it as it is, whoever brought it.
    Lost(Lost),
}

struct Scene<'a> {
    facts: &'a Facts,
    base: BTreeMap<String, &'a Distribution>,
    built: BTreeMap<String, &'a Distribution>,
    now: BTreeMap<String, &'a Distribution>,
    /// Versions of conda's packages, by normalised name.
    conda: BTreeMap<String, &'a str>,
    graph: Graph,
    declared: BTreeSet<String>,
    extras: Extras,
}

/// Adds the Python packages to a plan.
pub fn plan(facts: &Facts, plan: &mut Plan) {
    let scene = Scene::new(facts);
    let Some(python) = &facts.now.python else {
        return;
    };
    let (ours, marked) = scene.ours(plan);
    let (additions, extras) = scene.additions(&ours);
    let left_out = scene.left_out(&ours, &marked, &additions, plan);
    scene.note_missing(plan);
    let mut packages = marked;
    for (key, origin) in &ours {
        let now = scene.now[key];
        let added = additions.contains(key);
        if added {
            let name = with_extras(&now.name, extras.get(key));
            plan.additions.push(Addition {
                list: List::Python,
                name: key.clone(),
                line: origin.declaration(&name),
                version: now.version.clone(),
            });
        }
        if !left_out.contains(key) {
            packages.push(lock::PythonPackage {
                name: key.clone(),
                version: now.version.clone(),
                origin: scene.with_known_digest(key, origin),
                requested: added || scene.declared.contains(key),
                ..lock::PythonPackage::default()
            });
        }
    }
    plan.lock.python = Some(lock::Python {
        version: python.version.clone(),
        packages,
        ..lock::Python::default()
    });
}

impl<'a> Scene<'a> {
    fn new(facts: &'a Facts) -> Self {
        let now = by_key(&facts.now);
        let graph = Graph::new(facts.interpreter(), facts.now.distributions());
        let conda = facts
            .now
            .conda
            .iter()
            .map(|package| (normalise(&package.name), package.version.as_str()))
            .collect();
        let addresses = &facts.declared.python_addresses;
        let mut declared: BTreeSet<String> = facts
            .declared
            .python
            .iter()
            .map(|requirement| requirement.key.clone())
            .collect();
        for (key, distribution) in &now {
            let at_address = distribution.direct_url.as_ref().is_some_and(|direct| {
                addresses
                    .iter()
                    .any(|address| address.contains(&direct.url))
            });
            if at_address {
                declared.insert(key.clone());
            }
        }
        let mut extras = Extras::new();
        for requirement in &facts.declared.python {
            let wanted = extras.entry(requirement.key.clone()).or_default();
            wanted.extend(requirement.extras.iter().cloned());
        }
        Self {
            facts,
            base: by_key(&facts.base),
            built: by_key(&facts.dev),
            now,
            conda,
            graph,
            declared,
            extras,
        }
    }

    /// Whether it came after the image was built.
    fn is_new(&self, key: &str) -> bool {
        match (self.built.get(key), self.now.get(key)) {
            (Some(built), Some(now)) => !same(built, now),
            (None, _) => true,
            (Some(_), None) => false,
        }
    }

    fn owner(&self, key: &str, distribution: &Distribution) -> Owner {
        let of_conda = self.conda.get(key);
        let by_conda = of_conda.is_some_and(|version| *version == distribution.version);
        if by_conda || distribution.is_of_another_manager() {
            return Owner::Others;
        }
        if self.below_project(&distribution.location).is_some() {
            return Owner::Project;
        }
        if let Some(lost) = self.facts.lost.get(key) {
            return Owner::Lost(lost.clone());
        }
        if distribution.version.is_empty() {
            return Owner::Unreachable(
                "its metadata has no version".to_owned(),
                "install it again, or uninstall what is left of it",
            );
        }
        if let Some(version) = of_conda.filter(|_| !TOOLS.contains(&key)) {
            return Owner::Unreachable(
                format!("it replaces conda's {key} {version}"),
                "uninstall it, and ask for this version in the conda part of environment.yml",
            );
        }
        match self.base.get(key) {
            Some(base) if same(base, distribution) => return Owner::Others,
            Some(base) if !TOOLS.contains(&key) => {
                return Owner::Unreachable(
                    format!(
                        "it replaces the base image's {} {}",
                        base.name, base.version
                    ),
                    "the base image's packages stay as they are: uninstall it, or choose another base",
                );
            }
            _ => {}
        }
        if !distribution.also.is_empty() {
            return Owner::Lost(Lost {
                why: format!(
                    "{} has metadata of {} too, so nothing tells which one is installed",
                    distribution.location,
                    distribution.also.join(" and ")
                ),
                help: format!(
                    "`pip uninstall {key}` until none is left, and install the one that you want"
                ),
            });
        }
        match Found::of(distribution) {
            Found::Origin(origin) => match origin.directory() {
                Some(directory) if !self.facts.directories_in_image.contains(&directory) => {
                    Owner::Unreachable(
                        format!(
                            "it comes from the repository {directory}, which no build can reach"
                        ),
                        "push the repository to a server and install it from there",
                    )
                }
                _ if origin.is_of_this_machine() => Owner::Unreachable(
                    format!(
                        "its address ({}) is another machine for everybody else, and for a build",
                        origin.describe()
                    ),
                    "put it where other machines reach it, and install it from there",
                ),
                _ => match self.of_another_acceleration(&distribution.version) {
                    Some(lost) => Owner::Lost(lost),
                    None => Owner::Ours(origin),
                },
            },
            Found::Directory { path, editable } => self.directory(path, editable),
            Found::Nowhere(why) => Owner::Unreachable(
                why,
                "install it from an index, an address or a git repository that builds can reach",
            ),
        }
    }

    /// The path in the project, when that is where it is.
    fn below_project<'p>(&self, path: &'p str) -> Option<&'p str> {
        let root = self.facts.project_root_at.as_deref()?.trim_end_matches('/');
        let below = path.strip_prefix(root)?;
        (below.is_empty() || below.starts_with('/')).then(|| below.trim_matches('/'))
    }

    fn directory(&self, path: String, editable: bool) -> Owner {
        match self.below_project(&path) {
            Some("") => return Owner::Project,
            Some(below) => return Owner::PartOfProject(below.to_owned()),
            None => {}
        }
        let how = if editable { "editable, " } else { "" };
        Owner::Unreachable(
            format!("it is installed {how}from the directory {path} of the container"),
            "push it to a git repository and install it from there, or put it into the project",
        )
    }

    /// Whether a version's local part (`+cu121`) names another acceleration than the installation
    /// has.
    fn of_another_acceleration(&self, version: &str) -> Option<Lost> {
        let wanted = self.facts.acceleration?;
        let (_, local) = version.split_once('+')?;
        let found = acceleration_of(local).filter(|found| *found != wanted)?;
        Some(Lost {
            why: format!(
                "it is made for {found} (`+{local}`), and this installation is for {wanted}"
            ),
            help: format!("install the version for {wanted}, from the index that has it"),
        })
    }

    /// The packages of the environment that a build can get again, and those that the lock marks
    /// because it cannot. What was in the image before and comes from nowhere is none of a freeze's
    /// business: the Dockerfile brought it and brings it again.
    fn ours(&self, plan: &mut Plan) -> (BTreeMap<String, Origin>, Vec<lock::PythonPackage>) {
        let mut ours = BTreeMap::new();
        let mut marked = Vec::new();
        let mut refuse = |key: &str, distribution: &Distribution, lost: Lost| {
            marked.push(lock::PythonPackage {
                name: key.to_owned(),
                version: distribution.version.clone(),
                origin: match Found::of(distribution) {
                    Found::Origin(origin) => origin,
                    Found::Directory { .. } | Found::Nowhere(_) => Origin::Nowhere,
                },
                requested: distribution.requested || self.declared.contains(key),
                unfrozen: Some(lost.why.clone()),
                ..lock::PythonPackage::default()
            });
            plan.refused.push(Refusal {
                name: distribution.name.clone(),
                version: distribution.version.clone(),
                why: lost.why,
                help: lost.help,
            });
        };
        let mut notes = Vec::new();
        for (key, distribution) in &self.now {
            let named = format!("{} {}", distribution.name, distribution.version);
            match self.owner(key, distribution) {
                Owner::Others | Owner::Project => {}
                Owner::PartOfProject(path) => notes.push(format!(
                    "{named} is part of the project ({path}) and not frozen; \
                     install it in each container, or add it to the project's own packages"
                )),
                Owner::Ours(origin) => {
                    ours.insert(key.clone(), origin);
                }
                Owner::Lost(lost) => refuse(key, distribution, lost),
                Owner::Unreachable(why, help) if self.is_new(key) => {
                    let help = help.to_owned();
                    refuse(key, distribution, Lost { why, help });
                }
                Owner::Unreachable(why, _) => {
                    notes.push(format!(
                        "{named} is in the image and not in the lock: {why}"
                    ));
                }
            }
        }
        plan.notes.extend(notes);
        (ours, marked)
    }

    /// New packages that were asked for and are not declared, and the extras that brought others.
    fn additions(&self, ours: &BTreeMap<String, Origin>) -> (BTreeSet<String>, Extras) {
        let new: BTreeSet<&str> = ours
            .keys()
            .map(String::as_str)
            .filter(|key| self.is_new(key) && !self.declared.contains(*key))
            .collect();
        let roots = self.graph.roots(&self.extras);
        let asked = |key: &&str| {
            let distribution = self.now[*key];
            // uv marks dependencies as requested too.
            distribution.requested && (distribution.installer != "uv" || roots.contains(*key))
        };
        let mut additions: BTreeSet<String> = new
            .iter()
            .copied()
            .filter(asked)
            .map(str::to_owned)
            .collect();
        let mut extras = self.extras.clone();
        while let Some((key, extra)) = self.unexplained_extra(&new, &additions, &extras) {
            if additions.contains(&key) {
                extras.entry(key).or_default().insert(extra);
            } else {
                // The declared line stays as the person wrote it.
                let needs = self.graph.extra_needs(&key, &extra).into_iter();
                let named = needs.map(|need| need.key.clone());
                additions.extend(named.filter(|need| new.contains(need.as_str())));
            }
        }
        (additions, extras)
    }

    /// pip does not record the extras it was asked for. An extra of a package that was asked for
    /// is taken for wanted when all that it needs is installed, and something new is not needed by
    /// anything else. The smallest such extra comes first, so that `all` comes last.
    fn unexplained_extra(
        &self,
        new: &BTreeSet<&str>,
        additions: &BTreeSet<String>,
        extras: &Extras,
    ) -> Option<(String, String)> {
        let wanted = additions.iter().chain(&self.declared).map(String::as_str);
        let explained = self.graph.needed_by(wanted.clone(), extras);
        let mut candidates = Vec::new();
        for key in wanted {
            for extra in self.graph.extras_of(key) {
                let needs = self.graph.extra_needs(key, &extra);
                let installed = needs.iter().all(|need| self.now.contains_key(&need.key));
                let explains = needs
                    .iter()
                    .any(|need| new.contains(need.key.as_str()) && !explained.contains(&need.key));
                if installed && explains {
                    candidates.push((needs.len(), key.to_owned(), extra));
                }
            }
        }
        let (_, key, extra) = candidates.into_iter().min()?;
        Some((key, extra))
    }

    /// Packages of the image that were asked for and are declared nowhere: a line of the
    /// Dockerfile brought them, or they were declared before. They, and what they alone need, are
    /// left out of the lock.
    fn left_out(
        &self,
        ours: &BTreeMap<String, Origin>,
        marked: &[lock::PythonPackage],
        additions: &BTreeSet<String>,
        plan: &mut Plan,
    ) -> BTreeSet<String> {
        let undeclared: BTreeSet<&str> = ours
            .keys()
            .map(String::as_str)
            .filter(|key| {
                !self.is_new(key)
                    && self.was_asked_for(key)
                    && !self.declared.contains(*key)
                    && !TOOLS.contains(key)
            })
            .collect();
        if undeclared.is_empty() {
            return BTreeSet::new();
        }
        let staying = ours.keys().filter(|key| self.is_new(key));
        let staying = staying.chain(self.base.keys()).map(String::as_str);
        let staying = staying.chain(TOOLS);
        let staying = staying.chain(marked.iter().map(|package| package.name.as_str()));
        let staying = staying.chain(self.declared.iter().chain(additions).map(String::as_str));
        let staying = self.graph.possibly_needed_by(staying);
        let gone: BTreeSet<String> = self
            .graph
            .possibly_needed_by(undeclared.iter().copied())
            .into_iter()
            .filter(|key| ours.contains_key(key) && !staying.contains(key))
            .collect();
        for key in undeclared.iter().filter(|key| gone.contains(**key)) {
            let distribution = self.now[*key];
            plan.notes.push(format!(
                "{} {} is in the image but declared nowhere (a line of the Dockerfile, or a \
                 requirement that was taken out), so the lock leaves it out",
                distribution.name, distribution.version
            ));
        }
        gone
    }

    /// Not every installer records a file's digest; one that is known from before still holds.
    fn with_known_digest(&self, key: &str, origin: &Origin) -> Origin {
        let Origin::Archive(archive) = origin else {
            return origin.clone();
        };
        let previous = self.facts.previous.iter();
        let known = previous
            .flat_map(|lock| lock.python_packages())
            .filter(|package| package.name == key)
            .find_map(|package| match &package.origin {
                Origin::Archive(known) if known.url == archive.url => known.sha256.clone(),
                _ => None,
            });
        let mut archive = archive.clone();
        archive.sha256 = archive.sha256.or(known);
        Origin::Archive(archive)
    }

    /// Whether somebody asked for it before: the lock knows that best, since a build from the
    /// lock asks for what is declared then.
    fn was_asked_for(&self, key: &str) -> bool {
        let previous = self.facts.previous.iter();
        let locked = previous
            .flat_map(|lock| lock.python_packages())
            .find(|package| package.name == key);
        match locked {
            Some(locked) => locked.requested,
            None => self.built.get(key).is_some_and(|built| built.requested),
        }
    }

    fn note_missing(&self, plan: &mut Plan) {
        let mut seen = BTreeSet::new();
        for requirement in &self.facts.declared.python {
            let key = &requirement.key;
            let installed = self.now.contains_key(key) || self.conda.contains_key(key);
            if installed || !self.graph.declared_holds(requirement) || !seen.insert(key) {
                continue;
            }
            plan.notes.push(if self.built.contains_key(key) {
                format!("{key} is declared but was uninstalled; the next build installs it again")
            } else {
                format!("{key} is declared but not installed yet; the next build installs it")
            });
        }
    }
}

/// The acceleration that a local version names: `cu121`, `rocm5.7`, `cpu`, and such with more behind
/// a dot or a hyphen.
fn acceleration_of(local: &str) -> Option<Acceleration> {
    let part = local.split(['.', '-', '_']).next().unwrap_or_default();
    let digits = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    match part {
        "cpu" => Some(Acceleration::Cpu),
        _ if part.strip_prefix("cu").is_some_and(digits) || part.starts_with("cuda") => {
            Some(Acceleration::Cuda)
        }
        _ if part.starts_with("rocm") => Some(Acceleration::Rocm),
        _ => None,
    }
}

fn by_key(snapshot: &Snapshot) -> BTreeMap<String, &Distribution> {
    let distributions = snapshot.distributions().iter();
    distributions
        .map(|distribution| (distribution.key(), distribution))
        .collect()
}

/// Whether two are the same version from the same place.
fn same(one: &Distribution, other: &Distribution) -> bool {
    (&one.version, &one.direct_url, &one.also) == (&other.version, &other.direct_url, &other.also)
}

fn with_extras(name: &str, extras: Option<&BTreeSet<String>>) -> String {
    match extras {
        Some(extras) if !extras.is_empty() => {
            let extras: Vec<&str> = extras.iter().map(String::as_str).collect();
            format!("{name}[{}]", extras.join(","))
        }
        _ => name.to_owned(),
    }
}
