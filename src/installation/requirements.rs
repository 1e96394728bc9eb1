//! Requirements files, as pip reads them.
//!
//! The format is described in pip's documentation, "Requirements File Format"
//! (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>); where that is silent,
//! what counts is pip's own reader, `pip/_internal/req/req_file.py`. Names and versions follow
//! PEP 503, PEP 508 and PEP 440. Files that `-r` and `-c` name are not opened here, and `${NAME}`
//! stays as it is.

mod fault;
mod lines;
mod location;
mod marker;
mod options;
mod specification;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::Version;

pub use location::{Location, redact};
pub use options::FileOption;
pub use specification::{is_name, normalise};

use crate::error::{Error, Result};
use fault::{Fault, range_of, shown};
use lines::LogicalLine;
use location::redacted_place;

/// What a line of a requirements file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A distribution of the index.
    Named {
        /// As it is written.
        name: String,
        /// As names are compared (PEP 503).
        normalised: String,
        /// The extras, as they are written.
        extras: Vec<String>,
        /// The versions, as they are written, brackets included; may be empty.
        specifier: String,
        /// The environment marker, as it is written.
        marker: Option<String>,
    },
    /// An archive at a URL.
    Url {
        /// The name before `@`, in `#egg=` or in the wheel's file name.
        name: Option<String>,
        /// The extras.
        extras: Vec<String>,
        /// The URL.
        url: Location,
        /// The environment marker.
        marker: Option<String>,
    },
    /// A repository of a version control system.
    Vcs {
        /// The name before `@` or in `#egg=`.
        name: Option<String>,
        /// The extras.
        extras: Vec<String>,
        /// The whole URL, with its `git+`, revision and fragment.
        url: Location,
        /// The revision: a branch, a tag or a commit.
        revision: Option<String>,
        /// The environment marker.
        marker: Option<String>,
    },
    /// A project that is installed in place (`-e`).
    Editable {
        /// The name before `@` or in `#egg=`.
        name: Option<String>,
        /// The path or URL.
        target: Location,
    },
    /// A file or directory.
    Path {
        /// The name before `@` or in the wheel's file name.
        name: Option<String>,
        /// The extras.
        extras: Vec<String>,
        /// The path.
        path: Location,
        /// The environment marker.
        marker: Option<String>,
    },
    /// An option for the whole file, such as `--index-url`, `-r` or `-c`.
    Option(FileOption),
}

impl Kind {
    /// The distribution's name, as it is written, when the line tells it.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named { name, .. } => Some(name),
            Self::Url { name, .. }
            | Self::Vcs { name, .. }
            | Self::Editable { name, .. }
            | Self::Path { name, .. } => name.as_deref(),
            Self::Option(_) => None,
        }
    }

    /// The extras that are asked for.
    pub fn extras(&self) -> &[String] {
        match self {
            Self::Named { extras, .. }
            | Self::Url { extras, .. }
            | Self::Vcs { extras, .. }
            | Self::Path { extras, .. } => extras,
            Self::Editable { .. } | Self::Option(_) => &[],
        }
    }

    /// The environment marker, as it is written.
    pub fn marker(&self) -> Option<&str> {
        match self {
            Self::Named { marker, .. }
            | Self::Url { marker, .. }
            | Self::Vcs { marker, .. }
            | Self::Path { marker, .. } => marker.as_deref(),
            Self::Editable { .. } | Self::Option(_) => None,
        }
    }

    /// Where it comes from, when it is not the index.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::Url { url, .. } | Self::Vcs { url, .. } => Some(url),
            Self::Editable { target, .. } => Some(target),
            Self::Path { path, .. } => Some(path),
            Self::Named { .. } | Self::Option(_) => None,
        }
    }

    /// The one version that a named requirement allows: `==1.2` or `===1.2`, without `*`.
    pub fn exact_version(&self) -> Option<&str> {
        let Self::Named { specifier, .. } = self else {
            return None;
        };
        let inside = specifier
            .strip_prefix('(')
            .and_then(|inside| inside.strip_suffix(')'))
            .unwrap_or(specifier);
        let version = inside.strip_prefix("==")?;
        let version = version.strip_prefix('=').unwrap_or(version).trim();
        let plain = !version.is_empty() && !version.contains([',', '*', '$']);
        plain.then_some(version)
    }
}

