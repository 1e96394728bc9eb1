//! Compilers, which a build installs only when something needs them.

use crate::workshop::Workshop;

/// An archive of sources, and nothing else, is what the index has of this module.
const FROM_SOURCE: &str = "docopt==0.6.2\n";
const LISTS: [&str; 2] = ["envtpl.lock", "dependencies/locked/requirements-source.txt"];

#[test]
fn what_is_built_to_python_alone_is_built_again_without_compilers_or_with_them_if_it_must() {
    let shop = Workshop::new("compilers");
    shop.append("dependencies/requirements.txt", FROM_SOURCE);
    shop.write("dependencies/apt-build.txt", "patch\n");
    shop.commit("from source");
    let plain = ["build-generic", "--no-cache", "--progress", "plain"];
    shop.envtpl(&plain).expect(0).says("Unpacking patch");
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    let locked = LISTS.map(|list| shop.read(list));
    let (_, digest) = locked[1].split_once("# Python alone: ").expect("noted");
    let digest = digest.lines().next().expect("a digest");
    let build_packages = shop.read("dependencies/locked/apt-build.txt");
    assert!(build_packages.contains("\npatch="), "{build_packages}");

    shop.envtpl(&[&plain[..], &["--locked"]].concat())
        .expect(0)
        .says("the packages of apt-build.txt are not needed")
        .keeps_quiet_about("Unpacking patch");
    let import = shop.in_image("run-latest-root", "python3 -c 'import docopt'");
    import.expect(0);
    // What was not needed this time stays locked.
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");
    assert_eq!(LISTS.map(|list| shop.read(list)), locked);
    assert_eq!(
        shop.read("dependencies/locked/apt-build.txt"),
        build_packages
    );
    let verified = shop.envtpl(&["verify"]).expect(0);
    assert!(
        verified.stdout.starts_with("reproduced: "),
        "{}",
        verified.stdout
    );

    // When other files come of it without compilers, it is built with them.
    for list in LISTS {
        let other = shop.read(list).replace(digest, &"0".repeat(64));
        shop.write(list, &other);
    }
    shop.commit("other files");
    shop.envtpl(&[&plain[..], &["--locked"]].concat())
        .expect(0)
        .says("without the build packages other files come of: docopt")
        .says("the packages of apt-build.txt are needed")
        .says("Unpacking patch");
    shop.envtpl(&["freeze"]).expect(0);
    assert_eq!(LISTS.map(|list| shop.read(list)), locked);

    // What is declared no more leaves the lock, whether it was needed or not.
    shop.commit("freeze again");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.write("dependencies/apt-build.txt", "");
    shop.envtpl(&["freeze"]).expect(0);
    let lock = shop.read("envtpl.lock");
    assert!(!lock.contains("name: patch\n"), "{lock}");
}
