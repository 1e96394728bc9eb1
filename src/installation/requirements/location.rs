//! URLs and paths that may hold credentials, which no message may show.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::error::Place;

/// What stands for credentials in messages; as pip has it.
const HIDDEN: &str = "****";

/// Words in the names of query parameters whose values are secrets.
const SECRET_PARAMETERS: [&str; 7] = [
    "token",
    "key",
    "secret",
    "passw",
    "sig",
    "auth",
    "credential",
];

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

/// The text with `****` for every credential in a URL: user and password (the user of an SSH
/// address stays), and query parameters called token, key, signature and the like. What is only
/// the name of a variable, `${TOKEN}`, stays.
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets(text) {
        shown.push_str(&text[at..secret.start]);
        shown.push_str(&hidden(&text[secret.clone()]));
        at = secret.end;
    }
    shown.push_str(&text[at..]);
    shown
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
    let secrets = secrets(text);
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

/// The stand-in for a secret; it keeps the line breaks, so that lines are counted right.
fn hidden(secret: &str) -> String {
    HIDDEN.to_owned() + &"\\\n".repeat(secret.matches('\n').count())
}

/// The byte ranges of all secrets, in order and apart from each other.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for token in tokens(text) {
        secrets_of_token(text, token, &mut found);
    }
    found.sort_by_key(|secret| secret.start);
    let mut end = 0;
    found.retain(|secret| {
        let apart = secret.start >= end && !only_variables(&text[secret.clone()]);
        if apart {
            end = secret.end;
        }
        apart
    });
    found
}

/// Words between white space and quotes; a continued line does not end a word.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut continued = false;
    for (at, c) in text.char_indices() {
        let newline = c == '\n' || c == '\r';
        if (c.is_whitespace() && !(newline && continued)) || c == '"' || c == '\'' {
            tokens.push(start..at);
            start = at + c.len_utf8();
        }
        continued = c == '\\' || (continued && c == '\r');
    }
    tokens.push(start..text.len());
    tokens.retain(|token| !token.is_empty());
    tokens
}

fn secrets_of_token(text: &str, token: Range<usize>, found: &mut Vec<Range<usize>>) {
    let word = &text[token.clone()];
    let starts: Vec<usize> = word.match_indices("://").map(|(at, _)| at + 3).collect();
    if starts.is_empty() {
        if let Some(length) = user_and_password(word) {
            found.push(token.start..token.start + length);
        }
        return;
    }
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(word.len(), |next| next - 3);
        let ssh = word[..start - 3].ends_with("ssh");
        if let Some(length) = user_information(&word[*start..end], ssh) {
            found.push(token.start + start..token.start + start + length);
        }
    }
    for (at, _) in word.match_indices(['?', '&']) {
        if let Some(value) = secret_parameter(word, at + 1) {
            found.push(token.start + value.start..token.start + value.end);
        }
    }
}

/// How much of a URL, from behind `://`, is user and password.
fn user_information(rest: &str, ssh: bool) -> Option<usize> {
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        let plain_user = ssh && !authority[..at].contains(':');
        return (at > 0 && !plain_user).then_some(at);
    }
    // A password with a bare `/` in it is no URL, and still a password.
    let (_, port) = authority.split_once(':')?;
    if authority.starts_with('[') || port.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    rest.rfind('@').or(Some(authority.len()))
}

/// How much of a word without a scheme, `user:password@host`, is user and password.
fn user_and_password(word: &str) -> Option<usize> {
    let at = word.find('@')?;
    let (user, password) = word[..at].split_once(':')?;
    (!user.is_empty() && !user.contains('/') && !password.contains('/')).then_some(at)
}

/// The value of the query parameter that starts at a byte of the word, when it is a secret.
fn secret_parameter(word: &str, start: usize) -> Option<Range<usize>> {
    let parameter = &word[start..];
    let parameter = &parameter[..parameter.find(['&', '#']).unwrap_or(parameter.len())];
    let (key, value) = parameter.split_once('=')?;
    let key_lower = key.to_ascii_lowercase();
    let secret = SECRET_PARAMETERS
        .iter()
        .any(|word| key_lower.contains(word));
    let from = start + key.len() + 1;
    (secret && !value.is_empty()).then(|| from..from + value.len())
}

/// Whether a text is `${NAME}` or `${NAME}:${NAME}`, which pip fills in.
fn only_variables(text: &str) -> bool {
    text.split(':').all(|part| {
        part.strip_prefix("${")
            .and_then(|part| part.strip_suffix('}'))
            .is_some_and(|name| !name.contains(['$', '{', '}']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden() {
        for (text, shown) in [
            ("https://user:pa55@host/x@1", "https://****@host/x@1"),
            ("https://pa55@host/x", "https://****@host/x"),
            (
                "git+https://u:pa55:pa55@host:80/x.git@main#egg=x",
                "git+https://****@host:80/x.git@main#egg=x",
            ),
            (
                "git+ssh://git@host/x.git@main",
                "git+ssh://git@host/x.git@main",
            ),
            ("git+ssh://git:pa55@host/x.git", "git+ssh://****@host/x.git"),
            ("https://u:pa@55@host/", "https://****@host/"),
            ("https://u:pa#55@host/", "https://****@host/"),
            ("https://u:pa/55@host/", "https://****@host/"),
            (
                "-i https://u:pa55@a -f 'https://u:pa55@b'",
                "-i https://****@a -f 'https://****@b'",
            ),
            (
                "--index-url=https://u:pa55@a/simple",
                "--index-url=https://****@a/simple",
            ),
            ("https://a/https://u:pa55@b", "https://a/https://****@b"),
            ("https://u:pa\\\n55@a/ x", "https://****\\\n@a/ x"),
            ("u:pa55@host", "****@host"),
            (
                "https://a/x?token=pa55&b=1#egg=x",
                "https://a/x?token=****&b=1#egg=x",
            ),
            (
                "https://a/x?b=1&X-Amz-Signature=pa55",
                "https://a/x?b=1&X-Amz-Signature=****",
            ),
            ("https://${U}:${P}@host/", "https://${U}:${P}@host/"),
            ("https://${U}:pa55@host/", "https://****@host/"),
            ("https://host:8080/x@1", "https://host:8080/x@1"),
            ("https://[::1]:80/x", "https://[::1]:80/x"),
            ("git@host:a/b@1", "git@host:a/b@1"),
        ] {
            assert_eq!(redact(text), shown);
            let debug = format!("{:?}", Location::new(text));
            assert!(!debug.contains("55"), "{debug}");
        }
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
