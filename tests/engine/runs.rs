//! What is written down of runs, running one again, and what a run mounts.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::waiting::{SOON, eventually};
use crate::workshop::{Ended, Workshop, docker};

/// A built project that belongs to the person of its containers.
fn built(name: &str) -> Workshop {
    let shop = Workshop::new(name);
    crate::run::give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    shop
}

fn runs(shop: &Workshop) -> Vec<Value> {
    let ended = shop.envtpl(&["runs", "--format", "json"]).expect(0);
    let runs: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    runs.as_array().expect("a list").clone()
}

#[test]
fn a_run_is_written_down_and_run_again_in_the_same_image() {
    let shop = built("runs");
    assert!(runs(&shop).is_empty());
    let image = shop.id("run-latest-alice").expect("built");

    let arguments = ["run", "-e", "SEED=1", "-e", "API_TOKEN", "--"];
    let command = [
        "sh",
        "-c",
        "echo \"$SEED $API_TOKEN\"; cat /etc/marker; exit 7",
    ];
    let first = shop
        .command(&[&arguments[..], &command].concat())
        .current_dir(shop.root().join("src"))
        .env("API_TOKEN", "sesame")
        .output()
        .expect("envtpl runs");
    assert_eq!(Ended::of(first).expect(7).stdout, "1 sesame\n");

    let listed = runs(&shop);
    let run = &listed[0];
    assert_eq!(listed.len(), 1);
    assert_eq!(run["number"], 1);
    assert_eq!(run["status"], 7);
    assert_eq!(run["installation"], "amd64-cpu");
    assert_eq!(run["service"], "run-local-cpu");
    assert_eq!(run["image"]["id"], image.as_str());
    assert_eq!(
        run["commit"].as_str().map(|commit| &commit[..7]),
        Some(&*shop.head())
    );
    assert_eq!(run["changes"], Value::Null);
    assert_eq!(run["command"][2], command[2]);
    assert_eq!(run["environment"]["SEED"], "1");
    assert_eq!(run["environment"]["API_TOKEN"], Value::Null);
    let inside = format!("/project/{}/src", shop.project);
    assert_eq!(run["directory"], inside);
    assert!(run["seconds"].as_f64().expect("seconds") > 0.0);
    let mounted = run["mounts"].as_array().expect("mounts").iter();
    let project = shop.root().to_str().expect("text");
    assert!(mounted.clone().any(|mount| mount["source"] == project));
    let file = shop.root().join(".envtpl/runs.jsonl");
    let text = std::fs::read_to_string(&file).expect("there");
    assert!(!text.contains("sesame"));
    let metadata = std::fs::metadata(&file).expect("there");
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (1234, 0o600));

    // The name means another image now; the code has changed.
    std::fs::write(shop.root().join("note"), "x").expect("written");
    let dockerfile = shop.read("Dockerfile-user").replace(
        "FROM ${GENERIC_IMAGE}-dev",
        "USER 0\nRUN echo other >/etc/marker\nUSER ${USRID}\nFROM ${GENERIC_IMAGE}-dev",
    );
    shop.write("Dockerfile-user", &dockerfile);
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    let shown = shop.envtpl(&["run", "cat", "/etc/marker"]).expect(0);
    assert_eq!(shown.stdout, "other\n");

    shop.envtpl(&["rerun", "1"])
        .expect(125)
        .says("the value of `API_TOKEN` was not kept");
    let again = shop
        .command(&["rerun", "1"])
        .env("API_TOKEN", "open")
        .output()
        .expect("envtpl runs");
    let again = Ended::of(again)
        .expect(7)
        .says("cat: ")
        .says("files that differ");
    assert_eq!(again.stdout, "1 open\n");
    let listed = runs(&shop);
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[2]["image"]["id"], image.as_str());
    assert_eq!(listed[2]["directory"], listed[0]["directory"]);
    assert_ne!(listed[2]["changes"], Value::Null);
    let left = shop.root().join(".envtpl/start");
    assert_eq!(std::fs::read_dir(left).expect("there").count(), 0);

    // Runs in the background are written down by whoever waits for them.
    let started = shop.envtpl(&["run", "-d", "sh", "-c", "exit 0"]).expect(0);
    docker(&["wait", started.stdout.trim()]);
    eventually("the run is written down", SOON, || runs(&shop).len() == 4);
    assert_eq!(runs(&shop)[3]["detached"], true);

    docker(&["image", "rm", "--force", &image]).expect(0);
    let gone = shop
        .command(&["rerun", "1"])
        .env("API_TOKEN", "open")
        .output()
        .expect("envtpl runs");
    Ended::of(gone).expect(125).says("is gone");
    shop.envtpl(&["rerun", "99"])
        .expect(125)
        .says("runs are numbered 1 to 4");
}

#[test]
fn what_is_mounted_is_made_by_the_person_before_the_engine_makes_it_as_root() {
    let shop = built("mounts");
    let compose = shop.read("compose.yaml");
    let mount = |source: &str| {
        let volumes = format!("    volumes:\n      - \"{source}:/extra\"\n");
        shop.write(
            "compose.yaml",
            &compose.replacen("    volumes:\n", &volumes, 1),
        );
    };
    mount("../../outputs/new");
    shop.envtpl(&["run", "touch", "/extra/made"]).expect(0);
    for path in ["outputs", "outputs/new", "outputs/new/made"] {
        let made = std::fs::metadata(shop.root().join(path)).expect(path);
        assert_eq!((made.uid(), made.gid()), (1234, 1234), "{path}");
    }
    mount("/no-such-disk/data");
    shop.envtpl(&["run", "true"])
        .expect(125)
        .says("`/no-such-disk/data`, which is mounted at `/extra`, is not there")
        .says("compose.yaml:");
    assert!(!Path::new("/no-such-disk").exists());
}
