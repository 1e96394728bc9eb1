//! System packages: what each image adds to the one below it, and what somebody installed since.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::freeze::{Addition, Facts, List, Plan};
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

    let added: BTreeSet<&str> = now
        .iter()
        .filter(|(label, package)| {
            package.manual
                && !dev.contains_key(*label)
                && !declared.apt_dev.contains(&package.name)
                && !declared.apt_runtime.contains(&package.name)
        })
        .map(|(label, _)| label.as_str())
        .collect();
    for label in &added {
        plan.additions.push(Addition {
            list: List::AptDev,
            name: (*label).to_owned(),
            line: (*label).to_owned(),
            version: now[*label].version.clone(),
        });
    }

    let previous = facts.previous.as_ref();
    let runtime = Layer {
        beyond: beyond(&run, &base),
        declared: &declared.apt_runtime,
        previous: previous.map(|lock| &lock.apt.runtime),
    };
    let develop = Layer {
        beyond: beyond(&now, &run),
        declared: &declared.apt_dev,
        previous: previous.map(|lock| &lock.apt.dev),
    };
    plan.lock.apt.runtime = runtime.lock(&run, &BTreeSet::new(), plan);
    plan.lock.apt.dev = develop.lock(&dev, &added, plan);
    plan.lock.apt.build = match &facts.apt_build {
        Some(build) => {
            let build = by_label(build);
            let layer = Layer {
                beyond: beyond(&build, &base),
                declared: &declared.apt_build,
                previous: previous.map(|lock| &lock.apt.build),
            };
            layer.lock(&build, &BTreeSet::new(), plan)
        }
        // Nothing was built from source this time, so nothing is known better.
        None => previous
            .map(|lock| lock.apt.build.clone())
            .unwrap_or_default(),
    };

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
