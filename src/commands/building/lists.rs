//! Whether the lists that the Dockerfile reads are what the lock says.

use std::collections::BTreeSet;

use crate::environment::freeze::{LOCKED_DIRECTORY, locked_files};
use crate::environment::lock::{self, Lock};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::project::Installation;

/// A build reads the lists alone, so a list that says something else would be verified instead.
///
/// # Errors
/// `Failed`, with the line, for the first list that differs.
pub fn check(installation: &Installation, lock: &Lock) -> Result<()> {
    for expected in locked_files(lock) {
        let path = installation.path(LOCKED_DIRECTORY).join(expected.name);
        let found = files::read_text_if_exists(&path)?.unwrap_or_default();
        let expected = expected.text.unwrap_or_default();
        let (expected, found_lines) = (lines(&expected), lines(&found));
        let differs = |message: String, place: Place| {
            Error::failed(message)
                .at(place)
                .help("`envtpl freeze` writes both; or take the committed ones back with git")
        };
        if let Some(strange) = found_lines.difference(&expected).next() {
            let number = found.lines().position(|line| line.trim() == *strange);
            let place = Place::line(&path, &found, number.unwrap_or(0) + 1);
            return Err(differs(
                format!("`{strange}` is not what {} says", lock::FILE),
                place,
            ));
        }
        // Without a comment, a build only resolves what it need not.
        let mut missing = expected.difference(&found_lines);
        if let Some(missing) = missing.find(|line| !line.starts_with('#')) {
            return Err(differs(
                format!("`{missing}` is in {} and missing here", lock::FILE),
                Place::file(&path),
            ));
        }
    }
    Ok(())
}

/// The lines that say something; comments do as well, such as what a list answers, but for the
/// first, which says who wrote it.
fn lines(text: &str) -> BTreeSet<&str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("# Written by"))
        .collect()
}
