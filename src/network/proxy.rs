//! Which proxy an address is reached through.

use crate::network::login::{host_with_port, without_port};

/// Whether `NO_PROXY` names the host of an address: `*`, a host, a domain with or without a dot
/// before it, each with an optional port; addresses of networks (`10.0.0.0/8`) are not read.
///
/// Source: curl's manual, "NO_PROXY".
pub fn is_direct(address: &str, no_proxy: &str) -> bool {
    let Some(host) = host_with_port(address) else {
        return true;
    };
    let name = without_port(&host);
    no_proxy
        .split([',', ' '])
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let wanted = entry.trim_start_matches('*').trim_start_matches('.');
            let host = match without_port(wanted) == wanted {
                true => name,
                false => &host,
            };
            entry == "*"
                || host == wanted
                || host
                    .strip_suffix(wanted)
                    .is_some_and(|rest| rest.ends_with('.') && !wanted.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_need_no_proxy_are_known() {
        for (address, no_proxy, direct) in [
            ("https://index.example/x", "", false),
            ("https://index.example/x", "*", true),
            ("http://127.0.0.1:80/x", "localhost,127.0.0.1", true),
            ("http://a.lab.example/x", ".lab.example", true),
            ("http://a.lab.example/x", "lab.example", true),
            ("http://lab.example/x", "*.lab.example", true),
            ("http://notlab.example/x", "lab.example", false),
            ("http://host:8080/x", "host:8080", true),
            ("http://host:8081/x", "host:8080", false),
        ] {
            assert_eq!(is_direct(address, no_proxy), direct, "{address} {no_proxy}");
        }
    }
}
