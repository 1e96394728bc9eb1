//! The lists in an installation that are not what its lock says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::environment::freeze::locked;
use crate::environment::lock::Lock;
use crate::error::Result;
use crate::files;

/// A list that is not, byte for byte, what freeze writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftedList {
    /// Its path in the installation.
    pub name: PathBuf,
    /// Its path.
    pub path: PathBuf,
    /// What freeze writes for the lock; `None` when it writes no such list.
    pub wanted: Option<String>,
    /// What is there; `None` when nothing is.
    pub found: Option<String>,
}

/// The lists of the installation in a directory that drifted from its lock, in the order in which
/// freeze writes them. One that cannot be read is an error in its place.
pub fn drifted_lists(
    lock: &Lock,
    installation: &Path,
) -> impl Iterator<Item = Result<DriftedList>> {
    locked::files(lock).into_iter().filter_map(move |file| {
        let name = Path::new(locked::DIRECTORY).join(file.name);
        let path = installation.join(&name);
        let found = match files::read_text_if_exists(&path) {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        (found != file.text).then_some(Ok(DriftedList {
            name,
            path,
            wanted: file.text,
            found,
        }))
    })
}

impl DriftedList {
    /// A line that the lock does not say, with its number from 1: builds would go by it.
    pub fn strange(&self) -> Option<(usize, &str)> {
        let wanted = lines(&self.wanted);
        let mut found = self.found.iter().flat_map(|text| text.lines().enumerate());
        let strange =
            found.find(|(_, line)| says_something(line) && !wanted.contains(line.trim()))?;
        Some((strange.0 + 1, strange.1.trim()))
    }

    /// A package of the lock that is not there. (Without one of the comments, a build only resolves
    /// what it need not.)
    pub fn missing(&self) -> Option<&str> {
        let found = lines(&self.found);
        let wanted = lines(&self.wanted);
        let mut missing = wanted.difference(&found).copied();
        missing.find(|line| !line.starts_with('#'))
    }
}

fn lines(text: &Option<String>) -> BTreeSet<&str> {
    let lines = text.iter().flat_map(|text| text.lines());
    let lines = lines.filter(|line| says_something(line));
    lines.map(str::trim).collect()
}

/// Comments do as well, such as what a list answers, but for the first, which says who wrote it.
fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("# Written by")
}
