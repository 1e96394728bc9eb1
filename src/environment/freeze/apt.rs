//! System packages: what each image adds to the one below it, and what somebody installed since.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::freeze::{Addition, AptTarget, Facts, Lost, Plan, Refusal};
use crate::environment::lock;
use crate::environment::snapshot::{AptPackage, Snapshot};

/// Installed packages by label: the name, and the architecture where it is a foreign one.
type Packages<'a> = BTreeMap<String, &'a AptPackage>;

/// Adds the system packages to a plan.
pub fn plan(facts: &Facts, plan: &mut Plan) {
    let base = by_label(&facts.base);
    let run = by_label(&facts.run);
    let dev = by_label(&facts.dev);
    let now = by_label(&facts.now);
    let declared = &facts.declared;

    let refused = nowhere(&now, &dev);
    for (label, lost) in &refused {
        plan.refused.push(Refusal {
            name: label.clone(),
            version: now[label].version.clone(),
            why: lost.why.clone(),
            help: lost.help.clone(),
        });
    }
    // What is new, with what came along, goes into the layer of one list.
    let new: New<'_> = now
        .iter()
        .filter(|(label, _)| !dev.contains_key(*label))
        .map(|(label, package)| (label.as_str(), (home(facts, package), *package)))
        .collect();
    let added: BTreeSet<&str> = new
        .iter()
        .filter(|(_, (home, package))| {
            let in_image =
                [&declared.apt_dev, &declared.apt_runtime].map(|list| is_declared(list, package));
            let for_building =
                *home == AptTarget::Build && is_declared(&declared.apt_build, package);
            package.manual && !in_image.contains(&true) && !for_building
        })
        .map(|(label, _)| *label)
        .filter(|label| !refused.contains_key(*label))
        .collect();
    for label in &added {
        let (home, package) = new[label];
        plan.additions.push(Addition {
            list: home.list(),
            name: (*label).to_owned(),
            line: (*label).to_owned(),
            version: package.version.clone(),
        });
    }

    let previous = facts.previous.as_ref();
    let none = Packages::new();
    let runtime = Layer {
        beyond: with_new(AptTarget::Runtime, beyond(&run, &base), &new),
        below: &base,
        built: &run,
        declared: &declared.apt_runtime,
        added: &added,
        refused: &refused,
        previous: previous.map(|lock| &lock.apt.runtime),
    };
    let develop = Layer {
        beyond: with_new(AptTarget::Dev, beyond(&now, &run), &new),
        below: &run,
        built: &dev,
        declared: &declared.apt_dev,
        added: &added,
        refused: &refused,
        previous: previous.map(|lock| &lock.apt.dev),
    };
    plan.lock.apt.runtime = runtime.lock(plan);
    plan.lock.apt.dev = develop.lock(plan);
    let known = previous.map(|lock| &lock.apt.build);
    let stage = facts.apt_build.as_ref().map(by_label);
    let built = stage.as_ref().unwrap_or(&none);
    let build = Layer {
        beyond: with_new(AptTarget::Build, beyond(built, &base), &new),
        below: &base,
        built,
        declared: &declared.apt_build,
        added: &added,
        refused: &refused,
        previous: known,
    };
    plan.lock.apt.build = build.lock(plan);
    if stage.is_none() {
        // No compiler was needed this time, so nothing is known better but what is declared.
        let locked = &mut plan.lock.apt.build;
        let is_wanted = |package: &&lock::AptPackage| {
            let mut names = package.declared.iter().chain([&package.name]);
            !package.requested || names.any(|name| declared.apt_build.contains(name))
        };
        let kept = known.into_iter().flatten().filter(is_wanted);
        let kept = kept.filter(|package| {
            let same = |other: &&lock::AptPackage| {
                (&other.name, &other.architecture) == (&package.name, &package.architecture)
            };
            locked.iter().find(same).is_none()
        });
        let kept: Vec<lock::AptPackage> = kept.cloned().collect();
        locked.extend(kept);
    }

    for (label, package) in &dev {
        let wanted =
            is_declared(&declared.apt_dev, package) || is_declared(&declared.apt_runtime, package);
        if wanted && !now.contains_key(label) {
            plan.notes.push(format!(
                "{label} is declared but was removed; the next build installs it again"
            ));
        }
    }
}

