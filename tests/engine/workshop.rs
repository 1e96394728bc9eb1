//! A project in a temporary directory, envtpl run in it, and the engine's view of the result.
//!
//! Everything that a test makes carries the prefix `envtpl-test` and the number of its run, so that
//! two runs on one machine do not meet, and is removed when the test ends; layers stay in the build
//! cache, which is what makes the next test quick.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use crate::ended::Ended;

/// The base image that all tests share, from `scripts/test-bases.sh`.
pub const BASE: &str = "envtpl-test/base-python:amd64";
/// The same for arm64.
pub const BASE_ARM64: &str = "envtpl-test/base-python:arm64";
/// A base without Python.
pub const BARE: &str = "envtpl-test/base-bare:amd64";

/// The name without tag of an image that this run alone makes.
pub fn image_name(name: &str) -> String {
    format!("envtpl-test/{name}-{}", std::process::id())
}

/// A comment that no build has read, so that its step is run and heard, and not taken from a cache
/// that an earlier run of the tests has left.
pub fn never_seen() -> String {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).expect("a clock");
    format!("# {}\n", since.as_nanos())
}

/// A project.
pub struct Workshop {
    directory: tempfile::TempDir,
    /// What it is called, in containers too.
    pub project: String,
    /// The installation that commands work on.
    pub installation: String,
    /// The image name without tag.
    pub image: String,
    /// The engine that envtpl uses, as `DOCKER_HOST` names it; `None` for that of all tests.
    pub engine: Option<String>,
}

impl Workshop {
    /// A committed project with the installation `amd64-cpu` on the shared base, few packages
    /// and the user alice (1234:1234).
    pub fn new(name: &str) -> Self {
        Self::with(name, "amd64-cpu", &["--base-image", BASE])
    }

    /// As [`Self::new`], with another installation and further options for `envtpl init`.
    pub fn with(name: &str, installation: &str, options: &[&str]) -> Self {
        let workshop = Self::empty(name, installation);
        let mut init = vec![
            "init",
            "--yes",
            "-i",
            installation,
            "--project-name",
            &workshop.project,
        ];
        init.extend(options);
        workshop.envtpl(&init).expect(0);
        workshop.write(
            "dependencies/requirements.txt",
            "# what builds the project, and one small package\nhatchling\neditables\nsix==1.17.0\n",
        );
        workshop.write("dependencies/apt-build.txt", "");
        workshop.write("dependencies/apt-runtime.txt", "jq\n");
        workshop.write("dependencies/apt-dev.txt", "sudo\nless\n");
        workshop.person("alice", 1234, "alice", 1234);
        workshop.set("IMAGE_NAME", &workshop.image);
        workshop.commit("start");
        workshop
    }

    /// An empty git repository.
    pub fn empty(name: &str, installation: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("envtpl test é ")
            .tempdir()
            .expect("a directory");
        let workshop = Self {
            directory,
            project: format!("envtpl-test-{name}-{}", std::process::id()),
            installation: installation.to_owned(),
            image: image_name(name),
            engine: None,
        };
        workshop.git(&["init", "--quiet", "--initial-branch=main"]);
        workshop.git(&["config", "user.name", "Test"]);
        workshop.git(&["config", "user.email", "test@example.org"]);
        workshop
    }

    /// A clone of this project in another directory, with the same settings but for its images,
    /// as on another machine.
    pub fn cloned(&self, name: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("envtpl test clone ")
            .tempdir()
            .expect("a directory");
        let other = Self {
            directory,
            project: self.project.clone(),
            installation: self.installation.clone(),
            image: image_name(name),
            engine: None,
        };
        let from = self.root().to_string_lossy().into_owned();
        other.git(&["clone", "--quiet", &from, "."]);
        other.write(".env", &self.read(".env"));
        other.set("IMAGE_NAME", &other.image);
        other
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A path in the installation directory.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root()
            .join("installation")
            .join(&self.installation)
            .join(relative)
    }

