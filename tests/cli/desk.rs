//! A directory, an environment of its own, and programs that stand in for real ones.
#![expect(
    clippy::disallowed_methods,
    reason = "tests make files and start envtpl"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rexpect::process::WaitStatus;
use rexpect::session::spawn_command;

pub use crate::ended::Ended;

/// Milliseconds after which a command on a terminal counts as stuck.
const PATIENCE: u64 = 60_000;

/// A temporary directory in which envtpl is run.
pub struct Desk {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Desk {
    /// An empty directory, and no program but those that [`Self::program`] puts there and the
    /// ordinary small ones.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("bin")).expect("created");
        fs::create_dir(directory.path().join("work")).expect("created");
        Self {
            directory,
            variables: Vec::new(),
        }
    }

    /// With a project that has the installation `amd64-cpu`.
    pub fn with_installation() -> Self {
        let desk = Self::new();
        let init = ["init", "--yes", "-i", "amd64-cpu", "--base-image"];
        desk.envtpl(&[&init[..], &["debian:12"]].concat()).expect(0);
        desk
    }

    /// The directory in which envtpl starts.
    pub fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Puts a shell script on PATH, before everything else.
    pub fn program(self, name: &str, script: &str) -> Self {
        let path = self.directory.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        self
    }

    /// Sets a variable for envtpl.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file in the working directory.
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    /// As [`Self::file`], later.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }

    /// Removes a file in the working directory.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.work().join(path)).expect("removed");
    }

    /// The text of a file in the working directory.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.work().join(path)).expect("read")
    }

    /// Sets the permission bits of a file in the working directory.
    pub fn mode(&self, path: &str, mode: u32) {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.work().join(path), permissions).expect("set");
    }

    /// The permission bits of a file in the working directory.
    pub fn permissions(&self, path: &str) -> u32 {
        let metadata = fs::metadata(self.work().join(path)).expect("a file");
        metadata.permissions().mode() & 0o777
    }

    /// Where the settings of its one installation stand, in the working directory.
    pub fn settings(&self) -> String {
        let installations = fs::read_dir(self.work().join("installation")).expect("a directory");
        let mut names = installations.map(|entry| entry.expect("an entry").path().join(".env"));
        let settings = names.find(|path| path.exists()).expect("settings");
        let relative = settings.strip_prefix(self.work()).expect("in it");
        relative.to_str().expect("text").to_owned()
    }

    /// Whether there is a file in the working directory.
    pub fn has(&self, path: &str) -> bool {
        self.work().join(path).exists()
    }

    /// The names in the working directory, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.work()).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Runs envtpl.
    pub fn envtpl(&self, arguments: &[&str]) -> Ended {
        self.envtpl_in(&self.work(), arguments)
    }

    /// Starts envtpl and lets it run, without its words.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(&self.work(), None, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// Runs envtpl with its data going elsewhere.
    pub fn envtpl_into(&self, data: impl Into<Stdio>, arguments: &[&str]) -> Ended {
        let mut command = self.command(&self.work(), None, arguments);
        Ended::run(command.stdout(data).stderr(Stdio::piped()))
    }

    /// Runs envtpl on a terminal, and gives its exit status and what a person would see.
    pub fn envtpl_on_a_terminal(&self, arguments: &[&str]) -> (i32, String) {
        let command = self.command(&self.work(), None, arguments);
        let mut session = spawn_command(command, Some(PATIENCE)).expect("it starts");
        let seen = session.exp_eof().expect("it ends");
        match session.process().wait().expect("it ends") {
            WaitStatus::Exited(_, status) => (status, seen),
            ended => panic!("{ended:?}\n{seen}"),
        }
    }

    /// Runs envtpl with a variable for this run alone.
    pub fn envtpl_with(&self, variable: (&str, &str), arguments: &[&str]) -> Ended {
        self.run(&self.work(), Some(variable), arguments)
    }

    /// Runs envtpl in another directory.
    pub fn envtpl_in(&self, directory: &Path, arguments: &[&str]) -> Ended {
        self.run(directory, None, arguments)
    }

    /// Runs another program as envtpl is run.
    pub fn other(
        &self,
        directory: &Path,
        variable: Option<(&str, &str)>,
        program: &Path,
        arguments: &[&str],
    ) -> Ended {
        Ended::run(&mut self.program_in(directory, variable, program, arguments))
    }

    fn run(&self, directory: &Path, variable: Option<(&str, &str)>, arguments: &[&str]) -> Ended {
        Ended::run(&mut self.command(directory, variable, arguments))
    }

    fn command(
        &self,
        directory: &Path,
        variable: Option<(&str, &str)>,
        arguments: &[&str],
    ) -> Command {
        let envtpl = Path::new(env!("CARGO_BIN_EXE_envtpl"));
        self.program_in(directory, variable, envtpl, arguments)
    }

    fn program_in(
        &self,
        directory: &Path,
        variable: Option<(&str, &str)>,
        program: &Path,
        arguments: &[&str],
    ) -> Command {
        let bin = self.directory.path().join("bin");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", self.directory.path())
            .env("USER", "alice")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(variable)
            .stdin(Stdio::null());
        command
    }
}
