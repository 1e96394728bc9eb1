//! `envtpl check`.

use crate::desk::{Desk, Ended};

/// A scaffolded project with the installation `amd64-cpu` and its settings.
fn desk() -> Desk {
    let desk = Desk::new();
    for arguments in [
        &[
            "init",
            "--yes",
            "-i",
            "amd64-cpu",
            "--project-name",
            "my-project",
        ][..],
        &["env", "-i", "amd64-cpu"],
    ] {
        let ended = desk.envtpl(arguments);
        assert_eq!(ended.status, 0, "{arguments:?}: {}", ended.stderr);
    }
    desk
}

fn path(file: &str) -> String {
    format!("installation/amd64-cpu/{file}")
}

fn check(desk: &Desk) -> Ended {
    desk.envtpl(&["check", "--no-engine"])
}

/// Replaces a text that must be there.
#[track_caller]
fn replace(desk: &Desk, file: &str, from: &str, to: &str) {
    let text = desk.text(&path(file));
    assert!(text.contains(from), "{from:?} is not in {file}:\n{text}");
    desk.write(&path(file), text.replace(from, to));
}

#[test]
fn what_was_just_scaffolded_is_right() {
    let ended = check(&desk()).expect(0).says("Checked amd64-cpu");
    assert_eq!(ended.stdout, "");
}

#[test]
fn settings_that_are_not_there_yet_are_a_note() {
    let desk = desk();
    desk.remove(&path(".env"));
    check(&desk)
        .expect(0)
        .prints("installation/amd64-cpu/.env: note: your personal settings are not there yet")
        .prints("envtpl env -i amd64-cpu");
}

#[test]
fn settings_are_judged_line_by_line_and_never_executed() {
    let desk = desk();
    let text = desk.text(&path(".env"));
    let line = text
        .lines()
        .position(|line| line.starts_with("IMAGE_NAME="))
        .expect("it is there")
        + 1;
    let old = text.lines().nth(line - 1).expect("a line").to_owned();
    replace(&desk, ".env", &old, "IMAGE_NAME=Lab/Upper");
    let marker = desk.work().join("executed");
    let command = format!(
        "TZ=$(touch {})\nCA_BUNDLE=/nonexistent/ca.pem\n",
        marker.display()
    );
    desk.write(&path(".env"), desk.text(&path(".env")) + &command);
    check(&desk)
        .expect(1)
        .prints(&format!(
            "installation/amd64-cpu/.env:{line}: error: `IMAGE_NAME` cannot be `Lab/Upper`"
        ))
        .prints("`TZ` holds a command; it is text and is never executed")
        .prints("error: `CA_BUNDLE` names `/nonexistent/ca.pem`, which is not there")
        .says("2 errors");
    assert!(!marker.exists());
}

#[test]
fn settings_that_cannot_be_read_are_an_error_at_their_line() {
    let desk = desk();
    desk.write(&path(".env"), "USR=alice\nUSRID='1\n");
    check(&desk)
        .expect(1)
        .prints("installation/amd64-cpu/.env:2: error: ");
    desk.write(&path(".env"), b"USR=\xff\n");
    check(&desk).expect(1).prints("is not UTF-8");
}

#[test]
fn settings_that_others_read_differently_or_may_read_at_all_are_warnings() {
    let desk = desk();
    let text = desk.text(&path(".env")) + "TZ=Europe/Zurich # home\nEXTRA=a $$ b\n";
    desk.write(&path(".env"), text);
    desk.mode(&path(".env"), 0o644);
    check(&desk)
        .expect(0)
        .prints("take `EXTRA` differently")
        .prints("chmod 600");
}

#[test]
fn settings_of_another_installation_are_noticed() {
    let desk = desk();
    replace(
        &desk,
        ".env",
        "IMAGE_PLATFORM=amd64-cpu",
        "IMAGE_PLATFORM=arm64-cpu",
    );
    check(&desk)
        .expect(0)
        .prints("are called `arm64-cpu`, and it is amd64-cpu");
}

