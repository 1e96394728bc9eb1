//! `dev --ssh`, with a real client: who gets in, and what they find.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::entrypoint::{self, Alices};
use crate::run::give_to_alice;
use crate::waiting::{SOON, eventually};
use crate::workshop::{Ended, Workshop, docker};

/// Whatever a variable may hold.
const ODD: &str = "two\nlines, \"double\" 'single' $HOME `id` $(id) \\ \t é =\n";

/// The tests of one project take turns: two starts of one installation at the same instant would
/// take the same port.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One built project whose dev image has a server; the last of the tests removes it.
fn shop() -> Arc<Workshop> {
    static SHOP: Mutex<Weak<Workshop>> = Mutex::new(Weak::new());
    let mut shared = SHOP.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let shop = Workshop::new("ssh");
        shop.write(
            "dependencies/apt-dev.txt",
            "sudo\nopenssh-server\nlibnss-wrapper\n",
        );
        give_to_alice(shop.root());
        shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
        let shop = Arc::new(shop);
        *shared = Arc::downgrade(&shop);
        shop
    })
}

/// A person with a home, a key, and a client with settings of its own.
pub struct Person {
    home: Alices,
    state: Alices,
    client: tempfile::TempDir,
}

impl Person {
    /// Somebody with a key in a file, whose public half is in `~/.ssh`.
    pub fn new() -> Self {
        let person = Self::without_key();
        let public = person.key().with_extension("pub");
        let ssh = person.home.path().join(".ssh");
        std::fs::create_dir(&ssh).expect("made");
        std::fs::copy(public, ssh.join("mine.pub")).expect("copied");
        person
    }

    /// Somebody whose key nothing at home tells of.
    fn without_key() -> Self {
        let person = Self {
            // Which git asks of root for a project of alice's.
            home: Alices::new(&[(".gitconfig", "[safe]\n\tdirectory = *\n")]),
            state: Alices::new(&[]),
            client: tempfile::tempdir().expect("a directory"),
        };
        let made = Ended::run(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(person.key()),
        );
        made.expect(0);
        person
    }

    fn key(&self) -> PathBuf {
        self.client.path().join("key")
    }

    /// The directory of the person's own state.
    fn state(&self) -> PathBuf {
        self.state.path().join("envtpl/ssh")
    }

    /// What tells a program that it is this person's.
    pub fn variables(&self) -> [(&str, &Path); 2] {
        [
            ("HOME", self.home.path()),
            ("XDG_STATE_HOME", self.state.path()),
        ]
    }

    /// envtpl as this person starts it.
    fn envtpl(&self, shop: &Workshop, arguments: &[&str]) -> Command {
        let mut command = shop.command(arguments);
        command.envs(self.variables()).stdin(Stdio::null());
        command
    }

    /// A directory with `ssh` and `scp` that read this person's settings.
    pub fn clients(&self) -> PathBuf {
        let directory = self.client.path().join("bin");
        std::fs::create_dir(&directory).expect("made");
        for name in ["ssh", "scp"] {
            let settings = self.settings();
            let script = format!(
                "#!/bin/sh\nexec /usr/bin/{name} -F {} \"$@\"\n",
                settings.display()
            );
            let path = directory.join(name);
            std::fs::write(&path, script).expect("written");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("set");
        }
        directory
    }

    /// Takes the lines for `~/.ssh/config` over, and gives the name of the host. The client asks
    /// nothing: it knows the key of the server, or refuses it.
    pub fn learn(&self, told: &str) -> String {
        let (_, block) = told.split_once("\nHost ").expect("the lines");
        let lines: Vec<&str> = block.lines().collect();
        let count = 1 + lines[1..]
            .iter()
            .take_while(|line| line.starts_with(' '))
            .count();
        let settings = format!(
            "Host {}\n    IdentityFile {}\n    IdentitiesOnly yes\n    BatchMode yes\n    StrictHostKeyChecking yes\n",
            lines[..count].join("\n"),
            self.key().display(),
        );
        std::fs::write(self.settings(), settings).expect("written");
        lines[0].to_owned()
    }

    fn settings(&self) -> PathBuf {
        self.client.path().join("config")
    }

