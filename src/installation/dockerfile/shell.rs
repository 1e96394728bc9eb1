//! The commands of a shell text, as far as a check asks about them: words, how commands are
//! joined, and variables that are used and set.
//!
//! Source of the rules: POSIX.1, "Shell Command Language", with what bash adds. Nothing is
//! executed or replaced; what cannot be understood is taken for plain words.

use std::collections::BTreeSet;

/// A shell text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Its commands in order, without those of substitutions.
    pub commands: Vec<Command>,
    /// Variables that it uses without saying what holds when they are not there: name, offset.
    pub used: Vec<(String, usize)>,
    /// Variables that it sets itself.
    pub set: BTreeSet<String>,
}

/// How a command is joined to the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Joint {
    /// It comes after it, whatever became of that: `;`, `&`, the end of a line, or nothing before.
    #[default]
    After,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
}

/// One simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// Name and arguments, without redirections and assignments; quotes are taken off.
    pub words: Vec<Word>,
    /// `NAME=value` in front of it.
    pub assignments: Vec<Word>,
    /// How it is joined to the one before.
    pub joint: Joint,
    /// Whether its failure decides something: `if`, `while`, `until`, `!`.
    pub is_condition: bool,
}

/// One word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// Its text; variables and substitutions stay as they are written.
    pub text: String,
    /// Where it begins.
    pub offset: usize,
    /// Commands whose output it holds.
    pub substitutions: Vec<Script>,
}

impl Script {
    /// Reads a shell text.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader {
            text,
            at: 0,
            heredocs: Vec::new(),
            in_backticks: false,
            used: Vec::new(),
            set: BTreeSet::new(),
        };
        let mut script = reader.script(None);
        script.used = reader.used;
        script.set = reader.set;
        script
    }

    /// All commands, those of substitutions too, in the order of the text.
    pub fn all(&self) -> Vec<&Command> {
        let mut all = Vec::new();
        for command in &self.commands {
            all.push(command);
            for word in command.assignments.iter().chain(&command.words) {
                all.extend(word.substitutions.iter().flat_map(Self::all));
            }
        }
        all
    }

    /// Whether it runs a text that is not here, which may set any variable.
    pub fn reads_another(&self) -> bool {
        self.all()
            .iter()
            .any(|command| matches!(command.name(), "." | "source" | "eval"))
    }
}

impl Command {
    /// The program, without its directory; empty for assignments alone.
    pub fn name(&self) -> &str {
        let name = self.words.first().map_or("", |word| &word.text);
        name.rsplit('/').next().unwrap_or(name)
    }

    /// Where it begins.
    pub fn offset(&self) -> usize {
        let first = self.assignments.first().or(self.words.first());
        first.map_or(0, |word| word.offset)
    }

    /// Its arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.text.as_str())
    }

    /// Whether it has an argument.
    pub fn has(&self, argument: &str) -> bool {
        self.arguments().any(|own| own == argument)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Heredocs of this line: their last line, and whether variables count in them.
    heredocs: Vec<(String, bool)>,
    /// The next backtick ends something.
    in_backticks: bool,
    used: Vec<(String, usize)>,
    set: BTreeSet<String>,
}

/// Words that begin or end a part of a compound command, where a command could stand.
const RESERVED: [&str; 13] = [
    "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "{", "}", "!", "time",
];

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take_if(&mut self, start: &str) -> bool {
        let is = self.text[self.at..].starts_with(start);
        if is {
            self.at += start.len();
        }
        is
    }

    /// Commands until the end, or until the character that ends a substitution.
    fn script(&mut self, stop: Option<char>) -> Script {
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

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|next| next != '\n') {
            self.take();
        }
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

    fn word(&mut self) -> Word {
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
    fn dollar(&mut self, word: &mut Word) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let script = Script::read(text);
        let all = script.all().into_iter();
        all.map(|command| {
            let words: Vec<&str> = command
                .words
                .iter()
                .map(|word| word.text.as_str())
                .collect();
            format!("{:?} {}", command.joint, words.join("|"))
        })
        .collect()
    }

    fn used(text: &str) -> Vec<String> {
        let script = Script::read(text);
        let used = script.used.iter();
        used.map(|(name, offset)| {
            assert!(text[*offset..].starts_with('$'), "{text}");
            name.clone()
        })
        .filter(|name| !script.set.contains(name))
        .collect()
    }

    #[test]
    fn commands_are_joined_by_operators_and_lines() {
        assert_eq!(
            shown("a 'b c' \"d\" && x=1 e >f 2>&1 | g; (h || true) & # no\nif i; then j; fi"),
            [
                "After a|b c|d",
                "And e",
                "Pipe g",
                "After h",
                "Or true",
                "After i",
                "After j"
            ]
        );
        assert_eq!(shown("a &&\n b"), ["After a", "And b"]);
        assert_eq!(
            shown("echo $(a | b) `c`"),
            ["After echo|$(a | b)|`c`", "After a", "Pipe b", "After c"]
        );
        assert_eq!(shown("cat <<E >f\na | b\nE\nc"), ["After cat", "After c"]);
        let script = Script::read("if a | b; then c | d; fi; ! e");
        let conditions = script.commands.iter().map(|command| command.is_condition);
        assert_eq!(
            conditions.collect::<Vec<_>>(),
            [true, true, false, false, true]
        );
    }

    #[test]
    fn variables_are_missed_that_nobody_sets_here() {
        assert_eq!(
            used("make -j${N} \"$M/$(x $O)\" '$P' \\$Q $1 $? $$"),
            ["N", "M", "O"]
        );
        assert_eq!(
            used("A=1; export B=2; for c in $D; do echo $A $B $c; done"),
            ["D"]
        );
        assert_eq!(
            used("echo ${A:-1} ${B+x} ${C:?no} ${D%.*} ${#E} ${F:=1} $F"),
            ["D", "E"]
        );
        assert_eq!(used("read -r x y; echo $x $y $((z + $w))"), ["w"]);
        assert_eq!(
            used("cat <<E <<'F'\n$a \\$b\nE\n$c\nF\necho $d"),
            ["a", "d"]
        );
        assert_eq!(used("awk '{print $1, $NF}' $f"), ["f"]);
        assert_eq!(used("export PATH_TO; echo $PATH_TO"), ["PATH_TO"]);
        assert!(Script::read("x && . ./env.sh").reads_another());
        assert!(!Script::read("x ./env.sh").reads_another());
    }

    #[test]
    fn broken_texts_are_read_to_their_end() {
        for text in [
            "a \"b", "$(", "${", "`", "a <<", ")", "'", "((", "$((1", "é$é", "<(", ">",
        ] {
            Script::read(text);
        }
    }
}
