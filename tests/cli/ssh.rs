//! `dev --ssh`: what the engine is asked for, and what the person is told.

use std::net::TcpListener;

use crate::desk::Desk;
use crate::stand_in;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0 alice@desk";

/// A project with a dev service of these settings, of a person with a key.
pub fn desk(settings: &str) -> Desk {
    let dev = format!(r#""dev-local-cpu": {{"image": "p:dev", {settings}}}"#);
    let desk = stand_in::desk(&dev);
    desk.write("../.ssh/id_ed25519.pub", format!("{KEY}\n"));
    desk
}

/// Its dev service as the engine was given it.
pub fn service(desk: &Desk) -> serde_json::Value {
    stand_in::service(desk, "dev-local-cpu")
}

/// The port in the lines for `~/.ssh/config`.
fn port(told: &str) -> String {
    let (_, rest) = told.split_once("    Port ").expect("the lines");
    rest.lines().next().expect("a number").to_owned()
}

#[test]
fn with_the_hosts_network_the_server_listens_on_this_machine_alone() {
    let desk = desk(r#""network_mode": "host""#);
    let ended = desk.envtpl(&["dev", "--ssh", "pytest", "-x"]).expect(0);
    let port = port(&ended.stderr);
    let ended = ended
        .says("Host digits-cpu-alice\n    HostName 127.0.0.1\n")
        .says("    User alice\n    HostKeyAlias envtpl\n")
        .says("    UserKnownHostsFile ~/.local/state/envtpl/ssh/host-keys/known_hosts\n");
    assert_eq!(ended.stdout, "");
    let service = service(&desk);
    let environment = &service["environment"];
    assert_eq!(environment["SSH_SERVER"], "1");
    assert_eq!(environment["SSH_CONTAINER_ADDRESS"], "127.0.0.1");
    assert_eq!(environment["SSH_CONTAINER_PORT"], *port);
    assert!(service["ports"].is_null());
    let label = &service["labels"]["envtpl.ports"];
    assert_eq!(*label, format!("ssh=127.0.0.1:{port}"));
    let state = desk.work().join("../.local/state/envtpl/ssh");
    let state = state.canonicalize().expect("made");
    let volumes = service["volumes"].as_array().expect("mounts");
    let sources: Vec<_> = volumes.iter().map(|one| &one["source"]).collect();
    assert!(
        sources[0]
            .as_str()
            .expect("text")
            .ends_with("/logins/digits-cpu-alice")
    );
    assert_eq!(volumes[0]["read_only"], true);
    assert_eq!(volumes[1]["read_only"], false);
    assert!(state.ends_with("envtpl/ssh"));
    let keys = desk.text("../.local/state/envtpl/ssh/logins/digits-cpu-alice/authorized_keys");
    assert_eq!(keys, format!("{KEY}\n"));
    let arguments = desk.text("../arguments");
    assert!(
        arguments.ends_with("dev-local-cpu pytest -x\n"),
        "{arguments}"
    );
    assert!(!arguments.contains("--service-ports"), "{arguments}");
    assert!(!arguments.contains("AAAA"), "{arguments}");

    // The same port the next time, and when the run is repeated.
    let run = desk.text(".envtpl/runs.jsonl");
    assert!(
        run.contains(&format!(r#""ports":["ssh=127.0.0.1:{port}"]"#)),
        "{run}"
    );
    for again in [&["dev", "--ssh"][..], &["rerun", "1"]] {
        desk.remove("../file.json");
        let ended = desk.envtpl(again).expect(0);
        ended.says(&format!("    Port {port}\n"));
        assert_eq!(
            self::service(&desk)["environment"]["SSH_CONTAINER_PORT"],
            *port
        );
    }
    desk.envtpl(&["dev"]).expect(0).keeps_quiet_about("ssh");
}

#[test]
fn in_a_network_of_its_own_the_port_is_published() {
    let desk = desk(r#""ports": [{"target": 80}], "user": "4242:4242""#);
    desk.envtpl(&["dev", "--ssh=0.0.0.0:21999"])
        .expect(0)
        .says("    HostName 127.0.0.1\n    Port 21999\n    User user4242\n");
    let service = service(&desk);
    assert_eq!(service["environment"]["SSH_CONTAINER_ADDRESS"], "0.0.0.0");
    assert_eq!(service["environment"]["SSH_CONTAINER_PORT"], "2223");
    let ports = service["ports"].as_array().expect("ports");
    assert_eq!(ports.len(), 1);
    assert_eq!(ports[0]["host_ip"], "0.0.0.0");
    assert_eq!(ports[0]["published"], "21999");
    assert_eq!(ports[0]["target"], 2223);
    assert!(
        desk.text("../arguments")
            .contains(" run --rm --service-ports ")
    );
    for network in ["none", "service:x", "container:x"] {
        let desk = self::desk(&format!(r#""network_mode": "{network}""#));
        desk.envtpl(&["dev", "--ssh"])
            .expect(125)
            .says(&format!("its `network_mode` is `{network}`"));
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_that_says_by_whom() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port().to_string();
    let desk = desk(r#""network_mode": "host""#).variable("TAKEN", &port);
    let option = format!("--ssh={port}");
    desk.envtpl(&["dev", &option])
        .expect(125)
        .says(&format!(
            "port {port} of 127.0.0.1 is taken by the container busy-dev"
        ))
        .says("`--ssh=PORT`");
    assert!(!desk.text("../arguments").contains(" run "));
    drop(listener);
    desk.envtpl(&["dev", &option]).expect(0);

    // Without a number the next one is taken.
    let own = self::port(&desk.envtpl(&["dev", "--ssh"]).expect(0).stderr);
    let _listener = TcpListener::bind(format!("127.0.0.1:{own}")).expect("it is free");
    let ended = desk.envtpl(&["dev", "--ssh"]).expect(0);
    assert_ne!(self::port(&ended.stderr), own);
    ended.says(&format!("port {own}, the usual one of "));

    for (option, why) in [
        ("--ssh=pytest", "neither a port nor ADDRESS:PORT"),
        ("--ssh=0", "from 1 to 65535"),
        (
            "--ssh=192.0.2.1:2222",
            "does not have the address 192.0.2.1",
        ),
    ] {
        desk.envtpl(&["dev", option]).expect(125).says(why);
    }
    desk.envtpl(&["dev", "--ssh", "2222"])
        .expect(125)
        .says("`2222` would be the command, and is a port")
        .says("`--ssh=2222`");
}

#[test]
fn without_a_key_nothing_is_started() {
    let desk = desk(r#""network_mode": "host""#);
    desk.remove("../.ssh/id_ed25519.pub");
    for up in [&["dev", "--ssh"][..], &["dev", "--up", "--ssh"]] {
        desk.envtpl(up)
            .expect(125)
            .says("you have no ssh key")
            .says("`ssh-keygen -t ed25519`");
    }
    assert!(!desk.text("../arguments").contains(" run "));
    // Those of an agent count.
    let desk = desk
        .program("ssh-add", &format!("echo '{KEY}'"))
        .variable("SSH_AUTH_SOCK", "/agent");
    desk.envtpl(&["dev", "--ssh"]).expect(0);
}

#[test]
fn who_came_by_ssh_gets_lines_for_the_machine_that_they_come_from() {
    let desk =
        desk(r#""network_mode": "host""#).variable("SSH_CONNECTION", "10.0.0.2 51000 10.0.0.7 22");
    desk.write(
        "../.ssh/authorized_keys",
        "from=\"*\" ssh-rsa AAAAB3x no\nssh-rsa AAAAB3y yes\n",
    );
    desk.envtpl(&["dev", "--ssh"])
        .expect(0)
        .says("in ~/.ssh/config of the machine that you come from:")
        .says("    StrictHostKeyChecking accept-new\n")
        .says("    ProxyJump alice@10.0.0.7\n");
    let keys = desk.text("../.local/state/envtpl/ssh/logins/digits-cpu-alice/authorized_keys");
    assert_eq!(keys, format!("{KEY}\nssh-rsa AAAAB3y yes\n"));
}

#[test]
fn older_installation_files_are_told_apart() {
    let desk = desk(r#""network_mode": "host""#);
    for name in ["amd64-cpu", "arm64-cpu"] {
        let script = format!("installation/{name}/entrypoints/ssh-server.sh");
        if desk.has(&script) {
            desk.remove(&script);
        }
    }
    desk.envtpl(&["dev", "--ssh"])
        .expect(125)
        .says("these installation files are of an envtpl without `--ssh`");
}

#[test]
fn what_the_start_of_a_workspace_warned_of_is_passed_on() {
    let desk = desk(r#""network_mode": "host""#)
        .variable("SAID", "of the command\nwarning: the project is read-only");
    let ended = desk.envtpl(&["dev", "-q", "--up"]).expect(0);
    assert_eq!(ended.stdout, "digits-cpu-alice-dev\n");
    assert_eq!(ended.stderr, "warning: the project is read-only\n");
}
