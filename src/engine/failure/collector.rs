//! What is kept of a log while it is read: for each step its name, how it ended, and what it said.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::explanation::{DockerfileLine, StepPlace};
use super::finding::{self, Finding, cut};
use super::hits::{Hit, Hits};
use super::log::{Line, Window};
use super::rules::{Tier, book};
use super::steps::{self, Event};

/// Steps that are remembered at once; Dockerfiles have fewer.
const STEPS: usize = 2_000;
/// Texts that are told apart; what comes then is counted each time.
const TEXTS: usize = 20_000;
/// Last lines of a step that failed.
const TAIL: usize = 10;
/// Packages that CMake did not find.
const NOT_FOUND: usize = 12;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Ending {
    #[default]
    Unknown,
    Done,
    Canceled,
    Failed,
}

/// A step, or what stands outside of all.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub place: Option<StepPlace>,
    pub ending: Ending,
    pub hits: Hits,
    /// The builder's words.
    pub said: Option<String>,
    pub tail: Vec<String>,
    /// Where it failed.
    pub failed_at: u64,
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub steps: BTreeMap<u32, Step>,
    /// What has no number: a tool's own log, and what the builder says at the end.
    pub outside: Step,
    /// The summary of a failed step that has no lines of its own in the log.
    pub summary: Option<Step>,
    pub dockerfile: Option<DockerfileLine>,
    /// What the builder said at the very end.
    pub build_failed: Option<String>,
    pub clipped: bool,
    /// `find_package` without success, which may be well or not.
    pub not_found: Vec<String>,
    /// Whether the log knows steps with numbers.
    pub numbered: bool,
    /// Where lines of a summary belong.
    summary_of: Option<Summary>,
    texts: HashSet<u64>,
    over: bool,
}

#[derive(Debug, Clone, Copy)]
enum Summary {
    /// They are told already.
    Told,
    Of(u32),
    Apart,
}

impl Collector {
    /// Looks at one line of those that hold a signal.
    pub fn line(&mut self, window: &Window<'_>, line: Line) {
        if self.over {
            return;
        }
        if let Some(event) = steps::event(&line) {
            self.event(window, &line, event);
            return;
        }
        if line.text.starts_with("#0 building with") || line.text.contains("load build definition")
        {
            self.another_build(&line);
        }
        let known = line.step.is_none_or(|number| {
            self.numbered = true;
            self.steps.contains_key(&number) || self.steps.len() < STEPS
        });
        let told = line.step.is_none() && matches!(self.summary_of, Some(Summary::Told));
        if !known || told {
            return;
        }
        let offset = window.offset(line.range.start);
        if offset < self.hits(&line).read_to {
            return;
        }
        let finding = finding::read(window, &line);
        self.found(window, &line, finding);
    }

    fn hits(&mut self, line: &Line) -> &mut Hits {
        &mut self.step(line).hits
    }

    fn step(&mut self, line: &Line) -> &mut Step {
        match (line.step, self.summary_of) {
            (Some(number), _) | (None, Some(Summary::Of(number))) => {
                self.steps.entry(number).or_default()
            }
            (None, Some(Summary::Apart)) => self.summary.get_or_insert_default(),
            (None, _) => &mut self.outside,
        }
    }

    /// A build begins: after one that failed it is not what the log is about.
    fn another_build(&mut self, line: &Line) {
        let begins = line.step.is_none_or(|number| number <= 1);
        if !begins {
            return;
        }
        if self.build_failed.is_some() {
            self.over = true;
        } else if !self
            .steps
            .values()
            .any(|step| step.ending == Ending::Failed)
        {
            self.steps.clear();
        }
    }

    fn event(&mut self, window: &Window<'_>, line: &Line, event: Event) {
        let offset = window.offset(line.range.start);
        match event {
            Event::Clipped => self.clipped = true,
            Event::Ruler => {
                self.summary_of = None;
                if self.dockerfile.is_none() {
                    self.dockerfile = steps::dockerfile(window, line);
                }
            }
            Event::Summary(place) => self.summarised(place),
            Event::BuildFailed(said) => {
                self.summary_of = None;
                let finding = Finding {
                    text: cut(&said),
                    end: line.range.end,
                    ..Finding::default()
                };
                self.found(window, line, finding);
                self.build_failed.get_or_insert(cut(&said));
            }
            Event::Named(place) => {
                if line.step.is_none() {
                    // The classic builder: what came before ended well.
                    self.outside = Step::default();
                } else {
                    self.numbered = true;
                    if self.steps.len() >= STEPS {
                        return;
                    }
                }
                let number = line.step;
                let step = self.step(line);
                step.place = Some(StepPlace { number, ..place });
                if step.ending == Ending::Done {
                    // It was looked for in the cache, and runs now.
                    step.ending = Ending::Unknown;
                }
            }
            Event::Done | Event::Canceled | Event::Failed(_) => {
                self.ended(window, line, event, offset)
            }
        }
    }

