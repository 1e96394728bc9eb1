//! One requirement: a name with extras, versions and a marker, a URL, or a path.

use std::str::FromStr;

use pep440_rs::VersionSpecifier;

use super::fault::{Fault, range_of, shown};
use super::location::{Location, redact};
use super::options::stray_backslash;
use super::{Kind, marker};

/// Ends of the names of files that pip installs.
const ARCHIVES: [&str; 11] = [
    ".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz",
    ".tar.lz",
];

/// A name in the form in which names are compared (PEP 503): lower case, with one `-` for each run
/// of `-`, `_` and `.`.
pub fn normalise(name: &str) -> String {
    let mut normalised = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normalised.ends_with('-') => {}
            '-' | '_' | '.' => normalised.push('-'),
            c => normalised.push(c.to_ascii_lowercase()),
        }
    }
    normalised
}

/// Whether a text is a distribution's name: letters, digits, `-`, `_` and `.`, with a letter or
/// digit at both ends (PEP 508).
pub fn is_name(text: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    end(text.chars().next()) && end(text.chars().next_back()) && text.chars().all(of_name)
}

fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Reads a requirement.
pub(super) fn parse(text: &str) -> Result<Kind, Fault<'_>> {
    if let Some(kind) = address(text)? {
        return Ok(kind);
    }
    let (body, marker) = match text.split_once(';') {
        Some((body, marker)) => (body.trim(), Some(read_marker(marker)?)),
        None => (text.trim(), None),
    };
    if let Some((left, right)) = body.split_once('@')
        && let Some((name, extras)) = name_and_extras(left.trim())?
    {
        return direct(name, extras, right.trim(), marker);
    }
    let (path, extras) = without_extras(body);
    if looks_like_path(path) {
        return Ok(Kind::Path {
            name: name_of_file(path),
            extras,
            path: Location::new(path),
            marker,
        });
    }
    named(body, marker)
}

/// Reads what follows `-e`.
pub(super) fn editable(target: &str) -> Kind {
    let named = target
        .split_once('@')
        .map(|(left, _)| left.split('[').next().unwrap_or_default().trim())
        .filter(|name| is_name(name));
    let name = match named {
        Some(name) if scheme(target).is_none() => Some(name.to_owned()),
        _ => egg(target).map(|(name, _)| name),
    };
    Kind::Editable {
        name,
        target: Location::new(target),
    }
}

/// A URL without a name before it.
fn address(text: &str) -> Result<Option<Kind>, Fault<'_>> {
    let variable = text.starts_with("${") && text.contains("://");
    let Some(scheme) = scheme(text).or(variable.then_some("https")) else {
        return Ok(None);
    };
    check_scheme(scheme, text)?;
    let (url, marker) = match text.split_once("; ") {
        Some((url, marker)) => (url.trim(), Some(read_marker(marker)?)),
        None => (text.trim(), None),
    };
    check_spaces(url)?;
    let (name, extras) = egg(url).unwrap_or((String::new(), Vec::new()));
    let name = Some(name)
        .filter(|name| !name.is_empty())
        .or_else(|| name_of_file(url));
    Ok(Some(of_url(name, extras, url, marker)))
}

/// `name @ url`.
fn direct<'a>(
    name: &'a str,
    extras: Vec<String>,
    url: &'a str,
    marker: Option<String>,
) -> Result<Kind, Fault<'a>> {
    let name = Some(name.to_owned());
    if url.is_empty() {
        return Err(Fault::new(
            url,
            "a URL is missing behind `@`",
            "write `name @ https://…`",
        ));
    }
    check_spaces(url)?;
    match scheme(url) {
        Some(scheme) => {
            check_scheme(scheme, url)?;
            Ok(of_url(name, extras, url, marker))
        }
        None if url.starts_with("${") => Ok(of_url(name, extras, url, marker)),
        None if name.as_deref() == Some("git") && url.contains(':') => Err(Fault::new(
            url,
            "pip does not know this way to write an SSH address",
            format!(
                "write `git+ssh://git@{}`",
                redact(url).replacen(':', "/", 1)
            ),
        )),
        None => Ok(Kind::Path {
            name,
            extras,
            path: Location::new(url),
            marker,
        }),
    }
}

fn of_url(name: Option<String>, extras: Vec<String>, url: &str, marker: Option<String>) -> Kind {
    let location = Location::new(url);
    if scheme(url).is_some_and(|scheme| scheme.contains('+')) {
        let revision = revision(url);
        return Kind::Vcs {
            name,
            extras,
            url: location,
            revision,
            marker,
        };
    }
    Kind::Url {
        name,
        extras,
        url: location,
        marker,
    }
}

/// The scheme of a URL: what stands before `://`, or `file` before its `:`.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let known = rest.starts_with("//") || scheme.eq_ignore_ascii_case("file");
    (known && !scheme.is_empty() && scheme.chars().all(allowed)).then_some(scheme)
}

