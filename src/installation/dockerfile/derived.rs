//! Throw-away Dockerfiles that look into a failing step: text in, text out.
//!
//! Everything before the step stays byte for byte what it was, so that its layers come from the
//! cache. A shell form `RUN` stays as it is too, with its comments, continuations and heredocs: a
//! generated `SHELL` before it puts a wrapper before the shell, and another one after it takes that
//! back. The list of an exec form gets the wrapper in front. The wrapper writes what the command
//! prints into a file, keeps its status and succeeds, so that what the step left can be looked at.

mod changed;
mod mounts;
mod triggers;

use super::{Dockerfile, Form, Instruction, Keyword, lines};

pub use mounts::passing;
pub use triggers::{BARE, Base, Spelled};

/// The named context with the wrapper and what collects; the Dockerfile copies from it.
pub const CONTEXT: &str = "envtpl-debug";
/// Where it is in the failed file system.
pub const DIRECTORY: &str = "/.envtpl-debug";
/// The stage that holds nothing but what was collected.
pub const RESULT: &str = "envtpl-debug-result";
/// What runs a command in its shell form when nothing says otherwise (Dockerfile reference, SHELL).
const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// What the derived Dockerfile does with the failing step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment<'a> {
    /// Runs it wrapped.
    Wrapped {
        /// Makes this trial another one than those before it.
        number: &'a str,
        /// A script that runs in the step itself when its command has ended; may be empty.
        then: &'a str,
    },
    /// Leaves it out: the state before it.
    Before,
}

impl Dockerfile {
    /// The shell that runs commands at an instruction; `None` when no instruction of the file sets
    /// one, so that the base image does. `chain` are the stages that its stage starts from, itself
    /// first.
    pub fn shell_at(&self, instruction: usize, chain: &[usize]) -> Option<Vec<String>> {
        self.last_before(instruction, chain, |one| match (one.keyword, &one.form) {
            (Keyword::Shell, Form::Exec(words)) => Some(words.clone()),
            _ => None,
        })
    }

    fn last_before<'a, T>(
        &'a self,
        instruction: usize,
        chain: &[usize],
        wanted: impl Fn(&'a Instruction) -> Option<T>,
    ) -> Option<T> {
        let own = chain.iter().flat_map(|stage| {
            let own = self.stages()[*stage].instructions.clone();
            own.rev().filter(|index| *index < instruction)
        });
        own.map(|index| &self.instructions()[index])
            .find_map(wanted)
    }

    /// Everything up to an instruction and itself, as they are.
    pub fn through(&self, instruction: usize) -> String {
        let instruction = &self.instructions()[instruction];
        self.before(instruction) + self.own_text(instruction) + "\n"
    }

    /// The Dockerfile that collects what there is when a step has run, or before it. The stage
    /// [`RESULT`] holds that alone; `shell` is what runs commands at the step.
    pub fn collecting(
        &self,
        instruction: usize,
        treatment: Treatment<'_>,
        shell: &[String],
    ) -> String {
        let state = self.state(instruction, treatment, shell);
        self.collecting_from(state, instruction, treatment, shell)
    }

    /// The same, for a [`Self::state`] that was gone on with.
    pub fn collecting_from(
        &self,
        state: String,
        instruction: usize,
        treatment: Treatment<'_>,
        shell: &[String],
    ) -> String {
        let list = |script: &str| script_line(script, &[], shell);
        let step = &self.instructions()[instruction];
        let mounts = match treatment {
            // Files may lie in a mount. What is secret is not for files that are handed over.
            Treatment::Wrapped { .. } => self.mounts_without_secrets(step),
            // Whatever made the step fail is left out, such as a user who is not there.
            Treatment::Before => String::new(),
        };
        let (probe, collect) = (list("probe"), list("collect"));
        let stages = Self::parse(self.path(), &state).map(|file| file.stages().len() - 1);
        let stage = stages.unwrap_or_else(|_| step.stage.unwrap_or_default());
        let mut text = state;
        text += &format!("COPY --from={CONTEXT} --chmod=0777 /collect/ {DIRECTORY}/\n");
        text += &match treatment {
            Treatment::Wrapped { .. } => format!("RUN {mounts}{probe}\nUSER 0\n"),
            Treatment::Before => format!("USER 0\nRUN {probe}\n"),
        };
        text += &format!("RUN {mounts}{collect}\nFROM scratch AS {RESULT}\n");
        text += &format!("COPY --from={stage} {DIRECTORY}/out/ /\n");
        text
    }

