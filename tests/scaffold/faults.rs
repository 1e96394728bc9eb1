//! What all commands that write files have in common when something is in their way.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;
use std::time::{Duration, Instant};

use envtpl::files::Lock;

use crate::support::{Ended, Place};

/// The commands, each changing `amd64-cpu`.
const COMMANDS: [&[&str]; 3] = [
    &["env"],
    &["edit-platform", "amd64-cpu", "arm64-cpu"],
    &["edit-from-base", "from-scratch"],
];

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    // Root may write anywhere, so nobody tries.
    let nobody = 65534;
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.remove("installation/amd64-cpu/.env");
    let outside = place
        .outside()
        .strip_prefix("/")
        .expect("absolute")
        .to_owned();
    place.set_mode(std::path::Path::new("/").join(outside), 0o755);
    let before = place.tree();
    for arguments in COMMANDS
        .iter()
        .chain([&["init", "-i", "amd64-cuda"].as_slice()])
    {
        let mut command = place.command(*arguments);
        if rustix::process::getuid().is_root() {
            command.uid(nobody).gid(nobody);
        } else {
            place.set_mode("", 0o555);
        }
        Ended::run(&mut command)
            .expect(3)
            .says("denied")
            .says(&format!("cannot write in `{}`", place.root.display()))
            .says("help: let its owner give you the right to write there")
            .keeps_quiet_about(".lock");
        assert_eq!(place.tree(), before);
    }
    place.set_mode("", 0o755);
}

#[test]
fn a_full_disk_changes_nothing() {
    for arguments in COMMANDS {
        let place = Place::scaffolded(&["amd64-cpu"]);
        place.put("installation/amd64-cpu/.env", "USR=joe\n");
        let before = place.tree();
        for operation in ["1", "3", "6"] {
            let mut command = place.command(arguments);
            Ended::run(command.env("ENVTPL_TEST_FAIL_FROM", operation))
                .expect(3)
                .says("No space left");
            assert_eq!(place.tree(), before, "{arguments:?} at {operation}");
        }
    }
}

#[test]
fn the_second_of_two_waits_and_says_for_whom() {
    for arguments in COMMANDS {
        let place = Place::scaffolded(&["amd64-cpu"]);
        place.put("installation/amd64-cpu/.env", "USR=joe\n");
        let lock = Lock::acquire(&place.root, "amd64-cpu", "test", || false, |_| {}).expect("held");
        let mut second = place
            .command(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut stderr = second.stderr.take().expect("a pipe");
        let mut said = Vec::new();
        while !String::from_utf8_lossy(&said).contains("waiting for") {
            let mut byte = [0];
            assert_eq!(stderr.read(&mut byte).expect("read"), 1, "it did not wait");
            said.push(byte[0]);
        }
        assert!(second.try_wait().expect("asked").is_none());
        drop(lock);
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("read");
        assert_eq!(second.wait().expect("ended").code(), Some(0), "{rest}");
    }
}

#[test]
fn whoever_waits_can_be_stopped() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let before = place.tree();
    let _lock = Lock::acquire(&place.root, "amd64-cpu", "test", || false, |_| {}).expect("held");
    let mut second = place
        .command(["edit-platform", "amd64-cpu", "arm64-cpu"])
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    std::thread::sleep(Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&second);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
    let start = Instant::now();
    assert_eq!(second.wait().expect("ended").code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(place.tree(), before);
}

#[test]
fn a_reader_who_has_gone_is_no_drama() {
    let place = Place::empty();
    let mut child = place
        .command(["init", "--dry-run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let mut talk = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut talk).expect("read");
    let status = child.wait().expect("ended");
    assert!(
        status.code() == Some(141) || status.signal() == Some(13),
        "{status:?}"
    );
    assert_eq!(talk, "");
}

#[test]
fn an_answer_that_is_refused_with_control_c_ends_with_130() {
    let place = Place::called("asked");
    let program = env!("CARGO_BIN_EXE_envtpl");
    let line = format!(
        "sh -c 'cd {} && exec env -i HOME=/nonexistent PATH=/usr/bin:/bin TERM=xterm {program} init'",
        place.root.display()
    );
    let mut terminal = rexpect::spawn(&line, Some(20_000)).expect("started");
    terminal.exp_string("Name of the project").expect("asked");
    terminal.send_control('c').expect("sent");
    terminal.exp_eof().expect("ended");
    let status = terminal.process().wait().expect("ended");
    assert!(format!("{status:?}").contains("130"), "{status:?}");
    assert!(place.tree().is_empty());
}
