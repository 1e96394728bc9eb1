//! What `build-*`, `run` and `ls` say when they cannot begin. A script stands in for Docker.

use crate::desk::{Desk, Ended};

/// A project with one installation; the engine is said to be elsewhere, so that only the command
/// line is asked.
fn project(docker: &str) -> Desk {
    let desk = Desk::new()
        .program("docker", docker)
        .variable("DOCKER_HOST", "tcp://engine.lab:2376");
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu", "--project-name", "demo"])
        .expect(0);
    desk
}

/// A Compose that knows the services, and an engine of the given version.
fn answers(version: &str) -> String {
    let service = |name: &str| {
        format!(
            r#""{name}":{{"image":"lab/alice/demo:amd64-cpu-{name}","build":{{"context":"/x","args":{{}}}}}}"#
        )
    };
    let services: Vec<String> = [
        "image-run-root",
        "image-dev-root",
        "image-run-user",
        "image-dev-user",
        "run-local-cpu",
    ]
    .map(service)
    .into();
    format!(
        r#"case "$1 $2" in
        "compose config") echo '{{"name":"demo","services":{{{}}}}}' ;;
        "version --format={{{{.Server.Version}}}}") echo '{version}' ;;
        "image inspect") echo "Error: No such image: $3" >&2; exit 1 ;;
        *) echo "unexpected: $*" >&2; exit 64 ;;
        esac"#,
        services.join(",")
    )
}

fn settings(desk: &Desk) -> String {
    desk.text("installation/amd64-cpu/.env")
}

#[test]
fn an_engine_that_is_too_old_is_refused_before_the_build() {
    project(&answers("20.10.24"))
        .envtpl(&["build-generic"])
        .expect(3)
        .says("Docker 20.10.24")
        .says("23.0");
}

#[test]
fn a_socket_that_is_not_ours_comes_with_the_line_that_mends_it() {
    let denied = "echo 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock' >&2; exit 1";
    for arguments in [&["build-generic"][..], &["ls"]] {
        project(denied)
            .envtpl(arguments)
            .expect(3)
            .says("usermod -aG docker");
    }
}

