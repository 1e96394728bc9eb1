//! Requirements files, as pip reads them.
//!
//! The format is described in pip's documentation, "Requirements File Format"
//! (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>); where that is silent,
//! what counts is pip's own reader, `pip/_internal/req/req_file.py`. Names and versions follow
//! PEP 503, PEP 508 and PEP 440. Files that `-r` names are opened by [`Includes`] alone, and
//! `${NAME}` stays as it is.

mod addresses;
mod conflicts;
mod editing;
mod entry;
mod fault;
mod included;
mod line;
mod lines;
mod location;
mod marker;
mod names;
mod options;
mod reading;
mod specification;

use std::fmt;
use std::path::{Path, PathBuf};

pub use conflicts::check as check_conflicts;
pub use editing::Pin;
pub use entry::{Entry, Kind};
pub use included::{Includes, Inclusion};
pub use line::Line;
pub use location::Location;
pub use marker::Marker;
pub use names::{is_name, normalise};
pub use options::FileOption;
pub use reading::requirement;

use crate::error::{Place, Result};
pub(in crate::installation) use location::redacted_place;

/// A requirements file, with every byte of its text.
///
/// The text may hold credentials. It is not printed by `Debug`, and there is no `Display`: the
/// document is [`Requirements::text`].
#[derive(Clone, PartialEq, Eq)]
pub struct Requirements {
    path: PathBuf,
    text: String,
    entries: Vec<Entry>,
}

/// Without the text, and so without credentials.
impl fmt::Debug for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requirements")
            .field("path", &self.path)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

impl Requirements {
    /// Reads a file's text; `path` is for messages alone. Errors are `Usage` and mark the place;
    /// two different exact versions of one distribution are one, too.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for line in lines::logical_lines(text) {
            let read =
                reading::read_line(&line).map_err(|fault| fault.error_in(path, text, &line))?;
            if let Some(hidden) = &line.hides {
                return Err(reading::hidden_line(path, text, hidden.clone()));
            }
            entries.extend(read);
        }
        let requirements = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            entries,
        };
        conflicts::check([&requirements])?;
        Ok(requirements)
    }

    /// The text, byte for byte. It may hold credentials.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All entries, as they stand: requirements and options.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries that ask for a distribution.
    pub fn requirements(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_requirement())
    }

    /// The values of an option for the whole file, by its long name: `--requirement`,
    /// `--constraint`, `--index-url` and so on.
    pub fn option_values(&self, name: &str) -> impl Iterator<Item = &Location> {
        self.entries
            .iter()
            .filter_map(move |entry| match &entry.kind {
                Kind::Option(option) if option.name == name => option.value.as_ref(),
                _ => None,
            })
    }

    /// The names of all distributions, in the form in which names are compared, as they stand.
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().filter_map(Entry::normalised).collect()
    }

    /// Whether a distribution of this name, in any spelling, is asked for.
    pub fn contains(&self, name: &str) -> bool {
        !self.find(name).is_empty()
    }

    /// The entries for a distribution, by its name in any spelling.
    pub fn find(&self, name: &str) -> Vec<&Entry> {
        let name = normalise(name);
        self.entries
            .iter()
            .filter(|entry| entry.normalised().as_deref() == Some(&name))
            .collect()
    }

    /// The path that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines with the comments that belong to them, each with its entries: several where a
    /// line has several options. The last one may be comments alone.
    pub fn lines(&self) -> Vec<(Line, &[Entry])> {
        let mut found = Vec::new();
        let mut above = Vec::new();
        let mut rest = self.entries.as_slice();
        for line in lines::logical_lines(&self.text) {
            let count = rest.iter().take_while(|entry| entry.line == line.span);
            let (entries, later) = rest.split_at(count.count());
            rest = later;
            if entries.is_empty() {
                above.push(line.own_comment(&self.text));
            } else {
                let above = std::mem::take(&mut above);
                found.push((Line::read(&self.text, &line, above), entries));
            }
        }
        if !above.is_empty() {
            found.push((Line::comments(above), &[]));
        }
        found
    }

    /// Where an entry stands, without credentials in the excerpt.
    pub fn place(&self, entry: &Entry) -> Place {
        redacted_place(&self.path, &self.text, entry.span.clone())
    }

    fn line_number(&self, entry: &Entry) -> usize {
        self.text[..entry.span.start].matches('\n').count() + 1
    }
}

#[cfg(test)]
mod tests;
