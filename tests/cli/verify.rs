//! `envtpl verify`, with a script in the place of Docker.

use crate::desk::Desk;

const DIRECTORY: &str = "installation/amd64-cpu";

/// Answers for the images that verify builds, and for nothing else; a build takes no time.
const DOCKER: &str = r#"
here=$(dirname "$0")
printf '%s\n' "$*" >>"$here/asked"
case "$*" in
    "compose config"*)
        image() { printf '"image-%s-root":{"image":"lab/p:%s-latest-root","build":{"context":"/x","args":{"BASE_IMAGE":"%s"}}}' "$1" "$1" "${BASE:-lab/base:1}"; }
        printf '{"name":"p","services":{%s,%s}}' "$(image run)" "$(image dev)" ;;
    "buildx inspect") printf 'Name: default\nDriver: %s\nNodes:\nBuildKit version: %s\n' "${DRIVER:-docker}" "${BUILDKIT:-v0.0.0+unknown}" ;;
    "info --format={{json .DriverStatus}}") echo '[["Backing Filesystem","extfs"]]' ;;
    "version --format={{.Server.Version}}") echo 26.1.5 ;;
    "compose "*" build "*) cat >"$here/document"; exit "${BUILD_STATUS:-0}" ;;
    "image rm "*) ;;
    "image inspect "*-verifying) echo '[{"Id":"sha256:new","RootFS":{"Type":"layers","Layers":["sha256:l"]}}]' ;;
    "image inspect "*) echo "Error: No such image: $3" >&2; exit 1 ;;
    "run "*)
        grep -q END_OF_CONTENTS || exit 64
        printf '\036now\n{"schema":1,"platform":"amd64","python":{"version":"3.11.2","distributions":[{"name":"Six","version":"%s"}]}}' "$SIX"
        printf '\036contents\n{"schema":1,"distributions":[{"name":"Six","version":"1.17.0",%s"record":"r"}]}' "$FILES" ;;
    *) echo "unexpected: $*" >&2; exit 64 ;;
esac"#;

const LOCK: &str = "schema: 1
platform: amd64
base:
  image: lab/base:1
  os: 'debian 12'
python:
  version: 3.11.2
  packages:
  - name: six
    version: 1.17.0
    origin: index
    requested: true
    declared:
    - six==1.17.0
";

/// A project whose lock has one package.
fn desk() -> Desk {
    let desk = Desk::new()
        .program("docker", DOCKER)
        .variable("DOCKER_HOST", "tcp://engine.lab:2376")
        .variable("SIX", "1.17.0");
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu", "--project-name", "demo"])
        .expect(0);
    desk.write(&format!("{DIRECTORY}/envtpl.lock"), LOCK);
    desk.write(
        &format!("{DIRECTORY}/dependencies/locked/requirements.txt"),
        "# Written by freeze\n# python: 3.11\n# asked: six==1.17.0\nsix==1.17.0\n",
    );
    for (list, text) in [
        ("requirements", "six==1.17.0\n"),
        ("apt-build", ""),
        ("apt-runtime", ""),
        ("apt-dev", ""),
    ] {
        desk.write(&format!("{DIRECTORY}/dependencies/{list}.txt"), text);
    }
    desk
}

/// What the stand-in was asked for, in order.
fn asked(desk: &Desk) -> String {
    desk.text("../bin/asked")
}

#[test]
fn without_a_lock_there_is_nothing_to_verify() {
    let desk = desk();
    desk.remove(&format!("{DIRECTORY}/envtpl.lock"));
    desk.envtpl(&["verify"])
        .expect(3)
        .says("amd64-cpu has no lock")
        .says("envtpl freeze -i amd64-cpu");
    desk.write(&format!("{DIRECTORY}/envtpl.lock"), "schema: 1\nwhat: 1\n");
    desk.envtpl(&["verify"]).expect(2).says("envtpl.lock:2");
}

#[test]
fn a_dry_run_shows_the_build_and_does_nothing() {
    let desk = desk();
    desk.envtpl(&["verify", "--dry-run"])
        .expect(0)
        .prints("docker compose --project-directory . -f - build --no-cache image-run-root image-dev-root")
        .prints("\"image\": \"lab/p:dev-latest-root-verifying\"");
    let asked = asked(&desk);
    assert!(!asked.contains(" build "), "{asked}");
    assert!(!desk.has(".envtpl/verdicts"));
}

#[test]
fn a_list_that_differs_from_the_lock_is_told_with_its_line() {
    let desk = desk();
    let list = format!("{DIRECTORY}/dependencies/locked/requirements.txt");
    for (text, told) in [
        (
            "# python: 3.11\n# asked: six==1.17.0\nsix==1.16.0\n",
            "requirements.txt:3",
        ),
        ("", "`six==1.17.0` is in envtpl.lock and missing here"),
    ] {
        desk.write(&list, text);
        desk.envtpl(&["verify"])
            .expect(1)
            .says(told)
            .says("envtpl freeze");
    }
}

