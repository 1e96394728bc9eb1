//! The steps of a build, as far as it is.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::engine::progress::event::{Event, Log, Status, Vertex};
use crate::engine::progress::name::StepName;

/// How many lines of a step are remembered: those that people are shown when it fails.
const LAST_LINES: usize = 24;
/// Bytes of a line that has no end yet; what is longer is shown in parts.
const LONGEST_LINE: usize = 64 * 1024;

/// A step that began.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Its number in this build, from 1.
    pub number: usize,
    /// What BuildKit calls it.
    pub digest: String,
    /// Its whole name.
    pub name: String,
    /// The parts of the name.
    pub parts: StepName,
    /// The digests of those that it uses; the first is what it stands on.
    pub inputs: Vec<String>,
    /// When it first began.
    pub started: Option<Timestamp>,
    /// When it last ended; `None` while it runs.
    pub completed: Option<Timestamp>,
    /// Its result was there already.
    pub cached: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// Bytes that were read or fetched for it.
    pub bytes: u64,
    /// The last lines that it printed.
    pub last_lines: VecDeque<String>,
    /// When it worked: pairs of begin and end.
    intervals: Vec<(Timestamp, Option<Timestamp>)>,
    /// What was printed since the last end of a line.
    open: Vec<u8>,
    /// When that was, in seconds after it began.
    last_said: f64,
    parts_done: HashMap<String, u64>,
}

impl Step {
    /// Whether it works now.
    pub fn is_running(&self) -> bool {
        self.started.is_some() && self.completed.is_none()
    }

    /// Seconds that it worked until `now`, without those between its parts. Each target that waits
    /// for a step tells of it, by a clock of its own; what they tell of the same time counts once.
    pub fn seconds(&self, now: Timestamp) -> f64 {
        let mut intervals: Vec<(Timestamp, Timestamp)> = (self.intervals.iter())
            .map(|(begun, ended)| (*begun, ended.unwrap_or(now)))
            .collect();
        intervals.sort();
        let mut counted = None;
        let mut sum = 0.0;
        for (begun, ended) in intervals {
            let from = counted.map_or(begun, |counted| begun.max(counted));
            sum += seconds_between(from, ended);
            counted = counted.max(Some(ended));
        }
        sum
    }

    /// Whether it was given up because another one failed.
    pub fn is_canceled(&self) -> bool {
        let error = self.error.as_deref().unwrap_or_default();
        // One that talks to the tool just then loses it.
        let stopped = ["context canceled", "error reading from server: EOF"];
        stopped.iter().any(|why| error.contains(why))
            && !error.contains("did not complete successfully")
    }

    fn take(&mut self, vertex: &Vertex) {
        if !vertex.inputs.is_empty() {
            self.inputs.clone_from(&vertex.inputs);
        }
        if let Some(started) = vertex.started {
            let first = self.started.map_or(started, |known| known.min(started));
            self.started = Some(first);
            // Lines of a plain log tell the beginning with the end: it was only supposed before.
            self.intervals.retain(|(begun, ended)| {
                let is_open = ended.is_none() && *begun != started;
                !is_open || vertex.completed.is_none_or(|end| end <= *begun)
            });
            match self.intervals.iter_mut().find(|one| one.0 == started) {
                Some(interval) => interval.1 = vertex.completed.or(interval.1),
                None => self.intervals.push((started, vertex.completed)),
            }
        }
        let running = self.intervals.iter().any(|(_, ended)| ended.is_none());
        self.completed = match running {
            true => None,
            false => self.intervals.iter().filter_map(|(_, ended)| *ended).max(),
        };
        self.cached = self.cached || vertex.cached;
        if !vertex.error.is_empty() {
            self.error = Some(vertex.error.clone());
        }
    }
}

/// Seconds from one time to another, 0 where it is before.
pub(super) fn seconds_between(begun: Timestamp, ended: Timestamp) -> f64 {
    ended.duration_since(begun).as_secs_f64().max(0.0)
}

/// What an event changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The step of this number began.
    Began(usize),
    /// It printed a line, so many seconds after it began.
    Printed(usize, f64, String),
    /// A part of it is done: what, how many bytes, in how many seconds.
    Did(usize, String, u64, f64),
    /// It ended.
    Ended(usize),
}

/// The steps of a build, in the order in which they began.
#[derive(Debug, Default)]
pub struct Steps {
    targets: Vec<String>,
    steps: Vec<Step>,
    numbers: HashMap<String, usize>,
    /// Known, and not begun.
    waiting: HashMap<String, Vertex>,
}

