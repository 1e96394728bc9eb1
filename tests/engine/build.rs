//! Building: tags, labels, dirt, side stages, faults.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::workshop::{BARE, BASE_ARM64, Ended, Workshop, docker, image_name};

#[test]
fn a_build_tags_both_flavours_with_the_commit_and_a_warm_one_makes_no_new_image() {
    let shop = Workshop::new("tags");
    let report = shop.envtpl(&["build", "--format", "json"]).expect(0);
    let built: serde_json::Value = serde_json::from_str(&report.stdout).expect("JSON");
    assert_eq!(built.as_array().map(Vec::len), Some(4));

    let sha = shop.head();
    let mut expected: Vec<String> = ["run", "dev"]
        .iter()
        .flat_map(|flavour| {
            let sha = &sha;
            ["root", "alice"].map(|user| {
                [
                    format!("{flavour}-latest-{user}"),
                    format!("{flavour}-{sha}-{user}"),
                ]
            })
        })
        .flatten()
        .collect();
    expected.sort();
    assert_eq!(shop.tags(), expected);

    let revision = shop.git(&["rev-parse", "HEAD"]);
    let label = |rest, name| shop.label(rest, name).unwrap_or_default();
    for image in ["run-latest-root", "dev-latest-root", "run-latest-alice"] {
        assert_eq!(label(image, "org.opencontainers.image.revision"), revision);
        assert!(label(image, "envtpl.inputs").starts_with("sha256:"));
    }
    let time: i64 = shop
        .git(&["show", "--no-patch", "--format=%ct"])
        .parse()
        .expect("a time");
    let created: jiff::Timestamp = label("run-latest-root", "org.opencontainers.image.created")
        .parse()
        .expect("a time");
    assert_eq!(created.as_second(), time);

    let ids = || {
        [
            "run-latest-root",
            "dev-latest-root",
            "run-latest-alice",
            "dev-latest-alice",
        ]
        .map(|image| shop.id(image))
    };
    let before = ids();
    shop.envtpl(&["build"]).expect(0);
    assert_eq!(ids(), before);
    by_hand_gives_the_same(&shop, before.to_vec());
}

fn by_hand_gives_the_same(shop: &Workshop, before: Vec<Option<String>>) {
    for services in [
        ["image-run-root", "image-dev-root"],
        ["image-run-user", "image-dev-user"],
    ] {
        let output = Command::new("docker")
            .args(["compose", "build"])
            .args(services)
            .current_dir(shop.path(""))
            .output()
            .expect("docker runs");
        Ended::of(output).expect(0);
    }
    let after = [
        "run-latest-root",
        "dev-latest-root",
        "run-latest-alice",
        "dev-latest-alice",
    ]
    .map(|image| shop.id(image));
    assert_eq!(after.to_vec(), before);
}

#[test]
fn only_this_installations_files_are_dirt_and_dirt_is_never_called_clean() {
    let shop = Workshop::new("dirt");
    shop.envtpl(&["build-generic"]).expect(0);
    let sha = shop.head();
    let clean = shop.id(&format!("dev-{sha}-root"));

    // Neither talk nor code nor another installation is what an image is built from.
    shop.append("README.md", "More.\n");
    std::fs::write(shop.root().join("notes.txt"), "x").expect("written");
    shop.envtpl(&["build-generic"]).expect(0);

    shop.append("dependencies/apt-dev.txt", "file\n");
    let refused = shop.envtpl(&["build-generic"]).expect(1);
    let refused = refused.says("dependencies/apt-dev.txt").says("git add");
    assert!(refused.stdout.is_empty());

    let run_before = docker(&[
        "image",
        "inspect",
        "--format={{json .RootFS.Layers}}",
        &shop.tag("run-latest-root"),
    ])
    .expect(0)
    .stdout;
    shop.envtpl(&["build-generic", "--allow-dirty"]).expect(0);
    assert_eq!(shop.id(&format!("dev-{sha}-root")), clean);
    assert_eq!(
        shop.id(&format!("dev-{sha}-dirty-root")),
        shop.id("dev-latest-root")
    );
    assert_ne!(shop.id("dev-latest-root"), clean);
    let run_after = docker(&[
        "image",
        "inspect",
        "--format={{json .RootFS.Layers}}",
        &shop.tag("run-latest-root"),
    ])
    .expect(0)
    .stdout;
    assert_eq!(
        run_after, run_before,
        "a dev package must not touch the run image"
    );

    // The line that the refusal printed is the one that works.
    let line = refused
        .stderr
        .lines()
        .find_map(|line| {
            line.split_once("help: git add")
                .map(|(_, rest)| format!("git add{rest}"))
        })
        .expect("a line to paste");
    let pasted = Command::new("sh")
        .args(["-c", &line])
        .current_dir("/")
        .env("GIT_DIR", shop.root().join(".git"))
        .env("GIT_WORK_TREE", shop.root())
        .output()
        .expect("sh runs");
    Ended::of(pasted).expect(0);
    shop.envtpl(&["build-generic"]).expect(0);

    shop.append("dependencies/apt-dev.txt", "\n# again\n");
    shop.envtpl(&["build-generic", "--commit"]).expect(0);
    assert!(shop.id(&format!("run-{}-root", shop.head())).is_some());
}

