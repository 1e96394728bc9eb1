//! Steps that use the host's network, which a build has to be allowed: with the newest Compose and
//! buildx, which have to be told so each in its way, and with the oldest.

use std::process::Stdio;

use crate::workshop::{BARE, Ended, Workshop, docker, never_seen};

const DOCKERFILE: &str = "\
FROM BASE AS prep
RUN --network=host readlink /proc/self/ns/net >/network
FROM prep AS runtime-generic
FROM prep AS development-generic
RUN --network=host date +%N >/when
FROM prep AS broken
RUN --network=host readlink /proc/self/ns/net; exit 7
";

/// The two ways of a Compose file to allow it; the second is unknown to old ones.
const ALLOWED: [&str; 2] = ["network: host", "entitlements: [network.host]"];

/// A project whose builds have this key.
fn shop(name: &str, key: &str) -> Workshop {
    let shop = Workshop::with(name, "amd64-cpu", &["--base-image", BARE]);
    shop.write(
        "Dockerfile",
        &(never_seen() + &DOCKERFILE.replace("BASE", BARE)),
    );
    let before = shop.read("compose-base.yaml");
    let build = "    build:\n";
    let after = before.replacen(build, &format!("{build}      {key}\n"), 1);
    assert_ne!(after, before);
    shop.write("compose-base.yaml", &after);
    shop
}

/// Runs envtpl with the newest Compose and buildx.
fn newest(shop: &Workshop, arguments: &[&str]) -> Ended {
    let newest = std::env::var("ENVTPL_TEST_NEWEST_COMPOSE").expect("scripts/test.sh sets it");
    let mut command = shop.command(arguments);
    Ended::run(command.env("DOCKER_CONFIG", newest).stdin(Stdio::null()))
}

/// What the network of the host is called.
fn network_of_the_host() -> String {
    let script = [
        "run",
        "--rm",
        "--network=host",
        BARE,
        "readlink",
        "/proc/self/ns/net",
    ];
    docker(&script).expect(0).stdout
}

#[test]
fn a_step_with_the_network_of_the_host_is_looked_into() {
    let network = network_of_the_host();
    for key in ALLOWED {
        let shop = shop("allowed-debug", key);
        newest(&shop, &["debug", "broken", "-o", "evidence"])
            .expect(1)
            .says("exit status 7");
        let log = std::fs::read_to_string(shop.root().join("evidence/log.txt"));
        assert_eq!(log.expect("a log"), network);
    }
    let oldest = shop("allowed-debug-old", ALLOWED[0]);
    oldest
        .envtpl(&["debug", "broken"])
        .expect(1)
        .says("exit status 7");
}

#[test]
fn files_come_out_of_a_stage_with_the_network_of_the_host() {
    let network = network_of_the_host();
    let exported = |shop: &Workshop| std::fs::read_to_string(shop.root().join("out/network"));
    let export = ["export", "prep", "/network", "-o", "out"];
    for key in ALLOWED {
        let shop = shop("allowed-export", key);
        newest(&shop, &export).expect(0);
        assert_eq!(exported(&shop).expect("exported"), network);
    }
    let oldest = shop("allowed-export-old", ALLOWED[0]);
    oldest.envtpl(&export).expect(0);
    assert_eq!(exported(&oldest).expect("exported"), network);
}

#[test]
fn a_stage_with_the_network_of_the_host_is_built_again() {
    for key in ALLOWED {
        let shop = shop("allowed-fresh", key);
        let when = || {
            let shown = shop.in_image("dev-latest-root", "cat /when /network");
            shown.expect(0).stdout
        };
        newest(&shop, &["build-generic", "--allow-dirty"]).expect(0);
        let first = when();
        assert!(first.ends_with(&network_of_the_host()), "{first}");
        let fresh = [
            "build-generic",
            "--allow-dirty",
            "--fresh",
            "development-generic",
        ];
        newest(&shop, &fresh).expect(0);
        assert_ne!(when(), first);
    }
}

#[test]
fn what_is_not_allowed_is_told_with_the_key_that_allows_it() {
    let shop = shop("not-allowed", "network: default");
    let commands = [
        &["debug", "broken"][..],
        &["export", "prep", "/network", "-o", "out"],
        &["build-generic", "--allow-dirty", "--fresh", "prep"],
        &["build-generic", "--allow-dirty"],
    ];
    for command in commands {
        for ended in [shop.envtpl(command), newest(&shop, command)] {
            ended
                .expect(1)
                .says("network.host is not allowed")
                .says("`network: host` below `build:`");
        }
    }
    assert!(shop.tags().is_empty());
}
