//! Jupyter beside a container's command: what a person sees in a browser, and what they are told.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::browser::Browser;
use crate::entrypoint::Alices;
use crate::run::give_to_alice;
use crate::working::type_section_on_jupyter;
use crate::workshop::{Ended, Workshop, docker};

/// One project with JupyterLab for all tests; the last of them removes it.
fn shop() -> Arc<Workshop> {
    static SHOP: Mutex<Weak<Workshop>> = Mutex::new(Weak::new());
    let mut shared = SHOP.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let shop = Workshop::new("jupyter");
        shop.append("dependencies/requirements.txt", "jupyterlab\n");
        give_to_alice(shop.root());
        shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
        let shop = Arc::new(shop);
        *shared = Arc::downgrade(&shop);
        shop
    })
}

/// A notebook with one cell that has not run.
fn notebook(source: &str) -> String {
    serde_json::json!({
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [{
            "id": "one", "cell_type": "code", "source": source,
            "execution_count": null, "metadata": {}, "outputs": [],
        }],
    })
    .to_string()
}

/// A container of the engine alone, which goes with this.
struct Container(String);

impl Container {
    fn start(shop: &Workshop, name: &str, options: &[&str], command: &[&str]) -> Self {
        let name = format!("{}-{name}", shop.project);
        let image = shop.tag("dev-latest-alice");
        let fixed = ["run", "--detach", "--init", "--name", &name];
        docker(&[&fixed[..], options, &[&image], command].concat()).expect(0);
        Self(name)
    }

    fn exec(&self, command: &[&str]) -> Ended {
        docker(&[&["exec", &self.0][..], command].concat())
    }

    /// Waits for its command, which begins when its set-up is through.
    fn wait_for(&self, line: &str) {
        let begun = Instant::now();
        loop {
            let logs = docker(&["logs", &self.0]);
            if logs.stdout.contains(line) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{}{}", logs.stdout, logs.stderr);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.0]);
    }
}

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const TOKEN: &str = "8f14e45fceea167a5a36dedd4bea2543";
const UP: &[&str] = &["sh", "-c", "echo up; exec sleep 300"];

#[test]
fn a_browser_runs_a_notebook_of_the_project_with_the_token_alone() {
    let shop = shop();
    let cell = "import lamp, os; print('bright', lamp.BRIGHT, os.environ['COLOUR'], os.getuid())";
    let project = Alices::project();
    project.write("first é.ipynb", &notebook(cell));
    // As an editor leaves it: Jupyter by itself would take the end of the line for the token's.
    let secret = Alices::new(&[("token", &format!("{TOKEN}\n"))]);
    let container = Container::start(
        &shop,
        "page",
        &[
            &project.at("/project"),
            &secret.at("/run/secret:ro"),
            "--env=PROJECT_ROOT_AT=/project",
            "--env=COLOUR=blue",
            "--env=JUPYTER_SERVER=1",
            "--env=JUPYTER_ADDRESS=0.0.0.0",
            "--env=JUPYTER_TOKEN_FILE=/run/secret/token",
            "--publish=127.0.0.1::8887",
        ],
        UP,
    );
    container.wait_for("up");
    let address = docker(&["port", &container.0, "8887"]).expect(0).stdout;
    let address = format!("http://{}", address.trim());

    let mut stranger = Browser::start();
    stranger.open(&format!(
        "{address}/?token=8f14e45fceea167a5a36dedd4bea2544"
    ));
    stranger.wait_for("location.pathname == '/login' && document.readyState == 'complete'");
    let refused = stranger.value("fetch('/api/contents').then(answer => answer.status)");
    assert_eq!(refused, 403);
    drop(stranger);

    let mut browser = Browser::start();
    browser.open(&format!("{address}/?token={TOKEN}"));
    browser.wait_for("document.querySelector('.jp-DirListing-content')");
    let listing = "document.querySelector('.jp-DirListing-content').innerText";
    for name in ["first é.ipynb", "lamp", "pyproject.toml"] {
        browser.wait_for(&format!("{listing}.includes('{name}')"));
    }
    browser.open(&format!("{address}/lab/tree/first%20%C3%A9.ipynb"));
    browser.wait_for(
        "fetch('/api/sessions').then(answer => answer.json()).then(sessions => sessions.some(
            ({kernel}) => kernel.connections && kernel.execution_state == 'idle'))",
    );
    browser.wait_for("document.querySelector('.jp-CodeCell .cm-content')");
    browser.value("document.querySelector('.jp-CodeCell .cm-content').focus()");
    browser.shift_enter();
    browser.wait_for("document.querySelector('.jp-OutputArea-output')");
    let printed = browser.value("document.querySelector('.jp-OutputArea-output').innerText");
    assert_eq!(printed.as_str().map(str::trim), Some("bright 7 blue 1234"));
}

