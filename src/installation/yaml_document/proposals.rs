//! Ways to make an edit. Each proposes a whole new text, or nothing where it does not fit; whether
//! a proposal is taken is decided by reading it.

use std::collections::BTreeMap;
use std::ops::Range;

use yaml_edit::{YamlNode, YamlValue};

use super::items::ListItem;
use super::scalar::{Style, scalar};
use super::step::Step;
use super::tree::Tree;
use super::whole_lines;

/// Replaces a text on one line by another, in the same quotes.
pub fn replace_scalar(text: &str, way: &[Step], new: &str) -> Option<String> {
    let node = Tree::parse(text)?.find(way)?;
    node.node.as_scalar()?;
    let range = trimmed(text, node.range());
    let written = &text[range.clone()];
    if written.contains('\n') {
        return None;
    }
    let new = scalar(new, Style::of(written)?, node.in_flow);
    Some(replaced(text, range, &new))
}

/// Sets a key or an item in the tree.
pub fn set_in_tree(text: &str, way: &[Step], new: &str) -> Option<String> {
    let (last, before) = way.split_last()?;
    in_tree(text, before, |node| {
        match last {
            Step::Key(key) => node.as_mapping()?.set(*key, new),
            Step::Item(index) => {
                node.as_sequence()?.set(*index, new);
            }
        }
        Some(())
    })
}

/// Adds items on lines of their own, right behind the line of the one before them: comments that
/// follow belong to what follows them. With comments below.
pub fn insert_lines(
    text: &str,
    list: &[Step],
    index: usize,
    items: &[ListItem],
    below: &[String],
) -> Option<String> {
    let block = Block::find(text, list)?;
    let index = index.min(block.items.len());
    let lines = item_lines(text, &block.prefix, items, below);
    Some(match index.checked_sub(1) {
        Some(previous) => with_line(text, block.end_of(text, previous), &lines),
        None => {
            let start = whole_lines(text, block.items[0].clone()).start;
            replaced(text, start..start, &format!("{lines}{}", line_break(text)))
        }
    })
}

/// Items behind a prefix such as `  - `, with their comments, and comments below them.
fn item_lines(text: &str, prefix: &str, items: &[ListItem], below: &[String]) -> String {
    let indent = prefix.split('-').next().unwrap_or_default();
    let own_line = |comment: &String| format!("{indent}{comment}");
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        lines.extend(item.above.iter().map(own_line));
        let written = scalar(&item.text, Style::Plain, false);
        lines.push(match &item.comment {
            Some(comment) => format!("{prefix}{written} {comment}"),
            None => format!("{prefix}{written}"),
        });
    }
    lines.extend(below.iter().map(own_line));
    lines.join(line_break(text))
}

/// Adds items in the tree, which takes no comments.
pub fn insert_in_tree(
    text: &str,
    list: &[Step],
    index: usize,
    items: &[ListItem],
) -> Option<String> {
    in_tree(text, list, |node| {
        let list = node.as_sequence()?;
        let index = index.min(list.len());
        for (number, item) in items.iter().enumerate() {
            list.insert(index + number, item.text.as_str());
        }
        Some(())
    })
}

/// Adds `- key:` and below it a line for each item at the end of a list, indented as conda does;
/// or `key:` and the items at the end of the document.
pub fn add_list_lines(
    text: &str,
    way: &[Step],
    key: &str,
    items: &[ListItem],
    below: &[String],
) -> Option<String> {
    let key = scalar(key, Style::Plain, false);
    if way.is_empty() && Tree::parse(text)?.find(way)?.node.as_mapping().is_some() {
        let end = with_line(text, text.len(), &format!("{key}:"));
        return Some(with_line(
            &end,
            end.len(),
            &item_lines(text, "  - ", items, below),
        ));
    }
    let block = Block::find(text, way)?;
    let end = block.end_of(text, block.items.len() - 1);
    let indent = block.prefix.split('-').next().unwrap_or_default();
    let lines = format!(
        "{}{key}:{}{}",
        block.prefix,
        line_break(text),
        item_lines(text, &format!("{indent}    - "), items, below)
    );
    Some(with_line(text, end, &lines))
}

