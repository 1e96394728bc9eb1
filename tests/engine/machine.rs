//! The machine that the tests run on: what the doctor says of it, and base images made on it.

use crate::workshop::{BASE, Ended, Workshop, docker, image_name};

/// An image that goes away with the test.
struct Image<'a>(&'a str);

impl Drop for Image<'_> {
    fn drop(&mut self) {
        docker(&["image", "rm", self.0]);
    }
}

#[test]
fn a_machine_whose_engine_runs_these_tests_is_ready() {
    let shop = Workshop::empty("doctor", "amd64-cpu");
    let ended = shop.envtpl(&["doctor", "--format", "json"]).expect(0);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let engine = &report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .find(|finding| finding["check"] == "engine")
        .expect("the engine")["message"];
    let version = docker(&["info", "--format", "{{.ServerVersion}}"]).expect(0);
    assert!(
        engine
            .as_str()
            .expect("text")
            .contains(version.stdout.trim()),
        "{engine}"
    );
}

#[test]
fn an_engine_that_does_not_answer_is_a_problem() {
    let shop = Workshop::empty("doctor-stopped", "amd64-cpu");
    let output = shop
        .command(&["doctor"])
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .output()
        .expect("envtpl runs");
    let ended = Ended::of(output).expect(3);
    assert!(
        ended.stdout.contains("no container engine answers"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_base_from_packages_has_python_and_can_be_built_on() {
    let tag = &format!("{}:amd64", image_name("trixie-python"));
    let image = Image(tag);
    let shop = Workshop::empty("bootstrap", "amd64-cpu");
    let ended = shop
        .envtpl(&[
            "bootstrap-base",
            "trixie",
            "--platform",
            "amd64",
            "--tag",
            tag,
        ])
        .expect(0)
        .says(&format!("--base-image {tag}"));
    assert_eq!(ended.stdout, format!("{tag}\n"));
    let inside =
        |script: &str| docker(&["run", "--rm", "--network=none", image.0, "sh", "-c", script]);
    inside("python3 -m venv /tmp/v && pip --version && test -s /etc/ssl/certs/ca-certificates.crt")
        .expect(0);
    let sources = inside("cat /etc/apt/sources.list; ls /var/lib/apt/lists")
        .expect(0)
        .stdout;
    assert!(sources.contains("trixie-security main"), "{sources}");
    assert!(!sources.contains("_Packages"), "lists are left: {sources}");
    let label = docker(&[
        "image",
        "inspect",
        tag,
        "--format",
        "{{index .Config.Labels \"envtpl.bootstrap\"}} {{.Architecture}}",
    ]);
    assert!(
        label
            .stdout
            .starts_with("envtpl bootstrap-base trixie --platform amd64 "),
        "{label:?}"
    );
    assert!(label.stdout.trim().ends_with(" amd64"), "{label:?}");

    // Its Python is newer than that of the other tests' base.
    let shop = Workshop::with("newer-python", "amd64-cpu", &["--base-image", tag]);
    shop.envtpl(&["build-generic"]).expect(0);
    let version = "import sys, six; print(sys.version_info[:2], six.__version__)";
    let ended = shop.in_image("run-latest-root", &format!("python3 -c '{version}'"));
    assert_eq!(ended.expect(0).stdout, "(3, 13) 1.17.0\n");
}

#[test]
fn a_check_names_packages_that_the_base_does_not_have() {
    let shop = Workshop::new("check");
    shop.append("dependencies/apt-dev.txt", "netcat\nno-such-package\n");
    let ended = shop.envtpl(&["check"]).expect(1);
    for (line, package) in [(3, "netcat"), (4, "no-such-package")] {
        let said = format!(
            "dependencies/apt-dev.txt:{line}: error: {BASE} has no package to install for `{package}`: "
        );
        assert!(ended.stdout.contains(&said), "{}", ended.stdout);
    }
    shop.write("dependencies/apt-dev.txt", "sudo\nless\n");
    shop.envtpl(&["check", "-v"]).expect(0).says("docker run");
    let again = shop.envtpl(&["check", "-v"]).expect(0);
    assert!(
        !again.stderr.contains("docker run"),
        "what is known is not asked again: {}",
        again.stderr
    );
}