    pub fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.path(relative)).expect(relative)
    }

    pub fn write(&self, relative: &str, text: &str) {
        std::fs::write(self.path(relative), text).expect(relative);
    }

    pub fn append(&self, relative: &str, text: &str) {
        let before = self.read(relative);
        self.write(relative, &(before + text));
    }

    /// Sets a line of `.env`, and the certificates that this machine's builds need.
    pub fn set(&self, key: &str, value: &str) {
        let kept: String = self
            .read(".env")
            .lines()
            .filter(|line| !line.starts_with(&format!("{key}=")))
            .filter(|line| !line.starts_with("CA_BUNDLE="))
            .map(|line| format!("{line}\n"))
            .collect();
        let bundle = std::env::var("ENVTPL_TEST_CA_BUNDLE").unwrap_or_default();
        self.write(
            ".env",
            &format!("{kept}CA_BUNDLE='{bundle}'\n{key}='{value}'\n"),
        );
    }

    /// Sets whose user image it is.
    pub fn person(&self, user: &str, uid: u32, group: &str, gid: u32) {
        for (key, value) in [
            ("USR", user),
            ("USRID", &uid.to_string()),
            ("GRP", group),
            ("GRPID", &gid.to_string()),
            ("USER_TAG", if user == "root" { "user-root" } else { user }),
        ] {
            self.set(key, value);
        }
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = clean(Command::new("git"))
            .args(arguments)
            .current_dir(self.root())
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// The commit as it stands in tags.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "--short", "HEAD"])
    }

    /// The envtpl program with this project as its working directory.
    pub fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = clean(Command::new(env!("CARGO_BIN_EXE_envtpl")));
        command.args(arguments).current_dir(self.root());
        if let Some(engine) = &self.engine {
            command.env("DOCKER_HOST", engine);
        }
        command
    }

    pub fn envtpl(&self, arguments: &[impl AsRef<OsStr>]) -> Ended {
        Ended::run(self.command(arguments).stdin(Stdio::null()))
    }

    /// A full image name of this project.
    pub fn tag(&self, rest: &str) -> String {
        format!("{}:{}-{rest}", self.image, self.installation)
    }

    /// The id of one of this project's images; `None` when it is not there.
    pub fn id(&self, rest: &str) -> Option<String> {
        inspect(&self.tag(rest), "{{.Id}}")
    }

    pub fn label(&self, rest: &str, label: &str) -> Option<String> {
        inspect(
            &self.tag(rest),
            &format!("{{{{index .Config.Labels \"{label}\"}}}}"),
        )
    }

    /// The tags of this project's images, without the installation's name, sorted.
    pub fn tags(&self) -> Vec<String> {
        let listed = docker(&["images", "--format", "{{.Tag}}", &self.image]).expect(0);
        let prefix = format!("{}-", self.installation);
        let mut tags: Vec<String> = listed
            .stdout
            .lines()
            .map(|tag| tag.strip_prefix(&prefix).unwrap_or(tag).to_owned())
            .collect();
        tags.sort();
        tags
    }

    /// Runs a shell line in one of this project's images, without the project.
    pub fn in_image(&self, rest: &str, script: &str) -> Ended {
        docker(&[
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=/bin/sh",
            &self.tag(rest),
            "-c",
            script,
        ])
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let project = format!("--filter=name={}-", self.project);
        let volumes = docker(&["volume", "ls", "--quiet", &project]);
        for volume in volumes.stdout.lines() {
            docker(&["volume", "rm", volume]);
        }
        let listed = docker(&[
            "images",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            &self.image,
        ]);
        for image in listed.stdout.lines() {
            docker(&["image", "rm", "--force", image]);
        }
    }
}

/// The engine's command line.
pub fn docker(arguments: &[impl AsRef<OsStr>]) -> Ended {
    let mut command = clean(Command::new("docker"));
    Ended::run(command.args(arguments).stdin(Stdio::null()))
}

fn inspect(image: &str, format: &str) -> Option<String> {
    let ended = docker(&["image", "inspect", "--format", format, image]);
    (ended.status == 0).then(|| ended.stdout.trim().to_owned())
}

/// What git's library reads beside `~/.gitconfig`.
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/person");

/// Takes away what a person's environment could change.
fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let kept = [
            "PATH",
            "HOME",
            "TMPDIR",
            "DOCKER_HOST",
            "DOCKER_CONFIG",
            "LLVM_PROFILE_FILE",
        ];
        if !kept.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command.env("XDG_CONFIG_HOME", SETTINGS);
    command
}
