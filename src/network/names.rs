//! Addresses of hosts, each looked up once: a resolver that is asked for every request, by many
//! threads at once, leaves some without an answer, and each of these waits for seconds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// What is known of a host; whoever holds it is asking, and the others wait for that answer.
type Known = Arc<Mutex<Vec<SocketAddr>>>;

/// Remembers the addresses of hosts as long as the program runs.
#[derive(Debug, Clone, Default)]
pub struct Names {
    hosts: Arc<Mutex<BTreeMap<String, Known>>>,
}

impl Names {
    /// The addresses of a host, by `ask` when they are not known. A failure is not remembered.
    fn look_up<E>(
        &self,
        host: &str,
        ask: impl FnOnce() -> Result<Vec<SocketAddr>, E>,
    ) -> Result<Vec<SocketAddr>, E> {
        let known = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(hosts.entry(host.to_owned()).or_default())
        };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            *known = ask()?;
        }
        Ok(known.clone())
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let found = self.look_up(&format!("{scheme}://{host}"), || {
            let found = DefaultResolver::default().resolve(uri, config, timeout)?;
            Ok::<_, Error>(found.iter().copied().collect())
        })?;
        let mut addresses = self.empty();
        for address in found {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn many_threads_ask_once_and_a_failure_is_asked_again() {
        let names = Names::default();
        let asked = AtomicUsize::new(0);
        let failed = names.look_up("https://host", || Err::<Vec<SocketAddr>, _>("no"));
        assert_eq!(failed, Err("no"));
        let address: SocketAddr = "10.0.0.1:443".parse().expect("an address");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let found = names.look_up("https://host", || {
                        asked.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        Ok::<_, ()>(vec![address])
                    });
                    assert_eq!(found, Ok(vec![address]));
                });
            }
        });
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
