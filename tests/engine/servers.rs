//! Servers on this machine that end with the test that started them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::workshop::docker;

/// A server that runs as long as this lives.
pub struct Server {
    process: Child,
    /// Where it listens, as it said itself.
    pub address: String,
    said: Arc<Mutex<String>>,
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
        let said = Arc::new(Mutex::new(said));
        let heard = said.clone();
        // Who writes into a pipe that nobody reads from waits, or is killed.
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let line = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                heard
                    .lock()
                    .expect("no test panics with it")
                    .push_str(&line);
            }
        });
        Self {
            process,
            address,
            said,
        }
    }

    /// All that it said until now.
    pub fn said(&self) -> String {
        self.said.lock().expect("no thread panics with it").clone()
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

/// The address of this machine where builds and containers find it.
pub fn bridge() -> String {
    let gateway = "{{(index .IPAM.Config 0).Gateway}}";
    let shown = docker(&["network", "inspect", "bridge", "--format", gateway]).expect(0);
    shown.stdout.trim().to_owned()
}