/// New packages by label, with the list whose layer they belong to.
type New<'a> = BTreeMap<&'a str, (AptTarget, &'a AptPackage)>;

/// The packages of a list's layer with what is new in it, and nothing else that is new.
fn with_new<'a>(list: AptTarget, mut packages: Packages<'a>, new: &New<'a>) -> Packages<'a> {
    packages.retain(|label, _| !new.contains_key(label.as_str()));
    let of_list = new.iter().filter(|(_, (home, _))| *home == list);
    packages.extend(of_list.map(|(label, (_, package))| ((*label).to_owned(), *package)));
    packages
}

/// The list that a new package belongs to: where the freeze before put it, where it is declared,
/// else where this freeze is told to put it. (What is needed to build says nothing about what is
/// wanted in an image.)
fn home(facts: &Facts, package: &AptPackage) -> AptTarget {
    let locked = |list: fn(&lock::Apt) -> &Vec<lock::AptPackage>| {
        let apt = facts.previous.as_ref().map(|lock| &lock.apt);
        apt.map(list).into_iter().flatten().any(|locked| {
            (&locked.name, &locked.architecture) == (&package.name, &package.architecture)
        })
    };
    let declared = &facts.declared;
    if locked(|apt| &apt.runtime) || declared.apt_runtime.contains(&package.name) {
        AptTarget::Runtime
    } else if locked(|apt| &apt.dev) || declared.apt_dev.contains(&package.name) {
        AptTarget::Dev
    } else {
        facts.new_apt
    }
}

/// What was installed since the image was built and no archive is known to have in that version,
/// by label.
fn nowhere(now: &Packages<'_>, dev: &Packages<'_>) -> BTreeMap<String, Lost> {
    beyond(now, dev)
        .into_iter()
        .filter_map(|(label, package)| {
            let (why, help) = match (package.url.as_deref(), package.lists) {
                (_, Some(false)) => (
                    "there are no package lists in the container, so nothing tells whether it \
                     comes from an archive",
                    "type `sudo apt-get update` there, then freeze again".to_owned(),
                ),
                (Some(""), _) => (
                    "no archive that apt knows in the container has this version: it comes from a \
                     .deb file, or its archive has another one by now",
                    format!(
                        "install it from an archive (`sudo apt-get update && sudo apt-get install \
                         {label}`), or put the file into the image by lines of the Dockerfile"
                    ),
                ),
                _ => return None,
            };
            let why = why.to_owned();
            Some((label, Lost { why, help }))
        })
        .collect()
}

/// What one list of declared packages brought.
struct Layer<'a> {
    beyond: Packages<'a>,
    /// What is installed without it.
    below: &'a Packages<'a>,
    /// What the image had when it was built.
    built: &'a Packages<'a>,
    declared: &'a BTreeSet<String>,
    /// What was asked for since.
    added: &'a BTreeSet<&'a str>,
    /// What no build can get again.
    refused: &'a BTreeMap<String, Lost>,
    previous: Option<&'a Vec<lock::AptPackage>>,
}