impl Steps {
    /// A build of these targets.
    pub fn new(targets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            targets: targets.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// All that began.
    pub fn all(&self) -> &[Step] {
        &self.steps
    }

    /// The step of a number.
    pub fn get(&self, number: usize) -> Option<&Step> {
        self.steps.get(number.checked_sub(1)?)
    }

    /// The step that BuildKit calls so.
    pub fn named(&self, digest: &str) -> Option<&Step> {
        self.get(*self.numbers.get(digest)?)
    }

    /// How many steps are known and did not begin.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The step that failed first, unless it was given up because of another.
    pub fn failed(&self) -> Option<&Step> {
        let failed = self.steps.iter().filter(|step| step.error.is_some());
        failed.min_by_key(|step| (step.is_canceled(), step.completed))
    }

    /// What is new with an event.
    pub fn take(&mut self, event: &Event) -> Vec<Change> {
        let mut changes = Vec::new();
        for vertex in &event.vertexes {
            self.vertex(vertex, &mut changes);
        }
        for status in &event.statuses {
            self.status(status, &mut changes);
        }
        for log in &event.logs {
            self.log(log, &mut changes);
        }
        // What a step prints comes with its end at times; it is told before.
        changes.sort_by_key(|change| matches!(change, Change::Ended(_)));
        changes
    }

    /// What was printed without the end of a line, when nothing more will come.
    pub fn end(&mut self) -> Vec<Change> {
        let steps = self.steps.iter_mut();
        let open = steps.filter(|step| !step.open.is_empty());
        open.map(|step| {
            let rest = std::mem::take(&mut step.open);
            print(step, step.last_said, &rest)
        })
        .collect()
    }

    fn vertex(&mut self, vertex: &Vertex, changes: &mut Vec<Change>) {
        let number = match self.numbers.get(&vertex.digest) {
            Some(number) => *number,
            None if vertex.started.is_none() && vertex.error.is_empty() => {
                self.waiting.insert(vertex.digest.clone(), vertex.clone());
                return;
            }
            None => {
                let number = self.begin(vertex);
                changes.push(Change::Began(number));
                number
            }
        };
        let step = &mut self.steps[number - 1];
        let ended = step.completed.is_some();
        step.take(vertex);
        if step.completed.is_some() && (!ended || !vertex.error.is_empty()) {
            if !step.open.is_empty() {
                let rest = std::mem::take(&mut step.open);
                let at = step.started.zip(step.completed);
                let at = at.map_or(0.0, |(begun, ended)| seconds_between(begun, ended));
                changes.push(print(step, at, &rest));
            }
            changes.push(Change::Ended(number));
        }
    }

    fn begin(&mut self, vertex: &Vertex) -> usize {
        let known = self.waiting.remove(&vertex.digest);
        let number = self.steps.len() + 1;
        let targets: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        self.steps.push(Step {
            number,
            digest: vertex.digest.clone(),
            name: vertex.name.clone(),
            parts: StepName::parse(&vertex.name, &targets),
            inputs: known.map(|known| known.inputs).unwrap_or_default(),
            ..Step::default()
        });
        self.numbers.insert(vertex.digest.clone(), number);
        number
    }

    fn status(&mut self, status: &Status, changes: &mut Vec<Change>) {
        let Some(step) = self.of(&status.vertex) else {
            return;
        };
        let current = u64::try_from(status.current).unwrap_or(0);
        let before = step.parts_done.insert(status.id.clone(), current);
        step.bytes = step.bytes + current - before.unwrap_or(0).min(step.bytes + current);
        if let Some((begun, ended)) = status.started.zip(status.completed) {
            changes.push(Change::Did(
                step.number,
                status.id.clone(),
                current,
                seconds_between(begun, ended),
            ));
        }
    }

    fn log(&mut self, log: &Log, changes: &mut Vec<Change>) {
        let Some(step) = self.of(&log.vertex) else {
            return;
        };
        let at = step
            .started
            .map_or(0.0, |begun| seconds_between(begun, log.timestamp));
        step.last_said = at;
        let mut bytes = std::mem::take(&mut step.open);
        bytes.extend(log.bytes());
        let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            if lines.peek().is_some() || line.len() > LONGEST_LINE {
                changes.push(print(step, at, line));
            } else {
                step.open = line.to_owned();
            }
        }
    }

    fn of(&mut self, digest: &str) -> Option<&mut Step> {
        let number = *self.numbers.get(digest)?;
        self.steps.get_mut(number - 1)
    }
}

/// A line of a step. What a terminal would have overwritten is left out.
fn print(step: &mut Step, at: f64, line: &[u8]) -> Change {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches('\r');
    let text = text.rsplit('\r').next().unwrap_or(text).to_owned();
    if step.last_lines.len() == LAST_LINES {
        step.last_lines.pop_front();
    }
    step.last_lines.push_back(text.clone());
    Change::Printed(step.number, at, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_targets_tell_of_the_same_time_counts_once() {
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        let step = Step {
            intervals: vec![
                (at(11), Some(at(16))),
                (at(10), Some(at(15))),
                (at(12), Some(at(14))),
                (at(20), None),
            ],
            ..Step::default()
        };
        assert!((step.seconds(at(22)) - 8.0).abs() < 1e-9);
        assert!(Step::default().seconds(at(22)).is_sign_positive());
    }
}
