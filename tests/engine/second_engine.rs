//! A second engine beside the one that runs, with the containerd image store.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::workshop::Workshop;

/// The engine; it ends with this value, or with the test program, whatever ends that.
pub struct SecondEngine {
    script: Child,
    /// What `DOCKER_HOST` says for it.
    address: String,
}

impl SecondEngine {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One whose disk is as small as this.
    pub fn with_megabytes(room: u32) -> Self {
        Self::with(&[&room.to_string()])
    }

    fn with(arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/second-engine.sh");
        let mut script = Command::new(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut address = String::new();
        let printed = script.stdout.take().expect("a pipe");
        BufReader::new(printed)
            .read_line(&mut address)
            .expect("it prints");
        let address = address.trim().to_owned();
        assert!(address.starts_with("unix://"), "the second engine is there");
        Self { script, address }
    }

    /// What `DOCKER_HOST` says for it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Brings an image of the first engine.
    pub fn bring(&self, image: &str) {
        let mut saved = Command::new("docker")
            .args(["save", image])
            .stdout(Stdio::piped())
            .spawn()
            .expect("docker runs");
        let loaded = Command::new("docker")
            .args(["--host", &self.address, "load", "--quiet"])
            .stdin(saved.stdout.take().expect("a pipe"))
            .status()
            .expect("docker runs");
        assert!(saved.wait().expect("it ends").success() && loaded.success());
    }

    /// Has a project use this engine from now on. Its builds have the host's network: the engine
    /// opens no way out for another.
    pub fn host(&self, shop: &mut Workshop) {
        let services = ["run", "dev"]
            .map(|flavour| format!("  image-{flavour}-root: {{build: {{network: host}}}}\n"));
        shop.write(
            "compose.override.yaml",
            &format!("services:\n{}", services.concat()),
        );
        shop.engine = Some(self.address.clone());
    }
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        // The end of its input is the end of the engine.
        drop(self.script.stdin.take());
        let ended = self.script.wait();
        if !std::thread::panicking() {
            assert!(
                ended.expect("it ends").success(),
                "the second engine ended well"
            );
        }
    }
}