fn check_scheme<'a>(scheme: &str, text: &'a str) -> Result<(), Fault<'a>> {
    let lower = scheme.to_ascii_lowercase();
    let vcs = ["git+", "hg+", "svn+", "bzr+"]
        .iter()
        .any(|vcs| lower.starts_with(vcs));
    if vcs || matches!(lower.as_str(), "http" | "https" | "file" | "ftp") {
        return Ok(());
    }
    let help = match lower.as_str() {
        "git" | "ssh" => "for a git repository write `git+https://…` or `git+ssh://…`",
        _ => "it takes http, https, file and ftp, and git+…, hg+…, svn+… and bzr+…",
    };
    Err(Fault::new(
        text,
        format!("pip knows no addresses with `{scheme}:`"),
        help,
    ))
}

fn check_spaces(url: &str) -> Result<(), Fault<'_>> {
    match url.find(char::is_whitespace) {
        Some(at) => Err(Fault::new(
            url[at..].trim(),
            "a URL ends at a space",
            "write %20 for a space; a marker stands behind ` ; `",
        )),
        None => Ok(()),
    }
}

/// The name and the extras in a URL's `#egg=`.
fn egg(url: &str) -> Option<(String, Vec<String>)> {
    let (_, fragment) = url.split_once('#')?;
    let egg = fragment
        .split('&')
        .find_map(|part| part.strip_prefix("egg="))?;
    let (name, extras) = without_extras(egg);
    is_name(name).then(|| (name.to_owned(), extras))
}

/// What stands behind the last `@` of the path of a version control URL.
fn revision(url: &str) -> Option<String> {
    let url = url.split('#').next()?;
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let (_, revision) = path.rsplit_once('@')?;
    (!revision.is_empty()).then(|| revision.to_owned())
}

/// A wheel's name says which distribution it is.
fn name_of_file(path: &str) -> Option<String> {
    let path = path.split(['#', '?']).next()?;
    let file = path.rsplit('/').next()?.strip_suffix(".whl")?;
    let (name, _) = file.split_once('-')?;
    is_name(name).then(|| name.to_owned())
}

fn looks_like_path(text: &str) -> bool {
    let behind_name = text.trim_start_matches(of_name).trim_start();
    if ["==", ">", "<", "!=", "~="]
        .iter()
        .any(|comparison| behind_name.starts_with(comparison))
    {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    text.contains('/')
        || text.starts_with('.')
        || text.starts_with("${")
        || ARCHIVES.iter().any(|end| lower.ends_with(end))
}

/// Takes `[extra, …]` off the end, when it is well formed.
fn without_extras(text: &str) -> (&str, Vec<String>) {
    let cut = text
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once('['))
        .and_then(|(before, inside)| Some((before, read_extras(inside).ok()?)));
    match cut {
        Some((before, extras)) => (before.trim_end(), extras),
        None => (text, Vec::new()),
    }
}

/// The extras between brackets.
fn read_extras(inside: &str) -> Result<Vec<String>, Fault<'_>> {
    if inside.trim().is_empty() {
        return Ok(Vec::new());
    }
    inside
        .split(',')
        .map(|extra| match extra.trim() {
            extra if is_name(extra) => Ok(extra.to_owned()),
            other => Err(Fault::new(
                if other.is_empty() { inside } else { other },
                format!("`{}` is no name of an extra", shown(other)),
                "extras stand between brackets with commas, as in `name[one,two]`",
            )),
        })
        .collect()
}

/// `name` or `name[extras]` and nothing else.
fn name_and_extras(text: &str) -> Result<Option<(&str, Vec<String>)>, Fault<'_>> {
    let (name, extras) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((name, inside)) if is_name(name.trim()) => (name.trim(), read_extras(inside)?),
        _ => (text, Vec::new()),
    };
    Ok(is_name(name).then_some((name, extras)))
}

/// A name that the index knows, with extras and versions.
fn named(body: &str, marker: Option<String>) -> Result<Kind, Fault<'_>> {
    let length = body.find(|c| !of_name(c)).unwrap_or(body.len());
    let (name, rest) = body.split_at(length);
    check_name(name, body)?;
    let (extras, rest) = match rest.trim_start().strip_prefix('[') {
        Some(inside) => {
            let (inside, rest) = inside.split_once(']').ok_or_else(|| {
                Fault::new(
                    rest,
                    "a `[` is not closed",
                    "extras stand between brackets, as in `name[extra]`",
                )
            })?;
            (read_extras(inside)?, rest)
        }
        None => (Vec::new(), rest),
    };
    let specifier = rest.trim();
    check_specifier(specifier, name)?;
    Ok(Kind::Named {
        name: name.to_owned(),
        normalised: normalise(name),
        extras,
        specifier: specifier.to_owned(),
        marker,
    })
}

/// Where in the text of a named requirement its specifier stands; when it has none, the empty
/// range where one goes.
pub(super) fn specifier_range(text: &str) -> std::ops::Range<usize> {
    let body = text.split(';').next().unwrap_or_default().trim_end();
    let name = body.find(|c| !of_name(c)).unwrap_or(body.len());
    let rest = &body[name..];
    let rest = match rest.trim_start().strip_prefix('[') {
        Some(inside) => inside.split_once(']').map_or(rest, |(_, rest)| rest),
        None => rest,
    };
    match rest.trim() {
        "" => body.len()..body.len(),
        specifier => range_of(text, specifier),
    }
}

