//! Cleaning: what nothing needs goes, what something needs stays.

use serde_json::Value;

use crate::run::give_to_alice;
use crate::workshop::{Workshop, docker};

/// The leftovers that `envtpl clean` lists, as `kind name`, sorted; images without a name by `-`.
fn listed(report: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(report).expect("JSON");
    let items = report["items"].as_array().expect("a list").iter();
    let mut items: Vec<String> = items
        .map(|item| {
            let name = item["name"].as_str().expect("a name");
            let (_, tag) = name.split_once(':').unwrap_or(("", name));
            let unnamed = item["kind"] == "image" && !name.contains(':');
            let tag = if unnamed { "-" } else { tag };
            format!("{} {tag}", item["kind"].as_str().expect("a kind"))
        })
        .collect();
    items.sort();
    items
}

#[test]
fn what_nothing_needs_is_shown_and_removed_and_nothing_else() {
    let shop = Workshop::new("leftovers");
    give_to_alice(shop.root());
    shop.envtpl(&["build"]).expect(0);
    let first = shop.head();
    shop.envtpl(&["run", "true"]).expect(0);
    assert_eq!(
        shop.envtpl(&["clean"]).expect(0).stdout,
        "nothing to remove\n",
        "nothing is asked where there is nothing"
    );

    // A service with a network of its own, as people add them.
    let image = shop.tag("run-latest-root");
    let service =
        format!("  beside: {{image: \"{image}\", pull_policy: never, command: [\"true\"]}}\n");
    shop.append("compose.yaml", &service);
    shop.append("dependencies/apt-dev.txt", "# second\n");
    shop.append("dependencies/apt-runtime.txt", "# second\n");
    shop.commit("second");
    shop.envtpl(&["build"]).expect(0);
    let second = shop.head();
    // Builds of changed files take the names of the ones before.
    for change in ["# third\n", "# fourth\n"] {
        shop.append("dependencies/apt-dev.txt", change);
        shop.append("dependencies/apt-runtime.txt", change);
        shop.envtpl(&["build", "--allow-dirty"]).expect(0);
    }
    shop.envtpl(&["dev", "--up"]).expect(0);
    shop.envtpl(&["down", "--stop"]).expect(0);
    let compose = |arguments: &[&str]| {
        let directory = shop.path("");
        let directory = directory.to_str().expect("UTF-8");
        docker(&[&["compose", "--project-directory", directory], arguments].concat()).expect(0)
    };
    compose(&["create", "beside"]);

    let compose_project = format!("{}-amd64-cpu-alice", shop.project);
    let container = format!("container {compose_project}-beside-1");
    let network = format!("network {compose_project}_default");
    let mut leftovers = vec![container, network];
    leftovers.extend(["image -"; 4].map(str::to_owned));
    leftovers.sort();
    let report = shop
        .envtpl(&["clean", "--dry-run", "--format", "json"])
        .expect(0);
    assert_eq!(listed(&report.stdout), leftovers);

    // Nobody can be asked here, and nothing goes.
    let refused = shop.envtpl(&["clean", "--format", "json"]).expect(2);
    refused.says("--yes");
    let cleaned = shop
        .envtpl(&["clean", "--yes", "--format", "json"])
        .expect(0);
    assert_eq!(listed(&cleaned.stdout), leftovers);
    let tags = shop.tags();
    assert_eq!(tags.len(), 4 * 4, "{tags:?}");

    // Images of earlier commits go when they are asked for; not those in use, and no workspace.
    let young = shop
        .envtpl(&["clean", "--images", "--older-than", "1000d"])
        .expect(0);
    assert_eq!(young.stdout, "nothing to remove\n");
    let report = shop
        .envtpl(&["clean", "--images", "--yes", "--format", "json"])
        .expect(0);
    let mut earlier = Vec::new();
    for commit in [&first, &second] {
        for flavour in ["run", "dev"] {
            for person in ["root", "alice"] {
                earlier.push(format!("image amd64-cpu-{flavour}-{commit}-{person}"));
            }
        }
    }
    earlier.sort();
    assert_eq!(listed(&report.stdout), earlier);
    let report: Value = serde_json::from_str(&report.stdout).expect("JSON");
    let of_the_run = report["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|item| item["runs"] == serde_json::json!([1]));
    let of_the_run: Vec<&str> = of_the_run
        .filter_map(|item| item["name"].as_str())
        .collect();
    assert_eq!(of_the_run, [shop.tag(&format!("run-{first}-alice"))]);

    assert_eq!(shop.tags().len(), 2 * 4, "{:?}", shop.tags());
    assert_eq!(shop.envtpl(&["run", "true"]).expect(0).stdout, "");
    shop.envtpl(&["dev", "--up"]).expect(0);
    shop.envtpl(&["down"]).expect(0);
    // Compose makes the network of the service beside with every start.
    shop.envtpl(&["clean", "--networks", "--yes"]).expect(0);
    assert_eq!(
        shop.envtpl(&["clean"]).expect(0).stdout,
        "nothing to remove\n"
    );

    // What the engine's other projects share is told, and left unless it is asked for.
    let caches = shop.envtpl(&["clean", "--caches", "--dry-run"]).expect(0);
    assert!(
        caches.stdout.contains("steps of all projects"),
        "{}",
        caches.stdout
    );
}
