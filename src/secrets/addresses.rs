//! Secrets in addresses (URLs), and in texts that have some.

use std::ops::Range;

use super::HIDDEN;
use super::names::is_secret_name;

/// The text with `****` for every secret in an address: user and password (the user of an SSH
/// address stays), query parameters called token, key, signature and the like, and the tokens that
/// conda's servers have in the path. What is only the name of a variable, `${TOKEN}`, stays.
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in ranges(text) {
        shown.push_str(&text[at..secret.start]);
        shown.push_str(&hidden(&text[secret.clone()]));
        at = secret.end;
    }
    shown.push_str(&text[at..]);
    shown
}

/// Whether an address in the text has a secret.
pub fn has_secret(text: &str) -> bool {
    !ranges(text).is_empty()
}

/// The stand-in for a secret; it keeps the line breaks, so that lines are counted right.
pub fn hidden(secret: &str) -> String {
    HIDDEN.to_owned() + &"\\\n".repeat(secret.matches('\n').count())
}

/// The byte ranges of all secrets in the text's addresses, in order and apart from each other.
pub fn ranges(text: &str) -> Vec<Range<usize>> {
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

/// An address of a file or a channel as it may be kept: without user name, password, secret query
/// parameters, and the token that conda's servers have in the path. What [`without_login`] leaves
/// stays.
pub fn without_secrets(address: &str) -> String {
    without_conda_token(&without_login(address))
}

/// An address of a repository as it may be kept: without user name, password and secret query
/// parameters. `git@` of an ssh address is no secret and part of it, and so are variables that
/// stand for one (`${TOKEN}`).
pub fn without_login(address: &str) -> String {
    let plain = |user: Range<usize>| {
        let ssh = address[..user.start].ends_with("ssh://");
        (ssh && !address[user.clone()].contains(':')) || only_variables(&address[user])
    };
    let bare = match user_information(address).is_some_and(plain) {
        true => address.to_owned(),
        false => without_user_information(address),
    };
    without_secret_parameters(&bare)
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
        let from = token.start + start;
        if let Some(length) = login(&word[*start..end], ssh) {
            found.push(from..from + length);
        }
        let of_git = word.contains("git+");
        if let Some(range) = conda_token(&word[*start..end]).filter(|_| !of_git) {
            found.push(from + range.start..from + range.end);
        }
    }
    for (at, _) in word.match_indices(['?', '&']) {
        if let Some(value) = secret_parameter(word, at + 1) {
            found.push(token.start + value.start..token.start + value.end);
        }
    }
}

/// How much of a URL, from behind `://`, is user and password.
fn login(rest: &str, ssh: bool) -> Option<usize> {
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
    rest.rfind('@')
}

/// How much of a word without a scheme, `user:password@host`, is user and password.
fn user_and_password(word: &str) -> Option<usize> {
    let at = word.rfind('@')?;
    let (user, password) = word[..at].split_once(':')?;
    // An image's name with tag and digest.
    let digest = word[at..].starts_with("@sha256:") || word[at..].starts_with("@sha512:");
    (!user.is_empty() && !user.contains('/') && !password.contains('/') && !digest).then_some(at)
}

/// The token of `host/t/TOKEN/channel`, from behind `://`; as conda writes tokens into addresses
/// (`conda.common.url`).
fn conda_token(rest: &str) -> Option<Range<usize>> {
    let start = rest.find("/t/")? + "/t/".len();
    let behind = &rest[start..];
    let token = &behind[..behind.find(['/', '?', '#']).unwrap_or(behind.len())];
    let path = behind[token.len()..].strip_prefix('/').unwrap_or_default();
    // The name of a channel and the files in it may be called `t` as well.
    let is_token = !token.is_empty()
        && token
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && !SUBDIRECTORIES.contains(&token)
        && (path.is_empty() || !path.contains('.') || path.matches('/').count() >= 2);
    is_token.then(|| start..start + token.len())
}

/// Directories of a conda channel, which no token is called like.
const SUBDIRECTORIES: [&str; 3] = ["noarch", "linux-64", "linux-aarch64"];

/// The value of the query parameter that starts at a byte of the word, when it is a secret.
fn secret_parameter(word: &str, start: usize) -> Option<Range<usize>> {
    let parameter = &word[start..];
    let parameter = &parameter[..parameter.find(['&', '#']).unwrap_or(parameter.len())];
    let (key, value) = parameter.split_once('=')?;
    let from = start + key.len() + 1;
    (is_secret_name(key) && !value.is_empty()).then(|| from..from + value.len())
}

/// Takes `/t/TOKEN` out of an address, as conda writes tokens into it (`conda.common.url`).
fn without_conda_token(address: &str) -> String {
    let Some(start) = address.find("://").map(|at| at + "://".len()) else {
        return address.to_owned();
    };
    match conda_token(&address[start..]) {
        Some(token) => {
            let before = start + token.start - "/t/".len();
            [&address[..before], &address[start + token.end..]].concat()
        }
        None => address.to_owned(),
    }
}

/// Takes the query parameters that are secrets out of an address.
fn without_secret_parameters(address: &str) -> String {
    let Some((before, query)) = address.split_once('?') else {
        return address.to_owned();
    };
    let (query, fragment) = query.split_at(query.find('#').unwrap_or(query.len()));
    let kept = query.split('&').filter(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !is_secret_name(name) || value.is_empty() || only_variables(value)
    });
    let kept: Vec<&str> = kept.collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    [before, mark, &kept.join("&"), fragment].concat()
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
            (
                "https://host/t/pa-55/channel/noarch",
                "https://host/t/****/channel/noarch",
            ),
            (
                "conda https://u:pa55@host/t/pa_55",
                "conda https://****@host/t/****",
            ),
            (
                "https://host/t/noarch/six-1-0.conda",
                "https://host/t/noarch/six-1-0.conda",
            ),
            (
                "git+https://host/t/repository",
                "git+https://host/t/repository",
            ),
            ("python:3.12@sha256:55", "python:3.12@sha256:55"),
            ("`http://127.0.0.1:55`, 5", "`http://127.0.0.1:55`, 5"),
        ] {
            assert_eq!(redact(text), shown);
            assert_eq!(redact(shown), shown);
        }
    }

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

    #[test]
    fn only_secrets_are_taken_out_of_addresses() {
        for (address, kept) in [
            ("https://joe:pw@host/x@1.git", "https://host/x@1.git"),
            ("https://token@host/x", "https://host/x"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("ssh://git:pw@host/x", "ssh://host/x"),
            ("https://${TOKEN}@host/x", "https://${TOKEN}@host/x"),
            ("https://${U}:${P}@host/x", "https://${U}:${P}@host/x"),
            ("file:///srv/x@y", "file:///srv/x@y"),
            ("https://host/x?token=pw#egg=y", "https://host/x#egg=y"),
            ("https://host/x?a=1&sig=pw&b", "https://host/x?a=1&b"),
            ("https://host/x?token=${T}", "https://host/x?token=${T}"),
        ] {
            assert_eq!(without_login(address), kept);
            assert_eq!(without_secrets(address), kept);
        }
        for (address, kept) in [
            ("https://host/t/ab-12/c/noarch", "https://host/c/noarch"),
            ("https://joe:pw@host/t/ab-12", "https://host"),
            (
                "https://host/t/noarch/x-1-0.conda",
                "https://host/t/noarch/x-1-0.conda",
            ),
        ] {
            assert_eq!(without_secrets(address), kept);
        }
        assert_eq!(
            without_login("https://host/t/lab/x"),
            "https://host/t/lab/x"
        );
    }
}
