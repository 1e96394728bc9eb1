//! Certificates that this machine trusts and a fresh image would not know.

use std::path::{Path, PathBuf};

use super::Machine;

/// Where distributions keep the certificates that an administrator added, and the bundle that
/// holds them all.
const SYSTEMS: [(&str, &str); 3] = [
    (
        "/usr/local/share/ca-certificates",
        "/etc/ssl/certs/ca-certificates.crt",
    ),
    (
        "/etc/pki/ca-trust/source/anchors",
        "/etc/pki/tls/certs/ca-bundle.crt",
    ),
    ("/etc/pki/trust/anchors", "/etc/ssl/ca-bundle.pem"),
];

/// What tells programs to trust other certificates than they come with.
const VARIABLES: [&str; 6] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
];

/// A sign that this machine trusts certificates of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateHint {
    /// Who says so: a variable, a file.
    pub origin: String,
    /// The bundle of certificates to trust.
    pub bundle: PathBuf,
}

/// The signs that were found, strongest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The signs.
    pub hints: Vec<CertificateHint>,
}

impl Machine {
    /// Signs that this machine trusts certificates that the base images do not: added by an
    /// administrator, or named in the person's environment or in pip's configuration.
    /// Naming the distribution's own bundle, to which nobody added anything, is no such sign.
    pub fn certificates(&self, environment: impl Fn(&str) -> Option<String>) -> Certificates {
        let added: Vec<(&str, PathBuf)> = SYSTEMS
            .into_iter()
            .filter(|(directory, bundle)| !self.names(directory).is_empty() && self.has(bundle))
            .map(|(directory, bundle)| (directory, PathBuf::from(bundle)))
            .collect();
        let ordinary = |path: &Path| {
            added.is_empty() && SYSTEMS.iter().any(|(_, bundle)| path == Path::new(bundle))
        };

        let mut hints = Vec::new();
        for name in VARIABLES {
            if let Some(value) = environment(name).filter(|value| !value.is_empty()) {
                hints.push(CertificateHint {
                    origin: format!("the variable {name}"),
                    bundle: value.into(),
                });
            }
        }
        for file in pip_configurations(&environment) {
            let text = self.text(&file.to_string_lossy());
            if let Some(bundle) = text.as_deref().and_then(pip_certificate) {
                hints.push(CertificateHint {
                    origin: format!("`cert` in {}", file.display()),
                    bundle: bundle.into(),
                });
            }
        }
        for (directory, bundle) in &added {
            hints.push(CertificateHint {
                origin: format!("certificates in {directory}"),
                bundle: bundle.clone(),
            });
        }
        hints.retain(|hint| !ordinary(&hint.bundle));
        Certificates { hints }
    }

    /// Whether there is a file with at least one certificate.
    pub fn is_certificate_bundle(&self, path: &Path) -> bool {
        self.text(&path.to_string_lossy())
            .is_some_and(|text| text.contains("-----BEGIN") && text.contains("CERTIFICATE-----"))
    }
}

/// pip's configuration files, the strongest first (pip documentation, "Configuration").
fn pip_configurations(environment: &impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if let Some(file) = environment("PIP_CONFIG_FILE") {
        files.push(PathBuf::from(file));
    }
    if let Some(home) = environment("HOME").map(PathBuf::from) {
        let configuration =
            environment("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
        files.push(configuration.join("pip/pip.conf"));
        files.push(home.join(".pip/pip.conf"));
    }
    files.push("/etc/xdg/pip/pip.conf".into());
    files.push("/etc/pip.conf".into());
    files
}

/// `cert` of a pip configuration (INI: sections in brackets, `key = value`).
fn pip_certificate(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(['=', ':'])?;
        (key.trim() == "cert" && !value.trim().is_empty()).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::fake::machine;
    use super::*;

    const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn an_administrators_certificate_counts() {
        let (_root, machine) = machine(&[
            (BUNDLE, "-----BEGIN CERTIFICATE-----\n"),
            ("/usr/local/share/ca-certificates/lab.crt", "x"),
        ]);
        let found = machine.certificates(nothing);
        assert_eq!(found.hints.len(), 1);
        assert_eq!(found.hints[0].bundle, Path::new(BUNDLE));
        assert!(machine.is_certificate_bundle(Path::new(BUNDLE)));
        assert!(!machine.is_certificate_bundle(Path::new("/etc/none.pem")));
    }

    #[test]
    fn naming_the_ordinary_bundle_means_nothing() {
        let (_root, machine) = machine(&[(BUNDLE, "x")]);
        let variable = |name: &str| (name == "SSL_CERT_FILE").then(|| BUNDLE.to_owned());
        assert_eq!(machine.certificates(variable), Certificates::default());
    }

    #[test]
    fn a_bundle_of_ones_own_counts_wherever_it_is_named() {
        let (_root, machine) = machine(&[(
            "/home/joe/.config/pip/pip.conf",
            "[global]\ntimeout = 60\ncert = /opt/ca.pem\n",
        )]);
        let found = machine.certificates(|name| match name {
            "HOME" => Some("/home/joe".into()),
            "REQUESTS_CA_BUNDLE" => Some("/opt/other.pem".into()),
            _ => None,
        });
        let found: Vec<_> = found
            .hints
            .iter()
            .map(|hint| (hint.origin.as_str(), hint.bundle.to_str().expect("text")))
            .collect();
        assert_eq!(
            found,
            [
                ("the variable REQUESTS_CA_BUNDLE", "/opt/other.pem"),
                ("`cert` in /home/joe/.config/pip/pip.conf", "/opt/ca.pem"),
            ]
        );
    }
}
