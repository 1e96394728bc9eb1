//! `envtpl diff`, with a script in the place of Docker where an engine is asked.
#![expect(clippy::disallowed_methods, reason = "tests commit")]

use std::process::Command;

use crate::desk::Desk;

const DIRECTORY: &str = "installation/amd64-cpu";

/// Two images and a container; whoever asks for anything else is told so.
const DOCKER: &str = r#"
here=$(dirname "$0")
printf '%s\n' "$*" >>"$here/asked"
config() { printf '"Config":{"Env":["TZ=%s","HF_TOKEN=%s"],"Entrypoint":["/e"],"User":"%s","ExposedPorts":%s}' "$@"; }
snapshot() {
    printf '\036base\n{"schema":1,"platform":"amd64","apt":[{"name":"bash","version":"5","architecture":"amd64","manual":true}]}\n'
    printf '\036now\n{"schema":1,"platform":"amd64","os":{"id":"debian","version_id":"12"},"apt":[{"name":"bash","version":"5","architecture":"amd64","manual":true}%s],' "$2"
    printf '"python":{"version":"3.11.2","distributions":[{"name":"Six","version":"%s","requested":false},{"name":"Top","version":"1","requested":true,"requires":["six"]}]}}\n' "$1"
}
contents() { printf '\036contents\n{"schema":1,"distributions":[{"name":"Top","version":"1","record":"%s"}]}' "$1"; }
case "$*" in
    "inspect --type=container --size box") printf '[{"Id":"c","Image":"sha256:new","State":{"Running":true},"SizeRw":3000000,'; config UTC hf_b alice null; echo '}]' ;;
    "inspect --type=container --size halted") echo '[{"Id":"c","Image":"sha256:new","State":{"Running":false}}]' ;;
    "inspect --type=container"*) echo "Error response from daemon: No such container: $4" >&2; exit 1 ;;
    "image inspect lab/old:1") printf '[{"Id":"sha256:old","Architecture":"amd64","RootFS":{"Type":"layers"},'; config Etc/UTC hf_a "" '{"80/tcp":{}}'; echo '}]' ;;
    "image inspect lab/new:1") printf '[{"Id":"sha256:new","Architecture":"amd64","RootFS":{"Type":"layers"},'; config UTC hf_b alice null; echo '}]' ;;
    "image inspect "*) echo "Error response from daemon: No such image: $3" >&2; exit 1 ;;
    "history "*old*) printf '%s\n' '{"CreatedBy":"RUN /bin/sh -c pip --token=abc # buildkit","Size":"2000000"}' '{"CreatedBy":"ADD x","Size":"9000000"}' ;;
    "history "*new*) printf '%s\n' '{"CreatedBy":"RUN /bin/sh -c pip --token=abc # buildkit","Size":"4000000"}' '{"CreatedBy":"ADD x","Size":"9000000"}' ;;
    "run "*lab/old*records=*) cat >/dev/null; snapshot 1.16.0 ""; contents a ;;
    "run "*lab/new*records=* | "exec "*records=*) cat >/dev/null; snapshot 1.17.0 ',{"name":"jq","version":"1.6","architecture":"amd64","manual":true}'; contents b ;;
    *) echo "unexpected: $*" >&2; exit 64 ;;
esac"#;

fn lock(packages: &[(&str, &str)]) -> String {
    let blocks: String = packages
        .iter()
        .map(|(name, version)| {
            format!(
                "  - name: {name}\n    version: {version}\n    origin: index\n    requested: true\n"
            )
        })
        .collect();
    format!(
        "schema: 1\nplatform: amd64\nbase:\n  image: lab/base:1\n  os: 'debian 12'\npython:\n  \
         version: 3.11.2\n  packages:\n{blocks}"
    )
}

fn desk() -> Desk {
    Desk::new()
        .program("docker", DOCKER)
        .variable("DOCKER_HOST", "tcp://engine.lab:2376")
        .file("old.lock", lock(&[("six", "1.16.0"), ("idna", "3.0")]))
        .file("new.lock", lock(&[("six", "1.17.0"), ("h11", "0.14")]))
        .file(
            "now.json",
            r#"{"schema":1,"kind":"envtpl-snapshot","installation":"amd64-cpu","flavour":"dev",
                "base":{"schema":1,"platform":"amd64","apt":[{"name":"bash","version":"5"}]},
                "now":{"schema":1,"platform":"amd64","apt":[{"name":"bash","version":"5"}],
                "python":{"version":"3.11.2","distributions":[{"name":"Six","version":"1.17.0"}]}}}"#,
        )
}

