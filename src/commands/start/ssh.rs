//! `--ssh`: an ssh server in the container, which only the person's own keys open.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::commands::start::launch::Launch;
use crate::commands::start::ports::{Asked, from_here, open};
use crate::commands::start::{person, prerequisites};
use crate::error::{Error, Result};
use crate::files;
use crate::output::Printer;
use crate::process::Invocation;

/// What the server is called in labels and in lists.
pub const SSH: &str = "ssh";

/// Its port in a container with a network of its own.
const PORT_INSIDE: u16 = 2223;

/// Where the container finds the public keys that may log in.
const KEYS_INSIDE: &str = "/run/envtpl/ssh";

/// Where it keeps the key by which the server is known.
const HOST_KEYS_INSIDE: &str = "/run/envtpl/ssh-host-keys";

/// The name of the server's key in `known_hosts`, as ssh-server.sh writes it.
const HOST_KEY_ALIAS: &str = "envtpl";

/// Keys that ssh tries by itself (ssh_config(5), `IdentityFile`).
const DEFAULT_KEYS: [&str; 6] = [
    "id_rsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_dsa",
];

/// Gives the container of a start an ssh server, and says how it is reached.
///
/// # Errors
/// `NotReady` when the person has no key, or the port is taken; `Usage` when the installation or
/// the engine cannot have one.
pub fn add_ssh(launch: &mut Launch<'_>, asked: Asked) -> Result<()> {
    let elsewhere = "where your keys are not";
    prerequisites::check(&launch.workplace, SSH, "ssh-server.sh", elsewhere)?;
    let place = Directories::of(launch)?;
    let keys = renew_keys(launch, &place)?;
    let opened = open(launch, SSH, asked, PORT_INSIDE)?;
    launch.adapt(|adapted| {
        let port = opened.listens.port().to_string();
        let address = opened.listens.ip().to_string();
        let file = format!("{KEYS_INSIDE}/{AUTHORIZED_KEYS}");
        let variables = [
            ("SSH_SERVER", "1"),
            ("SSH_CONTAINER_ADDRESS", &address),
            ("SSH_CONTAINER_PORT", &port),
            ("SSH_AUTHORIZED_KEYS_AT", &file),
            ("SSH_HOST_KEYS_AT", HOST_KEYS_INSIDE),
        ];
        adapted.set_variables(variables.into_iter());
        adapted.mount(&place.login, KEYS_INSIDE, true);
        adapted.mount(&place.host_keys, HOST_KEYS_INSIDE, false);
    });
    tell(launch, &place, &keys, opened.reached);
    Ok(())
}

/// Lets the person's keys of today into a container that has its server already, and says how it
/// is reached.
///
/// # Errors
/// `NotReady` when the person has no key.
pub fn renew_ssh(launch: &Launch<'_>, reached: SocketAddr) -> Result<()> {
    let place = Directories::of(launch)?;
    let keys = renew_keys(launch, &place)?;
    tell(launch, &place, &keys, reached);
    Ok(())
}

/// Whether the server of a container whose set-up is through listens.
///
/// # Errors
/// When the engine cannot be asked.
pub fn answers_by_ssh(launch: &Launch<'_>, name: &str) -> Result<bool> {
    let script = "/opt/envtpl/entrypoints/ssh-server.sh";
    let docker = launch.workplace.compose.tools().docker();
    let listens = docker
        .args(["exec", name, "sh", script, "serves"])
        .capture(&launch.workplace.context.printer)?;
    Ok(listens.status.success())
}

/// What the server needs, in the person's own directories.
struct Directories {
    /// Holds the public keys that may log in.
    login: PathBuf,
    /// Holds the key by which all servers of the person are known.
    host_keys: PathBuf,
}

/// The file of the public keys.
const AUTHORIZED_KEYS: &str = "authorized_keys";

impl Directories {
    /// They are below `$XDG_STATE_HOME` (XDG Base Directory Specification).
    fn of(launch: &Launch<'_>) -> Result<Self> {
        let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
        let state = named
            .filter(|path| path.is_absolute())
            .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
            .ok_or_else(|| Error::usage("`HOME` is not set").help("set it to your home"))?;
        let ours = state.join("envtpl/ssh");
        let found = Self {
            login: ours.join("logins").join(&launch.workplace.model.name),
            host_keys: ours.join("host-keys"),
        };
        if !launch.workplace.context.dry_run {
            files::make_private_directory(&ours)?;
            files::make_directory(&found.login)?;
            files::make_private_directory(&found.host_keys)?;
        }
        Ok(found)
    }

    fn known_hosts(&self) -> PathBuf {
        self.host_keys.join("known_hosts")
    }
}

