//! Addresses (URLs), as far as keeping quiet about what they carry asks.

use std::ops::Range;

/// Where an address has its user name and password: `joe:secret` of `https://joe:secret@host/x`,
/// without the `@`. The scheme may be missing, as in proxy settings.
///
/// Source: RFC 3986, section 3.2.
pub fn user_information(address: &str) -> Option<Range<usize>> {
    let start = address.find("://").map_or(0, |at| at + "://".len());
    let rest = &address[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let at = authority.rfind('@')?;
    Some(start..start + at)
}

/// An address with a scheme, without the user name and password that it may carry. What has no
/// scheme stays: the user of `git@host:path` is no secret.
pub fn without_user_information(address: &str) -> String {
    match user_information(address) {
        Some(user) if address[..user.start].ends_with("://") => {
            format!("{}{}", &address[..user.start], &address[user.end + 1..])
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_found() {
        for (address, found) in [
            ("https://joe:s3cret@host/x@y.git", Some("joe:s3cret")),
            ("joe:p@ss@proxy:3128", Some("joe:p@ss")),
            ("https://token@host?a=b@c", Some("token")),
            ("https://host?mail=a@b", None),
            ("https://host#a@b", None),
            ("https://host/a@b", None),
            ("host:3128", None),
        ] {
            let range = user_information(address);
            assert_eq!(range.map(|range| &address[range]), found, "{address}");
        }
    }

    #[test]
    fn an_address_is_named_without_them() {
        for (address, named) in [
            ("https://joe:s3cret@host/x@y.git", "https://host/x@y.git"),
            ("git@host:lab/x.git", "git@host:lab/x.git"),
            ("/srv/git/x", "/srv/git/x"),
            ("https://joe@host?q=1", "https://host?q=1"),
        ] {
            assert_eq!(without_user_information(address), named);
        }
    }
}
