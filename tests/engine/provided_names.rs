//! System packages that are declared by a name that is none's own, and that others provide.

use crate::workshop::Workshop;

/// What only this package provides, and what it is called.
const PROVIDED: &str = "sass-stylesheets-h5bp";
const PROVIDER: &str = "compass-h5bp-plugin";

#[test]
fn a_name_that_no_package_has_is_locked_with_the_package_that_provides_it() {
    let shop = Workshop::new("provided-names");
    // The base image has mawk, one of several that provide awk.
    shop.write("dependencies/apt-runtime.txt", "awk\n");
    shop.write(
        "dependencies/apt-dev.txt",
        &format!("sudo\nless\n{PROVIDED}\n"),
    );
    shop.commit("names");
    shop.envtpl(&["build-generic"]).expect(0);
    let automatic = shop.in_image("dev-latest-root", "apt-mark showauto");
    assert!(!automatic.stdout.contains(PROVIDER), "it is asked for");
    shop.envtpl(&["freeze"]).expect(0);

    let lock = shop.read("envtpl.lock");
    assert!(
        lock.contains("declared:\n  apt-runtime:\n  - awk\n"),
        "{lock}"
    );
    let block = lock.split(&format!("- name: {PROVIDER}\n")).nth(1);
    let block = block.expect("it is locked").split("- name:").next();
    assert!(
        block.is_some_and(|block| block.contains(&format!(
            "    requested: true\n    declared:\n    - {PROVIDED}\n"
        ))),
        "{block:?}"
    );
    shop.commit("freeze");

    // The lock answers all that is declared, and nothing is news to it.
    let checked = shop.envtpl(&["check"]).expect(0).stdout;
    assert!(!checked.contains("envtpl.lock"), "{checked}");
    let built = shop.envtpl(&["build-generic", "--locked", "--progress", "plain"]);
    built
        .expect(0)
        .keeps_quiet_about("the lock does not have these yet");
    shop.envtpl(&["freeze", "--check"]).expect(0);
    let verified = shop.envtpl(&["verify"]).expect(0);
    assert!(
        verified.stdout.starts_with("reproduced: "),
        "{}",
        verified.stdout
    );

    // Another name is, and that is told before anything is built.
    shop.append("dependencies/apt-dev.txt", "tree\n");
    shop.envtpl(&["verify"])
        .expect(1)
        .says("`tree` is declared and not in the lock, so nothing was built")
        .keeps_quiet_about("Building");
}