/// Everything that anybody on the machine may see of a container, and its logs.
fn seen(container: &Container) -> String {
    let name = container.0.as_str();
    let inspect = docker(&["inspect", name]).expect(0).stdout;
    let logs = docker(&["logs", name]);
    let top = docker(&["top", name, "-eo", "pid,args"]).expect(0).stdout;
    assert!(top.contains("-m jupyterlab"), "{top}");
    inspect + &logs.stdout + &logs.stderr + &top
}

#[test]
fn a_token_that_nobody_gave_is_told_on_a_terminal_and_stands_nowhere_else() {
    let shop = shop();
    let project = Alices::project();
    let mount = project.at("/project");
    let asked = [
        mount.as_str(),
        "--env=PROJECT_ROOT_AT=/project",
        "--env=JUPYTER_SERVER=1",
        "--env=JUPYTER_PORT=9001",
    ];
    let container = Container::start(&shop, "token", &asked, UP);
    container.wait_for("up");
    let logs = docker(&["logs", &container.0]);
    assert_eq!(logs.stderr.lines().count(), 1, "{}", logs.stderr);
    let (said, _) = logs.stderr.split_once(" of this container").expect("where");
    let (link, file) = said.split_once(" with the token in ").expect("a file");
    assert_eq!(link, "Jupyter: http://127.0.0.1:9001/");
    let token = container.exec(&["cat", file]).expect(0).stdout;
    assert_eq!(token.len(), 48, "{token:?}");
    let mode = container.exec(&["stat", "-c", "%a %U", file]).expect(0);
    assert_eq!(mode.stdout, "600 alice\n");
    assert!(!seen(&container).contains(&token));
    let ask = |token: &str| {
        let ask = "import sys, urllib.request as r, urllib.error as e
try: print(r.urlopen('http://127.0.0.1:9001/api/contents?token=' + sys.argv[1]).status)
except e.HTTPError as error: print(error.status)";
        container
            .exec(&["python3", "-c", ask, token])
            .expect(0)
            .stdout
    };
    assert_eq!((ask(&token).trim(), ask("").trim()), ("200", "403"));
    // What Jupyter says is the person's, on both sides.
    let log = project.path().join(".envtpl/jupyter/9001.log");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&log.metadata().expect("there").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let log = std::fs::read_to_string(log).expect("read");
    assert!(log.contains("/api/contents?token=[secret]"), "{log}");
    assert!(!log.contains(&token));

    // Beside the command it is up already, also for whoever does not come from envtpl.
    let beside = ["/opt/envtpl/entrypoints/entrypoint.sh", "echo", "beside"];
    let beside = container.exec(&beside).expect(0).silent();
    assert_eq!(beside.stdout, "beside\n");

    let image = shop.tag("dev-latest-alice");
    let terminal = ["run", "--rm", "--init", "--tty"];
    let on_terminal = docker(&[&terminal[..], &asked, &[&image, "echo", "it runs"]].concat());
    let said = on_terminal.expect(0).stdout;
    let (link, rest) = said.split_once("\r\n").expect("two lines");
    assert_eq!(rest, "it runs\r\n");
    let new = link
        .strip_prefix("Jupyter: http://127.0.0.1:9001/?token=")
        .expect("a link");
    assert!(new.len() == 48 && new != token, "{link}");
}

