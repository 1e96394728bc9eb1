//! A project in a temporary directory, and envtpl run in it with a clean environment.
//!
//! Nothing here needs an engine. What a test did not set, envtpl does not see: not the person's
//! variables, not their git configuration, not their home.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests make and look at trees, and start envtpl"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use envtpl::files::{self, EntryKind};
use tempfile::TempDir;

pub use crate::ended::Ended;

/// Permission bits and content under each path.
pub type Tree = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// A directory for one test, with a project in it.
pub struct Place {
    directory: TempDir,
    /// The project.
    pub root: PathBuf,
}

impl Place {
    /// An empty directory called `project`.
    pub fn empty() -> Self {
        Self::called("project")
    }

    /// An empty directory of this name. In memory, where flushing to the disk costs nothing.
    pub fn called(name: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let directory = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        }
        .expect("a directory");
        let root = directory.path().join(name);
        fs::create_dir_all(&root).expect("created");
        fs::create_dir(directory.path().join("home")).expect("created");
        Self { directory, root }
    }

    /// A project scaffolded with these installations.
    pub fn scaffolded(names: &[&str]) -> Self {
        let place = Self::empty();
        let names = names.iter().flat_map(|name| ["-i", name]);
        place.envtpl(["init"].into_iter().chain(names)).expect(0);
        place
    }

    /// The directory around the project, where nothing else is but `home`.
    pub fn outside(&self) -> &Path {
        self.directory.path()
    }

    /// envtpl, to be run in the project.
    pub fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_envtpl"));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.outside().join("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs envtpl in the project.
    pub fn envtpl<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ended {
        Ended::run(&mut self.command(arguments))
    }

    /// Everything in the project, without what comes and goes with each command.
    pub fn tree(&self) -> Tree {
        tree(&self.root)
    }

    /// Writes a file of the project, and the directories above it.
    pub fn put(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, bytes).expect("written");
    }

    /// The text of a file of the project.
    #[track_caller]
    pub fn text(&self, path: impl AsRef<Path>) -> String {
        let path = path.as_ref();
        let bytes = fs::read(self.root.join(path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        String::from_utf8(bytes).expect("utf-8")
    }

    /// Replaces a text that must be in a file of the project.
    #[track_caller]
    pub fn edit(&self, path: impl AsRef<Path>, from: &str, to: &str) {
        let text = self.text(&path);
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        self.put(path, text.replacen(from, to, 1));
    }

    /// Adds a text at the end of a file of the project.
    pub fn append(&self, path: impl AsRef<Path>, text: &str) {
        let before = self.text(&path);
        self.put(path, before + text);
    }

    /// Whether something is in the project.
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        files::exists(&self.root.join(path))
    }

    /// The permission bits of a file of the project.
    pub fn mode(&self, path: impl AsRef<Path>) -> u32 {
        files::mode(&self.root.join(path)).expect("a file")
    }

    /// Sets the permission bits of a file of the project.
    pub fn set_mode(&self, path: impl AsRef<Path>, mode: u32) {
        fs::set_permissions(self.root.join(path), Permissions::from_mode(mode)).expect("set");
    }

    /// Removes a file of the project.
    pub fn remove(&self, path: impl AsRef<Path>) {
        fs::remove_file(self.root.join(path)).expect("removed");
    }

    /// Runs git in the project.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(&self.root)
            .env("HOME", self.outside().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("utf-8")
    }

    /// Makes the project what another one is.
    fn become_copy_of(&self, other: &Path) {
        let _ = fs::remove_dir_all(&self.root);
        let status = Command::new("cp")
            .arg("-a")
            .args([other, &self.root])
            .status()
            .expect("cp runs");
        assert!(status.success());
    }

    /// Kills a command at each of its file operations in turn. After each, the next command must
    /// see the tree as it was or as it is after an undisturbed run.
    pub fn survives_kills(&self, arguments: &[&str], next: &[&str]) {
        let kept = self.outside().join("kept");
        let status = Command::new("cp")
            .arg("-a")
            .args([&self.root, &kept])
            .status();
        assert!(status.expect("cp runs").success());
        let old = self.tree();
        self.envtpl(arguments).expect(0);
        let new = self.tree();
        assert_ne!(old, new);
        let (mut olds, mut news) = (0, 0);
        for operation in 1.. {
            self.become_copy_of(&kept);
            let kill = operation.to_string();
            let run = Ended::run(self.command(arguments).env("ENVTPL_TEST_KILL_AT", kill));
            if run.status == 0 {
                break;
            }
            assert_eq!(run.status, 128 + 9, "{}", run.stderr);
            self.envtpl(next);
            let now = self.tree();
            if now == old {
                olds += 1;
            } else {
                assert_eq!(names(&now), names(&new), "killed at operation {operation}");
                assert_eq!(now, new, "killed at operation {operation}");
                news += 1;
            }
        }
        assert!(olds > 0 && news > 0, "{olds} times old, {news} times new");
    }
}

fn names(tree: &Tree) -> Vec<&PathBuf> {
    tree.keys().collect()
}

/// Everything below a directory, without what comes and goes with each command: locks, caches and
/// half-made changes.
pub fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in files::walk(root).expect("walked") {
        let state = entry.path.strip_prefix(".envtpl");
        if entry.path.starts_with(".git") || state.is_ok_and(|path| !path.starts_with("aside/")) {
            continue;
        }
        let path = root.join(&entry.path);
        let content = match entry.kind {
            EntryKind::File => fs::read(path).expect("read"),
            EntryKind::Symlink => {
                let target = fs::read_link(path).expect("read");
                target.into_os_string().into_encoded_bytes()
            }
            _ => Vec::new(),
        };
        tree.insert(entry.path, (entry.mode, content));
    }
    tree
}

/// Names that no installation can have.
pub fn bad_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "banana-potato",
        "linux/arm64",
        "arm&64-cpu",
        "../x",
        "",
        "amd64",
        "amd64-cuda-",
        "AMD64-cpu",
        "amd64-cpu-a b",
        "-amd64-cpu",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push(format!("amd64-cpu-{}", "x".repeat(300)));
    names
}
