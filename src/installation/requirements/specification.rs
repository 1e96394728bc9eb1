//! One requirement: a name with extras, versions and a marker, a URL, or a path.

use std::str::FromStr;

use pep440_rs::VersionSpecifier;

use super::addresses::{address, direct, egg, name_of_file, scheme};
use super::fault::{Fault, range_of, shown};
use super::location::Location;
use super::names::{is_name, name_and_extras, normalise, of_name, read_extras, without_extras};
use super::options::stray_backslash;
use super::{Kind, marker};

/// Ends of the names of files that pip installs.
const ARCHIVES: [&str; 11] = [
    ".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz",
    ".tar.lz",
];

/// Reads a requirement.
pub(super) fn parse(text: &str) -> Result<Kind, Fault<'_>> {
    if let Some(kind) = address(text)? {
        return Ok(kind);
    }
    let (body, marker) = match text.split_once(';') {
        Some((body, marker)) => (body.trim(), Some(marker::checked(marker)?)),
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
