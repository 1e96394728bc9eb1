//! What is installed in a container of the run image, as if it had been installed in dev.

use std::collections::BTreeMap;

use crate::environment::lock::Lock;
use crate::environment::snapshot::{AptPackage, Snapshot};

/// The dev image with what a container of the run image has beyond that image: both flavours have
/// the same Python and conda packages, and dev has more system packages.
pub fn as_in_dev(run: &Snapshot, dev: &Snapshot, now: Snapshot) -> Snapshot {
    let in_run = by_name(run);
    let installed = by_name(&now);
    let untouched = |package: &AptPackage| in_run.get(&key(package)) == Some(&package);
    let changed = now.apt.iter().filter(|package| !untouched(package));
    let mut apt: BTreeMap<(&str, &str), &AptPackage> = by_name(dev);
    for name in in_run.keys().filter(|name| !installed.contains_key(*name)) {
        apt.remove(name);
    }
    apt.extend(changed.map(|package| (key(package), package)));
    let apt = apt.into_values().cloned().collect();
    Snapshot { apt, ..now }
}

/// The dev image as far as a lock knows it: the run image and what the lock has for dev alone.
pub fn dev_by_lock(run: &Snapshot, lock: Option<&Lock>) -> Snapshot {
    let locked: Vec<AptPackage> = lock
        .into_iter()
        .flat_map(|lock| &lock.apt.dev)
        .map(|package| AptPackage {
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
            manual: package.requested,
            url: (!package.url.is_empty()).then(|| package.url.clone()),
            sha256: package.sha256.clone(),
            snapshot: package.snapshot.clone(),
            answers: package.declared.clone(),
            ..AptPackage::default()
        })
        .collect();
    let mut apt = by_name(run);
    apt.extend(locked.iter().map(|package| (key(package), package)));
    let apt = apt.into_values().cloned().collect();
    Snapshot { apt, ..run.clone() }
}

fn by_name(snapshot: &Snapshot) -> BTreeMap<(&str, &str), &AptPackage> {
    let packages = snapshot.apt.iter();
    packages.map(|package| (key(package), package)).collect()
}

fn key(package: &AptPackage) -> (&str, &str) {
    (&package.name, &package.architecture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(packages: &[(&str, &str)]) -> Snapshot {
        let apt = packages.iter().map(|(name, version)| AptPackage {
            name: (*name).into(),
            version: (*version).into(),
            architecture: "amd64".into(),
            manual: true,
            ..AptPackage::default()
        });
        Snapshot {
            apt: apt.collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_dev_has_besides_stays_and_what_was_changed_in_run_counts() {
        let run = snapshot(&[("base", "1"), ("gone", "1"), ("old", "1")]);
        let dev = snapshot(&[("base", "1"), ("gone", "1"), ("less", "1"), ("old", "1")]);
        let now = snapshot(&[("base", "1"), ("new", "1"), ("old", "2")]);
        let expected = snapshot(&[("base", "1"), ("less", "1"), ("new", "1"), ("old", "2")]);
        assert_eq!(as_in_dev(&run, &dev, now), expected);
        assert_eq!(as_in_dev(&run, &dev, run.clone()), dev);
    }
}
