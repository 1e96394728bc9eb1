//! Addresses of the machine itself.

use crate::secrets::user_information;

/// Whether an address means the machine that names it, so that a container or a build would look in
/// itself: `localhost`, below `.localhost` (RFC 6761, section 6.3), 127.0.0.0/8 or `::1`. The scheme
/// may be missing, as in proxy settings.
pub fn is_loopback(address: &str) -> bool {
    let start = match user_information(address) {
        Some(user) => user.end + "@".len(),
        None => address.find("://").map_or(0, |at| at + "://".len()),
    };
    let rest = &address[start..];
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let number = host.parse::<std::net::IpAddr>();
    name == "localhost" || name.ends_with(".localhost") || number.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_machine_itself_is_known() {
        for (address, own) in [
            ("http://localhost:3128", true),
            ("localhost", true),
            ("joe:pw@127.0.0.1:8080", true),
            ("http://LOCALHOST.:80", true),
            ("https://joe:pw@127.1.2.3:80/x", true),
            ("ssh://git@[::1]:22/x", true),
            ("http://a.localhost/x", true),
            ("http://localhost.lab/x", false),
            ("http://172.17.0.1/127.0.0.1", false),
            ("git@lab:localhost", false),
            ("file:///localhost", false),
        ] {
            assert_eq!(is_loopback(address), own, "{address}");
        }
    }
}