fn git(desk: &Desk, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
        .args(arguments)
        .current_dir(desk.work())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdout(std::process::Stdio::null())
        .status()
        .expect("git runs");
    assert!(status.success(), "git {arguments:?}");
}

#[test]
fn two_locks_are_compared_package_by_package() {
    let desk = desk();
    let told = desk.envtpl(&["diff", "old.lock", "new.lock"]).expect(0);
    assert_eq!(
        told.stdout,
        "old.lock → new.lock\n\n\
         \x20      KIND    NAME  VERSION  WHO NEEDS IT\n\
         added  python  h11   0.14     asked for\n\n\
         \x20        KIND    NAME  VERSION  WHO NEEDS IT\n\
         removed  python  idna  3.0      asked for\n\n\
         \x20        KIND    NAME  BEFORE  AFTER   WHO NEEDS IT\n\
         changed  python  six   1.16.0  1.17.0  asked for\n\n\
         0 packages are the same\n\n\
         note: environment variables, entrypoint, user, ports and layers are known of images and \
         containers alone, so they are not compared\n"
    );
    desk.envtpl(&["diff", "--exit-code", "old.lock", "new.lock"])
        .expect(1);
    desk.envtpl(&["diff", "--exit-code", "old.lock", "lock:old.lock"])
        .expect(0)
        .prints("nothing differs: 2 packages are the same");
}

#[test]
fn markdown_fits_into_a_pull_request_and_is_for_diff_alone() {
    let desk = desk();
    let told = desk
        .envtpl(&["diff", "old.lock", "new.lock", "--format", "markdown"])
        .expect(0);
    assert_eq!(
        told.stdout,
        "### `old.lock` → `new.lock`\n\n**1 added, 1 removed, 1 changed**, 0 the same\n\n\
         |  | package | before | after | who needs it |\n|---|---|---|---|---|\n\
         | python | `six` | 1.16.0 | 1.17.0 | asked for |\n\
         | python | `h11` |  | 0.14 | asked for |\n\
         | python | `idna` | 3.0 |  | asked for |\n\n\
         _environment variables, entrypoint, user, ports and layers are known of images and \
         containers alone, so they are not compared_\n"
    );
    desk.envtpl(&["ls", "--format", "markdown"])
        .expect(2)
        .says("only `envtpl diff` can report in Markdown");
}

#[test]
fn commits_have_the_locks_of_their_time() {
    let desk = desk();
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu", "--project-name", "demo"])
        .expect(0);
    git(&desk, &["init", "--quiet", "--initial-branch=main"]);
    git(&desk, &["commit", "--quiet", "--allow-empty", "-m", "none"]);
    for name in ["old", "new"] {
        let text = desk.text(&format!("{name}.lock"));
        desk.write(&format!("{DIRECTORY}/envtpl.lock"), text);
        git(&desk, &["add", "-A"]);
        git(&desk, &["commit", "--quiet", "-m", name]);
        git(&desk, &["tag", name]);
    }
    let told = desk
        .envtpl(&["diff", "HEAD~1", "main", "--format", "json"])
        .expect(0);
    let report = told.json();
    assert_eq!(report["before"]["kind"], "commit");
    assert_eq!(
        report["after"]["name"],
        format!("main:{DIRECTORY}/envtpl.lock")
    );
    assert_eq!(report["packages"]["added"][0]["name"], "h11");
    assert_eq!(
        report["packages"]["changed"][0]["differences"][0]["after"],
        "1.17.0"
    );
    assert_eq!(report["setup"], serde_json::Value::Null);
    desk.envtpl(&["diff", "commit:old", "lock:amd64-cpu", "--exit-code"])
        .expect(1);
    desk.envtpl(&["diff", "HEAD~2", "HEAD"])
        .expect(2)
        .says("amd64-cpu has no lock at HEAD~2");
    assert!(!desk.has("../bin/asked"), "no engine is asked for locks");
}

