//! Ports of servers in a container: which one a person asks for, and whether it can be had.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::commands::start::launch::Launch;
use crate::error::{Error, Place, Result};
use crate::network::Port;

/// The label of a container that says which servers can be reached where:
/// `ssh=127.0.0.1:21043 jupyter=127.0.0.1:24210`.
pub const PORTS_LABEL: &str = "envtpl.ports";

/// Where ports are chosen from: above those of well-known services, and below those that Linux
/// gives to outgoing connections (`net.ipv4.ip_local_port_range`, from 32768).
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// How many ports are tried when the first is taken.
const TRIES: u16 = 100;

/// What a person asks for: `PORT`, `ADDRESS:PORT`, or nothing, which is any port of this machine
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The address of this machine to listen on.
    pub address: IpAddr,
    /// The port; any free one if none is named.
    pub port: Option<u16>,
}

impl Default for Asked {
    /// Only this machine reaches it.
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
        }
    }
}

impl Asked {
    /// Where a server was reached earlier, if that port is free now.
    pub fn again(reached: SocketAddr) -> Self {
        let port = (Port::at(reached) == Port::Free).then(|| reached.port());
        Self {
            address: reached.ip(),
            port,
        }
    }
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let own = Self::default();
        let (address, port) = match text.parse::<SocketAddr>() {
            Ok(both) => (both.ip(), both.port()),
            Err(_) => match text.parse() {
                Ok(port) => (own.address, port),
                Err(_) => {
                    return Err(
                        "it is neither a port nor ADDRESS:PORT (2222, 0.0.0.0:2222, \
                                [::1]:2222)"
                            .to_owned(),
                    );
                }
            },
        };
        if port == 0 {
            return Err(
                "ports are numbers from 1 to 65535; without one a free one is taken".into(),
            );
        }
        Ok(Self {
            address,
            port: Some(port),
        })
    }
}

/// A server's port, on both sides of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Where it is reached on this machine.
    pub reached: SocketAddr,
    /// Where the server has to listen in the container.
    pub listens: SocketAddr,
}

/// The address at which a program of this machine reaches a server.
pub fn from_here(reached: SocketAddr) -> SocketAddr {
    let own = match reached.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(own, reached.port())
}

/// Gives the container of a start a port at which a server in it, `ssh` say, is reached. Without a
/// network of its own the container has this machine's ports, and the server listens there itself;
/// else the port `inside` is published.
///
/// # Errors
/// `Usage` when the service has no network; `NotReady` when the port is taken, with who has it.
pub fn open(launch: &mut Launch<'_>, server: &str, asked: Asked, inside: u16) -> Result<Opened> {
    let mode = launch.composed()?.network_mode.clone().unwrap_or_default();
    if mode == "none" || mode.starts_with("container:") || mode.starts_with("service:") {
        let file = launch.workplace.compose.file();
        return Err(Error::usage(format!(
            "a server in `{}` cannot be reached: its `network_mode` is `{mode}`",
            launch.service
        ))
        .at(Place::file(&file))
        .help("with `network_mode: host`, or without any, it can"));
    }
    let port = match asked.port {
        Some(port) => {
            check(launch, server, SocketAddr::new(asked.address, port))?;
            port
        }
        None => choose(launch, server, asked.address)?,
    };
    let reached = SocketAddr::new(asked.address, port);
    let listens = if mode == "host" {
        reached
    } else {
        SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), inside)
    };
    let label = format!("{server}={reached}");
    launch.adapt(|adapted| {
        if listens != reached {
            adapted.publish(reached, inside);
        }
        adapted.add_label(PORTS_LABEL, &label);
    });
    launch.ports.push(label);
    Ok(Opened { reached, listens })
}

