//! Requirements that are addresses: of files, and of repositories.

use super::fault::Fault;
use super::location::Location;
use super::names::{is_name, without_extras};
use super::{Kind, marker};
use crate::secrets::redact;

/// A URL without a name before it.
pub(super) fn address(text: &str) -> Result<Option<Kind>, Fault<'_>> {
    let variable = text.starts_with("${") && text.contains("://");
    let Some(scheme) = scheme(text).or(variable.then_some("https")) else {
        return Ok(None);
    };
    check_scheme(scheme, text)?;
    let (url, marker) = match text.split_once("; ") {
        Some((url, marker)) => (url.trim(), Some(marker::checked(marker)?)),
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
pub(super) fn direct<'a>(
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
pub(super) fn scheme(text: &str) -> Option<&str> {
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
pub(super) fn egg(url: &str) -> Option<(String, Vec<String>)> {
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
pub(super) fn name_of_file(path: &str) -> Option<String> {
    let path = path.split(['#', '?']).next()?;
    let file = path.rsplit('/').next()?.strip_suffix(".whl")?;
    let (name, _) = file.split_once('-')?;
    is_name(name).then(|| name.to_owned())
}
