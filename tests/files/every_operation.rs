//! A change set leaves the old tree or the new one, whatever happens to the process: proved by
//! killing it, and by failing, at every single file operation.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use envtpl::error::Result;
use envtpl::files::{self, ChangeSet, Recovered};

use crate::tree::{Content, Project, Tree, odd_name, tree};
use crate::worker;

/// Every kind of change at once.
pub fn plan(root: &Path) -> Result<ChangeSet> {
    let cpu = Path::new("installation/arm64-cpu");
    let mut changes = ChangeSet::new(root);
    changes.write_keeping_mode(".gitignore", "target\n.envtpl\n")?;
    changes.rename_directory("installation/amd64-cuda", cpu)?;
    changes.write_keeping_mode(cpu.join("compose.yaml"), "services: {lab: {}}\n")?;
    changes.write_keeping_mode(cpu.join("shared"), "shared by all\n")?;
    changes.write(cpu.join("entrypoints/start.sh"), "#!/bin/sh -e\n", 0o700)?;
    changes.write(cpu.join(".env"), "SECRET=2\n", 0o600)?;
    changes.write_symlink(cpu.join("link"), "compose.yaml")?;
    changes.rename_file(cpu.join("envtpl.lock"), "aside/amd64-cuda/envtpl.lock")?;
    changes.remove(cpu.join("dependencies"))?;
    changes.remove("README.md")?;
    changes.copy("installation/amd64-cuda", "installation/amd64-cuda-copy")?;
    changes.create_directory("empty/directory")?;
    changes.write("src/my package/__init__.py", "", 0o644)?;
    changes.write(Path::new("src").join(odd_name()), b"\xff\xfe", 0o600)?;
    Ok(changes)
}

/// The tree after it.
pub fn new_tree() -> Tree {
    let project = Project::new();
    plan(project.root())
        .and_then(ChangeSet::commit)
        .expect("committed");
    tree(project.root())
}

#[test]
fn a_commit_makes_exactly_the_planned_changes() {
    let new = new_tree();
    let old = Project::new().old;
    let cuda = Path::new("installation/amd64-cuda");
    let cpu = Path::new("installation/arm64-cpu");
    let get = |path: PathBuf| new.get(&path).map(|(mode, content)| (*mode, content));
    let text = |mode, text: &str| Some((mode, Content::File(text.as_bytes().to_vec())));

    assert_eq!(get(cuda.into()), None);
    for name in ["Dockerfile", "with space"] {
        assert_eq!(new.get(&cpu.join(name)), old.get(&cuda.join(name)));
        assert_eq!(
            new.get(&Path::new("installation/amd64-cuda-copy").join(name)),
            old.get(&cuda.join(name))
        );
    }
    assert_eq!(
        new.get(&cpu.join(odd_name())),
        old.get(&cuda.join(odd_name()))
    );
    let expect = |path: PathBuf, expected: Option<(u32, Content)>| {
        assert_eq!(
            get(path.clone()),
            expected.as_ref().map(|(mode, content)| (*mode, content)),
            "{path:?}"
        );
    };
    expect(
        cpu.join("compose.yaml"),
        text(0o600, "services: {lab: {}}\n"),
    );
    expect(
        cpu.join("entrypoints/start.sh"),
        text(0o700, "#!/bin/sh -e\n"),
    );
    expect(cpu.join(".env"), text(0o600, "SECRET=2\n"));
    expect(
        cpu.join("shared"),
        Some((0o777, Content::Link("../../shared.txt".into()))),
    );
    expect("shared.txt".into(), text(0o640, "shared by all\n"));
    expect(
        cpu.join("link"),
        Some((0o777, Content::Link("compose.yaml".into()))),
    );
    expect(cpu.join("dependencies"), None);
    expect(cpu.join("envtpl.lock"), None);
    expect(
        "aside/amd64-cuda/envtpl.lock".into(),
        text(0o644, "locked\n"),
    );
    expect("README.md".into(), None);
    expect(".gitignore".into(), text(0o664, "target\n.envtpl\n"));
    expect(".envtpl".into(), None);
    assert!(new.contains_key(Path::new("empty/directory")));
}

/// How many file operations the commit takes.
fn operations() -> usize {
    static OPERATIONS: OnceLock<usize> = OnceLock::new();
    *OPERATIONS.get_or_init(|| {
        let survives = |number: &usize| {
            let project = Project::new();
            let fault = Some(("ENVTPL_TEST_KILL_AT", *number));
            worker::run(project.root(), "commit", fault)
                .status
                .success()
        };
        let candidates: Vec<usize> = (1..1000).collect();
        candidates.partition_point(|number| !survives(number))
    })
}

#[test]
fn killed_at_any_operation_the_next_command_sees_the_old_tree_or_the_new_one() {
    let new = new_tree();
    let (mut olds, mut news) = (0, 0);
    for number in 1..=operations() {
        let project = Project::new();
        let output = worker::run(
            project.root(),
            "commit",
            Some(("ENVTPL_TEST_KILL_AT", number)),
        );
        assert_eq!(output.status.signal(), Some(9), "{number}");
        // Now and then the recovery is killed as well.
        if number % 3 == 0 {
            let fault = ("ENVTPL_TEST_KILL_AT", number % 31 + 1);
            worker::run(project.root(), "recover", Some(fault));
        }
        files::recover(project.root()).expect("recovered");
        match project.is_new(&new, &format!("killed at {number}")) {
            true => news += 1,
            false => olds += 1,
        }
    }
    assert!(olds > 20 && news > 20, "{olds} old, {news} new");
}

#[test]
fn failing_at_any_operation_changes_nothing_or_is_completed_later() {
    let new = new_tree();
    let mut untouched = 0;
    for number in 1..=operations() {
        let project = Project::new();
        let output = worker::run(
            project.root(),
            "commit",
            Some(("ENVTPL_TEST_FAIL_AT", number)),
        );
        let said = String::from_utf8_lossy(&output.stderr);
        let context = format!("failed at {number}: {said}");
        if output.status.success() {
            // It was an operation that only tidies up.
            files::recover(project.root()).expect("recovered");
            assert!(project.is_new(&new, &context), "{context}");
        } else if said.contains("made only in part") {
            let recovered = files::recover(project.root()).expect("recovered");
            assert!(matches!(recovered, Some(Recovered::Completed { .. })));
            assert!(project.is_new(&new, &context), "{context}");
        } else {
            // Without any help from the next command.
            assert!(!project.is_new(&new, &context), "{context}");
            assert!(said.contains("No space left"), "{context}");
            untouched += 1;
        }
    }
    assert!(untouched > 20);
}

#[test]
fn a_disk_that_goes_away_leaves_the_old_tree_or_the_new_one() {
    let new = new_tree();
    for number in (1..=operations()).step_by(2) {
        let project = Project::new();
        let fault = ("ENVTPL_TEST_FAIL_FROM", number);
        let output = worker::run(project.root(), "commit", Some(fault));
        files::recover(project.root()).expect("recovered");
        let is_new = project.is_new(&new, &format!("failing from {number}"));
        assert!(is_new || !output.status.success());
    }
}
