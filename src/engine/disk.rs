//! What takes space in the engine: images, the build cache, networks without containers.
//!
//! Read with the engine's command line (`docker system df`), so that a remote engine answers too.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::engine::Tools;
use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process::Invocation;

/// The engine's images and its build cache, with the space that they take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// One for each name; an image without a name is there once.
    pub images: Vec<StoredImage>,
    /// The build cache, of all projects.
    pub cache: Vec<CacheRecord>,
}

/// An image under one of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// `sha256:…`.
    pub id: String,
    /// `repository:tag`; `None` for one that lost its name to a newer image.
    pub name: Option<String>,
    /// When it was made, as the engine says it.
    pub created: Option<jiff::Timestamp>,
    /// Bytes in layers that no other image has. Two images that share a layer with each other
    /// alone count it nowhere, so that a sum of these is the least that removing them frees.
    pub unique: u64,
}

/// One record of the build cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRecord {
    /// Bytes.
    pub bytes: u64,
    /// When a build last used it.
    pub used: Option<jiff::Timestamp>,
}

/// A network that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNetwork {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<jiff::Timestamp>,
}

/// The rows of `docker system df --verbose`, of which sizes and times are texts for people.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    images: Option<Vec<ImageRow>>,
    #[serde(default)]
    build_cache: Option<Vec<CacheRow>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageRow {
    #[serde(rename = "ID")]
    id: String,
    repository: String,
    tag: String,
    created_at: String,
    unique_size: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CacheRow {
    size: String,
    last_used_at: String,
    in_use: String,
    shared: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkRow {
    id: String,
    name: String,
    created: String,
}

impl Disk {
    /// Asks the engine; takes seconds on a large store.
    ///
    /// # Errors
    /// When the engine does not answer, or not in the form that is known.
    pub fn read(tools: &Tools, printer: &Printer) -> Result<Self> {
        let question = ["system", "df", "--verbose", "--format={{json .}}"];
        let text = tools.read(&tools.docker().args(question), printer)?;
        let answer: Answer = serde_json::from_str(&text)
            .map_err(|source| Error::failed("cannot read `docker system df`").because(source))?;
        let named = |row: &ImageRow| {
            let name = format!("{}:{}", row.repository, row.tag);
            (!name.contains("<none>")).then_some(name)
        };
        Ok(Self {
            images: (answer.images.unwrap_or_default().iter())
                .map(|row| StoredImage {
                    id: row.id.clone(),
                    name: named(row),
                    created: time(&row.created_at),
                    unique: bytes(&row.unique_size),
                })
                .collect(),
            // What images hold as well, or a build uses now, stays.
            cache: (answer.build_cache.unwrap_or_default().iter())
                .filter(|row| row.in_use == "false" && row.shared == "false")
                .map(|row| CacheRecord {
                    bytes: bytes(&row.size),
                    used: time(&row.last_used_at),
                })
                .collect(),
        })
    }
}

/// The ids of images that lost their name and carry a label with this value.
///
/// # Errors
/// When the engine does not answer.
pub fn unnamed_images(
    tools: &Tools,
    label: &str,
    value: &str,
    printer: &Printer,
) -> Result<Vec<String>> {
    let list = tools
        .docker()
        .args(["image", "ls", "--quiet", "--no-trunc"])
        .args(["--filter", "dangling=true"])
        .arg("--filter")
        .arg(format!("label={label}={value}"));
    Ok(lines(&tools.read(&list, printer)?))
}

/// The networks that Compose made for a project and that no container is on, running or not, but
/// for those that are about to go.
///
/// # Errors
/// When the engine does not answer.
pub fn unused_networks(
    tools: &Tools,
    compose_project: &str,
    going: &BTreeSet<&str>,
    printer: &Printer,
) -> Result<Vec<StoredNetwork>> {
    let list = tools
        .docker()
        .args(["network", "ls", "--quiet", "--no-trunc", "--filter"])
        .arg(format!(
            "label=com.docker.compose.project={compose_project}"
        ));
    let mut unused = Vec::new();
    for id in lines(&tools.read(&list, printer)?) {
        let on_it = tools
            .docker()
            .args(["ps", "--all", "--format={{.Names}}", "--filter"])
            .arg(format!("network={id}"));
        let on_it = tools.read(&on_it, printer)?;
        if on_it.lines().any(|container| !going.contains(container)) {
            continue;
        }
        let inspect = tools
            .docker()
            .args(["network", "inspect", "--format={{json .}}", &id]);
        let text = tools.read(&inspect, printer)?;
        let row: NetworkRow = serde_json::from_str(&text).map_err(|source| {
            Error::failed("cannot read `docker network inspect`").because(source)
        })?;
        unused.push(StoredNetwork {
            created: time(&row.created),
            id: row.id,
            name: row.name,
        });
    }
    Ok(unused)
}

/// The command that empties the build cache of what no build used for a number of seconds, or of
/// all that is not in use.
pub fn prune_cache(tools: &Tools, unused_for: Option<i64>) -> Invocation {
    let prune = tools
        .docker()
        .args(["builder", "prune", "--all", "--force"]);
    match unused_for {
        Some(seconds) => prune.arg(format!("--filter=until={seconds}s")),
        None => prune,
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// A size as the engine's command line prints it, in units of 1000: `0B`, `15.3kB`, `2.345MB`.
fn bytes(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let power = match unit.chars().next() {
        Some('k') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        _ => 0,
    };
    let number: f64 = number.parse().unwrap_or(0.0);
    // Sizes on disk are far below what a number of this kind holds exactly.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = (number * 1000_f64.powi(power)) as u64;
    whole
}

/// A time as the engine's command line prints it: Go's `2026-11-21 05:43:09.380385783 +0000 UTC`,
/// or RFC 3339.
fn time(text: &str) -> Option<jiff::Timestamp> {
    let standard = || {
        let mut words = text.split(' ');
        let (date, clock, offset) = (words.next()?, words.next()?, words.next()?);
        let (hours, minutes) = offset.split_at_checked(3)?;
        format!("{date}T{clock}{hours}:{minutes}").parse().ok()
    };
    text.parse().ok().or_else(standard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_may_still_use_soon_stays_when_asked() {
        let command = |unused_for| prune_cache(&Tools::default(), unused_for).to_string();
        assert_eq!(command(None), "docker builder prune --all --force");
        let week = "docker builder prune --all --force --filter=until=604800s";
        assert_eq!(command(Some(604_800)), week);
    }

    #[test]
    fn sizes_and_times_are_read_as_the_command_line_prints_them() {
        for (text, expected) in [
            ("0B", 0),
            ("873B", 873),
            ("15.3kB", 15_300),
            ("2.345MB", 2_345_000),
            ("1.2GB", 1_200_000_000),
            ("N/A", 0),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
        let expected: jiff::Timestamp = "2026-11-21T05:43:09.380385783Z".parse().expect("a time");
        for text in [
            "2026-11-21 05:43:09.380385783 +0000 UTC",
            "2026-11-21 07:43:09.380385783 +0200 CEST",
            "2026-11-21T05:43:09.380385783Z",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        assert_eq!(time("5 hours ago"), None);
    }
}