#[test]
fn what_is_declared_and_not_locked_is_refused_before_anything_is_built() {
    let desk = desk();
    desk.write(
        &format!("{DIRECTORY}/dependencies/requirements.txt"),
        "six==1.17.0\ntoml\n",
    );
    desk.envtpl(&["verify"])
        .expect(1)
        .says("`toml` is declared and not in the lock, so nothing was built")
        .says("requirements.txt:2")
        .says("envtpl freeze")
        .keeps_quiet_about("Building");
    assert!(!desk.has("../bin/asked"), "nothing was asked of the engine");
}

#[test]
fn another_base_image_than_the_locks_is_refused_before_anything_is_built() {
    let desk = desk();
    let compose = desk.text(&format!("{DIRECTORY}/compose.yaml"));
    // What Compose said is kept until its files change.
    let with_base = |base: &'static str, arguments: &[&str]| {
        desk.write(
            &format!("{DIRECTORY}/compose.yaml"),
            format!("{compose}# {base}\n"),
        );
        desk.envtpl_with(("BASE", base), arguments)
    };
    let told = "made for the base image `lab/base:1`, and this build starts from `lab/base:2`";
    with_base("lab/base:2", &["verify"]).expect(1).says(told);
    with_base(
        "lab/base:2",
        &["build-generic", "--locked", "--allow-dirty"],
    )
    .expect(1)
    .says(told);
    // A digest says more than any name.
    let one = "  image: lab/base:1\n";
    desk.write(
        &format!("{DIRECTORY}/envtpl.lock"),
        LOCK.replace(one, &format!("{one}  digest: sha256:1\n")),
    );
    with_base("mirror.lab/base:1@sha256:1", &["verify", "--dry-run"]).expect(0);
    with_base("lab/base:1@sha256:2", &["verify"])
        .expect(1)
        .says("`lab/base:1@sha256:1`, and this build starts from `lab/base:1@sha256:2`");
    assert!(!asked(&desk).contains(" build "), "{}", asked(&desk));
}

#[test]
fn the_images_are_built_apart_and_removed_and_the_verdict_is_kept() {
    let desk = desk();
    let before = desk.text(&format!("{DIRECTORY}/.env"));
    let printed = desk.envtpl(&["verify", "--format", "json"]).expect(0);
    let verdict = printed.json();
    assert_eq!(verdict["verdict"], "reproduced");
    assert_eq!(verdict["packages"]["total"], 1);
    assert_eq!(verdict["images"][0]["rebuilt"], "sha256:new");
    assert_eq!(verdict["images"][0]["compared"], false);
    assert_eq!(desk.text(".envtpl/verdicts/amd64-cpu.json"), printed.stdout);
    assert!(printed.stderr.contains("there is no lab/p:run-latest-root"));
    let asked = asked(&desk);
    let lines: Vec<&str> = asked.lines().collect();
    assert_eq!(
        &lines[lines.len() - 2..],
        [
            "image rm lab/p:run-latest-root-verifying",
            "image rm lab/p:dev-latest-root-verifying"
        ]
    );
    assert!(!asked.contains("docker tag") && !asked.contains("-building"));
    assert_eq!(desk.text(&format!("{DIRECTORY}/.env")), before);
    let human = desk.envtpl(&["verify"]).expect(0);
    assert_eq!(human.stdout, "reproduced: 1 of 1 packages identical\n");
}

#[test]
fn what_differs_is_named_and_the_status_is_1() {
    let desk = desk();
    let other = desk.envtpl_with(("SIX", "1.16.0"), &["verify"]).expect(1);
    assert_eq!(
        other.stdout,
        "not reproduced: 0 of 1 packages identical\n  python six: envtpl.lock has 1.17.0, the \
         rebuilt run and dev images have 1.16.0\n"
    );
    let files = r#""changed":[{"path":"six.py","sha256":"00"}],"#;
    desk.envtpl_with(("FILES", files), &["verify"])
        .expect(1)
        .prints("python six: six.py is not what its RECORD says, in the rebuilt run and dev images")
        .says("amd64-cpu is not reproduced");
    assert!(
        desk.text(".envtpl/verdicts/amd64-cpu.json")
            .contains("\"different\"")
    );
}

#[test]
fn a_failed_build_leaves_no_name_and_no_verdict() {
    let desk = desk();
    desk.envtpl_with(("BUILD_STATUS", "1"), &["verify"])
        .expect(1)
        .says("the build of amd64-cpu failed");
    for name in ["run", "dev"] {
        let removed = format!("\nimage rm lab/p:{name}-latest-root-verifying\n");
        assert!(asked(&desk).contains(&removed), "{}", asked(&desk));
    }
    assert!(!desk.has(".envtpl/verdicts"));
}

#[test]
fn bits_are_refused_with_the_reason_where_the_builder_cannot() {
    let desk = desk();
    desk.envtpl(&["verify", "--bits"])
        .expect(3)
        .says("this engine's builder cannot write images whose files all have one time")
        .says("containerd-snapshotter")
        .says("docker buildx create --driver docker-container");
    assert!(
        !asked(&desk).contains(" build "),
        "it is said before the build"
    );
    let old = desk.variable("DRIVER", "docker-container");
    old.envtpl_with(("BUILDKIT", "v0.12.5"), &["verify", "--bits"])
        .expect(3)
        .says("the builder is BuildKit 0.12.5, and giving all files one time needs 0.13");
}
