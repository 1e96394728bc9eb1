//! How this machine reaches the network, as an installation's `.env` and the environment say it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::Tools;
use crate::environment::sources::{Git, Mirrors};
use crate::error::Result;
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::network::{Login, Settings, base64};
use crate::project::Installation;

/// How this machine reaches the network. A person's file need not be there.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Paths in the settings start here.
    directory: PathBuf,
    settings: BTreeMap<String, String>,
}

impl Reach {
    /// Reads the settings of an installation.
    ///
    /// # Errors
    /// `Usage` when `.env` cannot be read as what it is.
    pub fn of(installation: &Installation) -> Result<Self> {
        let path = installation.path(".env");
        let settings = match files::read_text_if_exists(&path)? {
            Some(text) => Dotenv::parse(&path, &text)?.values(|name| std::env::var(name).ok()),
            None => BTreeMap::new(),
        };
        Ok(Self {
            directory: installation.directory().to_owned(),
            settings,
        })
    }

    /// A setting of the environment or of `.env`, unless it is empty.
    pub fn setting(&self, name: &str) -> Option<String> {
        let of_environment = std::env::var(name).ok();
        let value = of_environment.or_else(|| self.settings.get(name).cloned());
        value.filter(|value| !value.is_empty())
    }

    /// A setting of `.env`, else of the environment, unless it is empty: for what the environment
    /// sets for other reasons.
    pub fn own_setting(&self, name: &str) -> Option<String> {
        let own = self.settings.get(name).cloned();
        own.filter(|value| !value.is_empty())
            .or_else(|| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// The engine's command line.
    pub fn tools(&self) -> Tools {
        let setting = |name| self.own_setting(name);
        Tools::new(setting("DOCKER").as_deref(), setting("COMPOSE").as_deref())
    }

    /// The person's certificates and proxies, and no credentials.
    pub fn network(&self) -> Settings {
        let (http_proxy, https_proxy, no_proxy) = self.proxies();
        Settings {
            certificates: self.certificates(),
            http_proxy,
            https_proxy,
            no_proxy: no_proxy.unwrap_or_default(),
            ..Settings::default()
        }
    }

    /// The same, with the person's credentials for files.
    ///
    /// # Errors
    /// When netrc cannot be read.
    pub fn network_with_logins(&self) -> Result<Settings> {
        Ok(Settings {
            logins: self.logins()?,
            ..self.network()
        })
    }

    /// Where the settings say that packages are.
    pub fn mirrors(&self) -> Mirrors {
        let words = |name| self.own_setting(name).unwrap_or_default();
        let indexes = format!(
            "{} {}",
            words("PIP_INDEX_URL"),
            words("PIP_EXTRA_INDEX_URL")
        );
        Mirrors {
            indexes: indexes.split_whitespace().map(str::to_owned).collect(),
            apt: self.own_setting("APT_MIRROR"),
            apt_snapshot: self.own_setting("APT_SNAPSHOT"),
            conda: self.own_setting("CONDA_CHANNEL_ALIAS"),
        }
    }

    /// git with the same settings, for a repository; whether it may ask for a password.
    ///
    /// # Errors
    /// When netrc cannot be read.
    pub fn git(&self, url: &str, may_ask: bool) -> Result<Git> {
        let (http_proxy, https_proxy, no_proxy) = self.proxies();
        let named = [
            ("http_proxy", http_proxy),
            ("https_proxy", https_proxy),
            ("no_proxy", no_proxy),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let logins = self.logins()?;
        let login = Some(url)
            .filter(|url| url.starts_with("http"))
            .and_then(|url| Login::find(&logins, url));
        Ok(Git {
            authorization: login
                .map(|login| base64(format!("{}:{}", login.user, login.password).as_bytes())),
            certificates: self.certificates(),
            proxies: named.collect(),
            may_ask,
        })
    }

    fn certificates(&self) -> Option<PathBuf> {
        let named = self
            .own_setting("CA_BUNDLE")
            .or_else(|| self.setting("SSL_CERT_FILE"))?;
        Some(self.directory.join(named))
    }

    /// What `.env` says of proxies, else the environment in either spelling.
    fn proxies(&self) -> (Option<String>, Option<String>, Option<String>) {
        let of = |name: &str| {
            self.own_setting(name)
                .or_else(|| self.setting(&name.to_lowercase()))
        };
        (of("HTTP_PROXY"), of("HTTPS_PROXY"), of("NO_PROXY"))
    }

    /// Logins of the index settings' addresses, then of netrc.
    fn logins(&self) -> Result<Vec<Login>> {
        let mirrors = self.mirrors();
        let addresses = mirrors
            .indexes
            .iter()
            .chain(&mirrors.apt)
            .chain(&mirrors.conda);
        let mut logins: Vec<Login> = addresses.filter_map(|one| Login::of_address(one)).collect();
        let named = self
            .own_setting("NETRC_FILE")
            .or_else(|| self.setting("NETRC"));
        let path = match named {
            Some(named) => Some(self.directory.join(named)),
            None => std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".netrc")),
        };
        if let Some(path) = path
            && let Some(text) = files::read_text_if_exists(&path)?
        {
            logins.extend(Login::of_netrc(&text));
        }
        Ok(logins)
    }
}
