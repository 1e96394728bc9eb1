//! What this program does when a test starts it as another process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use envtpl::error::Result;
use envtpl::files::{self, ChangeSet, Lock};

use crate::{every_operation, random};

/// In an ordinary run of the tests, nothing.
#[test]
#[ignore = "started by the other tests"]
fn worker() {
    let Some(root) = std::env::var_os("WORKER_ROOT") else {
        return;
    };
    let job = std::env::var("WORKER_JOB").expect("a job");
    if let Err(error) = work(Path::new(&root), &job) {
        panic!("{error}: {}", error.causes().join(": "));
    }
}

fn work(root: &Path, job: &str) -> Result<()> {
    let (job, rest) = job.split_once(' ').unwrap_or((job, ""));
    match job {
        // As a command does it: under a lock.
        "commit" => {
            let _lock = Lock::acquire(root, "amd64-cuda", "commit", || false, |_| {})?;
            every_operation::plan(root)?.commit()
        }
        "make" => {
            crate::tree::make_project(root);
            Ok(())
        }
        "recover" => files::recover(root).map(drop),
        "random" => random::plan(root, rest).0.commit(),
        "write" => {
            let mut changes = ChangeSet::new(root);
            changes.write(rest, "written by a worker\n", 0o644)?;
            changes.commit()
        }
        "rewrite" => {
            let mut changes = ChangeSet::new(root);
            changes.write_keeping_mode(rest, "written by a worker\n")?;
            changes.commit()
        }
        "move" => {
            let (from, to) = rest.split_once(' ').expect("two paths");
            let mut changes = ChangeSet::new(root);
            changes.rename_directory(from, to)?;
            changes.commit()
        }
        "write-many" => {
            for number in 0..40 {
                let mut changes = ChangeSet::new(root);
                changes.write(format!("{rest}/{number}"), "many\n", 0o644)?;
                changes.write(format!("{rest}-again/{number}"), "many\n", 0o644)?;
                changes.commit()?;
            }
            Ok(())
        }
        "hold" => {
            let _lock = Lock::acquire(root, "amd64-cuda", "hold", || false, |_| {})?;
            std::io::stdout().write_all(b"\nheld\n").expect("written");
            std::thread::sleep(std::time::Duration::from_secs(60));
            Ok(())
        }
        _ => panic!("there is no job `{job}`"),
    }
}

/// The command that starts the worker.
pub fn command(root: &Path, job: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--ignored", "--exact", "worker::worker", "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .env("WORKER_ROOT", root)
        .env("WORKER_JOB", job);
    command
}

/// Lets the worker do its job, with a fault at some operation.
pub fn run(root: &Path, job: &str, fault: Option<(&str, usize)>) -> Output {
    let mut command = command(root, job);
    if let Some((name, number)) = fault {
        command.env(name, number.to_string());
    }
    command.output().expect("started")
}

/// Starts a worker that holds a lock; returns when it does.
pub fn hold(root: &Path) -> Child {
    let mut child = command(root, "hold")
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let stdout = child.stdout.take().expect("piped");
    let held = BufReader::new(stdout)
        .lines()
        .any(|line| line.expect("text") == "held");
    assert!(held, "the worker ended early");
    child
}