#[test]
fn a_lock_and_a_snapshot_are_compared_beyond_the_base_image() {
    let desk = desk();
    let report = desk
        .envtpl(&["diff", "new.lock", "now.json", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["after"]["kind"], "snapshot");
    assert_eq!(report["packages"]["identical"], 1);
    assert_eq!(report["packages"]["removed"][0]["name"], "h11");
    assert_eq!(report["packages"]["added"], serde_json::json!([]));
    let bare = r#"{"schema":1,"platform":"amd64","apt":[{"name":"bash","version":"5"}]}"#;
    desk.write("bare.json", bare);
    desk.envtpl(&["diff", "new.lock", "bare.json"])
        .expect(0)
        .prints("bash")
        .prints("bare.json does not say what its base image has");
}

#[test]
fn images_are_compared_with_their_set_up_and_no_secret_is_shown() {
    let desk = desk();
    for format in ["human", "markdown", "json"] {
        let told = desk
            .envtpl(&["diff", "lab/old:1", "image:lab/new:1", "--format", format])
            .expect(0);
        for text in ["hf_a", "hf_b", "abc"] {
            assert!(!told.stdout.contains(text), "{text}: {}", told.stdout);
        }
    }
    let told = desk.envtpl(&["diff", "lab/old:1", "lab/new:1"]).expect(0);
    assert_eq!(
        told.stdout,
        "lab/old:1 → lab/new:1\n\n\
         \x20      KIND  NAME  VERSION  WHO NEEDS IT\n\
         added  apt   jq    1.6      asked for\n\n\
         \x20            KIND    NAME  BEFORE  AFTER   WHO NEEDS IT\n\
         changed      python  Six   1.16.0  1.17.0  Top\n\
         other files  python  Top   a       b       asked for\n\n\
         ENVIRONMENT VARIABLE  BEFORE   AFTER\n\
         HF_TOKEN              ****     ****\n\
         TZ                    Etc/UTC  UTC\n\n\
         SETTING  BEFORE  AFTER\n\
         user     -       alice\n\n\
         ports -80/tcp\n\n\
         BEFORE  AFTER  STEP\n\
         2 MB    4 MB   RUN pip --token=****\n\
         11 MB   13 MB  together with 1 that are the same (9 MB)\n\n\
         1 packages are the same\n"
    );
}

#[test]
fn a_container_is_asked_as_it_runs() {
    let desk = desk();
    let told = desk
        .envtpl(&["diff", "lab/new:1", "box", "--format", "json"])
        .expect(0);
    let report = told.json();
    assert_eq!(report["after"]["kind"], "container");
    assert_eq!(report["setup"]["environment"], serde_json::json!([]));
    assert_eq!(
        report["setup"]["layers"][0],
        serde_json::json!({"step": "written since the container was made", "before": null, "after": 3_000_000})
    );
    let asked = desk.text("../bin/asked");
    assert!(
        asked.contains("exec --interactive box sh -s records=\n"),
        "{asked}"
    );
    assert!(
        asked.contains(
            "run --rm --interactive --network=none --platform linux/amd64 --entrypoint=sh lab/new:1 -s"
        ),
        "{asked}"
    );
    desk.envtpl(&["diff", "lab/new:1", "halted"])
        .expect(3)
        .says("the container `halted` is not running")
        .says("docker start halted");
}

#[test]
fn what_is_nothing_is_said_with_what_it_could_be() {
    let desk = desk();
    desk.envtpl(&["diff", "nowhere", "old.lock"])
        .expect(2)
        .says("there is nothing to compare in `nowhere`")
        .says("neither an installation, a file, a commit, a running container nor an image");
    desk.envtpl(&["diff", "old.lock", "image:nowhere"])
        .expect(2)
        .says("no image `nowhere`");
    desk.write("wrong.json", "{\"schema\":1");
    desk.envtpl(&["diff", "old.lock", "wrong.json"])
        .expect(2)
        .says("neither a lock nor a snapshot");
    desk.write("wrong.lock", "what: 1\n");
    desk.envtpl(&["diff", "old.lock", "wrong.lock"])
        .expect(2)
        .says("wrong.lock:1");
    desk.envtpl(&["diff", "old.lock"]).expect(2);
}

#[test]
fn a_file_that_is_neither_lock_nor_snapshot_is_told_as_such() {
    let desk = desk().file("pyproject.toml", "[build-system]\nrequires = []\n");
    let told = desk
        .envtpl(&["diff", "pyproject.toml", "new.lock"])
        .expect(2);
    assert!(
        told.stderr
            .contains("`pyproject.toml` is neither a lock nor a snapshot")
            && !told.stderr.contains("git checkout"),
        "{}",
        told.stderr
    );
}
