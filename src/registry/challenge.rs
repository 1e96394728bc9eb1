//! How a registry wants to be asked: its `WWW-Authenticate` header.

use std::collections::BTreeMap;

/// How a registry wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// With user name and password (RFC 7617).
    Basic,
    /// With a token, which another server gives.
    Bearer {
        /// The address of that server.
        realm: String,
        /// What the registry is called there; may be empty.
        service: String,
    },
}

impl Challenge {
    /// Reads the header; `None` for schemes that nobody here speaks. A token is preferred, as
    /// engines do.
    ///
    /// Format: RFC 9110, section 11.6.1.
    pub fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for header in headers {
            let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header, ""));
            match scheme.to_ascii_lowercase().as_str() {
                "basic" => basic = Some(Self::Basic),
                "bearer" => {
                    let mut parameters = parameters(rest);
                    return Some(Self::Bearer {
                        realm: parameters.remove("realm")?,
                        service: parameters.remove("service").unwrap_or_default(),
                    });
                }
                _ => {}
            }
        }
        basic
    }
}

/// `realm="https://…",service=x` by name.
fn parameters(mut rest: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.insert(name.trim().to_ascii_lowercase(), value);
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// A quoted text behind its first quote, and what comes after its last.
fn quoted_text(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_ask_are_read() {
        let bearer = |realm: &str, service: &str| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.into(),
            })
        };
        for (headers, expected) in [
            (
                vec![r#"Basic realm="Registry Realm""#],
                Some(Challenge::Basic),
            ),
            (
                vec![
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:pull,push""#,
                ],
                bearer("https://auth.docker.io/token", "registry.docker.io"),
            ),
            (
                vec![
                    r#"BASIC realm="x""#,
                    r#"bearer service=s, realm="https://h/\"t?a=b,c""#,
                ],
                bearer("https://h/\"t?a=b,c", "s"),
            ),
            (
                vec![r#"Bearer realm="https://open"#],
                bearer("https://open", ""),
            ),
            (vec!["Bearer service=x"], None),
            (vec!["Negotiate"], None),
            (vec![], None),
        ] {
            let found = Challenge::parse(headers.iter().copied());
            assert_eq!(found, expected, "{headers:?}");
        }
    }
}
