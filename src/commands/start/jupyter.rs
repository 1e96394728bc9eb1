//! `--jupyter`: Jupyter in the container, and the link that opens it.

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;

use crate::commands::start::launch::Launch;
use crate::commands::start::ports::{Asked, from_here, open};
use crate::commands::start::{person, prerequisites};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::network::speaks_http;

/// What the server is called in labels and in lists.
pub const JUPYTER: &str = "jupyter";

/// Its port in a container with a network of its own.
const PORT_INSIDE: u16 = 8887;

/// Gives the container of a start a Jupyter. Its token is a new one each time, in a file of the
/// project that the person alone can read: one that was there could have come with the project.
///
/// # Errors
/// `NotReady` when the port is taken; `Usage` when the installation or the engine cannot have one.
pub fn add_jupyter(launch: &mut Launch<'_>, asked: Asked) -> Result<()> {
    let workplace = &launch.workplace;
    let elsewhere = "where the link would not lead to";
    prerequisites::check(workplace, JUPYTER, "jupyter.sh", elsewhere)?;
    let root = workplace.project.root();
    let Some(inside) = workplace.model.directory_inside(&launch.service, root) else {
        return Err(Error::usage(format!(
            "`{}` does not mount the project, whose notebooks Jupyter would show",
            launch.service
        ))
        .at(Place::file(workplace.compose.file())));
    };
    let opened = open(launch, JUPYTER, asked, PORT_INSIDE)?;
    renew_jupyter(launch, opened.reached)?;
    let inside = Path::new(&inside).join(files::STATE_DIRECTORY);
    let file = inside
        .join(token_file(opened.reached))
        .to_string_lossy()
        .into_owned();
    launch.adapt(|adapted| {
        let port = opened.listens.port().to_string();
        let address = opened.listens.ip().to_string();
        let variables = [
            ("JUPYTER_SERVER", "1"),
            ("JUPYTER_ADDRESS", &address),
            ("JUPYTER_PORT", &port),
            ("JUPYTER_TOKEN_FILE", &file),
        ];
        adapted.set_variables(variables.into_iter());
    });
    Ok(())
}

/// Writes down a new token for a Jupyter that does not run yet.
///
/// # Errors
/// When it cannot be written.
pub fn renew_jupyter(launch: &Launch<'_>, reached: SocketAddr) -> Result<()> {
    if launch.workplace.context.dry_run {
        return Ok(());
    }
    let mut random = [0; 24];
    let system = Path::new("/dev/urandom");
    (files::open(system)?.read_exact(&mut random))
        .map_err(|source| Error::io("read", system, source))?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let root = launch.workplace.project.root();
    files::keep(root, token_file(reached), token.as_bytes())
}

/// Says the link of a container's Jupyter, when it is true, and how another machine comes to it.
///
/// # Errors
/// When its token cannot be read.
pub fn tell_jupyter(launch: &Launch<'_>, reached: SocketAddr, when: &str) -> Result<()> {
    let context = launch.workplace.context;
    if context.dry_run {
        return Ok(());
    }
    let printer = &context.printer;
    let path = (launch.workplace.project.root())
        .join(files::STATE_DIRECTORY)
        .join(token_file(reached));
    let token = files::read_text(&path)?;
    let at = from_here(reached);
    printer.hand_over(format_args!("Jupyter{when}: http://{at}/?token={token}"));
    if !reached.ip().is_loopback() {
        printer.warn(format_args!(
            "other machines reach Jupyter at port {} too, and nothing that goes there is encrypted",
            reached.port()
        ));
    }
    if let Some((address, port)) = person::came_by_ssh() {
        let tunnel = tunnel(&address, &port, at, &person::name());
        printer.note(format_args!(
            "on the machine that you come from, first, or with this machine's name there: {tunnel}"
        ));
    }
    Ok(())
}

/// Whether a Jupyter, or another server of web pages, answers.
pub fn answers_jupyter(reached: SocketAddr) -> bool {
    speaks_http(from_here(reached))
}

/// The file of a token, below the project's state directory: Jupyter reads it to its last byte.
fn token_file(reached: SocketAddr) -> String {
    format!("jupyter/{}.token", reached.port())
}

/// The command by which the link leads here on the machine that somebody came from by ssh, to this
/// address and port.
fn tunnel(address: &str, port: &str, at: SocketAddr, person: &str) -> String {
    let port = match port {
        "22" => String::new(),
        other => format!("-p {other} "),
    };
    format!("ssh -N -L {}:{at} {port}{person}@{address}", at.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_leads_from_the_machine_of_the_person() {
        let at = "127.0.0.1:24210".parse().expect("an address");
        for (address, port, expected) in [
            (
                "192.0.2.7",
                "22",
                "ssh -N -L 24210:127.0.0.1:24210 al@192.0.2.7",
            ),
            (
                "2001:db8::7",
                "2200",
                "ssh -N -L 24210:127.0.0.1:24210 -p 2200 al@2001:db8::7",
            ),
        ] {
            assert_eq!(tunnel(address, port, at, "al"), expected);
        }
    }
}