    /// A program of the client: ssh, sftp, scp.
    fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .arg("-F")
            .arg(self.settings())
            .args(arguments)
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null());
        command
    }

    fn ssh(&self, arguments: &[&str]) -> Ended {
        Ended::run(&mut self.client("ssh", arguments))
    }

    /// What a command gets on standard input.
    fn fed(&self, program: &str, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.client(program, arguments);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("sent");
        drop(stdin);
        Ended::of(child.wait_with_output().expect("ends"))
    }
}

/// envtpl with a container in the foreground, which goes when this does.
struct Running {
    child: Child,
    talk: PathBuf,
}

impl Running {
    fn start(mut command: Command, talk: &Path) -> Self {
        let file = std::fs::File::create(talk).expect("created");
        command.stdout(Stdio::null()).stderr(file);
        Self {
            child: command.spawn().expect("envtpl runs"),
            talk: talk.to_owned(),
        }
    }

    /// What it has said, once the lines for the client are there.
    fn told(&self) -> String {
        let said = || std::fs::read_to_string(&self.talk).unwrap_or_default();
        eventually("the lines are told", SOON, || {
            said().contains("    HostKeyAlias ")
        });
        eventually("all of them", SOON, || said().contains("known_hosts"));
        said()
    }

    /// Stops its container, and gives the exit status and how long that took.
    fn stop(mut self, person: &Person) -> (i32, u128) {
        let name = container_at(&port_of(person));
        let began = Instant::now();
        docker(&["stop", &name]).expect(0);
        let took = began.elapsed().as_millis();
        let status = self.child.wait().expect("ends");
        (status.code().unwrap_or(-1), took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Which envtpl passes on to the container.
        let process = self.child.id().to_string();
        Ended::run(Command::new("kill").args(["-TERM", &process]));
        drop(self.child.wait());
    }
}

/// A workspace, which goes when this does.
struct Workspace<'a>(&'a Workshop);

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        self.0.envtpl(&["down"]);
    }
}

/// A process that is killed when this goes.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn port_of(person: &Person) -> String {
    let settings = std::fs::read_to_string(person.settings()).expect("read");
    let (_, rest) = settings.split_once("    Port ").expect("a port");
    rest.lines().next().expect("a number").to_owned()
}

fn container_at(port: &str) -> String {
    let filter = format!("--filter=label=envtpl.ports=ssh=127.0.0.1:{port}");
    let listed = docker(&["ps", "--format={{.Names}}", &filter]).expect(0);
    let name = listed.stdout.trim().to_owned();
    assert!(!name.is_empty(), "a container has port {port}");
    name
}

/// The environment of a process, without what belongs to a shell or to one login.
fn container_own(environment: &str) -> Vec<String> {
    let mut own: Vec<String> = environment
        .split('\0')
        .filter(|one| {
            let (name, _) = one.split_once('=').unwrap_or_default();
            let shells = [
                "", "_", "SHLVL", "PWD", "OLDPWD", "SHELL", "USER", "LOGNAME", "TERM",
            ];
            let login = ["SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"];
            !shells.contains(&name) && !login.contains(&name)
        })
        .map(str::to_owned)
        .collect();
    own.sort();
    own
}

