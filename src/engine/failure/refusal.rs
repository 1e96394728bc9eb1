//! What the engine itself and the registries refuse, in lines that no builder has put its mark on:
//! the talk of the engine's command line, and the end of its log.

use std::io::{self, Read};

use super::advice;
use super::explanation::{Explanation, Outcome};
use super::finding::{Finding, cut};
use super::hits::Hit;
use super::prefix;
use super::registry::{self, Known};
use super::rules::{Tier, book};

/// Kinds of failures that are the engine's own, or those of whom it asks.
const KINDS: [&str; 4] = ["engine", "registry", "disk", "architecture"];

/// How much of a log's end is read for them.
const END: usize = 16 << 10;

/// That the engine did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: Vec<String>,
}

/// What the engine's command line said, when the reason is the engine itself, its disk, a registry
/// or the platform of an image; `None` when it is anything else.
pub fn refusal(talk: &str, known: &Known) -> Option<Refusal> {
    let (explanation, _) = first(talk.as_bytes(), known)?;
    Some(Refusal {
        message: explanation.message,
        advice: explanation.advice,
    })
}

impl Outcome {
    /// Whether the lines that were looked at leave room for a refusal in the others.
    pub(super) fn may_be_refused(&self) -> bool {
        match self {
            Self::Nothing(_) => true,
            Self::Failed(explanation) => {
                let kind = explanation.kind.as_str();
                kind == "unknown" || KINDS.contains(&kind)
            }
        }
    }
}

/// The first of these refusals in a text, and how many lines stand behind it.
///
/// Every line is looked at, since such words are no signals: they would cost time for each byte of
/// a long log.
pub(super) fn first(text: &[u8], known: &Known) -> Option<(Explanation, u64)> {
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    let mut named = std::collections::BTreeMap::new();
    while let Some(line) = lines.next() {
        let line = prefix::strip(line);
        let line = line.trimmed();
        registry::name(line, &mut named);
        let Some(found) = book().first(line) else {
            continue;
        };
        if found.rule.tier != Tier::Cause || !KINDS.contains(&&*found.rule.group) {
            continue;
        }
        let finding = Finding {
            text: cut(line),
            ..Finding::default()
        };
        let hit = Hit::new(found.rule, found.facts, finding, 0, 0);
        named.extend(hit.facts.clone());
        let mut explanation = Explanation {
            kind: hit.rule.group.clone(),
            rule: Some(hit.rule.id.clone()),
            message: hit.message.clone(),
            facts: named,
            ..Explanation::default()
        };
        if let Some(reason) = hit.rule.refusal {
            registry::tell(&mut explanation, reason, known);
        }
        advice::complete(&mut explanation, Some(&hit), known);
        let behind = lines.filter(|line| !line.is_empty()).count() as u64;
        return Some((explanation, behind));
    }
    None
}

/// A log that is read, and its end.
pub(super) struct WithEnd<R> {
    log: R,
    end: Vec<u8>,
}

impl<R: Read> WithEnd<R> {
    pub fn new(log: R) -> Self {
        Self {
            log,
            end: Vec::new(),
        }
    }

    /// What was read last.
    pub fn end(&self) -> &[u8] {
        &self.end
    }
}

impl<R: Read> Read for WithEnd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.log.read(into)?;
        let last = &into[read.saturating_sub(END)..read];
        let too_much = (self.end.len() + last.len()).saturating_sub(END);
        self.end.drain(..too_much.min(self.end.len()));
        self.end.extend_from_slice(last);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept_however_it_is_read() {
        let log: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for block in [1, 1000, END, END + 1, 300_000] {
            let mut reader = WithEnd::new(log.as_slice());
            let mut into = vec![0; block];
            while reader.read(&mut into).expect("read") > 0 {}
            assert_eq!(reader.end(), &log[log.len() - END..], "{block}");
        }
    }

    #[test]
    fn what_is_asked_for_is_named_by_whoever_asks() {
        let known = Known {
            docker: Some("podman".to_owned()),
            image: Some("ghcr.io/lab/x:1".to_owned()),
        };
        let found = refusal("denied: denied", &known).expect("known");
        assert_eq!(found.message, "ghcr.io does not take your login");
        assert_eq!(found.advice[0], "log in again: `podman login ghcr.io`");
        assert_eq!(refusal("make: *** [all] Error 2", &known), None);
    }
}
