//! `http:` addresses through a proxy, which is asked for the whole address (RFC 9112, section
//! 3.2.2), as curl, pip and apt do it. The HTTP library asks for a tunnel instead, and proxies
//! commonly allow tunnels to port 443 alone.

use ureq::config::Config;
use ureq::http::uri::Scheme;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Error, Proxy, ProxyProtocol};

use crate::network::client::base64;

/// Connects to a proxy for `http:` addresses, and in every other way as the library does.
#[derive(Debug)]
pub struct Forwarding {
    library: DefaultConnector,
    /// How the proxy itself is reached.
    direct: Config,
}

impl Forwarding {
    /// `direct` is the agent's configuration without its proxy.
    pub fn new(direct: Config) -> Self {
        Self {
            library: DefaultConnector::default(),
            direct,
        }
    }
}

impl Connector<()> for Forwarding {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let plain = details.uri.scheme() == Some(&Scheme::HTTP);
        let speaks_http =
            |proxy: &&Proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
        let proxy = details.config.proxy().filter(speaks_http);
        let Some(proxy) = proxy.filter(|_| plain) else {
            return self.library.connect(details, chained);
        };
        let addrs = details
            .resolver
            .resolve(proxy.uri(), &self.direct, details.timeout)?;
        let to_proxy = ConnectionDetails {
            uri: proxy.uri(),
            addrs,
            config: &self.direct,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let transport = self.library.connect(&to_proxy, chained)?;
        let host = details.uri.authority().map(ToString::to_string);
        Ok(transport.map(|transport| -> Box<dyn Transport> {
            Box::new(Forwarded {
                transport,
                origin: format!("http://{}", host.unwrap_or_default()),
                authorization: authorization(proxy),
            })
        }))
    }
}

/// The header that lets one through a proxy with a password, with its line's end.
fn authorization(proxy: &Proxy) -> String {
    if proxy.username().is_none() && proxy.password().is_none() {
        return String::new();
    }
    let user = proxy.username().unwrap_or_default();
    let password = proxy.password().unwrap_or_default();
    let pair = base64(format!("{user}:{password}").as_bytes());
    format!("Proxy-Authorization: Basic {pair}\r\n")
}

/// A connection to a proxy for one host.
struct Forwarded {
    transport: Box<dyn Transport>,
    /// What stands before the path: scheme and host.
    origin: String,
    authorization: String,
}

/// Nobody is shown the password.
impl std::fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forwarded")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Transport for Forwarded {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    /// What is sent at once begins with a request: only GET is used, which has no body, and all
    /// headers fit into the buffer, else the library would say so.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.transport.buffers().output();
        let request = for_proxy(&output[..amount], &self.origin, &self.authorization);
        let Some(room) = output.get_mut(..request.len()) else {
            return Err(Error::Other("the request is too long".into()));
        };
        room.copy_from_slice(&request);
        self.transport.transmit_output(request.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    /// The proxy may have TLS; what is asked for has none.
    fn is_tls(&self) -> bool {
        false
    }
}

/// A request as a proxy wants it; anything else stays.
fn for_proxy(sent: &[u8], origin: &str, authorization: &str) -> Vec<u8> {
    const METHOD: &[u8] = b"GET ";
    let line = sent.windows(2).position(|end| end == b"\r\n");
    match line.filter(|_| sent.starts_with(b"GET /")) {
        Some(line) => {
            let (line, headers) = sent.split_at(line + 2);
            let path = &line[METHOD.len()..];
            [
                METHOD,
                origin.as_bytes(),
                path,
                authorization.as_bytes(),
                headers,
            ]
            .concat()
        }
        None => sent.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_asked_for_the_whole_address() {
        let asked = for_proxy(
            b"GET /x?y HTTP/1.1\r\nhost: h:81\r\n\r\n",
            "http://h:81",
            "Proxy-Authorization: Basic am9l\r\n",
        );
        assert_eq!(
            String::from_utf8(asked).expect("text"),
            "GET http://h:81/x?y HTTP/1.1\r\nProxy-Authorization: Basic am9l\r\nhost: h:81\r\n\r\n"
        );
        assert_eq!(for_proxy(b"\r\nGET /", "http://h", ""), b"\r\nGET /");
    }

    #[test]
    fn a_proxys_password_is_sent_and_not_shown() {
        let proxy = Proxy::new("http://joe:s3cret@proxy:3128").expect("a proxy");
        assert_eq!(
            authorization(&proxy),
            "Proxy-Authorization: Basic am9lOnMzY3JldA==\r\n"
        );
        let proxy = Proxy::new("http://proxy:3128").expect("a proxy");
        assert_eq!(authorization(&proxy), "");
    }
}
