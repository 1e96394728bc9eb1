//! Files out of stages, stages that are built again, and shells in stages, on a real engine.

use std::path::Path;
use std::process::Stdio;

use crate::workshop::{BARE, Ended, Workshop, docker};

const DOCKERFILE: &str = "\
FROM BASE AS prep
RUN mkdir -p /out/sub && echo one >/out/a.log && echo two >/out/b.log && echo deep >/out/sub/c.txt \\
    && echo odd >\"/out/it's \\$x\" && date +%N >/when-prepared
FROM prep AS runtime-generic
FROM prep AS development-generic
RUN date +%N >/when-dev
FROM scratch AS results
COPY --from=prep /out/a.log /kept.log
FROM prep AS tests
RUN date +%N >/when
ENV SEEN=yes
WORKDIR /out
FROM prep AS broken
RUN echo said before; exit 7
";

fn shop(name: &str) -> Workshop {
    let shop = Workshop::with(name, "amd64-cpu", &["--base-image", BARE]);
    shop.write("Dockerfile", &DOCKERFILE.replace("BASE", BARE));
    shop
}

/// The files below a directory with what is in them, sorted.
fn tree(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let below = tree(&path).into_iter();
            found.extend(below.map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            let text = std::fs::read_to_string(&path).expect("a text");
            found.push((name, text.trim().to_owned()));
        }
    }
    found.sort();
    found
}

fn files(shop: &Workshop, directory: &str) -> Vec<(String, String)> {
    tree(&shop.root().join(directory))
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn only_the_paths_asked_for_come_out_and_nothing_stale_survives() {
    let shop = shop("export-paths");
    let before = shop.read("Dockerfile");
    shop.envtpl(&[
        "export",
        "prep",
        "/out/sub",
        "out/*.log",
        "/out/it's $x",
        "-o",
        "new/out",
    ])
    .expect(0)
    .says("4 files to ");
    let all = [
        ("a.log", "one"),
        ("b.log", "two"),
        ("it's $x", "odd"),
        ("sub/c.txt", "deep"),
    ];
    assert_eq!(files(&shop, "new/out"), pairs(&all));

    // Nothing of it stays beside what is wanted now, not even what nobody may write to.
    let sub = shop.root().join("new/out/sub");
    let locked = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    std::fs::set_permissions(sub, locked).expect("set");
    let told = shop
        .envtpl(&[
            "export",
            "prep",
            "/out/b.log",
            "-o",
            "new/out",
            "--format",
            "json",
        ])
        .expect(0);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["files"], serde_json::json!(["b.log"]));
    assert_eq!(files(&shop, "new/out"), pairs(&[("b.log", "two")]));

    // What fails leaves what was there, and nothing beside it.
    shop.envtpl(&["export", "prep", "/out/a.log", "/no/such", "-o", "new/out"])
        .expect(1)
        .says("the stage `prep` has no `/no/such`");
    shop.envtpl(&["export", "broken", "/out/a.log", "-o", "new/out"])
        .expect(1)
        .says("said before")
        .says("exit code: 7")
        .says("envtpl debug broken");
    assert_eq!(files(&shop, "new"), pairs(&[("out/b.log", "two")]));

    // What is somebody's is not replaced unless that is said, and the project never.
    std::fs::create_dir(shop.root().join("mine")).expect("made");
    std::fs::write(shop.root().join("mine/thesis.tex"), "years").expect("written");
    let export = |directory: &str, more: &[&str]| {
        let words = ["export", "prep", "/out/a.log", "-o", directory];
        shop.envtpl(&[&words, more].concat())
    };
    export("mine", &[]).expect(2).says("no export put there");
    assert_eq!(files(&shop, "mine"), pairs(&[("thesis.tex", "years")]));
    export("mine", &["--replace"]).expect(0);
    assert_eq!(files(&shop, "mine"), pairs(&[("a.log", "one")]));
    for own in [".", "..", "installation/out", ".git"] {
        export(own, &["--replace"])
            .expect(2)
            .says("the project is in it");
    }
    assert_eq!(shop.read("Dockerfile"), before);
}

