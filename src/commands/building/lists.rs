//! Whether the lists that the Dockerfile reads are what the lock says.

use crate::environment::freeze::drifted_lists;
use crate::environment::lock::{self, Lock};
use crate::error::{Error, Place, Result};
use crate::project::Installation;

/// A build reads the lists alone, so a list that says something else would be verified instead.
///
/// # Errors
/// `Failed`, with the line, for the first list that differs in what it makes a build do.
pub fn check(installation: &Installation, lock: &Lock) -> Result<()> {
    for list in drifted_lists(lock, installation.directory()) {
        let list = list?;
        let differs = |message: String, place: Place| {
            Error::failed(message)
                .at(place)
                .help("`envtpl freeze` writes both; or take the committed ones back with git")
        };
        if let Some((number, line)) = list.strange() {
            let found = list.found.as_deref().unwrap_or_default();
            return Err(differs(
                format!("`{line}` is not what {} says", lock::FILE),
                Place::line(&list.path, found, number),
            ));
        }
        if let Some(line) = list.missing() {
            return Err(differs(
                format!("`{line}` is in {} and missing here", lock::FILE),
                Place::file(&list.path),
            ));
        }
    }
    Ok(())
}