#[test]
fn a_workspace_is_reached_by_ssh() {
    let _turn = turn();
    let shop = shop();
    let person = Person::new();
    let name = format!("{}-amd64-cpu-alice-dev", shop.project);
    let odd = format!("ODD={ODD}");
    let up = Ended::run(&mut person.envtpl(&shop, &["dev", "--up", "--ssh", "-e", &odd])).expect(0);
    assert_eq!(up.stdout, format!("{name}\n"));
    let _workspace = Workspace(&shop);
    let host = person.learn(&up.stderr);

    // A command, a shell that reads its commands, and one at a terminal have the environment of
    // the container's own command, and its directory.
    let project = format!("/project/{}", shop.project);
    let command = person
        .ssh(&[&host, "pwd; cat /proc/self/environ; exit 37"])
        .expect(37);
    let (directory, of_command) = command.stdout.split_once('\n').expect("two parts");
    assert_eq!(directory, project);
    let first = "cat /proc/$(cut -d ' ' -f 1 /proc/1/task/1/children)/environ";
    let of_container = docker(&["exec", &name, "sh", "-c", first]).expect(0);
    let expected = container_own(&of_container.stdout);
    assert!(expected.contains(&odd), "{expected:?}");
    assert!(expected.contains(&format!("PROJECT_ROOT_AT={project}")));
    assert_eq!(container_own(of_command), expected);
    let shell = person
        .fed("ssh", &["-T", &host], "cat /proc/self/environ\nexit 9\n")
        .expect(9);
    assert_eq!(container_own(&shell.stdout), expected);
    let module = shop.project.replace('-', "_");
    let script = format!(
        "printf '<%s>' \"$(printf %s \"$ODD\" | base64 -w0)\" $TERM; python -c 'import {module}'\nexit 3\n"
    );
    let terminal = person.fed("ssh", &["-tt", &host], &script).expect(3);
    let encoded = person
        .ssh(&[&host, "printf %s \"$ODD\" | base64 -w0"])
        .expect(0);
    assert!(
        terminal.stdout.contains(&format!("<{}>", encoded.stdout)),
        "{}",
        terminal.stdout
    );
    assert!(
        !terminal.stdout.contains("ModuleNotFoundError"),
        "{}",
        terminal.stdout
    );
    assert_eq!(person.ssh(&[&host, "id -un"]).expect(0).stdout, "alice\n");
    // Nothing of it was on a command line, and interruptions reach commands as ever.
    let lines = person
        .ssh(&[&host, "cat /proc/*/cmdline | tr '\\0' ' '"])
        .expect(0);
    assert!(!lines.stdout.contains("double"), "{}", lines.stdout);
    person
        .ssh(&[&host, "kill -INT $$; echo ignored"])
        .expect(255);
    // What an engine itself was started with ignored is so in all its containers.
    let ignored = person
        .ssh(&[&host, "grep SigIgn /proc/$$/status"])
        .expect(0);
    let of_exec = docker(&["exec", &name, "sh", "-c", "grep SigIgn /proc/$$/status"]).expect(0);
    assert_eq!(ignored.stdout, of_exec.stdout);
    let mask = ignored.stdout.trim_start_matches("SigIgn:").trim();
    let mask = u64::from_str_radix(mask, 16).expect("a mask");
    // The standard signals, 1 to 31 (signal(7)): those of real time belong to the C library.
    assert_eq!(mask & 0x7fff_ffff, 0, "{mask:x}");

    // Files, both ways.
    let sent = person.client.path().join("sent");
    let content: Vec<u8> = (0..200_000_u32).map(|byte| (byte % 251) as u8).collect();
    std::fs::write(&sent, &content).expect("written");
    let back = person.client.path().join("back");
    let batch = format!(
        "put {} kept\nget kept {}\npwd\n",
        sent.display(),
        back.display()
    );
    let talked = person.fed("sftp", &["-b", "-", &host], &batch).expect(0);
    assert!(
        talked
            .stdout
            .contains("Remote working directory: /home/alice\n")
    );
    assert_eq!(std::fs::read(&back).expect("there"), content);
    let copy = format!("{host}:{project}/copied");
    Ended::run(&mut person.client("scp", &["-q", &sent.to_string_lossy(), &copy])).expect(0);
    assert_eq!(
        std::fs::read(shop.root().join("copied")).expect("there"),
        content
    );
    std::fs::remove_file(shop.root().join("copied")).expect("removed");

    // Keys alone open it.
    for options in [
        &["-o", "PubkeyAuthentication=no"][..],
        &[
            "-o",
            "PreferredAuthentications=password,keyboard-interactive",
        ],
        &[
            "-o",
            "IdentityFile=/dev/null",
            "-o",
            "PreferredAuthentications=none",
        ],
    ] {
        let refused = person
            .ssh(&[options, &[&host, "true"]].concat())
            .expect(255);
        refused.says("Permission denied (publickey)");
    }
    let stranger = Person::without_key();
    std::fs::copy(person.settings(), stranger.settings()).expect("copied");
    let settings = std::fs::read_to_string(person.settings()).expect("read");
    let theirs = settings.replace(
        &*person.key().to_string_lossy(),
        &stranger.key().to_string_lossy(),
    );
    std::fs::write(stranger.settings(), theirs).expect("written");
    stranger
        .ssh(&[&host, "true"])
        .expect(255)
        .says("Permission denied (publickey)");

    // Nothing that opens anything is in what the engine tells, or in what runs there.
    let inspected = docker(&["inspect", &name]).expect(0).stdout;
    let key = std::fs::read_to_string(person.key()).expect("read");
    let public = std::fs::read_to_string(person.key().with_extension("pub")).expect("read");
    let host_key = person.state().join("host-keys/ssh_host_ed25519_key");
    let host_key = std::fs::read_to_string(host_key).expect("made at the first start");
    for secret in [&key, &host_key] {
        let line = secret.lines().nth(1).expect("a key");
        assert!(!inspected.contains(line) && !lines.stdout.contains(line));
    }
    assert!(!inspected.contains(public.split(' ').nth(1).expect("a key")));

    // It listens on this machine alone, and is not started again by what runs beside it.
    let port = port_of(&person);
    let listening = Ended::run(Command::new("cat").args(["/proc/net/tcp", "/proc/net/tcp6"]));
    let number: u16 = port.parse().expect("a port");
    let places: Vec<&str> = (listening.stdout.lines())
        .filter(|line| line.contains(&format!(":{number:04X} 00000000:0000 0A")))
        .chain(
            (listening.stdout.lines())
                .filter(|line| line.contains(&format!(":{number:04X} 000000000000"))),
        )
        .collect();
    assert_eq!(places.len(), 1, "{places:?}");
    assert!(places[0].contains("0100007F:"), "{places:?}");
    let listed = shop.envtpl(&["ps"]).expect(0);
    assert!(
        listed.stdout.contains(&format!("ssh=127.0.0.1:{port}")),
        "{}",
        listed.stdout
    );
    shop.envtpl(&["exec", "true"]).expect(0).silent();

    // The port is its own: nobody else gets it, and the next start tells the same lines.
    let option = format!("--ssh={port}");
    Ended::run(&mut person.envtpl(&shop, &["dev", &option, "true"]))
        .expect(125)
        .says(&format!(
            "port {port} of 127.0.0.1 is taken by the container {name}"
        ));
    let again = Ended::run(&mut person.envtpl(&shop, &["dev", "--up", "--ssh"])).expect(0);
    assert!(
        again.stderr.contains(&format!("    Port {port}\n")),
        "{}",
        again.stderr
    );

    // Stopping it takes no time, and a new one is known by the same key.
    docker(&["stop", &name]).expect(0);
    let status = docker(&["inspect", "--format={{.State.ExitCode}}", &name]).expect(0);
    assert_eq!(
        status.stdout, "129\n",
        "it was not killed after the grace period"
    );
    Ended::run(&mut person.envtpl(&shop, &["dev", "--up"])).expect(0);
    person.ssh(&[&host, "true"]).expect(0);
    shop.envtpl(&["down"]).expect(0);
    let up = Ended::run(&mut person.envtpl(&shop, &["dev", "--up", "--ssh"])).expect(0);
    assert_eq!(person.learn(&up.stderr), host);
    person.ssh(&[&host, "true"]).expect(0);
    shop.envtpl(&["down"]).expect(0);
}