#[test]
fn a_stage_from_scratch_comes_out_whole_and_another_when_that_is_said() {
    let shop = shop("export-whole");
    shop.envtpl(&["export", "results", "-o", "out"]).expect(0);
    assert_eq!(files(&shop, "out"), pairs(&[("kept.log", "one")]));
    shop.envtpl(&["export", "prep", "-o", "whole"])
        .expect(2)
        .says("`prep` holds a whole system")
        .says("--all");
    assert!(!shop.root().join("whole").exists());

    shop.envtpl(&["export", "prep", "--all", "-o", "whole.tar"])
        .expect(0);
    let listed = |path: &Path| {
        let mut tar = std::process::Command::new("tar");
        Ended::run(tar.arg("tf").arg(path).stdin(Stdio::null()))
    };
    let names = listed(&shop.root().join("whole.tar")).expect(0).stdout;
    assert!(names.contains("out/a.log\n") && names.contains("etc/passwd\n"));

    let sent = shop.root().join("sent.tar");
    let mut command = shop.command(&["export", "results", "-o", "-"]);
    let file = std::fs::File::create(&sent).expect("created");
    let status = command.stdin(Stdio::null()).stdout(file).status();
    assert!(status.expect("it starts").success());
    assert_eq!(listed(&sent).expect(0).stdout, "kept.log\n");
    let failed = shop
        .envtpl(&["export", "broken", "/x", "-o", "-"])
        .expect(1);
    assert_eq!(failed.stdout, "");
}

#[test]
fn one_stage_is_built_again_and_the_others_come_from_the_cache() {
    let shop = shop("export-fresh");
    let times = |arguments: &[&str]| {
        let mut words = vec!["export", "tests", "/when", "/when-prepared", "-o", "out"];
        words.extend(arguments);
        shop.envtpl(&words).expect(0);
        let read = |name: &str| std::fs::read_to_string(shop.root().join("out").join(name));
        (
            read("when").expect("there"),
            read("when-prepared").expect("there"),
        )
    };
    let first = times(&[]);
    assert_eq!(times(&[]), first);
    let again = times(&["--fresh", "TESTS"]);
    assert_ne!(again.0, first.0);
    assert_eq!(again.1, first.1);
    assert_eq!(times(&[]), again);
    shop.envtpl(&["export", "tests", "/when", "-o", "out", "--fresh", "nope"])
        .expect(2)
        .says("no stage `nope`");
}

#[test]
fn a_build_runs_the_steps_of_one_stage_again_and_makes_the_same_images_otherwise() {
    let shop = shop("build-fresh");
    let when = |image: &str, file: &str| {
        let shown = shop.in_image(image, &format!("cat {file}"));
        shown.expect(0).stdout
    };
    let (run, dev) = ("run-latest-root", "dev-latest-root");
    shop.envtpl(&["build-generic", "--allow-dirty"]).expect(0);
    let first = (when(dev, "/when-dev"), when(dev, "/when-prepared"));
    let labels = shop.label(dev, "envtpl.inputs");
    assert!(labels.as_ref().is_some_and(|label| !label.is_empty()));

    shop.envtpl(&[
        "build-generic",
        "--allow-dirty",
        "--fresh",
        "development-generic",
    ])
    .expect(0);
    let again = (when(dev, "/when-dev"), when(dev, "/when-prepared"));
    assert_ne!(again.0, first.0);
    assert_eq!(again.1, first.1);
    assert_eq!(when(run, "/when-prepared"), first.1);
    assert_eq!(shop.label(dev, "envtpl.inputs"), labels);
    // The build behind it finds the new one in the cache.
    shop.envtpl(&["build-generic", "--allow-dirty"]).expect(0);
    assert_eq!(when(dev, "/when-dev"), again.0);
    shop.envtpl(&["build", "--allow-dirty", "--fresh", "nope"])
        .expect(2)
        .says("no stage `nope`");
}

#[test]
fn a_shell_opens_in_any_stage_as_its_last_step_left_it() {
    let shop = shop("export-shell");
    let open = |stage: &str, script: &str| {
        let script_file = shop.root().join("script");
        std::fs::write(&script_file, script).expect("written");
        let script = std::fs::File::open(&script_file).expect("opened");
        Ended::run(shop.command(&["shell", "--stage", stage]).stdin(script))
    };
    let opened = open("tests", "cat a.log; echo $SEEN; touch /mine; exit 5\n").expect(5);
    assert_eq!(opened.stdout, "one\nyes\n");
    // What was changed in it is gone, and so is its image.
    let opened = open("TESTS", "ls /mine\n");
    assert_ne!(opened.status, 0);
    let left = docker(&["images", "--quiet", "envtpl-shell"]).expect(0);
    assert_eq!(left.stdout, "");
    open("broken", "").expect(125).says("said before");
    open("nope", "").expect(125).says("no stage `nope`");
}
