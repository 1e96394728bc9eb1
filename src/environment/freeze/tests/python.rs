//! What pip and uv installed: what of it was asked for, and what leaves the lock again.

use super::*;

#[test]
fn what_pip_was_asked_for_is_added_and_its_dependencies_only_locked() {
    let mut facts = world();
    installed(&mut facts).extend([
        asked("SciPy", "1.11", &["numpy", "pooch"]),
        dist("pooch", "1.8", &[]),
        from_url(
            asked("thing", "0.1", &[]),
            git("https://h/thing.git", COMMIT),
        ),
    ]);
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["SciPy", "thing @ git+https://h/thing.git"]);
    assert_eq!(
        locked(&plan),
        [
            ("helper", false),
            ("numpy", true),
            ("pooch", false),
            ("scipy", true),
            ("thing", true)
        ]
    );
    let expected = format!("thing @ git+https://h/thing.git@{COMMIT}\n");
    assert!(listed(&plan, "requirements-vcs.txt").ends_with(&expected));
}

#[test]
fn of_uv_packages_only_the_roots_were_asked_for() {
    let mut facts = world();
    let by_uv = |distribution: Distribution| Distribution {
        installer: "uv".into(),
        requested: true,
        ..distribution
    };
    installed(&mut facts).extend(
        [
            dist("scipy", "1.11", &["numpy", "pooch"]),
            dist("pooch", "1.8", &["packaging; python_version > '3'"]),
            dist("packaging", "24", &[]),
            // numpy needs it for an extra that nobody asked for.
            dist("pytest", "8", &[]),
            // Two that need each other have no root, and would be lost.
            dist("left", "1", &["right"]),
            dist("right", "1", &["left"]),
        ]
        .map(by_uv),
    );
    assert_eq!(lines(&plan(&facts)), ["left", "pytest", "right", "scipy"]);
}

#[test]
fn extras_that_pip_was_asked_for_are_inferred() {
    let mut facts = world();
    let rich = [
        "plot1; extra == 'plot'",
        "plot2 ; extra == \"plot\"",
        "plot1; extra == 'all'",
        "plot2; extra == 'all'",
        "numpy; extra == 'all'",
        "absent; extra == 'other'",
        "numpy; extra == 'known'",
    ];
    installed(&mut facts).extend([
        asked("rich", "1", &rich),
        dist("plot1", "1", &["deep"]),
        dist("plot2", "1", &[]),
        dist("deep", "1", &[]),
    ]);
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["rich[plot]"]);
    assert_eq!(plan.additions[0].name, "rich");
}

#[test]
fn the_extra_of_a_declared_package_is_added_by_its_packages() {
    let mut facts = world();
    installed(&mut facts).push(dist("pytest", "8", &["iniconfig"]));
    installed(&mut facts).push(dist("iniconfig", "2", &[]));
    assert_eq!(lines(&plan(&facts)), ["pytest"]);
    facts.declared.python = requirements(&["numpy[test]"]);
    assert!(plan(&facts).additions.is_empty());
}

#[test]
fn left_over_dependencies_are_locked_and_not_declared() {
    let mut facts = world();
    installed(&mut facts).push(dist("orphan", "1", &[]));
    let plan = plan(&facts);
    assert!(plan.additions.is_empty());
    assert!(locked(&plan).contains(&("orphan", false)));
}

#[test]
fn upgrades_are_locked_and_declared_only_if_asked_for() {
    let mut facts = world();
    let by_name = |facts: &mut Facts, name: &str| {
        let index = installed(facts).iter().position(|found| found.name == name);
        index.expect("installed")
    };
    let index = by_name(&mut facts, "Helper");
    installed(&mut facts)[index].version = "1.1".into();
    assert!(plan(&facts).additions.is_empty());
    installed(&mut facts)[index].requested = true;
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["Helper"]);
    assert!(locked(&plan).contains(&("helper", true)));
}

#[test]
fn what_is_declared_no_longer_leaves_the_lock_with_what_it_alone_needs() {
    let mut facts = world();
    facts.declared.python = Vec::new();
    let first = plan(&facts);
    assert_eq!(locked(&first), []);
    assert!(first.notes[0].contains("numpy 1.26 is in the image but declared nowhere"));
    // Also when the image was built again in between, from the lock.
    facts.declared.python = requirements(&["numpy"]);
    facts.previous = Some(plan(&facts).lock);
    facts.declared.python = Vec::new();
    for distribution in &mut facts.dev.python.as_mut().expect("a Python").distributions {
        distribution.requested = false;
    }
    assert_eq!(locked(&plan(&facts)), []);
    // Something that stays needs it.
    facts.previous = None;
    facts.declared.python = requirements(&["user"]);
    let user = asked("user", "1", &["numpy"]);
    installed(&mut facts).push(user.clone());
    facts
        .dev
        .python
        .as_mut()
        .expect("a Python")
        .distributions
        .push(user);
    let second = plan(&facts);
    assert_eq!(
        locked(&second),
        [("helper", false), ("numpy", false), ("user", true)]
    );
    assert!(second.notes.is_empty());
}
