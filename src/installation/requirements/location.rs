//! URLs and paths that may hold credentials, which no message may show.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::error::Place;
use crate::secrets::{hidden, ranges, redact};

/// A URL, a path or another option's value, as it is written. Printing it, for people or for
/// debugging, hides credentials; [`Location::as_written`] has them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Location(String);

impl Location {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text with its credentials: for the file and for pip, never for a message.
    pub fn as_written(&self) -> &str {
        &self.0
    }
}

/// Without credentials.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

/// Without credentials.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", redact(&self.0))
    }
}

/// The address of a repository with another revision, a fragment behind it kept.
pub(super) fn at_revision(url: &str, revision: &str) -> String {
    let (address, fragment) = match url.split_once('#') {
        Some((address, fragment)) => (address, format!("#{fragment}")),
        None => (url, String::new()),
    };
    // An `@` before the path belongs to a user.
    let host = address.find("://").map_or(0, |at| at + 3);
    let path = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    let plain = match address[path..].rfind('@') {
        Some(at) => &address[..path + at],
        None => address,
    };
    format!("{plain}@{revision}{fragment}")
}

/// A place whose excerpt shows no credentials.
pub(in crate::installation) fn redacted_place(
    path: &Path,
    text: &str,
    range: Range<usize>,
) -> Place {
    let secrets = ranges(text);
    let moved = |index: usize| {
        let mut result = index;
        for secret in secrets.iter().take_while(|secret| secret.start < index) {
            let length = hidden(&text[secret.clone()]).len();
            let inside = index.min(secret.end) - secret.start;
            result = result - inside + if index < secret.end { 0 } else { length };
        }
        result
    };
    Place::span(path, &redact(text), moved(range.start)..moved(range.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_location_prints_a_credential() {
        let location = Location::new("https://user:pa55@host/x@1");
        assert_eq!(
            format!("{location} {location:?}")
                .matches("****@host")
                .count(),
            2
        );
        assert!(!format!("{location:?}").contains("pa55"));
    }

    #[test]
    fn a_revision_replaces_the_one_before() {
        for (url, expected) in [
            (
                "git+https://u:p@h/x.git@main#egg=y",
                "git+https://u:p@h/x.git@ab#egg=y",
            ),
            ("git+https://u@h/x", "git+https://u@h/x@ab"),
            ("git+ssh://git@h/a@b/x@1", "git+ssh://git@h/a@b/x@ab"),
            ("git+file:///r.git", "git+file:///r.git@ab"),
        ] {
            assert_eq!(at_revision(url, "ab"), expected);
        }
    }

    #[test]
    fn a_place_marks_the_same_words_without_credentials() {
        let text = "a\nhttps://user:pa55word@host/x bad\n";
        let start = text.find("bad").expect("there");
        let place = redacted_place(Path::new("r"), text, start..start + 3);
        let (shown, range) = place.excerpt.clone().expect("an excerpt");
        assert_eq!(&shown[range], "bad");
        assert!(!shown.contains("pa55"));
        assert_eq!(place.line_number(), Some(2));
    }
}