/// Refuses a command that is a port: `--ssh 2222` would start a program `2222`.
///
/// # Errors
/// `Usage`, with what was meant. `options` are those that were given without a value.
pub fn refuse_port_as_command(command: &[OsString], options: &[&str]) -> Result<()> {
    let first = command.first().and_then(|word| word.to_str());
    let (Some(first), Some(option)) = (first, options.last()) else {
        return Ok(());
    };
    if first.parse::<Asked>().is_err() {
        return Ok(());
    }
    Err(
        Error::usage(format!("`{first}` would be the command, and is a port"))
            .help(format!("a port follows an equals sign: `{option}={first}`")),
    )
}

/// Where a server is reached, as the words of [`PORTS_LABEL`] and of a run say.
pub fn reached(ports: &[impl AsRef<str>], server: &str) -> Option<SocketAddr> {
    let mut ports = ports
        .iter()
        .filter_map(|port| port.as_ref().split_once('='));
    ports.find(|(name, _)| *name == server)?.1.parse().ok()
}

/// Refuses a port that cannot be had.
fn check(launch: &Launch<'_>, server: &str, at: SocketAddr) -> Result<()> {
    if launch.workplace.engine_is_elsewhere() {
        return Ok(());
    }
    match Port::at(at) {
        Port::Free => Ok(()),
        Port::Taken => Err(Error::not_ready(format!(
            "port {} of {} is taken{}",
            at.port(),
            at.ip(),
            holder(launch, at).map_or_else(String::new, |name| format!(" by the container {name}"))
        ))
        .help(format!(
            "name another (`--{server}=PORT`), or none (`--{server}`) for one that is free"
        ))),
        Port::NoSuchAddress => Err(Error::usage(format!(
            "this machine does not have the address {}",
            at.ip()
        ))
        .help("`ip address` lists its own; 0.0.0.0 is all of them")),
        Port::ForRoot => Err(Error::usage(format!(
            "port {} is below 1024, where only root's servers may listen",
            at.port()
        ))
        .help("take a larger number")),
    }
}

/// The installation's own port for a server, which is the same at every start, or the next one that
/// is free.
fn choose(launch: &Launch<'_>, server: &str, address: IpAddr) -> Result<u16> {
    let workplace = &launch.workplace;
    let own = own_port(&[
        &workplace.model.name,
        &workplace.installation.directory().to_string_lossy(),
        server,
    ]);
    if workplace.engine_is_elsewhere() {
        return Ok(own);
    }
    for offset in 0..TRIES {
        let port = FIRST + (own - FIRST + offset) % COUNT;
        if Port::at(SocketAddr::new(address, port)) == Port::Taken {
            continue;
        }
        check(launch, server, SocketAddr::new(address, port))?;
        if port != own {
            let by = holder(launch, SocketAddr::new(address, own));
            workplace.context.printer.note(format_args!(
                "port {own}, the usual one of {} for {server}, is taken{}: it is {port} this time",
                workplace.installation.name(),
                by.map_or_else(String::new, |name| format!(" by the container {name}"))
            ));
        }
        return Ok(port);
    }
    Err(
        Error::not_ready(format!("the ports from {own} on are all taken"))
            .help(format!("name one that is free: `--{server}=PORT`")),
    )
}

/// A port of the range for what these words name.
fn own_port(words: &[&str]) -> u16 {
    let digest = Sha256::digest(words.join("\0"));
    let number = u16::from_be_bytes([digest[0], digest[1]]);
    FIRST + number % COUNT
}

/// The container of envtpl's that has a port. That it cannot be told is no reason to fail.
fn holder(launch: &Launch<'_>, at: SocketAddr) -> Option<String> {
    let tools = launch.workplace.compose.tools();
    let list = tools
        .docker()
        .arg("ps")
        .arg(format!("--filter=label={PORTS_LABEL}"))
        .arg(format!(
            "--format={{{{.Names}}}} {{{{.Label {PORTS_LABEL:?}}}}}"
        ));
    let listed = tools.read(&list, &launch.workplace.context.printer).ok()?;
    listed.lines().find_map(|line| {
        let (name, ports) = line.split_once(' ')?;
        has(ports, at).then(|| name.to_owned())
    })
}