/// A line of a requirements file, or one of the options on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it asks for.
    pub kind: Kind,
    /// The options behind a requirement: `--hash`, `--config-settings` and older ones.
    pub options: Vec<FileOption>,
    /// Where it stands in the text, in bytes: from its first to its last character, without the
    /// comment behind.
    pub span: Range<usize>,
    /// The whole lines, with their comment and line ending.
    line: Range<usize>,
    /// Where the specifier of a named requirement stands, or where one goes.
    specifier: Range<usize>,
}

impl Entry {
    /// The name as names are compared (PEP 503), when the line tells it.
    pub fn normalised(&self) -> Option<String> {
        match &self.kind {
            Kind::Named { normalised, .. } => Some(normalised.clone()),
            kind => kind.name().map(normalise),
        }
    }

    /// Whether it asks for a distribution, and not for a setting or another file.
    pub fn is_requirement(&self) -> bool {
        !matches!(self.kind, Kind::Option(_))
    }

    /// The hashes that are allowed, each `algorithm:digits`.
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        self.options
            .iter()
            .filter(|option| option.name == "--hash")
            .filter_map(|option| option.value.as_ref().map(Location::as_written))
    }

    fn move_back(&mut self, by: usize) {
        for range in [&mut self.span, &mut self.line, &mut self.specifier] {
            *range = range.start - by..range.end - by;
        }
    }
}

