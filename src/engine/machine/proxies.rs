//! Proxies that the person's environment names.

/// A proxy setting in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its name in upper case, as `.env` has it.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// The proxy settings of the environment. Programs read one spelling or the other, so both count;
/// the lower-case one wins, as in curl.
pub fn proxies(environment: impl Fn(&str) -> Option<String>) -> Vec<Proxy> {
    ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
        .into_iter()
        .filter_map(|name| {
            [name.to_lowercase().as_str(), name]
                .iter()
                .find_map(|spelling| environment(spelling).filter(|value| !value.is_empty()))
                .map(|value| Proxy { name, value })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_count() {
        let found = proxies(|name| match name {
            "https_proxy" => Some("http://lower:1".into()),
            "HTTPS_PROXY" => Some("http://upper:1".into()),
            "NO_PROXY" => Some("localhost".into()),
            "HTTP_PROXY" => Some(String::new()),
            _ => None,
        });
        let found: Vec<_> = found
            .iter()
            .map(|proxy| (proxy.name, proxy.value.as_str()))
            .collect();
        assert_eq!(
            found,
            [("HTTPS_PROXY", "http://lower:1"), ("NO_PROXY", "localhost")]
        );
    }
}
