//! What a build with plain progress said of its failure.
//!
//! Format: BuildKit's progressui (`#12 [dev 3/4] RUN …`, `#12 1.2 text`, `#12 ERROR: …`), and what
//! buildx prints behind it (`Dockerfile:12`, the lines with `>>>`, `ERROR: failed to solve: …`).

use std::collections::BTreeMap;

use crate::engine::progress::{StepName, timed};

/// A failed build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The first line of the instruction that failed, from 1.
    pub line: Option<usize>,
    /// The step that failed, as the build names it: `[dev 3/4] RUN …`.
    pub step: Option<String>,
    /// Why, in one line.
    pub message: String,
    /// What the failing step printed, as far as it was told.
    pub log: Vec<String>,
    /// The names of other steps that failed, or were stopped.
    pub others: Vec<String>,
}

impl Failure {
    /// Reads what was said in the build of a Dockerfile of this name.
    pub fn read(said: &[String], dockerfile: &str) -> Self {
        let mut failure = Self::default();
        let mut names = BTreeMap::new();
        let mut logs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut stopped: Vec<&str> = Vec::new();
        let mut failed: Vec<(&str, &str)> = Vec::new();
        for line in said {
            if let Some((number, rest)) = numbered(line) {
                if rest == "CANCELED" {
                    stopped.push(number);
                } else if let Some(error) = rest.strip_prefix("ERROR: ") {
                    // Some tools tell so what was stopped because another step failed.
                    match error.contains("context canceled") {
                        true => stopped.push(number),
                        false => failed.push((number, error)),
                    }
                } else if rest.starts_with('[') && !names.contains_key(number) {
                    names.insert(number, rest);
                } else if let Some((_, text)) = timed(rest) {
                    logs.entry(number).or_default().push(text);
                }
            } else if let Some(at) = line
                .strip_prefix(dockerfile)
                .and_then(|rest| rest.strip_prefix(':'))
            {
                failure.line = failure.line.or(at.trim().parse().ok());
            } else if let Some(message) = line.strip_prefix("ERROR: ") {
                message.clone_into(&mut failure.message);
            }
        }
        let own = failed;
        // What is told at the end is the first one's.
        let first = own
            .iter()
            .position(|(_, error)| failure.message.ends_with(error));
        let first = own.get(first.unwrap_or(0)).map(|(number, _)| *number);
        if let Some(lines) = first.and_then(|first| logs.get(first)) {
            failure.log = lines.iter().map(|line| (*line).to_owned()).collect();
        }
        let name_of = |number: &str| names.get(number).map(|name| (*name).to_owned());
        failure.step = first.and_then(name_of);
        let others = own.iter().map(|(number, _)| *number);
        let others = others.filter(|number| Some(*number) != first);
        failure.others = others.chain(stopped).filter_map(name_of).collect();
        failure
    }

    /// The keyword of the instruction that the step is, as the build shows it.
    pub fn keyword(&self) -> Option<&str> {
        let (_, does) = self.step.as_deref()?.split_once("] ")?;
        does.split(' ').next()
    }

    /// The stage, the number and the total of the step's name; a Dockerfile of one stage has no
    /// names for them.
    pub fn position(&self) -> Option<(Option<String>, usize, usize)> {
        let name = StepName::parse(self.step.as_deref()?, &[]);
        let (number, total) = name.position?;
        Some((
            name.stage,
            usize::try_from(number).ok()?,
            usize::try_from(total).ok()?,
        ))
    }
}

/// `#12 rest`, taken apart.
fn numbered(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_told_with_its_line_and_log_and_the_others_are_named() {
        let said = "#7 [a 2/2] RUN one\n#8 [b 2/2] RUN two\n#8 0.150 two says\n#8 0.160 \n#7 0.1 one\n\
                    #8 ERROR: process \"/bin/sh -c two\" did not complete successfully: exit code: 7\n\
                    #7 ERROR: process \"/bin/sh -c one\" did not complete successfully: exit code: 3\n\
                    #9 [c 2/2] RUN three\n#9 CANCELED\n\
                    ------\n > [b 2/2] RUN two:\n0.150 two says\n------\nDockerfile:16\n--------\n  \
                    16 | >>> RUN two\n--------\nERROR: failed to solve: process \"/bin/sh -c two\" \
                    did not complete successfully: exit code: 7";
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        let failure = Failure::read(&said, "Dockerfile");
        assert_eq!(failure.line, Some(16));
        assert_eq!(failure.position(), Some((Some("b".to_owned()), 2, 2)));
        assert_eq!(failure.keyword(), Some("RUN"));
        assert_eq!(failure.log, ["two says", ""]);
        assert_eq!(failure.others, ["[a 2/2] RUN one", "[c 2/2] RUN three"]);
        assert!(failure.message.ends_with("exit code: 7"));
    }
}