#[test]
fn compose_files_that_are_no_yaml_are_errors_at_their_line() {
    let desk = desk();
    desk.write(&path("compose.yaml"), "services:\n  a: [\n");
    let ended = check(&desk).expect(1);
    assert!(
        ended
            .stdout
            .contains("installation/amd64-cpu/compose.yaml:"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("error: "), "{}", ended.stdout);
}

#[test]
fn a_service_that_commands_use_must_be_there() {
    let desk = desk();
    replace(&desk, "compose.yaml", "run-local-cpu:", "run-elsewhere:");
    check(&desk)
        .expect(1)
        .prints("there is no service `run-local-cpu`")
        .prints("run-elsewhere");
}

#[test]
fn a_service_for_another_platform_is_an_error_at_its_line() {
    let desk = desk();
    replace(
        &desk,
        "compose.yaml",
        "platform: linux/amd64",
        "platform: linux/arm64",
    );
    check(&desk).expect(1).prints(
        "service `image-run-root` is for linux/arm64, and the installation for linux/amd64",
    );
}

#[test]
fn the_stages_that_compose_builds_must_be_there() {
    let desk = desk();
    replace(
        &desk,
        "Dockerfile",
        "AS runtime-generic",
        "AS runtime-renamed",
    );
    check(&desk)
        .expect(1)
        .prints("the Dockerfile has no stage `runtime-generic`")
        .prints("runtime-renamed");
    // What the person names in compose.yaml counts, not our word for it.
    replace(
        &desk,
        "compose.yaml",
        "target: runtime-generic",
        "target: runtime-renamed",
    );
    let ended = check(&desk);
    assert!(!ended.stdout.contains("no stage"), "{}", ended.stdout);
}

#[test]
fn a_builder_from_a_registry_is_a_warning() {
    let desk = desk();
    let text = desk.text(&path("Dockerfile"));
    desk.write(
        &path("Dockerfile"),
        format!("# syntax = docker/dockerfile:1\n{text}"),
    );
    check(&desk)
        .expect(0)
        .prints("installation/amd64-cpu/Dockerfile:1: warning: this line fetches a builder");
}

#[test]
fn a_base_that_is_no_image_name_is_an_error_at_its_line() {
    let desk = desk();
    let text = desk.text(&path("compose-base.yaml"));
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with("BASE_IMAGE:"))
        .expect("it is there");
    let changed: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(index, text)| {
            if index == line {
                "        BASE_IMAGE: \"Not/An Image\""
            } else {
                text
            }
        })
        .collect();
    desk.write(&path("compose-base.yaml"), changed.join("\n"));
    check(&desk)
        .expect(1)
        .prints(&format!("compose-base.yaml:{}: error: ", line + 1));
}

#[test]
fn lists_are_read_and_what_stands_twice_is_a_warning() {
    let desk = desk();
    desk.write(
        &path("dependencies/apt-runtime.txt"),
        "# tools\njq\ngit  jq\n",
    );
    desk.write(&path("dependencies/apt-dev.txt"), "git\nUPPER\n");
    check(&desk)
        .expect(1)
        .prints("dependencies/apt-runtime.txt:3: warning: `jq` is listed twice")
        .prints("dependencies/apt-dev.txt:2: error: ");
    desk.write(&path("dependencies/apt-dev.txt"), "git\n");
    check(&desk)
        .expect(0)
        .prints("dependencies/apt-dev.txt:1: warning: `git` is in apt-runtime.txt already");
}

#[test]
fn requirements_are_read_and_judged() {
    let desk = desk();
    desk.write(
        &path("dependencies/requirements.txt"),
        "numpy==1.26.4\nNumPy\n-e .\n-r more.txt\n",
    );
    check(&desk)
        .expect(1)
        .prints("requirements.txt:2: warning: `numpy` is listed twice")
        .prints("requirements.txt:3: warning: `.` is a path of this machine")
        .prints("requirements.txt:4: error: `more.txt` is not in the directory dependencies/");
    desk.write(&path("dependencies/requirements.txt"), "numpy ==== 1\n");
    check(&desk).expect(1).prints("requirements.txt:1: error: ");
    desk.remove(&path("dependencies/requirements.txt"));
    check(&desk)
        .expect(1)
        .prints("neither requirements.txt nor environment.yml");
}

#[test]
fn edits_of_our_files_are_shown_as_a_difference() {
    let desk = desk();
    replace(&desk, "compose.yaml", "init: true", "init: false");
    desk.write(&path("dependencies/apt-dev.txt"), "htop\n");
    let ended = check(&desk)
        .expect(0)
        .prints("installation/amd64-cpu/compose.yaml: note: it differs from the template")
        .prints("-    init: true\n")
        .prints("+    init: false\n");
    assert!(
        !ended.stdout.contains("apt-dev"),
        "declared files are there to be edited"
    );
}