    fn ended(&mut self, window: &Window<'_>, line: &Line, event: Event, offset: u64) {
        self.numbered = true;
        let Some(number) = line.step else { return };
        if self.steps.len() >= STEPS && !self.steps.contains_key(&number) {
            return;
        }
        let step = self.steps.entry(number).or_default();
        match event {
            Event::Failed(said) if step.ending != Ending::Failed => {
                if step.ending == Ending::Done {
                    // Several logs in one: this is another step of that number.
                    step.place = None;
                }
                step.ending = Ending::Failed;
                step.failed_at = offset;
                step.said = Some(cut(&said));
                step.tail = window
                    .before(line)
                    .filter(|line| line.timed && !line.text.trim().is_empty())
                    .take(TAIL)
                    .map(|line| cut(&line.text))
                    .collect();
                step.tail.reverse();
                let finding = Finding {
                    text: cut(&line.text),
                    end: line.range.end,
                    ..Finding::default()
                };
                self.found(window, line, finding);
            }
            Event::Done if step.ending == Ending::Unknown => {
                step.ending = Ending::Done;
                // What a step said that ended well is only kept if it looks masked.
                if step.hits.cause.is_none() && step.place.is_none() {
                    self.steps.remove(&number);
                }
            }
            Event::Canceled if step.ending == Ending::Unknown => step.ending = Ending::Canceled,
            _ => {}
        }
    }

    /// BuildKit repeats a step's last lines: they count only where they were not seen before.
    fn summarised(&mut self, place: StepPlace) {
        let is_same = |step: &Step| match &step.place {
            Some(known) => known.instruction == place.instruction && known.stage == place.stage,
            None => true,
        };
        let failed = self
            .steps
            .iter_mut()
            .find(|(_, step)| step.ending == Ending::Failed && is_same(step));
        let Some((number, step)) = failed else {
            let summary = self.summary.get_or_insert_default();
            self.summary_of = Some(match summary.place {
                None => Summary::Apart,
                Some(_) => Summary::Told,
            });
            summary.place.get_or_insert(place);
            return;
        };
        let number = *number;
        if step.place.is_none() {
            step.place = Some(StepPlace {
                number: Some(number),
                ..place
            });
        }
        self.summary_of = Some(match step.hits.is_empty() || self.clipped {
            true => Summary::Of(number),
            false => Summary::Told,
        });
    }

    fn found(&mut self, window: &Window<'_>, line: &Line, finding: Finding) {
        let Some(found) = book().first(&finding.text) else {
            return;
        };
        let (rule, facts) = (found.rule, found.facts);
        let offset = window.offset(line.range.start);
        let is_new = self.is_new(&finding.text, line.step);
        if rule.tier == Tier::Harmless {
            if let Some(package) = facts.get("cmake_package")
                && rule.group == "cmake"
                && self.not_found.len() < NOT_FOUND
                && !self.not_found.contains(package)
            {
                self.not_found.push(package.clone());
            }
            return;
        }
        let read_to = window.offset(finding.end);
        let hits = self.hits(line);
        hits.read_to = hits.read_to.max(read_to);
        // Counting the lines costs something: only for what is kept.
        let number = match hits.wants(rule.tier) || is_new {
            true => window.number(line.range.start),
            false => 0,
        };
        hits.take(Hit::new(rule, facts, finding, number, offset), is_new);
    }

    /// Whether a step has not said this before.
    fn is_new(&mut self, text: &str, step: Option<u32>) -> bool {
        let mut hasher = DefaultHasher::new();
        (text, step).hash(&mut hasher);
        let hash = hasher.finish();
        if self.texts.len() >= TEXTS {
            return !self.texts.contains(&hash);
        }
        self.texts.insert(hash)
    }
}
