//! Freezing while somebody installs: what is written down in between would be half of it.

use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::freeze::Container;
use crate::run::shop;
use crate::servers::bridge;
use crate::waiting::{MINUTE, eventually};
use crate::workshop::{Ended, Workshop, docker};

/// A server that takes every connection and says nothing, until it hangs up.
struct Silent {
    address: String,
    /// Those that wait; `None` once it has hung up.
    waiting: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind((bridge(), 0)).expect("an address");
        let address = listener.local_addr().expect("an address").to_string();
        let waiting = Arc::new(Mutex::new(Some(Vec::new())));
        let kept = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(waiting) = kept.lock().expect("no panic").as_mut() {
                    waiting.push(stream);
                }
            }
        });
        Self { address, waiting }
    }

    fn is_asked(&self) -> bool {
        let waiting = self.waiting.lock().expect("no panic");
        waiting.as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    fn hang_up(&self) {
        self.waiting.lock().expect("no panic").take();
    }
}

fn runs(container: &Container, program: &str) -> bool {
    let top = docker(&["top", &container.0, "-eo", "pid,args"]).expect(0);
    top.stdout.contains(program)
}

/// What a check says that waits until `ends` lets the installer end.
fn waited(shop: &Workshop, container: &Container, ends: impl FnOnce()) -> Ended {
    let check = shop
        .command(&["freeze", "--check", "--from", &container.0])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    eventually("it waits", MINUTE, || runs(container, "sleep 0.25"));
    ends();
    Ended::of(check.wait_with_output().expect("ends"))
}

#[test]
fn a_freeze_waits_for_pip_and_apt_and_names_who_does_not_end() {
    let shop = shop();
    let container = Container::start(&shop);
    let check = ["freeze", "--check", "--from", &container.0];
    let works = |user: &str, line: &str| {
        let entrypoint = "/opt/envtpl/entrypoints/entrypoint.sh";
        let user = format!("--user={user}");
        docker(&[
            "exec",
            "--detach",
            &user,
            &container.0,
            entrypoint,
            "sh",
            "-c",
            line,
        ])
        .expect(0);
    };

    let index = Silent::start();
    works(
        "1234",
        &format!(
            "pip install --retries 0 --trusted-host {} --index-url http://{}/simple six==1.16.0",
            bridge(),
            index.address
        ),
    );
    eventually("pip asks", MINUTE, || index.is_asked());
    shop.envtpl(&check)
        .expect(1)
        .says("pip (process ")
        .says(") installs packages in `")
        .says("did not end within five seconds");
    // There is nothing else to say of a project that has not been frozen yet.
    waited(&shop, &container, || index.hang_up())
        .expect(1)
        .says("there is no lock yet")
        .keeps_quiet_about("installs packages");

    // apt holds its lock while a package's own script waits.
    let package = "mkdir -p /tmp/gated/DEBIAN && cd /tmp/gated/DEBIAN && mkfifo /tmp/gate
        printf 'Package: gated\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: T <t@example.org>\\nDescription: x\\n' >control
        printf '#!/bin/sh\\nread -r line </tmp/gate\\n' >postinst
        chmod 755 postinst
        dpkg-deb --build /tmp/gated /tmp/gated.deb";
    docker(&["exec", "--user=0", &container.0, "sh", "-ec", package]).expect(0);
    works("0", "apt-get install --yes /tmp/gated.deb");
    eventually("its script waits", MINUTE, || {
        runs(&container, "gated.postinst")
    });
    let busy = shop.envtpl(&check).expect(1);
    assert!(
        ["apt-get (process ", "dpkg (process "]
            .iter()
            .any(|who| busy.stderr.contains(who)),
        "{}",
        busy.stderr
    );
    waited(&shop, &container, || {
        docker(&[
            "exec",
            "--user=0",
            &container.0,
            "sh",
            "-c",
            "echo >/tmp/gate",
        ])
        .expect(0);
    })
    .expect(1)
    .says("gated 1.0: ")
    .keeps_quiet_about("installs packages");
}
