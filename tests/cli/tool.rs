//! `envtpl tool` and the script of `envtpl wrap`: what they ask the engine for, and what they refuse.

use crate::desk::{Desk, Ended};
use crate::stand_in;

/// The image's digest in a registry.
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A project with a generic dev image `lab/p:dev`, which two registries have. Each word that the
/// engine is given for a container becomes a part of `~/run`, behind which comes a zero byte.
fn desk() -> Desk {
    let desk = stand_in::desk(
        r#""image-dev-root": {"image": "lab/p:dev"}, "image-run-root": {"image": "lab/p:run"}"#,
    );
    let engine = format!(
        r#"case "$1 $2" in
        "image inspect")
            case $3 in
            lab/p:dev) echo '[{{"Id": "sha256:77", "RepoTags": ["lab/p:dev", "r.lab:5000/p:dev-latest"],
                "RepoDigests": ["other.lab/p@{DIGEST}", "r.lab:5000/p@{DIGEST}"]}}]' ;;
            *) echo 'Error: No such image' >&2; exit 1 ;;
            esac ;;
        "run "*) printf '%s\0' "$@" >"$HOME/run"; exit 7 ;;
        *) echo '{{"name": "p", "services": {{"image-dev-root": {{"image": "lab/p:dev"}},
            "image-run-root": {{"image": "lab/p:run"}}}}}}' ;;
        esac"#
    );
    desk.program("docker", &engine)
        .program("podman", &engine)
        .program("stuck", "exit 125")
}

/// The words of the last container, without what only `envtpl tool` knows or says otherwise.
fn words(desk: &Desk) -> Vec<String> {
    let run = desk.text("../run");
    desk.remove("../run");
    let script = format!("r.lab:5000/p@{DIGEST}");
    run.split_terminator('\0')
        .filter(|word| !word.starts_with("--platform="))
        .map(|word| match word == script || word == "lab/p:dev" {
            true => "IMAGE".to_owned(),
            false => word.to_owned(),
        })
        .collect()
}

#[test]
fn the_script_asks_the_engine_for_the_very_container_that_tool_asks_for() {
    let desk = desk();
    desk.envtpl(&["wrap", "-o", "toolchain"]).expect(0);
    desk.write("sub, dir/\"deeper\" é/note", "");
    let odd = [
        "", " ", "a b", "it's", "\"", "$HOME", "`x`", "\\", "*", "~", "-x", "--", "é\n\n", "a=b",
        "#", "!", "\t",
    ];
    let cases: [(&str, Vec<&str>); 7] = [
        (".", vec!["make", "-j8"]),
        (".", [&["printf", "%s"][..], &odd].concat()),
        ("sub, dir/\"deeper\" é", vec!["--at", "same", "--", "cc"]),
        (
            "sub, dir/\"deeper\" é",
            vec!["--mount", "../..", "--at=/a b", "cc", "-e", "A"],
        ),
        ("sub, dir", vec!["--mount=\"deeper\" é", "ls"]),
        (
            ".",
            vec![
                "-e",
                "A=it's \"b\"\n c ",
                "-eB",
                "--env",
                "C=",
                "--env=D=$(x)",
                "-e",
                "E=\\",
                "sh",
                "-c",
                "exit",
            ],
        ),
        (".", vec!["--at", "/src//", "true"]),
    ];
    for (engine, setting) in [("docker", ""), ("podman", "podman")] {
        let settings = desk.settings();
        desk.write(
            &settings,
            desk.text(&settings) + &format!("DOCKER={setting}\n"),
        );
        for (directory, arguments) in &cases {
            let directory = desk.work().join(directory);
            let tool = [&["tool"][..], arguments].concat();
            desk.envtpl_in(&directory, &tool).expect(7);
            let expected = words(&desk);
            let script = desk.work().join("toolchain");
            let variable = Some(("ENVTPL_ENGINE", setting));
            desk.other(&directory, variable, &script, arguments)
                .expect(7);
            assert_eq!(words(&desk), expected, "{engine} {arguments:?}");
            assert!(expected.contains(&"IMAGE".to_owned()), "{expected:?}");
        }
    }
}

