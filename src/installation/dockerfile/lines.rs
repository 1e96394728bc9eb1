//! The instructions of a Dockerfile as stretches of its bytes: continued lines joined, comments
//! between them left out, heredocs found.
//!
//! Source of the rules: BuildKit, `frontend/dockerfile/parser/parser.go`, which is copied here
//! with its oddities, since the step that failed is to be found in the person's own file.

use std::ops::Range;

use super::lexer::Lexer;

/// A heredoc of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Whether variables in it are replaced: its word was not quoted.
    pub expand: bool,
    /// Whether leading tabs are taken off (`<<-`).
    pub strip_tabs: bool,
    /// The bytes of its lines, without the one that ends it.
    pub span: Range<usize>,
}

/// One instruction with its lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logical {
    /// The joined text.
    pub text: String,
    /// Where pieces of the joined text stand in the file: offset in the text, offset in the file.
    pub pieces: Vec<(usize, usize)>,
    /// Its bytes in the file, from the keyword to the end of its last line, with its heredocs.
    pub span: Range<usize>,
    pub heredocs: Vec<Heredoc>,
}

/// What is wrong, and in which line, counted from 1.
pub(super) type Fault = (usize, String);

/// Splits a Dockerfile. Gives the escape character too.
pub(super) fn split(text: &str) -> Result<(char, Vec<Logical>), Fault> {
    let mut lines = Lines {
        text,
        // A byte order mark is no part of the first line.
        next: text.len() - text.trim_start_matches('\u{feff}').len(),
        number: 0,
    };
    let escape = directives(text)?;
    let mut found = Vec::new();
    while let Some(first) = lines.next() {
        let begin = lines.number;
        let indent = first.text.len() - first.text.trim_start().len();
        let start = first.start + indent;
        if first.text[indent..].is_empty() || is_comment(first.text) {
            continue;
        }
        let mut logical = Logical {
            text: String::new(),
            pieces: Vec::new(),
            span: start..start,
            heredocs: Vec::new(),
        };
        let mut continues = logical.push(&first.text[indent..], start, escape);
        while continues {
            let Some(line) = lines.next() else { break };
            if !is_comment(line.text) && !line.text.trim().is_empty() {
                continues = logical.push(line.text, line.start, escape);
            }
        }
        if logical.text.trim().is_empty() {
            continue;
        }
        heredocs(&mut logical, &mut lines, begin)?;
        found.push(logical);
    }
    Ok((escape, found))
}

impl Logical {
    /// Adds a line; whether the next one belongs to it too.
    fn push(&mut self, line: &str, start: usize, escape: char) -> bool {
        self.pieces.push((self.text.len(), start));
        let (content, continues) = match continued(line, escape) {
            Some(content) => (content, true),
            None => (line, false),
        };
        self.text.push_str(content);
        self.span.end = start + content.len();
        continues
    }

    /// Where a byte of the joined text stands in the file.
    pub fn offset(&self, in_text: usize) -> usize {
        offset(&self.pieces, in_text)
    }
}

/// Where a byte of joined text stands in the file.
pub(super) fn offset(pieces: &[(usize, usize)], in_text: usize) -> usize {
    let after = pieces.partition_point(|(text, _)| *text <= in_text);
    let (text, file) = pieces[after.saturating_sub(1)];
    file + (in_text - text)
}

struct Line<'a> {
    /// Without the line's end.
    text: &'a str,
    start: usize,
    /// Where the next line begins.
    after: usize,
}

struct Lines<'a> {
    text: &'a str,
    next: usize,
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = &self.text[self.next..];
        let whole = rest.split_inclusive('\n').next()?;
        let start = self.next;
        self.next += whole.len();
        self.number += 1;
        Some(Line {
            text: whole.trim_end_matches(['\r', '\n']),
            start,
            after: self.next,
        })
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// A line without the escape character at its end; `None` when none continues it. An escaped
/// escape character continues nothing.
fn continued(line: &str, escape: char) -> Option<&str> {
    let content = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!content.ends_with(escape)).then_some(content)
}

/// The escape character that the first lines choose (Dockerfile reference, "Parser directives").
fn directives(text: &str) -> Result<char, Fault> {
    let mut escape = '\\';
    let lines = text.trim_start_matches('\u{feff}').lines();
    for (index, line) in lines.enumerate() {
        let Some((name, value)) = directive(line) else {
            break;
        };
        if name.eq_ignore_ascii_case("escape") {
            escape = match value {
                "`" => '`',
                "\\" => '\\',
                _ => {
                    let said = format!("`{value}` cannot be the escape character, only ` or \\");
                    return Err((index + 1, said));
                }
            };
        }
    }
    Ok(escape)
}

/// Name and value of a line `# name=value`.
pub(super) fn directive(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|next| next.is_ascii_alphanumeric());
    (is_name && !value.is_empty()).then_some((name, value))
}

