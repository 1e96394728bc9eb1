//! Each rule explains a log that a real build left: one that is failed again in the engine tests, or
//! one that somebody published. The cases are in `tests/failures/cases.yaml`.

use std::collections::BTreeSet;
use std::path::Path;

use super::cases::{Case, Cases};
use super::*;
use crate::files;

fn place(spot: Option<&Spot>) -> String {
    spot.map(Spot::to_string).unwrap_or_default()
}

/// What is wrong with the explanation of a case.
fn wrong(case: &Case, log: &[u8]) -> Option<String> {
    let Outcome::Failed(found) = explain(log).expect("read") else {
        return Some("nothing failed".to_owned());
    };
    let nearest = found.chain.iter().find_map(|frame| {
        let place = frame.place.as_ref()?;
        (Some(place) != found.place.as_ref()).then_some(place)
    });
    let rule = found.rule.as_deref().unwrap_or_default();
    let mut wrong = Cases::wrong(case, rule, &found.message, &found.advice);
    for (expected, told) in [
        (&case.place, place(found.place.as_ref())),
        (&case.chain, place(nearest)),
    ] {
        if expected.as_ref().is_some_and(|expected| *expected != told) {
            wrong.push(format!("{expected:?} is {told:?}"));
        }
    }
    let target = found.target.as_deref().unwrap_or_default();
    if case
        .target
        .as_deref()
        .is_some_and(|end| !target.ends_with(end))
    {
        wrong.push(format!("the target is {target:?}"));
    }
    (!wrong.is_empty()).then(|| format!("{}\n{:?}", wrong.join("; "), found.message))
}

#[test]
fn each_rule_explains_a_log_of_a_real_build() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failures/logs");
    let mut wrongs = Vec::new();
    let mut covered = BTreeSet::new();
    for case in &Cases::read().cases {
        let name = case.name();
        covered.insert(case.rule.clone());
        let log = match (&case.log, &case.source) {
            (Some(log), Some(_)) => log.clone().into_bytes(),
            _ => {
                let is_ours = case.build.is_some() || case.refused;
                assert!(is_ours, "{name} has no build and no source");
                files::read(&logs.join(format!("{name}.txt"))).expect("a log")
            }
        };
        if let Some(wrong) = wrong(case, &log) {
            wrongs.push(format!("{name}: {wrong}"));
        }
    }
    for rule in rules::book().rules() {
        let needs = matches!(
            rule.tier,
            rules::Tier::Cause | rules::Tier::Error | rules::Tier::Suspect
        );
        if needs && !covered.contains(&rule.id) {
            wrongs.push(format!("{} has no case", rule.id));
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
