//! Words of a shell text: quotes, variables and substitutions.

use std::collections::BTreeSet;

use super::Word;

/// Reads a shell text from its beginning to its end.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Heredocs of this line: their last line, and whether variables count in them.
    pub(super) heredocs: Vec<(String, bool)>,
    /// The next backtick ends something.
    in_backticks: bool,
    pub(super) used: Vec<(String, usize)>,
    pub(super) set: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            heredocs: Vec::new(),
            in_backticks: false,
            used: Vec::new(),
            set: BTreeSet::new(),
        }
    }
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn take_if(&mut self, start: &str) -> bool {
        let is = self.text[self.at..].starts_with(start);
        if is {
            self.at += start.len();
        }
        is
    }

    pub(super) fn skip_line(&mut self) {
        while self.peek().is_some_and(|next| next != '\n') {
            self.take();
        }
    }

    pub(super) fn word(&mut self) -> Word {
        let mut word = Word {
            offset: self.at,
            ..Word::default()
        };
        while let Some(next) = self.peek() {
            let ends = next == '`' && self.in_backticks;
            if ends || next.is_whitespace() || ";&|()<>".contains(next) {
                break;
            }
            self.take();
            match next {
                '\'' => self.quoted(&mut word),
                '"' => self.double_quoted(&mut word),
                '\\' => match self.take() {
                    Some('\n') | None => {}
                    Some(escaped) => word.text.push(escaped),
                },
                '$' => self.dollar(&mut word),
                '`' => {
                    let begin = self.at - 1;
                    self.backticks(&mut word);
                    word.text.push_str(&self.text[begin..self.at]);
                }
                _ => word.text.push(next),
            }
        }
        // A lone sign that begins no word must not hold the reader up.
        if self.at == word.offset {
            self.take();
        }
        word
    }

    fn quoted(&mut self, word: &mut Word) {
        while let Some(next) = self.take().filter(|next| *next != '\'') {
            word.text.push(next);
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        while let Some(next) = self.take().filter(|next| *next != '"') {
            match next {
                '\\' => word.text.extend(self.take()),
                '$' => self.dollar(word),
                '`' => self.backticks(word),
                _ => word.text.push(next),
            }
        }
    }

    /// What follows a backtick, which is taken already. Backticks nest only when escaped.
    fn backticks(&mut self, word: &mut Word) {
        let before = std::mem::replace(&mut self.in_backticks, true);
        word.substitutions.push(self.script(Some('`')));
        self.in_backticks = before;
    }

    /// What follows a `$`, which is taken already.
    pub(super) fn dollar(&mut self, word: &mut Word) {
        let begin = self.at - 1;
        match self.peek() {
            Some('(') if self.text[self.at..].starts_with("((") => {
                self.at += 2;
                self.until_closed(word, '(', ')');
                self.take_if(")");
            }
            Some('(') => {
                self.take();
                let script = self.script(Some(')'));
                word.substitutions.push(script);
            }
            Some('{') => {
                self.take();
                self.braces(word);
            }
            Some('\'') => {
                self.take();
                while let Some(next) = self.take().filter(|next| *next != '\'') {
                    if next == '\\' {
                        self.take();
                    }
                }
            }
            _ => {
                let name = self.name();
                if !name.is_empty() {
                    self.used.push((name, begin));
                }
            }
        }
        word.text.push_str(&self.text[begin..self.at]);
    }

    /// The inside of `${…}`.
    fn braces(&mut self, word: &mut Word) {
        let begin = self.at - 2;
        let _ = self.take_if("#") || self.take_if("!");
        let name = self.name();
        let rest = &self.text[self.at..];
        let operator = rest.strip_prefix(':').unwrap_or(rest).chars().next();
        if matches!(operator, Some('=')) {
            self.set.insert(name.clone());
        }
        // With `-`, `+`, `=` and `?` somebody has thought of it.
        if !name.is_empty() && !matches!(operator, Some('-' | '+' | '=' | '?')) {
            self.used.push((name, begin));
        }
        let mut inner = Word::default();
        self.until_closed(&mut inner, '{', '}');
        word.substitutions.append(&mut inner.substitutions);
    }

    /// Takes what stands before a closing sign, with what is nested in it.
    fn until_closed(&mut self, word: &mut Word, open: char, close: char) {
        let mut depth = 0_usize;
        while let Some(next) = self.take() {
            match next {
                '\\' => drop(self.take()),
                '\'' if open == '{' => self.quoted(word),
                '"' => self.double_quoted(word),
                '$' => self.dollar(word),
                _ if next == open => depth += 1,
                _ if next == close && depth == 0 => return,
                _ if next == close => depth -= 1,
                _ => {}
            }
        }
    }

    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        if rest.starts_with(|first: char| first.is_ascii_digit()) {
            return String::new();
        }
        let end = rest
            .find(|next: char| !(next.is_ascii_alphanumeric() || next == '_'))
            .unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }
}
