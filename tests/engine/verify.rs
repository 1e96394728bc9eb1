//! Building again from the lock alone, and telling what is not the same.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::scratch;
use crate::second_engine::SecondEngine;
use crate::workshop::{BARE, BASE, Ended, Workshop, docker, image_name};

/// A project that is frozen, committed and built, with its verdict.
fn verified(name: &str) -> (Workshop, Ended) {
    let shop = Workshop::new(name);
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    let tags = shop.tags();
    let settings = shop.read(".env");
    let ended = shop.envtpl(&["verify"]);
    assert_eq!(shop.tags(), tags, "names of images are as they were");
    assert_eq!(shop.read(".env"), settings);
    (shop, ended)
}

fn verdict(shop: &Workshop) -> Value {
    let path = shop.root().join(".envtpl/verdicts/amd64-cpu.json");
    let text = std::fs::read_to_string(path).expect("kept");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn what_is_frozen_is_built_again_the_same_and_what_is_not_is_named() {
    let (shop, ended) = verified("verify");
    let ended = ended.expect(0);
    let verdict_of_freeze = verdict(&shop);
    let counts = &verdict_of_freeze["packages"];
    assert_eq!(
        ended.stdout,
        format!(
            "reproduced: {0} of {0} packages identical\n",
            counts["total"]
        )
    );
    assert!(counts["total"].as_u64() > Some(5), "{counts}");
    assert_eq!(verdict_of_freeze["verdict"], "reproduced");
    let head = shop.git(&["rev-parse", "HEAD"]);
    assert_eq!(verdict_of_freeze["revision"], head.as_str());
    for image in verdict_of_freeze["images"].as_array().expect("two") {
        assert_eq!(image["compared"], true, "{image}");
        let flavour = image["flavour"].as_str().expect("a name");
        let id = shop.id(&format!("{flavour}-latest-root"));
        assert_eq!(image["present"].as_str(), id.as_deref());
    }
    let listed = shop.envtpl(&["ls", "--format", "json"]).expect(0).stdout;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed[0]["verified"]["verdict"], "reproduced");

    // A list that says something else than the lock is named before anything is built.
    let locked = shop.read("dependencies/locked/requirements.txt");
    shop.write(
        "dependencies/locked/requirements.txt",
        &locked.replace("six==1.17.0", "six==1.16.0"),
    );
    let refused = shop.envtpl(&["verify"]).expect(1).says("six==1.16.0");
    assert!(!refused.stderr.contains("Building"), "{}", refused.stderr);
    shop.write("dependencies/locked/requirements.txt", &locked);

    // A file that a line of the Dockerfile changes, and a package that it takes away.
    let dockerfile = shop.read("Dockerfile");
    let end = "ENTRYPOINT [\"/opt/envtpl/entrypoints/entrypoint.sh\"]";
    assert_eq!(dockerfile.matches(end).count(), 2);
    let patch = "RUN python3 -c 'import six; open(six.__file__, \"a\").write(\"# mine\")' \
                 && dpkg --purge jq";
    shop.write(
        "Dockerfile",
        &dockerfile.replacen(end, &format!("{patch}\n{end}"), 1),
    );
    let different = shop.envtpl(&["verify"]).expect(1);
    assert!(
        different
            .stdout
            .contains("python six: six.py is not what its RECORD says, in the rebuilt "),
        "{}",
        different.stdout
    );
    assert!(
        different.stdout.contains("apt jq: envtpl.lock has 1."),
        "{}",
        different.stdout
    );
    let after = verdict(&shop);
    assert_eq!(after["verdict"], "different");
    assert_eq!(
        after["packages"]["identical"].as_u64(),
        after["packages"]["total"].as_u64().map(|total| total - 2)
    );
    assert!(
        different
            .stderr
            .contains("was built from other files, so it is not compared"),
        "{}",
        different.stderr
    );
}