#[test]
fn missing_files_are_errors() {
    let desk = desk();
    for file in ["compose-base.yaml", "Dockerfile-user"] {
        desk.remove(&path(file));
    }
    check(&desk)
        .expect(1)
        .prints("installation/amd64-cpu/compose-base.yaml: error: it is missing")
        .prints("installation/amd64-cpu/Dockerfile-user: error: it is missing");
}

#[test]
fn settings_must_not_travel_to_the_builder() {
    let desk = desk();
    desk.write(&path(".dockerignore"), "*\n!dependencies\n!.env\n");
    check(&desk)
        .expect(1)
        .prints(".dockerignore:3: error: this line sends your personal settings");
    desk.write(&path(".dockerignore"), "build\n");
    check(&desk).expect(0).prints("warning: it lets `.env`");
}

#[test]
fn a_directory_with_no_installations_name_is_noticed() {
    let desk = desk();
    desk.write("installation/banana-potato/compose.yaml", "services: {}\n");
    check(&desk)
        .expect(0)
        .prints("installation/banana-potato: warning: no command finds it")
        .prints("`banana` is no platform");
}

#[test]
fn findings_are_data_for_programs_too() {
    let desk = desk();
    desk.write(&path("dependencies/apt-dev.txt"), "git\ngit\n");
    let report = desk
        .envtpl(&["check", "--no-engine", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["warnings"], 1);
    assert_eq!(
        report["findings"][0]["file"],
        path("dependencies/apt-dev.txt")
    );
    assert_eq!(report["findings"][0]["line"], 2);
    assert_eq!(report["findings"][0]["severity"], "warning");
}

#[test]
fn several_installations_are_checked_together() {
    let desk = desk();
    desk.envtpl(&["init", "--yes", "-i", "arm64-cpu"]).expect(0);
    desk.envtpl(&["check", "--no-engine", "-i", "amd64-cpu", "-i", "arm64-cpu"])
        .expect(0)
        .says("amd64-cpu, arm64-cpu");
    desk.envtpl(&["check", "-i", "banana-potato"]).expect(2);
}

#[test]
fn compose_itself_is_asked_unless_it_must_not() {
    let desk = desk().program(
        "docker",
        "echo 'services.x Additional property y is not allowed' >&2; exit 15",
    );
    desk.envtpl(&["check"])
        .expect(1)
        .prints("Additional property y is not allowed");
    check(&desk).expect(0);
    let desk = desk.program(
        "docker",
        "echo 'docker: unknown command: docker compose' >&2; exit 1",
    );
    desk.envtpl(&["check"])
        .expect(0)
        .prints("not shown to Compose");
}

const LOCK: &str = "\
schema: 1
platform: amd64
base:
  image: python:3.12-slim
  os: 'debian 12 (bookworm)'
python:
  version: 3.12.1
  packages:
  - name: hatchling
    version: '1.27'
    origin: index
    requested: true
    declared:
    - hatchling
apt:
  dev:
  - name: less
    version: '590'
    architecture: amd64
    requested: true
";

const HEADER: &str = "# Written by `envtpl freeze` from envtpl.lock; do not edit.\n";

/// A project whose lock, lists and declared files say the same.
fn frozen() -> Desk {
    let desk = desk();
    for (file, text) in [
        ("envtpl.lock", LOCK),
        ("dependencies/requirements.txt", "hatchling\n"),
        ("dependencies/apt-dev.txt", "less\n"),
        ("dependencies/apt-runtime.txt", ""),
        ("dependencies/apt-build.txt", ""),
    ] {
        desk.write(&path(file), text);
    }
    for (file, line) in [
        (
            "requirements.txt",
            "# python: 3.12\n\n# asked: hatchling\nhatchling==1.27",
        ),
        ("apt-dev.txt", "less=590"),
    ] {
        desk.write(
            &path(&format!("dependencies/locked/{file}")),
            format!("{HEADER}{line}\n"),
        );
    }
    desk
}

#[test]
fn a_lock_that_fits_its_lists_and_what_is_declared_is_right() {
    let ended = check(&frozen()).expect(0);
    assert_eq!(ended.stdout, "");
}

#[test]
fn lists_that_the_lock_does_not_say_are_errors_with_the_difference() {
    let desk = frozen();
    let list = "dependencies/locked/requirements.txt";
    replace(&desk, list, "1.27", "1.28");
    desk.remove(&path("dependencies/locked/apt-dev.txt"));
    desk.write(&path("dependencies/locked/apt-build.txt"), "gcc=1\n");
    check(&desk)
        .expect(1)
        .prints(&format!(
            "{}: error: it is not what envtpl.lock says",
            path(list)
        ))
        .prints("-hatchling==1.27\n    +hatchling==1.28\n")
        .prints("locked/apt-dev.txt: error: it is missing")
        .prints("locked/apt-build.txt: error: envtpl.lock has nothing for it")
        .prints("help: write them again: `envtpl freeze`")
        .says("3 errors");
    desk.remove(&path("envtpl.lock"));
    check(&desk)
        .expect(1)
        .prints("envtpl.lock: error: it is missing")
        .prints("requirements.txt, apt-build.txt");
}

#[test]
fn what_is_declared_since_and_what_is_no_more_is_told() {
    let desk = frozen();
    desk.write(
        &path("dependencies/requirements.txt"),
        "numpy\ncolorama; sys_platform == 'win32'\n",
    );
    desk.write(&path("dependencies/apt-dev.txt"), "less\njq\nvim\n");
    check(&desk)
        .expect(0)
        .prints("dependencies/requirements.txt: note: `numpy` is not in envtpl.lock")
        .prints("dependencies/apt-dev.txt: note: `jq` and `vim` are not in envtpl.lock")
        .prints("envtpl.lock: warning: `hatchling` is declared no more")
        .prints("`envtpl freeze`")
        .says("1 warning");
}

#[test]
fn a_lock_for_another_platform_or_with_a_merge_conflict_is_an_error() {
    let desk = frozen();
    replace(&desk, "envtpl.lock", "platform: amd64", "platform: arm64");
    check(&desk)
        .expect(1)
        .prints("envtpl.lock: error: it locks packages for arm64, not for amd64");
    replace(&desk, "envtpl.lock", "platform: arm64", "<<<<<<< HEAD");
    check(&desk)
        .expect(1)
        .prints("envtpl.lock:2: error: the lock holds a merge conflict");
}

#[test]
fn an_acceleration_without_a_service_is_an_error_at_its_line() {
    let desk = desk();
    let text = desk.text(&path(".env"));
    let line = text.lines().count() + 1;
    desk.write(
        &path(".env"),
        text.clone()
            + "ACCELERATION=gpu
",
    );
    check(&desk)
        .expect(1)
        .prints(&format!(".env:{line}: error: `ACCELERATION` is `gpu`"))
        .prints("values with a service: cpu, auto");
    desk.write(
        &path(".env"),
        text + "ACCELERATION=auto
",
    );
    check(&desk).expect(0);
}

#[test]
fn the_file_for_editors_is_judged_too() {
    let desk = desk();
    let file = ".devcontainer/amd64-cpu/devcontainer.json";
    let text = desk.text(file);
    let line = |word: &str| {
        let found = text.lines().position(|line| line.contains(word));
        found.expect("it is there") + 1
    };
    desk.write(file, text.replace("dev-local-cpu", "dev-local-tpu"));
    check(&desk)
        .expect(1)
        .prints(&format!(
            "{file}:{}: error: compose.yaml has no service `dev-local-tpu`",
            line("\"service\"")
        ))
        .prints("services there are: image-run-root, ");
    desk.write(file, text.replace(":/project/my-project}", ":/elsewhere}"));
    check(&desk).expect(0).prints(&format!(
        "{file}:{}: warning: editors open `/elsewhere`, and the project is mounted at `/project/my-project`",
        line("workspaceFolder")
    ));
    desk.write(
        file,
        text.replace("\"overrideCommand\": true,", "\"overrideCommand\": true"),
    );
    check(&desk).expect(1).prints(&format!(
        "{file}:{}: error: editors cannot read it: ",
        line("overrideCommand")
    ));
    // Nobody has to have one.
    desk.remove(file);
    check(&desk).expect(0);
}

#[test]
fn settings_of_the_project_are_judged_with_their_lines() {
    let desk = desk();
    desk.write(
        "envtpl.yaml",
        "registries: {IC: registry.example/lab}\nimages:\n  generic: IC/me/project\n  arm64-cpu: {generic: IC/arm}\n",
    );
    check(&desk)
        .expect(0)
        .prints("envtpl.yaml:4: warning: there is no installation `arm64-cpu`");
    desk.write("envtpl.yaml", "images:\n  generic: RCP/me/project\n");
    check(&desk)
        .expect(1)
        .prints("envtpl.yaml:2: error: `images.generic` names no repository: there is no registry `RCP`")
        .prints("help: say there what it stands for: `registries: {RCP: registry.example/lab}`");
    desk.write("envtpl.yaml", "# nothing yet\n");
    check(&desk).expect(0);
}