/// Writes down which keys may log in.
fn renew_keys(launch: &Launch<'_>, place: &Directories) -> Result<Keys> {
    let keys = Keys::of_person(&launch.workplace.context.printer)?;
    if !launch.workplace.context.dry_run {
        let lines: String = keys.lines.iter().map(|line| format!("{line}\n")).collect();
        files::keep_readable(&place.login.join(AUTHORIZED_KEYS), lines.as_bytes())?;
    }
    Ok(keys)
}

/// The person's keys.
#[derive(Debug, Default)]
struct Keys {
    /// Public keys, as in `authorized_keys`.
    lines: BTreeSet<String>,
    /// Private ones that ssh does not try unless it is told to.
    files: Vec<PathBuf>,
}

impl Keys {
    /// Those of the agent and of `~/.ssh/*.pub`; for who came by ssh, also those that they can come
    /// with.
    fn of_person(printer: &Printer) -> Result<Self> {
        let mut keys = Self::default();
        if std::env::var_os("SSH_AUTH_SOCK").is_some() {
            // An agent that is gone, or empty, has no keys.
            match Invocation::new("ssh-add").arg("-L").capture(printer) {
                Ok(listed) => keys.add(&listed.text()),
                Err(error) => printer.verbose(error),
            }
        }
        let directory = std::env::home_dir().unwrap_or_default().join(".ssh");
        if files::is_directory(&directory) {
            for path in files::list(&directory)? {
                if path.extension().is_some_and(|end| end == "pub") {
                    keys.add_file(&path);
                }
            }
            if person::came_by_ssh().is_some() {
                keys.add_file(&directory.join("authorized_keys"));
            }
        }
        if keys.lines.is_empty() {
            return Err(
                Error::not_ready("you have no ssh key, and nothing else opens the server")
                    .help("make one: `ssh-keygen -t ed25519`")
                    .help("or have yours in the agent here: `ssh-add`, or come with `ssh -A`"),
            );
        }
        Ok(keys)
    }

    /// A file that cannot be read has no keys.
    fn add_file(&mut self, path: &Path) {
        let Ok(bytes) = files::read(path) else { return };
        self.add(&String::from_utf8_lossy(&bytes));
        let private = path.with_extension("");
        let name = private.file_name().unwrap_or_default().to_string_lossy();
        let is_pub = path.extension().is_some_and(|end| end == "pub");
        if is_pub && !DEFAULT_KEYS.contains(&&*name) && files::exists(&private) {
            self.files.push(private);
        }
    }

    /// Adds the lines that are public keys without any condition.
    fn add(&mut self, text: &str) {
        let lines = text.lines().map(str::trim).filter(|line| is_key(line));
        self.lines.extend(lines.map(str::to_owned));
    }
}

/// Whether a line is a public key that servers of today accept (sshd(8), `AUTHORIZED_KEYS FILE
/// FORMAT`), without options before it.
fn is_key(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (Some(kind), Some(key)) = (words.next(), words.next()) else {
        return false;
    };
    let known = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];
    known.iter().any(|start| kind.starts_with(start))
        && kind != "ssh-dss"
        && !kind.contains("-cert-v")
        && key.starts_with("AAAA")
}

/// Who logs in: the user whom the container runs as.
fn user(launch: &Launch<'_>) -> String {
    let values = launch.settings.values(|name| std::env::var(name).ok());
    let setting = |name: &str| values.get(name).cloned().unwrap_or_default();
    let composed = launch.composed().ok();
    let composed = composed.and_then(|service| service.user.as_deref());
    match composed.map(|user| user.split(':').next().unwrap_or_default()) {
        None | Some("") => setting("USR"),
        Some("0") => "root".to_owned(),
        Some(number) if number == setting("USRID") => setting("USR"),
        // As home.sh calls somebody whom the image does not know.
        Some(number) if number.parse::<u32>().is_ok() => format!("user{number}"),
        Some(name) => name.to_owned(),
    }
}

/// Says what a person writes into `~/.ssh/config`.
fn tell(launch: &Launch<'_>, place: &Directories, keys: &Keys, reached: SocketAddr) {
    let printer = &launch.workplace.context.printer;
    let name = &launch.workplace.model.name;
    let here = rustix::system::uname();
    let here = here.nodename().to_string_lossy();
    let block = block(&Block {
        host: name,
        user: &user(launch),
        at: from_here(reached),
        known_hosts: &place.known_hosts(),
        keys: &keys.files,
        came: person::came_by_ssh(),
        here: &here,
        person: &person::name(),
    });
    let whose = if person::came_by_ssh().is_some() {
        " of the machine that you come from"
    } else {
        ""
    };
    printer.note(format_args!(
        "`ssh {name}` leads into it when these lines are in ~/.ssh/config{whose}:\n{block}"
    ));
}