/// Whether the words of a label tell of a server at a port, or at that of all addresses.
fn has(label: &str, at: SocketAddr) -> bool {
    let mut servers = label.split(' ').filter_map(|word| word.split_once('='));
    servers.any(|(_, address)| {
        address.parse::<SocketAddr>().is_ok_and(|known| {
            let meet =
                known.ip() == at.ip() || known.ip().is_unspecified() || at.ip().is_unspecified();
            meet && known.port() == at.port()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(text: &str) -> SocketAddr {
        text.parse().expect("an address with a port")
    }

    #[test]
    fn a_port_is_of_the_machine_itself_unless_an_address_is_named() {
        for (text, address) in [
            ("2222", "127.0.0.1:2222"),
            ("0.0.0.0:2222", "0.0.0.0:2222"),
            ("10.1.2.3:80", "10.1.2.3:80"),
            ("[::1]:65535", "[::1]:65535"),
        ] {
            let asked: Asked = text.parse().expect(text);
            let port = asked.port.expect("a port");
            assert_eq!(SocketAddr::new(asked.address, port), socket(address));
        }
        assert!(Asked::default().address.is_loopback());
        assert_eq!(Asked::default().port, None);
        for text in [
            "",
            "0",
            "127.0.0.1:0",
            "65536",
            "-1",
            "pytest",
            "::1:22",
            "localhost:22",
            "127.0.0.1",
        ] {
            assert!(text.parse::<Asked>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_in_the_place_of_the_command_is_refused() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let error = refuse_port_as_command(&words(&["2222"]), &["--ssh"]).expect_err("a port");
        assert!(
            error
                .helps()
                .iter()
                .any(|help| help.contains("`--ssh=2222`"))
        );
        assert!(refuse_port_as_command(&words(&["0.0.0.0:80"]), &["--ssh"]).is_err());
        for (command, options) in [
            (&["pytest", "2222"][..], &["--ssh"][..]),
            (&[], &["--ssh"]),
            (&["2222"], &[]),
        ] {
            refuse_port_as_command(&words(command), options).expect("a command");
        }
    }

    #[test]
    fn an_installation_keeps_its_ports() {
        let words = ["digits-amd64-cuda-alice", "/p/installation/amd64-cuda"];
        let ssh = own_port(&[words[0], words[1], "ssh"]);
        // Written down in people's ~/.ssh/config.
        assert_eq!(ssh, own_port(&[words[0], words[1], "ssh"]));
        assert_ne!(ssh, own_port(&[words[0], words[1], "jupyter"]));
        for server in 0..200 {
            let port = own_port(&[&server.to_string()]);
            assert!((FIRST..FIRST + COUNT).contains(&port));
        }
    }

    #[test]
    fn who_has_a_port_is_read_from_the_label() {
        let label = "ssh=127.0.0.1:21043 jupyter=0.0.0.0:24210";
        assert!(has(label, socket("127.0.0.1:21043")));
        assert!(has(label, socket("0.0.0.0:21043")));
        assert!(has(label, socket("127.0.0.1:24210")));
        assert!(!has(label, socket("10.0.0.1:21043")));
        assert!(!has(label, socket("127.0.0.1:2104")));
        assert!(!has("", socket("127.0.0.1:2104")));
    }

    #[test]
    fn a_server_is_found_among_those_of_a_container() {
        let ports = ["jupyter=127.0.0.1:24210", "ssh=[::1]:21043"];
        assert_eq!(reached(&ports, "ssh"), Some(socket("[::1]:21043")));
        assert_eq!(reached(&ports, "vnc"), None);
    }

    #[test]
    fn a_server_of_all_addresses_is_reached_here() {
        for (reached, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(from_here(socket(reached)), socket(expected));
        }
    }
}
