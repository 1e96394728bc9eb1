//! The texts of a list with their comments.

use std::ops::Range;

use super::step::Step;
use super::tree::Tree;
use super::{YamlDocument, whole_lines};

/// A text of a list, with its comments, each from its `#` on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListItem {
    /// Comments on lines of their own, right above.
    pub above: Vec<String>,
    /// The text.
    pub text: String,
    /// The comment behind it.
    pub comment: Option<String>,
}

impl ListItem {
    /// A text without comments.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn comments(&self) -> impl Iterator<Item = &String> {
        self.above.iter().chain(&self.comment)
    }
}

/// What a list holds, as it is read.
#[derive(Debug, Default)]
pub struct ListItems {
    /// Its texts, each with its line in the file.
    pub items: Vec<(ListItem, usize)>,
    /// Comments below the last one, indented as the list is.
    pub below: Vec<String>,
}

impl YamlDocument {
    /// The texts of a list with their comments; `None` when it is no list of texts, or their
    /// places cannot be told.
    pub fn items(&self, list: &[Step]) -> Option<ListItems> {
        let texts = self.get(list)?.as_sequence()?;
        let tree = Tree::parse(&self.text)?;
        let mut found = ListItems::default();
        let mut last_line = 0..0;
        let mut own_line = false;
        for (index, value) in texts.iter().enumerate() {
            let way: Vec<Step> = list.iter().copied().chain([Step::Item(index)]).collect();
            let range = tree.find(&way)?.range();
            let end = range.start + self.text[range.clone()].trim_end().len();
            let lines = whole_lines(&self.text, range.start..end);
            // Between brackets comments belong to the line, whatever stands on it.
            own_line = self.text[lines.start..range.start].trim() == "-";
            let above = match own_line {
                true => comments_above(&self.text, last_line.end..lines.start),
                false => Vec::new(),
            };
            let behind = self.text[end..lines.end].trim();
            let item = ListItem {
                above,
                text: value.as_str()?.to_owned(),
                comment: behind.starts_with('#').then(|| behind.to_owned()),
            };
            let number = self.text[..range.start].matches('\n').count() + 1;
            found.items.push((item, number));
            last_line = lines;
        }
        if !own_line {
            return Some(found);
        }
        let dash = indent(&self.text[whole_lines(&self.text, last_line.clone())]);
        found.below = self.text[last_line.end..]
            .lines()
            .take_while(|line| is_comment(line) && indent(line) >= dash || line.trim().is_empty())
            .filter(|line| is_comment(line))
            .map(|line| line.trim().to_owned())
            .collect();
        Some(found)
    }
}

/// The comments on the last lines of a range, down to the first line that is none.
fn comments_above(text: &str, range: Range<usize>) -> Vec<String> {
    let lines = text.get(range).unwrap_or_default().lines().rev();
    let own = lines.take_while(|line| is_comment(line) || line.trim().is_empty());
    let mut comments: Vec<String> = own
        .filter(|line| is_comment(line))
        .map(|line| line.trim().to_owned())
        .collect();
    comments.reverse();
    comments
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
