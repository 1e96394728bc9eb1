//! Commands of a shell text, and how they are joined.

use super::reader::Reader;
use super::{Command, Joint, Script, Word};

/// Words that begin or end a part of a compound command, where a command could stand.
const RESERVED: [&str; 13] = [
    "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "{", "}", "!", "time",
];

impl Reader<'_> {
    /// Commands until the end, or until the character that ends a substitution.
    pub(super) fn script(&mut self, stop: Option<char>) -> Script {
        let mut script = Script::default();
        let mut command = Command::default();
        let mut depth = 0_usize;
        let mut condition = false;
        while let Some(next) = self.peek() {
            if Some(next) == stop && (next != ')' || depth == 0) {
                self.take();
                break;
            }
            match next {
                ' ' | '\t' | '\r' => {
                    self.take();
                }
                '\\' if self.text[self.at..].starts_with("\\\n") => self.at += 2,
                '#' => self.skip_line(),
                '\n' | ';' => {
                    self.take();
                    finish(&mut script, &mut command, Joint::After);
                    if next == '\n' {
                        self.heredoc_lines();
                    }
                }
                '&' if !self.text[self.at..].starts_with("&>") => {
                    self.take();
                    let joint = if self.take_if("&") {
                        Joint::And
                    } else {
                        Joint::After
                    };
                    finish(&mut script, &mut command, joint);
                }
                '|' => {
                    self.take();
                    let joint = if self.take_if("|") {
                        Joint::Or
                    } else {
                        Joint::Pipe
                    };
                    self.take_if("&");
                    finish(&mut script, &mut command, joint);
                }
                '(' => {
                    self.take();
                    depth += 1;
                }
                ')' => {
                    self.take();
                    depth = depth.saturating_sub(1);
                    finish(&mut script, &mut command, Joint::After);
                }
                '<' | '>' | '&' => self.redirection(&mut command),
                _ => {
                    let word = self.word();
                    let is_number = word.text.chars().all(|digit| digit.is_ascii_digit());
                    if is_number && matches!(self.peek(), Some('<' | '>')) {
                        continue;
                    }
                    self.add(word, &mut command, &mut condition);
                }
            }
        }
        finish(&mut script, &mut command, Joint::After);
        script
    }

    /// Adds a word to a command, unless it is one that only holds commands together.
    fn add(&mut self, word: Word, command: &mut Command, condition: &mut bool) {
        let begins = command.words.is_empty();
        if begins && command.assignments.is_empty() {
            match word.text.as_str() {
                "if" | "while" | "until" | "elif" => *condition = true,
                "then" | "do" => *condition = false,
                "!" => command.is_condition = true,
                _ => {}
            }
            if RESERVED.contains(&word.text.as_str()) {
                command.is_condition |= *condition;
                return;
            }
            command.is_condition |= *condition;
        }
        if begins && let Some(name) = assigned(&word.text) {
            self.set.insert(name.to_owned());
            command.assignments.push(word);
            return;
        }
        let position = command.words.len();
        let name = command.name().to_owned();
        let sets = match name.as_str() {
            "export" | "readonly" | "local" | "declare" | "typeset" | "read" | "mapfile"
            | "readarray" => true,
            "for" | "select" => position == 1,
            "getopts" => position == 2,
            "printf" => command.words.last().is_some_and(|last| last.text == "-v"),
            _ => false,
        };
        if sets {
            let set = assigned(&word.text).unwrap_or(&word.text);
            // `export NAME` alone hands on what is there; it sets nothing.
            if name != "export" || set.len() < word.text.len() {
                self.set.insert(set.to_owned());
            }
        }
        command.words.push(word);
    }

    fn redirection(&mut self, command: &mut Command) {
        let heredoc = self.take_if("<<");
        if heredoc && !self.take_if("<") {
            self.take_if("-");
            while self.take_if(" ") {}
            let begin = self.at;
            let word = self.word();
            let raw = &self.text[begin..self.at];
            let expands = !raw.contains(['\'', '"', '\\']);
            self.heredocs.push((word.text, expands));
            return;
        }
        if !heredoc {
            self.take();
            if self.peek() == Some('(') {
                self.take();
                let script = self.script(Some(')'));
                if let Some(last) = command.words.last_mut() {
                    last.substitutions.push(script);
                }
                return;
            }
            while self.peek().is_some_and(|next| ">&|".contains(next)) {
                self.take();
            }
        }
        while self.take_if(" ") {}
        self.word();
    }

    /// Takes the lines of the heredocs that were announced.
    fn heredoc_lines(&mut self) {
        for (end, expands) in std::mem::take(&mut self.heredocs) {
            while self.at < self.text.len() {
                let begin = self.at;
                self.skip_line();
                let after = self.at;
                let line = self.text[begin..after].trim_end_matches('\r');
                if line.trim_start_matches('\t') == end {
                    self.take_if("\n");
                    break;
                }
                if expands {
                    self.at = begin;
                    let mut held = Word::default();
                    while self.at < after {
                        match self.take() {
                            Some('\\') => drop(self.take()),
                            Some('$') => self.dollar(&mut held),
                            _ => {}
                        }
                    }
                    self.at = self.at.max(after);
                }
                self.take_if("\n");
            }
        }
    }
}

/// Ends a command; the next one is joined to it in this way.
fn finish(script: &mut Script, command: &mut Command, joint: Joint) {
    let is_empty = command.words.is_empty() && command.assignments.is_empty();
    let finished = std::mem::replace(
        command,
        Command {
            joint,
            ..Command::default()
        },
    );
    if !is_empty {
        script.commands.push(finished);
    } else if joint == Joint::After {
        // The end of a line behind `&&` joins nothing anew.
        command.joint = finished.joint;
        command.is_condition = finished.is_condition;
    }
}

/// The name in `NAME=value`.
fn assigned(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_name = begins
        && name
            .chars()
            .all(|next| next.is_ascii_alphanumeric() || next == '_');
    is_name.then_some(name)
}
