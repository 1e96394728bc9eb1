//! A build as lines of text, as BuildKit prints it with `--progress=plain`: each step has a number,
//! its name stands before its lines, and `#7 DONE 1.2s` after them.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::engine::progress::steps::{Change, Step, Steps};
use crate::output::amount;
use crate::secrets::redact;

/// Lines that a step may hold back while another one has the floor.
const HELD_BACK: usize = 200;

/// Gives lines for what changes. Of steps that run at once, one has the floor until it ends or is
/// silent while others have much to say; a reader can follow it.
#[derive(Debug, Default)]
pub struct PlainLog {
    floor: Option<usize>,
    /// Steps that were left before their end, or begin: their name stands before their next line.
    held: HashMap<usize, Vec<String>>,
    /// The order in which steps got lines to hold back.
    order: Vec<usize>,
    /// A step that ended; it may begin again at once, since BuildKit looks for it in its cache first.
    ended: Option<usize>,
    /// How each step was said to have ended, until it says more.
    said: HashMap<usize, String>,
    lines: Vec<String>,
}

impl PlainLog {
    /// The lines of some changes.
    pub fn take(&mut self, steps: &Steps, changes: &[Change]) -> Vec<String> {
        for change in changes {
            let number = match change {
                Change::Began(number)
                | Change::Printed(number, ..)
                | Change::Did(number, ..)
                | Change::Ended(number) => *number,
            };
            if self.ended != Some(number) {
                self.finish(steps);
            }
            match change {
                Change::Began(_) => {
                    if self.floor.is_none() {
                        self.give_floor(steps, number);
                    } else {
                        self.hold(number, None);
                    }
                }
                Change::Printed(_, at, text) => {
                    self.say(steps, number, format!("#{number} {at:.3} {}", redact(text)));
                }
                Change::Did(_, what, bytes, seconds) => {
                    let size = match bytes {
                        0 => String::new(),
                        bytes => format!(" {}", amount(*bytes as f64)),
                    };
                    let what = redact(what);
                    self.say(
                        steps,
                        number,
                        format!("#{number} {what}{size} {seconds:.1}s done"),
                    );
                }
                Change::Ended(_) => {
                    self.finish(steps);
                    self.ended = Some(number);
                }
            }
        }
        std::mem::take(&mut self.lines)
    }

    /// The lines that were held back, at the end of the build.
    pub fn end(&mut self, steps: &Steps) -> Vec<String> {
        self.finish(steps);
        while let Some(number) = self.order.first().copied() {
            self.give_floor(steps, number);
        }
        std::mem::take(&mut self.lines)
    }

    fn say(&mut self, steps: &Steps, number: usize, line: String) {
        self.said.remove(&number);
        if self.floor.is_none() {
            self.give_floor(steps, number);
        }
        if self.floor == Some(number) {
            self.lines.push(line);
            return;
        }
        self.hold(number, Some(line));
        if self
            .held
            .get(&number)
            .is_some_and(|held| held.len() >= HELD_BACK)
        {
            self.give_floor(steps, number);
        }
    }

    fn hold(&mut self, number: usize, line: Option<String>) {
        if !self.held.contains_key(&number) {
            self.order.push(number);
        }
        self.held.entry(number).or_default().extend(line);
    }

    /// Lets a step speak: the one before is left with three dots unless it has ended.
    fn give_floor(&mut self, steps: &Steps, number: usize) {
        if let Some(before) = self.floor.replace(number) {
            self.lines.push(format!("#{before} ..."));
            self.lines.push(String::new());
            self.hold(before, None);
        }
        if let Some(step) = steps.get(number) {
            self.lines.push(format!("#{number} {}", step.name));
        }
        self.order.retain(|one| *one != number);
        self.lines
            .extend(self.held.remove(&number).unwrap_or_default());
    }

