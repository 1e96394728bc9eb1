//! Triggers (`ONBUILD`) of what a stage starts from, written out in the stage, so that each is a step
//! as others are.
//!
//! The builder runs them behind the `FROM` (Dockerfile reference, "ONBUILD"). Written out there they
//! would run twice, so that the stage is made to start from the same without triggers. The builder
//! knows layers by what they hold, and nothing of their cache is lost.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::super::{Dockerfile, Instruction, Keyword};
use super::words;
use crate::error::Result;

/// What a stage is made to start from: the same as it does, without triggers.
pub const BARE: &str = "envtpl-debug-base";

/// What has the triggers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// A stage of the same file, by its index.
    Stage(usize),
    /// An image.
    Image {
        /// Its name, as far as it is known.
        name: String,
        /// The triggers, an instruction each.
        triggers: Vec<String>,
        /// What runs commands in it; empty where it is the usual one.
        shell: Vec<String>,
        /// Who does; empty for root.
        user: String,
    },
}

/// A Dockerfile with the triggers of a stage written out.
#[derive(Debug, Clone)]
pub struct Spelled {
    /// The file.
    pub dockerfile: Dockerfile,
    /// The triggers, as indices of its instructions.
    pub triggers: Range<usize>,
    /// For each instruction, the line in the original that it is from.
    lines: Vec<usize>,
}

impl Spelled {
    /// The line of the original that an instruction is from: that of the `ONBUILD`, or of the
    /// `FROM` that names the image with the trigger.
    pub fn line(&self, instruction: usize) -> usize {
        self.lines[instruction]
    }
}

impl Dockerfile {
    /// Whether a stage gives triggers to those that start from it.
    pub fn has_triggers(&self, stage: usize) -> bool {
        let mut own = self.stages()[stage].instructions.clone();
        own.any(|index| self.instructions()[index].keyword == Keyword::Onbuild)
    }

    /// The same with the triggers written out in a stage that has them from its base.
    ///
    /// # Errors
    /// `Usage` when a trigger is no instruction.
    pub fn spelled(&self, stage: usize, base: &Base) -> Result<Spelled> {
        let all = self.instructions();
        let range = self.stages()[stage].instructions.clone();
        let from = &all[range.start];
        let line = |instruction: &Instruction| *instruction.lines.start();
        let mut text = self.text()[..from.span.start].to_owned();
        let mut lines: Vec<usize> = all[..range.start].iter().map(line).collect();
        let mut triggers = Vec::new();
        let mut added = Vec::new();
        match base {
            Base::Stage(parent) => {
                let own = self.stages()[*parent].instructions.clone();
                for (index, instruction) in own.clone().zip(&all[own]) {
                    let own_text = self.own_text(instruction);
                    match instruction.keyword {
                        Keyword::Onbuild => {
                            let at = instruction.offset(0) - instruction.span.start;
                            triggers.push((line(instruction), own_text[at..].to_owned()));
                            continue;
                        }
                        Keyword::From => {
                            let end = self.base(instruction).end;
                            let named = &self.text()[instruction.span.start..end];
                            text += &format!("{named} AS {BARE}\n");
                        }
                        _ => text += &format!("{own_text}\n"),
                    }
                    lines.push(line(&all[index]));
                }
            }
            Base::Image {
                triggers: own,
                shell,
                user,
                ..
            } => {
                triggers.extend(own.iter().map(|trigger| (line(from), trigger.clone())));
                let shell: Vec<&str> = shell.iter().map(String::as_str).collect();
                // Whoever wants to know them looks into the file.
                added.extend((!shell.is_empty()).then(|| format!("SHELL {}", words(&shell))));
                added.extend((!user.is_empty()).then(|| format!("USER {user}")));
            }
        }
        let name = self.base(from);
        text += &self.text()[from.span.start..name.start];
        text += BARE;
        text += self.text()[name.end..from.span.end].trim_end();
        lines.push(line(from));
        for own in added {
            text += &format!("\n{own}");
            lines.push(line(from));
        }
        let first = lines.len();
        for (line, trigger) in &triggers {
            text += &format!("\n{}", trigger.trim_end());
            lines.push(*line);
        }
        let triggers = first..lines.len();
        text += &self.text()[from.span.end..];
        lines.extend(all[range.start + 1..].iter().map(line));
        Ok(Spelled {
            dockerfile: Self::parse(self.path(), &text)?,
            triggers,
            lines,
        })
    }

    /// The bytes of what a `FROM` names.
    fn base(&self, from: &Instruction) -> Range<usize> {
        let start = from.offset(0);
        let name = from.arguments.split_whitespace().next().unwrap_or_default();
        start..start + name.len()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(text: &str) -> Dockerfile {
        Dockerfile::parse(Path::new("Dockerfile"), text).expect("valid")
    }

    #[test]
    fn triggers_of_a_stage_are_written_out_in_one_that_starts_from_it() {
        let before = "FROM --platform=linux/amd64 x AS base # no comment\nENV A=b\nONBUILD RUN one \\\n  more\n\
                      ONBUILD COPY <<E /f\ntext\nE\nRUN own\n";
        let before = before.replace(" # no comment", "");
        let own = "FROM base AS y\r\nRUN last\r\n";
        let text = format!("{before}{own}");
        let spelled = file(&text).spelled(1, &Base::Stage(0)).expect("valid");
        assert_eq!(
            spelled.dockerfile.text(),
            format!(
                "{before}FROM --platform=linux/amd64 x AS {BARE}\nENV A=b\nRUN own\n\
                 FROM {BARE} AS y\nRUN one \\\n  more\nCOPY <<E /f\ntext\nE\r\nRUN last\r\n"
            )
        );
        assert_eq!(spelled.triggers, 9..11);
        let lines = [8, 9, 10, 11].map(|index| spelled.line(index));
        assert_eq!(lines, [9, 3, 5, 10]);
    }

    #[test]
    fn triggers_of_an_image_come_with_its_shell_and_user() {
        let base = Base::Image {
            name: "x".into(),
            triggers: vec!["ARG V".into(), "RUN one".into()],
            shell: vec!["/bin/bash".into(), "-c".into()],
            user: "joe".into(),
        };
        let file = file("FROM a\nFROM x\n# why\nRUN last");
        let spelled = file.spelled(1, &base).expect("valid");
        let expected = format!(
            "FROM a\nFROM {BARE}\nSHELL [\"/bin/bash\",\"-c\"]\nUSER joe\nARG V\nRUN one\n# why\nRUN last"
        );
        assert_eq!(spelled.dockerfile.text(), expected);
        assert_eq!(spelled.triggers, 4..6);
        assert_eq!([5, 6].map(|index| spelled.line(index)), [2, 4]);
    }
}
