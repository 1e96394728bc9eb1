//! YAML that a person wrote, edited without touching what stands beside the edit.
//!
//! Format: YAML 1.2, <https://yaml.org/spec/1.2.2/>. Edits are made on the text itself where that
//! is simple, and by the lossless tree of the yaml-edit crate elsewhere. Whoever makes them, none
//! is trusted: the result is read again by another parser, and must say exactly what the edit
//! should have made of it, with every comment that was not removed. Otherwise the edit is refused
//! with what the person should write; the document is never written anew.

mod items;
mod proposals;
mod scalar;
mod step;
mod tree;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

pub use items::{ListItem, ListItems};
pub use scalar::quoted;
pub use step::Step;

use crate::error::{Error, Place, Result};
use step::{Way, follow, follow_mut};
use tree::Tree;

/// A file with one YAML document, with every byte of its text.
#[derive(Debug, Clone)]
pub struct YamlDocument {
    path: PathBuf,
    text: String,
    value: Value,
}

impl YamlDocument {
    /// Reads a file's text; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is not YAML or holds several documents, with the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let value = serde_yaml::from_str(without_mark(text)).map_err(|source| {
            let place = match source.location() {
                Some(location) => Place::line(path, text, location.line()),
                None => Place::file(path),
            };
            Error::usage("this is not valid YAML")
                .at(place)
                .because(source)
        })?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            value,
        })
    }

    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the document says; merge keys (`<<`) are not applied.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What it says at the end of a way.
    pub fn get(&self, way: &[Step]) -> Option<&Value> {
        follow(&self.value, way)
    }

    /// Where a node stands, for messages; the file as a whole when that cannot be told.
    pub fn place(&self, way: &[Step]) -> Place {
        match Tree::parse(&self.text).and_then(|tree| tree.find(way)) {
            Some(node) => {
                let range = first_line(&self.text, node.range());
                Place::span(&self.path, &self.text, range)
            }
            None => Place::file(&self.path),
        }
    }

    /// Where the key stands that a way ends with, for messages; the file as a whole when that
    /// cannot be told.
    pub fn key_place(&self, way: &[Step]) -> Place {
        match Tree::parse(&self.text).and_then(|tree| tree.key(way)) {
            Some(range) => Place::span(&self.path, &self.text, first_line(&self.text, range)),
            None => Place::file(&self.path),
        }
    }

    /// Sets the value of a key in a mapping that is there, or an item of a list that is there, to
    /// a text. What is there keeps its quotes. Says whether the document changed.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely, with what to write by hand.
    pub fn set(&mut self, way: &[Step], text: &str) -> Result<bool> {
        if self.get(way).and_then(Value::as_str) == Some(text) {
            return Ok(false);
        }
        let by_hand = match way.last() {
            Some(Step::Key(key)) => format!("write `{key}: {}` there by hand", short(text)),
            _ => format!("write `{}` there by hand", short(text)),
        };
        let change = |value: &mut Value| {
            match way.split_last() {
                Some((Step::Key(key), before)) => {
                    let mapping = follow_mut(value, before)?.as_mapping_mut()?;
                    mapping.insert(Value::from(*key), Value::from(text));
                }
                _ => *follow_mut(value, way)? = Value::from(text),
            }
            Some(())
        };
        let proposals = [
            proposals::replace_scalar(&self.text, way, text),
            proposals::set_in_tree(&self.text, way, text),
        ];
        self.edit(way, &by_hand, change, proposals, Comments::default())?;
        Ok(true)
    }

    /// Adds a text to a list, before the item of that number or at the end.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely, with what to write by hand.
    pub fn insert(&mut self, list: &[Step], index: usize, text: &str) -> Result<()> {
        self.insert_all(list, index, &[ListItem::new(text)], &[])
    }

    /// Adds texts with their comments to a list, before the item of that number or at the end, and
    /// comments below them.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely, with what to write by hand.
    pub fn insert_all(
        &mut self,
        list: &[Step],
        index: usize,
        items: &[ListItem],
        below: &[String],
    ) -> Result<()> {
        let by_hand = format!("add {} to `{}` by hand", dashes(items), Way(list));
        let change = |value: &mut Value| {
            let values = follow_mut(value, list)?.as_sequence_mut()?;
            let index = index.min(values.len());
            let new = items.iter().map(|item| Value::from(item.text.as_str()));
            values.splice(index..index, new);
            Some(())
        };
        let proposals = [
            proposals::insert_lines(&self.text, list, index, items, below),
            proposals::insert_in_tree(&self.text, list, index, items),
        ];
        let comments = Comments::added(items, below);
        self.edit(list, &by_hand, change, proposals, comments)
    }

    /// Adds a list of one text under a key, as [`YamlDocument::add_list_of`] does.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely, with what to write by hand.
    pub fn add_list(&mut self, way: &[Step], key: &str, text: &str) -> Result<()> {
        self.add_list_of(way, key, &[ListItem::new(text)], &[])
    }

    /// Adds a list of texts under a key: of the mapping at the end of a way or, where a list is,
    /// of a mapping that becomes its last item.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely, with what to write by hand.
    pub fn add_list_of(
        &mut self,
        way: &[Step],
        key: &str,
        items: &[ListItem],
        below: &[String],
    ) -> Result<()> {
        let by_hand = format!("add `{key}:` with {} below it by hand", dashes(items));
        let change = |value: &mut Value| {
            let items = items.iter().map(|item| Value::from(item.text.as_str()));
            let list = Value::Sequence(items.collect());
            match follow_mut(value, way)? {
                Value::Mapping(mapping) => {
                    mapping.insert(Value::from(key), list);
                }
                Value::Sequence(items) => {
                    let mapping = [(Value::from(key), list)].into_iter().collect();
                    items.push(Value::Mapping(mapping));
                }
                _ => return None,
            }
            Some(())
        };
        let proposals = [
            proposals::add_list_lines(&self.text, way, key, items, below),
            proposals::add_list_in_tree(&self.text, way, key, items),
        ];
        let comments = Comments::added(items, below);
        self.edit(way, &by_hand, change, proposals, comments)
    }

    /// Adds a key at the end of the document, and below it a mapping of one key to a text.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely, with what to write by hand.
    pub fn add_mapping(&mut self, key: &str, inner: &str, text: &str) -> Result<()> {
        let by_hand = format!("add `{key}: {{{inner}: {}}}` by hand", short(text));
        let change = |value: &mut Value| {
            let mapping = [(Value::from(inner), Value::from(text))].into_iter();
            let mapping = Value::Mapping(mapping.collect());
            value.as_mapping_mut()?.insert(Value::from(key), mapping);
            Some(())
        };
        let proposals = [proposals::add_mapping_lines(&self.text, key, inner, text)];
        self.edit(&[], &by_hand, change, proposals, Comments::default())
    }

    /// Removes a key with its value, or an item of a list, with the comments on its lines. Says
    /// whether there was one.
    ///
    /// # Errors
    /// `Failed` when this cannot be done safely.
    pub fn remove(&mut self, way: &[Step]) -> Result<bool> {
        let Some((last, before)) = way.split_last() else {
            return Ok(false);
        };
        if self.get(way).is_none() {
            return Ok(false);
        }
        let by_hand = format!("remove `{}` by hand", Way(way));
        let change = |value: &mut Value| {
            match (last, follow_mut(value, before)?) {
                (Step::Key(key), Value::Mapping(mapping)) => drop(mapping.shift_remove(*key)?),
                (Step::Item(index), Value::Sequence(items)) => drop(items.remove(*index)),
                _ => return None,
            }
            Some(())
        };
        let removed = Tree::parse(&self.text).and_then(|tree| tree.find(way));
        let removed = removed.map(|node| whole_lines(&self.text, node.range()));
        let proposals = [
            proposals::remove_line(&self.text, way),
            proposals::remove_in_tree(&self.text, way),
        ];
        let comments = Comments {
            removed,
            ..Comments::default()
        };
        self.edit(way, &by_hand, change, proposals, comments)?;
        Ok(true)
    }

    /// Takes the first of the proposed texts that says what the edit should make of the document
    /// and has every comment but those on removed lines.
    fn edit(
        &mut self,
        way: &[Step],
        by_hand: &str,
        change: impl FnOnce(&mut Value) -> Option<()>,
        proposals: impl IntoIterator<Item = Option<String>>,
        comments: Comments<'_>,
    ) -> Result<()> {
        let mut expected = self.value.clone();
        let accepted = change(&mut expected).and_then(|()| {
            let kept = self.comments_after(&comments)?;
            let mut texts = proposals.into_iter().flatten();
            texts.find(|text| {
                let read: Result<Value, _> = serde_yaml::from_str(without_mark(text));
                read.is_ok_and(|value| value == expected)
                    && all_in(&kept, text)
                    && (has_only_crlf(text) || !has_only_crlf(&self.text))
            })
        });
        let Some(text) = accepted else {
            return Err(Error::failed(format!(
                "`{}` cannot be edited safely here",
                self.path.display()
            ))
            .at(self.place(way))
            .help(by_hand));
        };
        self.text = text;
        self.value = expected;
        Ok(())
    }

    /// How often each comment must stand after an edit.
    fn comments_after(&self, change: &Comments<'_>) -> Option<HashMap<String, usize>> {
        let mut counts = HashMap::new();
        for (range, comment) in Tree::parse(&self.text)?.comments() {
            let is_removed = change
                .removed
                .as_ref()
                .is_some_and(|removed| removed.contains(&range.start));
            if !is_removed {
                *counts.entry(comment).or_default() += 1;
            }
        }
        for comment in &change.added {
            *counts.entry(comment.trim_end().to_owned()).or_default() += 1;
        }
        Some(counts)
    }
}

