//! System packages that are declared for the dev image after a freeze.

use crate::workshop::{Workshop, docker, never_seen};

const MORE: &str = "tree";

fn layers(shop: &Workshop, flavour: &str) -> Vec<String> {
    let format = "{{range .RootFS.Layers}}{{println .}}{{end}}";
    let image = shop.tag(&format!("{flavour}-latest-root"));
    let told = docker(&["image", "inspect", "--format", format, &image]).expect(0);
    told.stdout.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_the_lock_does_not_know_is_installed_last_and_nothing_below_it_again() {
    let shop = Workshop::new("declared-since");
    // Of the layers that earlier runs made of the same step on the same files, the engine takes
    // which it likes; these files are new to it.
    let stage = "FROM base AS apt-runtime\n";
    let dockerfile = shop.read("Dockerfile");
    let comment = never_seen();
    let own = dockerfile.replace(
        stage,
        &format!("{stage}RUN echo '{}' >/of-this-run\n", comment.trim()),
    );
    assert_ne!(own, dockerfile);
    shop.write("Dockerfile", &own);
    shop.commit("a step of this run alone");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    let before = layers(&shop, "dev");
    let run = layers(&shop, "run");

    let with_more = format!("# now with {MORE}\nsudo\nless\n{MORE}\n");
    shop.write("dependencies/apt-dev.txt", &with_more);
    shop.commit("more");
    shop.envtpl(&["build-generic", "--progress", "plain"])
        .expect(0)
        .says(&format!("dependencies/apt-dev.txt:4: {MORE}"));
    let after = layers(&shop, "dev");
    assert_eq!(layers(&shop, "run"), run);
    assert_eq!(after.len(), before.len());
    let same = after.iter().zip(&before).filter(|(a, b)| a == b).count();
    // The one with it, and the last, which records what is installed.
    assert_eq!(same, before.len() - 2, "{before:#?}\n{after:#?}");
    let manual = shop.in_image("dev-latest-root", "apt-mark showmanual");
    let manual = manual.expect(0).stdout;
    for name in ["sudo", "less", MORE] {
        assert!(manual.lines().any(|line| line == name), "{name}: {manual}");
    }

    shop.envtpl(&["freeze"]).expect(0);
    let locked = shop.read("dependencies/locked/apt-dev.txt");
    assert!(locked.contains(&format!("\n{MORE}=")), "{locked}");
    shop.commit("freeze");
    shop.envtpl(&["build-generic", "--locked"]).expect(0);
    shop.envtpl(&["freeze", "--check"]).expect(0);

    // Lines of one's own find all that is declared.
    shop.append("dependencies/apt-dev.txt", "bc\n");
    let next = "# ---- Python packages";
    let dockerfile = shop.read("Dockerfile");
    let own = dockerfile.replace(next, &format!("RUN command -v bc\n\n{next}"));
    assert_ne!(own, dockerfile);
    shop.write("Dockerfile", &own);
    shop.commit("a line of my own");
    shop.envtpl(&["build-generic"]).expect(0);
}
