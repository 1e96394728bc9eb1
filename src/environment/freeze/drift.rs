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
    /// The first line that builds would go by and that the lock does not say, with its number from
    /// 1: one that it does not have at all, or, where nothing is missing, has in another place or
    /// less often. (What a package answers, and what it is built with, stands above it.)
    pub fn strange(&self) -> Option<(usize, &str)> {
        let (found, wanted) = (lines(&self.found), lines(&self.wanted));
        let known = set(&wanted);
        let unknown = found.iter().find(|(_, line)| !known.contains(line));
        let misplaced = || {
            let other =
                |at: &usize| found.get(*at).map(|it| it.1) != wanted.get(*at).map(|it| it.1);
            let at = (0..found.len().max(wanted.len())).find(other)?;
            found.get(at).or(found.last())
        };
        match unknown {
            None if self.missing().is_none() => misplaced().copied(),
            unknown => unknown.copied(),
        }
    }

    /// A line of the lock that is not there; if there are several, rather one that names a package.
    pub fn missing(&self) -> Option<&str> {
        let (found, wanted) = (lines(&self.found), lines(&self.wanted));
        let there = set(&found);
        let missing = wanted.iter().map(|(_, line)| *line);
        let missing = missing.filter(|line| !there.contains(line));
        missing.min_by_key(|line| line.starts_with('#'))
    }
}

/// What a list says, with the numbers of its lines from 1. Comments do as well, but for the first,
/// which says who wrote it.
fn lines(text: &Option<String>) -> Vec<(usize, &str)> {
    let lines = text.iter().flat_map(|text| text.lines()).map(str::trim);
    let lines = lines.enumerate().map(|(index, line)| (index + 1, line));
    let says_something = |line: &str| !line.is_empty() && !line.starts_with("# Written by");
    lines.filter(|(_, line)| says_something(line)).collect()
}

fn set<'a>(lines: &[(usize, &'a str)]) -> BTreeSet<&'a str> {
    lines.iter().map(|(_, line)| *line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drifted(wanted: &str, found: &str) -> DriftedList {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        DriftedList {
            name: PathBuf::new(),
            path: PathBuf::new(),
            wanted: text(wanted),
            found: text(found),
        }
    }

    #[test]
    fn a_line_more_less_or_elsewhere_is_named() {
        let wanted = "# Written by a\n# python: 3.11\n\n# asked: b\n# built with: w==1\nb==1\n\
                      # built with: w==1\nc==1\n";
        for (found, strange, missing) in [
            (wanted, None, None),
            // What git makes of line ends, and another writer, change nothing.
            (&*wanted.replace('\n', "\r\n"), None, None),
            (&wanted.replace("# Written by a\n", ""), None, None),
            (
                &wanted.replace("c==1", "c==2"),
                Some((8, "c==2")),
                Some("c==1"),
            ),
            (&wanted.replace("b==1\n", ""), None, Some("b==1")),
            (
                &wanted.replace("# asked: b\n", ""),
                None,
                Some("# asked: b"),
            ),
            (
                &wanted.replace("3.11", "3.12"),
                Some((2, "# python: 3.12")),
                Some("# python: 3.11"),
            ),
            // One of two lines that read the same.
            (
                &wanted
                    .replace("w==1\nc", "c")
                    .replace("# built with: c", "c"),
                Some((7, "c==1")),
                None,
            ),
            (
                &wanted
                    .replace("# asked: b\n", "")
                    .replace("c==1\n", "# asked: b\nc==1\n"),
                Some((4, "# built with: w==1")),
                None,
            ),
            (&format!("{wanted}c==1\n"), Some((9, "c==1")), None),
            ("", None, Some("b==1")),
        ] {
            let list = drifted(wanted, found);
            assert_eq!(
                (list.strange(), list.missing()),
                (strange, missing),
                "{found}"
            );
        }
        assert_eq!(drifted("", "b==1\n").strange(), Some((1, "b==1")));
    }
}
