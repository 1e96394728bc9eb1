//! What a comparison tells.

use serde::Serialize;

use crate::commands::diff::image::{Setting, Setup};
use crate::commands::diff::side::{Kind, Side};
use crate::environment::compare::{Comparison, Package, compare};

/// What a comparison tells.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The first side.
    pub before: Named,
    /// The second side.
    pub after: Named,
    /// Distribution, platform and Python, where they differ.
    pub basics: Vec<Setting>,
    /// Packages.
    pub packages: Comparison,
    /// Everything else; a lock and a snapshot know nothing of it.
    pub setup: Option<Setup>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// A side by name.
#[derive(Debug, Serialize)]
pub struct Named {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl Report {
    /// Compares two sides.
    pub fn new(mut before: Side, mut after: Side) -> Self {
        let mut notes = Vec::new();
        let is_lock = |side: &Side| matches!(side.place.kind(), Kind::Lock | Kind::Commit);
        match (is_lock(&before), is_lock(&after)) {
            (true, false) => beyond_base(&mut after, &before, &mut notes),
            (false, true) => beyond_base(&mut before, &after, &mut notes),
            _ => {}
        }
        let setup = match (&before.configuration, &after.configuration) {
            (Some(before), Some(after)) => Some(Setup::compare(before, after)),
            _ => {
                notes.push(
                    "environment variables, entrypoint, user, ports and layers are known of images \
                     and containers alone, so they are not compared"
                        .to_owned(),
                );
                None
            }
        };
        // A lock does not say who needs a package; where the other side knows, it does for both.
        before.packages.learn_who_asked(&after.packages);
        after.packages.learn_who_asked(&before.packages);
        Self {
            basics: basics(&before, &after),
            packages: compare(&before.packages, &after.packages),
            setup,
            notes,
            before: named(&before),
            after: named(&after),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.basics.is_empty()
            && self.packages.is_empty()
            && self.setup.as_ref().is_none_or(Setup::is_empty)
    }
}

/// A lock lists what an environment adds to its base image, so the base's packages are taken out
/// of the other side, apart from those that the lock replaces.
fn beyond_base(side: &mut Side, lock: &Side, notes: &mut Vec<String>) {
    match &side.base {
        Some(base) => {
            let locked = side.packages.named_in(&lock.packages);
            side.packages = side.packages.beyond(base).and(locked);
        }
        None => notes.push(format!(
            "{} does not say what its base image has, so these packages are shown as well",
            side.place
        )),
    }
}

fn basics(before: &Side, after: &Side) -> Vec<Setting> {
    let value = |side: &Side, name: &str| {
        let found = side.basics.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    let differs = |name: &str| {
        let (before, after) = (value(before, name)?, value(after, name)?);
        (before != after).then(|| Setting {
            name: name.to_owned(),
            before: Some(before),
            after: Some(after),
        })
    };
    ["base image", "system", "platform", "Python"]
        .into_iter()
        .filter_map(differs)
        .collect()
}

fn named(side: &Side) -> Named {
    Named {
        kind: side.place.kind(),
        name: side.place.name(),
    }
}

/// Who asked for a package, in a few words.
pub fn asked_for(package: &Package) -> String {
    if package.requested {
        return "asked for".to_owned();
    }
    match package.needed_by.as_slice() {
        [] => "dependency".to_owned(),
        [several @ .., last] if several.len() > 3 => {
            format!("{}, … {last}", several[..3].join(", "))
        }
        several => several.join(", "),
    }
}
