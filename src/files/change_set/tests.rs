//! What a change set plans and refuses; what it does to trees is tested in `tests/files/`.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::error::Kind;
use crate::files::STATE_DIRECTORY;

fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    fs::create_dir_all(root.join("d/e")).expect("created");
    fs::write(root.join("file"), "one\ntwo\nthree\n").expect("written");
    fs::write(root.join("d/inner"), "inner\n").expect("written");
    symlink("file", root.join("link")).expect("linked");
    symlink("d", root.join("other")).expect("linked");
    symlink("nowhere", root.join("dangling")).expect("linked");
    directory
}

fn shown(changes: &ChangeSet) -> Vec<String> {
    changes.changes().map(|change| change.to_string()).collect()
}

#[test]
fn paths_that_leave_the_project_are_refused() {
    let project = project();
    let mut changes = ChangeSet::new(project.path());
    for path in [
        "",
        ".",
        "../x",
        "a/../../x",
        "/etc/passwd",
        ".envtpl/transaction/x",
    ] {
        assert!(changes.write(path, "", 0o644).is_err(), "{path}");
        assert!(changes.remove(path).is_err(), "{path}");
        assert!(changes.create_directory(path).is_err(), "{path}");
        assert!(changes.write_symlink(path, "t").is_err(), "{path}");
        assert!(changes.rename_file("file", path).is_err(), "{path}");
        assert!(changes.rename_file(path, "new").is_err(), "{path}");
        assert!(changes.copy(path, "new").is_err(), "{path}");
        assert!(changes.content(path).is_err(), "{path}");
    }
    assert!(changes.is_empty());
}

#[test]
fn what_is_there_already_is_no_change() {
    let project = project();
    let mut changes = ChangeSet::new(project.path());
    changes
        .write_keeping_mode("file", "one\ntwo\nthree\n")
        .expect("planned");
    changes
        .write_keeping_mode("link", "one\ntwo\nthree\n")
        .expect("planned");
    changes.write_symlink("link", "file").expect("planned");
    changes.create_directory("d/e").expect("planned");
    changes.remove("missing").expect("planned");
    assert!(changes.is_empty());
    // Second thoughts count too.
    changes
        .write_keeping_mode("file", "other\n")
        .expect("planned");
    assert!(!changes.is_empty());
    changes
        .write_keeping_mode("file", "one\ntwo\nthree\n")
        .expect("planned");
    changes.write("new", "new\n", 0o644).expect("planned");
    changes.remove("new").expect("planned");
    assert!(changes.is_empty());
    changes.commit().expect("nothing to do");
    assert!(!project.path().join(STATE_DIRECTORY).exists());
}

