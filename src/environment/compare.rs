//! Two sets of packages held against each other: what is only in one, and what differs.

mod packages;

use serde::{Deserialize, Serialize};

pub use packages::{Key, Kind, Package, Packages};

/// What differs between two sets of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How many are the same.
    pub identical: usize,
    /// What only the second has.
    pub added: Vec<Single>,
    /// What only the first has.
    pub removed: Vec<Single>,
    /// What both have, not in the same way.
    pub changed: Vec<Change>,
}

/// A package that one side alone has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Single {
    /// What it is installed by.
    pub kind: Kind,
    /// The package.
    #[serde(flatten)]
    pub package: Package,
}

/// A package that both sides have, not in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is installed by.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What differs: at least one thing.
    pub differences: Vec<Difference>,
    /// The package on the first side.
    pub before: Package,
    /// The package on the second side.
    pub after: Package,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which thing.
    pub what: What,
    /// What the first side has.
    pub before: String,
    /// What the second side has.
    pub after: String,
}

/// A thing that can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The version.
    Version,
    /// Where it came from.
    Origin,
    /// Conda's build string.
    Build,
    /// What it consists of, at the same version.
    Digest,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Version => "version",
            Self::Origin => "origin",
            Self::Build => "build",
            Self::Digest => "files",
        })
    }
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// What differs between two sets of packages. What one side does not know of a package is not
/// compared.
pub fn compare(first: &Packages, second: &Packages) -> Comparison {
    let mut comparison = Comparison::default();
    for (key, before) in first.iter() {
        let Some(after) = second.get(key) else {
            comparison.removed.push(single(key, before));
            continue;
        };
        let differences = differences(before, after);
        if differences.is_empty() {
            comparison.identical += 1;
            continue;
        }
        comparison.changed.push(Change {
            kind: key.0,
            name: after.name.clone(),
            differences,
            before: before.clone(),
            after: after.clone(),
        });
    }
    for (key, after) in second.iter() {
        if first.get(key).is_none() {
            comparison.added.push(single(key, after));
        }
    }
    comparison
}

fn single(key: &Key, package: &Package) -> Single {
    Single {
        kind: key.0,
        package: package.clone(),
    }
}

fn differences(before: &Package, after: &Package) -> Vec<Difference> {
    let version = |package: &Package| Some(package.version.clone());
    let mut found: Vec<Difference> = [
        (What::Version, version(before), version(after)),
        (What::Origin, before.origin.clone(), after.origin.clone()),
        (What::Build, before.build.clone(), after.build.clone()),
        (What::Digest, before.digest.clone(), after.digest.clone()),
    ]
    .into_iter()
    .filter_map(|(what, before, after)| {
        let (before, after) = before.zip(after)?;
        (before != after).then_some(Difference {
            what,
            before,
            after,
        })
    })
    .collect();
    // Another version has other files; that needs no word.
    if found.len() > 1 {
        found.retain(|difference| difference.what != What::Digest);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_package() -> impl Strategy<Value = Package> {
        let maybe = || proptest::option::of("[ab]");
        ("[12]", maybe(), maybe(), maybe(), any::<bool>()).prop_map(
            |(version, origin, build, digest, requested)| Package {
                name: String::new(),
                version,
                origin,
                build,
                digest,
                requested,
                needed_by: Vec::new(),
            },
        )
    }

    fn any_packages() -> impl Strategy<Value = Packages> {
        let kind = prop_oneof![Just(Kind::Python), Just(Kind::Conda), Just(Kind::Apt)];
        proptest::collection::btree_map((kind, "[a-d]"), any_package(), 0..8).prop_map(
            |mut packages| {
                for ((_, name), package) in &mut packages {
                    package.name.clone_from(name);
                }
                packages.into_iter().collect()
            },
        )
    }

    /// The same seen from the other side.
    fn swapped(comparison: Comparison) -> Comparison {
        let swap = |difference: Difference| Difference {
            what: difference.what,
            before: difference.after,
            after: difference.before,
        };
        let changed = comparison.changed.into_iter().map(|change| Change {
            differences: change.differences.into_iter().map(swap).collect(),
            before: change.after,
            after: change.before,
            ..change
        });
        Comparison {
            identical: comparison.identical,
            added: comparison.removed,
            removed: comparison.added,
            changed: changed.collect(),
        }
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(packages in any_packages()) {
            let comparison = compare(&packages, &packages);
            prop_assert!(comparison.is_empty());
            prop_assert_eq!(comparison.identical, packages.len());
        }

        #[test]
        fn sides_can_be_swapped(one in any_packages(), other in any_packages()) {
            prop_assert_eq!(swapped(compare(&one, &other)), compare(&other, &one));
        }

        #[test]
        fn every_package_is_told_once(one in any_packages(), other in any_packages()) {
            let comparison = compare(&one, &other);
            let shared = comparison.identical + comparison.changed.len();
            prop_assert_eq!(shared + comparison.removed.len(), one.len());
            prop_assert_eq!(shared + comparison.added.len(), other.len());
            prop_assert_eq!(one.named_in(&other).len(), shared);
        }

        #[test]
        fn what_is_beyond_has_nothing_of_below(one in any_packages(), below in any_packages()) {
            let beyond = one.beyond(&below);
            for (key, package) in one.iter() {
                let same = below.get(key).is_some_and(|known| known.version == package.version);
                prop_assert_eq!(beyond.get(key).is_none(), same);
            }
        }
    }

    #[test]
    fn the_same_version_with_other_files_is_a_difference_and_another_version_needs_no_more_words() {
        let package = |version: &str, digest: &str| Package {
            version: version.into(),
            digest: Some(digest.into()),
            ..Package::default()
        };
        let found = |before: &Package, after: &Package| -> Vec<What> {
            let found = differences(before, after).into_iter();
            found.map(|difference| difference.what).collect()
        };
        assert_eq!(
            found(&package("1", "a"), &package("1", "b")),
            [What::Digest]
        );
        assert_eq!(
            found(&package("1", "a"), &package("2", "b")),
            [What::Version]
        );
        let unknown = Package {
            digest: None,
            ..package("1", "")
        };
        assert_eq!(found(&package("1", "a"), &unknown), []);
    }
}
