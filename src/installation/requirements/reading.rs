//! Reads the lines of a requirements file.

use std::ops::Range;
use std::path::Path;

use super::entry::{Entry, Kind};
use super::fault::{Fault, range_of, shown};
use super::lines::{self, LogicalLine};
use super::location::{Location, redacted_place};
use super::options::{self, FileOption};
use super::specification;
use crate::error::{Error, Result};

/// Reads one requirement that stands in no requirements file, such as an item of a list.
///
/// # Errors
/// `Usage`, without a place.
pub fn requirement(text: &str) -> Result<Entry> {
    let lines = lines::logical_lines(text);
    let (1, Some(line)) = (lines.len(), lines.first()) else {
        return Err(
            Error::usage(format!("`{}` is not one requirement", shown(text)))
                .help("give one requirement on one line, such as `numpy>=1.26`"),
        );
    };
    let mut entries = read_line(line).map_err(Fault::error)?;
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) if entry.is_requirement() && !line.dangling => Ok(entry),
        _ => Err(Error::usage(format!("`{}` is no requirement", shown(text)))
            .help("give a name, a URL or a path, such as `numpy>=1.26`")),
    }
}

/// Reads one line: a requirement with its options, or options alone.
pub(super) fn read_line(line: &LogicalLine) -> Result<Vec<Entry>, Fault<'_>> {
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
pub(super) fn hidden_line(path: &Path, text: &str, range: Range<usize>) -> Error {
    Error::usage("a comment that ends with `\\` hides the next line from pip")
        .at(redacted_place(path, text, range))
        .help("remove the `\\` at the comment's end")
}
