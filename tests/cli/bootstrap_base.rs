//! `envtpl bootstrap-base`: what it asks of other programs, and what it says when one is missing.
//! The images themselves are made in the tests of a real engine.

use crate::desk::Desk;

const INFO: &str = r#"'{"ServerVersion":"26.1.5","Architecture":"x86_64"}'"#;

/// An engine that records its arguments in `log`, and a tool that fetches nothing.
fn desk() -> Desk {
    let desk = Desk::new();
    let log = desk.work().join("log").display().to_string();
    desk.program(
        "docker",
        &format!(
            "printf '%s|' docker \"$@\" >>'{log}'; echo >>'{log}'\n\
             case $1 in info) echo {INFO} ;; import) echo sha256:0123 ;; esac"
        ),
    )
    .program(
        "mmdebstrap",
        &format!("printf '%s|' mmdebstrap \"$@\" >>'{log}'; echo >>'{log}'; echo noise"),
    )
    // The test's own user may be an ordinary one, and this machine may lack the keys.
    .program("newuidmap", "exit 1")
}

/// Whether this machine cannot make images of Debian at all (no rights, no keys, no emulator):
/// then it must say so, with a way out.
fn refused() -> bool {
    let ended = desk().envtpl(&[
        "bootstrap-base",
        "bookworm",
        "--platform",
        "amd64",
        "--dry-run",
    ]);
    let refused = ended.status != 0;
    if refused {
        ended.expect(3).says("help: ");
    }
    refused
}

#[test]
fn the_tag_alone_is_on_stdout_and_the_next_step_is_said() {
    if refused() {
        return;
    }
    let desk = desk();
    let ended = desk
        .envtpl(&[
            "bootstrap-base",
            "12",
            "--platform",
            "amd64",
            "--include",
            "git,jq",
        ])
        .expect(0)
        .says("envtpl init -i amd64-cpu --base-image envtpl/bookworm-python:amd64");
    assert_eq!(ended.stdout, "envtpl/bookworm-python:amd64\n");
    let log = desk.text("log");
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[1].starts_with("mmdebstrap|--mode="), "{log}");
    assert!(
        lines[1]
            .contains("|--include=apt,ca-certificates,python3,python3-pip,python3-venv,git,jq|"),
        "{log}"
    );
    assert!(
        lines[2].starts_with("docker|import|--platform=linux/amd64|"),
        "{log}"
    );
    assert!(
        lines[2].ends_with("|envtpl/bookworm-python:amd64|"),
        "{log}"
    );
}

#[test]
fn python_can_be_left_out() {
    if refused() {
        return;
    }
    let desk = desk();
    let ended = desk
        .envtpl(&[
            "bootstrap-base",
            "trixie",
            "--no-python",
            "--platform",
            "amd64",
        ])
        .expect(0)
        .says("--from-base from-scratch");
    assert_eq!(ended.stdout, "envtpl/trixie:amd64\n");
    assert!(!desk.text("log").contains("python3"));
}

#[test]
fn a_dry_run_shows_the_commands_and_runs_none() {
    if refused() {
        return;
    }
    let desk = desk();
    desk.envtpl(&[
        "bootstrap-base",
        "bookworm",
        "--platform",
        "amd64",
        "--dry-run",
    ])
    .expect(0)
    .prints("--variant=minbase --architectures=amd64")
    .prints("'deb http://deb.debian.org/debian bookworm main'")
    .prints("docker import --platform=linux/amd64");
    assert!(!desk.has("log"));
}

#[test]
fn a_failure_is_explained_and_leaves_nothing_behind() {
    if refused() {
        return;
    }
    let desk = desk().program(
        "mmdebstrap",
        "echo 'E: apt-get update failed' >&2; exit 100",
    );
    let temporary = desk.work().join("tmp");
    desk.write("tmp/keep", "");
    let desk = desk.variable("TMPDIR", &temporary.display().to_string());
    desk.envtpl(&["bootstrap-base", "bookworm", "--platform", "amd64"])
        .expect(1)
        .says("exit status 100")
        .says("--mirror URL");
    let left = envtpl::files::list(&temporary).expect("listed");
    assert_eq!(left, [temporary.join("keep")]);
    assert!(!desk.text("log").contains("import"));
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    if refused() {
        return;
    }
    // Half an archive is there when the person stops it.
    let desk = desk().program(
        "mmdebstrap",
        "for word in \"$@\"; do case $word in */base.tar) echo half >\"$word\" ;; esac; done\n\
         kill -INT $PPID; exec sleep 60",
    );
    let temporary = desk.work().join("tmp");
    desk.write("tmp/keep", "");
    let desk = desk.variable("TMPDIR", &temporary.display().to_string());
    desk.envtpl(&["bootstrap-base", "bookworm", "--platform", "amd64"])
        .expect(130)
        .says("interrupted");
    let left = envtpl::files::list(&temporary).expect("listed");
    assert_eq!(left, [temporary.join("keep")]);
    assert!(!desk.text("log").contains("import"));
}

#[test]
fn the_engine_is_asked_before_the_long_part() {
    if refused() {
        return;
    }
    let desk = desk().program(
        "docker",
        "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1",
    );
    desk.envtpl(&["bootstrap-base", "bookworm", "--platform", "amd64"])
        .expect(3)
        .says("no container engine answers");
    assert!(!desk.has("log"));
}

#[test]
fn what_is_missing_is_named_with_the_line_that_brings_it() {
    let desk = Desk::new().variable("PATH", "/nonexistent");
    desk.envtpl(&["bootstrap-base", "bookworm"])
        .expect(3)
        .says("neither mmdebstrap nor debootstrap is installed")
        .says("help: ");
}

#[test]
fn wrong_input_is_a_usage_error_with_what_there_is() {
    let desk = desk();
    desk.envtpl(&["bootstrap-base", "banana"])
        .expect(2)
        .says("`banana` is no release of Debian or Ubuntu")
        .says("bookworm (12)");
    for wrong in [
        ["--platform", "arm&64"],
        ["--include", "--hook=x"],
        ["--mirror", "mirror.lab"],
        ["--security-mirror", "mirror.lab"],
        ["--tag", "Upper/Case:x"],
    ] {
        let argument = format!("{}={}", wrong[0], wrong[1]);
        desk.envtpl(&["bootstrap-base", "bookworm", &argument])
            .expect(2);
    }
    assert!(!desk.has("log"));
}

#[test]
fn a_mirror_without_security_updates_is_told_and_one_with_them_can_be_named() {
    if refused() {
        return;
    }
    let desk = desk();
    let ask = |options: &[&str]| {
        let start = [
            "bootstrap-base",
            "bookworm",
            "--platform",
            "amd64",
            "--dry-run",
        ];
        desk.envtpl(&[&start[..], options].concat()).expect(0)
    };
    let mirror = ["--mirror", "http://mirror.lab/debian"];
    let told = ask(&mirror)
        .says("misses them")
        .says("--security-mirror URL");
    assert!(!told.stdout.contains("-security"), "{}", told.stdout);
    let named = ask(&[&mirror[..], &["--security-mirror", "http://mirror.lab/s/"]].concat());
    assert_eq!(named.stderr, "");
    named.prints("'deb http://mirror.lab/s bookworm-security main'");
    assert_eq!(ask(&[]).stderr, "");
}