fn check_name<'a>(name: &str, body: &'a str) -> Result<(), Fault<'a>> {
    if is_name(name) {
        return Ok(());
    }
    let message = format!("`{}` does not start with a name", shown(body));
    let message = match name {
        "" => message,
        name => format!("`{}` is no name", shown(name)),
    };
    let help = match body.chars().next() {
        Some(c) if "<>=!~".contains(c) => {
            "a name is missing; or the line before lacks a `\\` at its end"
        }
        Some('[' | '{') => "this looks like another kind of file; requirements stand one a line",
        _ => "names have letters, digits, `-`, `_` and `.`, and a letter or digit at both ends",
    };
    Err(Fault::new(body, message, help))
}

/// Each clause between commas is checked; `===` takes anything, and variables are filled in later.
fn check_specifier<'a>(specifier: &'a str, name: &str) -> Result<(), Fault<'a>> {
    let inside = match specifier.strip_prefix('(') {
        Some(inside) => inside.strip_suffix(')').ok_or_else(|| {
            Fault::new(
                specifier,
                "a `(` is not closed",
                "leave the brackets out: `name>=1`",
            )
        })?,
        None => specifier,
    };
    if inside.is_empty() || inside.contains("${") {
        return Ok(());
    }
    if !inside.trim_start().starts_with(['<', '>', '=', '!', '~']) {
        return Err(unexpected(specifier, name));
    }
    let clauses: Vec<&str> = inside.split(',').map(str::trim).collect();
    for (index, clause) in clauses.iter().enumerate() {
        let last = index + 1 == clauses.len();
        if !(clause.is_empty() && last) {
            check_clause(clause, inside, name)?;
        }
    }
    Ok(())
}

fn check_clause<'a>(clause: &'a str, whole: &'a str, name: &str) -> Result<(), Fault<'a>> {
    if let Some(anything) = clause.strip_prefix("===") {
        let anything = anything.trim();
        if !anything.is_empty() && !anything.contains(char::is_whitespace) {
            return Ok(());
        }
    }
    let Err(error) = VersionSpecifier::from_str(clause) else {
        return Ok(());
    };
    let part = if clause.is_empty() { whole } else { clause };
    let single = clause.starts_with('=') && !clause.starts_with("==");
    let help = if clause.contains('\\') {
        return Err(stray_backslash(part));
    } else if single {
        format!("write `{name}=={}`", shown(clause[1..].trim()))
    } else if clause.contains('#') {
        "put a space before the `#` that starts a comment".to_owned()
    } else if clause.contains("--") {
        "put a space before an option".to_owned()
    } else if clause.contains(char::is_whitespace) {
        "put a comma between versions, and one requirement a line".to_owned()
    } else {
        "versions are compared with ==, !=, <=, >=, <, >, ~= and ===, as in `>=1.2,<2`".to_owned()
    };
    let why = if single {
        "`=` is no comparison".to_owned()
    } else {
        one_line(&error.to_string())
    };
    Err(Fault::new(
        part,
        format!("`{}` is no version specifier: {why}", shown(clause)),
        help,
    ))
}

/// A library's message, which may have several lines, as the end of ours.
fn one_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    shown(line.trim_end_matches(['.', ':']))
}

/// Explains what follows a name and is no version.
fn unexpected<'a>(rest: &'a str, name: &str) -> Fault<'a> {
    let first = rest.split_whitespace().next().unwrap_or_default();
    let help = match (first.chars().next(), name.to_ascii_uppercase().as_str()) {
        (Some(':'), "WARNING" | "DEPRECATION" | "ERROR" | "NOTE" | "INFO") => {
            "this looks like a message of pip, not a requirement: remove the line"
        }
        (_, "PIP" | "UV" | "CONDA") if first.contains("install") => {
            "this looks like a command: the file takes the names alone"
        }
        (Some('#'), _) => "put a space before the `#` that starts a comment",
        (Some('\\'), _) => return stray_backslash(rest),
        (Some('^'), _) => "`^` is Poetry's; write `>=1.2,<2`",
        (Some('\'' | '"'), _) => "requirements need no quotes",
        _ if is_name(first) => "write one requirement a line",
        _ => "versions are compared with ==, !=, <=, >=, <, >, ~= and ===, as in `>=1.2,<2`",
    };
    Fault::new(
        rest,
        format!(
            "`{}` is not expected behind `{}`",
            shown(first),
            shown(name)
        ),
        help,
    )
}

/// Checks a marker; it stays as it is written.
fn read_marker(marker: &str) -> Result<String, Fault<'_>> {
    let marker = marker.trim();
    match marker::normalised(marker) {
        Ok(_) => Ok(marker.to_owned()),
        Err(why) => Err(Fault::new(
            marker,
            format!(
                "`{}` is no environment marker: {}",
                shown(marker),
                shown(&why)
            ),
            "write it as in `name ; python_version < \"3.11\" and sys_platform == \"linux\"`",
        )),
    }
}
