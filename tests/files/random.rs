//! Random change sets do what the same operations do one after the other, or nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use envtpl::files::{self, ChangeSet};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde::{Deserialize, Serialize};

use crate::tree::{Content, Tree, is_new, scratch, tree};
use crate::worker;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Operation {
    Write(String, String, u32),
    WriteKeepingMode(String, String),
    Link(String),
    MakeDirectory(String),
    Copy(String, String),
    Remove(String),
    Rename(String, String),
}

use Operation::{Copy, Link, MakeDirectory, Remove, Rename, Write, WriteKeepingMode};

/// Files and directories that exist or will: names of both kinds clash now and then.
fn name() -> impl Strategy<Value = String> {
    let names = [
        "a", "b", "c", "d/a", "d/b", "d/e/a", "d/e/b", "f/a", "f/g/a", "d", "f", "d/e", "f/g",
        "link", "d/link",
    ];
    prop::sample::select(Vec::from(names)).prop_map(str::to_owned)
}

fn operation() -> impl Strategy<Value = Operation> {
    let text = || "[xy]{0,3}";
    let mode = || prop::sample::select(vec![0o600_u32, 0o700, 0o400]);
    prop_oneof![
        4 => (name(), text(), mode()).prop_map(|(path, text, mode)| Write(path, text, mode)),
        3 => (name(), text()).prop_map(|(path, text)| WriteKeepingMode(path, text)),
        1 => name().prop_map(Link),
        1 => name().prop_map(MakeDirectory),
        2 => (name(), name()).prop_map(|(from, to)| Copy(from, to)),
        3 => name().prop_map(Remove),
        3 => (name(), name())
            // A relative link that moves leads elsewhere; a change set knows where it led before.
            .prop_filter("not the link", |(from, _)| from != "link")
            .prop_map(|(from, to)| Rename(from, to)),
    ]
}

/// The tree that all cases start from.
fn make_start(root: &Path) {
    for (path, text, mode) in [
        ("a", "start a", 0o600),
        ("d/a", "start d/a", 0o700),
        ("d/e/a", "start d/e/a", 0o600),
        ("f/g/a", "start f/g/a", 0o644),
        ("target", "target", 0o600),
    ] {
        crate::tree::put(root.join(path), text.as_bytes(), mode);
    }
    symlink("target", root.join("link")).expect("linked");
}

/// Plans what can be planned; gives which operations these are.
fn plan_all(root: &Path, operations: &[Operation]) -> (ChangeSet, Vec<Operation>) {
    let mut changes = ChangeSet::new(root);
    let planned = operations
        .iter()
        .filter(|operation| {
            match operation {
                Write(path, text, mode) => changes.write(path, text.as_str(), *mode),
                WriteKeepingMode(path, text) => changes.write_keeping_mode(path, text.as_str()),
                Link(path) => changes.write_symlink(path, "target"),
                MakeDirectory(path) => changes.create_directory(path),
                Copy(from, to) => changes.copy(from, to),
                Remove(path) => changes.remove(path),
                Rename(from, to) => changes.rename_directory(from, to),
            }
            .is_ok()
        })
        .cloned()
        .collect();
    (changes, planned)
}

/// What the worker plans.
pub fn plan(root: &Path, operations: &str) -> (ChangeSet, Vec<Operation>) {
    let operations: Vec<_> = serde_json::from_str(operations).expect("operations");
    plan_all(root, &operations)
}

