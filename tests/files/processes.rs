//! Several envtpl processes in one project.

use std::fs;
use std::path::Path;

use envtpl::error::Kind;
use envtpl::files::{self, Lock, Recovered};

use crate::tree::{Project, put, scratch, tree};
use crate::worker;

#[test]
fn the_second_process_says_who_holds_the_lock_and_gets_it_when_the_first_is_killed() {
    let directory = scratch();
    let root = directory.path();
    let mut first = worker::hold(root);

    let mut told = None;
    let error = Lock::acquire(
        root,
        "amd64-cuda",
        "second",
        || true,
        |holder| told = Some(holder.clone()),
    )
    .expect_err("held by the first");
    assert_eq!(error.kind(), Kind::Interrupted);
    let holder = told.expect("told");
    assert_eq!(holder.pid, Some(first.id()));
    assert_eq!(holder.purpose, "hold");

    first.kill().expect("killed");
    first.wait().expect("ended");
    let lock = Lock::acquire(
        root,
        "amd64-cuda",
        "second",
        || panic!("no waiting for the dead"),
        |_| panic!("nobody holds it"),
    );
    drop(lock.expect("locked"));
    assert!(tree(root).is_empty());
}

#[test]
fn what_a_killed_holder_left_is_tidied_up() {
    let directory = scratch();
    let root = directory.path();
    let mut first = worker::hold(root);
    files::recover(root).expect("nothing to do");
    assert!(root.join(".envtpl/amd64-cuda.lock").exists(), "it is held");
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert_eq!(files::recover(root).expect("recovered"), None);
    assert!(tree(root).is_empty());
}

#[test]
fn processes_that_write_and_recover_at_once_do_not_disturb_each_other() {
    let directory = scratch();
    let root = directory.path();
    let mut workers: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            worker::command(root, &format!("write-many {name}"))
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("started")
        })
        .collect();
    while workers
        .iter_mut()
        .any(|worker| worker.try_wait().expect("looked at").is_none())
    {
        assert_eq!(files::recover(root).expect("recovered"), None);
    }
    for mut worker in workers {
        assert!(worker.wait().expect("ended").success());
    }
    let tree = tree(root);
    let files = tree.keys().filter(|path| path.components().count() == 2);
    assert_eq!(files.count(), 3 * 2 * 40);
    assert!(!tree.contains_key(Path::new(".envtpl")));
}

/// The number of the first operation after which the change is decided.
fn decided_at(job: &str) -> usize {
    (1..)
        .find(|number| {
            let project = Project::new();
            worker::run(project.root(), job, Some(("ENVTPL_TEST_KILL_AT", *number)));
            project
                .root()
                .join(".envtpl/transaction/plan.json")
                .exists()
        })
        .expect("it is decided somewhere")
}

#[test]
fn what_a_person_wrote_between_a_crash_and_the_recovery_is_kept() {
    let project = Project::new();
    let fault = ("ENVTPL_TEST_KILL_AT", decided_at("write README.md"));
    worker::run(project.root(), "write README.md", Some(fault));
    let readme = project.root().join("README.md");
    fs::write(&readme, "mine\n").expect("written");

    let recovered = files::recover(project.root()).expect("recovered");
    let kept = project.root().join("README.md.kept-0");
    assert_eq!(
        recovered,
        Some(Recovered::Completed {
            kept: vec![kept.clone()]
        })
    );
    assert_eq!(fs::read_to_string(kept).expect("kept"), "mine\n");
    let text = fs::read_to_string(readme).expect("read");
    assert_eq!(text, "written by a worker\n");
}

#[test]
fn a_rename_that_became_impossible_after_a_crash_is_taken_back() {
    let project = Project::new();
    let fault = ("ENVTPL_TEST_KILL_AT", decided_at("commit"));
    worker::run(project.root(), "commit", Some(fault));
    let in_the_way = project.root().join("installation/arm64-cpu");
    put(in_the_way.join("mine"), b"mine\n", 0o644);

    let recovered = files::recover(project.root()).expect("recovered");
    assert_eq!(recovered, Some(Recovered::TakenBack));
    fs::remove_dir_all(in_the_way).expect("removed");
    assert_eq!(tree(project.root()), project.old);
}

#[test]
fn state_of_others_stays_where_it_is() {
    let project = Project::new();
    let state = files::state_directory(project.root()).expect("created");
    put(state.join("builds/1"), b"{}", 0o644);
    let old = tree(project.root());
    for fault in [None, Some(("ENVTPL_TEST_FAIL_AT", 9))] {
        worker::run(project.root(), "write new", fault);
    }
    files::recover(project.root()).expect("recovered");
    fs::remove_file(project.root().join("new")).expect("written before");
    assert_eq!(tree(project.root()), old);
}
