//! A part of the file, with the way to it, so that whatever is wrong is told with its line.

use serde_yaml::Value;

use crate::error::{Error, Result};
use crate::installation::yaml_document::{Step, YamlDocument};

/// A part of the file; it may not be there.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    document: &'a YamlDocument,
    way: Vec<&'a str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub fn whole(document: &'a YamlDocument) -> Self {
        Self {
            document,
            way: Vec::new(),
        }
    }

    /// The part below a key.
    pub fn below(&self, key: &'a str) -> Self {
        let mut way = self.way.clone();
        way.push(key);
        Self { way, ..*self }
    }

    /// The keys and what is below them; none when the part is not there or is empty.
    ///
    /// # Errors
    /// `Usage` when it is no mapping, or a key is no text.
    pub fn entries(&self) -> Result<Vec<(&'a str, Self)>> {
        let entries = match self.document.get(&self.steps()) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Mapping(entries)) => entries,
            Some(_) => return Err(self.wrong("holds no names with values (`name: value`)")),
        };
        let read = entries.keys().map(|key| match key.as_str() {
            Some(key) => Ok((key, self.below(key))),
            None => Err(self.wrong("has a name that is no text")),
        });
        read.collect()
    }

    /// The text that the part is.
    ///
    /// # Errors
    /// `Usage` when it is none.
    pub fn text(&self) -> Result<&'a str> {
        let value = self.document.get(&self.steps());
        (value.and_then(Value::as_str)).ok_or_else(|| self.wrong("is no text"))
    }

    /// Refuses keys that nobody reads.
    ///
    /// # Errors
    /// `Usage` with the line of the first such key, and those that there may be.
    pub fn refuse_unknown(&self, known: &[&str]) -> Result<()> {
        for (key, entry) in self.entries()? {
            if !known.contains(&key) {
                return Err(entry
                    .wrong_key("is no setting")
                    .help(format!("settings there are: {}", known.join(", "))));
            }
        }
        Ok(())
    }

    /// The error for a value that cannot be; what is wrong with it ends a sentence.
    pub fn wrong(&self, what: &str) -> Error {
        let place = self.document.place(&self.steps());
        Error::usage(format!("{} {what}", self.name())).at(place)
    }

    /// The error for a key that cannot be.
    pub fn wrong_key(&self, what: &str) -> Error {
        let place = self.document.key_place(&self.steps());
        Error::usage(format!("{} {what}", self.name())).at(place)
    }

    fn name(&self) -> String {
        match self.way.is_empty() {
            true => "the file".to_owned(),
            false => format!("`{}`", self.way.join(".")),
        }
    }

    fn steps(&self) -> Vec<Step<'a>> {
        self.way.iter().map(|key| Step::Key(key)).collect()
    }
}