/// Takes the lines of an instruction's heredocs.
fn heredocs(logical: &mut Logical, lines: &mut Lines<'_>, begin: usize) -> Result<(), Fault> {
    let mut words = logical.text.split_whitespace();
    let mut keyword = words.next().unwrap_or_default();
    if keyword.eq_ignore_ascii_case("onbuild") {
        keyword = words.next().unwrap_or_default();
    }
    let takes = ["add", "copy", "run"];
    if !takes.iter().any(|one| keyword.eq_ignore_ascii_case(one)) {
        return Ok(());
    }
    for mut heredoc in announced(&logical.text) {
        heredoc.span = lines.next..lines.next;
        loop {
            let Some(line) = lines.next() else {
                let said = format!("the heredoc has no line `{}` that ends it", heredoc.name);
                return Err((begin, said));
            };
            let content = match heredoc.strip_tabs {
                true => line.text.trim_start_matches('\t'),
                false => line.text,
            };
            if content == heredoc.name {
                logical.span.end = line.start + line.text.len();
                break;
            }
            heredoc.span.end = line.after;
        }
        logical.heredocs.push(heredoc);
    }
    Ok(())
}

/// The heredocs that a joined line announces, without their lines.
pub(super) fn announced(text: &str) -> Vec<Heredoc> {
    if !text.contains("<<") {
        return Vec::new();
    }
    let lexer = Lexer {
        escape: '\\',
        raw_quotes: true,
        raw_escapes: true,
        keep_unset: true,
    };
    let unset = |_: &str| None;
    // A text that the builder cannot split has no heredocs for it.
    let words = lexer
        .expand(text, &unset)
        .map(|it| it.words)
        .unwrap_or_default();
    words.iter().filter_map(|word| heredoc(word)).collect()
}

/// A word `2<<-"EOF"`.
pub(super) fn heredoc(word: &str) -> Option<Heredoc> {
    let rest = word
        .trim_start_matches(|digit: char| digit.is_ascii_digit())
        .strip_prefix("<<")?;
    let (rest, strip_tabs) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let mut lexer = Lexer {
        keep_unset: true,
        ..Lexer::new('\\')
    };
    let unset = |_: &str| None;
    let plain = lexer.expand(rest, &unset).ok()?.words;
    lexer.raw_quotes = true;
    let raw = lexer.expand(rest, &unset).ok()?.words;
    let ([name], [raw]) = (plain.as_slice(), raw.as_slice()) else {
        return None;
    };
    let quotes = |text: &str| text.matches(['\'', '"']).count();
    Some(Heredoc {
        name: name.clone(),
        expand: quotes(name) == quotes(raw),
        strip_tabs,
        span: 0..0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let (_, logical) = split(text).expect("valid");
        logical.iter().map(|one| one.text.clone()).collect()
    }

    #[test]
    fn lines_are_joined_as_the_builder_joins_them() {
        assert_eq!(
            texts("RUN a \\\n  # no\n\n  b \\  \n  c\nRUN d \\\\\nRUN e\n"),
            ["RUN a   b   c", "RUN d \\\\", "RUN e"]
        );
        assert_eq!(
            texts("# escape=`\r\nRUN a `\r\n c:\\\r\nRUN b"),
            ["RUN a  c:\\", "RUN b"]
        );
        assert_eq!(texts("\u{feff}FROM a\nRUN b \\\n"), ["FROM a", "RUN b "]);
    }

    #[test]
    fn heredocs_are_found_wherever_they_stand() {
        let text =
            "RUN cat <<'A' <<-B > f && x\nFROM no\nA\n\t$x\n\tB\nCOPY <<C /c\nC\nRUN echo '<<D'\n";
        let (_, logical) = split(text).expect("valid");
        assert_eq!(logical.len(), 3);
        let bodies: Vec<_> = logical[0]
            .heredocs
            .iter()
            .map(|it| (&text[it.span.clone()], it.expand, it.strip_tabs))
            .collect();
        assert_eq!(
            bodies,
            [("FROM no\n", false, false), ("\t$x\n", true, true)]
        );
        assert!(text[logical[0].span.clone()].ends_with("\tB"));
        assert_eq!(&text[logical[1].span.clone()], "COPY <<C /c\nC");
        assert!(logical[2].heredocs.is_empty());
    }

    #[test]
    fn what_cannot_be_split_is_refused_with_its_line() {
        assert_eq!(split("FROM a\nRUN <<E\nx\n").expect_err("open").0, 2);
        assert_eq!(split("#escape=x\nFROM a\n").expect_err("wrong").0, 1);
    }

    #[test]
    fn bytes_of_joined_text_are_found_again_in_the_file() {
        let text = "  RUN a \\\r\n# c\r\n  b $X\r\n";
        let (_, logical) = split(text).expect("valid");
        let in_text = logical[0].text.find("$X").expect("there");
        assert_eq!(logical[0].offset(in_text), text.find("$X").expect("there"));
    }
}