#[test]
fn without_a_commit_there_is_no_commit_tag_and_a_warning() {
    let shop = Workshop::new("unborn");
    std::fs::remove_dir_all(shop.root().join(".git")).expect("removed");
    shop.envtpl(&["build-generic"]).expect(0).says("no commit");
    assert_eq!(shop.tags(), ["dev-latest-root", "run-latest-root"]);
    shop.git(&["init", "--quiet"]);
    shop.envtpl(&["build-generic"]).expect(0).says("no commit");
    assert_eq!(shop.tags(), ["dev-latest-root", "run-latest-root"]);
}

#[test]
fn ad_hoc_build_arguments_are_checked_and_never_tagged_as_the_commit() {
    let shop = Workshop::new("arguments");
    shop.envtpl(&["build-generic", "--build-arg", "NO_SUCH=1"])
        .expect(2)
        .says("NO_SUCH")
        .says("BASE_IMAGE");
    assert!(shop.tags().is_empty());
    shop.envtpl(&["build-generic", "--build-arg", "BASE_ENTRYPOINT=/bin/true"])
        .expect(0);
    let sha = shop.head();
    assert!(shop.id(&format!("run-{sha}-root")).is_none());
    assert!(shop.id(&format!("run-{sha}-dirty-root")).is_some());
}

#[test]
fn a_side_stage_is_built_when_asked_for_and_its_failure_fails_the_build() {
    let shop = Workshop::new("stages");
    shop.append(
        "Dockerfile",
        "\nFROM runtime-generic AS passes\nRUN true\n\nFROM runtime-generic AS fails\nRUN echo broken-on-purpose && exit 3\n",
    );
    shop.commit("stages");
    shop.envtpl(&["build-generic"]).expect(0);
    let before = shop.tags();
    let id = shop.id("run-latest-root");
    shop.envtpl(&["build-generic", "--with", "passes"])
        .expect(0);
    shop.envtpl(&["build-generic", "--with", "fails"])
        .expect(1)
        .says("broken-on-purpose");
    assert_eq!(shop.tags(), before);
    assert_eq!(shop.id("run-latest-root"), id);
    shop.envtpl(&["build-generic", "--with", "missing"])
        .expect(2)
        .says("stages there are");
    shop.envtpl(&["build-generic", "--stage", "passes"])
        .expect(0);
    assert!(shop.tags().iter().any(|tag| tag.contains("passes")));
}

#[test]
fn the_user_image_builds_its_generic_image_first_and_carries_its_commit() {
    let shop = Workshop::new("user-first");
    shop.envtpl(&["build-user"]).expect(0).says("built first");
    let first = shop.head();
    shop.append("README.md", "More.\n");
    shop.commit("talk");
    assert_ne!(shop.head(), first);
    // The generic image is still that of the first commit, and so is what stands on it.
    shop.envtpl(&["build-user"]).expect(0);
    let id = shop.id("run-latest-alice");
    assert!(id.is_some());
    assert_eq!(shop.id(&format!("run-{first}-alice")), id);
    assert_eq!(shop.id(&format!("run-{}-alice", shop.head())), None);
    shop.append("dependencies/apt-dev.txt", "# Nothing yet.\n");
    shop.commit("lists");
    shop.envtpl(&["build-user"])
        .expect(0)
        .says("built from other files")
        .says("envtpl build -i");
}

