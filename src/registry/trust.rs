//! How much a registry is trusted: the engine's own settings.

use std::path::{Path, PathBuf};

use crate::files;
use crate::registry::Host;

/// Where the engine keeps certificates for single registries (Docker's documentation, "Verify
/// repository client with certificates").
const CERTIFICATES: &str = "/etc/docker/certs.d";

/// How much a registry is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// Whether it may speak without encryption, or with a certificate that nobody knows.
    pub insecure: bool,
    /// Files with certificates that count for it beside those of the machine.
    pub certificates: Vec<PathBuf>,
}

impl Trust {
    /// What the engine's directory says of a host, and whether the host is among those that its
    /// settings call insecure.
    pub fn of(host: &Host, insecure_hosts: &[String]) -> Self {
        Self {
            insecure: insecure_hosts.iter().any(|one| one == host.name()),
            certificates: certificates(&Path::new(CERTIFICATES).join(host.name())),
        }
    }
}

fn certificates(directory: &Path) -> Vec<PathBuf> {
    let mut found = files::list(directory).unwrap_or_default();
    found.retain(|path| path.extension().is_some_and(|end| end == "crt"));
    found
}
