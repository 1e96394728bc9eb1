//! What the program ends with when it cannot even begin, or cannot say what it found.
#![expect(clippy::disallowed_methods, reason = "tests open a full device")]

use crate::desk::Desk;

#[test]
fn a_wrong_command_line_is_not_taken_for_the_command_that_it_should_have_started() {
    let desk = Desk::new();
    for arguments in [
        &["run", "--bogus", "true"][..],
        &["run"],
        &["run", "--format", "xml", "true"],
        &["-C", "ls", "dev", "--bogus"],
        &["shell", "--bogus"],
        &["shell", "extra"],
        &["empty_interactive", "extra"],
        &["--bogus", "run", "true"],
    ] {
        let ended = desk.envtpl(arguments).expect(125);
        assert!(ended.stderr.contains("error: "), "{}", ended.stderr);
    }
    for arguments in [
        &["ls", "--bogus"][..],
        &["build", "run"],
        &["-C", "run", "ls", "--bogus"],
        &["--bogus"],
        &["--bogus", "ls"],
        &["nonsense"],
        &[],
    ] {
        desk.envtpl(arguments).expect(2);
    }
    for arguments in [["run", "--help"], ["help", "run"], ["run", "--version"]] {
        desk.envtpl(&arguments).expect(0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_is_no_success() {
    let desk = Desk::new();
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu"]).expect(0);
    for arguments in [
        &["--help"][..],
        &["help"],
        &["help", "ls"],
        &["ls", "--help"],
        &["--version"],
        &["ls", "--version"],
        &["ls", "--no-engine"],
        &["ls", "--no-engine", "--format", "json"],
        &["check", "--no-engine", "--format", "json"],
        &["completions", "bash"],
        &["init", "--dry-run", "-i", "arm64-cpu"],
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("there");
        desk.envtpl_into(full, arguments)
            .expect(1)
            .says("cannot write to standard output")
            .says("No space left");
    }
}

#[test]
fn where_to_work_and_on_what_is_said_clearly() {
    let desk = Desk::new();
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu"]).expect(0);
    desk.write("file", "");
    desk.envtpl(&["-C", "file", "ls"])
        .expect(2)
        .says("cannot work in `file`: it is no directory");
    for (names, wrong) in [
        ("banana", "`banana` is no platform"),
        ("arm64-cpu", "there is no installation `arm64-cpu`"),
        ("amd64-cpu,arm64-cpu", "amd64-cpu and arm64-cpu are named"),
    ] {
        desk.envtpl_with(("ENVTPL_INSTALLATION", names), &["run", "true"])
            .expect(125)
            .says(wrong)
            .says("the name is that of the variable ENVTPL_INSTALLATION");
    }
    let twice = [
        "ls",
        "--no-engine",
        "--format=json",
        "-i=amd64-cpu",
        "-i=docker-amd64-cpu",
    ];
    let listed = desk.envtpl(&twice).expect(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
}

#[test]
fn help_that_nobody_reads_to_its_end_is_a_success() {
    let desk = Desk::new();
    for arguments in [["--help"], ["--version"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = desk.envtpl_into(writer, &arguments).expect(0);
        assert_eq!(ended.stderr, "");
    }
}
