//! How this machine reaches the network, from `.env` and the environment.

use std::path::PathBuf;

use crate::commands::sources::scene::Scene;
use crate::environment::sources::{Git, Mirrors};
use crate::error::Result;
use crate::files;
use crate::network::{Client, Login, Settings, base64};

/// A client with the person's certificates, proxies and credentials.
///
/// # Errors
/// `Usage` when a setting names what cannot be read.
pub fn client(scene: &Scene<'_>) -> Result<Client> {
    let (http_proxy, https_proxy, no_proxy) = proxies(scene);
    Client::new(Settings {
        certificates: certificates(scene),
        http_proxy,
        https_proxy,
        no_proxy: no_proxy.unwrap_or_default(),
        logins: logins(scene)?,
    })
}

/// Where the settings say that packages are.
pub fn mirrors(scene: &Scene<'_>) -> Mirrors {
    let words = |name| scene.own_setting(name).unwrap_or_default();
    let indexes = format!(
        "{} {}",
        words("PIP_INDEX_URL"),
        words("PIP_EXTRA_INDEX_URL")
    );
    Mirrors {
        indexes: indexes.split_whitespace().map(str::to_owned).collect(),
        apt: scene.own_setting("APT_MIRROR"),
        apt_snapshot: scene.own_setting("APT_SNAPSHOT"),
        conda: scene.own_setting("CONDA_CHANNEL_ALIAS"),
    }
}

/// git with the same settings, for a repository.
///
/// # Errors
/// When netrc cannot be read.
pub fn git(scene: &Scene<'_>, url: &str) -> Result<Git> {
    let (http_proxy, https_proxy, no_proxy) = proxies(scene);
    let named = [
        ("http_proxy", http_proxy),
        ("https_proxy", https_proxy),
        ("no_proxy", no_proxy),
    ];
    let named = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let logins = logins(scene)?;
    let login = Some(url)
        .filter(|url| url.starts_with("http"))
        .and_then(|url| Login::find(&logins, url));
    Ok(Git {
        authorization: login
            .map(|login| base64(format!("{}:{}", login.user, login.password).as_bytes())),
        certificates: certificates(scene),
        proxies: named.collect(),
        may_ask: scene.context.printer.can_ask(),
    })
}

fn certificates(scene: &Scene<'_>) -> Option<PathBuf> {
    let named = scene
        .own_setting("CA_BUNDLE")
        .or_else(|| scene.setting("SSL_CERT_FILE"))?;
    Some(scene.installation.directory().join(named))
}

/// What `.env` says of proxies, else the environment in either spelling.
fn proxies(scene: &Scene<'_>) -> (Option<String>, Option<String>, Option<String>) {
    let of = |name: &str| {
        scene
            .own_setting(name)
            .or_else(|| scene.setting(&name.to_lowercase()))
    };
    (of("HTTP_PROXY"), of("HTTPS_PROXY"), of("NO_PROXY"))
}

/// Logins of the index settings' addresses, then of netrc.
fn logins(scene: &Scene<'_>) -> Result<Vec<Login>> {
    let mirrors = mirrors(scene);
    let addresses = mirrors
        .indexes
        .iter()
        .chain(&mirrors.apt)
        .chain(&mirrors.conda);
    let mut logins: Vec<Login> = addresses.filter_map(|one| Login::of_address(one)).collect();
    let named = scene
        .own_setting("NETRC_FILE")
        .or_else(|| scene.setting("NETRC"));
    let path = match named {
        Some(named) => Some(scene.installation.directory().join(named)),
        None => std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".netrc")),
    };
    if let Some(path) = path
        && let Some(text) = files::read_text_if_exists(&path)?
    {
        logins.extend(Login::of_netrc(&text));
    }
    Ok(logins)
}