#[test]
fn ctrl_c_ends_with_130_and_leaves_the_tags_of_the_build_before() {
    let shop = Workshop::new("interrupt");
    shop.envtpl(&["build-generic"]).expect(0);
    let before = (shop.tags(), shop.id("run-latest-root"));
    shop.append(
        "Dockerfile",
        "\nFROM development-generic AS slow\nRUN echo slow-has-begun && sleep 60\n",
    );
    shop.commit("slow");
    let mut child = shop
        .command(&["build-generic", "--progress", "plain", "--with", "slow"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    let mut talk = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("piped"));
    loop {
        use std::io::BufRead;
        let mut line = String::new();
        assert_ne!(stderr.read_line(&mut line).expect("readable"), 0, "{talk}");
        talk.push_str(&line);
        if line.contains(" slow-has-begun") && !line.contains("echo") {
            break;
        }
    }
    let interrupted = Instant::now();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
    std::io::copy(&mut stderr, &mut std::io::sink()).expect("readable");
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_secs(20));
    assert_eq!((shop.tags(), shop.id("run-latest-root")), before);
}

#[test]
fn an_unfit_base_is_refused_with_the_reason() {
    let shop = Workshop::new("unfit");
    let base = shop.read("compose-base.yaml");
    let with = |image: &str| {
        shop.write(
            "compose-base.yaml",
            &base.replace(crate::workshop::BASE, image),
        );
        shop.commit("base");
        shop.envtpl(&["build-generic"])
    };
    with(BASE_ARM64).expect(1).says("is for arm64");
    with(BARE).expect(1).says("Python");
    // An image with nothing in it but a file.
    let scratch = format!("{}:empty", image_name("unfit-base"));
    let imported = Command::new("sh")
        .args([
            "-c",
            &format!("tar -c -C /etc hostname | docker import - {scratch}"),
        ])
        .output()
        .expect("sh runs");
    Ended::of(imported).expect(0);
    let refused = with(&scratch);
    docker(&["image", "rm", &scratch]);
    refused.expect(1);
    assert!(shop.tags().is_empty());
}

#[test]
fn two_builds_of_one_installation_wait_for_each_other() {
    let shop = Workshop::new("two");
    let start = || {
        shop.command(&["build-generic", "--no-cache"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("envtpl runs")
    };
    let (first, second) = (start(), start());
    let first = Ended::of(first.wait_with_output().expect("ends")).expect(0);
    let second = Ended::of(second.wait_with_output().expect("ends")).expect(0);
    let waited = [&first, &second]
        .iter()
        .filter(|ended| ended.stderr.contains("waiting for"))
        .count();
    assert_eq!(waited, 1);
}

#[test]
fn variants_never_mix() {
    let shop = Workshop::new("variants");
    shop.envtpl(&["edit-platform", "amd64-cpu", "amd64-cpu-env2", "--copy"])
        .expect(0);
    std::fs::copy(
        shop.path(".env"),
        shop.root().join("installation/amd64-cpu-env2/.env"),
    )
    .expect("copied");
    let other = shop.root().join("installation/amd64-cpu-env2/.env");
    let text = std::fs::read_to_string(&other)
        .expect("readable")
        .replace(
            "IMAGE_PLATFORM='amd64-cpu'",
            "IMAGE_PLATFORM='amd64-cpu-env2'",
        )
        .replace(
            "IMAGE_PLATFORM=amd64-cpu\n",
            "IMAGE_PLATFORM=amd64-cpu-env2\n",
        );
    std::fs::write(&other, text).expect("written");
    shop.commit("env2");
    shop.envtpl(&["build-generic", "-i", "amd64-cpu", "-i", "amd64-cpu-env2"])
        .expect(0);
    let listed = docker(&["images", "--format", "{{.Tag}}", &shop.image]).expect(0);
    for tag in [
        "amd64-cpu-run-latest-root",
        "amd64-cpu-env2-run-latest-root",
    ] {
        assert!(listed.stdout.lines().any(|line| line == tag), "{tag}");
    }
    let rows = shop.envtpl(&["ls", "--format", "json"]).expect(0);
    assert!(rows.stdout.contains("amd64-cpu-env2-run-latest-root"));
}

#[test]
fn arm64_is_built_and_runs_under_emulation() {
    let shop = Workshop::with("arm64", "arm64-cpu", &["--base-image", BASE_ARM64]);
    // What costs minutes under emulation is tested on the native platform.
    shop.write("dependencies/apt-runtime.txt", "");
    shop.write("dependencies/apt-dev.txt", "");
    shop.commit("less");
    shop.envtpl(&["build-user"]).expect(0);
    let machine = shop
        .envtpl(&[
            "run",
            "python3",
            "-c",
            "import platform, six; print(platform.machine())",
        ])
        .expect(0);
    assert_eq!(machine.stdout, "aarch64\n");
}
