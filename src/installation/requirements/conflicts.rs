//! Distributions that are asked for in two versions at once.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::Version;

use super::entry::{Entry, Kind};
use super::fault::shown;
use super::{Requirements, marker};
use crate::error::{Error, Result};

/// An entry that allows one version, and the file in which it stands.
struct Pin<'a> {
    version: &'a str,
    entry: &'a Entry,
    file: &'a Requirements,
}

/// Refuses two exact versions of one distribution under one marker, in files that are installed
/// together.
///
/// # Errors
/// `Usage`, with both lines.
pub fn check<'a>(files: impl IntoIterator<Item = &'a Requirements>) -> Result<()> {
    let mut pinned: HashMap<(String, String), Pin> = HashMap::new();
    for file in files {
        for entry in file.entries() {
            let (
                Kind::Named {
                    normalised, marker, ..
                },
                Some(version),
            ) = (&entry.kind, entry.kind.exact_version())
            else {
                continue;
            };
            let pin = Pin {
                version,
                entry,
                file,
            };
            let marker = marker.as_deref().map(marker::normalised);
            let marker = marker.and_then(std::result::Result::ok).unwrap_or_default();
            let earlier = pinned
                .entry((normalised.clone(), marker))
                .or_insert(Pin { ..pin });
            if !same_version(earlier.version, pin.version) {
                return Err(conflict(normalised, earlier, &pin));
            }
        }
    }
    Ok(())
}

fn conflict(name: &str, first: &Pin, second: &Pin) -> Error {
    let place = |pin: &Pin| {
        pin.file
            .place(pin.entry)
            .label(format!("version {}", shown(pin.version)))
    };
    let name_of = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let line = |pin: &Pin| {
        let file = match first.file.path() == second.file.path() {
            true => String::new(),
            false => format!("{}, ", name_of(pin.file.path())),
        };
        let number = pin.file.line_number(pin.entry);
        format!("`{}` ({file}line {number})", shown(pin.version))
    };
    Error::usage(format!(
        "`{name}` is asked for in two versions: {} and {}",
        line(first),
        line(second)
    ))
    .at(place(second))
    .at(place(first))
    .help("keep one of the two lines, or give them different environment markers")
}

/// Whether two versions are the same one: `1.0` is `1.0.0`.
pub(super) fn same_version(one: &str, other: &str) -> bool {
    match (Version::from_str(one), Version::from_str(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
