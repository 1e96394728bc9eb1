//! One Dockerfile as the lints see it.

use std::collections::BTreeSet;

use crate::error::Place;
use crate::installation::dockerfile::{
    Dockerfile, Form, Given, Graph, Instruction, Keyword, Script, derived,
};

/// A Dockerfile with what is known around it.
pub struct View<'a> {
    /// The file.
    pub dockerfile: &'a Dockerfile,
    /// What the Compose files give it.
    pub given: &'a Given,
    /// The arguments that they give, whatever their values.
    pub named: &'a BTreeSet<String>,
    /// Its stages.
    pub graph: &'a Graph,
}

/// The shell text of a `RUN`.
pub struct Text<'a> {
    /// The `RUN`.
    pub instruction: &'a Instruction,
    /// Its index.
    pub index: usize,
    /// The text, read.
    pub script: Script,
    /// The shell that the stage has, or that the text names: its words.
    pub shell: Vec<String>,
}

/// Shells whose texts can be read.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "zsh"];

impl View<'_> {
    /// Where a byte of the file is.
    pub fn place(&self, offset: usize) -> Place {
        self.dockerfile.place_of(offset..offset + 1)
    }

    /// All texts that shells run in `RUN`.
    pub fn texts(&self) -> Vec<Text<'_>> {
        let instructions = self.dockerfile.instructions().iter().enumerate();
        instructions
            .filter(|(_, one)| one.keyword == Keyword::Run)
            .filter_map(|(index, one)| self.text(index, one))
            .collect()
    }

    fn text<'a>(&self, index: usize, instruction: &'a Instruction) -> Option<Text<'a>> {
        let text = instruction.shell_text(self.dockerfile.text())?;
        let named = text.strip_prefix("#!").and_then(|rest| rest.lines().next());
        let shell: Vec<String> = match named {
            Some(line) if instruction.form == Form::Script => {
                let words = line
                    .split_whitespace()
                    .filter(|word| !word.ends_with("/env"));
                words.map(str::to_owned).collect()
            }
            _ => {
                let chain = self.graph.chain(instruction.stage?);
                let shell = self.dockerfile.shell_at(index, &chain);
                shell.unwrap_or_else(derived::default_shell)
            }
        };
        let program = shell.first()?.rsplit('/').next()?;
        SHELLS.contains(&program).then(|| Text {
            instruction,
            index,
            script: Script::read(&text),
            shell,
        })
    }
}

impl Text<'_> {
    /// Whether a setting of the shell is on: one letter of `set -…`, or a name of `set -o`.
    pub fn is_set(&self, letter: char, name: &str) -> bool {
        let has_letter = |word: &str| {
            let letters = word.strip_prefix('-');
            letters.is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter))
        };
        let of_shell = self.shell.iter().skip(1);
        let mut of_shell = of_shell.filter(|word| word.as_str() != "-c");
        let mut commands = self.script.commands.iter();
        of_shell.any(|word| word == name || has_letter(word))
            || commands.any(|command| {
                command.name() == "set"
                    && command
                        .arguments()
                        .any(|word| word == name || has_letter(word))
            })
    }
}
