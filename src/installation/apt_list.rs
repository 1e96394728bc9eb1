//! Lists of Debian packages: names, perhaps with an architecture and a version, and comments.
//!
//! The format is the one that `xargs apt-get install` reads once comments are cut away: names
//! between white space, one or several a line, each `name`, `name:architecture`, `name=version` or
//! `name:architecture=version`. A comment starts at a `#` at the start of a line or behind white
//! space. Names follow Debian policy 5.6.1, versions 5.6.12.

mod entry;
mod word;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

pub use entry::AptEntry;

use crate::error::{Place, Result};

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A list of Debian packages, with every byte of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptList {
    text: String,
    entries: Vec<AptEntry>,
}

impl AptList {
    /// Reads a list; `path` is for messages alone. Errors are `Usage` and mark the wrong word.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for word in words(text) {
            let entry = AptEntry::parse(&text[word.clone()], word.start)
                .map_err(|fault| fault.error().at(Place::span(path, text, word)))?;
            entries.push(entry);
        }
        Ok(Self {
            text: text.to_owned(),
            entries,
        })
    }

    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The packages, as they stand.
    pub fn entries(&self) -> &[AptEntry] {
        &self.entries
    }

    /// The packages' names, without architecture and version, as they stand.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Whether a package of this name is listed, in any version and for any architecture.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Packages that stand more than once, each with its first entry.
    pub fn duplicates(&self) -> Vec<(&AptEntry, &AptEntry)> {
        let mut first = HashMap::new();
        let mut duplicates = Vec::new();
        for entry in &self.entries {
            match first.get(&(&entry.name, &entry.arch)) {
                Some(earlier) => duplicates.push((*earlier, entry)),
                None => {
                    first.insert((&entry.name, &entry.arch), entry);
                }
            }
        }
        duplicates
    }

    /// Adds a package (`name`, or with `:architecture` and `=version`) on a line of its own at the
    /// end. Says whether the list changed: a package that is listed already, in whatever version,
    /// stays as it is. What is no package is refused (`Usage`).
    pub fn add(&mut self, package: &str) -> Result<bool> {
        let mut entry = AptEntry::parse(package, 0).map_err(|fault| fault.error())?;
        if self.entries.iter().any(|known| known.same_package(&entry)) {
            return Ok(false);
        }
        let newline = newline_of(&self.text);
        if !matches!(
            self.text.chars().next_back(),
            None | Some('\n' | BYTE_ORDER_MARK)
        ) {
            self.text.push_str(newline);
        }
        let start = self.text.len();
        entry.span = start..start + package.len();
        self.text.push_str(package);
        self.text.push_str(newline);
        self.entries.push(entry);
        Ok(true)
    }

    /// Sets the version of every entry of a package, `name=version`, where it stands. Says whether
    /// the list changed. What is no version is refused (`Usage`).
    pub fn pin(&mut self, name: &str, arch: Option<&str>, version: &str) -> Result<bool> {
        let word = format!("{name}={version}");
        word::check_version(version, &word).map_err(|fault| fault.error())?;
        let mut changed = false;
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            let same = entry.name == name && entry.arch.as_deref() == arch;
            if !same || entry.version.as_deref() == Some(version) {
                continue;
            }
            entry.version = Some(version.to_owned());
            let before = entry.span.clone();
            let word = entry.to_string();
            entry.span.end = before.start + word.len();
            self.text.replace_range(before.clone(), &word);
            for later in &mut self.entries[index + 1..] {
                let moved = |at: usize| at - before.len() + word.len();
                later.span = moved(later.span.start)..moved(later.span.end);
            }
            changed = true;
        }
        Ok(changed)
    }

    /// Removes every entry of this name and says whether there was one. A line that held nothing
    /// else goes as a whole, with the comment behind the name; of other lines the rest stays.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        while let Some(index) = self.entries.iter().position(|entry| entry.name == name) {
            let cut = self.cut_for(index);
            self.entries.remove(index);
            for entry in &mut self.entries[index..] {
                entry.span = entry.span.start - cut.len()..entry.span.end - cut.len();
            }
            self.text.replace_range(cut, "");
        }
        self.entries.len() < before
    }

    /// What goes with an entry: its line, or the word and the white space on one side.
    fn cut_for(&self, index: usize) -> Range<usize> {
        let span = self.entries[index].span.clone();
        let start = self.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let start = if start == 0 {
            without_mark(&self.text)
        } else {
            start
        };
        let end = self.text[span.end..]
            .find('\n')
            .map_or(self.text.len(), |at| span.end + at + 1);
        let on_line = |entry: &AptEntry| (start..end).contains(&entry.span.start);
        if self.entries.iter().filter(|entry| on_line(entry)).count() == 1 {
            return start..end;
        }
        let rest = &self.text[span.end..end];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match rest[blank..].chars().next() {
            Some(c) if !c.is_whitespace() => span.start..span.end + blank,
            _ => self.text[..span.start].trim_end().len().max(start)..span.end,
        }
    }
}

/// The text, byte for byte.
impl fmt::Display for AptList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The byte ranges of the words that are no comments.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = without_mark(text);
    for line in text[at..].split_inclusive('\n') {
        let mut rest = line;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            if rest.is_empty() || rest.starts_with('#') {
                break;
            }
            let length = rest
                .find(|c: char| c.is_ascii_whitespace())
                .unwrap_or(rest.len());
            let start = at + line.len() - rest.len();
            words.push(start..start + length);
            rest = &rest[length..];
        }
        at += line.len();
    }
    words
}

/// Where the text starts behind a byte order mark.
fn without_mark(text: &str) -> usize {
    if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len_utf8()
    } else {
        0
    }
}

/// The line ending that the text uses.
fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests;