#[test]
fn a_container_with_jupyter_stops_at_once() {
    let shop = shop();
    let asked = ["--env=SKIP_INSTALL_PROJECT=1", "--env=JUPYTER_SERVER=1"];
    let container = Container::start(&shop, "stop", &asked, UP);
    container.wait_for("up");
    let begun = Instant::now();
    docker(&["stop", &container.0]).expect(0);
    let took = begun.elapsed();
    let status = docker(&["inspect", "--format={{.State.ExitCode}}", &container.0]);
    assert_eq!(status.expect(0).stdout, "143\n");
    // Far from the ten seconds after which the engine would kill it.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn what_keeps_jupyter_from_running_is_told_in_one_line() {
    let asked = ["--env=SKIP_INSTALL_PROJECT=1", "--env=JUPYTER_SERVER=1"];
    let shop = shop();
    // As two containers with the host's network have it: one network, and one port.
    let first = Container::start(&shop, "first", &asked, UP);
    first.wait_for("up");
    let network = format!("--network=container:{}", first.0);
    let told = |options: &[&str], what: &[&str]| {
        let image = shop.tag("run-latest-alice");
        for (strict, status, level) in [("0", 0, "warning"), ("1", 1, "error")] {
            let strict = format!("--env=ENVTPL_STRICT={strict}");
            let fixed = ["run", "--rm", &network, &strict];
            let line = [&fixed[..], &asked, options, &[&image, "echo", "it runs"]].concat();
            let ended = docker(&line).expect(status);
            assert_eq!(ended.stdout, if status == 0 { "it runs\n" } else { "" });
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            for what in [&[level][..], what].concat() {
                assert!(ended.stderr.contains(what), "{what}: {}", ended.stderr);
            }
        }
    };
    told(
        &[],
        &["port 8887 of 127.0.0.1 is taken", "set JUPYTER_PORT"],
    );
    told(
        &["--env=JUPYTER_PORT=http"],
        &["JUPYTER_PORT=http is not a port"],
    );
    told(
        &["--env=JUPYTER_PORT=8888", "--env=JUPYTER_TOKEN_FILE=/none"],
        &["JUPYTER_TOKEN_FILE=/none cannot be read"],
    );
}

/// The installation has one workspace, and one port for its Jupyter.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The link in what envtpl said, and the token in it.
fn link(said: &str) -> (String, String) {
    let (_, link) = said.split_once("http://").expect("a link");
    let link = format!("http://{}", link.lines().next().expect("a line"));
    let (_, token) = link.split_once("?token=").expect("a token");
    let token = token.to_owned();
    assert_eq!(token.len(), 48, "{link}");
    (link, token)
}

/// What a Jupyter of this machine answers to whoever asks for its files.
fn asked_for_files(link: &str) -> String {
    let ask = "import sys, urllib.request as r, urllib.error as e
try: print(r.urlopen(sys.argv[1].replace('/?', '/api/contents?')).status)
except e.HTTPError as error: print(error.status)";
    let asked = std::process::Command::new("python3")
        .args(["-c", ask, link])
        .output();
    Ended::of(asked.expect("python3 runs"))
        .expect(0)
        .stdout
        .trim()
        .to_owned()
}