/// Adds a mapping of one key under a key at the end of the document.
pub fn add_mapping_lines(text: &str, key: &str, inner: &str, new: &str) -> Option<String> {
    let [key, inner, new] = [key, inner, new].map(|word| scalar(word, Style::Plain, false));
    let end = with_line(text, text.len(), &format!("{key}:"));
    Some(with_line(&end, end.len(), &format!("  {inner}: {new}")))
}

/// Adds a list under a key in the tree, which takes no comments.
pub fn add_list_in_tree(text: &str, way: &[Step], key: &str, items: &[ListItem]) -> Option<String> {
    let items = items.iter().map(|item| YamlValue::from(item.text.as_str()));
    let list = YamlValue::Sequence(items.collect());
    in_tree(text, way, |node| {
        if let Some(mapping) = node.as_mapping() {
            mapping.set(key, list);
        } else {
            let mapping = BTreeMap::from([(key.to_owned(), list)]);
            node.as_sequence()?.push(YamlValue::Mapping(mapping));
        }
        Some(())
    })
}

/// Removes the line of an item that is alone on it.
pub fn remove_line(text: &str, way: &[Step]) -> Option<String> {
    let (Step::Item(index), list) = way.split_last()? else {
        return None;
    };
    let block = Block::find(text, list)?;
    let item = block.items.get(*index)?;
    if block.items.len() == 1 || text[item.clone()].contains('\n') {
        return None;
    }
    Some(replaced(text, whole_lines(text, item.clone()), ""))
}

/// Removes a key or an item in the tree.
pub fn remove_in_tree(text: &str, way: &[Step]) -> Option<String> {
    let (last, before) = way.split_last()?;
    in_tree(text, before, |node| match last {
        Step::Key(key) => node.as_mapping()?.remove(*key).map(drop),
        Step::Item(index) => node.as_sequence()?.remove(*index).map(drop),
    })
}

fn in_tree(
    text: &str,
    way: &[Step],
    change: impl FnOnce(&YamlNode) -> Option<()>,
) -> Option<String> {
    let tree = Tree::parse(text)?;
    change(&tree.find(way)?.node)?;
    Some(tree.text(text))
}

/// A list with one item a line, each behind the same `- `.
struct Block {
    items: Vec<Range<usize>>,
    /// What stands before the first item on its line: blanks, `-`, blanks.
    prefix: String,
}

impl Block {
    fn find(text: &str, list: &[Step]) -> Option<Self> {
        let tree = Tree::parse(text)?;
        let node = tree.find(list)?;
        let count = node.node.as_sequence()?.len();
        let items: Option<Vec<_>> = (0..count)
            .map(|index| {
                let way: Vec<Step> = list.iter().copied().chain([Step::Item(index)]).collect();
                Some(trimmed(text, tree.find(&way)?.range()))
            })
            .collect();
        let items = items?;
        let first = items.first()?;
        let prefix = &text[whole_lines(text, first.clone()).start..first.start];
        let is_dash = prefix.trim_matches(' ') == "-" && prefix.ends_with(' ');
        (is_dash && !node.in_flow).then(|| Self {
            prefix: prefix.to_owned(),
            items,
        })
    }

    /// The end of the last line of an item, before its line break.
    fn end_of(&self, text: &str, index: usize) -> usize {
        let lines = whole_lines(text, self.items[index].clone());
        lines.start + text[lines].trim_end_matches(['\r', '\n']).len()
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    range.start..range.start + text[range].trim_end().len()
}

fn replaced(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

/// The text with a new line behind the one that ends at `end`.
fn with_line(text: &str, end: usize, line: &str) -> String {
    let line_break = line_break(text);
    let (before, behind) = text.split_at(end);
    if behind.is_empty() {
        let gap = match before.is_empty() || before.ends_with('\n') {
            true => "",
            false => line_break,
        };
        return format!("{before}{gap}{line}{line_break}");
    }
    format!("{before}{line_break}{line}{behind}")
}

fn line_break(text: &str) -> &'static str {
    match text.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    }
}
