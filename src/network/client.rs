//! One HTTP client with this machine's certificates, proxies and credentials.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::config::RedirectAuthHeaders;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::network::forward::Forwarding;
use crate::network::login::Login;
use crate::network::names::Names;
use crate::network::proxy::is_direct;
use crate::secrets::without_user_information;

/// How long a server may say nothing at all.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(20);

/// Where distributions keep the certificates that the machine trusts.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// How the network is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// A file with the certificates to trust, in place of the machine's own.
    pub certificates: Option<PathBuf>,
    /// Files with certificates to trust as well.
    pub more_certificates: Vec<PathBuf>,
    /// The proxy for `http:` addresses.
    pub http_proxy: Option<String>,
    /// The proxy for `https:` addresses.
    pub https_proxy: Option<String>,
    /// Hosts that are reached without a proxy, as in `NO_PROXY`.
    pub no_proxy: String,
    /// User names and passwords.
    pub logins: Vec<Login>,
    /// Whether whatever certificate a server shows is good enough.
    pub unverified: bool,
}

/// An HTTP client; threads may share it.
#[derive(Debug)]
pub struct Client {
    direct: Agent,
    http: Option<Agent>,
    https: Option<Agent>,
    settings: Settings,
}

/// An answer whose body is still to be read.
pub struct Answer {
    /// Where in the file the body begins: what was asked for, or 0 when the server sends all.
    pub from: u64,
    /// The length of the whole file, where the server says it.
    pub length: Option<u64>,
    /// The body.
    pub body: Box<dyn Read + Send>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In a few words, without the address.
    pub why: String,
    /// The server's answer, when it gave one.
    pub status: Option<u16>,
    /// Whether another attempt may go better.
    pub may_pass: bool,
    /// Whether no server was reached at all.
    pub unreachable: bool,
}