/// What an edit does to the comments.
#[derive(Default)]
struct Comments<'a> {
    added: Vec<&'a String>,
    /// The lines that go.
    removed: Option<Range<usize>>,
}

impl<'a> Comments<'a> {
    /// Those of new items, and those below them.
    fn added(items: &'a [ListItem], below: &'a [String]) -> Self {
        let added = items.iter().flat_map(ListItem::comments).chain(below);
        Self {
            added: added.collect(),
            removed: None,
        }
    }
}

/// Items as a person would write them, for a message.
fn dashes(items: &[ListItem]) -> String {
    let dashes = items
        .iter()
        .map(|item| format!("`- {}`", short(&item.text)));
    dashes.collect::<Vec<_>>().join(", ")
}

/// Whether all comments stand in a text at least as often as counted.
fn all_in(counts: &HashMap<String, usize>, text: &str) -> bool {
    let Some(tree) = Tree::parse(text) else {
        return false;
    };
    let mut missing = counts.clone();
    for (_, comment) in tree.comments() {
        if let Some(count) = missing.get_mut(&comment) {
            *count = count.saturating_sub(1);
        }
    }
    missing.values().all(|count| *count == 0)
}

fn has_only_crlf(text: &str) -> bool {
    let lines = text.matches('\n').count();
    lines > 0 && lines == text.matches("\r\n").count()
}

/// The text without a byte order mark.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A range widened to whole lines.
fn whole_lines(text: &str, range: Range<usize>) -> Range<usize> {
    let end = range.start + text[range.clone()].trim_end().len();
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    start..end
}

/// A range cut to its first line, without blanks at the end.
fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let line = text[range.clone()].lines().next().unwrap_or_default();
    range.start..range.start + line.trim_end().len()
}

/// A text that fits in a message.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.chars().count() > 80 || line.len() < text.len() {
        true => line.chars().take(80).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
