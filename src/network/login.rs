//! User names and passwords by host, from a netrc file and from addresses.

use crate::secrets::user_information;

/// A user name and a password for a host.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The host, with the port where the address named one; empty for netrc's `default`.
    pub host: String,
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Passwords are shown to nobody, debuggers included.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login for {}", self.host)
    }
}

impl Login {
    /// What an address such as `https://joe:secret@host/simple` says. A variable that stands for
    /// it (`https://${TOKEN}@host`), as locks keep it, says nothing.
    pub fn of_address(address: &str) -> Option<Self> {
        let range = user_information(address)?;
        if address[range.clone()].contains("${") {
            return None;
        }
        let host = host_with_port(address)?;
        let (user, password) = match address[range.clone()].split_once(':') {
            Some((user, password)) => (user, password),
            None => (&address[range], ""),
        };
        Some(Self {
            host,
            user: unescaped(user),
            password: unescaped(password),
        })
    }

    /// The logins of a netrc file; the first for a host counts.
    ///
    /// Format: `ftp(1)` and the GNU inetutils manual, "The .netrc file"; `macdef` runs to an empty
    /// line.
    pub fn of_netrc(text: &str) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut in_macro = false;
        for line in text.lines() {
            if in_macro {
                in_macro = !line.trim().is_empty();
                continue;
            }
            let line = match line.trim_start() {
                comment if comment.starts_with('#') => continue,
                line => line,
            };
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "machine" | "default" => found.push(Self {
                        host: match word {
                            "machine" => words.next().unwrap_or_default().to_owned(),
                            _ => String::new(),
                        },
                        user: String::new(),
                        password: String::new(),
                    }),
                    "login" | "password" | "account" => {
                        let value = words.next().unwrap_or_default().trim_matches('"');
                        match (found.last_mut(), word) {
                            (Some(last), "login") => last.user = value.to_owned(),
                            (Some(last), "password") => last.password = value.to_owned(),
                            _ => {}
                        }
                    }
                    "macdef" => {
                        in_macro = true;
                        break;
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// The login for an address among several.
    pub fn find<'a>(logins: &'a [Self], address: &str) -> Option<&'a Self> {
        let host = host_with_port(address)?;
        let name = without_port(&host);
        logins.iter().find(|login| {
            login.host.is_empty()
                || login.host.eq_ignore_ascii_case(&host)
                || login.host.eq_ignore_ascii_case(name)
        })
    }
}

/// The host of an address, with its port.
pub fn host_with_port(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The host without its port.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Takes back `%40` and its like; what is no such escape stays.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *first == b'%');
        let value = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netrc_has_one_login_a_host() {
        let text = "# mine\nmachine a.example login joe password \"s3cret\"\nmachine b\n  login x\n\
                    \tpassword y\nmacdef init\nmachine z login no\n\ndefault login anonymous password me@x\n";
        let logins = Login::of_netrc(text);
        let find = |address: &str| {
            let login = Login::find(&logins, address).expect("a login");
            (login.user.as_str(), login.password.as_str())
        };
        assert_eq!(logins.len(), 3);
        assert_eq!(find("https://A.example:8443/x"), ("joe", "s3cret"));
        assert_eq!(find("http://b/y"), ("x", "y"));
        assert_eq!(find("http://elsewhere/"), ("anonymous", "me@x"));
        assert!(!format!("{logins:?}").contains("s3cret"));
    }

    #[test]
    fn an_address_brings_its_own_login() {
        let login = Login::of_address("https://joe:p%40ss%zz@host:81/simple").expect("one");
        assert_eq!(
            (login.user.as_str(), login.password.as_str()),
            ("joe", "p@ss%zz")
        );
        assert_eq!(login.host, "host:81");
        assert_eq!(Login::of_address("https://host/a@b"), None);
        assert_eq!(Login::of_address("https://${TOKEN}@host/a"), None);
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }
}