/// For messages: in one line, without hashes and without credentials.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Option(option) => {
                f.write_str(option.name)?;
                return match &option.value {
                    Some(value) => write!(f, " {value}"),
                    None => Ok(()),
                };
            }
            Kind::Editable { target, .. } => return write!(f, "-e {target}"),
            _ => {}
        }
        f.write_str(self.kind.name().unwrap_or_default())?;
        if !self.kind.extras().is_empty() {
            write!(f, "[{}]", self.kind.extras().join(","))?;
        }
        if let Kind::Named { specifier, .. } = &self.kind {
            f.write_str(specifier)?;
        }
        if let Some(location) = self.kind.location() {
            f.write_str(if self.kind.name().is_some() {
                " @ "
            } else {
                ""
            })?;
            write!(f, "{location}")?;
        }
        match self.kind.marker() {
            Some(marker) => write!(f, " ; {marker}"),
            None => Ok(()),
        }
    }
}

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
            let read = read_line(&line).map_err(|fault| fault.error_in(path, text, &line))?;
            if let Some(hidden) = &line.hides {
                return Err(hidden_line(path, text, hidden.clone()));
            }
            entries.extend(read);
        }
        let requirements = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            entries,
        };
        requirements.check_conflicts()?;
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

    /// Adds a requirement on a line of its own: behind the last requirement, or in its place when
    /// all of them stand in alphabetical order without comments in between. Says whether the file
    /// changed: a distribution that is asked for already, in whatever version, stays as it is.
    pub fn add(&mut self, requirement: &str) -> Result<bool> {
        let requirement = requirement.trim();
        let new = single(requirement)?;
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

    fn check_conflicts(&self) -> Result<()> {
        let mut pinned: HashMap<(String, String), &Entry> = HashMap::new();
        for entry in &self.entries {
            let (
                Kind::Named {
                    normalised, marker, ..
                },
                Some(version),
            ) = (&entry.kind, entry.kind.exact_version())
            else {
                continue;
            };
            let marker = marker.as_deref().map(marker::normalised);
            let marker = marker.and_then(std::result::Result::ok).unwrap_or_default();
            let earlier = *pinned.entry((normalised.clone(), marker)).or_insert(entry);
            let first = earlier.kind.exact_version().unwrap_or(version);
            if !same_version(first, version) {
                return Err(self.conflict(normalised, (first, earlier), (version, entry)));
            }
        }
        Ok(())
    }

    fn conflict(&self, name: &str, first: (&str, &Entry), second: (&str, &Entry)) -> Error {
        let place = |(version, entry): (&str, &Entry)| {
            self.place(entry)
                .label(format!("version {}", shown(version)))
        };
        let line = |(version, entry): (&str, &Entry)| {
            format!("`{}` (line {})", shown(version), self.line_number(entry))
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

    fn place(&self, entry: &Entry) -> crate::error::Place {
        redacted_place(&self.path, &self.text, entry.span.clone())
    }

    fn line_number(&self, entry: &Entry) -> usize {
        self.text[..entry.span.start].matches('\n').count() + 1
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

/// Reads a requirement that is to be added.
fn single(requirement: &str) -> Result<Entry> {
    let lines = lines::logical_lines(requirement);
    let (1, Some(line)) = (lines.len(), lines.first()) else {
        return Err(
            Error::usage(format!("`{}` is not one requirement", shown(requirement)))
                .help("give one requirement on one line, such as `numpy>=1.26`"),
        );
    };
    let mut entries = read_line(line).map_err(Fault::error)?;
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) if entry.is_requirement() && !line.dangling => Ok(entry),
        _ => Err(
            Error::usage(format!("`{}` is no requirement", shown(requirement)))
                .help("give a name, a URL or a path, such as `numpy>=1.26`"),
        ),
    }
}

/// Reads one line: a requirement with its options, or options alone.
fn read_line(line: &LogicalLine) -> Result<Vec<Entry>, Fault<'_>> {
    let content = line.content.trim();
    let (requirement, rest) = content.split_at(options::start_of_options(content));
    let requirement = requirement.trim();
    let found = options::parse(rest)?;
    if !requirement.is_empty() {
        let kind = specification::parse(requirement)?;
        let options = options_of_requirement(found)?;
        return Ok(vec![entry(line, requirement, kind, options)]);
    }
    read_options(line, content, found)
}

/// The options behind a requirement; pip would ignore others without a word.
fn options_of_requirement(found: Vec<options::Found<'_>>) -> Result<Vec<FileOption>, Fault<'_>> {
    found
        .into_iter()
        .map(|found| match found.of_requirement {
            true => Ok(found.option),
            false => Err(Fault::new(
                found.written,
                format!("pip ignores `{}` behind a requirement", found.option.name),
                "put it on a line of its own",
            )),
        })
        .collect()
}

/// A line of options alone.
fn read_options<'a>(
    line: &'a LogicalLine,
    content: &'a str,
    found: Vec<options::Found<'a>>,
) -> Result<Vec<Entry>, Fault<'a>> {
    let alone = |found: &&options::Found<'_>| {
        matches!(
            found.option.name,
            "--editable" | "--requirement" | "--constraint"
        )
    };
    if let Some(second) = found.iter().filter(alone).nth(1) {
        return Err(Fault::new(
            second.written,
            "pip heeds one of `-e`, `-r` and `-c` on a line and ignores the others",
            "put it on a line of its own",
        ));
    }
    let mut found = found;
    let editable = found
        .iter()
        .position(|found| found.option.name == "--editable");
    if let Some(index) = editable {
        let target = found.remove(index).option.value;
        let kind = specification::editable(target.as_ref().map_or("", Location::as_written));
        return Ok(vec![entry(
            line,
            content,
            kind,
            options_of_requirement(found)?,
        )]);
    }
    if let Some(stray) = found.iter().find(|found| found.of_requirement) {
        return Err(Fault::new(
            stray.written,
            format!("`{}` stands behind no requirement", stray.option.name),
            "put it behind one; a line that goes on ends with `\\`",
        ));
    }
    Ok(found
        .into_iter()
        .map(|found| entry(line, content, Kind::Option(found.option), Vec::new()))
        .collect())
}

/// An entry for a line whose requirement is `requirement`, a slice of its content.
fn entry(line: &LogicalLine, requirement: &str, kind: Kind, options: Vec<FileOption>) -> Entry {
    let start = range_of(&line.content, requirement).start;
    let specifier = match kind {
        Kind::Named { .. } => specification::specifier_range(requirement),
        _ => 0..0,
    };
    Entry {
        kind,
        options,
        span: line.in_text(range_of(&line.content, line.content.trim())),
        specifier: line.in_text(start + specifier.start..start + specifier.end),
        line: line.span.clone(),
    }
}

/// pip would read past a line that a comment has swallowed.
fn hidden_line(path: &Path, text: &str, range: Range<usize>) -> Error {
    Error::usage("a comment that ends with `\\` hides the next line from pip")
        .at(redacted_place(path, text, range))
        .help("remove the `\\` at the comment's end")
}

/// Whether two versions are the same one: `1.0` is `1.0.0`.
fn same_version(one: &str, other: &str) -> bool {
    match (Version::from_str(one), Version::from_str(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