/// Does at once what a change set plans. Copies are of what was there at the start.
fn imitate(root: &Path, start: &Path, operation: &Operation) -> std::io::Result<()> {
    let write = |path: &Path, bytes: &[u8], mode: Option<u32>| -> std::io::Result<()> {
        make_room(path)?;
        // Even files that we may not write are replaced.
        if path.is_file() {
            let path = &path.canonicalize()?;
            let old = path.metadata()?.permissions();
            fs::remove_file(path)?;
            fs::write(path, bytes)?;
            fs::set_permissions(path, old)?;
        } else {
            fs::write(path, bytes)?;
        }
        mode.map_or(Ok(()), |mode| {
            fs::set_permissions(path, Permissions::from_mode(mode))
        })
    };
    match operation {
        Write(path, text, mode) => write(&root.join(path), text.as_bytes(), Some(*mode)),
        WriteKeepingMode(path, text) => write(&root.join(path), text.as_bytes(), None),
        Link(path) => link(&root.join(path), Path::new("target")),
        MakeDirectory(path) => fs::create_dir_all(root.join(path)),
        Copy(from, to) => {
            let from = start.join(from);
            let to = root.join(to);
            if from.is_symlink() {
                return link(&to, &fs::read_link(from)?);
            }
            if from.is_file() {
                return write(
                    &to,
                    &fs::read(&from)?,
                    Some(files::mode(&from).unwrap_or(0)),
                );
            }
            fs::create_dir_all(&to)?;
            for (path, (mode, content)) in tree(&from) {
                match content {
                    Content::File(bytes) => write(&to.join(path), &bytes, Some(mode))?,
                    Content::Link(target) => link(&to.join(path), &target)?,
                    Content::Directory => fs::create_dir_all(to.join(path))?,
                }
            }
            Ok(())
        }
        Remove(path) => {
            let path = root.join(path);
            match path.symlink_metadata() {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&path)?,
                Ok(_) => fs::remove_file(&path)?,
                Err(_) => return Ok(()),
            }
            Ok(())
        }
        Rename(from, to) => {
            make_room(&root.join(to))?;
            fs::rename(root.join(from), root.join(to))
        }
    }
}

/// Makes the directories above a path, and removes one in its place that is left over empty.
fn make_room(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().expect("a parent"))?;
    if path.is_dir() && !path.is_symlink() && without_directories(tree(path)).is_empty() {
        fs::remove_dir_all(path)?;
    }
    Ok(())
}

fn link(path: &Path, target: &Path) -> std::io::Result<()> {
    make_room(path)?;
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path)?;
    }
    symlink(target, path)
}

/// Directories that a removal left empty are pruned in the one and not in the other.
fn without_directories(tree: Tree) -> Tree {
    tree.into_iter()
        .filter(|(_, (_, content))| *content != Content::Directory)
        .collect()
}

/// The same cases each time, so that nobody's unrelated work fails; more of them, and others,
/// are had by changing the numbers here.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_change_set_does_what_its_operations_do(operations in prop::collection::vec(operation(), 1..9)) {
        let (project, twin, start) = (scratch(), scratch(), scratch());
        for directory in [&project, &twin, &start] {
            make_start(directory.path());
        }
        let (changes, planned) = plan_all(project.path(), &operations);
        let is_empty = changes.is_empty();
        let imitated = planned
            .iter()
            .try_for_each(|operation| imitate(twin.path(), start.path(), operation));
        match changes.commit() {
            Ok(()) => {
                prop_assert!(imitated.is_ok(), "{imitated:?} {planned:?}");
                prop_assert_eq!(
                    without_directories(tree(project.path())),
                    without_directories(tree(twin.path())),
                    "{:?}", planned
                );
                prop_assert!(!is_empty || tree(project.path()) == tree(start.path()));
            }
            // Only what the operations cannot do either may be refused as late as this.
            Err(error) => {
                prop_assert!(imitated.is_err(), "{error} {planned:?}");
                prop_assert_eq!(tree(project.path()), tree(start.path()));
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn killed_anywhere_a_change_set_is_made_or_not(
        operations in prop::collection::vec(operation(), 1..9),
        number in 1_usize..90,
        again in 1_usize..40,
    ) {
        let (project, twin) = (scratch(), scratch());
        make_start(project.path());
        make_start(twin.path());
        let old = tree(project.path());
        let job = format!("random {}", serde_json::to_string(&operations).expect("json"));
        worker::run(twin.path(), &job, None);
        let new = tree(twin.path());
        worker::run(project.path(), &job, Some(("ENVTPL_TEST_KILL_AT", number)));
        worker::run(project.path(), "recover", Some(("ENVTPL_TEST_KILL_AT", again)));
        files::recover(project.path()).expect("recovered");
        is_new(&old, &new, &tree(project.path()), &format!("{operations:?} killed at {number}"));
    }
}