impl Layer<'_> {
    /// The packages to lock: what is declared, and what that needs. What was asked for once and is
    /// declared nowhere now is left out, and told.
    fn lock(&self, plan: &mut Plan) -> Vec<lock::AptPackage> {
        let needed = self.needed();
        // An older image does not tell what its packages need. Then a declared name that is no
        // package's (`netcat`) stands for one that provides it, it cannot be told for which, and
        // nothing counts as undeclared.
        let all_known = self
            .declared
            .iter()
            .all(|name| self.built.values().any(|package| package.name == *name));
        let mut locked = Vec::new();
        let mut undeclared = Vec::new();
        let mut unneeded = Vec::new();
        for (label, package) in &self.beyond {
            let asked_once = self.was_asked_for(package, self.built.get(label).copied());
            let kept = needed.contains(label.as_str())
                || (package.depends.is_none() && !(all_known && asked_once));
            match (kept, asked_once) {
                (true, _) => locked.push(self.locked(label, package)),
                (false, true) => undeclared.push(label.as_str()),
                (false, false) => unneeded.push(label.as_str()),
            }
        }
        let (is, it) = match undeclared.len() {
            1 => ("is", "it"),
            _ => ("are", "them"),
        };
        if !undeclared.is_empty() {
            plan.notes.push(format!(
                "{} {is} in the image but declared nowhere (a line of the Dockerfile, or a name \
                 that was taken out), so the lock leaves {it} out",
                undeclared.join(", "),
            ));
        }
        if !unneeded.is_empty() {
            plan.notes.push(format!(
                "nothing that is declared needs {}, so the lock leaves them out",
                unneeded.join(", "),
            ));
        }
        locked
    }

    /// Labels of what is declared or was added, and of all that it needs. Packages of what is below
    /// that are here in another version belong to it: without them the next image had the old ones.
    fn needed(&self) -> BTreeSet<&str> {
        let beyond = &self.beyond;
        let mut providers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (label, package) in beyond {
            for name in package.stands_for().chain([package.name.as_str()]) {
                providers.entry(name).or_default().push(label);
            }
        }
        let mut needed = BTreeSet::new();
        let mut pending: Vec<&str> = beyond
            .iter()
            .filter(|(label, package)| {
                self.is_requested(label, package)
                    || self.below.contains_key(*label)
                    || self.refused.contains_key(*label)
            })
            .map(|(label, _)| label.as_str())
            .collect();
        for name in self.declared {
            let is_package = beyond.values().any(|package| package.name == *name);
            if !is_package {
                pending.extend(providers.get(name.as_str()).into_iter().flatten());
            }
        }
        while let Some(label) = pending.pop() {
            if needed.insert(label) {
                let names = beyond[label].needs();
                let needs = names.filter_map(|name| providers.get(name));
                pending.extend(needs.flatten());
            }
        }
        needed
    }

    fn is_requested(&self, label: &str, package: &AptPackage) -> bool {
        is_declared(self.declared, package) || self.added.contains(label)
    }

    fn locked(&self, label: &str, package: &AptPackage) -> lock::AptPackage {
        let mut locked = lock::AptPackage {
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
            url: package.url.clone().unwrap_or_default(),
            sha256: package.sha256.clone(),
            snapshot: package.snapshot.clone(),
            requested: self.is_requested(label, package),
            declared: Vec::new(),
            unfrozen: self.refused.get(label).map(|lost| lost.why.clone()),
        };
        // The same file may be found elsewhere later, when its archive moves it. What is locked
        // stays as it is, so that a freeze without news changes nothing.
        if let Some(before) = self.before(package)
            && before.version == locked.version
            && !before.url.is_empty()
            && (locked.sha256.is_empty() || before.sha256 == locked.sha256)
        {
            locked.url.clone_from(&before.url);
            locked.sha256.clone_from(&before.sha256);
            locked.snapshot.clone_from(&before.snapshot);
        }
        locked
    }

    fn before(&self, package: &AptPackage) -> Option<&lock::AptPackage> {
        self.previous.into_iter().flatten().find(|locked| {
            (&locked.name, &locked.architecture) == (&package.name, &package.architecture)
        })
    }

    /// Whether somebody asked for it before: the lock knows that best, since apt forgets what
    /// was a dependency when it is told to install it.
    fn was_asked_for(&self, package: &AptPackage, built: Option<&AptPackage>) -> bool {
        match self.before(package) {
            Some(locked) => locked.requested,
            None => built.is_some_and(|built| built.manual),
        }
    }
}

/// Whether a list names a package, or a name that it answered when the image was built.
fn is_declared(list: &BTreeSet<String>, package: &AptPackage) -> bool {
    let mut names = package.answers.iter().chain([&package.name]);
    names.any(|name| list.contains(name))
}

/// What is in one and not, or in another version, in the one below it.
fn beyond<'a>(packages: &Packages<'a>, below: &Packages<'_>) -> Packages<'a> {
    packages
        .iter()
        .filter(|(label, package)| {
            below
                .get(*label)
                .is_none_or(|below| below.version != package.version)
        })
        .map(|(label, package)| (label.clone(), *package))
        .collect()
}

fn by_label(snapshot: &Snapshot) -> Packages<'_> {
    snapshot
        .apt
        .iter()
        .map(|package| (label(package, &snapshot.platform), package))
        .collect()
}

/// As apt-get takes it: the architecture only where it is neither this one nor every one.
fn label(package: &AptPackage, platform: &str) -> String {
    apt_label(&package.name, &package.architecture, platform)
}

/// As apt-get takes it: the architecture only where it is neither this one nor every one.
pub fn apt_label(name: &str, architecture: &str, platform: &str) -> String {
    match architecture {
        "" | "all" => name.to_owned(),
        own if own == platform => name.to_owned(),
        foreign => format!("{name}:{foreign}"),
    }
}
