//! Lines of a requirements file on their way to another file.

use std::fmt;

use super::lines::LogicalLine;
use crate::secrets::redact;

/// A requirement or options, with the comments that belong to it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Comments and empty lines right above, as they are written.
    pub above: Vec<String>,
    /// What pip reads, on one line and without its comment; empty where there are comments alone.
    pub content: String,
    /// The comment behind it, from its `#` on.
    pub comment: Option<String>,
    /// The content with its comment as it is written, a text for each line.
    written: Vec<String>,
}

impl Line {
    /// A line without comments.
    pub fn new(content: &str) -> Self {
        Self::commented(Vec::new(), content, None)
    }

    /// A line with the comments above and behind it.
    pub fn commented(above: Vec<String>, content: &str, comment: Option<String>) -> Self {
        let written = match &comment {
            Some(comment) => format!("{content} {comment}"),
            None => content.to_owned(),
        };
        Self {
            above,
            content: content.to_owned(),
            comment,
            written: vec![written],
        }
    }

    /// Comments and empty lines alone.
    pub fn comments(above: Vec<String>) -> Self {
        Self {
            above,
            ..Self::default()
        }
    }

    pub(super) fn read(text: &str, line: &LogicalLine, above: Vec<String>) -> Self {
        Self {
            above,
            content: line.joined(),
            comment: line.comment.clone(),
            written: line.written(text),
        }
    }

    /// The lines of a requirements file that say this, comments included, without line breaks.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.above.iter().chain(&self.written).map(String::as_str)
    }

    /// The line without the comments of which this holds.
    pub fn without_comments(mut self, unwanted: impl Fn(&str) -> bool) -> Self {
        self.above.retain(|comment| !unwanted(comment));
        match self.comment.take_if(|comment| unwanted(comment)) {
            Some(_) => Self::commented(self.above, &self.content, None),
            None => self,
        }
    }

    /// Every comment on it, empty lines left out.
    pub fn all_comments(&self) -> impl Iterator<Item = &str> {
        let comments = self.above.iter().chain(&self.comment);
        comments
            .map(|comment| comment.trim())
            .filter(|comment| !comment.is_empty())
    }
}

/// Without credentials.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written: Vec<String> = self.written().map(redact).collect();
        write!(f, "{written:?}")
    }
}