/// What a block of `~/.ssh/config` is made of.
struct Block<'a> {
    host: &'a str,
    user: &'a str,
    at: SocketAddr,
    known_hosts: &'a Path,
    keys: &'a [PathBuf],
    came: Option<(String, String)>,
    /// The name of this machine.
    here: &'a str,
    /// Who is logged in on it.
    person: &'a str,
}

/// The block. On this machine ssh knows the server's key from a file; elsewhere it asks nothing the
/// first time, and knows it from then on by one name for all containers.
fn block(block: &Block<'_>) -> String {
    let mut lines = vec![
        format!("Host {}", block.host),
        format!("    HostName {}", block.at.ip()),
        format!("    Port {}", block.at.port()),
        format!("    User {}", block.user),
    ];
    if let Some((address, port)) = &block.came {
        let address = match address.contains(':') {
            true => format!("[{address}]"),
            false => address.clone(),
        };
        let port = match port.as_str() {
            "22" => String::new(),
            port => format!(":{port}"),
        };
        let alias = format!("{HOST_KEY_ALIAS}-{}-{}", block.here, block.person);
        lines.push(format!("    HostKeyAlias {alias}"));
        lines.push("    StrictHostKeyChecking accept-new".to_owned());
        lines.push("    # or as you call this machine there:".to_owned());
        lines.push(format!("    ProxyJump {}@{address}{port}", block.person));
    } else {
        lines.push(format!("    HostKeyAlias {HOST_KEY_ALIAS}"));
        let known_hosts = of_home(block.known_hosts);
        lines.push(format!("    UserKnownHostsFile {known_hosts}"));
        let keys = block.keys.iter().map(|key| of_home(key));
        lines.extend(keys.map(|key| format!("    IdentityFile {key}")));
    }
    lines.join("\n")
}

/// A path as ssh_config(5) reads it: `~` is the home, `%` begins a token.
fn of_home(path: &Path) -> String {
    let home = std::env::home_dir().unwrap_or_default();
    let text = match path.strip_prefix(&home) {
        Ok(below) => format!("~/{}", below.display()),
        Err(_) => path.display().to_string(),
    };
    let text = text.replace('%', "%%");
    match text.contains(char::is_whitespace) {
        true => format!("\"{text}\""),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0 alice@desk";

    #[test]
    fn only_keys_without_conditions_may_log_in() {
        let mut keys = Keys::default();
        keys.add(&format!(
            "# mine\n{KEY}\r\n{KEY}\nThe agent has no identities.\n\
             ssh-dss AAAAB3NzaC1kc3M old\nssh-ed25519\n\
             ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5 c\n\
             command=\"backup\" {KEY}\nsk-ssh-ed25519@openssh.com AAAAGnNrLXNza yubi\n"
        ));
        let lines: Vec<&str> = keys.lines.iter().map(String::as_str).collect();
        assert_eq!(
            lines,
            ["sk-ssh-ed25519@openssh.com AAAAGnNrLXNza yubi", KEY]
        );
    }

    #[test]
    fn a_private_key_that_ssh_does_not_try_by_itself_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut keys = Keys::default();
        for name in [
            "id_ed25519",
            "id_ed25519.pub",
            "work",
            "work.pub",
            "lent.pub",
        ] {
            let path = directory.path().join(name);
            files::keep_readable(&path, KEY.as_bytes()).expect("written");
            if name.ends_with(".pub") {
                keys.add_file(&path);
            }
        }
        assert_eq!(keys.files, [directory.path().join("work")]);
    }

    fn example<'a>(came: Option<(&str, &str)>) -> Block<'a> {
        Block {
            host: "digits-amd64-cpu-alice",
            user: "alice",
            at: "127.0.0.1:21043".parse().expect("an address"),
            known_hosts: Path::new("/state of 1 %/known_hosts"),
            keys: &[],
            came: came.map(|(address, port)| (address.to_owned(), port.to_owned())),
            here: "lab7",
            person: "al",
        }
    }

    #[test]
    fn on_this_machine_the_key_of_the_server_is_known() {
        assert_eq!(
            block(&example(None)),
            "Host digits-amd64-cpu-alice\n    HostName 127.0.0.1\n    Port 21043\n    User alice\n    \
             HostKeyAlias envtpl\n    UserKnownHostsFile \"/state of 1 %%/known_hosts\""
        );
    }

    #[test]
    fn who_came_by_ssh_jumps_over_this_machine() {
        let text = block(&example(Some(("10.0.0.7", "22"))));
        assert!(text.ends_with("    ProxyJump al@10.0.0.7"), "{text}");
        assert!(text.contains("    HostKeyAlias envtpl-lab7-al\n"), "{text}");
        assert!(!text.contains("UserKnownHostsFile"), "{text}");
        let text = block(&example(Some(("fe80::1", "2200"))));
        assert!(text.ends_with("    ProxyJump al@[fe80::1]:2200"), "{text}");
    }
}
