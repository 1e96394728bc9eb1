//! `envtpl doctor`.

use crate::desk::{Desk, Ended};

/// Answers as Docker's command line does; `$ENGINE`, `$COMPOSE` and `$BUILDX` are the versions.
fn docker(engine: &str, compose: &str, buildx: &str) -> String {
    format!(
        r#"case "$1 $2" in
        "info --format") echo '{{"ServerVersion":"{engine}","OperatingSystem":"Test OS","OSType":"linux","Architecture":"x86_64","Driver":"overlay2","DockerRootDir":"/","Runtimes":{{"runc":{{}}}}}}' ;;
        "compose version") echo '{compose}' ;;
        "buildx version") echo 'github.com/docker/buildx {buildx} abc' ;;
        *) echo "unexpected: $*" >&2; exit 64 ;;
        esac"#
    )
}

/// A desk whose engine is another machine's: how full this one's disk is, is not the test's
/// business.
fn desk() -> Desk {
    Desk::new().variable("DOCKER_HOST", "tcp://engine.lab:2376")
}

/// The finding of one check.
fn finding(ended: &Ended, check: &str) -> (String, String) {
    let report = ended.json();
    let findings = report["findings"].as_array().expect("findings");
    let found = findings
        .iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("no finding {check} in {report:#}"));
    (
        found["status"].as_str().expect("a status").to_owned(),
        format!("{} {}", found["message"], found["help"]),
    )
}

#[test]
fn a_machine_with_everything_is_ready_also_outside_a_project() {
    let desk = desk().program("docker", &docker("26.1.5+dfsg1", "2.26.1-4", "0.13.1+ds1"));
    let ended = desk.envtpl(&["doctor", "--format", "json"]).expect(0);
    assert_eq!(ended.json()["ready"], true);
    for (check, said) in [
        (
            "engine",
            "Docker Engine 26.1.5+dfsg1 (Test OS, amd64, overlay2)",
        ),
        ("compose", "Docker Compose 2.26.1"),
        ("buildx", "buildx 0.13.1"),
    ] {
        let (status, text) = finding(&ended, check);
        assert_eq!(status, "ok", "{check}");
        assert!(text.contains(said), "{text}");
    }
    desk.envtpl(&["doctor"])
        .expect(0)
        .prints("ok       engine ");
}

#[test]
fn what_is_too_old_is_named_with_the_oldest_that_will_do() {
    let desk = desk().program("docker", &docker("20.10.24", "1.29.2", "v0.9.1"));
    let ended = desk.envtpl(&["doctor", "--format", "json"]).expect(3);
    assert_eq!(ended.json()["ready"], false);
    for (check, floor) in [
        ("engine", "needs 23.0 or later"),
        ("compose", "needs 2.0 or later"),
        ("buildx", "needs 0.12 or later"),
    ] {
        let (status, text) = finding(&ended, check);
        assert_eq!(status, "problem", "{check}");
        assert!(text.contains(floor), "{text}");
    }
    ended.says("there are 3 problems");
}

#[test]
fn permission_denied_comes_with_the_line_that_mends_it() {
    let script = r#"echo 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.45/info": dial unix /var/run/docker.sock: connect: permission denied' >&2; exit 1"#;
    let desk = Desk::new().program("docker", script);
    desk.envtpl(&["doctor"])
        .expect(3)
        .prints("permission denied")
        .prints("sudo usermod -aG docker ");
}

#[test]
fn an_engine_that_does_not_run_is_told_apart_from_none() {
    let stopped = "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; exit 1";
    Desk::new()
        .program("docker", stopped)
        .envtpl(&["doctor"])
        .expect(3)
        .prints("no container engine answers")
        .prints("help: start it");
    let ended = Desk::new()
        .variable("PATH", "/nonexistent")
        .envtpl(&["doctor"])
        .expect(3)
        .prints("there is no program `docker`")
        .prints("images cannot say which commit they are")
        .prints("https://docs.docker.com/engine/install/");
    assert!(!ended.stdout.contains("compose  "), "{}", ended.stdout);
}

#[test]
fn errors_inside_the_answer_of_older_command_lines_are_seen() {
    let script = r#"echo '{"ServerVersion":"","ServerErrors":["Cannot connect to the Docker daemon at tcp://x. Is the docker daemon running?"]}'"#;
    Desk::new()
        .program("docker", script)
        .variable("DOCKER_HOST", "tcp://x")
        .envtpl(&["doctor"])
        .expect(3)
        .prints("no container engine answers")
        .prints("DOCKER_HOST=tcp://x");
}

#[test]
fn a_missing_plugin_is_a_problem() {
    let script = docker("26.1.5", "2.26.1", "0.13.1").replace(
        "echo 'github.com/docker/buildx 0.13.1 abc'",
        "echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1",
    );
    let ended = Desk::new()
        .program("docker", &script)
        .envtpl(&["doctor", "--format", "json"])
        .expect(3);
    let (status, text) = finding(&ended, "buildx");
    assert_eq!(status, "problem");
    assert!(text.contains("docker-buildx"), "{text}");
}

#[test]
fn another_engine_is_looked_at_where_the_settings_name_it() {
    let desk = Desk::new()
        .program("podman", "[ \"$1\" = info ] && echo 'host: {}'")
        .file(
            "installation/amd64-cpu/.env",
            "DOCKER=podman\nCOMPOSE='podman compose'\n",
        );
    desk.envtpl(&["doctor"])
        .expect(3)
        .prints("`podman` answers, but not as Docker Engine does");
}

#[test]
fn settings_that_builds_lack_are_warnings() {
    let desk = desk()
        .program("docker", &docker("26.1.5", "2.26.1", "0.13.1"))
        .file("ca.pem", "-----BEGIN CERTIFICATE-----\n")
        .file("installation/amd64-cpu/.env", "USR=alice\n");
    let bundle = desk.work().join("ca.pem").display().to_string();
    let desk = desk
        .variable("SSL_CERT_FILE", &bundle)
        .variable("https_proxy", "http://joe:s3cret@proxy:3128");
    let ended = desk.envtpl(&["doctor", "--format", "json"]).expect(0);
    let (status, text) = finding(&ended, "certificates");
    assert_eq!(status, "warning");
    assert!(text.contains(&format!("CA_BUNDLE={bundle}")), "{text}");
    assert_eq!(finding(&ended, "proxy").0, "warning");
    assert!(!ended.stdout.contains("s3cret"), "{}", ended.stdout);

    desk.write(
        "installation/amd64-cpu/.env",
        format!("CA_BUNDLE={bundle}\nHTTPS_PROXY=http://proxy:3128\n"),
    );
    let ended = desk.envtpl(&["doctor", "--format", "json"]).expect(0);
    assert_eq!(finding(&ended, "certificates").0, "ok");
}

#[test]
fn an_installation_that_is_not_there_is_a_usage_error() {
    let desk = Desk::new()
        .program("docker", &docker("26.1.5", "2.26.1", "0.13.1"))
        .file("installation/amd64-cpu/.env", "");
    desk.envtpl(&["doctor", "-i", "arm64-cpu"])
        .expect(2)
        .says("there is no installation `arm64-cpu`");
}
