//! Servers on this machine that end with the test that started them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::workshop::docker;

/// A server that runs as long as this lives.
pub struct Server {
    process: Child,
    /// Where it listens, as it said itself.
    pub address: String,
}

impl Server {
    /// Starts a program and reads what it says until `address` finds in a line where it listens.
    pub fn start(mut command: Command, address: impl Fn(&str) -> Option<String>) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("a copy"))
            .stderr(writer);
        let process = command.spawn().expect("the server starts");
        // Otherwise the pipe would have a writer when the server has ended.
        drop(command);
        let mut reader = BufReader::new(reader);
        let mut said = String::new();
        let address = loop {
            let from = said.len();
            let read = reader.read_line(&mut said).expect("text");
            assert!(read > 0, "a server ended: {said}");
            if let Some(address) = address(&said[from..]) {
                break address;
            }
        };
        // Who writes into a pipe that nobody reads from waits, or is killed.
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        Self { process, address }
    }

    /// Serves the files of a directory over HTTP, on an address of this machine; what it gives has
    /// no slash at its end.
    pub fn of_files(directory: &Path, host: &str) -> Self {
        let mut command = Command::new("python3");
        command
            .args(["-u", "-m", "http.server", "0", "--bind", host])
            .arg("--directory")
            .arg(directory);
        // `Serving HTTP on 172.17.0.1 port 4711 (http://172.17.0.1:4711/) ...`
        Self::start(command, |line| {
            let (_, address) = line.split_once('(')?;
            Some(address.split_once("/)")?.0.to_owned())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A registry of images, empty at first.
pub struct Registry {
    server: Server,
    _directory: tempfile::TempDir,
}

impl Registry {
    /// Starts one that this machine's engine reaches and trusts.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let configuration = directory.path().join("config.yml");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {:?}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n",
            directory.path().join("data")
        );
        std::fs::write(&configuration, text).expect("written");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&configuration);
        let server = Server::start(command, |line| {
            let (_, address) = line.split_once("listening on ")?;
            Some(address.split_once('"')?.0.to_owned())
        });
        Self {
            server,
            _directory: directory,
        }
    }

    /// The full name of an image in it.
    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.server.address)
    }

    /// Gives it an image by a name; the engine keeps that name.
    pub fn push(&self, image: &str, name: &str) -> String {
        let name = self.name(name);
        docker(&["tag", image, &name]).expect(0);
        docker(&["push", "--quiet", &name]).expect(0);
        name
    }
}

/// The address of this machine where builds and containers find it.
pub fn bridge() -> String {
    let gateway = "{{(index .IPAM.Config 0).Gateway}}";
    let shown = docker(&["network", "inspect", "bridge", "--format", gateway]).expect(0);
    shown.stdout.trim().to_owned()
}
