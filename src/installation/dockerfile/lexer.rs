//! Words and variables of a Dockerfile, as the builder reads them.
//!
//! Source of the rules: BuildKit, `frontend/dockerfile/shell/lex.go`, and the Dockerfile
//! reference, "Environment replacement".

mod substitution;

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// What became of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text with its variables replaced.
    pub text: String,
    /// The same, split at blanks outside of quotes.
    pub words: Vec<String>,
    /// Names that were asked for and have no value.
    pub unset: BTreeSet<String>,
}

/// How a text is read.
#[derive(Debug, Clone, Copy)]
pub struct Lexer {
    /// The character that takes a special meaning away (`# escape=`).
    pub escape: char,
    /// Quotes stay in the result.
    pub raw_quotes: bool,
    /// Escaping characters stay in the result.
    pub raw_escapes: bool,
    /// A variable without a value stays as it is written; otherwise it is replaced by nothing.
    pub keep_unset: bool,
}

impl Lexer {
    /// One that takes quotes and escapes away, as the builder does with most arguments.
    pub fn new(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: false,
            raw_escapes: false,
            keep_unset: false,
        }
    }

    /// Replaces variables by what `value` knows of them.
    ///
    /// # Errors
    /// What the builder refuses the text for, in a few words.
    pub fn expand(
        &self,
        text: &str,
        value: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Expanded, String> {
        let mut reader = Reader {
            lexer: *self,
            characters: text.chars().peekable(),
            value,
            unset: BTreeSet::new(),
        };
        let (text, words) = reader.until(None, self.raw_escapes)?;
        Ok(Expanded {
            text,
            words,
            unset: reader.unset,
        })
    }
}

struct Reader<'a> {
    lexer: Lexer,
    characters: Peekable<Chars<'a>>,
    value: &'a dyn Fn(&str) -> Option<String>,
    unset: BTreeSet<String>,
}

#[derive(Default)]
struct Words {
    finished: Vec<String>,
    current: String,
}

impl Words {
    fn push(&mut self, character: char) {
        if !character.is_whitespace() {
            self.current.push(character);
        } else if !self.current.is_empty() {
            self.finished.push(std::mem::take(&mut self.current));
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.current.is_empty() {
            self.finished.push(self.current);
        }
        self.finished
    }
}

impl Reader<'_> {
    fn until(
        &mut self,
        stop: Option<char>,
        raw_escapes: bool,
    ) -> Result<(String, Vec<String>), String> {
        let before = std::mem::replace(&mut self.lexer.raw_escapes, raw_escapes);
        let read = self.read_until(stop);
        self.lexer.raw_escapes = before;
        read
    }

    fn read_until(&mut self, stop: Option<char>) -> Result<(String, Vec<String>), String> {
        let mut text = String::new();
        let mut words = Words::default();
        while let Some(&next) = self.characters.peek() {
            if Some(next) == stop {
                self.characters.next();
                return Ok((text, words.finish()));
            }
            match next {
                '\'' | '"' => {
                    let quoted = if next == '"' {
                        self.double_quoted()?
                    } else {
                        self.single_quoted()?
                    };
                    text.push_str(&quoted);
                    words.current.push_str(&quoted);
                }
                '$' => {
                    let value = self.dollar()?;
                    text.push_str(&value);
                    value.chars().for_each(|character| words.push(character));
                }
                '<' => {
                    let sign = self.less_than();
                    text.push_str(&sign);
                    words.current.push_str(&sign);
                }
                _ if next == self.lexer.escape => {
                    self.characters.next();
                    if self.lexer.raw_escapes {
                        text.push(next);
                        words.current.push(next);
                    }
                    let Some(escaped) = self.characters.next() else {
                        break;
                    };
                    text.push(escaped);
                    words.current.push(escaped);
                }
                _ => {
                    self.characters.next();
                    text.push(next);
                    words.push(next);
                }
            }
        }
        match stop {
            Some(stop) => Err(format!("a `{stop}` is missing at its end")),
            None => Ok((text, words.finish())),
        }
    }

    fn single_quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        self.quote(&mut text);
        loop {
            match self.characters.peek() {
                None => return Err("a single quote is not closed".to_owned()),
                Some('\'') => {
                    self.quote(&mut text);
                    return Ok(text);
                }
                Some(_) => text.extend(self.characters.next()),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        self.quote(&mut text);
        loop {
            match self.characters.peek().copied() {
                None => return Err("a double quote is not closed".to_owned()),
                Some('"') => {
                    self.quote(&mut text);
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar()?),
                Some(escape) if escape == self.lexer.escape => {
                    self.characters.next();
                    if self.lexer.raw_escapes {
                        text.push(escape);
                    }
                    match self.characters.peek().copied() {
                        None => {}
                        Some(next) if matches!(next, '"' | '$') || next == escape => {
                            self.characters.next();
                            text.push(next);
                        }
                        Some(_) => text.push(escape),
                    }
                }
                Some(_) => text.extend(self.characters.next()),
            }
        }
    }

    fn quote(&mut self, text: &mut String) {
        let quote = self.characters.next();
        if self.lexer.raw_quotes {
            text.extend(quote);
        }
    }

    /// Blanks between `<<` and its word belong to one word, so that a heredoc is one.
    fn less_than(&mut self) -> String {
        let mut text = String::from("<");
        self.characters.next();
        if self.characters.next_if_eq(&'<').is_none() {
            return text;
        }
        text.push('<');
        while let Some(blank) = self
            .characters
            .next_if(|next| matches!(next, ' ' | '\t' | '\r'))
        {
            text.push(blank);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<String> {
        match name {
            "A" => Some("one.two.three".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_as_the_reference_says() {
        for (text, expected) in [
            ("$A/${A}", "one.two.three/one.two.three"),
            (r#"'$A' "$A" \$A"#, "$A one.two.three $A"),
            ("${NO:-x}${EMPTY:-y}${EMPTY-z}", "xy"),
            ("${A:+set}${NO:+set}${EMPTY:+set}${EMPTY+e}", "sete"),
            (
                "${A#*.} ${A##*.} ${A%.*} ${A%%.*}",
                "two.three three one.two one",
            ),
            ("${A/./-} ${A//./-}", "one-two.three one-two-three"),
            ("${NO:-${A}}", "one.two.three"),
            ("a$NO-b$", "a-b$"),
        ] {
            let expanded = Lexer::new('\\').expand(text, &value);
            assert_eq!(
                expanded.map(|it| it.text).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn only_what_has_no_alternative_is_missed() {
        let expanded = Lexer::new('\\').expand("${X} ${Y:-1} $Z '$Q'", &value);
        let unset = expanded.map(|it| it.unset.into_iter().collect::<Vec<_>>());
        assert_eq!(unset, Ok(vec!["X".to_owned(), "Z".to_owned()]));
    }

    #[test]
    fn what_the_builder_refuses_is_an_error() {
        for text in ["${A", "${}", "\"x", "'x", "${NO?why}", "${A:#x}"] {
            Lexer::new('\\').expand(text, &value).expect_err(text);
        }
    }

    #[test]
    fn another_escape_character_leaves_backslashes_alone() {
        let expanded = Lexer::new('`').expand(r"c:\x\$A `$A", &value);
        assert_eq!(
            expanded.map(|it| it.text).as_deref(),
            Ok(r"c:\x\one.two.three $A")
        );
    }
}