#[test]
fn what_is_wrong_before_the_command_begins_is_125_of_both() {
    let desk = desk();
    desk.envtpl(&["wrap", "-o", "toolchain"]).expect(0);
    let script = desk.work().join("toolchain");
    for (arguments, why) in [
        (&["--mount", "no-such", "true"][..], "cannot be entered"),
        (
            &["--at", "/etc/", "true"],
            "the container needs its own `/etc`",
        ),
        (&["--at", "/", "true"], "the container needs its own `/`"),
        (
            &["--at", "work", "true"],
            "`work` is no plain absolute path",
        ),
        (&["--at", "/a/../etc", "true"], "is no plain absolute path"),
        (&["-it", "true"], "a terminal is asked for"),
        (&["--tty", "true"], "a terminal is asked for"),
        (&["--no-such", "true"], "--no-such"),
        (&["--at"], "--at"),
        (&[], ""),
    ] {
        desk.envtpl(&[&["tool"], arguments].concat())
            .expect(125)
            .says(why);
        desk.other(&desk.work(), None, &script, arguments)
            .expect(125)
            .says(why);
    }
    // The installation that a variable names is still it.
    let named = ("ENVTPL_INSTALLATION", "arm64-rocm");
    desk.envtpl_with(named, &["tool", "-it", "true"])
        .expect(125)
        .says("a terminal");
    desk.envtpl_with(named, &["tool", "true"])
        .expect(125)
        .says("arm64-rocm");
    desk.envtpl(&["tool", "--flavour", "run", "true"])
        .expect(125)
        .says("there is no image `lab/p:run`")
        .says("envtpl build-generic -i");
    desk.other(
        &desk.work(),
        Some(("ENVTPL_ENGINE", "stuck")),
        &script,
        &["true"],
    )
    .expect(125);
    assert!(!desk.has("../run"));
}

#[test]
fn a_dry_run_prints_a_line_that_starts_the_container() {
    let desk = desk();
    let shown = desk
        .envtpl(&["tool", "--dry-run", "echo", "a b", "it's"])
        .expect(0)
        .stdout;
    assert!(!desk.has("../run"));
    desk.envtpl(&["tool", "echo", "a b", "it's"]).expect(7);
    let expected = words(&desk);
    desk.other(&desk.work(), None, "/bin/sh".as_ref(), &["-c", &shown])
        .expect(7);
    assert_eq!(words(&desk), expected);
}

#[test]
fn wrap_writes_over_nothing_but_its_own_script() {
    let desk = desk().file("notes", "mine\n");
    desk.envtpl(&["wrap", "-o", "notes"])
        .expect(2)
        .says("is no script of `envtpl wrap`");
    assert_eq!(desk.text("notes"), "mine\n");
    desk.envtpl(&["wrap", "-o", "installation"])
        .expect(2)
        .says("it is a directory");
    desk.envtpl(&["wrap", "--dry-run", "-o", "tc"])
        .expect(0)
        .says("Would write");
    assert!(!desk.has("tc"));

    let written = desk
        .envtpl(&["wrap", "-o", "tc", "--format", "json"])
        .expect(0)
        .json();
    let pinned = format!("r.lab:5000/p:dev-latest@{DIGEST}");
    assert_eq!(written["image"], pinned.as_str());
    assert_eq!(desk.permissions("tc"), 0o755);
    let printed = desk.envtpl(&["wrap"]).expect(0).stdout;
    assert_eq!(desk.text("tc"), printed);
    assert!(printed.contains(&format!("\nenvtpl_image='{pinned}'\n")));

    desk.envtpl(&["wrap", "-o", "tc", "--repository", "other.lab/p"])
        .expect(0);
    assert!(desk.text("tc").contains("'other.lab/p:dev@sha256:"));
    desk.envtpl(&["wrap", "-o", "tc", "--local"]).expect(0);
    assert!(desk.text("tc").contains("envtpl_image='sha256:77'"));
    let settings = desk.settings();
    desk.write(&settings, desk.text(&settings) + "DOCKER=podman\n");
    desk.envtpl(&["wrap", "-o", "tc"])
        .expect(0)
        .says("--envtpl-update");
    assert!(
        desk.text("tc")
            .contains("envtpl_image='r.lab:5000/p:dev-latest'\n")
    );
    desk.envtpl(&["wrap", "--repository", "x/y"])
        .expect(3)
        .says("other.lab/p");
    desk.envtpl(&["wrap", "--flavour", "run"])
        .expect(3)
        .says("envtpl build-generic");
}

#[test]
fn the_script_says_what_it_is_and_what_it_wants() {
    let desk = desk();
    desk.envtpl(&["wrap", "-o", "tc"]).expect(0);
    let script = desk.work().join("tc");
    let run = |arguments: &[&str]| -> Ended { desk.other(&desk.work(), None, &script, arguments) };
    run(&["--envtpl-help"])
        .expect(0)
        .prints("Usage: ")
        .prints("r.lab:5000/p:dev-latest@sha256:");
    run(&["--envtpl-update", "a b"])
        .expect(2)
        .says("is not the name of an image");
    // As it stands in an image that does not know its own name.
    desk.write("tc", include_str!("../../templates/wrap/toolchain.sh"));
    run(&["--envtpl-help"]).expect(0).prints("not chosen yet");
    run(&["true"])
        .expect(125)
        .says("this script names no image");
    run(&["--envtpl-update"])
        .expect(2)
        .says("names no image that a registry has");
    // Without an engine there is nothing to be done.
    let path = Some(("PATH", "/nonexistent"));
    desk.other(&desk.work(), path, &script, &["true"])
        .expect(125)
        .says("neither docker nor podman");
}
