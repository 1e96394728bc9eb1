//! One instruction: its keyword, options and arguments, and where each of them stands.

use std::ops::{Range, RangeInclusive};

use super::keyword::Keyword;
use super::lines::{self, Heredoc, Logical};

/// How the command of an instruction is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Text for the stage's shell, or no command at all.
    Shell,
    /// A JSON list of words.
    Exec(Vec<String>),
    /// One heredoc that is a script of its own: for the stage's shell, or for the program that
    /// its first line names behind `#!`.
    Script,
}

/// An option `--name=value` of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without its dashes.
    pub name: String,
    /// What is behind `=`; as written, variables included.
    pub value: Option<String>,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// A pair of `ARG`, `ENV` or `LABEL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What is named.
    pub name: String,
    /// What it gets, as written with quotes and variables; `None` for an `ARG` without default.
    pub value: Option<String>,
    /// Where its name begins in the file.
    pub offset: usize,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub keyword: Keyword,
    /// Its bytes: from the keyword to the end of its last line, continued lines and heredocs
    /// included, the end of the line not.
    pub span: Range<usize>,
    /// Its lines, counted from 1.
    pub lines: RangeInclusive<usize>,
    /// The stage that it belongs to, counted from 0; `None` before the first `FROM`.
    pub stage: Option<usize>,
    /// Its options.
    pub flags: Vec<Flag>,
    /// What is behind the options, with continued lines joined; heredocs are only announced here.
    pub arguments: String,
    /// How its command is written.
    pub form: Form,
    /// Its heredocs.
    pub heredocs: Vec<Heredoc>,
    /// For `ONBUILD`, what is done when another build starts from the image.
    pub trigger: Option<Box<Instruction>>,
    pieces: Vec<(usize, usize)>,
    arguments_at: usize,
}

impl Instruction {
    /// Reads an instruction from its joined text.
    pub(super) fn read(
        logical: &Logical,
        escape: char,
        lines: RangeInclusive<usize>,
        stage: Option<usize>,
    ) -> Result<Self, String> {
        Self::read_from(logical, 0, escape, lines, stage)
    }

    fn read_from(
        logical: &Logical,
        begin: usize,
        escape: char,
        lines: RangeInclusive<usize>,
        stage: Option<usize>,
    ) -> Result<Self, String> {
        let text = &logical.text[begin..];
        let begin = begin + (text.len() - text.trim_start().len());
        let text = text.trim();
        let word = text.split_whitespace().next().unwrap_or_default();
        let keyword =
            Keyword::of(word).ok_or_else(|| format!("there is no instruction `{word}`"))?;
        let mut rest = begin + word.len();
        let flags = flags(logical, &mut rest, escape);
        let arguments = logical.text[rest..].trim_end().to_owned();
        let trigger = match keyword {
            Keyword::Onbuild => {
                let lines = lines.clone();
                Some(Box::new(Self::read_from(
                    logical, rest, escape, lines, stage,
                )?))
            }
            _ => None,
        };
        let instruction = Self {
            keyword,
            span: logical.span.clone(),
            lines,
            stage,
            flags,
            form: form(keyword, &arguments, &logical.heredocs),
            arguments,
            heredocs: logical.heredocs.clone(),
            trigger,
            pieces: logical.pieces.clone(),
            arguments_at: rest,
        };
        instruction.check()?;
        Ok(instruction)
    }

