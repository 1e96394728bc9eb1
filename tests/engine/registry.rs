//! A base image from a registry, which may get another image by the same name.

use crate::registries::Registry;
use crate::workshop::{BARE, BASE, Workshop, docker};

#[test]
fn a_frozen_environment_stands_on_the_base_image_that_it_was_made_on() {
    let registry = Registry::start();
    let name = registry.push(BASE, "lab/base:1");
    let shop = Workshop::with("pinned", "amd64-cpu", &["--base-image", &name]);
    shop.write("dependencies/requirements.txt", "");
    shop.write("dependencies/apt-runtime.txt", "");
    shop.write("dependencies/apt-dev.txt", "");
    let file = "compose-base.yaml";
    let before = shop.read(file);
    shop.commit("lists");
    shop.envtpl(&["build-generic"]).expect(0);

    // The engine may have it as an image, or have started from it without keeping it.
    let shown = shop.envtpl(&["freeze", "--dry-run"]).expect(0).stdout;
    docker(&["image", "rm", &name]).expect(0);
    let frozen = shop.envtpl(&["freeze"]).expect(0).stdout;
    let digest = frozen
        .lines()
        .find_map(|line| {
            line.strip_prefix("+        BASE_IMAGE: ")?
                .split('@')
                .nth(1)
        })
        .expect("a digest")
        .trim_matches('"')
        .to_owned();
    assert!(
        digest.starts_with("sha256:") && shown.contains(&digest),
        "{frozen}"
    );
    let pinned = before.replace(&name, &format!("{name}@{digest}"));
    assert_eq!(shop.read(file), pinned);
    let lock = shop.read("envtpl.lock");
    assert!(
        lock.contains(&format!("  image: '{name}'\n  digest: {digest}\n")),
        "{lock}"
    );

    // Another image by that name makes no difference; this one would be refused.
    registry.push(BARE, "lab/base:1");
    docker(&["image", "rm", &name]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");
    shop.envtpl(&["check"]).expect(0);
    let listed = shop.envtpl(&["ls"]).expect(0).stdout;
    assert!(
        listed.contains(&name) && !listed.contains("sha256"),
        "{listed}"
    );

    // Who takes the digest away gets what the registry has at the next build. What is there stands
    // on what the lock says, as long as it is there.
    shop.write(file, &before);
    let kept = shop.envtpl(&["freeze", "--dry-run"]).expect(0);
    assert!(kept.stdout.contains(&digest), "{}", kept.stdout);
    let kept = kept.keeps_quiet_about("the registry has another image");
    assert!(!kept.stdout.contains("envtpl.lock"), "{}", kept.stdout);
    std::fs::remove_file(shop.path("envtpl.lock")).expect("removed");
    let check = shop.envtpl(&["freeze", "--dry-run"]).expect(0);
    assert!(!check.stdout.contains("BASE_IMAGE"), "{}", check.stdout);
    check.says("the registry has another image by that name now");
    shop.commit("no digest");
    shop.envtpl(&["build-generic"])
        .expect(1)
        .says("it has no Python");
}