    /// Says how the step ended that did so last, unless it runs again.
    fn finish(&mut self, steps: &Steps) {
        let Some(step) = self.ended.take().and_then(|number| steps.get(number)) else {
            return;
        };
        if step.is_running() {
            return;
        }
        let (number, end) = (step.number, end_of(step));
        if self.said.insert(number, end.clone()).as_ref() == Some(&end) {
            return;
        }
        if self.floor == Some(number) {
            self.floor = None;
            self.lines.extend([end, String::new()]);
            return;
        }
        // It can be told whole, between lines of others.
        let floor = self.floor;
        self.give_floor(steps, number);
        self.lines.extend([end, String::new()]);
        self.floor = None;
        if let Some(floor) = floor {
            self.hold(floor, None);
        }
    }
}

fn end_of(step: &Step) -> String {
    let number = step.number;
    match &step.error {
        Some(_) if step.is_canceled() => format!("#{number} CANCELED"),
        Some(error) => format!("#{number} ERROR: {error}"),
        None if step.cached => format!("#{number} CACHED"),
        None => format!("#{number} DONE {:.1}s", step.seconds(Timestamp::now())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::progress::Event;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_second(i64::from(seconds)).expect("a time")
    }

    fn vertex(digest: &str, started: u32, completed: Option<u32>) -> serde_json::Value {
        let mut vertex = serde_json::json!({
            "digest": digest,
            "name": format!("[stage {digest}/9] RUN {digest}"),
            "started": at(started),
        });
        if let Some(completed) = completed {
            vertex["completed"] = at(completed).to_string().into();
        }
        vertex
    }

    fn log(digest: &str, seconds: u32, text: &str) -> serde_json::Value {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        serde_json::json!({"vertex": digest, "stream": 1, "data": data, "timestamp": at(seconds)})
    }

    fn lines(events: &[serde_json::Value]) -> Vec<String> {
        let (mut steps, mut plain) = (Steps::default(), PlainLog::default());
        let mut lines = Vec::new();
        for event in events {
            let event: Event = serde_json::from_value(event.clone()).expect("an event");
            let changes = steps.take(&event);
            lines.extend(plain.take(&steps, &changes));
        }
        lines.extend(plain.end(&steps));
        lines
    }

    #[test]
    fn steps_that_run_at_once_are_told_one_after_the_other() {
        let lines = lines(&[
            serde_json::json!({"vertexes": [vertex("1", 10, None)]}),
            serde_json::json!({"vertexes": [vertex("2", 10, None)]}),
            serde_json::json!({"logs": [log("2", 11, "two\nhalf ")]}),
            serde_json::json!({"logs": [log("1", 12, "one\n10%\r100%\r\n")]}),
            serde_json::json!({"logs": [log("2", 12, "a line\nno end")]}),
            serde_json::json!({"vertexes": [vertex("1", 10, Some(13))]}),
            serde_json::json!({"vertexes": [vertex("2", 10, Some(14))]}),
        ]);
        assert_eq!(
            lines,
            [
                "#1 [stage 1/9] RUN 1",
                "#1 2.000 one",
                "#1 2.000 100%",
                "#1 DONE 3.0s",
                "",
                "#2 [stage 2/9] RUN 2",
                "#2 1.000 two",
                "#2 2.000 half a line",
                "#2 4.000 no end",
                "#2 DONE 4.0s",
                ""
            ]
        );
    }

    #[test]
    fn a_step_that_begins_again_at_once_ends_once_and_an_error_is_told() {
        let mut failed = vertex("1", 11, Some(15));
        failed["error"] = "exit code: 7".into();
        let mut given_up = vertex("2", 12, Some(15));
        given_up["error"] = "context canceled".into();
        let mut cached = vertex("3", 1, Some(1));
        cached["cached"] = true.into();
        let lines = lines(&[
            serde_json::json!({"vertexes": [vertex("1", 10, Some(10)), vertex("1", 11, None)]}),
            serde_json::json!({"vertexes": [vertex("2", 12, None)]}),
            serde_json::json!({"vertexes": [failed, given_up, cached]}),
        ]);
        let ends: Vec<&String> = lines
            .iter()
            .filter(|line| !line.contains('[') && !line.is_empty())
            .collect();
        assert_eq!(ends, ["#1 ERROR: exit code: 7", "#2 CANCELED", "#3 CACHED"]);
    }
}
