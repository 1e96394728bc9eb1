//! What differs between images, containers and locks.

use serde_json::Value;

use crate::workshop::{Workshop, docker};

fn diff(shop: &Workshop, before: &str, after: &str) -> Value {
    let told = shop
        .envtpl(&["diff", before, after, "--format", "json"])
        .expect(0);
    serde_json::from_str(&told.stdout).expect("JSON")
}

fn names(packages: &Value) -> Vec<&str> {
    let packages = packages.as_array().expect("a list").iter();
    packages
        .map(|package| package["name"].as_str().expect("a name"))
        .collect()
}

#[test]
fn a_container_an_image_and_a_commit_are_told_apart() {
    let shop = Workshop::new("diff");
    shop.envtpl(&["build"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    let same = diff(&shop, "HEAD", "amd64-cpu");
    assert_eq!(
        same["packages"]["changed"],
        serde_json::json!([]),
        "the lock says what is in the image"
    );
    assert_eq!(names(&same["packages"]["added"]), Vec::<&str>::new());
    assert_eq!(names(&same["packages"]["removed"]), Vec::<&str>::new());
    assert_eq!(same["setup"], Value::Null);

    let started = shop.envtpl(&["dev", "--detach", "sleep", "900"]).expect(0);
    let container = started.stdout.trim().to_owned();
    let entrypoint = "/opt/envtpl/entrypoints/entrypoint.sh";
    let install = [
        "exec",
        &container,
        entrypoint,
        "pip",
        "install",
        "--quiet",
        "requests==2.32.3",
        "idna==3.7",
    ];
    let installed = docker(&install);
    let since = installed.status == 0;
    let of_container = since.then(|| diff(&shop, "amd64-cpu", &container));
    let frozen = since.then(|| shop.envtpl(&["freeze"]).expect(0));
    let built = frozen.map(|_| {
        shop.commit("more");
        shop.envtpl(&["build-generic"]).expect(0);
        let commits = diff(&shop, "HEAD~1", "HEAD");
        let image = diff(&shop, &container, "amd64-cpu");
        (commits, image)
    });
    docker(&["rm", "--force", &container]);
    installed.expect(0);

    let of_container = of_container.expect("installed");
    assert_eq!(of_container["after"]["kind"], "container");
    let added = &of_container["packages"]["added"];
    assert_eq!(
        names(added),
        [
            "certifi",
            "charset-normalizer",
            "idna",
            "requests",
            "urllib3"
        ]
    );
    assert_eq!(added[2]["requested"], true);
    assert_eq!(added[4]["needed_by"], serde_json::json!(["requests"]));
    assert_eq!(of_container["packages"]["changed"], serde_json::json!([]));
    let written = of_container["setup"]["layers"]
        .as_array()
        .and_then(|layers| layers.last())
        .expect("a layer");
    assert!(written["after"].as_u64() > Some(100_000), "{written}");

    let (commits, image) = built.expect("built");
    assert_eq!(names(&commits["packages"]["added"]).len(), 5);
    // pip installed them there and uv here: the same files are the same package.
    assert_eq!(
        image["packages"]["changed"],
        serde_json::json!([]),
        "{image}"
    );
    assert_eq!(names(&image["packages"]["added"]), Vec::<&str>::new());
    assert_eq!(names(&image["packages"]["removed"]), Vec::<&str>::new());

    let flavours = diff(
        &shop,
        &shop.tag("run-latest-root"),
        &shop.tag("dev-latest-root"),
    );
    let added = names(&flavours["packages"]["added"]);
    assert!(
        added.contains(&"less") && added.contains(&"sudo"),
        "{added:?}"
    );
    assert!(flavours["setup"]["same_layers"]["number"].as_u64() > Some(1));
    assert!(
        flavours["setup"]["layers"].to_string().contains("apt-dev"),
        "{flavours}"
    );
    shop.envtpl(&["diff", "no-such-thing", "amd64-cpu"])
        .expect(2)
        .says("there is nothing to compare in `no-such-thing`");
}
