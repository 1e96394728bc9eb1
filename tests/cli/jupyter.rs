//! `dev --jupyter`: what the engine is asked for, and what the person is told.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::desk::Desk;
use crate::ssh::{desk, service};

/// The project's own mount, where the engine's stand-in fills in the path.
const MOUNT: &str =
    r#""volumes": [{"type": "bind", "source": "'"$HOME"'/work", "target": "/project/digits"}]"#;

fn shop(network: &str) -> Desk {
    desk(&format!("{network}{MOUNT}"))
}

/// The port and the token of the link that envtpl said.
fn link(told: &str) -> (String, String) {
    let (_, link) = told.split_once("http://127.0.0.1:").expect("a link");
    let (port, rest) = link.split_once("/?token=").expect("a token");
    let token = rest.lines().next().expect("a line");
    assert_eq!(token.len(), 48, "{token}");
    (port.to_owned(), token.to_owned())
}

#[test]
fn jupyter_listens_on_this_machine_alone_with_a_token_in_a_file_of_the_persons() {
    let desk = shop(r#""network_mode": "host", "#);
    let ended = desk.envtpl(&["dev", "-q", "--jupyter", "pytest"]).expect(0);
    assert_eq!(ended.stdout, "");
    let (port, token) = link(&ended.stderr);
    let line = format!("Jupyter when the command begins: http://127.0.0.1:{port}/?token={token}\n");
    assert_eq!(ended.stderr, line);
    let asked = service(&desk);
    let file = format!(".envtpl/jupyter/{port}.token");
    for (name, value) in [
        ("JUPYTER_SERVER", "1"),
        ("JUPYTER_ADDRESS", "127.0.0.1"),
        ("JUPYTER_PORT", &port),
        ("JUPYTER_TOKEN_FILE", &format!("/project/digits/{file}")),
    ] {
        assert_eq!(asked["environment"][name], value);
    }
    assert!(asked["ports"].is_null());
    let label = &asked["labels"]["envtpl.ports"];
    assert_eq!(*label, format!("jupyter=127.0.0.1:{port}"));

    assert_eq!(desk.text(&file), token);
    let mode = std::fs::metadata(desk.work().join(&file)).expect("there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    for seen in ["../file.json", "../arguments", ".envtpl/runs.jsonl"] {
        assert!(!desk.text(seen).contains(&token), "{seen}");
    }

    // The same port, and another token, the next time and when the run is repeated. One that came
    // with the project is not taken.
    desk.write(&file, "known to others");
    for again in [&["dev", "--jupyter"][..], &["rerun", "1"]] {
        let (same, other) = link(&desk.envtpl(again).expect(0).stderr);
        assert_eq!(same, port);
        assert_ne!(other, token);
        assert_eq!(desk.text(&file), other);
    }
    let before = desk.text(&file);
    let dry = desk.envtpl(&["dev", "--dry-run", "--jupyter"]).expect(0);
    dry.keeps_quiet_about("token=");
    assert_eq!(desk.text(&file), before);
}

#[test]
fn in_a_network_of_its_own_the_port_of_jupyter_is_published() {
    let desk = shop("");
    let ended = desk.envtpl(&["dev", "--jupyter", "--ssh"]).expect(0);
    let (port, _) = link(&ended.stderr);
    let asked = service(&desk);
    assert_eq!(asked["environment"]["JUPYTER_ADDRESS"], "0.0.0.0");
    assert_eq!(asked["environment"]["JUPYTER_PORT"], "8887");
    let ports = asked["ports"].as_array().expect("ports");
    let published = ports.iter().find(|one| one["target"] == 8887).expect("one");
    assert_eq!(published["host_ip"], "127.0.0.1");
    assert_eq!(published["published"], *port);
    assert_eq!(ports.len(), 2, "ssh has one too");
    assert!(desk.text("../arguments").contains(" --service-ports "));
}

#[test]
fn who_came_by_ssh_is_told_how_the_link_leads_there() {
    let desk = shop(r#""network_mode": "host", "#);
    let desk = desk.variable("SSH_CONNECTION", "192.0.2.1 50022 192.0.2.7 2200");
    let ended = desk.envtpl(&["dev", "--jupyter"]).expect(0);
    let (port, _) = link(&ended.stderr);
    let tunnel = format!("ssh -N -L {port}:127.0.0.1:{port} -p 2200 alice@192.0.2.7\n");
    ended.says(&tunnel).keeps_quiet_about("warning");
}

#[test]
fn a_jupyter_that_cannot_be_had_is_an_error_before_anything_starts() {
    let desk = shop(r#""network_mode": "host", "#);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let desk = desk.variable("TAKEN", &port);
    desk.envtpl(&["dev", &format!("--jupyter={port}")])
        .expect(125)
        .says(&format!("port {port} of 127.0.0.1 is taken"))
        .says("`--jupyter=PORT`");
    desk.envtpl(&["dev", "--jupyter", "8888"])
        .expect(125)
        .says("`--jupyter=8888`");
    desk.envtpl(&["dev", "--jupyter", "--entrypoint", "sh"])
        .expect(125)
        .says("cannot be used with");
    assert!(!desk.has("../file.json"));
    assert!(!desk.has(".envtpl/jupyter"));

    let elsewhere = desk_without_the_project();
    elsewhere
        .envtpl(&["dev", "--jupyter"])
        .expect(125)
        .says("`dev-local-cpu` does not mount the project");
    assert!(!elsewhere.has("../file.json"));

    let platform = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    desk.remove(&format!(
        "installation/{platform}-cpu/entrypoints/jupyter.sh"
    ));
    desk.envtpl(&["dev", "--jupyter"])
        .expect(125)
        .says("of an envtpl without `--jupyter`");
}

fn desk_without_the_project() -> Desk {
    desk(r#""network_mode": "host""#)
}

#[test]
fn other_machines_are_let_in_when_somebody_says_so_and_with_a_warning() {
    let desk = shop(r#""network_mode": "host", "#);
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let ended = desk
        .envtpl(&["dev", &format!("--jupyter=0.0.0.0:{port}")])
        .expect(0);
    assert_eq!(link(&ended.stderr).0, port.to_string());
    ended
        .says("other machines reach Jupyter")
        .says("nothing that goes there is encrypted");
    assert_eq!(service(&desk)["environment"]["JUPYTER_ADDRESS"], "0.0.0.0");
}

#[test]
fn a_workspace_without_jupyter_says_why() {
    let installed = "Jupyter is not installed, so there is none: add the line `jupyterlab`";
    for (said, why) in [
        (format!("warning: {installed}"), installed),
        (
            String::new(),
            "its image was built before these files could have one",
        ),
    ] {
        let desk = shop(r#""network_mode": "host", "#).variable("SAID", &said);
        let ended = desk.envtpl(&["dev", "--up", "--jupyter"]).expect(0);
        assert_eq!(ended.stdout, "digits-cpu-alice-dev\n");
        ended
            .says("warning: ")
            .says(why)
            .keeps_quiet_about("token=");
    }
}
