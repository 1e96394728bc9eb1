//! A Dockerfile: instructions, stages, what they take from each other, and which variables they
//! see.
//!
//! It is read as BuildKit reads it, and every instruction knows its bytes, so that a step of a
//! build is found in the person's file, and texts derived from it are the person's own. The
//! libraries that read Dockerfiles know heredocs at the front of a command only, no joined lines
//! and no values, so that this is our own.
//!
//! Format: Dockerfile reference, <https://docs.docker.com/reference/dockerfile/>.

pub mod derived;
mod graph;
mod instruction;
mod keyword;
mod lexer;
mod lines;
mod scope;
mod selected;
pub mod sheet;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Place, Result};

pub use graph::{Graph, How, Skipped, Source, Step, Use};
pub use instruction::{Flag, Form, Instruction, Pair};
pub use keyword::Keyword;
pub use lexer::{Expanded, Lexer};
pub use lines::Heredoc;
pub use scope::{Origin, PLATFORMS, PROXIES, Scope, Variable};
pub use selected::{SELECTED, Selection};
pub use sheet::Sheet;
pub use shell::{Command, Joint, Script, Word};

/// A Dockerfile.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    path: PathBuf,
    text: String,
    escape: char,
    instructions: Vec<Instruction>,
    stages: Vec<Stage>,
}

/// One `FROM … AS name` with what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its place in the file, counted from 0.
    pub index: usize,
    /// Its name; `None` when it has none.
    pub name: Option<String>,
    /// The image or stage that it starts from, as written.
    pub base: String,
    /// The bytes of its `FROM` keyword.
    pub span: Range<usize>,
    /// Its instructions, the `FROM` first, as indices of [`Dockerfile::instructions`].
    pub instructions: Range<usize>,
}

impl Stage {
    /// Its name, or what the builder calls it without one.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("stage-{}", self.index),
        }
    }
}

/// What a build is given beside the Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Values of build arguments (`--build-arg`).
    pub args: BTreeMap<String, String>,
    /// Names of further contexts (`--build-context`), which stand in for stages and images of
    /// these names.
    pub contexts: BTreeSet<String>,
    /// The platform to build for, `linux/amd64`; `None` when it is not known.
    pub platform: Option<String>,
    /// The stage to build; `None` for the last one.
    pub target: Option<String>,
}

