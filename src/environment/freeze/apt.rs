//! System packages: what each image adds to the one below it, and what somebody installed since.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::freeze::{Addition, AptTarget, Facts, Plan};
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
                [&declared.apt_dev, &declared.apt_runtime].map(|list| list.contains(&package.name));
            let for_building =
                *home == AptTarget::Build && declared.apt_build.contains(&package.name);
            package.manual && !in_image.contains(&true) && !for_building
        })
        .map(|(label, _)| *label)
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
    let runtime = Layer {
        beyond: with_new(AptTarget::Runtime, beyond(&run, &base), &new),
        declared: &declared.apt_runtime,
        previous: previous.map(|lock| &lock.apt.runtime),
    };
    let develop = Layer {
        beyond: with_new(AptTarget::Dev, beyond(&now, &run), &new),
        declared: &declared.apt_dev,
        previous: previous.map(|lock| &lock.apt.dev),
    };
    plan.lock.apt.runtime = runtime.lock(&run, &added, plan);
    plan.lock.apt.dev = develop.lock(&dev, &added, plan);
    let known = previous.map(|lock| &lock.apt.build);
    let stage = facts.apt_build.as_ref().map(by_label);
    let build = Layer {
        beyond: with_new(
            AptTarget::Build,
            stage
                .as_ref()
                .map(|stage| beyond(stage, &base))
                .unwrap_or_default(),
            &new,
        ),
        declared: &declared.apt_build,
        previous: known,
    };
    plan.lock.apt.build = build.lock(&stage.clone().unwrap_or_default(), &added, plan);
    if stage.is_none() {
        // Nothing was built from source this time, so nothing is known better.
        let locked = &mut plan.lock.apt.build;
        let kept = known.into_iter().flatten().filter(|package| {
            let same = |other: &&lock::AptPackage| {
                (&other.name, &other.architecture) == (&package.name, &package.architecture)
            };
            locked.iter().find(same).is_none()
        });
        let kept: Vec<lock::AptPackage> = kept.cloned().collect();
        locked.extend(kept);
    }

    for (label, package) in &dev {
        let wanted = declared.apt_dev.contains(&package.name)
            || declared.apt_runtime.contains(&package.name);
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

/// What one list of declared packages brought.
struct Layer<'a> {
    beyond: Packages<'a>,
    declared: &'a BTreeSet<String>,
    previous: Option<&'a Vec<lock::AptPackage>>,
}

impl Layer<'_> {
    /// The packages to lock. `built` is what the image had when it was built: what was asked for
    /// then and is declared nowhere now is left out.
    fn lock(
        &self,
        built: &Packages<'_>,
        added: &BTreeSet<&str>,
        plan: &mut Plan,
    ) -> Vec<lock::AptPackage> {
        // A declared name that is no package's (`netcat`) stands for one that provides it, and it
        // cannot be told for which; then nothing counts as undeclared.
        let all_known = self
            .declared
            .iter()
            .all(|name| built.values().any(|package| package.name == *name));
        let mut locked = Vec::new();
        let mut left_out = Vec::new();
        for (label, package) in &self.beyond {
            let requested = self.declared.contains(&package.name) || added.contains(label.as_str());
            let undeclared =
                !requested && all_known && self.was_asked_for(package, built.get(label).copied());
            if undeclared {
                left_out.push(label.as_str());
                continue;
            }
            locked.push(lock::AptPackage {
                name: package.name.clone(),
                version: package.version.clone(),
                architecture: package.architecture.clone(),
                requested,
            });
        }
        if !left_out.is_empty() {
            plan.notes.push(format!(
                "{} {} in the image but declared nowhere (a line of the Dockerfile, or a name \
                 that was taken out), so the lock leaves {} out",
                left_out.join(", "),
                if left_out.len() == 1 { "is" } else { "are" },
                if left_out.len() == 1 { "it" } else { "them" },
            ));
        }
        locked
    }

    /// Whether somebody asked for it before: the lock knows that best, since apt forgets what
    /// was a dependency when it is told to install it.
    fn was_asked_for(&self, package: &AptPackage, built: Option<&AptPackage>) -> bool {
        let locked = self.previous.into_iter().flatten().find(|locked| {
            (&locked.name, &locked.architecture) == (&package.name, &package.architecture)
        });
        match locked {
            Some(locked) => locked.requested,
            None => built.is_some_and(|built| built.manual),
        }
    }
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
