//! `envtpl list-env`.
#![expect(clippy::disallowed_methods, reason = "tests take images away")]

use crate::packages::Packages;

#[test]
fn packages_are_listed_with_where_they_are_from() {
    let packages = Packages::new();
    let desk = packages.ready();
    for command in ["list-env", "list_env"] {
        let listed = desk.envtpl(&[command]).expect(0);
        assert_eq!(
            listed.stdout,
            "KIND  NAME    VERSION  FROM\n\
             apt   bash    5.2      base image\n\
             apt   libgl1  1.6      asked for\n\
             pip   numpy   1.26.4   asked for\n\
             pip   helper  1.0      dependency\n\
             pip   pip     23.0     base image\n"
        );
        assert_eq!(listed.stderr, "");
    }
    let dev = desk.envtpl(&["list-env", "--flavour", "dev"]).expect(0);
    dev.prints("less");
}

#[test]
fn programs_get_a_document() {
    let packages = Packages::new();
    let desk = packages.ready();
    let listed = desk
        .envtpl(&[
            "list-env",
            "--format",
            "json",
            "-i",
            "amd64-cpu",
            "-i",
            "docker-amd64-cpu",
        ])
        .expect(0)
        .json();
    // One installation, named in both ways.
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["installation"], "amd64-cpu");
    assert_eq!(listed[0]["python"], "3.11.2");
    assert_eq!(listed[0]["os"], "debian 12 (bookworm)");
    assert_eq!(
        listed[0]["packages"][2],
        serde_json::json!({"kind": "pip", "name": "numpy", "version": "1.26.4", "base": false,
            "requested": true, "origin": null})
    );
}

#[test]
fn a_missing_image_is_named_with_the_command_that_makes_it() {
    let packages = Packages::new();
    let desk = packages.ready();
    std::fs::remove_file(packages.answers().join("images/amd64-cpu-run-latest-root"))
        .expect("removed");
    desk.envtpl(&["list-env"])
        .expect(3)
        .says("there is no image `lab/p:amd64-cpu-run-latest-root`")
        .says("envtpl build-generic -i amd64-cpu");
    desk.envtpl(&["list-env", "--flavour", "dev"]).expect(0);
}

#[test]
fn a_damaged_answer_names_its_image() {
    let packages = Packages::new();
    let desk = packages.ready();
    packages.answer("run", "\u{1e}now\n{\"schema\":1,");
    desk.envtpl(&["list-env"])
        .expect(1)
        .says("cannot read what is installed in `lab/p:amd64-cpu-run-latest-root`");
    packages.answer("run", "hello\n");
    desk.envtpl(&["list-env"])
        .expect(1)
        .says("`lab/p:amd64-cpu-run-latest-root` did not say what is installed in it");
}
