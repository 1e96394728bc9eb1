//! What holds for environments that no person would make.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::installation::apt_list::AptList;

/// What the next build makes of a plan: the images hold exactly what was there, and what was
/// added is declared.
fn rebuilt(facts: &Facts, plan: &Plan) -> Facts {
    let mut next = facts.clone();
    for addition in &plan.additions {
        match addition.list {
            List::Python => {
                let asked = Requirement::parse(&addition.line).expect("a requirement");
                next.declared.python.push(asked);
                next.declared.lines.push(declared_line(&addition.line));
            }
            List::AptBuild | List::AptRuntime | List::AptDev => {
                let list = AptList::parse(Path::new("x"), &addition.line).expect("a package");
                let entry = list.entries()[0].clone();
                next.declared.lines.push(DeclaredLine {
                    text: addition.line.clone(),
                    place: Place::file("apt.txt"),
                    asked: match addition.list {
                        List::AptBuild => Asked::AptBuild(entry),
                        List::AptRuntime => Asked::AptRuntime(entry),
                        _ => Asked::AptDev(entry),
                    },
                });
                let name = addition.name.split(':').next().unwrap_or_default();
                let declared = &mut next.declared;
                let list = match addition.list {
                    List::AptBuild => &mut declared.apt_build,
                    List::AptRuntime => &mut declared.apt_runtime,
                    _ => &mut declared.apt_dev,
                };
                list.insert(name.to_owned());
            }
            List::Conda => {
                next.declared
                    .conda
                    .get_or_insert_default()
                    .insert(addition.name.clone());
            }
        }
    }
    let declared = next.declared.python.clone();
    for distribution in installed(&mut next).iter_mut() {
        let key = distribution.key();
        distribution.requested = declared.iter().any(|known| known.key == key);
        distribution.installer = "uv".into();
    }
    for package in &mut next.now.apt {
        // apt-get marks what it is told to install, and a lock tells everything.
        package.manual = true;
    }
    next.dev = next.now.clone();
    next.previous = Some(plan.lock.clone());
    next
}

fn any_world() -> impl Strategy<Value = Facts> {
    let package = (
        0..12usize,
        any::<bool>(),
        any::<bool>(),
        proptest::collection::vec((0..12usize, 0..4u8), 0..4),
        0..4u8,
    );
    (
        proptest::collection::vec(package, 0..12),
        proptest::collection::vec((0..8usize, any::<bool>()), 0..8),
        proptest::collection::vec(0..12usize, 0..4),
    )
        .prop_map(|(packages, debs, declared)| {
            let mut facts = world();
            let mut seen = BTreeSet::new();
            for (number, requested, in_image, needs, origin) in packages {
                if !seen.insert(number) {
                    continue;
                }
                let requires: Vec<String> = needs
                    .iter()
                    .map(|(need, kind)| match kind {
                        0 => format!("p{need}; extra == 'x'"),
                        1 => format!("p{need}[x]"),
                        2 => format!("p{need}; python_version < '3'"),
                        _ => format!("p{need}"),
                    })
                    .collect();
                let mut one = Distribution {
                    requested,
                    requires,
                    installer: if origin == 1 { "uv" } else { "pip" }.into(),
                    ..dist(&format!("p{number}"), "1.0", &[])
                };
                if origin == 2 {
                    one = from_url(one, git("https://h/x.git", COMMIT));
                }
                if in_image {
                    let image = facts.dev.python.as_mut().expect("a Python");
                    image.distributions.push(one.clone());
                }
                installed(&mut facts).push(one);
            }
            let mut seen = BTreeSet::new();
            for (number, manual) in debs {
                if seen.insert(number) {
                    facts.now.apt.push(deb(&format!("d{number}"), "1", manual));
                }
            }
            for number in declared {
                facts
                    .declared
                    .python
                    .extend(requirements(&[&format!("p{number}")]));
            }
            facts
        })
}

proptest! {
    #[test]
    fn freezing_what_was_frozen_and_built_changes_nothing(facts in any_world()) {
        let first = plan(&facts);
        prop_assert!(first.refused.is_empty());
        // What the lock leaves out, a build leaves out.
        let mut frozen = facts.clone();
        let kept: BTreeSet<&str> = locked(&first).into_iter().map(|(name, _)| name).collect();
        let base: BTreeSet<String> = facts.base.distributions().iter().map(Distribution::key).collect();
        installed(&mut frozen).retain(|found| {
            kept.contains(found.key().as_str()) || base.contains(&found.key())
        });
        let next = rebuilt(&frozen, &first);
        let second = plan(&next);
        prop_assert_eq!(&second.additions, &Vec::new());
        prop_assert_eq!(
            second.lock.to_text().expect("written"),
            first.lock.to_text().expect("written")
        );
    }

    #[test]
    fn nothing_new_is_lost(facts in any_world()) {
        let plan = plan(&facts);
        let in_lock: BTreeSet<&str> = locked(&plan).into_iter().map(|(name, _)| name).collect();
        let built: BTreeSet<String> = facts.dev.distributions().iter().map(Distribution::key).collect();
        for found in facts.now.distributions() {
            let key = found.key();
            if !built.contains(&key) {
                prop_assert!(in_lock.contains(key.as_str()), "{} is lost", key);
            }
            let was_asked = found.requested && found.installer == "pip" && !built.contains(&key);
            let declared = facts.declared.python.iter().any(|known| known.key == key)
                || plan.additions.iter().any(|addition| addition.name == key);
            prop_assert!(!was_asked || declared, "{} is not declared", key);
        }
        for package in &facts.now.apt {
            let known = facts.base.apt.iter().any(|base| base.name == package.name);
            let lists = plan.lock.apt.lists();
            let kept = lists.into_iter().flatten().any(|locked| locked.name == package.name);
            prop_assert!(known || kept, "{} is lost", package.name);
        }
    }

    #[test]
    fn the_order_of_a_snapshot_makes_no_difference(facts in any_world()) {
        let mut reversed = facts.clone();
        for snapshot in [&mut reversed.now, &mut reversed.dev, &mut reversed.run] {
            snapshot.apt.reverse();
            if let Some(python) = &mut snapshot.python {
                python.distributions.reverse();
            }
        }
        prop_assert_eq!(plan(&reversed), plan(&facts));
    }
}