#[test]
fn two_containers_at_once_have_a_port_each_and_one_key() {
    let _turn = turn();
    let shop = shop();
    // One of them with a network of its own.
    let apart = shop.cloned("ssh-apart");
    apart.set("IMAGE_NAME", &shop.image);
    let compose = apart.read("compose.yaml");
    let without = compose.replace("    network_mode: host\n    ipc: host\n", "");
    assert_ne!(compose, without);
    apart.write("compose.yaml", &without);
    give_to_alice(apart.root());
    let person = Person::new();
    // The second has a client of its own, and the first one's key.
    let other = Person::without_key();
    for file in ["key", "key.pub"] {
        let of = |person: &Person| person.client.path().join(file);
        std::fs::copy(of(&person), of(&other)).expect("copied");
    }

    let talk = person.client.path().join("talk");
    let command = ["dev", "--ssh", "sleep", "infinity"];
    let first = Running::start(person.envtpl(&shop, &command), &talk);
    let host = person.learn(&first.told());
    let talk = other.client.path().join("talk");
    let second = Running::start(person.envtpl(&apart, &command), &talk);
    let other_host = other.learn(&second.told());
    assert_ne!(port_of(&person), port_of(&other));
    eventually("the first lets in", SOON, || {
        person.ssh(&[&host, "true"]).status == 0
    });
    eventually("the second lets in", SOON, || {
        other.ssh(&[&other_host, "true"]).status == 0
    });

    // A port of its own network is reached through ssh alone.
    let serve = "cd /opt/envtpl && exec python -m http.server --bind 127.0.0.1 18473";
    let mut server = other.client("ssh", &["-tt", &other_host, serve]);
    let server = server.stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Killed(server.spawn().expect("ssh runs"));
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let free = free.expect("a port").port();
    let forward = format!("127.0.0.1:{free}:127.0.0.1:18473");
    let mut forwarding = other.client("ssh", &["-N", "-L", &forward, &other_host]);
    let forwarding = forwarding.stderr(Stdio::null());
    let _forwarding = Killed(forwarding.spawn().expect("ssh runs"));
    let get = format!(
        "import urllib.request as u; print(u.urlopen('http://127.0.0.1:{free}/image.conf').read())"
    );
    let fetched = || Ended::run(Command::new("python3").args(["-c", &get]));
    eventually("the page comes", SOON, || {
        fetched().stdout.contains("PROJECT_KEY")
    });

    // `docker stop` ends each at once, with the signal's own status.
    for (running, person) in [(first, &person), (second, &other)] {
        let (status, took) = running.stop(person);
        // Of SIGHUP, which dev services are stopped with.
        assert_eq!(status, 129);
        assert!(took < 5_000, "{took} ms");
    }

    // What ended is written down, and has its server again.
    let runs = shop.envtpl(&["runs", "--format", "json"]).expect(0).json();
    let port = format!("ssh=127.0.0.1:{}", port_of(&person));
    let runs = runs.as_array().expect("runs");
    assert!(runs.iter().any(|run| run["ports"][0] == *port), "{runs:?}");
}

