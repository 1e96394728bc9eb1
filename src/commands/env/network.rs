//! How this machine reaches the network: what its environment and pip's configuration say.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files;

/// A setting found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name in `.env`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// Where it was found, in words.
    pub origin: String,
}

/// The variables of the environment that name a file of certificates.
const CERTIFICATES: [&str; 4] = [
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
];

/// What pip calls what `.env` calls otherwise.
const INDEXES: [(&str, &str); 2] = [
    ("PIP_INDEX_URL", "index-url"),
    ("PIP_EXTRA_INDEX_URL", "extra-index-url"),
];

/// Looks for certificates, proxies and package indexes that this machine is set up with.
///
/// # Errors
/// When a configuration file of pip is there and cannot be read.
pub fn look(environment: impl Fn(&str) -> Option<String>) -> Result<Vec<Found>> {
    let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
    let mut found = Vec::new();
    let configuration = PipConfiguration::read(environment)?;

    let certificates = CERTIFICATES
        .into_iter()
        .find_map(|name| Some((environment(name)?, name.to_owned())))
        .or_else(|| configuration.get("cert"));
    if let Some((path, origin)) = certificates
        && let Ok(path) = Path::new(&path).canonicalize()
        && let Some(path) = path.to_str()
        && !files::is_directory(Path::new(path))
    {
        found.push(Found {
            key: "CA_BUNDLE",
            value: path.to_owned(),
            origin,
        });
    }
    for key in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        let lower = key.to_lowercase();
        let set = [key.to_owned(), lower]
            .into_iter()
            .find_map(|name| Some((environment(&name)?, name)));
        if let Some((value, origin)) = set {
            found.push(Found { key, value, origin });
        }
    }
    for (key, name) in INDEXES {
        let set = environment(key)
            .map(|value| (value, key.to_owned()))
            .or_else(|| configuration.get(name));
        if let Some((value, origin)) = set {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push(Found { key, value, origin });
        }
    }
    Ok(found)
}

/// pip's configuration files, the one that counts most first.
struct PipConfiguration(Vec<(PathBuf, String)>);

impl PipConfiguration {
    fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut paths = Vec::new();
        let home = environment("HOME").map(PathBuf::from);
        paths.extend(environment("PIP_CONFIG_FILE").map(PathBuf::from));
        let configuration = environment("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| home.as_ref().map(|home| home.join(".config")));
        paths.extend(configuration.map(|directory| directory.join("pip/pip.conf")));
        paths.extend(home.map(|home| home.join(".pip/pip.conf")));
        paths.push("/etc/pip.conf".into());
        let mut read = Vec::new();
        for path in paths {
            if let Some(bytes) = files::read_if_exists(&path).unwrap_or_default() {
                read.push((path, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        Ok(Self(read))
    }

    /// The value of a key of the section `[global]`, and where it stands.
    fn get(&self, key: &str) -> Option<(String, String)> {
        self.0.iter().find_map(|(path, text)| {
            let value = global(text, key)?;
            Some((value, path.display().to_string()))
        })
    }
}

fn global(text: &str, wanted: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            inside = trimmed == "[global]";
        } else if inside
            && !trimmed.starts_with(['#', ';'])
            && let Some((key, value)) = trimmed.split_once(['=', ':'])
            && key.trim().replace('_', "-") == wanted
            && !value.trim().is_empty()
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_before_pips_configuration() {
        let directory = tempfile::tempdir().expect("a directory");
        let home = directory.path().canonicalize().expect("a path");
        let bundle = home.join("company ca.pem");
        std::fs::write(&bundle, "x").expect("written");
        std::fs::create_dir(home.join(".pip")).expect("created");
        std::fs::write(
            home.join(".pip/pip.conf"),
            format!(
                "[install]\ncert = no\n[global]\n# cert = no\ncert = {}\nindex_url: https://a/\n",
                bundle.display()
            ),
        )
        .expect("written");
        let home = home.to_str().expect("utf-8");
        let mut variables = vec![
            ("HOME", home),
            ("https_proxy", "http://proxy:3128"),
            ("HTTP_PROXY", ""),
            ("PIP_EXTRA_INDEX_URL", "https://b/"),
        ];
        let values = |variables: &[(&str, &str)]| -> Vec<(String, String)> {
            let get = |wanted: &str| {
                let found = variables.iter().find(|(name, _)| *name == wanted);
                found.map(|(_, value)| (*value).to_owned())
            };
            look(get)
                .expect("looked")
                .into_iter()
                .map(|found| (found.key.to_owned(), found.value))
                .collect()
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let bundle = bundle.to_str().expect("utf-8");
        let expected = [
            pair("CA_BUNDLE", bundle),
            pair("HTTPS_PROXY", "http://proxy:3128"),
            pair("PIP_INDEX_URL", "https://a/"),
            pair("PIP_EXTRA_INDEX_URL", "https://b/"),
        ];
        assert_eq!(values(&variables), expected);

        variables.push(("PIP_INDEX_URL", "https://c/"));
        // A file of certificates that is not there is worse than none.
        variables.push(("SSL_CERT_FILE", "/nonexistent/ca.pem"));
        let expected = [
            pair("HTTPS_PROXY", "http://proxy:3128"),
            pair("PIP_INDEX_URL", "https://c/"),
            pair("PIP_EXTRA_INDEX_URL", "https://b/"),
        ];
        assert_eq!(values(&variables), expected);
    }
}