#[test]
fn a_dry_run_shows_every_change() {
    let project = project();
    let mut changes = ChangeSet::new(project.path());
    changes
        .write_keeping_mode("file", "one\n2\nthree\n")
        .expect("planned");
    changes
        .write("d/new", [0, 159, 146], 0o600)
        .expect("planned");
    changes.rename_directory("d", "renamed").expect("planned");
    changes.remove("dangling").expect("planned");
    changes
        .write("renamed/inner", "inner\n", 0o700)
        .expect("planned");
    let mode = crate::files::mode(&project.path().join("d/inner")).expect("there");
    assert_eq!(
        shown(&changes),
        [
            "rename d -> renamed".to_owned(),
            "remove dangling".to_owned(),
            "change file".to_owned(),
            format!("change renamed/inner (mode {mode:04o} -> 0700)"),
            "create renamed/new".to_owned(),
        ]
    );
    let diffs: Vec<String> = changes.changes().map(|change| change.diff()).collect();
    assert_eq!(
        diffs[2],
        "--- a/file\n+++ b/file\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    );
    assert_eq!(diffs[3], "", "only the mode changes");
    assert_eq!(
        diffs[4],
        "Binary files /dev/null and b/renamed/new differ\n"
    );
    let json = serde_json::to_value(changes.changes().collect::<Vec<_>>()).expect("json");
    assert_eq!(
        json[0],
        serde_json::json!({"action": "rename", "from": "d", "path": "renamed"})
    );
    assert!(project.path().join("d/inner").exists(), "nothing happened");
}

#[test]
fn later_calls_see_what_earlier_ones_planned() {
    let project = project();
    let mut changes = ChangeSet::new(project.path());
    changes.write("file", "new\n", 0o644).expect("planned");
    assert_eq!(
        changes.content("link").expect("read"),
        Some(b"new\n".to_vec())
    );
    changes.rename_directory("d", "renamed").expect("planned");
    let inner = changes.content("renamed/inner").expect("read");
    assert_eq!(inner, Some(b"inner\n".to_vec()));
    assert_eq!(changes.content("d/inner").expect("read"), None);
    changes.remove("renamed").expect("planned");
    assert_eq!(changes.content("renamed/inner").expect("read"), None);
    assert!(changes.rename_directory("renamed", "again").is_err());
}

#[test]
fn two_names_of_a_file_are_one_change() {
    let project = project();
    let mut changes = ChangeSet::new(project.path());
    changes
        .write_keeping_mode("other/inner", "1")
        .expect("planned");
    changes.write_keeping_mode("d/inner", "2").expect("planned");
    changes.write_keeping_mode("file", "3").expect("planned");
    changes.write_keeping_mode("link", "4").expect("planned");
    assert_eq!(shown(&changes), ["change d/inner", "change file"]);
    changes.commit().expect("committed");
    let read = |name| fs::read_to_string(project.path().join(name)).expect("read");
    assert_eq!((read("d/inner"), read("file")), ("2".into(), "4".into()));
    assert!(project.path().join("link").is_symlink());
}

#[test]
fn a_link_makes_room_for_a_file_only_when_it_is_removed_first() {
    let project = project();
    let root = project.path();
    let mut changes = ChangeSet::new(root);
    assert!(changes.write("dangling", "x", 0o644).is_err());
    assert!(changes.write("other", "x", 0o644).is_err());
    changes.remove("link").expect("planned");
    changes.write("link", "a file\n", 0o644).expect("planned");
    changes
        .write_keeping_mode("link", "a file still\n")
        .expect("planned");
    changes.commit().expect("committed");
    assert!(!root.join("link").is_symlink());
    let read = |name| fs::read_to_string(root.join(name)).expect("read");
    assert_eq!(read("link"), "a file still\n");
    assert_eq!(read("file"), "one\ntwo\nthree\n");
}

#[test]
fn what_cannot_be_both_is_refused_while_planning() {
    let project = project();
    let mut changes = ChangeSet::new(project.path());
    assert!(changes.write("d", "x", 0o644).is_err());
    assert!(changes.write("file/below", "x", 0o644).is_err());
    assert!(changes.write_symlink("d", "x").is_err());
    assert!(changes.create_directory("file").is_err());
    assert!(changes.rename_directory("missing", "new").is_err());
    assert!(changes.rename_directory("d", "file").is_err());
    assert!(changes.rename_directory("d", "d/e/below").is_err());
    changes.write("a/b", "x", 0o644).expect("planned");
    assert!(changes.write("a", "x", 0o644).is_err());
    assert!(changes.write("a/b/c", "x", 0o644).is_err());
    assert!(changes.rename_file("file", "a/b/c").is_err());
    changes.remove("file").expect("planned");
    let error = changes.rename_directory("d", "file").expect_err("refused");
    assert!(error.message().contains("`file` exists already"), "{error}");
    assert!(!error.helps().is_empty());
}

#[test]
fn what_someone_else_changed_meanwhile_is_not_overwritten() {
    let project = project();
    let root = project.path();
    for (path, interfere) in [
        ("file", Some("mine\n")),
        ("d/inner", None),
        ("new", Some("mine\n")),
    ] {
        let mut changes = ChangeSet::new(root);
        changes.write("untouched", "x", 0o644).expect("planned");
        changes.write(path, "ours\n", 0o644).expect("planned");
        match interfere {
            Some(text) => fs::write(root.join(path), text),
            None => fs::remove_file(root.join(path)),
        }
        .expect("interfered");
        let error = changes.commit().expect_err("refused");
        assert_eq!(error.kind(), Kind::Failed);
        assert!(error.message().contains(path), "{error}");
        assert!(!root.join("untouched").exists());
        assert!(!root.join(STATE_DIRECTORY).exists());
    }
    assert_eq!(
        fs::read_to_string(root.join("file")).expect("read"),
        "mine\n"
    );
}

#[test]
fn directories_that_become_empty_go_and_others_stay() {
    let project = project();
    let root = project.path();
    let mut changes = ChangeSet::new(root);
    changes.write("x/y/z", "x", 0o644).expect("planned");
    changes.commit().expect("committed");
    let mut changes = ChangeSet::new(root);
    changes.remove("x/y/z").expect("planned");
    changes.remove("d").expect("planned");
    changes.create_directory("d/e").expect("planned");
    changes.commit().expect("committed");
    assert!(!root.join("x").exists());
    assert!(root.join("d/e").is_dir());
    assert!(!root.join("d/inner").exists());
}
