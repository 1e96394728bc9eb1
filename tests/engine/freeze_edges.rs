//! Freezing what is there twice, not there any more, for another machine, or merged by git.

use crate::freeze::{Container, SNAPSHOT, packages};
use crate::workshop::{BASE_ARM64, Workshop, docker, never_seen};

const LIST: &str = "dependencies/requirements.txt";

/// A container of the dev image as the engine alone starts it.
fn started(shop: &Workshop, name: &str) -> Container {
    let name = format!("{}-{name}", shop.project);
    let image = shop.tag("dev-latest-root");
    let skip = "--env=SKIP_INSTALL_PROJECT=1";
    docker(&[
        "run", "--detach", "--name", &name, skip, &image, "sleep", "900",
    ])
    .expect(0);
    Container(name)
}

#[test]
fn what_is_there_twice_or_not_any_more_is_named_and_nothing_is_lost() {
    let shop = Workshop::new("freeze-edges");
    let declared = "hatchling\neditables\nattrs==21.1.0\nrequests[socks]\nsix==1.17.0\n";
    // Two versions of one package: no build begins, and both lines are named.
    shop.write(LIST, &format!("{declared}Six==1.16.0\n"));
    shop.commit("twice");
    for command in ["build-generic", "freeze"] {
        shop.envtpl(&[command])
            .expect(2)
            .says("`six` is asked for in two versions")
            .says("dependencies/requirements.txt:5")
            .says("dependencies/requirements.txt:6");
    }
    shop.write(LIST, declared);
    shop.commit("lists");
    shop.envtpl(&["build-generic"]).expect(0);

    // What its authors took back is told at each freeze, also where a line asks for it.
    let yanked = "attrs 21.1.0 was taken back by its authors (yanked: ";
    for command in [&["freeze"][..], &["freeze"], &["freeze", "--check"]] {
        shop.envtpl(command).expect(0).says(yanked);
    }
    shop.commit("freeze");
    let status = || shop.git(&["status", "--porcelain"]);
    assert_eq!(status(), "");

    let container = started(&shop, "twice");
    let freeze = ["freeze", "--from", &container.0];
    let root = |line: &str| docker(&["exec", &container.0, "sh", "-ec", line]).expect(0);
    root("pip uninstall --quiet --yes pysocks");
    shop.envtpl(&freeze).expect(1).says(
        "`requests[socks]` (installation/amd64-cpu/dependencies/requirements.txt:4) asks for the \
         extra `socks` of requests ",
    );
    shop.git(&["checkout", "--quiet", "."]);

    // As two installers that met leave it.
    root(
        "cd $(python3 -c 'import os, six; print(os.path.dirname(six.__file__))')
         cp -r six-1.17.0.dist-info six-1.16.0.dist-info
         sed -i 's/^Version: 1.17.0/Version: 1.16.0/' six-1.16.0.dist-info/METADATA",
    );
    let twice = shop.envtpl(&freeze).expect(1);
    assert!(
        twice.stderr.lines().any(|line| {
            line.contains("six 1.1") && line.contains("nothing tells which one is installed")
        }),
        "{}",
        twice.stderr
    );
    shop.git(&["checkout", "--quiet", "."]);

    root("rm /usr/bin/python3*");
    shop.envtpl(&freeze)
        .expect(1)
        .says("there is no Python in the running container ");
    docker(&["pause", &container.0]).expect(0);
    shop.envtpl(&freeze).expect(3).says("`docker unpause ");
    docker(&["unpause", &container.0]).expect(0);
    docker(&["stop", "--time=0", &container.0]).expect(0);
    shop.envtpl(&freeze)
        .expect(3)
        .says("does not run (exited)")
        .says("`docker start ");
    assert_eq!(status(), "");

    // Somebody's build for another kind of machine has taken the name.
    for flavour in ["run", "dev"] {
        let image = shop.tag(&format!("{flavour}-latest-root"));
        docker(&["tag", BASE_ARM64, &image]).expect(0);
    }
    shop.envtpl(&["freeze"])
        .expect(3)
        .says("is for arm64, and the installation for amd64")
        .says("`envtpl build -i amd64-cpu`");
    assert_eq!(status(), "");
}

#[test]
fn the_freezes_of_two_people_are_merged_and_built() {
    let shop = Workshop::new("two-people");
    // In order, so that each name has its place.
    let list = never_seen() + "editables\nhatchling\nsix==1.17.0\n";
    shop.write(LIST, &list);
    shop.commit("lists");
    shop.envtpl(&["build-user"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    let of_two = [("mine", "attrs"), ("theirs", "toml")].map(|(branch, package)| {
        shop.git(&["checkout", "--quiet", "-b", branch, "main"]);
        let container = Container::start(&shop);
        let install = format!("pip install --quiet {package}");
        container.types(&install).expect(0);
        shop.envtpl(&["freeze"]).expect(0);
        shop.commit(package);
        packages(&container.types(SNAPSHOT).expect(0).stdout)
    });
    // git finds nothing to ask.
    shop.git(&["merge", "--quiet", "--no-edit", "mine"]);
    shop.envtpl(&["build-generic", "--locked"])
        .expect(0)
        .says("the lock answers everything that is declared: nothing is resolved");
    let built = shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout;
    let [mine, theirs] = of_two;
    assert_eq!(packages(&built), &mine | &theirs);
    shop.envtpl(&["freeze", "--check"]).expect(0);
}
