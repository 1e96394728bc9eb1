//! The commands of a shell text, as far as a check asks about them: words, how commands are
//! joined, and variables that are used and set.
//!
//! Source of the rules: POSIX.1, "Shell Command Language", with what bash adds. Nothing is
//! executed or replaced; what cannot be understood is taken for plain words.

mod commands;
mod reader;

use std::collections::BTreeSet;

use reader::Reader;

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
        let mut reader = Reader::new(text);
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
