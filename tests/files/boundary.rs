//! Symbolic links out of a project: nothing is written through them, by nobody.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use envtpl::error::{Kind, Result};
use envtpl::files::{self, ChangeSet, Lock};

use crate::tree::{scratch, tree};

/// A directory with a project in it, and beside it what must stay as it is.
fn scene() -> tempfile::TempDir {
    let scene = scratch();
    let root = scene.path();
    fs::create_dir_all(root.join("project/real")).expect("made");
    fs::create_dir_all(root.join("home/transaction/staged")).expect("made");
    fs::write(root.join("home/keys"), "mine\n").expect("written");
    scene
}

/// Asserts that something is refused for a link, and has changed nothing at all.
#[track_caller]
fn refused<T>(scene: &Path, link: &str, work: impl FnOnce(&Path) -> Result<T>) {
    let before = tree(scene);
    let error = match work(&scene.join("project")) {
        Ok(_) => panic!("{link} was followed"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Kind::Usage, "{error}");
    assert!(
        error
            .message()
            .contains(&format!("{link}` is a symbolic link")),
        "{error}"
    );
    assert!(error.helps()[0].contains("rm '"), "{error:?}");
    assert_eq!(tree(scene), before);
}

fn write(root: &Path, path: &str) -> Result<()> {
    let mut changes = ChangeSet::new(root);
    changes.write_keeping_mode(path, "new\n")?;
    changes.commit()
}

#[test]
fn files_and_directories_behind_a_link_out_are_not_written() {
    let scene = scene();
    let link = |name: &str, target: &str| {
        symlink(target, scene.path().join("project").join(name)).expect("linked");
    };
    link("file", "../home/keys");
    link("directory", "../home");
    link("nowhere", "../home/new");
    refused(scene.path(), "project/file", |root| write(root, "file"));
    refused(scene.path(), "project/nowhere", |root| {
        write(root, "nowhere")
    });
    refused(scene.path(), "project/directory", |root| {
        write(root, "directory/keys")
    });
    refused(scene.path(), "project/directory", |root| {
        write(root, "directory/new/file")
    });
    refused(scene.path(), "project/directory", |root| {
        ChangeSet::new(root).remove("directory/keys")
    });
    refused(scene.path(), "project/directory", |root| {
        ChangeSet::new(root).create_directory("directory/new")
    });
    refused(scene.path(), "project/directory", |root| {
        ChangeSet::new(root).rename_file("directory/keys", "stolen")
    });
    refused(scene.path(), "project/directory", |root| {
        let mut changes = ChangeSet::new(root);
        changes.rename_directory("directory", "renamed")?;
        changes.write_keeping_mode("renamed/keys", "new\n")
    });
}

#[test]
fn a_link_out_is_itself_renamed_replaced_and_removed() {
    let scene = scene();
    let root = scene.path().join("project");
    for name in ["renamed", "replaced", "removed"] {
        symlink("../home/keys", root.join(name)).expect("linked");
    }
    let mut changes = ChangeSet::new(&root);
    changes
        .rename_file("renamed", "real/renamed")
        .expect("planned");
    changes.write_symlink("replaced", "real").expect("planned");
    changes.remove("removed").expect("planned");
    changes.commit().expect("committed");
    assert_eq!(
        files::read_link(&root.join("real/renamed")).expect("a link"),
        Path::new("../home/keys")
    );
    assert_eq!(
        files::read_link(&root.join("replaced")).expect("a link"),
        Path::new("real")
    );
    assert!(!files::exists(&root.join("removed")));
    assert_eq!(
        fs::read_to_string(scene.path().join("home/keys")).expect("there"),
        "mine\n"
    );
}

#[test]
fn links_inside_the_project_and_to_it_are_followed() {
    let scene = scene();
    let entry = scene.path().join("entry");
    symlink("project", &entry).expect("linked");
    symlink("real", scene.path().join("project/alias")).expect("linked");
    symlink(entry.join("real/file"), scene.path().join("project/file")).expect("linked");
    write(&entry, "alias/file").expect("written");
    let mut changes = ChangeSet::new(&entry);
    changes
        .write_keeping_mode("file", "again\n")
        .expect("planned");
    changes.commit().expect("written");
    let real = scene.path().join("project/real/file");
    assert_eq!(fs::read_to_string(real).expect("there"), "again\n");
    assert!(scene.path().join("project/file").is_symlink());
}

#[test]
fn the_state_directory_does_not_lie_elsewhere() {
    let scene = scene();
    let root = scene.path().join("project");
    symlink("../home", root.join(".envtpl")).expect("linked");
    refused(scene.path(), "project/.envtpl", |root| {
        write(root, "real/file")
    });
    refused(scene.path(), "project/.envtpl", |root| {
        files::keep(root, "cache/x", b"x")
    });
    refused(scene.path(), "project/.envtpl", |root| {
        files::state_directory(root)
    });
    refused(scene.path(), "project/.envtpl", files::recover);
    refused(scene.path(), "project/.envtpl", |root| {
        Lock::acquire(root, "amd64-cpu", "test", || false, |_| {})
    });
}

#[test]
fn nothing_in_the_state_directory_leads_elsewhere() {
    let scene = scene();
    let root = scene.path().join("project");
    fs::create_dir(root.join(".envtpl")).expect("made");
    let link = |target: &str, name: &str| {
        symlink(target, root.join(".envtpl").join(name)).expect("linked");
    };
    link("../../home", "transaction");
    refused(scene.path(), ".envtpl/transaction", |root| {
        write(root, "real/file")
    });
    fs::remove_file(root.join(".envtpl/transaction")).expect("removed");
    link("../../home", "cache");
    refused(scene.path(), ".envtpl/cache", |root| {
        files::keep(root, "cache/x", b"x")
    });
    link("../../home/keys", "amd64-cpu.lock");
    let lock = |root: &Path| Lock::acquire(root, "amd64-cpu", "test", || false, |_| {});
    refused(scene.path(), ".envtpl/amd64-cpu.lock", lock);
    link("../real/file", "arm64-cpu.lock");
    fs::write(root.join("real/file"), "precious\n").expect("written");
    let error = Lock::acquire(&root, "arm64-cpu", "test", || false, |_| {}).expect_err("a link");
    assert!(error.helps().concat().contains("remove it"), "{error:?}");
    assert_eq!(
        fs::read_to_string(root.join("real/file")).expect("there"),
        "precious\n"
    );
}

/// What an interrupted command left is completed by the next one; in a repository from somewhere
/// it may be anything.
#[test]
fn a_left_plan_moves_nothing_out_or_in() {
    let scene = scene();
    let root = scene.path().join("project");
    symlink("../home", root.join("directory")).expect("linked");
    let transaction = root.join(".envtpl/transaction");
    fs::create_dir_all(transaction.join("staged")).expect("made");
    fs::write(transaction.join("staged/0"), "planted\n").expect("written");
    for effect in [
        r#"{"do": "place", "staged": 0, "path": "directory/keys", "follow": false, "before": null}"#,
        r#"{"do": "remove", "path": "directory/keys"}"#,
        r#"{"do": "remove", "path": "../home/keys"}"#,
    ] {
        let plan = format!(r#"{{"schema": 1, "steps": [], "effects": [{effect}]}}"#);
        fs::write(transaction.join("plan.json"), plan).expect("written");
        let error = files::recover(&root).expect_err("refused");
        let said = error.message().to_owned() + &error.causes().concat();
        assert!(
            said.contains("out of the project") || said.contains("inside the project"),
            "{said}"
        );
        assert_eq!(
            fs::read_to_string(scene.path().join("home/keys")).expect("there"),
            "mine\n"
        );
    }
}
