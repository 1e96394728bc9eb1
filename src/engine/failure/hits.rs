//! What fits a rule, and what of that is kept for each step: the first of each kind.

use std::collections::BTreeMap;

use super::advice;
use super::explanation::{Brief, Frame, Hidden, Spot};
use super::finding::Finding;
use super::registry;
use super::rules::{Rule, Tier};

/// Examples of what is only counted.
const EXAMPLES: usize = 5;
/// Targets that failed and are remembered.
const TARGETS: usize = 16;

/// Something that fits a rule.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub rule: &'static Rule,
    pub facts: BTreeMap<String, String>,
    pub message: String,
    pub place: Option<Spot>,
    pub excerpt: Vec<String>,
    pub chain: Vec<Frame>,
    pub help: Vec<String>,
    pub number: u64,
    pub offset: u64,
}

/// What was being made when something failed.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub name: String,
    pub offset: u64,
}

/// What a step said.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub cause: Option<Hit>,
    pub error: Option<Hit>,
    pub suspect: Option<Hit>,
    pub consequence: Option<Hit>,
    /// The first of each rule, for those that follow from others.
    pub firsts: BTreeMap<&'static str, Hit>,
    pub others: Vec<Brief>,
    pub other_errors: u64,
    pub hidden: Hidden,
    pub targets: Vec<Target>,
    /// What consequences name.
    pub facts: BTreeMap<String, String>,
    /// Own advice of whoever failed, told with a consequence.
    pub help: Vec<String>,
    /// Up to here everything belongs to what was read.
    pub read_to: u64,
}

impl Hit {
    /// What fits a rule, with what the rule took from it; `number` is that of its line, `offset` its
    /// place in the log.
    pub fn new(
        rule: &'static Rule,
        mut facts: BTreeMap<String, String>,
        finding: Finding,
        number: u64,
        offset: u64,
    ) -> Self {
        let parsed = |facts: &mut BTreeMap<String, String>, name| {
            facts.remove(name).and_then(|text| text.parse::<u32>().ok())
        };
        let line = parsed(&mut facts, "line");
        let column = parsed(&mut facts, "column");
        if rule.refusal.is_some() || rule.group == "architecture" {
            registry::name(&finding.text, &mut facts);
        }
        let place = facts.remove("file").map(|file| Spot { file, line, column });
        let message = facts.remove("message");
        let message = match &rule.say {
            Some(say) => advice::filled(say, &facts),
            None => message,
        };
        Self {
            rule,
            message: message.unwrap_or(finding.text),
            place: place.or(finding.place),
            excerpt: finding.excerpt,
            chain: finding.chain,
            help: finding.help,
            facts,
            number,
            offset,
        }
    }

    /// The same in a few words.
    pub fn brief(&self, step: Option<String>) -> Brief {
        Brief {
            message: self.message.clone(),
            place: self.place.clone(),
            log_line: self.number,
            step,
        }
    }
}

impl Hits {
    pub fn is_empty(&self) -> bool {
        self.cause.is_none()
            && self.error.is_none()
            && self.suspect.is_none()
            && self.consequence.is_none()
    }

    /// Whether something of this kind is still to be found.
    pub fn wants(&self, tier: Tier) -> bool {
        match tier {
            Tier::Cause => self.cause.is_none(),
            Tier::Error => self.cause.is_none() && self.error.is_none(),
            Tier::Suspect | Tier::Consequence | Tier::Forgives | Tier::Harmless => true,
        }
    }

    /// Keeps what was found, or counts it; `is_new` where the step had not said it before.
    pub fn take(&mut self, hit: Hit, is_new: bool) {
        match hit.rule.tier {
            Tier::Harmless => {}
            Tier::Forgives => {
                if self.consequence.is_none() {
                    *self = Self {
                        read_to: self.read_to,
                        ..Self::default()
                    };
                }
            }
            Tier::Cause if self.wants(Tier::Cause) => {
                self.remember(&hit);
                self.cause = Some(hit);
            }
            Tier::Error if self.wants(Tier::Error) => self.error = Some(hit),
            Tier::Cause | Tier::Error => {
                if is_new {
                    self.other_errors += 1;
                    if self.others.len() < EXAMPLES {
                        self.others.push(hit.brief(None));
                    }
                }
                self.remember(&hit);
            }
            Tier::Suspect => {
                self.remember(&hit);
                self.suspect = Some(hit);
            }
            Tier::Consequence => self.follows(hit, is_new),
        }
    }

    fn remember(&mut self, hit: &Hit) {
        self.firsts
            .entry(hit.rule.id.as_str())
            .or_insert_with(|| hit.clone());
    }

    fn follows(&mut self, hit: Hit, is_new: bool) {
        if let Some(name) = hit.facts.get("target") {
            let told = self.cause.is_some() || self.error.is_some();
            if !told {
                // A builder that names the target before its output: the last one counts.
                self.targets.clear();
            }
            if self.targets.len() < TARGETS {
                self.targets.push(Target {
                    name: name.clone(),
                    offset: hit.offset,
                });
            }
        }
        for (name, value) in &hit.facts {
            self.facts
                .entry(name.clone())
                .or_insert_with(|| value.clone());
        }
        if self.help.is_empty() {
            self.help.clone_from(&hit.help);
        }
        // How the builder says that a step failed is told as its exit status.
        let counts = hit.rule.group != "docker";
        if is_new && counts {
            self.hidden.count += 1;
        }
        let is_first_of_kind = !self.firsts.contains_key(hit.rule.id.as_str());
        if is_first_of_kind && counts && self.hidden.examples.len() < EXAMPLES {
            self.hidden.examples.push(hit.message.clone());
        }
        self.remember(&hit);
        self.consequence.get_or_insert(hit);
    }
}
