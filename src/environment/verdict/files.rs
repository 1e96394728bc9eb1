//! The files of Python packages: against their own RECORD, and against the present image.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::compare::{Key, Kind};
use crate::environment::contents::{Contents, Files};
use crate::environment::snapshot::Snapshot;
use crate::environment::verdict::{Against, Aspect, Deviation, Trial};

/// Packages whose RECORDs differ at the same version, so that their files have to be listed to
/// tell which.
pub fn to_be_listed(rebuilt: &Contents, present: &Contents) -> Vec<String> {
    let both = both(rebuilt, present);
    both.filter(|(rebuilt, present)| rebuilt.record != present.record)
        .map(|(rebuilt, _)| rebuilt.name.clone())
        .collect()
}

/// What is wrong with files of packages that are not among the `known` ones.
pub fn differences(
    trial: &Trial,
    known: &BTreeSet<Key>,
    notes: &mut BTreeSet<String>,
) -> Vec<Deviation> {
    let rebuilt = &trial.rebuilt.contents;
    let mut found = BTreeMap::new();
    let files = |against, name: &str, files: Vec<String>| Deviation {
        files,
        ..trial.deviation(against, Aspect::Files, Kind::Python, name)
    };
    for package in &rebuilt.distributions {
        let present = trial
            .present
            .as_ref()
            .and_then(|present| present.contents.of(&package.name));
        let same = present.is_some_and(|present| damage(present) == damage(package));
        let of_base = is_in(&trial.rebuilt.base, package);
        if damage(package).is_empty() || (of_base && (same || present.is_none())) {
            continue;
        }
        if same {
            let paths: Vec<&str> = damage(package).into_keys().collect();
            notes.insert(format!(
                "{} of {} {} {} not what its RECORD says, in the present image as well: a line \
                 of the Dockerfile changes {}",
                paths.join(", "),
                package.name,
                package.version,
                if paths.len() == 1 { "is" } else { "are" },
                if paths.len() == 1 { "it" } else { "them" },
            ));
            continue;
        }
        let paths = damage(package).into_keys().map(str::to_owned).collect();
        found.insert(package.key(), files(Against::Record, &package.name, paths));
    }
    if let Some(present) = &trial.present {
        for (rebuilt, present) in both(rebuilt, &present.contents) {
            let mut paths = differing(&rebuilt.files, &present.files);
            // A file that only the present image has changed, or misses.
            let (ours, theirs) = (damage(rebuilt), damage(present));
            let alone = theirs
                .iter()
                .filter(|(path, state)| ours.get(*path) != Some(*state))
                .map(|(path, _)| (*path).to_owned());
            paths.extend(alone);
            if rebuilt.record != present.record || !paths.is_empty() {
                let paths = paths.into_iter().collect();
                found
                    .entry(rebuilt.key())
                    .or_insert_with(|| files(Against::Image, &rebuilt.name, paths));
            }
        }
    }
    found
        .into_values()
        .filter(|deviation| !known.contains(&deviation.key()))
        .collect()
}

/// Packages that both have, in the same version.
fn both<'a>(
    rebuilt: &'a Contents,
    present: &'a Contents,
) -> impl Iterator<Item = (&'a Files, &'a Files)> {
    rebuilt.distributions.iter().filter_map(|files| {
        let other = present.of(&files.name)?;
        (other.version == files.version).then_some((files, other))
    })
}

/// The files that are not what RECORD says, with what they are.
fn damage(files: &Files) -> BTreeMap<&str, &str> {
    let changed = files.changed.iter();
    let changed = changed.map(|file| (file.path.as_str(), file.sha256.as_str()));
    let missing = files.missing.iter().map(|path| (path.as_str(), "missing"));
    let unreadable = files.unreadable.iter();
    let unreadable = unreadable.map(|path| (path.as_str(), "unreadable"));
    changed.chain(missing).chain(unreadable).collect()
}

fn differing(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> BTreeSet<String> {
    let paths = one.keys().chain(other.keys());
    paths
        .filter(|path| one.get(*path) != other.get(*path))
        .cloned()
        .collect()
}

/// Whether a package is the base image's own.
fn is_in(base: &Snapshot, package: &Files) -> bool {
    base.distributions().iter().any(|known| {
        (known.key(), &known.version, &known.location)
            == (package.key(), &package.version, &package.location)
    })
}
