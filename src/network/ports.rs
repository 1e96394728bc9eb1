//! Ports of this machine.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

/// Whether a server could listen there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Nobody listens there.
    Free,
    /// Somebody does.
    Taken,
    /// This machine does not have the address.
    NoSuchAddress,
    /// Below 1024, which only root may use.
    ForRoot,
}

impl Port {
    /// Tries it. What the system refuses for another reason is for the server itself to tell.
    pub fn at(address: SocketAddr) -> Self {
        match TcpListener::bind(address).map_err(|error| error.kind()) {
            Err(ErrorKind::AddrInUse) => Self::Taken,
            Err(ErrorKind::AddrNotAvailable) => Self::NoSuchAddress,
            Err(ErrorKind::PermissionDenied) => Self::ForRoot,
            _ => Self::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_while_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        assert_eq!(Port::at(address), Port::Taken);
        drop(listener);
        assert_eq!(Port::at(address), Port::Free);
    }

    #[test]
    fn an_address_of_another_machine_is_told() {
        // RFC 5737: for documentation, nobody's.
        let address = "192.0.2.1:2222".parse().expect("an address");
        assert_eq!(Port::at(address), Port::NoSuchAddress);
    }
}
