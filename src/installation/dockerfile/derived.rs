//! Throw-away Dockerfiles that look into a failing step: text in, text out.
//!
//! Everything before the step stays byte for byte what it was, so that its layers come from the
//! cache. A shell form `RUN` stays as it is too, with its comments, continuations and heredocs: a
//! generated `SHELL` before it puts a wrapper before the shell, and another one after it takes that
//! back. The list of an exec form gets the wrapper in front. The wrapper writes what the command
//! prints into a file, keeps its status and succeeds, so that what the step left can be looked at.

use std::ops::RangeInclusive;

use super::{Dockerfile, Form, Instruction, Keyword, lines};

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
    /// Runs it wrapped; the text makes this trial another one than those before it.
    Wrapped(&'a str),
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
            Treatment::Wrapped(_) => self.mounts_without_secrets(step),
            // Whatever made the step fail is left out, such as a user who is not there.
            Treatment::Before => String::new(),
        };
        let (probe, collect) = (list("probe"), list("collect"));
        let stages = Self::parse(self.path(), &state).map(|file| file.stages().len() - 1);
        let stage = stages.unwrap_or_else(|_| step.stage.unwrap_or_default());
        let mut text = state;
        text += &format!("COPY --from={CONTEXT} --chmod=0777 /collect/ {DIRECTORY}/\n");
        text += &match treatment {
            Treatment::Wrapped(_) => format!("RUN {mounts}{probe}\nUSER 0\n"),
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
        let places: Vec<&str> = step.mounts().filter_map(|mount| carried(&mount)).collect();
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

    /// What of this file is to be run on top of what a step of an earlier state of the file left:
    /// from the first instruction of its stage that is another now, to the step. `None` when the
    /// stage is another from its beginning, or the step is gone.
    pub fn changed_since(&self, earlier: &Self, step: usize) -> Option<RangeInclusive<usize>> {
        let stage = earlier.instructions()[step].stage?;
        let before = &earlier.stages()[stage];
        let now = match &before.name {
            Some(name) => self.find_stage(name)?,
            None => self.stages().get(stage)?,
        };
        let old: Vec<&str> = (before.instructions.clone())
            .map(|index| earlier.own_text(&earlier.instructions()[index]))
            .collect();
        let new: Vec<&str> = (now.instructions.clone())
            .map(|index| self.own_text(&self.instructions()[index]))
            .collect();
        let step = step - before.instructions.start;
        let same = |(one, other): &(&&str, &&str)| one == other;
        let first = old.iter().zip(&new).take_while(same).count();
        let start = now.instructions.start;
        match first {
            0 => return None,
            first if first > step => return Some(start + step..=start + step),
            _ => {}
        }
        let last = (old[first..].iter().rev())
            .zip(new[first..].iter().rev())
            .take_while(same)
            .count();
        // The step itself is unchanged, or what was changed last takes its place.
        let end = match step + last >= old.len() {
            true => (new.len() + step).checked_sub(old.len())?,
            false => (new.len() - last).checked_sub(1)?,
        };
        (end >= first).then(|| start + first..=start + end)
    }

    /// The Dockerfile whose last stage is the state after a step, or before it.
    pub fn state(&self, instruction: usize, treatment: Treatment<'_>, shell: &[String]) -> String {
        let step = &self.instructions()[instruction];
        let mut text = self.before(step);
        text += &format!("COPY --from={CONTEXT} --chmod=0777 /run/ {DIRECTORY}/\n");
        if let Treatment::Wrapped(trial) = treatment {
            text += &self.wrapped(step, trial, shell);
        }
        text
    }

    /// A step with the wrapper before its command.
    pub fn wrapped(&self, step: &Instruction, trial: &str, shell: &[String]) -> String {
        let own = self.own_text(step);
        if step.keyword != Keyword::Run {
            return format!("{own}\n");
        }
        let wrapper = format!("{DIRECTORY}/run");
        let before = [interpreter(shell), &wrapper, trial];
        if let Form::Exec(_) = step.form {
            // Behind the bracket that opens the list.
            let at = step.offset(0) + 1 - step.span.start;
            let before = words(&before);
            let before = before.trim_matches(['[', ']']);
            return format!("{}{before}, {}\n", &own[..at], &own[at..]);
        }
        let shell: Vec<&str> = shell.iter().map(String::as_str).collect();
        let wrapped = words(&[&before, shell.as_slice()].concat());
        format!("SHELL {wrapped}\n{own}\nSHELL {}\n", words(&shell))
    }

    /// An instruction without a continuation at the end of the file, which would swallow what
    /// comes next.
    pub fn own_text(&self, instruction: &Instruction) -> &str {
        without_trailing(&self.text()[instruction.span.clone()], self.escape())
    }

    fn mounts_without_secrets(&self, step: &Instruction) -> String {
        let mounts = step.flags.iter().filter(|flag| flag.name == "mount");
        let open = mounts.zip(step.mounts()).filter(|(_, settings)| {
            let mut settings = settings.iter();
            !settings.any(|(name, kind)| *name == "type" && ["secret", "ssh"].contains(kind))
        });
        open.map(|(flag, _)| format!("{} ", &self.text()[flag.span.clone()]))
            .collect()
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

/// Where a mount is whose files a shell needs, if it is such a one.
fn carried<'a>(mount: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let setting = |names: &[&str]| {
        let mut settings = mount.iter();
        settings
            .find(|(name, _)| names.contains(name))
            .map(|(_, value)| *value)
    };
    let kind = setting(&["type"]).unwrap_or("bind");
    let place = setting(&["target", "dst", "destination"])?;
    (["bind", "cache"].contains(&kind) && !place.contains('$')).then_some(place)
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
mod tests {
    use std::path::Path;

    use super::*;

    fn file(text: &str) -> Dockerfile {
        Dockerfile::parse(Path::new("Dockerfile"), text).expect("valid")
    }

    fn shell() -> Vec<String> {
        default_shell()
    }

    /// What stands between the copied wrapper and what collects, for the instruction at a line.
    fn wrapped(text: &str, line: usize, shell: &[String]) -> String {
        let file = file(text);
        let at = file.at_line(line).expect("there");
        let derived = file.collecting(at, Treatment::Wrapped("1"), shell);
        // It is itself a Dockerfile.
        self::file(&derived);
        let (_, rest) = derived
            .split_once(" /.envtpl-debug/\n")
            .expect("the wrapper");
        let (own, _) = rest
            .split_once("COPY --from=envtpl-debug")
            .expect("what collects");
        own.to_owned()
    }

    const BEFORE: &str = "SHELL [\"/bin/sh\",\"/.envtpl-debug/run\",\"1\",\"/bin/sh\",\"-c\"]\n";
    const AFTER: &str = "\nSHELL [\"/bin/sh\",\"-c\"]\n";

    #[test]
    fn a_shell_form_stays_byte_for_byte_what_it_is() {
        for run in [
            "RUN make -j4 # all of it",
            "RUN make \\\n  # why\n  && make install",
            "RUN make \\\r\n  -j4",
            "RUN <<EOF\n#!/usr/bin/env python3\nprint('$x')\nEOF",
            "RUN python3 - <<'A' && cat <<-B\nprint(1)\nA\n\ttext\n\tB",
            "run --mount=type=cache,target=/c --network=none --security=insecure make",
            "RUN [ -e x ] && echo '[\"a\"]'",
        ] {
            let text = format!("FROM x AS y\nENV A=b\n{run}\nRUN later\n");
            assert_eq!(wrapped(&text, 3, &shell()), format!("{BEFORE}{run}{AFTER}"));
        }
    }

    #[test]
    fn everything_before_it_stays_too_and_what_comes_after_goes() {
        let before = "# syntax=x\r\n# escape=`\r\nARG V=1\r\nFROM a AS one\r\nRUN x `\r\n  y\r\n\r\n\
                      # two\r\nFROM one\r\nONBUILD RUN z\r\n  ";
        let text = format!("{before}RUN fails C:\\ `\r\n\r\n  twice\r\nFROM one AS last\r\n");
        let file = file(&text);
        let at = file.at_line(12).expect("there");
        let derived = file.collecting(at, Treatment::Wrapped("1"), &shell());
        assert!(derived.starts_with(before));
        assert!(derived.contains("\nRUN fails C:\\ `\r\n\r\n  twice\nSHELL"));
        assert!(!derived.contains("last"));
        assert!(derived.ends_with("COPY --from=1 /.envtpl-debug/out/ /\n"));
    }

    #[test]
    fn a_continuation_at_the_end_of_the_file_swallows_nothing() {
        for end in [
            "make \\",
            "make \\\n",
            "make \\\n  # why\n",
            "make \\ \n\n#x\n\n",
        ] {
            let text = format!("FROM x\nRUN {end}");
            assert_eq!(
                wrapped(&text, 2, &shell()),
                format!("{BEFORE}RUN make{AFTER}")
            );
        }
        let text = "# escape=`\nFROM x\nRUN dir C:\\ `\n";
        assert_eq!(
            wrapped(text, 3, &shell()),
            format!("{BEFORE}RUN dir C:\\{AFTER}")
        );
    }

    #[test]
    fn an_exec_form_gets_the_wrapper_in_front_of_its_list() {
        let text = "FROM x\nRUN --network=none \\\n  [ \"make\", \"-j\" ]\n";
        assert_eq!(
            wrapped(text, 2, &shell()),
            "RUN --network=none \\\n  [\"/bin/sh\",\"/.envtpl-debug/run\",\"1\",  \"make\", \"-j\" ]\n"
        );
    }

    #[test]
    fn the_shell_of_the_stage_chain_is_wrapped_and_comes_back() {
        let text = "FROM x AS one\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nFROM one\n\
                    RUN a\nSHELL [\"/usr/bin/python3\", \"-c\"]\nRUN b\n";
        let file = file(text);
        let shell = |line| {
            let at = file.at_line(line).expect("there");
            file.shell_at(at, &[1, 0]).expect("set")
        };
        assert_eq!(shell(4), ["/bin/bash", "-o", "pipefail", "-c"]);
        assert_eq!(shell(6), ["/usr/bin/python3", "-c"]);
        assert_eq!(file.shell_at(file.at_line(1).expect("there"), &[0]), None);
        assert!(
            wrapped(text, 4, &shell(4)).starts_with("SHELL [\"/bin/bash\",\"/.envtpl-debug/run\"")
        );
        let python = wrapped(text, 6, &shell(6));
        let before =
            "SHELL [\"/bin/sh\",\"/.envtpl-debug/run\",\"1\",\"/usr/bin/python3\",\"-c\"]\n";
        assert_eq!(
            python,
            format!("{before}RUN b\nSHELL [\"/usr/bin/python3\",\"-c\"]\n")
        );
    }

    #[test]
    fn mounts_are_there_for_what_collects_and_secrets_are_not() {
        let text = "FROM x\nRUN --mount=type=secret,id=a --mount=type=ssh --network=none \
                    --mount=id=c,type=cache,target=/c --mount=target=/s,source=. make\n";
        let file = file(text);
        let at = file.at_line(2).expect("there");
        let derived = file.collecting(at, Treatment::Wrapped("1"), &shell());
        let mounts = "--mount=id=c,type=cache,target=/c --mount=target=/s,source=. ";
        for script in ["probe", "collect"] {
            let line = format!("\nRUN {mounts}[\"/bin/sh\",\"/.envtpl-debug/{script}\"]\n");
            assert!(derived.contains(&line), "{derived}");
        }
    }

    #[test]
    fn before_a_step_there_is_everything_but_the_step() {
        let text = "FROM x\nUSER nobody\nCOPY missing /\nRUN later\n";
        let file = file(text);
        let at = file.at_line(3).expect("there");
        let derived = file.collecting(at, Treatment::Before, &shell());
        assert!(derived.starts_with("FROM x\nUSER nobody\nCOPY --from=envtpl-debug"));
        assert!(!derived.contains("missing"));
        let user = derived.find("USER 0").expect("root");
        assert!(user < derived.find("probe").expect("asked"));
        assert_eq!(file.through(at), "FROM x\nUSER nobody\nCOPY missing /\n");
    }

    #[test]
    fn what_changed_since_a_step_failed_is_run_on_top_of_it() {
        let old = "FROM x AS a\nRUN one\nRUN fails\nRUN later\nFROM a AS b\nRUN other\n";
        for (new, expected) in [
            // Nothing changed: the step again.
            (old, Some(2..=2)),
            ("FROM x AS a\nRUN one\nRUN fixed\nRUN later\n", Some(2..=2)),
            (
                "FROM x AS a\nRUN one\nRUN added\nRUN fails\nRUN later\n",
                Some(2..=3),
            ),
            (
                "FROM x AS a\nRUN one more\nRUN fails\nRUN later\n",
                Some(1..=2),
            ),
            (
                "FROM x AS a\nRUN one\nRUN in\nRUN two\nRUN later\n",
                Some(2..=3),
            ),
            (
                "FROM x AS a\nRUN one\nRUN fails\nRUN changed\n",
                Some(2..=2),
            ),
            (
                "ARG V\nFROM y AS z\nFROM x AS a\nRUN one\nRUN fixed\nRUN later\n",
                Some(4..=4),
            ),
            ("FROM y AS a\nRUN one\nRUN fixed\n", None),
            ("FROM x AS c\nRUN one\n", None),
            ("FROM x AS a\nRUN one\nRUN later\n", None),
        ] {
            let changed = file(new).changed_since(&file(old), 2);
            assert_eq!(changed, expected, "{new}");
        }
    }

    #[test]
    fn a_shell_finds_what_was_mounted_and_is_the_same_user() {
        let text = "FROM x AS a\nUSER joe\nFROM a\nRUN --mount=type=secret,id=s --mount=target=/s \
                    --mount=type=cache,dst=/c --mount=type=tmpfs,target=/t make\n";
        let file = file(text);
        let user = file.user_at(3, &[1, 0]);
        assert_eq!(user, Some("joe"));
        let shown = file.for_a_shell("FROM x\n", 3, user, &shell());
        assert_eq!(
            shown,
            "FROM x\nCOPY --from=envtpl-debug --chmod=0777 /shell/ /.envtpl-debug/\nUSER 0\n\
             RUN --mount=target=/s --mount=type=cache,dst=/c --mount=type=tmpfs,target=/t \
             [\"/bin/sh\",\"/.envtpl-debug/carry\",\"/s\",\"/c\"]\n\
             RUN [\"/bin/sh\",\"/.envtpl-debug/restore\",\"/s\",\"/c\"]\nUSER joe\n"
        );
    }

    #[test]
    fn checks_of_the_style_do_not_stop_a_derived_file() {
        let text = "# escape=\\\r\n# check=error=true\r\n# syntax=x\r\nFROM x\nRUN a\n";
        let file = file(text);
        let at = file.at_line(5).expect("there");
        let expected = "# escape=\\\r\n# check=skip=all\r\n# syntax=x\r\nFROM x\n";
        assert!(
            file.state(at, Treatment::Before, &shell())
                .starts_with(expected)
        );
        let text = "# a text\n# check=error=true\nFROM x\nRUN a\n";
        let file = self::file(text);
        let derived = file.state(file.at_line(4).expect("there"), Treatment::Before, &shell());
        assert!(derived.starts_with("# a text\n# check=error=true\nFROM x\n"));
    }
}
