//! A base image from a registry, which may get another image by the same name.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::workshop::{BARE, BASE, Workshop, docker};

/// A registry on this machine, empty at first.
struct Registry {
    server: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Registry {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        // The number of a port that was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let configuration = directory.path().join("config.yml");
        std::fs::write(
            &configuration,
            format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: \
                 '{}'}}}}\nhttp: {{addr: '{address}'}}\n",
                directory.path().join("data").display()
            ),
        )
        .expect("written");
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry runs");
        let started = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "no registry");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            server,
            address,
            _directory: directory,
        }
    }

    /// Gives the registry an image by a name; the engine keeps that name.
    fn push(&self, image: &str, name: &str) -> String {
        let name = format!("{}/{name}", self.address);
        docker(&["tag", image, &name]).expect(0);
        docker(&["push", "--quiet", &name]).expect(0);
        name
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[test]
fn a_frozen_environment_stands_on_the_base_image_that_it_was_made_on() {
    let registry = Registry::start();
    let name = registry.push(BASE, "lab/base:1");
    let shop = Workshop::with("pinned", "amd64-cpu", &["--base-image", &name]);
    shop.write("dependencies/requirements.txt", "");
    shop.write("dependencies/apt-runtime.txt", "");
    shop.write("dependencies/apt-dev.txt", "");
    let file = "compose-base.yaml";
    let before = shop.read(file);
    shop.commit("lists");
    shop.envtpl(&["build-generic"]).expect(0);

    // The engine may have it as an image, or have started from it without keeping it.
    let shown = shop.envtpl(&["freeze", "--dry-run"]).expect(0).stdout;
    docker(&["image", "rm", &name]).expect(0);
    let frozen = shop.envtpl(&["freeze"]).expect(0).stdout;
    let digest = frozen
        .lines()
        .find_map(|line| {
            line.strip_prefix("+        BASE_IMAGE: ")?
                .split('@')
                .nth(1)
        })
        .expect("a digest")
        .trim_matches('"')
        .to_owned();
    assert!(
        digest.starts_with("sha256:") && shown.contains(&digest),
        "{frozen}"
    );
    let pinned = before.replace(&name, &format!("{name}@{digest}"));
    assert_eq!(shop.read(file), pinned);
    let lock = shop.read("envtpl.lock");
    assert!(
        lock.contains(&format!("  image: '{name}'\n  digest: {digest}\n")),
        "{lock}"
    );

    // Another image by that name makes no difference; this one would be refused.
    registry.push(BARE, "lab/base:1");
    docker(&["image", "rm", &name]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");
    shop.envtpl(&["check"]).expect(0);
    let listed = shop.envtpl(&["ls"]).expect(0).stdout;
    assert!(
        listed.contains(&name) && !listed.contains("sha256"),
        "{listed}"
    );

    // Who takes the digest away gets what the registry has, and that is not what was built on.
    shop.write(file, &before);
    let check = shop.envtpl(&["freeze", "--dry-run"]).expect(0).stdout;
    assert!(!check.contains("BASE_IMAGE"), "{check}");
    shop.commit("no digest");
    shop.envtpl(&["build-generic"])
        .expect(1)
        .says("it has no Python");
}
