//! What is wrong with a line, before it is known in which file the line stands.

use std::path::Path;

use super::lines::LogicalLine;
use super::location::redacted_place;
use crate::error::Error;
use crate::secrets::redact;

/// The longest piece of a line that a message repeats.
const LONGEST: usize = 64;

/// What is wrong with a part of a line's content, and what to do about it.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    part: &'a str,
    message: String,
    help: String,
}

impl<'a> Fault<'a> {
    /// `part` is a slice of the line's content: it is what gets marked.
    pub fn new(part: &'a str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            part,
            message: message.into(),
            help: help.into(),
        }
    }

    /// The error, without a place.
    pub fn error(self) -> Error {
        Error::usage(redact(&self.message)).help(redact(&self.help))
    }

    /// The error at its place in a file.
    pub fn error_in(self, path: &Path, text: &str, line: &LogicalLine) -> Error {
        let range = line.in_text(range_of(&line.content, self.part));
        let place = redacted_place(path, text, range);
        self.error().at(place)
    }
}

/// Where a slice of a text stands in it.
pub(super) fn range_of(whole: &str, part: &str) -> std::ops::Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    let start = start.min(whole.len());
    start..(start + part.len()).min(whole.len())
}

/// A piece of a line that fits in a message: on one line, without credentials.
pub(super) fn shown(part: &str) -> String {
    let safe = redact(part);
    let mut short = String::new();
    for c in safe.chars().take(LONGEST) {
        match c.is_control() {
            true => short.extend(c.escape_debug()),
            false => short.push(c),
        }
    }
    let more = if safe.chars().nth(LONGEST).is_some() {
        "…"
    } else {
        ""
    };
    format!("{short}{more}")
}