#[test]
fn a_key_that_only_the_agent_has_opens_it() {
    let _turn = turn();
    let shop = shop();
    let person = Person::without_key();
    let missing = Ended::run(&mut person.envtpl(&shop, &["dev", "--ssh", "true"]));
    missing
        .expect(125)
        .says("you have no ssh key")
        .says("`ssh-keygen -t ed25519`");

    let socket = person.client.path().join("agent");
    let mut agent = Command::new("ssh-agent");
    let agent = agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
    let _agent = Killed(agent.spawn().expect("an agent"));
    eventually("the agent listens", SOON, || socket.exists());
    let mut add = Command::new("ssh-add");
    Ended::run(add.arg(person.key()).env("SSH_AUTH_SOCK", &socket)).expect(0);
    std::fs::rename(person.key(), person.client.path().join("away")).expect("moved");

    let mut command = person.envtpl(&shop, &["dev", "--ssh", "sleep", "infinity"]);
    command.env("SSH_AUTH_SOCK", &socket);
    let running = Running::start(command, &person.client.path().join("talk"));
    let host = person.learn(&running.told());
    let with_agent = || {
        let mut ssh = person.client(
            "ssh",
            &["-A", "-o", "IdentitiesOnly=no", &host, "ssh-add -L"],
        );
        Ended::run(ssh.env("SSH_AUTH_SOCK", &socket))
    };
    eventually("it lets in", SOON, || with_agent().status == 0);
    // The agent came along.
    let public = std::fs::read_to_string(person.key().with_extension("pub")).expect("read");
    assert_eq!(with_agent().stdout, public);
    person.ssh(&[&host, "true"]).expect(255);
    running.stop(&person);
}

