//! Symbolic links that came with a repository and lead out of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{Ended, Place, tree};

/// Puts a link to a file or directory outside in the place of something in the project, runs a
/// command, and asserts that it is refused for the link, with nothing changed inside or outside.
#[track_caller]
fn refused(place: &Place, link: &str, outside: &str, arguments: &[&str]) -> Ended {
    let path = place.root.join(link);
    let target = place.outside().join(outside);
    if path.is_dir() {
        fs::rename(&path, &target).expect("moved out");
    } else {
        fs::write(&target, "mine\n").expect("written");
        let _ = fs::remove_file(&path);
    }
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    symlink(&target, &path).expect("linked");
    let before = tree(place.outside());
    let ended = place
        .envtpl(arguments)
        .expect(2)
        .says(&format!("{link}` is a symbolic link out of the project"))
        .says(&format!("to `{}`", target.display()))
        .says("help: remove it");
    assert_eq!(tree(place.outside()), before, "{link}");
    fs::remove_file(&path).expect("removed");
    ended
}

#[test]
fn init_adds_no_lines_to_a_file_elsewhere() {
    let place = Place::empty();
    refused(&place, ".gitignore", "ignored", &["init"]);
    assert!(!place.has("installation"));
    fs::create_dir(place.root.join("installation")).expect("made");
    refused(&place, "installation", "installations", &["init"]);
    refused(&place, "src", "code", &["init"]);
}

#[test]
fn settings_are_written_into_the_project_alone() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let env = "installation/amd64-cpu/.env";
    refused(&place, env, "authorized_keys", &["env"]);
    symlink(place.outside().join("not-there"), place.root.join(env)).expect("linked");
    place
        .envtpl(["env"])
        .expect(2)
        .says("is a symbolic link out of the project");
    assert!(!place.outside().join("not-there").exists());
}

#[test]
fn locks_and_changes_are_kept_in_the_project_alone() {
    for arguments in [
        &["env"][..],
        &["init", "-i", "arm64-cpu"],
        &["edit-platform", "amd64-cpu", "arm64-cpu"],
        &["edit-from-base", "from-scratch"],
    ] {
        let place = Place::scaffolded(&["amd64-cpu"]);
        place.remove("installation/amd64-cpu/.env");
        fs::create_dir_all(place.root.join(".envtpl")).expect("made");
        refused(&place, ".envtpl", "state", arguments);
    }
}

#[test]
fn an_installation_elsewhere_is_not_changed() {
    for arguments in [
        &["env"][..],
        &["edit-platform", "amd64-cpu", "arm64-cpu"],
        &["edit-from-base", "from-scratch"],
    ] {
        let place = Place::scaffolded(&["amd64-cpu"]);
        place.remove("installation/amd64-cpu/.env");
        refused(&place, "installation/amd64-cpu", "elsewhere", arguments);
    }
}

#[test]
fn links_inside_the_project_are_followed_as_before() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let env = "installation/amd64-cpu/.env";
    place.remove(env);
    place.put("mine.env", "USR=joe\n");
    symlink("../../mine.env", place.root.join(env)).expect("linked");
    place.envtpl(["env"]).expect(0);
    assert!(place.text("mine.env").contains("PROJECT_NAME="));
    let link = fs::read_link(place.root.join(env)).expect("still a link");
    assert_eq!(link, Path::new("../../mine.env"));
}
