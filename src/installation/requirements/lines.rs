//! Lines as pip sees them: continued lines joined, comments cut away.

use std::ops::Range;

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A line as pip sees it, which may be several lines of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogicalLine {
    /// The content, joined and without its comment.
    pub content: String,
    /// The lines of the text, with the line ending, in bytes.
    pub span: Range<usize>,
    /// The comment, from its `#` on.
    pub comment: Option<String>,
    /// Whether the text ends although the line says that it goes on.
    pub dangling: bool,
    /// Where a comment says that the line goes on and so hides what comes next.
    pub hides: Option<Range<usize>>,
    /// Where runs of bytes of the content start: there and in the text.
    pieces: Vec<(usize, usize)>,
}

impl LogicalLine {
    /// Where a range of the content stands in the text.
    pub fn in_text(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place_of(range.start);
        if range.is_empty() {
            // Behind what comes before, not on the next line.
            let start = match range.start {
                0 => start,
                at => self.place_of(at - 1) + 1,
            };
            return start..start;
        }
        start..self.place_of(range.end - 1) + 1
    }

    /// The content on one line, with one space where lines met that had white space there.
    pub fn joined(&self) -> String {
        let mut joined = String::new();
        let seams = self.pieces.iter().map(|(start, _)| *start);
        let mut start = 0;
        for end in seams.skip(1).chain([self.content.len()]) {
            let piece = &self.content[start..end.clamp(start, self.content.len())];
            let blank =
                joined.ends_with(char::is_whitespace) || piece.starts_with(char::is_whitespace);
            if blank {
                joined.truncate(joined.trim_end().len());
                joined.push(' ');
            }
            joined.push_str(if blank { piece.trim_start() } else { piece });
            start = start.max(end.min(self.content.len()));
        }
        joined.trim().to_owned()
    }

    /// The lines as they stand in the text, without line breaks; what is behind them will not go
    /// on with the last one.
    pub fn written(&self, text: &str) -> Vec<String> {
        let within = &text[..self.span.end];
        let lines = physical_lines(within, self.span.start);
        let mut written: Vec<String> = lines
            .map(|(start, end, _)| text[start..end].trim_end().to_owned())
            .collect();
        if self.dangling
            && let Some(last) = written.last_mut()
        {
            let kept = last.trim_end_matches('\\').trim_end().len();
            last.truncate(kept);
        }
        written
    }

    /// A line without content: its comment, as it is written, or nothing.
    pub fn own_comment(&self, text: &str) -> String {
        match self.written(text).as_slice() {
            [line] => line.clone(),
            _ => self.comment.clone().unwrap_or_default(),
        }
    }

    fn place_of(&self, offset: usize) -> usize {
        let next = self.pieces.partition_point(|(start, _)| *start <= offset);
        match self.pieces.get(next.saturating_sub(1)) {
            Some((start, place)) => place + (offset - start),
            None => self.span.start,
        }
    }

    /// Takes in one line of the text; `shown` is what counts of it.
    fn push(&mut self, text: &str, shown: Range<usize>, end: usize) {
        self.pieces.push((self.content.len(), shown.start));
        self.content.push_str(&text[shown]);
        self.span.end = end;
    }

    /// Cuts the comment away, once the line is whole.
    fn finish(mut self) -> Self {
        if let Some(comment) = comment_start(&self.content) {
            let hash = self.place_of(self.content[comment..].find('#').unwrap_or(0) + comment);
            let later = self.pieces.iter().find(|(_, place)| *place > hash);
            let hidden = later.map(|(start, _)| self.content[*start..].trim());
            if hidden.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('#')) {
                self.hides = Some(hash..later.map_or(hash, |(_, place)| *place));
            }
            self.comment = Some(self.content[comment..].trim().to_owned());
            self.content.truncate(comment);
        }
        self
    }
}

/// Where the text starts behind a byte order mark.
pub(super) fn without_mark(text: &str) -> usize {
    if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len_utf8()
    } else {
        0
    }
}