impl Dockerfile {
    /// Reads a Dockerfile; `path` is for messages.
    ///
    /// # Errors
    /// `Usage`, with the line that cannot be read.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |line: usize, said: String| {
            Error::usage(format!("this is no Dockerfile that can be built: {said}"))
                .at(Place::line(path, text, line))
        };
        let (escape, logical) = lines::split(text).map_err(|(line, said)| wrong(line, said))?;
        let mut instructions: Vec<Instruction> = Vec::new();
        let mut stages: Vec<Stage> = Vec::new();
        let mut lines = LineNumbers::new(text);
        for one in &logical {
            let numbers = lines.of(one.span.start)..=lines.of(one.span.end.max(one.span.start));
            let first = *numbers.start();
            let stage = stages.len().checked_sub(1);
            let mut instruction = Instruction::read(one, escape, numbers, stage)
                .map_err(|said| wrong(first, said))?;
            let index = instructions.len();
            match instruction.keyword {
                Keyword::From => {
                    instruction.stage = Some(stages.len());
                    stages.push(Stage::from(&instruction, stages.len(), index));
                }
                Keyword::Arg => {}
                _ if stages.is_empty() => {
                    return Err(wrong(first, "only ARG may stand before FROM".to_owned()));
                }
                _ => {}
            }
            if let Some(stage) = stages.last_mut() {
                stage.instructions.end = index + 1;
            }
            instructions.push(instruction);
        }
        if stages.is_empty() {
            return Err(wrong(1, "it has no FROM".to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            escape,
            instructions,
            stages,
        })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The character that continues a line and takes a special meaning away.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// All instructions, in the order of the file.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The instruction that a line belongs to, counted from 1, as its index.
    pub fn at_line(&self, line: usize) -> Option<usize> {
        let mut all = self.instructions.iter();
        all.position(|instruction| instruction.lines.contains(&line))
    }

    /// The stages, in the order of the file.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage of the given name; names of stages do not tell upper from lower case, and of two
    /// with one name the later counts.
    ///
    /// # Errors
    /// `Usage`, naming the stages that there are.
    pub fn stage(&self, name: &str) -> Result<&Stage> {
        self.find_stage(name).ok_or_else(|| {
            let known: Vec<&str> = self
                .stages
                .iter()
                .filter_map(|stage| stage.name.as_deref())
                .collect();
            let help = match known.is_empty() {
                true => format!("none of its stages has a name: `FROM … AS {name}` gives one"),
                false => format!("stages there are: {}", known.join(", ")),
            };
            Error::usage(format!("the Dockerfile has no stage `{name}`"))
                .at(Place::file(&self.path))
                .help(help)
        })
    }

    /// The stage of the given name, if there is one.
    pub fn find_stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().rev().find(|stage| {
            let own = stage.name.as_deref();
            own.is_some_and(|own| own.eq_ignore_ascii_case(name))
        })
    }

    /// The stage that the builder calls so in the names of steps; it has no name there where it is
    /// the only one.
    pub fn labelled(&self, label: Option<&str>) -> Option<&Stage> {
        let Some(label) = label else {
            return self.stages.first();
        };
        self.find_stage(label).or_else(|| {
            let mut unnamed = self.stages.iter().filter(|stage| stage.name.is_none());
            unnamed.find(|stage| stage.label() == label)
        })
    }

    /// Makes sure that the Dockerfile takes a build argument of this name.
    ///
    /// # Errors
    /// `Usage`, naming those that it takes.
    pub fn arg(&self, name: &str) -> Result<()> {
        let known: BTreeSet<String> = self
            .instructions
            .iter()
            .filter(|instruction| instruction.keyword == Keyword::Arg)
            .flat_map(|instruction| instruction.pairs(self.escape))
            .map(|pair| pair.name)
            .collect();
        if known.contains(name) || PROXIES.contains(&name) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Err(
            Error::usage(format!("the Dockerfile has no build argument `{name}`"))
                .at(Place::file(&self.path))
                .help(format!("build arguments there are: {}", known.join(", "))),
        )
    }

    /// Where a stage begins, for messages.
    pub fn place(&self, stage: &Stage) -> Place {
        self.place_of(stage.span.clone())
    }

    /// Where some of its bytes are, for messages.
    pub fn place_of(&self, span: Range<usize>) -> Place {
        Place::span(&self.path, &self.text, span)
    }

    /// Lines at its top that fetch another builder, `# syntax=…`, counted from 1.
    pub fn other_builder(&self) -> Option<usize> {
        let directives = self.text.trim_start_matches('\u{feff}').lines();
        let mut directives = directives.map_while(lines::directive);
        let found = directives.position(|(name, _)| name.eq_ignore_ascii_case("syntax"));
        found.map(|index| index + 1)
    }
}

impl Stage {
    fn from(instruction: &Instruction, index: usize, at: usize) -> Self {
        let mut words = instruction.arguments.split_whitespace();
        let base = words.next().unwrap_or_default().to_owned();
        let start = instruction.span.start;
        Self {
            index,
            name: words.nth(1).map(str::to_owned),
            base,
            span: start..start + Keyword::From.to_string().len(),
            instructions: at..at + 1,
        }
    }
}

/// Numbers of lines, asked in the order of the file.
struct LineNumbers<'a> {
    text: &'a str,
    at: usize,
    number: usize,
}

impl<'a> LineNumbers<'a> {
    fn new(text: &'a str) -> Self {
        let (at, number) = (0, 1);
        Self { text, at, number }
    }

    fn of(&mut self, offset: usize) -> usize {
        let between = &self.text.as_bytes()[self.at..offset];
        self.number += between.iter().filter(|byte| **byte == b'\n').count();
        self.at = offset;
        self.number
    }
}

#[cfg(test)]
mod tests;