#[test]
fn settings_are_data_and_never_run() {
    let desk = project(&answers("26.1.5"));
    let before = settings(&desk);
    desk.write(
        "installation/amd64-cpu/.env",
        before + "EXTRA=$(touch pwned)\nMORE=`touch pwned`\n",
    );
    desk.envtpl(&["build-generic", "--dry-run"]).expect(0);
    assert!(!desk.has("pwned") && !desk.has("installation/amd64-cpu/pwned"));
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_line_and_nothing_is_built() {
    let wrong = |file: &str, text: &str| -> Ended {
        let desk = project(&answers("26.1.5"));
        desk.write(&format!("installation/amd64-cpu/{file}"), text);
        desk.envtpl(&["build-generic"]).expect(2)
    };
    wrong(".env", "USR=alice\nrm -rf /\n").says(".env:2");
    wrong("Dockerfile", "FROM x AS y\nCOPY\n").says("Dockerfile:2");
    wrong("Dockerfile", "FROM x AS y\n").says("no stage `runtime-generic`");

    let desk = project(&answers("26.1.5"));
    let named = settings(&desk).replace("IMAGE_NAME=", "IMAGE_NAME=Upper/");
    desk.write("installation/amd64-cpu/.env", named);
    desk.envtpl(&["build-generic"])
        .expect(2)
        .says("IMAGE_NAME")
        .says("upper case");
}

#[test]
fn missing_settings_are_named_with_the_command_that_writes_them() {
    let desk = project(&answers("26.1.5"));
    desk.remove("installation/amd64-cpu/.env");
    for arguments in [&["build-generic"][..], &["build-user"]] {
        desk.envtpl(arguments)
            .expect(2)
            .says("envtpl env -i amd64-cpu");
    }
    desk.envtpl(&["run", "true"])
        .expect(125)
        .says("envtpl env -i amd64-cpu");
}

#[test]
fn a_compose_file_without_a_service_names_those_there_are() {
    project(r#"case "$1 $2" in "compose config") echo '{"name":"demo","services":{"other":{}}}' ;; *) echo 26.1.5 ;; esac"#)
        .envtpl(&["build-generic"])
        .expect(2)
        .says("image-run-root")
        .says("services there are: other");
}

#[test]
fn broken_yaml_is_shown_with_its_line() {
    let desk = project("echo 'yaml: line 2: mapping values' >&2; exit 15");
    desk.write("installation/amd64-cpu/compose.yaml", "services:\n  a: [\n");
    for arguments in [&["build-generic", "--allow-dirty"][..], &["list-env"]] {
        desk.envtpl(arguments)
            .expect(2)
            .says("installation/amd64-cpu/compose.yaml:")
            .says("a: [");
    }
    desk.envtpl(&["ls"])
        .expect(0)
        .prints("unknown")
        .says("compose.yaml:");
}

#[test]
fn a_setting_that_images_cannot_have_is_shown_with_its_line_by_every_command() {
    let desk = project(&answers("26.1.5").replace("No such image: $3", "invalid reference format"));
    let bad = settings(&desk) + "IMAGE_NAME=Upper/Case\n";
    desk.write("installation/amd64-cpu/.env", &bad);
    for (arguments, status) in [(&["run", "true"][..], 125), (&["build-user"], 2)] {
        desk.envtpl(arguments)
            .expect(status)
            .says("`IMAGE_NAME` cannot be `Upper/Case`")
            .says(".env:");
    }
}

#[test]
fn a_user_build_that_must_fail_does_so_before_the_generic_one() {
    let desk = project(&answers("26.1.5"));
    for arguments in [
        &["build-user", "--with", "nope"][..],
        &["build-user", "--build-arg", "NOPE=1"],
    ] {
        let ended = desk.envtpl(arguments).expect(2).says("Dockerfile-user");
        assert!(!ended.stderr.contains("Building"), "{}", ended.stderr);
    }
}

#[test]
fn a_wrong_line_in_a_list_of_packages_is_shown_before_the_build() {
    for (list, line) in [
        ("requirements.txt", "numpy=1.0"),
        ("apt-runtime.txt", "jq;reboot"),
    ] {
        let desk = project(&answers("26.1.5"));
        let path = format!("installation/amd64-cpu/dependencies/{list}");
        let text = desk.text(&path) + line + "\n";
        desk.write(&path, &text);
        let ended = desk.envtpl(&["build-generic"]).expect(2).says(line);
        assert!(!ended.stderr.contains("Building"), "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("{list}:")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_dockerfile_that_is_missing_is_named() {
    let desk = project(&answers("26.1.5"));
    desk.remove("installation/amd64-cpu/Dockerfile");
    desk.envtpl(&["build-generic"])
        .expect(2)
        .says("the Dockerfile is missing")
        .says("git checkout");
}

#[test]
fn a_base_image_that_cannot_be_fetched_comes_with_a_way_out() {
    let refusal = "failed to solve: lab/base:1: failed to resolve source metadata for \
                   docker.io/lab/base:1: failed to do request: Head \
                   https://registry-1.docker.io/v2/lab/base/manifests/1: dial tcp: lookup \
                   registry-1.docker.io: no such host";
    let fails = answers("26.1.5").replace(
        r#"*) echo "unexpected: $*""#,
        &format!(r#"*) echo "{refusal}""#),
    );
    let fails = fails.replace(r#""args":{}"#, r#""args":{"BASE_IMAGE":"lab/base:1"}"#);
    project(&fails)
        .envtpl(&["build-generic"])
        .expect(3)
        .says("docker.io")
        .says("bootstrap-base");
}

#[test]
fn compose_says_itself_what_it_does_not_accept() {
    project("echo 'yaml: line 3: did not find expected key' >&2; exit 15")
        .envtpl(&["build-generic"])
        .expect(2)
        .says("did not find expected key");
}

#[test]
fn several_installations_must_be_chosen_between() {
    let desk = project(&answers("26.1.5"));
    desk.envtpl(&["edit-platform", "amd64-cpu", "amd64-cpu-b", "--copy"])
        .expect(0);
    desk.envtpl(&["run", "true"])
        .expect(125)
        .says("amd64-cpu, amd64-cpu-b");
    desk.envtpl(&["-i", "amd64-cpu", "-i", "amd64-cpu-b", "run", "true"])
        .expect(125)
        .says("one installation");
    desk.envtpl_in(
        &desk.work().join("installation/amd64-cpu-b/dependencies"),
        &["build-generic"],
    )
    .expect(2)
    .says("envtpl env -i amd64-cpu-b");
    desk.envtpl_with(("ENVTPL_INSTALLATION", "amd64-cpu-b"), &["build-generic"])
        .expect(2)
        .says("envtpl env -i amd64-cpu-b");
}

#[test]
fn a_dry_build_shows_the_command_and_changes_nothing() {
    let desk = project(&answers("26.1.5"));
    let before = settings(&desk);
    desk.envtpl(&["build_generic", "--dry-run"])
        .expect(0)
        .prints("docker compose --project-directory . -f - build")
        .prints("image-run-root image-dev-root");
    assert_eq!(settings(&desk), before);
}

/// Two installations, of which the second cannot be built.
fn half_built() -> Desk {
    let succeeds = answers("26.1.5")
        .replace(
            r#""image inspect") echo "Error: No such image: $3" >&2; exit 1 ;;"#,
            r#""image inspect") echo '[{"Id":"sha256:0123456789abcdef","Size":5000000}]' ;;"#,
        )
        .replace(
            r#"*) echo "unexpected: $*" >&2; exit 64 ;;"#,
            r#""compose --project-directory") case $PWD in *-b) echo broken >&2; exit 17 ;; esac ;;
            *) ;;"#,
        );
    let desk = project(&succeeds);
    desk.envtpl(&["edit-platform", "amd64-cpu", "amd64-cpu-b", "--copy"])
        .expect(0);
    desk.envtpl(&["env", "-i", "amd64-cpu-b"]).expect(0);
    desk
}

#[test]
fn what_was_built_is_reported_also_when_the_next_installation_fails() {
    let both = ["-i", "amd64-cpu", "-i", "amd64-cpu-b", "--allow-dirty"];
    for command in ["build-generic", "build", "build-user"] {
        let desk = half_built();
        let arguments = [&[command][..], &both].concat();
        let failed = desk.envtpl(&arguments).expect(1);
        failed
            .prints("IMAGE")
            .prints("lab/alice/demo:amd64-cpu-image-run-")
            .says("the build of amd64-cpu-b failed");
        let arguments = [&arguments[..], &["--format", "json"]].concat();
        let document = desk.envtpl(&arguments).expect(1).json();
        let of = |image: &serde_json::Value| image["installation"] == "amd64-cpu";
        assert!(document.as_array().expect("a list").iter().all(of));
        let nothing = desk.envtpl(&["-i", "amd64-cpu-b", command, "--allow-dirty"]);
        assert_eq!(nothing.expect(1).stdout, "");
    }
}

/// What `docker compose build` prints with `--progress=plain`; recorded with buildx 0.13.
const PLAIN: &str = include_str!("../progress/plain.txt");

/// A Compose that tells no events, but prints this when it builds, and ends so.
fn prints(log: &str, status: u8) -> Desk {
    project(
        &answers("26.1.5")
            .replace(
                r#""image inspect") echo "Error: No such image: $3" >&2; exit 1 ;;"#,
                r#""image inspect") echo '[{"Id":"sha256:0123456789abcdef","Size":5000000}]' ;;"#,
            )
            .replace(
                r#"*) echo "unexpected: $*" >&2; exit 64 ;;"#,
                &format!(
                    "\"compose --project-directory\") cat <<'THE END'\n{log}THE END\nexit {status} ;;\n*) ;;"
                ),
            ),
    )
}

#[test]
fn a_compose_that_tells_no_events_has_steps_in_its_log() {
    let desk = prints(PLAIN, 0);
    desk.envtpl(&["build-generic", "--allow-dirty"]).expect(0);
    let shown = desk.envtpl(&["builds", "show"]).expect(0).stdout;
    let rows = shown.lines().map(str::split_whitespace);
    let mut rows = rows.map(Iterator::collect::<Vec<_>>);
    // Stage, steps, cached, seconds.
    for row in [
        ["base", "2", "1", "0.5"],
        ["app", "2", "0", "1.8"],
        ["left", "1", "0", "1.5"],
    ] {
        let same = rows.any(|found| found.starts_with(&row));
        assert!(same, "{row:?} in order in:\n{shown}");
    }
    let page = desk.envtpl(&["report", "-o", "-"]).expect(0).stdout;
    assert!(
        page.contains("title=\"app 1&#x2f;2, 1.8 s: RUN for i in"),
        "{page}"
    );

    let (begun, _) = PLAIN.split_once("#8 ").expect("the step");
    let error = "process \"/bin/sh -c make\" did not complete successfully: exit code: 2";
    let failed = format!(
        "{begun}#8 [app app 2/2] RUN make\n#8 0.5 a.c:1:10: fatal error: zlib.h: No such file or directory\n\
         #8 ERROR: {error}\n------\n > [app app 2/2] RUN make:\n0.5 a.c:1:10: fatal error: zlib.h: No such \
         file or directory\n------\nfailed to solve: {error}\n"
    );
    let desk = prints(&failed, 17);
    desk.envtpl(&["build-generic", "--allow-dirty"])
        .expect(1)
        .says("a.c:1:10: fatal error: zlib.h: No such file or directory")
        .says("(stage app, step 2 of 2)");
    let build = desk
        .envtpl(&["builds", "show", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(build["failed"], 8);
    assert_eq!(build["steps"][7]["error"], error);
    assert_eq!(build["steps"][7]["inputs"], serde_json::json!([6]));
    let id = build["id"].as_str().expect("an id");
    let log = desk.text(&format!(".envtpl/builds/{id}/log.txt"));
    assert_eq!(
        log.matches(" > [app app 2/2] RUN make:").count(),
        1,
        "{log}"
    );
    assert!(log.contains("\n#8 0.500 a.c:1:10"), "{log}");
}

#[test]
fn a_setting_that_names_no_file_is_shown_with_its_line_before_anything_starts() {
    let desk = project(&answers("26.1.5"));
    let before = settings(&desk);
    let line = before.lines().count() + 1;
    for name in ["CA_BUNDLE", "NETRC_FILE"] {
        let text = format!(
            "{before}{name}=${{HOME}}/none.pem
"
        );
        desk.write("installation/amd64-cpu/.env", text);
        for (arguments, status) in [
            (&["run", "true"][..], 125),
            (&["build-generic"], 2),
            (&["build-user"], 2),
        ] {
            let refused = desk.envtpl(arguments).expect(status);
            refused
                .says(&format!("`{name}` names `/"))
                .says("none.pem`, which is not there")
                .says(&format!(".env:{line}:"))
                .keeps_quiet_about("Building");
        }
    }
}

const LOCK: &str = "\
schema: 1
platform: amd64
base:
  image: base:12
  os: debian 12
declared:
  python: [six==1.17.0]
  apt-dev: [jq]
python:
  version: 3.11.2
  packages:
  - name: six
    version: 1.17.0
    origin: index
    files:
    - {name: six-1.17.0-py3-none-any.whl, url: 'https://h/six-1.17.0-py3-none-any.whl', sha256: abcd}
    requested: true
";

#[test]
fn a_locked_build_refuses_what_the_lock_does_not_hold() {
    let desk = project(&answers("26.1.5"));
    let write = |name: &str, text: &str| {
        desk.write(&format!("installation/amd64-cpu/{name}"), text);
    };
    write("dependencies/requirements.txt", "six==1.17.0 # pinned\n");
    write("dependencies/apt-build.txt", "");
    write("dependencies/apt-runtime.txt", "");
    write("dependencies/apt-dev.txt", "jq\n");
    let locked = ["build-generic", "--locked", "--allow-dirty", "--dry-run"];
    desk.envtpl(&locked)
        .expect(1)
        .says("amd64-cpu has no lock")
        .says("envtpl freeze -i amd64-cpu");

    write("envtpl.lock", LOCK);
    let list = "# python: 3.11\n# asked: six==1.17.0\nsix==1.17.0 --hash=sha256:abcd\n";
    write("dependencies/locked/requirements.txt", list);
    desk.envtpl(&locked)
        .expect(0)
        .prints("docker compose --project-directory . -f - build");

    let other = list.replace("abcd", "abce");
    write("dependencies/locked/requirements.txt", &other);
    desk.envtpl(&locked)
        .expect(1)
        .says("requirements.txt:3")
        .says("is not what envtpl.lock says");
    write("dependencies/locked/requirements.txt", list);

    write(
        "dependencies/requirements.txt",
        "six==1.17.0\n# more\ntoml>=0.1 # why\n",
    );
    desk.envtpl(&locked)
        .expect(1)
        .says("`toml>=0.1` is declared and not in the lock")
        .says("requirements.txt:3");
    write("dependencies/apt-dev.txt", "jq tree\n");
    desk.envtpl(&locked)
        .expect(1)
        .says("2 declared lines are not in the lock, so nothing was built")
        .says("apt-dev.txt:1");

    let marked = LOCK.replace(
        "    requested: true\n",
        "    requested: true\n    unfrozen: it is gone\n",
    );
    write("envtpl.lock", &marked);
    desk.envtpl(&locked)
        .expect(1)
        .says("no build can get `six` 1.17.0 again: it is gone");
}
