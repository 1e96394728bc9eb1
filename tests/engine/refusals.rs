//! What the engine and registries refuse, provoked, and what envtpl says of it. With `UPDATE=1` the
//! logs become those that the rules are tested with elsewhere; what must be said is in
//! `tests/failures/cases.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use envtpl::engine::failure::{Outcome, explain};

use crate::failure_cases::Cases;
use crate::registries::{EXPIRED, Logins, OWNER, READER, Refusing, Registry};
use crate::second_engine::SecondEngine;
use crate::servers::bridge;
use crate::wire::Wire;
use crate::workshop::{Ended, docker};

/// A user without a name, whom no group of the engine's has.
const NOBODY: &str = "61234";

/// What the engine said, by the names of cases.
#[derive(Default)]
struct Refused {
    logs: BTreeMap<&'static str, String>,
}

impl Refused {
    /// Keeps what was said of something that did not succeed.
    fn add(&mut self, name: &'static str, ended: &Ended) {
        assert_ne!(ended.status, 0, "{name} is not refused");
        // A terminal shows both.
        let log = format!("{}{}", ended.stdout, ended.stderr);
        assert!(self.logs.insert(name, log).is_none(), "{name} is there");
    }

    /// Asks the engine for something, as somebody with these logins.
    fn ask(&mut self, name: &'static str, logins: &Logins, arguments: &[&str]) {
        self.add(name, &docker_as(logins, arguments));
    }

    /// Builds on an image, as somebody with these logins.
    fn build_on(&mut self, name: &'static str, logins: &Logins, image: &str) {
        let dockerfile = format!("FROM {image}\nRUN true\n");
        self.add(name, &build(logins, &dockerfile, &[]));
    }
}

/// The engine's command line as somebody with these logins.
fn docker_as(logins: &Logins, arguments: &[&str]) -> Ended {
    let config = logins.path().to_string_lossy();
    docker(&[&["--config", &*config], arguments].concat())
}

/// Builds a Dockerfile without any files.
fn build(logins: &Logins, dockerfile: &str, options: &[&str]) -> Ended {
    let context = tempfile::tempdir().expect("a directory");
    std::fs::write(context.path().join("Dockerfile"), dockerfile).expect("written");
    let context = context.path().to_string_lossy();
    let build = ["build", "--progress=plain", "--no-cache"];
    docker_as(logins, &[&build, options, &[&*context]].concat())
}

/// The same with the builder that was there before BuildKit.
fn build_as_before(dockerfile: &str, options: &[&str]) -> Ended {
    let context = tempfile::tempdir().expect("a directory");
    std::fs::write(context.path().join("Dockerfile"), dockerfile).expect("written");
    let mut command = Command::new("docker");
    command.arg("build").args(options).arg(context.path());
    Ended::run(command.env("DOCKER_BUILDKIT", "0").stdin(Stdio::null()))
}

/// Runs a program as a user who may not talk to the engine.
pub fn as_nobody<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> Ended {
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new(if root { "setpriv" } else { "sudo" });
    if !root {
        command.args(["--non-interactive", "setpriv"]);
    }
    command
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .args(words)
        .env("HOME", "/nonexistent")
        .current_dir("/")
        .stdin(Stdio::null());
    Ended::run(&mut command)
}

/// Removes names of images from the engine.
fn forget(images: &[&str]) {
    docker(&[&["image", "rm", "--force"], images].concat()).expect(0);
}

/// What the engine itself does not do.
fn of_the_engine(refused: &mut Refused) {
    let none = Logins::none();
    let denied = as_nobody(["docker", "version"].map(OsStr::new));
    refused.add("engine-socket", &denied);
    let nowhere = "unix:///nonexistent/docker.sock";
    refused.ask("no-engine", &none, &["--host", nowhere, "version"]);
    refused.ask("no-plugin", &none, &["nosuchcommand"]);
    let squashed = build_as_before("FROM scratch\nCOPY Dockerfile /\n", &["--squash"]);
    refused.add("squash", &squashed);
    let mounts = "FROM scratch\nRUN --mount=type=cache,target=/x true\n";
    refused.add("needs-buildkit", &build_as_before(mounts, &[]));
}

