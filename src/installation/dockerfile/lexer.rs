//! Words and variables of a Dockerfile, as the builder reads them.
//!
//! Source of the rules: BuildKit, `frontend/dockerfile/shell/lex.go`, and the Dockerfile
//! reference, "Environment replacement".

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

    fn dollar(&mut self) -> Result<String, String> {
        self.characters.next();
        if self.characters.next_if_eq(&'{').is_none() {
            let name = self.name();
            return Ok(match name.is_empty() {
                true => "$".to_owned(),
                false => self.value_or(&name, || format!("${name}")),
            });
        }
        match self.characters.peek() {
            None => return Err("a `}` is missing".to_owned()),
            Some('{' | '}' | ':') => return Err("bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        let operator = self.characters.next().ok_or("a `}` is missing")?;
        match operator {
            '}' => Ok(self.value_or(&name, || format!("${{{name}}}"))),
            ':' => {
                let operator = self.characters.next().ok_or("a `}` is missing")?;
                match operator {
                    '-' | '+' | '?' => self.alternative(&name, operator, true),
                    _ => Err(format!("`:{operator}` is not supported in a substitution")),
                }
            }
            '-' | '+' | '?' => self.alternative(&name, operator, false),
            '#' | '%' => self.trimmed(&name, operator),
            '/' => self.replaced(&name),
            _ => Err(format!("`{operator}` is not supported in a substitution")),
        }
    }

    fn value_or(&mut self, name: &str, written: impl FnOnce() -> String) -> String {
        match self.get(name) {
            Some(value) => value,
            None if self.lexer.keep_unset => written(),
            None => String::new(),
        }
    }

    fn alternative(
        &mut self,
        name: &str,
        operator: char,
        empty_is_unset: bool,
    ) -> Result<String, String> {
        let (word, _) = self.until(Some('}'), false)?;
        // A name with an alternative is not missed.
        let value = (self.value)(name);
        if value.is_none() && self.lexer.keep_unset {
            let colon = if empty_is_unset { ":" } else { "" };
            return Ok(format!("${{{name}{colon}{operator}{word}}}"));
        }
        let set = value.filter(|value| !(empty_is_unset && value.is_empty()));
        match (operator, set) {
            ('-', Some(value)) | ('?', Some(value)) => Ok(value),
            ('-', None) => Ok(word),
            ('+', set) => Ok(set.map(|_| word).unwrap_or_default()),
            (_, _) => Err(match word.is_empty() {
                true => format!("`{name}` has no value"),
                false => format!("{name}: {word}"),
            }),
        }
    }

    fn trimmed(&mut self, name: &str, operator: char) -> Result<String, String> {
        let (word, _) = self.until(Some('}'), true)?;
        let Some(value) = self.get(name) else {
            return Ok(match self.lexer.keep_unset {
                true => format!("${{{name}{operator}{word}}}"),
                false => String::new(),
            });
        };
        let (pattern, longest) = match word.strip_prefix(operator) {
            Some(pattern) => (pattern, true),
            None => (word.as_str(), false),
        };
        let front = operator == '#';
        let mut cuts: Vec<usize> = value.char_indices().map(|(index, _)| index).collect();
        cuts.push(value.len());
        // From the shortest match to the longest, or the other way round.
        if front == longest {
            cuts.reverse();
        }
        let cut = cuts.into_iter().find(|&cut| {
            let part = if front { &value[..cut] } else { &value[cut..] };
            matches(pattern, part)
        });
        Ok(match cut {
            Some(cut) if front => value[cut..].to_owned(),
            Some(cut) => value[..cut].to_owned(),
            None => value,
        })
    }

    fn replaced(&mut self, name: &str) -> Result<String, String> {
        let all = self.characters.next_if_eq(&'/').is_some();
        let (pattern, _) = self.until(Some('/'), true)?;
        let (replacement, _) = self.until(Some('}'), true)?;
        let Some(value) = self.get(name) else {
            return Ok(match self.lexer.keep_unset {
                true => format!("${{{name}/{pattern}/{replacement}}}"),
                false => String::new(),
            });
        };
        let mut text = String::new();
        let mut rest = value.as_str();
        while let Some(first) = rest.chars().next() {
            let mut ends = rest.char_indices().map(|(index, _)| index).skip(1);
            let longest = std::iter::once(rest.len())
                .chain(ends.by_ref().collect::<Vec<_>>().into_iter().rev())
                .find(|&end| matches(&pattern, &rest[..end]));
            match longest {
                Some(end) => {
                    text.push_str(&replacement);
                    rest = &rest[end..];
                    if !all {
                        break;
                    }
                }
                None => {
                    text.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    fn get(&mut self, name: &str) -> Option<String> {
        let value = (self.value)(name);
        if value.is_none() {
            self.unset.insert(name.to_owned());
        }
        value
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.characters.peek().copied() {
            Some(digit) if digit.is_ascii_digit() => {
                while let Some(digit) = self.characters.next_if(char::is_ascii_digit) {
                    name.push(digit);
                }
            }
            Some(special) if "@*#?-$!".contains(special) => name.extend(self.characters.next()),
            _ => {
                while let Some(next) = self
                    .characters
                    .next_if(|next| next.is_alphanumeric() || *next == '_')
                {
                    name.push(next);
                }
            }
        }
        name
    }
}

/// Whether a pattern of `*` and `?` is all of a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern.as_str();
            text.char_indices()
                .any(|(index, _)| matches(rest, &text[index..]))
                || matches(rest, "")
        }
        Some(first) => {
            let wanted = match first {
                '\\' => pattern.next(),
                '?' => None,
                _ => Some(first),
            };
            let mut text = text.chars();
            text.next()
                .is_some_and(|next| wanted.is_none_or(|wanted| wanted == next))
                && matches(pattern.as_str(), text.as_str())
        }
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
