//! Who needs whom among installed Python packages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::environment::requires::{Interpreter, Requirement};
use crate::environment::snapshot::Distribution;

/// Installed packages by normalised name, with what each needs.
pub struct Graph {
    interpreter: Interpreter,
    requires: BTreeMap<String, Vec<Requirement>>,
}

/// Extras that are wanted, by package.
pub type Extras = BTreeMap<String, BTreeSet<String>>;

impl Graph {
    /// The graph of the given packages.
    pub fn new<'a>(
        interpreter: Interpreter,
        distributions: impl IntoIterator<Item = &'a Distribution>,
    ) -> Self {
        let requires = distributions
            .into_iter()
            .map(|distribution| {
                let needs = distribution.requires.iter();
                let needs = needs.filter_map(|line| Requirement::parse(line)).collect();
                (distribution.key(), needs)
            })
            .collect();
        Self {
            interpreter,
            requires,
        }
    }

    /// Whether a requirement that a person declared holds here.
    pub fn declared_holds(&self, requirement: &Requirement) -> bool {
        requirement.holds(&self.interpreter, None)
    }

    /// Everything installed that is needed by `roots` with their `extras`, the roots included.
    pub fn needed_by<'a>(
        &self,
        roots: impl IntoIterator<Item = &'a str>,
        extras: &Extras,
    ) -> BTreeSet<String> {
        let wanted = self.wanted(roots, extras);
        wanted.into_iter().map(|(key, _)| key).collect()
    }

    /// As [`Self::needed_by`], with the extras that are wanted of each.
    fn wanted<'a>(
        &self,
        roots: impl IntoIterator<Item = &'a str>,
        extras: &Extras,
    ) -> BTreeSet<(String, Option<String>)> {
        let mut wanted = BTreeSet::new();
        let mut pending: VecDeque<(String, Option<String>)> = VecDeque::new();
        for root in roots {
            pending.push_back((root.to_owned(), None));
            for extra in extras.get(root).into_iter().flatten() {
                pending.push_back((root.to_owned(), Some(extra.clone())));
            }
        }
        while let Some((key, extra)) = pending.pop_front() {
            if !self.requires.contains_key(&key) || !wanted.insert((key.clone(), extra.clone())) {
                continue;
            }
            for need in self.needs(&key, extra.as_deref()) {
                pending.push_back((need.key.clone(), None));
                for extra in &need.extras {
                    pending.push_back((need.key.clone(), Some(extra.clone())));
                }
            }
        }
        wanted
    }

    /// Everything installed that could be needed by `roots`: as if every extra were wanted and
    /// every marker held.
    pub fn possibly_needed_by<'a>(
        &self,
        roots: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<String> {
        let mut wanted = BTreeSet::new();
        let mut pending: VecDeque<String> = roots.into_iter().map(str::to_owned).collect();
        while let Some(key) = pending.pop_front() {
            let Some(needs) = self.requires.get(&key) else {
                continue;
            };
            if wanted.insert(key) {
                pending.extend(needs.iter().map(|need| need.key.clone()));
            }
        }
        wanted
    }

    /// The packages that nothing needs but what they need themselves.
    pub fn roots(&self, extras: &Extras) -> BTreeSet<&str> {
        let below = self.edges(extras);
        let mut above: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, needs) in &below {
            for need in needs {
                above.entry(need).or_default().insert(key);
            }
        }
        let keys = self.requires.keys().map(String::as_str);
        keys.filter(|key| reachable(key, &above).is_subset(&reachable(key, &below)))
            .collect()
    }

    /// What each installed package needs directly.
    fn edges(&self, extras: &Extras) -> BTreeMap<&str, BTreeSet<&str>> {
        let all = self.wanted(self.requires.keys().map(String::as_str), extras);
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, extra) in &all {
            let Some((key, _)) = self.requires.get_key_value(key) else {
                continue;
            };
            let needs = self.needs(key, extra.as_deref());
            edges
                .entry(key)
                .or_default()
                .extend(needs.map(|need| need.key.as_str()));
        }
        edges
    }

    /// What a package needs for one of its extras beyond what it needs anyway.
    pub fn extra_needs(&self, key: &str, extra: &str) -> Vec<&Requirement> {
        self.needs(key, Some(extra))
            .filter(|need| !need.holds(&self.interpreter, None))
            .collect()
    }

    /// The extras that a package has.
    pub fn extras_of(&self, key: &str) -> BTreeSet<String> {
        let needs = self.requires.get(key).into_iter().flatten();
        needs.flat_map(Requirement::asked_extras).collect()
    }

    fn needs(&self, key: &str, extra: Option<&str>) -> impl Iterator<Item = &Requirement> {
        let needs = self.requires.get(key).into_iter().flatten();
        needs.filter(move |need| need.holds(&self.interpreter, extra))
    }
}

/// What can be reached from `start`, itself included.
fn reachable<'a>(
    start: &'a str,
    edges: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![start];
    while let Some(key) = pending.pop() {
        if reached.insert(key) {
            pending.extend(edges.get(key).into_iter().flatten());
        }
    }
    reached
}