/// Gives a registry an image in which nothing runs here: the head of a program for IBM's
/// mainframes.
pub fn foreign(registry: &Registry) -> String {
    let foreign = registry.name("lab/foreign:1");
    let context = tempfile::tempdir().expect("a directory");
    let mut program = b"\x7fELF\x02\x02\x01".to_vec();
    program.resize(16, 0);
    program.extend([0, 2, 0, 22, 0, 0, 0, 1]);
    program.resize(256, 0);
    std::fs::write(context.path().join("sh"), program).expect("written");
    for (name, text) in [
        ("passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("group", "root:x:0:\n"),
        (
            "Dockerfile",
            "FROM scratch\nCOPY --chmod=755 sh /bin/sh\nCOPY passwd group /etc/\n",
        ),
    ] {
        std::fs::write(context.path().join(name), text).expect("written");
    }
    let context = context.path().to_string_lossy();
    let build = [
        "build",
        "--quiet",
        "--platform=linux/s390x",
        "--tag",
        &foreign,
        &context,
    ];
    docker(&build).expect(0);
    docker(&["push", "--quiet", &foreign]).expect(0);
    forget(&[&foreign]);
    foreign
}

/// Images that are for another processor, and for no processor of this machine.
fn of_platforms(refused: &mut Refused, open: &Registry) {
    let none = Logins::none();
    let other = open.push_small("lab/other:1");
    forget(&[&other]);
    let pull = ["pull", "--platform=linux/arm64", &other];
    refused.ask("pull-wrong-platform", &none, &pull);
    let foreign = foreign(open);
    let run = ["run", "--rm", "--platform=linux/s390x", &foreign, "/bin/sh"];
    refused.ask("run-wrong-platform", &none, &run);
    refused.build_on("build-wrong-platform", &none, &foreign);
    forget(&[&foreign, &other]);
}

/// An engine with a small disk.
fn of_a_full_disk(refused: &mut Refused, open: &Registry) {
    let large = open.name("lab/large:1");
    let context = tempfile::tempdir().expect("a directory");
    let file = std::fs::File::create(context.path().join("zeros")).expect("made");
    file.set_len(96 << 20).expect("made");
    let dockerfile = "FROM scratch\nCOPY zeros /\n";
    std::fs::write(context.path().join("Dockerfile"), dockerfile).expect("written");
    let context = context.path().to_string_lossy();
    docker(&["build", "--quiet", "--tag", &large, &context]).expect(0);
    docker(&["push", "--quiet", &large]).expect(0);
    forget(&[&large]);
    let small = SecondEngine::with_megabytes(48);
    let none = Logins::none();
    let there = ["--host", small.address()];
    refused.ask(
        "pull-disk-full",
        &none,
        &[&there[..], &["pull", &large]].concat(),
    );
    let on_it = tempfile::tempdir().expect("a directory");
    let dockerfile = format!("FROM {large}\nRUN true\n");
    std::fs::write(on_it.path().join("Dockerfile"), dockerfile).expect("written");
    let on_it = on_it.path().to_string_lossy();
    let build = ["build", "--progress=plain", &on_it];
    refused.ask("build-disk-full", &none, &[&there[..], &build].concat());
}

/// Registries that cannot be reached, or are not trusted, or have nothing to give.
fn of_registries(refused: &mut Refused, open: &Registry) {
    let none = Logins::none();
    let nothing = open.name("lab/nosuch:1");
    refused.ask("pull-no-image", &none, &["pull", &nothing]);
    refused.build_on("build-no-image", &none, &nothing);
    let gone = Registry::start().name("lab/x:1");
    refused.ask("pull-vanished", &none, &["pull", &gone]);
    refused.build_on("build-vanished", &none, &gone);
    refused.build_on("build-no-such-host", &none, "nosuch.invalid/lab/x:1");
    let plain = Registry::at(&bridge());
    refused.ask("pull-plain-http", &none, &["pull", &plain.name("lab/x:1")]);
    refused.build_on("build-plain-http", &none, &plain.name("lab/x:1"));
    let unknown = Registry::with_certificate(&bridge());
    let image = unknown.name("lab/x:1");
    refused.ask("pull-unknown-certificate", &none, &["pull", &image]);
    refused.build_on("build-unknown-certificate", &none, &image);
    let limit = "You have reached your unauthenticated pull rate limit.";
    let busy = Refusing::start(429, "TOOMANYREQUESTS", limit);
    refused.ask("pull-rate-limit", &none, &["pull", &busy.name("lab/x:1")]);
    refused.build_on("build-rate-limit", &none, &busy.name("lab/x:1"));
    let odd = Refusing::start(418, "UNSUPPORTED", "I am a teapot");
    refused.build_on("base-image", &none, &odd.name("lab/x:1"));
    let said = "The repository with name 'lab/x' does not exist in the registry with id '1'";
    let without = Refusing::start(404, "NAME_UNKNOWN", said);
    let image = open.push_small("lab/x:1");
    let there = without.name("lab/x:1");
    docker(&["tag", &image, &there]).expect(0);
    refused.ask("push-no-repository", &none, &["push", &there]);
    forget(&[&image, &there]);
}

/// People whom a registry does not know, or who may not do what they ask for.
fn of_logins(refused: &mut Refused) {
    let none = Logins::none();
    let password = Registry::with_password();
    let closed = password.push_small("lab/x:1");
    let wrong = Logins::of(&password, ("owner", "wrong"));
    refused.ask("pull-not-logged-in", &none, &["pull", &closed]);
    refused.ask("push-not-logged-in", &none, &["push", &closed]);
    refused.ask("push-wrong-password", &wrong, &["push", &closed]);
    forget(&[&closed]);
    refused.build_on("build-not-logged-in", &none, &closed);
    refused.build_on("registry-keeper", &Logins::kept_by("nosuch"), &closed);
    docker_as(&Logins::of(&password, OWNER), &["pull", &closed]).expect(0);

    let tokens = Registry::with_tokens(300);
    let private = tokens.push_small("lab/x:1");
    let public = tokens.push_small("public/x:1");
    let wrong = Logins::of(&tokens, ("owner", "wrong"));
    let expired = Logins::of(&tokens, EXPIRED);
    refused.ask("push-expired", &expired, &["push", &private]);
    let reader = Logins::of(&tokens, READER);
    refused.ask("push-no-right", &reader, &["push", &private]);
    forget(&[&private, &public]);
    refused.ask("pull-private", &none, &["pull", &private]);
    refused.build_on("build-private", &none, &private);
    refused.ask("pull-wrong-password", &wrong, &["pull", &private]);
    refused.build_on("build-wrong-password", &wrong, &private);
    docker_as(&reader, &["pull", &private]).expect(0);
    docker_as(&none, &["pull", &public]).expect(0);

    let late = Registry::with_tokens(-1);
    let owner = Logins::of(&late, OWNER);
    refused.ask("pull-late-token", &owner, &["pull", &late.name("lab/x:1")]);
    forget(&[&closed, &private, &public]);
}

#[test]
fn every_refusal_is_explained_by_its_rule() {
    let mut refused = Refused::default();
    let open = Registry::start();
    of_the_engine(&mut refused);
    of_platforms(&mut refused, &open);
    of_a_full_disk(&mut refused, &open);
    of_registries(&mut refused, &open);
    of_logins(&mut refused);

    let update = std::env::var_os("UPDATE").is_some();
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failures/logs");
    let mut wrong = BTreeMap::new();
    let mut known = BTreeSet::new();
    let cases = Cases::read().cases;
    for case in cases.iter().filter(|case| case.refused) {
        let name = case.name();
        known.insert(name);
        let Some(log) = refused.logs.get(name) else {
            wrong.insert(name, "nobody provokes it".to_owned());
            continue;
        };
        if update {
            std::fs::write(logs.join(format!("{name}.txt")), log).expect("written");
        }
        let Outcome::Failed(why) = explain(log.as_bytes()).expect("read") else {
            wrong.insert(name, format!("nothing failed\n{log}"));
            continue;
        };
        let rule = why.rule.unwrap_or_default();
        let found = Cases::wrong(case, &rule, &why.message, &why.advice);
        if !found.is_empty() {
            wrong.insert(name, format!("{found:?}\n{log}"));
        }
    }
    let provoked: BTreeSet<&str> = refused.logs.keys().copied().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(provoked, known);
}

#[test]
fn nothing_comes_through_a_wire_that_is_cut_and_all_of_it_when_it_is_mended() {
    let registry = Registry::start();
    let image = registry.push_small("lab/x:1");
    let wire = Wire::to(registry.address());
    let through = format!("{}/lab/x:1", wire.address);
    wire.cut_after(500);
    docker(&["pull", &through]).expect(1);
    assert!(wire.is_cut());
    wire.mend();
    docker(&["pull", &through]).expect(0);
    let requests = registry.requests();
    let pushed = |line: &String| line.contains("\"PUT /v2/lab/x/manifests/1 ");
    assert_eq!(requests.iter().filter(|line| pushed(line)).count(), 1);
    forget(&[&through, &image]);
}
