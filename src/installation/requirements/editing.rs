//! Edits of a requirements file, which leave every byte beside them as it is.

use std::ops::Range;
use std::str::FromStr;

use pep440_rs::Version;

use super::conflicts::same_version;
use super::entry::{Entry, Kind};
use super::fault::shown;
use super::line::Line;
use super::{Requirements, lines, location, normalise, reading};
use crate::error::{Error, Result};

/// What a requirement is pinned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin<'a> {
    /// The one version, for what comes from an index.
    Version(&'a str),
    /// The commit, for what comes from a repository.
    Commit(&'a str),
}

impl Requirements {
    /// Adds a requirement on a line of its own: behind the last requirement, or in its place when
    /// all of them stand in alphabetical order without comments in between. Says whether the file
    /// changed: a distribution that is asked for already, in whatever version, stays as it is.
    pub fn add(&mut self, requirement: &str) -> Result<bool> {
        let requirement = requirement.trim();
        let new = reading::requirement(requirement)?;
        let known = match new.normalised() {
            Some(name) => self.contains(&name),
            None => self.entries.iter().any(|entry| entry.kind == new.kind),
        };
        if known {
            return Ok(false);
        }
        let at = self.place_for(&new);
        let mut text = self.text.clone();
        text.insert_str(at, &self.as_line(at, requirement));
        *self = Self::parse(&self.path, &text)?;
        Ok(true)
    }

    /// Sets the one version of a named requirement; extras, marker, options and comments stay.
    /// Says whether the file changed: it does not when that version is pinned already, or when the
    /// name is not asked for or comes from a URL or path.
    pub fn pin(&mut self, name: &str, version: &str) -> Result<bool> {
        Version::from_str(version).map_err(|_| {
            Error::usage(format!("`{}` is no version", shown(version)))
                .help("versions are such as 1.2.3, 2.0rc1 or 1.0+cu121 (PEP 440)")
        })?;
        let found = self.find(name);
        let named: Vec<&Entry> = found
            .into_iter()
            .filter(|entry| matches!(entry.kind, Kind::Named { .. }))
            .collect();
        let entry = match named.as_slice() {
            [] => return Ok(false),
            [entry] => *entry,
            [first, second, ..] => return Err(self.ambiguous(name, first, second)),
        };
        if entry
            .kind
            .exact_version()
            .is_some_and(|known| same_version(known, version))
        {
            return Ok(false);
        }
        if entry.hashes().next().is_some() {
            return Err(self.hashes_of_another_version(entry));
        }
        let mut text = self.text.clone();
        text.replace_range(entry.specifier.clone(), &format!("=={version}"));
        *self = Self::parse(&self.path, &text)?;
        Ok(true)
    }

    /// Pins a distribution to what a [`Pin`] says. Says whether the file changed.
    ///
    /// # Errors
    /// As [`Self::pin`].
    pub fn pin_to(&mut self, name: &str, to: Pin<'_>) -> Result<bool> {
        match to {
            Pin::Version(version) => self.pin(name, version),
            Pin::Commit(commit) => self.pin_commit(name, commit),
        }
    }

    /// Sets the revision of a requirement that comes from a repository. Says whether the file
    /// changed: it does not when that is the revision already, or when the name is not asked for or
    /// comes from elsewhere.
    fn pin_commit(&mut self, name: &str, commit: &str) -> Result<bool> {
        let found = self.find(name);
        let mut addresses = found.iter().filter_map(|entry| match &entry.kind {
            Kind::Vcs { url, .. } => Some((entry.span.clone(), url.as_written().to_owned())),
            _ => None,
        });
        let Some((span, url)) = addresses.next() else {
            return Ok(false);
        };
        let pinned = location::at_revision(&url, commit);
        // Not there as a whole: a line break is in the middle of the address.
        let Some(at) = self.text[span.clone()].find(&url).filter(|_| pinned != url) else {
            return Ok(false);
        };
        let at = span.start + at;
        let mut text = self.text.clone();
        text.replace_range(at..at + url.len(), &pinned);
        *self = Self::parse(&self.path, &text)?;
        Ok(true)
    }

    /// Removes every line that asks for a distribution, with the comment on it, and says whether
    /// there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let name = normalise(name);
        let mut removed = false;
        while let Some(index) = self
            .entries
            .iter()
            .position(|entry| entry.normalised().as_deref() == Some(&name))
        {
            let line = self.entries.remove(index).line;
            for entry in &mut self.entries[index..] {
                entry.move_back(line.len());
            }
            self.text.replace_range(line, "");
            removed = true;
        }
        removed
    }

    /// Adds lines at the end, as they are written, with their comments.
    ///
    /// # Errors
    /// `Usage` when one of them contradicts what is there.
    pub fn append(&mut self, lines: &[Line]) -> Result<()> {
        let newline = lines::newline_of(&self.text);
        let mut text = self.text.clone();
        for line in lines.iter().flat_map(Line::written) {
            let at = text.len();
            text = match at == self.text.len() {
                true => text + &self.as_line(at, line),
                false => text + line + newline,
            };
        }
        *self = Self::parse(&self.path, &text)?;
        Ok(())
    }

    /// Removes every line that says just this, its comment aside. Says whether there was one.
    pub fn remove_line(&mut self, content: &str) -> bool {
        let spans: Vec<Range<usize>> = lines::logical_lines(&self.text)
            .iter()
            .filter(|line| !content.is_empty() && line.joined() == content)
            .map(|line| line.span.clone())
            .collect();
        for span in spans.iter().rev() {
            self.entries.retain(|entry| entry.line != *span);
            for entry in &mut self.entries {
                if entry.line.start >= span.end {
                    entry.move_back(span.len());
                }
            }
            self.text.replace_range(span.clone(), "");
        }
        !spans.is_empty()
    }

    /// Where a new requirement goes.
    fn place_for(&self, new: &Entry) -> usize {
        let requirements: Vec<&Entry> = self.requirements().collect();
        let Some(last) = requirements.last() else {
            return self.text.len();
        };
        if let Some(name) = new.normalised().filter(|_| in_order(&requirements)) {
            let later = |entry: &&&Entry| entry.normalised().is_some_and(|known| known > name);
            if let Some(next) = requirements.iter().find(later) {
                return next.line.start;
            }
        }
        // What pip-compile writes below a requirement, indented, belongs to it.
        let mut at = last.line.end;
        for (start, content_end, end) in lines::physical_lines(&self.text, at) {
            let content = &self.text[start..content_end];
            if !(content.starts_with([' ', '\t']) && lines::is_comment(content)) {
                break;
            }
            at = end;
        }
        at
    }

    /// A requirement with the line endings that it needs at a place.
    fn as_line(&self, at: usize, requirement: &str) -> String {
        let newline = lines::newline_of(&self.text);
        let before = &self.text[lines::without_mark(&self.text).min(at)..at];
        let open = before
            .chars()
            .next_back()
            .is_some_and(|c| !lines::is_line_break(c));
        let dangling = at == self.text.len()
            && lines::logical_lines(&self.text)
                .last()
                .is_some_and(|line| line.dangling);
        let mut line = String::new();
        for _ in 0..usize::from(open) + usize::from(dangling) {
            line.push_str(newline);
        }
        line + requirement + newline
    }

    fn ambiguous(&self, name: &str, first: &Entry, second: &Entry) -> Error {
        Error::usage(format!(
            "`{}` cannot be pinned: it stands on several lines",
            shown(name)
        ))
        .at(self.place(first))
        .at(self.place(second))
        .help("write the versions there yourself, or keep one of the lines")
    }

    fn hashes_of_another_version(&self, entry: &Entry) -> Error {
        let name = entry.kind.name().unwrap_or_default();
        Error::usage(format!(
            "`{name}` cannot be pinned: its hashes belong to another version"
        ))
        .at(self.place(entry))
        .help("remove its `--hash` options, or make the file again with the tool that wrote them")
    }
}

/// Whether requirements are all named, sorted, at least three, and nothing stands between them.
fn in_order(requirements: &[&Entry]) -> bool {
    let sorted = |pair: &[&Entry]| {
        pair[0].line.end == pair[1].line.start && pair[0].normalised() < pair[1].normalised()
    };
    let named = |entry: &&Entry| matches!(entry.kind, Kind::Named { .. });
    requirements.len() >= 3 && requirements.iter().all(named) && requirements.windows(2).all(sorted)
}