    /// Refuses what the builder refuses for the number of its arguments.
    fn check(&self) -> Result<(), String> {
        let keyword = self.keyword;
        let words = match &self.form {
            Form::Exec(words) => words.len(),
            _ => self.arguments.split_whitespace().count(),
        };
        match keyword {
            _ if words == 0 => Err(format!("{keyword} needs an argument")),
            Keyword::Add | Keyword::Copy if words < 2 => Err(format!(
                "{keyword} needs at least two arguments: what, and where to"
            )),
            Keyword::From => match self.arguments.split_whitespace().collect::<Vec<_>>()[..] {
                [_] => Ok(()),
                [_, word, _] if word.eq_ignore_ascii_case("as") => Ok(()),
                _ => Err("FROM takes an image, or `IMAGE AS NAME`".to_owned()),
            },
            Keyword::Shell if !matches!(self.form, Form::Exec(_)) => {
                Err("SHELL takes a JSON list of words".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The value of an option.
    pub fn flag(&self, name: &str) -> Option<&str> {
        let mut flags = self.flags.iter();
        flags.find(|flag| flag.name == name)?.value.as_deref()
    }

    /// Where a byte of `arguments` stands in the file.
    pub fn offset(&self, in_arguments: usize) -> usize {
        lines::offset(&self.pieces, self.arguments_at + in_arguments)
    }

    /// The settings of a `RUN --mount`, one map of names and values each; a word without a value
    /// has none.
    pub fn mounts(&self) -> impl Iterator<Item = Vec<(&str, &str)>> {
        let mounts = self.flags.iter().filter(|flag| flag.name == "mount");
        mounts.map(|flag| {
            let value = flag.value.as_deref().unwrap_or_default();
            let settings = value.split(',');
            settings
                .map(|setting| setting.split_once('=').unwrap_or((setting, "")))
                .collect()
        })
    }

    /// Where files come from, beside the context: `COPY --from`, and `from` of mounts; as written.
    pub fn from_elsewhere(&self) -> Vec<&str> {
        match self.keyword {
            Keyword::Copy => self.flag("from").into_iter().collect(),
            Keyword::Run => self
                .mounts()
                .filter_map(|mount| {
                    let mut settings = mount.into_iter();
                    settings.find(|(name, _)| *name == "from")
                })
                .map(|(_, from)| from)
                .collect(),
            Keyword::Onbuild => (self.trigger.as_ref())
                .map(|trigger| trigger.from_elsewhere())
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The pairs of an `ARG`, `ENV` or `LABEL`; none for other instructions.
    pub fn pairs(&self, escape: char) -> Vec<Pair> {
        if !matches!(self.keyword, Keyword::Arg | Keyword::Env | Keyword::Label) {
            return Vec::new();
        }
        let words = words(&self.arguments, escape);
        // `ENV NAME all the rest`, as it was once written.
        if self.keyword != Keyword::Arg
            && let Some((at, first)) = words.first()
            && !first.contains('=')
        {
            let rest = self.arguments[first.len()..].trim_start();
            return vec![Pair {
                name: first.clone(),
                value: Some(rest.to_owned()),
                offset: self.offset(*at),
            }];
        }
        let pairs = words.into_iter().map(|(at, word)| {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word, None),
            };
            Pair {
                name,
                value,
                offset: self.offset(at),
            }
        });
        pairs.collect()
    }

    /// Where a byte of [`Self::shell_text`] stands in the file.
    pub fn shell_offset(&self, in_text: usize) -> usize {
        if self.form == Form::Script {
            return self
                .heredocs
                .first()
                .map_or(0, |heredoc| heredoc.span.start)
                + in_text;
        }
        let mut begin = self.arguments.len();
        if in_text < begin {
            return self.offset(in_text);
        }
        for heredoc in &self.heredocs {
            begin += 1;
            if in_text < begin + heredoc.span.len() {
                return heredoc.span.start + in_text.saturating_sub(begin);
            }
            begin += heredoc.span.len() + heredoc.name.len();
        }
        self.span.start
    }

    /// The whole text that the shell of a `RUN` gets, heredocs included; `None` for the exec form.
    /// `file` is the text of the Dockerfile.
    pub fn shell_text(&self, file: &str) -> Option<String> {
        match &self.form {
            Form::Exec(_) => None,
            Form::Script => {
                let heredoc = self.heredocs.first()?;
                Some(file[heredoc.span.clone()].to_owned())
            }
            Form::Shell => {
                let mut text = self.arguments.clone();
                for heredoc in &self.heredocs {
                    let lines = &file[heredoc.span.clone()];
                    text.push_str(&format!("\n{lines}{}", heredoc.name));
                }
                Some(text)
            }
        }
    }
}

fn form(keyword: Keyword, arguments: &str, heredocs: &[Heredoc]) -> Form {
    let takes_a_list = matches!(
        keyword,
        Keyword::Add
            | Keyword::Cmd
            | Keyword::Copy
            | Keyword::Entrypoint
            | Keyword::Run
            | Keyword::Shell
            | Keyword::Volume
    );
    if takes_a_list && arguments.starts_with('[') {
        // What is behind the list does not count, as the builder has it.
        let mut lists = serde_json::Deserializer::from_str(arguments).into_iter::<Vec<String>>();
        if let Some(Ok(words)) = lists.next() {
            return Form::Exec(words);
        }
    }
    let one = heredocs.len() == 1 && keyword == Keyword::Run;
    match one && lines::heredoc(arguments).is_some() {
        true => Form::Script,
        false => Form::Shell,
    }
}

/// Takes the options from the front of the arguments.
fn flags(logical: &Logical, rest: &mut usize, escape: char) -> Vec<Flag> {
    let mut flags = Vec::new();
    loop {
        let text = &logical.text[*rest..];
        let begin = *rest + (text.len() - text.trim_start().len());
        *rest = begin;
        if !logical.text[begin..].starts_with("--") {
            return flags;
        }
        let (word, length) = flag_word(&logical.text[begin..], escape);
        *rest = begin + length;
        let Some(option) = word.strip_prefix("--").filter(|name| !name.is_empty()) else {
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        flags.push(Flag {
            name: name.to_owned(),
            value,
            span: logical.offset(begin)..logical.offset(begin + length - 1) + 1,
        });
    }
}

/// One word with its quotes and escapes taken off, and how many bytes it is as written.
fn flag_word(text: &str, escape: char) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match (quote, character) {
            (None, blank) if blank.is_whitespace() => return (word, index),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ if character == escape => word.extend(characters.next().map(|(_, next)| next)),
            _ => word.push(character),
        }
    }
    (word, text.len())
}

/// Words of a text with their quotes and escapes, split outside of them, and where each begins.
fn words(text: &str, escape: char) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut begin = None;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            if let Some(begin) = begin.take() {
                words.push((begin, text[begin..index].to_owned()));
            }
            continue;
        }
        begin.get_or_insert(index);
        match quote {
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if open == character => quote = None,
            // Nothing is escaped between single quotes.
            _ if character == escape && quote != Some('\'') => {
                characters.next();
            }
            _ => {}
        }
    }
    if let Some(begin) = begin {
        words.push((begin, text[begin..].to_owned()));
    }
    words
}