impl Failure {
    /// One that another attempt may not have.
    pub fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            status: None,
            may_pass: true,
            unreachable: false,
        }
    }

    /// That no server answered.
    pub(super) fn without_answer(error: &ureq::Error) -> Self {
        Self {
            may_pass: !matches!(error, ureq::Error::HostNotFound | ureq::Error::BadUri(_)),
            unreachable: true,
            ..Self::passing(reason(error))
        }
    }

    /// One that every attempt would have.
    pub fn lasting(why: impl Into<String>) -> Self {
        Self {
            may_pass: false,
            ..Self::passing(why)
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// `Usage` when the file with certificates or a proxy's address cannot be read.
    pub fn new(settings: Settings) -> Result<Self> {
        let certificates = certificates(&settings)?;
        let names = Names::default();
        let config = |proxy: Option<Proxy>| {
            Agent::config_builder()
                .http_status_as_error(false)
                .user_agent(concat!("envtpl/", env!("CARGO_PKG_VERSION")))
                .accept_encoding("identity")
                .redirect_auth_headers(RedirectAuthHeaders::Never)
                .timeout_connect(Some(CONNECT))
                .timeout_recv_response(Some(SILENCE))
                .timeout_per_read(Some(SILENCE))
                .max_idle_connections(64)
                .max_idle_connections_per_host(32)
                .tls_config(
                    TlsConfig::builder()
                        .root_certs(certificates.clone())
                        .disable_verification(settings.unverified)
                        .build(),
                )
                .proxy(proxy)
                .build()
        };
        let agent = |proxy: Option<Proxy>| {
            let connector = Forwarding::new(config(None));
            Agent::with_parts(config(proxy), connector, names.clone())
        };
        let through = |name: &str, address: &Option<String>| -> Result<Option<Agent>> {
            match address.as_deref().filter(|address| !address.is_empty()) {
                None => Ok(None),
                Some(address) => Proxy::new(address)
                    .map(|proxy| Some(agent(Some(proxy))))
                    .map_err(|_| {
                        Error::usage(format!("{name} is no address of a proxy"))
                            .help("it looks like http://proxy.example:3128")
                    }),
            }
        };
        Ok(Self {
            direct: agent(None),
            http: through("HTTP_PROXY", &settings.http_proxy)?,
            https: through("HTTPS_PROXY", &settings.https_proxy)?,
            settings,
        })
    }

    /// Asks for a file from a place in it on. An address may carry a user name and a password;
    /// no failure shows them.
    ///
    /// # Errors
    /// When no server answers, or it answers that there is no such file.
    pub fn get(&self, address: &str, from: u64) -> std::result::Result<Answer, Failure> {
        self.ask(address, from, "*/*")
    }

    /// As [`Self::get`] for a whole text of a kind (`Accept`); not more than `limit` bytes are read.
    ///
    /// # Errors
    /// As [`Self::get`], and when it is too long.
    pub fn text(
        &self,
        address: &str,
        accept: &str,
        limit: u64,
    ) -> std::result::Result<String, Failure> {
        let answer = self.ask(address, 0, accept)?;
        let mut bytes = Vec::new();
        let read = answer.body.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|source| Failure::passing(source.to_string()))?;
        if bytes.len() as u64 > limit {
            return Err(Failure::lasting("the answer is too long"));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn ask(&self, address: &str, from: u64, accept: &str) -> std::result::Result<Answer, Failure> {
        let bare = without_user_information(address);
        let mut request = self.agent(&bare).get(&bare).header("accept", accept);
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let own = Login::of_address(address);
        if let Some(login) = own
            .as_ref()
            .or_else(|| Login::find(&self.settings.logins, &bare))
        {
            let pair = format!("{}:{}", login.user, login.password);
            request = request.header(
                "authorization",
                format!("Basic {}", base64(pair.as_bytes())),
            );
        }
        let answer = request
            .call()
            .map_err(|error| Failure::without_answer(&error))?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        let total =
            header("content-range").and_then(|range| range.rsplit('/').next()?.parse().ok());
        let length = header("content-length").and_then(|length| length.parse::<u64>().ok());
        let (from, length) = match status {
            206 => {
                let began = header("content-range").and_then(|range| first_byte(&range));
                (
                    began.unwrap_or(from),
                    total.or(length.map(|length| length + from)),
                )
            }
            200..300 => (0, length),
            _ => {
                return Err(Failure {
                    why: format!("the server answers {}", answer.status()),
                    status: Some(status),
                    may_pass: status >= 500 || matches!(status, 408 | 425 | 429),
                    unreachable: false,
                });
            }
        };
        let body = answer
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        Ok(Answer {
            from,
            length,
            body: Box::new(body),
        })
    }

    /// What asks a server: past the proxy or through it.
    pub(super) fn agent(&self, address: &str) -> &Agent {
        let proxied = match address.starts_with("https:") {
            true => &self.https,
            false => &self.http,
        };
        match proxied {
            Some(agent) if !is_direct(address, &self.settings.no_proxy) => agent,
            _ => &self.direct,
        }
    }
}

/// The certificates to trust: those named, else the machine's, else those of the program.
fn certificates(settings: &Settings) -> Result<RootCerts> {
    let named = settings.certificates.as_deref();
    let machine = BUNDLES.iter().map(std::path::Path::new);
    let mut found = Vec::new();
    if let Some(path) = named.or_else(|| machine.into_iter().find(|path| files::exists(path))) {
        let bytes = files::read(path).map_err(|error| error.with_kind(Kind::Usage))?;
        found = in_pem(&bytes);
        if found.is_empty() {
            return Err(Error::usage("there is no certificate in the file of certificates")
                .at(Place::file(path))
                .help("CA_BUNDLE in .env and SSL_CERT_FILE name a PEM file with all certificates to trust"));
        }
    }
    for path in &settings.more_certificates {
        found.extend(in_pem(&files::read(path)?));
    }
    if found.is_empty() {
        return Ok(RootCerts::WebPki);
    }
    Ok(RootCerts::from(found))
}

fn in_pem(bytes: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(bytes).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    items.collect()
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Timeout(_) => "nothing comes from the server".to_owned(),
        ureq::Error::BadUri(_) => "this is no address".to_owned(),
        ureq::Error::ConnectProxyFailed(why) => format!("the proxy refuses: {why}"),
        error => error.to_string(),
    }
}

/// The first byte that `Content-Range: bytes 5-9/10` announces (RFC 9110, section 14.4).
fn first_byte(range: &str) -> Option<u64> {
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// RFC 4648, section 4.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_of_a_range_is_read() {
        assert_eq!(first_byte("bytes 5-9/10"), Some(5));
    }

    #[test]
    fn a_wrong_proxy_and_a_bundle_without_certificates_are_told() {
        let settings = Settings {
            https_proxy: Some("nonsense://x y".into()),
            ..Settings::default()
        };
        assert!(
            Client::new(settings)
                .expect_err("refused")
                .to_string()
                .contains("HTTPS_PROXY")
        );
        let settings = Settings {
            certificates: Some("/dev/null".into()),
            ..Settings::default()
        };
        assert_eq!(
            Client::new(settings).expect_err("refused").kind(),
            Kind::Usage
        );
    }
}
