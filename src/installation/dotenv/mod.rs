//! `.env`: the person's settings, read as Compose reads them, edited without touching anything
//! else, never executed.
//!
//! Format: the dialect of compose-go's `dotenv` package (`dotenv/parser.go` in
//! <https://github.com/compose-spec/compose-go>) with its interpolation (`template/template.go`).

mod interpolate;
mod parse;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Place, Result};
use interpolate::Fault;

/// A `.env` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dotenv {
    text: String,
    entries: Vec<Entry>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: String,
    key_span: Range<usize>,
    /// The value with its quotes, without a comment behind it; `None` for a key alone, whose
    /// value comes from the environment.
    value_span: Option<Range<usize>>,
    /// The value without quotes and escapes, variables not yet filled in.
    template: String,
    /// Whether variables are filled in; not between single quotes.
    expands: bool,
}

/// A demand, `${name:?message}`, that is not met.
struct Unmet<'a> {
    entry: &'a Entry,
    name: String,
    message: String,
}

impl Dotenv {
    /// Reads a file; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` at the line that Compose would not accept either.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |problem: parse::Problem| {
            Error::usage(format!("this line is no setting: {}", problem.why))
                .at(Place::span(path, text, problem.span))
                .help("settings look like NAME=value; put a value with special characters between single quotes")
        };
        let entries = parse::entries(text).map_err(wrong)?;
        for entry in entries.iter().filter(|entry| entry.expands) {
            interpolate::check_form(&entry.template).map_err(|fault| {
                let span = entry.value_span.clone().unwrap_or_default();
                let why = match fault {
                    Fault::Form(why) => why,
                    Fault::Missing { name, .. } => format!("`{name}` has no value"),
                };
                wrong(parse::Problem { why, span })
            })?;
        }
        Ok(Self {
            text: text.to_owned(),
            entries,
        })
    }

    /// The value of a key as the file alone says: variables that the file does not set are empty.
    /// Where a key stands twice, the last one counts.
    pub fn get(&self, key: &str) -> Option<String> {
        self.values(|_| None).remove(key)
    }

    /// All values as Compose has them when it reads its files: a variable of the environment
    /// goes before the file's, and fills in for `${NAME}` and for keys without a value.
    ///
    /// A key whose value demands a variable that is not there (`${NAME:?message}`) is left out;
    /// Compose refuses the file then, and so does [`Dotenv::demand`].
    pub fn values(&self, environment: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
        self.evaluate(&environment).0
    }

    /// A text of a Compose file with its variables filled in, as Compose does when it has these
    /// settings: one that is nowhere set is empty. `None` where Compose refuses the text.
    pub fn fill(&self, text: &str, environment: impl Fn(&str) -> Option<String>) -> Option<String> {
        let values = self.values(&environment);
        let look_up = |name: &str| values.get(name).cloned().or_else(|| environment(name));
        interpolate::expand(text, &look_up).ok()
    }

    /// Makes sure that every variable which a value demands (`${NAME:?message}`) is there.
    ///
    /// # Errors
    /// `Usage` at the value, with the person's own message.
    pub fn demand(&self, path: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<()> {
        let (_, Some(unmet)) = self.evaluate(&environment) else {
            return Ok(());
        };
        let Unmet {
            entry,
            name,
            message,
        } = unmet;
        let span = entry.value_span.clone().unwrap_or_default();
        let said = match message.is_empty() {
            true => String::new(),
            false => format!(": {message}"),
        };
        Err(
            Error::usage(format!("`{}` needs the variable `{name}`{said}", entry.key))
                .at(Place::span(path, &self.text, span))
                .help(format!("set `{name}` in this file above, or in your shell")),
        )
    }

    /// The values, and the first demand that is not met.
    fn evaluate(
        &self,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> (BTreeMap<String, String>, Option<Unmet<'_>>) {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        let mut unmet = None;
        for entry in &self.entries {
            let look_up = |name: &str| environment(name).or_else(|| values.get(name).cloned());
            let value = match (&entry.value_span, entry.expands) {
                (None, _) => environment(&entry.key),
                (Some(_), false) => Some(entry.template.clone()),
                (Some(_), true) => match interpolate::expand(&entry.template, &look_up) {
                    Ok(value) => Some(value),
                    Err(Fault::Missing { name, message }) => {
                        unmet.get_or_insert(Unmet {
                            entry,
                            name,
                            message,
                        });
                        None
                    }
                    // Its form was checked when the file was read.
                    Err(Fault::Form(_)) => None,
                },
            };
            if let Some(value) = value {
                values.insert(entry.key.clone(), value);
            }
        }
        for (key, value) in &mut values {
            if let Some(outside) = environment(key) {
                *value = outside;
            }
        }
        (values, unmet)
    }

    /// The keys, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Where a key's value stands, for messages.
    pub fn place(&self, path: &Path, key: &str) -> Option<Place> {
        let entry = self.last(key)?;
        let span = entry.value_span.clone().unwrap_or(entry.key_span.clone());
        Some(Place::span(path, &self.text, span))
    }

    /// Sets a value; quotes it where it needs quotes. Everything else stays byte for byte. A key
    /// that is not there goes to the end.
    ///
    /// # Errors
    /// `Usage` when the key is no name, or the value holds a zero byte.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        if !parse::is_key(key) {
            return Err(Error::usage(format!("`{key}` is no name of a setting")));
        }
        if value.contains('\0') {
            return Err(Error::usage(format!(
                "the value of `{key}` holds a zero byte"
            )));
        }
        let written = quoted(value);
        let Some(entry) = self.last(key) else {
            self.append(&format!("{key}={written}"));
            return Ok(());
        };
        match entry.value_span.clone() {
            None => {
                let end = entry.key_span.end;
                self.text.insert_str(end, &format!("={written}"));
            }
            Some(span) if self.is_meant_as_comment(&span) => {
                if !self.text[..span.start].ends_with(' ') {
                    self.text.insert(span.start, ' ');
                }
                let blanks = self.text[..span.start].trim_end_matches([' ', '\t']).len();
                self.text.insert_str(blanks, &in_quotes(written));
            }
            Some(span) => {
                let was_quoted = self.text[span.clone()].starts_with(['\'', '"']);
                let rest = self.text[span.end..].lines().next().unwrap_or_default();
                // A comment may stand anyhow behind a closing quote; behind a bare value it may
                // belong to the value, and behind an empty one it is the value.
                let written = match !rest.trim().is_empty() && (was_quoted || value.is_empty()) {
                    true => in_quotes(written),
                    false => written,
                };
                self.text.replace_range(span, &written);
            }
        }
        self.reread();
        Ok(())
    }

    /// Whether `NAME= # text`, whose value is `# text` to Compose, was meant as a comment.
    fn is_meant_as_comment(&self, value: &Range<usize>) -> bool {
        self.text[value.clone()].starts_with('#') && self.text[..value.start].ends_with([' ', '\t'])
    }

    /// Removes every line that sets a key, with the comment behind it; everything else stays
    /// byte for byte. Returns whether there was one.
    pub fn unset(&mut self, key: &str) -> bool {
        let mut found = false;
        while let Some(entry) = self.last(key) {
            let value_end = entry.value_span.as_ref().map_or(0, |span| span.end);
            let end = entry.key_span.end.max(value_end);
            let start = self.text[..entry.key_span.start]
                .rfind('\n')
                .map_or(self.start(), |line_break| line_break + 1);
            let end = self.text[end..]
                .find('\n')
                .map_or(self.text.len(), |line_break| end + line_break + 1);
            self.text.replace_range(start..end, "");
            self.reread();
            found = true;
        }
        found
    }

    /// Where the text begins, behind a byte order mark.
    fn start(&self) -> usize {
        match self.text.starts_with('\u{feff}') {
            true => '\u{feff}'.len_utf8(),
            false => 0,
        }
    }

    /// Adds lines at the end, such as a comment; a line break is added behind them.
    pub fn append(&mut self, lines: &str) {
        let line_break = if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        if self.text.len() > self.start() && !self.text.ends_with('\n') {
            self.text.push_str(line_break);
        }
        self.text.push_str(&lines.replace('\n', line_break));
        self.text.push_str(line_break);
        self.reread();
    }

    /// The keys that another reader of `.env` files, the dotenvy library (and the many tools that
    /// are like it), gives another value or cannot read, sorted.
    pub fn read_differently_elsewhere(&self) -> Vec<String> {
        let ours = self.values(|_| None);
        let mut theirs = BTreeMap::new();
        // It reads on behind a line that it does not understand.
        for (key, value) in dotenvy::from_read_iter(self.text.as_bytes()).flatten() {
            theirs.insert(key, value);
        }
        ours.into_iter()
            .filter(|(key, value)| theirs.get(key) != Some(value))
            .map(|(key, _)| key)
            .collect()
    }

    fn last(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    /// The text is only ever changed by what [`quoted`] writes or by whole lines of ours; a text
    /// that no longer reads would be a bug of this module, found by its tests.
    fn reread(&mut self) {
        if let Ok(entries) = parse::entries(&self.text) {
            self.entries = entries;
        } else {
            debug_assert!(false, "unreadable after an edit: {:?}", self.text);
        }
    }
}

impl fmt::Display for Dotenv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Puts quotes around a value that [`quoted`] left bare.
fn in_quotes(written: String) -> String {
    match written.starts_with(['\'', '"']) {
        true => written,
        false => format!("'{written}'"),
    }
}

/// Writes a value so that Compose and dotenvy read the same: bare where nothing is special, else
/// between single quotes, else between double quotes with escapes.
fn quoted(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c);
    if value.chars().all(bare) {
        value.to_owned()
    } else if !value.contains(['\'', '\\', '\n', '\r']) {
        format!("'{value}'")
    } else {
        let mut written = String::from("\"");
        for c in value.chars() {
            match c {
                '\\' | '"' | '$' => written.extend(['\\', c]),
                '\n' => written.push_str("\\n"),
                '\r' => written.push_str("\\r"),
                c => written.push(c),
            }
        }
        written.push('"');
        written
    }
}

#[cfg(test)]
mod tests;