#[test]
fn an_interrupted_or_failing_verification_leaves_no_image_and_no_name() {
    // A base of its own: a build that is stopped must not be one that another test waits for.
    let base = &format!("{}:base", image_name("verify-stop"));
    let context = tempfile::tempdir().expect("a directory");
    std::fs::write(context.path().join("mark"), "of this test\n").expect("written");
    let dockerfile = format!("FROM {BASE}\nCOPY mark /etc/mark\n");
    std::fs::write(context.path().join("Dockerfile"), dockerfile).expect("written");
    let path = context.path().to_string_lossy().into_owned();
    docker(&["build", "--quiet", "--tag", base, &path]).expect(0);
    let shop = Workshop::with("verify-stop", "amd64-cpu", &["--base-image", base]);
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    let tags = shop.tags();

    let dockerfile = shop.read("Dockerfile");
    shop.append("Dockerfile", "RUN exit 7\n");
    shop.envtpl(&["verify"])
        .expect(1)
        .says("the build of amd64-cpu failed");
    assert_eq!(shop.tags(), tags);

    shop.write("Dockerfile", &dockerfile);
    shop.append("Dockerfile", "RUN sleep 300\n");
    let mut child = shop
        .command(&["verify", "--progress", "plain"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let mut told = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let step = told.find(|line| {
        line.as_ref()
            .is_ok_and(|line| line.contains("RUN sleep 300"))
    });
    assert!(step.is_some(), "the build ended before its last step");
    // Whoever does not read on stops the build by that.
    let rest = std::thread::spawn(move || told.count());
    let pid = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    rest.join().expect("it was read to its end");
    assert_eq!(shop.tags(), tags);
    let kept = shop.root().join(".envtpl/verdicts/amd64-cpu.json");
    assert!(!kept.exists(), "there is no verdict");
}

#[test]
fn bits_are_compared_where_the_builder_can_and_refused_with_the_reason_elsewhere() {
    let shop = Workshop::new("verify-bits");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    let tags = shop.tags();
    let store = docker(&["info", "--format={{json .DriverStatus}}"]).expect(0);
    let driver = docker(&["buildx", "inspect"]).expect(0);
    let own_store = driver.stdout.contains("Driver:        docker\n")
        && !store.stdout.contains("io.containerd.snapshotter");
    let ended = shop.envtpl(&["verify", "--bits"]);
    assert_eq!(shop.tags(), tags);
    if own_store {
        let ended = ended.expect(3);
        let ended = ended.says("cannot write images whose files all have one time");
        assert!(!ended.stderr.contains("Building"), "{}", ended.stderr);
    } else {
        let ended = ended.expect(0);
        let bits = verdict(&shop)["bits"].take();
        assert!(bits["total"].as_u64() > Some(1), "{bits}");
        let all = format!("bits: {0} of {0} layers identical\n", bits["total"]);
        assert!(ended.stdout.ends_with(&all), "{}", ended.stdout);
    }
}

/// What `verify --bits` finds on an engine with the containerd image store, for a project that was
/// built and frozen on this one, as on another machine.
fn bits_elsewhere(shop: &mut Workshop, base: &str) -> (Ended, Value) {
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    let engine = SecondEngine::start();
    engine.bring(base);
    engine.host(shop);
    shop.commit("freeze");
    let ended = shop.envtpl(&["verify", "--bits"]);
    let bits = verdict(shop)["bits"].take();
    (ended, bits)
}

#[test]
fn all_layers_of_both_images_are_the_same_bits_where_the_builder_can() {
    let mut shop = Workshop::new("verify-same-bits");
    let (ended, bits) = bits_elsewhere(&mut shop, BASE);
    let ended = ended.expect(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let total = bits["total"].as_u64().expect("a number");
    assert!(total > 15, "the base, and the layers of two images: {bits}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("reproduced: "), "{lines:?}");
    assert_eq!(
        lines[1],
        format!("bits: {total} of {total} layers identical")
    );
    assert_eq!(bits["identical"], bits["total"]);
    let commit = shop.git(&["log", "-1", "--format=%ct"]);
    assert_eq!(bits["epoch"].to_string(), commit);
}

#[test]
fn a_step_that_makes_other_bits_each_time_is_named_with_its_file() {
    let mut shop = scratch::workshop("verify-other-bits");
    // The last stage is that of the dev image.
    shop.append("Dockerfile", "RUN date +%N >/etc/moment\n");
    shop.commit("a step that no two builds do the same");
    let (ended, bits) = bits_elsewhere(&mut shop, BARE);
    let ended = ended
        .expect(1)
        .says("have the same packages, and not the same bits");
    let total = bits["total"].as_u64().expect("a number");
    assert!(total > 15, "{bits}");
    let found: Vec<&str> = ended.stdout.lines().skip(1).collect();
    assert_eq!(
        found,
        [
            &*format!("bits: {} of {total} layers identical", total - 1),
            "  dev image, RUN date +%N >/etc/moment: etc/moment",
        ]
    );
    assert_eq!(
        bits["different"][0]["files"],
        serde_json::json!(["etc/moment"])
    );
}

#[test]
fn conda_packages_are_built_again_the_same() {
    let shop = scratch::workshop("verify-scratch");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    let ended = shop.envtpl(&["verify"]).expect(0);
    assert!(ended.stdout.starts_with("reproduced: "), "{}", ended.stdout);
    let counts = verdict(&shop)["packages"]["total"].as_u64();
    let lock = shop.read("envtpl.lock");
    let conda = lock.split("\nconda:\n").nth(1).expect("conda packages");
    let conda = conda.matches("- name: ").count();
    assert!(
        conda > 1 && counts > Some(conda as u64),
        "{counts:?} {lock}"
    );
    assert_eq!(verdict(&shop)["images"][0]["compared"], true);
}
