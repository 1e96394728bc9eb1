//! Builds that really fail, one for each rule of `envtpl explain` that can be had here.
//! With `UPDATE=1` their logs become those that the rules are tested with elsewhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::failure_cases::Cases;
use crate::scratch;
use crate::workshop::{BASE, Workshop};

const TOOLS: &str = "envtpl-test/failure-tools";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds a Dockerfile without a context of its own.
fn build(dockerfile: &str, options: &[&str]) -> Output {
    let dockerfile = dockerfile
        .replace("FROM base", &format!("FROM {BASE}"))
        .replace("FROM tools", &format!("FROM {TOOLS}"));
    let context = tempfile::tempdir().expect("a directory");
    let bundle = std::env::var("ENVTPL_TEST_CA_BUNDLE");
    let bundle = bundle.unwrap_or_else(|_| "/etc/ssl/certs/ca-certificates.crt".to_owned());
    let steps = root().join("templates/installation/common/build-steps");
    let mut child = Command::new("docker")
        .args(["build", "--progress", "plain", "--file", "-"])
        .arg(format!("--secret=id=ca,src={bundle}"))
        .arg(format!("--build-context=steps={}", steps.display()))
        .args(options)
        .arg(context.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docker runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(dockerfile.as_bytes()).expect("written");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// What `envtpl explain -` says of a log.
fn explained(log: &[u8]) -> serde_json::Value {
    let mut child = Command::new(env!("CARGO_BIN_EXE_envtpl"))
        .args(["explain", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(log).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_build_that_fails_is_explained_by_its_rule() {
    let cases = Cases::read();
    let made = build(&cases.tools, &["--tag", TOOLS]);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = BTreeMap::new();
    for case in &cases.cases {
        let Some(dockerfile) = &case.build else {
            continue;
        };
        let name = case.name();
        let ended = build(dockerfile, &[]);
        assert!(!ended.status.success(), "{name} does not fail");
        if update {
            let path = root().join(format!("tests/failures/logs/{name}.txt"));
            std::fs::write(path, &ended.stderr).expect("written");
        }
        let explanation = explained(&ended.stderr);
        let message = explanation["message"].as_str().unwrap_or_default();
        let rule = explanation["rule"].as_str().unwrap_or_default();
        if !Cases::wrong(case, rule, message, &[]).is_empty() {
            wrong.insert(name, explanation.to_string());
        }
    }
    // Not through `print!`, which a test that succeeds keeps for itself.
    let _ = std::io::stderr().write_all(cases.origins().as_bytes());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_package_that_cannot_be_installed_is_told_with_the_line_that_asks_for_it() {
    let shop = Workshop::new("no-package");
    shop.append(
        "dependencies/requirements.txt",
        "# gone\nNoSuch_Package.envtpl==1\n",
    );
    shop.commit("a package that no index has");
    let line = "installation/amd64-cpu/dependencies/requirements.txt:6: NoSuch_Package.envtpl==1";
    shop.envtpl(&["build-generic"]).expect(1).says(line);
    shop.envtpl(&["explain"])
        .expect(0)
        .prints("nosuch-package-envtpl was not found")
        .prints(&format!("\nrequirement   {line}\n"));
}

#[test]
fn a_package_that_no_channel_has_is_told_with_its_line_of_the_environment() {
    let shop = scratch::workshop("no-conda-package");
    shop.append("dependencies/environment.yml", "  - nosuch-package=1\n");
    shop.commit("a package that no channel has");
    let line = "installation/amd64-cpu/dependencies/environment.yml:9: nosuch-package=1";
    shop.envtpl(&["build-generic"]).expect(1).says(line);
    shop.envtpl(&["explain"])
        .expect(0)
        .prints(&format!("\nrequirement   {line}\n"));
}