    /// Adds to a state what its step had in mounts, at the places where they were, and the scripts
    /// for a shell in it. `user` is who runs commands at the step, as it is written.
    pub fn for_a_shell(
        &self,
        state: &str,
        instruction: usize,
        user: Option<&str>,
        shell: &[String],
    ) -> String {
        let step = &self.instructions()[instruction];
        let mut text = format!("{state}COPY --from={CONTEXT} --chmod=0777 /shell/ {DIRECTORY}/\n");
        let mounts = self.mounts_without_secrets(step);
        let places: Vec<&str> = step
            .mounts()
            .filter_map(|mount| mounts::carried(&mount))
            .collect();
        if !places.is_empty() {
            let carry = script_line("carry", &places, shell);
            let restore = script_line("restore", &places, shell);
            text += &format!("USER 0\nRUN {mounts}{carry}\nRUN {restore}\n");
            text += &format!("USER {}\n", user.unwrap_or("0"));
        }
        text
    }

    /// The `USER` at an instruction as it is written; `None` when the file has none there.
    /// `chain` is as for [`Self::shell_at`].
    pub fn user_at(&self, instruction: usize, chain: &[usize]) -> Option<&str> {
        self.last_before(instruction, chain, |one| {
            (one.keyword == Keyword::User).then_some(one.arguments.as_str())
        })
    }

    /// The Dockerfile whose last stage is the state after a step, or before it.
    pub fn state(&self, instruction: usize, treatment: Treatment<'_>, shell: &[String]) -> String {
        let step = &self.instructions()[instruction];
        let mut text = self.before(step);
        text += &format!("COPY --from={CONTEXT} --chmod=0777 /run/ {DIRECTORY}/\n");
        text += &self.treated(step, treatment, shell);
        text
    }

    /// A step with the wrapper before its command, or nothing of it.
    pub fn treated(
        &self,
        step: &Instruction,
        treatment: Treatment<'_>,
        shell: &[String],
    ) -> String {
        let Treatment::Wrapped { number, then } = treatment else {
            return String::new();
        };
        let own = self.own_text(step);
        if step.keyword != Keyword::Run {
            return format!("{own}\n");
        }
        let wrapper = format!("{DIRECTORY}/run");
        let mut before = vec![interpreter(shell), &wrapper, number];
        if !then.is_empty() {
            before.extend(["--then", then]);
        }
        if let Form::Exec(_) = step.form {
            // Behind the bracket that opens the list.
            let at = step.offset(0) + 1 - step.span.start;
            let before = words(&before);
            let before = before.trim_matches(['[', ']']);
            return format!("{}{before}, {}\n", &own[..at], &own[at..]);
        }
        let shell: Vec<&str> = shell.iter().map(String::as_str).collect();
        let wrapped = words(&[before.as_slice(), shell.as_slice()].concat());
        format!("SHELL {wrapped}\n{own}\nSHELL {}\n", words(&shell))
    }

    /// An instruction without a continuation at the end of the file, which would swallow what
    /// comes next.
    pub fn own_text(&self, instruction: &Instruction) -> &str {
        without_trailing(&self.text()[instruction.span.clone()], self.escape())
    }

    /// What stands before an instruction. Checks of the style are for the person's own file.
    fn before(&self, instruction: &Instruction) -> String {
        let text = &self.text()[..instruction.span.start];
        let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
        for line in text[at..].split_inclusive('\n') {
            match lines::directive(line) {
                Some((name, _)) if name.eq_ignore_ascii_case("check") => {
                    let end = &line[line.trim_end().len()..];
                    let rest = &text[at + line.len()..];
                    return format!("{}# check=skip=all{end}{rest}", &text[..at]);
                }
                Some(_) => at += line.len(),
                None => break,
            }
        }
        text.to_owned()
    }
}

/// The shell where neither the file nor the base image sets one.
pub fn default_shell() -> Vec<String> {
    DEFAULT_SHELL.map(str::to_owned).to_vec()
}

/// What runs our scripts: the step's own shell when it is one that can, since it is there.
pub fn interpreter(shell: &[String]) -> &str {
    let first = shell.first().map_or(DEFAULT_SHELL[0], String::as_str);
    let name = first.rsplit('/').next().unwrap_or(first);
    match ["sh", "bash", "dash", "ash", "ksh", "zsh"].contains(&name) {
        true => first,
        false => DEFAULT_SHELL[0],
    }
}

/// A script of ours with its arguments, in the exec form.
fn script_line(script: &str, arguments: &[&str], shell: &[String]) -> String {
    let script = format!("{DIRECTORY}/{script}");
    words(&[&[interpreter(shell), &script], arguments].concat())
}

fn words(words: &[&str]) -> String {
    serde_json::json!(words).to_string()
}

/// An instruction without the blank lines and comments behind it, and without a continuation that
/// would swallow what comes next.
fn without_trailing(text: &str, escape: char) -> &str {
    let mut kept = text.trim_end();
    loop {
        let start = kept.rfind('\n').map_or(0, |newline| newline + 1);
        let last = kept[start..].trim_start();
        if start > 0 && last.starts_with('#') {
            kept = kept[..start].trim_end();
            continue;
        }
        match kept.strip_suffix(escape) {
            // Two of them are one that is meant, as BuildKit reads it.
            Some(continued) if !continued.ends_with(escape) => kept = continued.trim_end(),
            _ => return kept,
        }
    }
}

#[cfg(test)]
mod tests;
