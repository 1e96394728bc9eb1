//! The lossless tree of the yaml-edit crate, with places in the whole text.

use std::ops::Range;
use std::str::FromStr;

use yaml_edit::{Document, YamlFile, YamlNode};

use super::step::Step;
use super::without_mark;

/// A text as a tree. Editing its nodes edits the tree.
pub struct Tree {
    file: YamlFile,
    document: Document,
    /// The bytes before the tree: a byte order mark.
    before: usize,
}

/// A node of the tree.
pub struct Node {
    /// The node itself.
    pub node: YamlNode,
    /// Whether it stands between brackets, where commas and brackets end a text.
    pub in_flow: bool,
    before: usize,
}

impl Node {
    /// Where it stands in the text; may end with line breaks and comments behind it.
    pub fn range(&self) -> Range<usize> {
        let range = self.node.byte_range();
        self.before + range.start as usize..self.before + range.end as usize
    }

    fn new(node: YamlNode, in_flow: bool, before: usize) -> Self {
        let is_flow = node
            .as_mapping()
            .is_some_and(|mapping| mapping.is_flow_style())
            || node.as_sequence().is_some_and(|list| list.is_flow_style());
        Self {
            node,
            in_flow: in_flow || is_flow,
            before,
        }
    }
}

impl Tree {
    /// Reads a text; `None` when yaml-edit cannot, or when it is not one document.
    pub fn parse(text: &str) -> Option<Self> {
        let content = without_mark(text);
        let file = YamlFile::from_str(content).ok()?;
        let mut documents = file.documents();
        let document = documents.next()?;
        if documents.next().is_some() || file.to_string() != content {
            return None;
        }
        drop(documents);
        Some(Self {
            file,
            document,
            before: text.len() - content.len(),
        })
    }

    /// The node at the end of a way.
    pub fn find(&self, way: &[Step]) -> Option<Node> {
        let root = match (self.document.as_mapping(), self.document.as_sequence()) {
            (Some(mapping), _) => YamlNode::Mapping(mapping),
            (_, Some(list)) => YamlNode::Sequence(list),
            _ => return None,
        };
        let root = Node::new(root, false, self.before);
        way.iter().try_fold(root, |node, step| {
            let next = match step {
                Step::Key(key) => node.node.as_mapping()?.get(*key)?,
                Step::Item(index) => node.node.as_sequence()?.get(*index)?,
            };
            Some(Node::new(next, node.in_flow, self.before))
        })
    }

    /// Where the key stands that a way ends with.
    pub fn key(&self, way: &[Step]) -> Option<Range<usize>> {
        let (Step::Key(key), before) = way.split_last()? else {
            return None;
        };
        let mapping = self.find(before)?;
        let entry = mapping.node.as_mapping()?.find_entry_by_key(*key)?;
        let key = Node::new(entry.key_node()?, mapping.in_flow, self.before);
        Some(key.range())
    }

    /// The comments with their places.
    pub fn comments(&self) -> Vec<(Range<usize>, String)> {
        self.file
            .comments()
            .map(|comment| {
                let range = comment.text_range();
                let start = self.before + usize::from(range.start());
                let end = self.before + usize::from(range.end());
                (start..end, comment.text().trim_end().to_owned())
            })
            .collect()
    }

    /// The text as it is after edits.
    pub fn text(&self, original: &str) -> String {
        format!("{}{}", &original[..self.before], self.file)
    }
}
