//! What is kept of a log while it is read: for each step its name, how it ended, and the first
//! things that it said went wrong.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::explanation::{Brief, DockerfileLine, Frame, Hidden, Spot, StepPlace};
use super::finding::{self, Finding, cut};
use super::log::{Line, Window};
use super::rules::{Rule, Tier, book};
use super::steps::{self, Event};

/// Steps that are remembered at once; Dockerfiles have fewer.
const STEPS: usize = 2_000;
/// Texts that are told apart; what comes then is counted each time.
const TEXTS: usize = 20_000;
/// Examples of what is only counted.
const EXAMPLES: usize = 5;
/// Targets that failed and are remembered.
const TARGETS: usize = 16;
/// Last lines of a step that failed.
const TAIL: usize = 10;
/// Packages that CMake did not find.
const NOT_FOUND: usize = 12;

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
    read_to: u64,
}

impl Hits {
    pub fn is_empty(&self) -> bool {
        self.cause.is_none()
            && self.error.is_none()
            && self.suspect.is_none()
            && self.consequence.is_none()
    }
}

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
        let is_first = {
            let hits = self.hits(line);
            hits.read_to = hits.read_to.max(read_to);
            let told = match rule.tier {
                Tier::Cause => hits.cause.is_some(),
                Tier::Error => hits.cause.is_some() || hits.error.is_some(),
                Tier::Suspect | Tier::Consequence => false,
                Tier::Forgives | Tier::Harmless => false,
            };
            !told
        };
        // Counting the lines costs something: only for what is kept.
        let number = if is_first || is_new {
            window.number(line.range.start)
        } else {
            0
        };
        let hit = hit(rule, facts, finding, number, offset);
        let hits = self.hits(line);
        match rule.tier {
            Tier::Harmless => {}
            Tier::Forgives => {
                if hits.consequence.is_none() {
                    let read_to = hits.read_to;
                    *hits = Hits {
                        read_to,
                        ..Hits::default()
                    };
                }
            }
            Tier::Cause if hits.cause.is_none() => {
                hits.remember(&hit);
                hits.cause = Some(hit);
            }
            Tier::Error if hits.cause.is_none() && hits.error.is_none() => hits.error = Some(hit),
            Tier::Cause | Tier::Error => {
                if is_new {
                    hits.other_errors += 1;
                    if hits.others.len() < EXAMPLES {
                        hits.others.push(brief(&hit, None));
                    }
                }
                hits.remember(&hit);
            }
            Tier::Suspect => {
                hits.remember(&hit);
                hits.suspect = Some(hit);
            }
            Tier::Consequence => hits.follows(hit, is_new),
        }
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

impl Hits {
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

fn hit(
    rule: &'static Rule,
    mut facts: BTreeMap<String, String>,
    finding: Finding,
    number: u64,
    offset: u64,
) -> Hit {
    let parsed = |facts: &mut BTreeMap<String, String>, name| {
        facts.remove(name).and_then(|text| text.parse::<u32>().ok())
    };
    let line = parsed(&mut facts, "line");
    let column = parsed(&mut facts, "column");
    let place = facts.remove("file").map(|file| Spot { file, line, column });
    let message = facts.remove("message");
    let message = match &rule.say {
        Some(say) => super::advice::filled(say, &facts),
        None => message,
    };
    Hit {
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

/// A hit in a few words.
pub(super) fn brief(hit: &Hit, step: Option<String>) -> Brief {
    Brief {
        message: hit.message.clone(),
        place: hit.place.clone(),
        log_line: hit.number,
        step,
    }
}