/// The line ending that the text uses.
pub(super) fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// What ends a line for Python's `str.splitlines`, which pip uses.
pub(super) fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Whether a line is nothing but a comment.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The lines of the text from byte `from` on: where each starts, where its content ends and where
/// the next one starts.
pub(super) fn physical_lines(
    text: &str,
    from: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let start = at;
        let rest = &text[start..];
        if rest.is_empty() {
            return None;
        }
        let length = rest.find(is_line_break).unwrap_or(rest.len());
        let ending = match rest[length..].chars().next() {
            Some('\r') if rest[length + 1..].starts_with('\n') => 2,
            Some(c) => c.len_utf8(),
            None => 0,
        };
        at = start + length + ending;
        Some((start, start + length, at))
    })
}

/// All lines as pip joins them; empty ones and comments too.
pub(super) fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut open: Option<LogicalLine> = None;
    for (start, content_end, end) in physical_lines(text, without_mark(text)) {
        let content = &text[start..content_end];
        let mut line = open.take().unwrap_or_else(|| empty_line(start));
        if is_comment(content) {
            // pip puts a space before, so that the comment is one on a continued line too.
            line.content.push(' ');
            line.push(text, start..content_end, end);
            lines.push(line.finish());
        } else if content.ends_with('\\') {
            let leading = content.len() - content.trim_start_matches('\\').len();
            let kept = content.trim_matches('\\').len();
            line.push(text, start + leading..start + leading + kept, end);
            line.dangling = true;
            open = Some(line);
        } else {
            line.dangling = false;
            line.push(text, start..content_end, end);
            lines.push(line.finish());
        }
    }
    lines.extend(open.map(LogicalLine::finish));
    lines
}

fn empty_line(start: usize) -> LogicalLine {
    LogicalLine {
        content: String::new(),
        span: start..start,
        dangling: false,
        comment: None,
        hides: None,
        pieces: Vec::new(),
    }
}

/// Where white space and `#` start a comment.
fn comment_start(content: &str) -> Option<usize> {
    content.match_indices('#').find_map(|(at, _)| {
        let before = content[..at].trim_end();
        (at == 0 || before.len() < at).then_some(before.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<String> {
        logical_lines(text)
            .into_iter()
            .map(|line| line.content.trim().to_owned())
            .filter(|content| !content.is_empty())
            .collect()
    }

    #[test]
    fn lines_are_joined_and_comments_cut_as_pip_does() {
        for (text, expected) in [
            ("a\nb # c\n", vec!["a", "b"]),
            ("a \\\r\n  --hash=x\r\nb", vec!["a   --hash=x", "b"]),
            ("a \\\n# c\nb", vec!["a", "b"]),
            ("# c \\\na", vec!["a"]),
            ("a#egg=b", vec!["a#egg=b"]),
            ("\u{feff}a\u{c}b\rc", vec!["a", "b", "c"]),
            ("a \\", vec!["a"]),
            ("a # c \\\nb\nd", vec!["a", "d"]),
        ] {
            assert_eq!(contents(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ranges_are_found_again_in_the_text() {
        let text = "x\na \\\r\n  >=1 # c\n";
        let line = &logical_lines(text)[1];
        let at = line.content.find(">=1").expect("there");
        assert_eq!(&text[line.in_text(at..at + 3)], ">=1");
        assert_eq!(&text[line.span.clone()], "a \\\r\n  >=1 # c\n");
    }

    #[test]
    fn lines_are_given_back_joined_and_as_they_are_written() {
        let text = "a \\\r\n  ==1 \\\r\n\t--hash=x # why\r\nb\\\nc # d \\\n# own\n\\\n\ne \\";
        let lines = logical_lines(text);
        let joined: Vec<String> = lines.iter().map(LogicalLine::joined).collect();
        assert_eq!(joined, ["a ==1 --hash=x", "bc", "", "e"]);
        assert_eq!(lines[0].comment.as_deref(), Some("# why"));
        assert_eq!(
            lines[0].written(text),
            ["a \\", "  ==1 \\", "\t--hash=x # why"]
        );
        assert_eq!(lines[2].own_comment(text), "");
        assert_eq!(lines[3].written(text), ["e"]);
        let text = "   # own \n";
        assert_eq!(logical_lines(text)[0].own_comment(text), "   # own");
    }

    #[test]
    fn a_comment_that_hides_the_next_line_is_told() {
        assert!(logical_lines("a # c \\\nb")[0].hides.is_some());
        assert!(logical_lines("a # c \\\n\nb")[0].hides.is_none());
        assert!(logical_lines("a \\\n# c\nb")[0].hides.is_none());
    }
}
