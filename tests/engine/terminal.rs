//! Commands under a terminal, with much to read and write, and many at once.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::run::shop;
use crate::workshop::{Ended, docker};

/// Milliseconds until what a terminal should show counts as missing; a start takes one second.
pub const PATIENCE: u64 = 60_000;

fn resize(session: &PtySession, rows: u16, columns: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = session.process().get_file_handle().expect("a terminal");
    tcsetwinsize(&terminal, size).expect("resized");
}

#[test]
fn a_terminal_passes_its_size_and_ctrl_c_on() {
    let shop = shop();
    let script = "stty size; trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done";
    for command in [["run", "sh", "-c", script], ["dev", "sh", "-c", script]] {
        let mut session = spawn_command(shop.command(&command), Some(PATIENCE)).expect("starts");
        session.exp_string("up").expect("it says that it is up");
        resize(&session, 41, 101);
        session.exp_string("41 101").expect("the new size");
        session.send_control('c').expect("sent");
        let ended = session.process().wait().expect("ends");
        assert!(matches!(ended, WaitStatus::Exited(_, 130)), "{ended:?}");
    }
    let left = docker(&["ps", "--all", "--no-trunc", "--format={{.Command}}"]).expect(0);
    assert!(!left.stdout.contains("WINCH"), "{}", left.stdout);
}

/// The container whose environment has this line.
fn container_with(line: &str) -> String {
    let running = docker(&["ps", "--quiet"]).expect(0).stdout;
    let has_it = |id: &&str| {
        let environment = docker(&["inspect", "--format={{json .Config.Env}}", id]);
        environment.stdout.contains(&format!("\"{line}\""))
    };
    running.lines().find(has_it).expect("it runs").to_owned()
}

#[test]
fn a_container_that_waits_at_a_terminal_stops_at_once() {
    let shop = shop();
    for (verb, program) in [
        ("dev", "bash"),
        ("dev", "zsh -f"),
        ("dev", "sleep 300"),
        ("run", "sleep 300"),
    ] {
        let variable = format!("STOPPED={verb}-{program}-{}", std::process::id());
        let script = format!("echo up; exec {program}");
        let command = [verb, "-e", &variable, "sh", "-c", &script];
        let mut session = spawn_command(shop.command(&command), Some(PATIENCE)).expect("starts");
        session.exp_string("up").expect("it says that it is up");
        if !program.starts_with("sleep") {
            // Put together by the shell, so that it is not what the terminal echoes.
            session.send_line("echo lis\"\"tens").expect("sent");
            session.exp_string("listens").expect("the shell listens");
        }
        let container = container_with(&variable);
        let begun = Instant::now();
        docker(&["stop", &container]).expect(0);
        let took = begun.elapsed();
        let ended = session.process().wait().expect("ends");
        // Who does not listen is killed after ten seconds: 137.
        assert!(
            matches!(ended, WaitStatus::Exited(_, status) if status != 137),
            "{verb} {program}: {ended:?}"
        );
        assert!(took < Duration::from_secs(5), "{verb} {program}: {took:?}");
    }
}

/// Bytes of every value, line ends and control characters among them, in no order of their own.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, block: &mut [u8]) {
        for eight in block.chunks_exact_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            eight.copy_from_slice(&self.0.to_le_bytes());
        }
    }
}

#[test]
fn a_gibibyte_passes_through_unharmed() {
    const BLOCK: usize = 1 << 20;
    const BLOCKS: usize = 1 << 10;
    let shop = shop();
    let mut child = shop
        .command(&["run", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    let mut stdin = child.stdin.take().expect("piped");
    let feeder = std::thread::spawn(move || {
        let mut noise = Noise(1);
        let mut block = vec![0; BLOCK];
        for _ in 0..BLOCKS {
            noise.fill(&mut block);
            stdin.write_all(&block).expect("sent");
        }
    });
    let mut stdout = child.stdout.take().expect("piped");
    let mut noise = Noise(1);
    let (mut expected, mut block) = (vec![0; BLOCK], vec![0; BLOCK]);
    for number in 0..BLOCKS {
        noise.fill(&mut expected);
        stdout.read_exact(&mut block).expect("as much as was sent");
        assert!(block == expected, "block {number} differs");
    }
    assert_eq!(
        stdout.read(&mut block).expect("read"),
        0,
        "more than was sent"
    );
    assert!(child.wait().expect("ends").success());
    feeder.join().expect("no panic");
}

#[test]
fn twenty_starts_at_once_do_not_meet() {
    let shop = shop();
    let started: Vec<_> = (0..20)
        .map(|number| {
            let variable = format!("NUMBER={number}");
            shop.command(&[
                "run",
                "-e",
                &variable,
                "sh",
                "-c",
                "echo $NUMBER; exit $NUMBER",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("envtpl runs")
        })
        .collect();
    for (number, child) in (0..).zip(started) {
        let ended = Ended::of(child.wait_with_output().expect("ends")).expect(number);
        assert_eq!(ended.stdout, format!("{number}\n"));
        assert_eq!(ended.stderr, "");
    }
}