#[test]
fn whoever_a_container_runs_as_can_log_in() {
    let shop = shop();
    let person = Person::new();
    let keys = Alices::new(&[("authorized_keys", "")]);
    let public = person.key().with_extension("pub");
    std::fs::copy(public, keys.path().join("authorized_keys")).expect("copied");
    for (user, name, image) in [
        ("4242:4242", "user4242", "dev-latest-alice"),
        ("0:0", "root", "dev-latest-root"),
    ] {
        let container = format!("{}-{name}", shop.project);
        docker(&[
            "run",
            "--detach",
            "--rm",
            "--init",
            &format!("--name={container}"),
            &format!("--user={user}"),
            "--env=SKIP_INSTALL_PROJECT=1",
            "--env=SSH_SERVER=1",
            "--env=SSH_CONTAINER_ADDRESS=0.0.0.0",
            "--env=SSH_AUTHORIZED_KEYS_AT=/keys/authorized_keys",
            "--publish=127.0.0.1::2223",
            &keys.at("/keys:ro"),
            &shop.tag(image),
            "sleep",
            "infinity",
        ])
        .expect(0);
        let script = "/opt/envtpl/entrypoints/ssh-server.sh";
        let begun = Instant::now();
        while docker(&["exec", &container, "sh", script, "serves"]).status != 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "no server as {user}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let at = docker(&["port", &container, "2223"]).expect(0).stdout;
        let port = at.trim().rsplit(':').next().expect("a port").to_owned();
        let known = "UserKnownHostsFile=/dev/null";
        let settings = format!(
            "Host box\n    HostName 127.0.0.1\n    Port {port}\n    User {name}\n    IdentityFile {}\n    \
             BatchMode yes\n    StrictHostKeyChecking no\n    LogLevel ERROR\n",
            person.key().display()
        );
        std::fs::write(person.settings(), settings).expect("written");
        let uid = user.split(':').next().expect("a number");
        let found = person
            .ssh(&["-o", known, "box", "id -u; echo $HOME"])
            .expect(0);
        let home = if uid == "0" {
            "/root"
        } else {
            "/tmp/home-4242"
        };
        assert_eq!(found.stdout, format!("{uid}\n{home}\n"));
        let listed = person
            .fed("sftp", &["-o", known, "-b", "-", "box"], "pwd\n")
            .expect(0);
        assert!(listed.stdout.contains(home), "{}", listed.stdout);
        docker(&["stop", &container]).expect(0);
    }
}

#[test]
fn what_is_missing_for_a_server_is_one_line() {
    let without = entrypoint::shop();
    let keys = Alices::new(&[("authorized_keys", "")]);
    let start = |shop: &Workshop, image: &str, more: &[&str]| {
        let at = keys.at("/keys:ro");
        let image = shop.tag(image);
        let first = [
            "run",
            "--rm",
            "--env=SKIP_INSTALL_PROJECT=1",
            "--env=SSH_SERVER=1",
            &at,
        ];
        docker(&[&first[..], more, &[&image, "true"]].concat())
    };
    let named = "--env=SSH_AUTHORIZED_KEYS_AT=/keys/authorized_keys";
    let ended = start(&without, "dev-latest-alice", &[named]).expect(0);
    let ended = ended.says("add openssh-server to dependencies/apt-dev.txt, and build\n");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    start(
        &without,
        "dev-latest-alice",
        &[named, "--env=ENVTPL_STRICT=1"],
    )
    .expect(1);
    let shop = shop();
    let ended = start(&shop, "dev-latest-alice", &[]).expect(0);
    let ended = ended.says("/home/alice/.ssh/authorized_keys is not there");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let port = format!("--env=SSH_CONTAINER_PORT={port}");
    let ended = start(&shop, "dev-latest-alice", &[named, "--network=host", &port]).expect(0);
    let ended = ended
        .says("the ssh server did not start: ")
        .says("Address already in use");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    // A host key that cannot be kept is one of this container.
    let ended = start(
        &shop,
        "dev-latest-alice",
        &[named, "--env=SSH_HOST_KEYS_AT=/root/keys"],
    );
    let ended = ended
        .expect(0)
        .says("SSH_HOST_KEYS_AT=/root/keys cannot be used by user 1234");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn no_layer_of_an_image_has_ever_had_a_host_key() {
    let shop = shop();
    let script = r"
import io, sys, tarfile
names = []
with tarfile.open(fileobj=sys.stdin.buffer, mode='r|') as image:
    for layer in image:
        if layer.isfile() and layer.size > 1024:
            data = io.BytesIO(image.extractfile(layer).read())
            try:
                with tarfile.open(fileobj=data) as files:
                    names += files.getnames()
            except tarfile.ReadError:
                pass
print(len(names), [name for name in names if 'ssh_host_' in name], any(name.endswith('bin/sshd') for name in names))
";
    let mut save = Command::new("docker");
    let save = save
        .args(["save", &shop.tag("dev-latest-alice")])
        .stdout(Stdio::piped());
    let mut save = save.spawn().expect("docker runs");
    let image = save.stdout.take().expect("piped");
    let mut python = Command::new("python3");
    let found = Ended::run(python.args(["-c", script]).stdin(image)).expect(0);
    assert!(save.wait().expect("ends").success());
    assert!(found.stdout.contains(" [] True\n"), "{}", found.stdout);
}
