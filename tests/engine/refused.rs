//! What envtpl says when the engine or a registry refuses what it asks for.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::refusals::{as_nobody, foreign};
use crate::registries::{Logins, Registry};
use crate::servers::bridge;
use crate::workshop::{Ended, Workshop};

#[test]
fn a_base_image_that_cannot_be_had_is_told_with_its_line_and_what_to_do() {
    let [open, closed] = [Registry::start(), Registry::with_password()];
    let private = closed.name("lab/base:1");
    let shop = Workshop::with("refused", "amd64-cpu", &["--base-image", &private]);
    let before = shop.read("compose-base.yaml");
    let number = before
        .lines()
        .position(|line| line.trim_start().starts_with("BASE_IMAGE:"));
    let number = number.expect("a line") + 1;
    let plain = Registry::at(&bridge());
    let unknown = Registry::with_certificate(&bridge());
    let other = foreign(&open);
    let nothing = open.name("lab/nosuch:1");
    let login = format!("`docker login {}`", closed.address());
    let certificates = format!("/etc/docker/certs.d/{}/ca.crt", unknown.address());
    let logins = Logins::none();
    for (image, status, cause, help) in [
        (private.clone(), 3, "wants a login", login.as_str()),
        (nothing, 3, "has no `127.0.0.1", "envtpl bootstrap-base"),
        (
            plain.name("lab/x:1"),
            3,
            "speaks plain HTTP",
            "\"insecure-registries\": [\"",
        ),
        (
            unknown.name("lab/x:1"),
            3,
            "does not trust the certificate",
            &certificates,
        ),
        (
            other,
            1,
            "exec format error",
            "what runs is for another processor",
        ),
    ] {
        shop.write("compose-base.yaml", &before.replace(&private, &image));
        shop.commit("another base image");
        let line = format!("installation/amd64-cpu/compose-base.yaml:{number}: BASE_IMAGE:");
        let mut build = shop.command(&["build-generic", "--progress=none"]);
        build
            .env("DOCKER_CONFIG", logins.path())
            .stdin(Stdio::null());
        Ended::run(&mut build)
            .expect(status)
            .says(cause)
            .says(help)
            .says(&line);
        let explained = shop.envtpl(&["explain"]).expect(0);
        explained
            .prints(cause)
            .prints(&format!("\nimage         {line}"));
    }
}

#[test]
fn a_person_who_may_not_talk_to_the_engine_is_told_which_group_to_join() {
    let place = tempfile::tempdir().expect("a directory");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).expect("set");
    let program = place.path().join("envtpl");
    std::fs::copy(env!("CARGO_BIN_EXE_envtpl"), &program).expect("copied");
    as_nobody([program.as_os_str(), "doctor".as_ref()])
        .expect(3)
        .prints("you may not talk to the Docker engine: permission denied")
        .prints("sudo usermod -aG docker ");
}
