//! Disks that are read-only, closed to us, full, or in several parts.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use envtpl::files::ChangeSet;

use crate::tree::{Project, put, scratch, tree};
use crate::worker;

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lets a person who is not root commit, gives what went wrong.
fn commit_as_person(project: &Project) -> String {
    let mut command = worker::command(project.root(), "commit");
    let programs = tempfile::tempdir().expect("a directory");
    if is_root() {
        // Root may write anywhere, so somebody else must try, who may not look into our homes.
        let program = programs.path().join("worker");
        // By another process: a file that this one writes is inherited, open, by whatever other
        // tests start meanwhile, and cannot be run so long ("text file busy").
        let copied = std::process::Command::new("cp")
            .args([command.get_program(), program.as_os_str()])
            .status();
        assert!(copied.expect("cp runs").success());
        fs::set_permissions(programs.path(), Permissions::from_mode(0o755)).expect("set");
        let mut other = std::process::Command::new(program);
        other
            .args(command.get_args())
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir("/");
        chown(project.root(), Some(NOBODY), Some(NOBODY)).expect("given");
        for path in project.old.keys() {
            std::os::unix::fs::lchown(project.root().join(path), Some(NOBODY), Some(NOBODY))
                .expect("given");
        }
        command = other;
    }
    let output = command.output().expect("started");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes directories read-only and asserts that a commit says so and changes nothing.
fn refused_where_read_only(directory: &str, refusal: &str) {
    let project = Project::new();
    let path: PathBuf = project.root().join(directory).components().collect();
    fs::set_permissions(&path, Permissions::from_mode(0o555)).expect("set");
    let said = commit_as_person(&project);
    assert!(said.contains("Permission denied"), "{said}");
    let refusal = format!("{refusal} `{}`", path.display());
    assert!(said.contains(&refusal), "{said}");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
    assert_eq!(
        tree(project.root()),
        project.old,
        "nothing changed, nothing left"
    );
}

#[test]
fn a_read_only_project_is_refused_and_left_alone() {
    refused_where_read_only("", "cannot write in");
}

#[test]
fn a_read_only_directory_in_a_project_is_refused_before_anything_changes() {
    refused_where_read_only("installation", "change files in");
    refused_where_read_only("installation/amd64-cuda/entrypoints", "change files in");
}

#[test]
fn owner_and_group_are_kept_where_root_works_for_a_person() {
    let project = Project::new();
    let root = project.root();
    let (user, group) = match is_root() {
        true => (1234, 2345),
        false => (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
    };
    chown(root, Some(user), Some(group)).expect("given");
    chown(root.join("README.md"), Some(user), Some(group + 1))
        .or_else(|_| chown(root.join("README.md"), Some(user), Some(group)))
        .expect("given");
    let readme = || {
        let metadata = root.join("README.md").metadata().expect("there");
        (metadata.uid(), metadata.gid())
    };
    let before = readme();
    // A directory whose files all belong to its group.
    put(root.join("team/file"), b"", 0o644);
    chown(root.join("team"), None, Some(group)).expect("given");
    fs::set_permissions(root.join("team"), Permissions::from_mode(0o2775)).expect("set");

    let mut changes = ChangeSet::new(root);
    changes
        .write_keeping_mode("README.md", "edited\n")
        .expect("planned");
    changes.write("team/new", "new\n", 0o644).expect("planned");
    changes
        .write("made/here/too", "new\n", 0o644)
        .expect("planned");
    changes.commit().expect("committed");
    assert_eq!(readme(), before);
    for made in ["team/new", "made", "made/here", "made/here/too"] {
        let metadata = root.join(made).metadata().expect("there");
        assert_eq!((metadata.uid(), metadata.gid()), (user, group), "{made}");
    }
}

#[test]
fn a_project_that_is_not_there_yet_is_created_and_goes_again_if_that_fails() {
    let directory = scratch();
    let root = directory.path().join("new/project");
    let output = worker::run(&root, "write f", Some(("ENVTPL_TEST_FAIL_AT", 9)));
    assert!(!output.status.success());
    assert!(tree(directory.path()).is_empty());

    let output = worker::run(&root, "write f", None);
    assert!(output.status.success());
    assert_eq!(tree(&root).keys().collect::<Vec<_>>(), [Path::new("f")]);
}

/// Lets a script mount disks of its own, which takes rights that a plain `cargo test` may lack. They
/// exist only in that process and end with it. `worker JOB` does a job in `$WORKER_ROOT`. Gives
/// what was printed.
#[cfg(feature = "engine-tests")]
fn with_own_disks(script: &str, root: &Path, keep: &Path) -> String {
    let worker = r#"
        set -eu
        worker() { WORKER_JOB=$1 "$0" --ignored --exact worker::worker --nocapture 2>&1; }
    "#;
    let mut command = std::process::Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    let output = command
        .args(["--mount", "sh", "-c", &format!("{worker}{script}")])
        .arg(std::env::current_exe().expect("this program"))
        .env("WORKER_ROOT", root)
        .env("KEEP", keep)
        .output()
        .expect("started");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[cfg(feature = "engine-tests")]
fn a_disk_that_is_really_full_or_read_only_is_left_alone() {
    let directory = scratch();
    let new = crate::every_operation::new_tree();
    let script = r#"
        mount -t tmpfs -o size=256k none "$WORKER_ROOT"
        worker make
        cp -a "$WORKER_ROOT/." "$KEEP/old"
        head -c 300000 /dev/zero > "$WORKER_ROOT/ballast" || true
        if worker commit; then exit 10; fi
        rm "$WORKER_ROOT/ballast"
        cp -a "$WORKER_ROOT/." "$KEEP/full"
        mount -o remount,bind,ro "$WORKER_ROOT"
        if worker commit; then exit 11; fi
        cp -a "$WORKER_ROOT/." "$KEEP/read-only"
        mount -o remount,bind,rw "$WORKER_ROOT"
        worker commit
        cp -a "$WORKER_ROOT/." "$KEEP/new"
    "#;
    let keep = scratch();
    for name in ["old", "full", "read-only", "new"] {
        fs::create_dir(keep.path().join(name)).expect("created");
    }
    let said = with_own_disks(script, directory.path(), keep.path());
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    let closed = format!("cannot write in `{}`", directory.path().display());
    assert!(said.contains(&closed), "{said}");
    let kept = |name| tree(&keep.path().join(name));
    assert_eq!(kept("full"), kept("old"));
    assert_eq!(kept("read-only"), kept("old"));
    assert_eq!(kept("new"), new);
}

#[test]
#[cfg(feature = "engine-tests")]
fn a_disk_inside_the_project_is_reached_through_links_and_takes_no_moved_directory() {
    let directory = scratch();
    let keep = scratch();
    let script = r#"
        worker make
        mkdir "$WORKER_ROOT/disk"
        mount -t tmpfs none "$WORKER_ROOT/disk"
        echo old > "$WORKER_ROOT/disk/shared.txt"
        chmod 640 "$WORKER_ROOT/disk/shared.txt"
        ln -s disk/shared.txt "$WORKER_ROOT/elsewhere"
        worker 'rewrite elsewhere'
        if worker 'move installation/amd64-cuda disk/amd64-cuda'; then exit 10; fi
        cp -a "$WORKER_ROOT/." "$KEEP"
    "#;
    let said = with_own_disks(script, directory.path(), keep.path());
    assert!(said.contains("different file systems"), "{said}");
    let kept = |path: &str| keep.path().join(path);
    assert_eq!(
        fs::read_link(kept("elsewhere")).expect("still a link"),
        Path::new("disk/shared.txt")
    );
    assert_eq!(
        fs::read_to_string(kept("disk/shared.txt")).expect("read"),
        "written by a worker\n"
    );
    let mode = envtpl::files::mode(&kept("disk/shared.txt"));
    assert_eq!(mode.expect("there"), 0o640);
    assert_eq!(tree(&kept("disk")).len(), 1, "nothing left beside it");
    assert!(kept("installation/amd64-cuda/compose.yaml").exists());
}