#[test]
fn a_workspace_has_jupyter_as_long_as_it_runs() {
    let shop = shop();
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("{}-amd64-cpu-alice-dev", shop.project);
    let up = |connection: Option<&str>| {
        let mut command = shop.command(&["dev", "--up", "--jupyter"]);
        command.envs(connection.map(|connection| ("SSH_CONNECTION", connection)));
        Ended::run(command.env("USER", "al").stdin(std::process::Stdio::null()))
    };
    let first = up(None).expect(0).keeps_quiet_about("ssh -N");
    assert_eq!(first.stdout, format!("{name}\n"));
    let (address, token) = link(&first.stderr);
    // It is true when it has been printed.
    assert_eq!(asked_for_files(&address), "200");
    let (place, _) = address.split_once("?token=").expect("a token");
    assert_eq!(
        asked_for_files(&format!("{place}?token={}", token.replace('0', "1"))),
        "403"
    );
    let port = place
        .trim_start_matches("http://127.0.0.1:")
        .trim_end_matches('/');

    // Nobody else sees the token.
    let container = Container(name.clone());
    assert!(!seen(&container).contains(&token));
    let path = shop.root().join(format!(".envtpl/jupyter/{port}.token"));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("there").permissions());
    assert_eq!(mode & 0o777, 0o600);
    shop.envtpl(&["exec", "true"]).expect(0).silent();
    shop.envtpl(&["ps"])
        .expect(0)
        .prints(&format!("jupyter=127.0.0.1:{port}"));

    // The link again, and how the machine comes to it that somebody is at.
    let again = up(Some("192.0.2.1 50022 192.0.2.7 22")).expect(0);
    let again = again.says(&format!("ssh -N -L {port}:127.0.0.1:{port} al@192.0.2.7\n"));
    assert_eq!(link(&again.stderr).0, address);
    // Another start finds the port taken, and by whom, before there is a container.
    let taken = format!("--jupyter={port}");
    let refused = shop.envtpl(&["dev", &taken, "true"]).expect(125);
    refused.says(&format!(
        "port {port} of 127.0.0.1 is taken by the container {name}"
    ));

    // After a pause it is the same port.
    shop.envtpl(&["down", "--stop"]).expect(0);
    let (resumed, _) = link(&up(None).expect(0).stderr);
    assert!(resumed.starts_with(place), "{resumed}");
    assert_eq!(asked_for_files(&resumed), "200");
    shop.envtpl(&["down"]).expect(0);
}

#[test]
fn jupyter_is_up_when_the_command_of_dev_begins() {
    let shop = shop();
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let ask = "import os, urllib.request as r
token = open(os.environ['JUPYTER_TOKEN_FILE']).read()
address = 'http://127.0.0.1:%s/api/contents?token=%s' % (os.environ['JUPYTER_PORT'], token)
print(r.urlopen(address).status, token)";
    let ended = shop
        .envtpl(&["dev", "--jupyter", "python3", "-c", ask])
        .expect(0);
    let (_, token) = link(&ended.stderr);
    assert_eq!(ended.stdout, format!("200 {token}\n"));
    let runs = std::fs::read_to_string(shop.root().join(".envtpl/runs.jsonl")).expect("written");
    assert!(!runs.contains(&token), "{runs}");

    // In a container with a network of its own the port is published, on this machine alone.
    let other = shop.cloned("jupyter-bridge");
    let compose = other.read("compose.yaml");
    let bridge = compose.replace("    network_mode: host\n    ipc: host\n", "");
    assert_ne!(compose, bridge);
    other.write("compose.yaml", &bridge);
    for flavour in ["run", "dev"] {
        let tag = format!("{flavour}-latest-alice");
        docker(&["tag", &shop.tag(&tag), &other.tag(&tag)]).expect(0);
    }
    give_to_alice(other.root());
    let up = other.envtpl(&["dev", "--up", "--jupyter"]).expect(0);
    let (address, _) = link(&up.stderr);
    assert_eq!(asked_for_files(&address), "200");
    let ports = docker(&["port", up.stdout.trim()]).expect(0).stdout;
    assert!(ports.starts_with("8887/tcp -> 127.0.0.1:"), "{ports}");
    assert_eq!(ports.lines().count(), 1, "{ports}");
    other.envtpl(&["down"]).expect(0);
}

#[test]
fn the_transcript_of_jupyter_can_be_typed() {
    let shop = shop();
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    type_section_on_jupyter(&shop);
}
