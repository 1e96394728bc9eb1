//! Triggers (`ONBUILD`) that fail, looked into as other steps are.

use std::io::Write;
use std::process::Stdio;

use crate::debug::{debug, shop};
use crate::workshop::{BARE, Ended, docker, image_name};

/// The images that `debug` makes in the place of those with triggers, and their containers.
pub fn left_behind() -> String {
    let images = docker(&["images", "--format={{.Repository}}:{{.Tag}}"]).expect(0);
    let containers = docker(&["ps", "--all", "--format={{.Names}} {{.Image}}"]).expect(0);
    let all = images.stdout + &containers.stdout;
    let ours = all
        .lines()
        .filter(|line| line.contains("envtpl-debug-base"));
    ours.collect()
}

/// Builds an image from a Dockerfile alone.
pub fn build_image(image: &str, dockerfile: &str) {
    let mut build = std::process::Command::new("docker");
    build
        .args(["build", "--quiet", "--tag", image, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = build.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(dockerfile.as_bytes()).expect("written");
    drop(stdin);
    Ended::of(child.wait_with_output().expect("it ends")).expect(0);
}

#[test]
fn a_trigger_of_a_stage_that_fails_is_run_wrapped() {
    let shop = shop(
        "debug-trigger",
        "FROM BASE AS first\nRUN true\n\
         FROM first AS base\nWORKDIR /w\n\
         ONBUILD ENV WHO=you\n\
         ONBUILD RUN date +%N >fine\n\
         ONBUILD RUN --mount=type=tmpfs,target=/t echo \"hello $WHO\"; \\\n  echo kept >x.log; exit 4\n\
         FROM base AS development-generic\nRUN true\n",
    );
    let looked = debug(
        &shop,
        &["--keep", "*.log", "--keep", "fine", "--probe", "pwd"],
        1,
    );
    assert_eq!(looked.status(), Some(4), "{:?}", looked.ended);
    assert_eq!(looked.report["seen"], "after");
    assert_eq!(looked.report["trigger_of"], "stage `base`");
    assert_eq!(looked.report["stage"], "development-generic");
    assert_eq!(looked.report["line"], 7);
    assert_eq!(looked.file("log.txt"), "hello you\n");
    assert_eq!(looked.file("files/w/x.log"), "kept\n");
    assert!(looked.file("probes/probe-1.txt").contains("/w\n"));
    looked.ended.clone().says("a trigger of stage `base`");
    // What comes before it is from the cache.
    let fine = looked.file("files/w/fine");
    let looked = debug(&shop, &["7", "--keep", "fine"], 1);
    assert_eq!(looked.status(), Some(4));
    assert_eq!(looked.file("files/w/fine"), fine);

    // What is mended in the trigger is tried on what it left.
    let mended = shop.read("Dockerfile").replace("exit 4", "cat x.log");
    shop.write("Dockerfile", &mended);
    let looked = debug(&shop, &["--resume", "--keep", "fine"], 0);
    assert_eq!(looked.file("log.txt"), "hello you\nkept\n");
    assert_eq!(looked.file("files/w/fine"), fine);
}

#[test]
fn a_trigger_of_an_image_that_fails_is_run_wrapped_and_its_cache_is_kept() {
    let image = image_name("debug-onbuild");
    build_image(
        &image,
        &format!(
            "FROM {BARE}\nRUN useradd --create-home joe && mkdir /w && chown joe /w\nWORKDIR /w\n\
         USER joe\nVOLUME /volume\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\n\
         ONBUILD RUN date +%N >fine\n\
         ONBUILD RUN echo said; echo kept >x.log; id -un; false | true\n"
        ),
    );

    let shop = shop(
        "debug-trigger-image",
        &format!("FROM BASE AS other\nRUN true\nFROM {image} AS development-generic\nRUN exit 9\n"),
    );
    let before = docker(&["volume", "ls", "--quiet"]).expect(0).stdout;
    // What the trigger before it made in a build is there.
    let looked = debug(&shop, &["--keep", "x.log", "--keep", "fine"], 1);
    assert_eq!(looked.status(), Some(1), "{:?}", looked.ended);
    let giver = format!("image `{image}`");
    assert_eq!(looked.report["trigger_of"], giver.as_str());
    assert_eq!(looked.report["line"], 3);
    assert_eq!(looked.report["step"], serde_json::json!([3, 4]));
    assert_eq!(looked.file("log.txt"), "said\njoe\n");
    assert_eq!(looked.file("files/w/x.log"), "kept\n");
    let fine = looked.file("files/w/fine");

    let mut command = shop.command(&["debug", "--shell", "-o", "evidence"]);
    let script = shop.root().join("script");
    std::fs::write(&script, "id -un; cat fine; again; echo $?\n").expect("written");
    let typed = std::fs::File::open(&script).expect("opened");
    let opened = Ended::run(command.stdin(typed)).expect(1);
    assert_eq!(opened.stdout, format!("joe\n{fine}said\njoe\n1\n"));
    assert!(!opened.stderr.contains("Trying"), "{}", opened.stderr);

    // By the line of its FROM; and the same once more without building anything before it.
    let looked = debug(&shop, &["3", "--keep", "fine"], 1);
    assert_eq!(looked.file("files/w/fine"), fine);
    assert_eq!(left_behind(), "");
    assert_eq!(
        docker(&["volume", "ls", "--quiet"]).expect(0).stdout,
        before
    );
    docker(&["image", "rm", "--force", &image]).expect(0);
}
