//! Names of distributions and of their extras.

use super::fault::{Fault, shown};

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

pub(super) fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// `name` or `name[extras]` and nothing else.
pub(super) fn name_and_extras(text: &str) -> Result<Option<(&str, Vec<String>)>, Fault<'_>> {
    let (name, extras) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((name, inside)) if is_name(name.trim()) => (name.trim(), read_extras(inside)?),
        _ => (text, Vec::new()),
    };
    Ok(is_name(name).then_some((name, extras)))
}

/// Takes `[extra, …]` off the end, when it is well formed.
pub(super) fn without_extras(text: &str) -> (&str, Vec<String>) {
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
pub(super) fn read_extras(inside: &str) -> Result<Vec<String>, Fault<'_>> {
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
