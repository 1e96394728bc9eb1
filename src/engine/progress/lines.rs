//! A build as lines of text, read back: what a Compose prints that does not know `rawjson`.
//!
//! Format: BuildKit's `progressui` (moby/buildkit, util/progress/progressui/printer.go): `#12 [dev
//! 3/4] RUN …`, `#12 1.23 text`, `#12 ...` where another step has the floor, `#12 DONE 0.3s`.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::engine::progress::StepName;
use crate::engine::progress::event::{Event, Log, Status, Vertex};

/// `sha256:1 10.5MB / 29.15MB 0.3s done`, `transferring context: 2B done`
static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<what>.*?)(?: (?P<bytes>[\d.]+)(?P<unit>[kMGTP]?B)(?: / [\d.]+[kMGTP]?B)?)?(?: (?P<seconds>[\d.]+)s)?(?P<done> done)?$",
    )
    .ok()
});

/// Reads lines as they come and tells the events behind them. When a step began is only known
/// with its end, and of what it uses only the step before it in its stage.
#[derive(Debug, Default)]
pub struct PlainLines {
    steps: HashMap<usize, Known>,
    /// Steps by stage (with what stands before it), position and how many it has.
    places: HashMap<(StageName, u32, u32), usize>,
}

/// What stands before a stage in a step's name, and the stage.
type StageName = (Option<String>, Option<String>);

/// A step that was named.
#[derive(Debug)]
struct Known {
    name: String,
    started: Timestamp,
}

impl PlainLines {
    /// What a line tells that was printed at this time, without colours. `None` for a line that is
    /// of no step.
    pub fn read(&mut self, line: &str, now: Timestamp) -> Option<Event> {
        let (number, said) = line.strip_prefix('#')?.split_once(' ')?;
        // Number 0 says what builds, and is no step.
        let number: usize = number.parse().ok().filter(|number| *number > 0)?;
        let Some(step) = self.steps.get(&number) else {
            return self.named(number, said, now);
        };
        let vertex = |started: Timestamp| Vertex {
            digest: digest(number),
            name: step.name.clone(),
            started: Some(started),
            completed: Some(now),
            ..Vertex::default()
        };
        if said == "..." || said == step.name {
            return Some(Event::default());
        }
        if said == "CACHED" {
            return Some(of_step(Vertex {
                cached: true,
                completed: Some(step.started),
                ..vertex(step.started)
            }));
        }
        if let Some(seconds) = said.strip_prefix("DONE ").and_then(seconds) {
            let started = match now > step.started {
                true => before(now, seconds),
                false => step.started,
            };
            return Some(of_step(vertex(started)));
        }
        let error = match said {
            "CANCELED" => Some("context canceled"),
            _ => said.strip_prefix("ERROR: "),
        };
        if let Some(error) = error {
            return Some(of_step(Vertex {
                error: error.to_owned(),
                ..vertex(step.started)
            }));
        }
        if let Some((at, text)) = timed(said) {
            let log = Log {
                vertex: digest(number),
                stream: 1,
                data: STANDARD.encode(format!("{text}\n")),
                timestamp: after(step.started, at),
            };
            return Some(Event {
                logs: vec![log],
                ..Event::default()
            });
        }
        Some(Event {
            statuses: part(number, said, now).into_iter().collect(),
            ..Event::default()
        })
    }

    /// A step that is told of for the first time.
    fn named(&mut self, number: usize, name: &str, now: Timestamp) -> Option<Event> {
        // The end of a step without a name is of another log.
        if name == "CACHED"
            || name == "CANCELED"
            || name.starts_with("DONE ")
            || timed(name).is_some()
        {
            return None;
        }
        let mut inputs = Vec::new();
        let parts = StepName::parse(name, &[]);
        if let Some((step, of)) = parts.position {
            let stage = (parts.scope, parts.stage);
            let before = step.checked_sub(1);
            let before = before.and_then(|step| self.places.get(&(stage.clone(), step, of)));
            inputs.extend(before.map(|number| digest(*number)));
            self.places.insert((stage, step, of), number);
        }
        let known = Known {
            name: name.to_owned(),
            started: now,
        };
        self.steps.insert(number, known);
        Some(of_step(Vertex {
            digest: digest(number),
            inputs,
            name: name.to_owned(),
            started: Some(now),
            ..Vertex::default()
        }))
    }
}

fn digest(number: usize) -> String {
    format!("#{number}")
}

fn of_step(vertex: Vertex) -> Event {
    Event {
        vertexes: vec![vertex],
        ..Event::default()
    }
}

/// What stands behind the number of a step in a line that it printed, `1.234 text`: when that was,
/// in seconds after it began, and the text; a line without text ends behind the number.
pub fn timed(said: &str) -> Option<(f64, &str)> {
    let (at, text) = said.split_once(' ').unwrap_or((said, ""));
    let is_time = at.contains('.') && at.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
    is_time.then(|| at.parse().ok())?.map(|at| (at, text))
}

/// `0.3s`
fn seconds(text: &str) -> Option<f64> {
    text.trim_end().strip_suffix('s')?.parse().ok()
}

fn part(number: usize, said: &str, now: Timestamp) -> Option<Status> {
    let found = PART.as_ref()?.captures(said)?;
    let number_of = |name: &str| found.name(name)?.as_str().parse::<f64>().ok();
    let unit = found.name("unit").map_or("B", |unit| unit.as_str());
    let power = "BkMGTP".find(&unit[..1]).unwrap_or(0);
    let bytes = number_of("bytes").unwrap_or(0.0) * 1000_f64.powi(i32::try_from(power).ok()?);
    let begun = before(now, number_of("seconds").unwrap_or(0.0));
    Some(Status {
        id: found["what"].to_owned(),
        vertex: digest(number),
        name: String::new(),
        #[expect(clippy::cast_possible_truncation, reason = "whole bytes")]
        current: bytes as i64,
        total: 0,
        timestamp: now,
        started: Some(begun),
        completed: found.name("done").map(|_| now),
    })
}

fn before(time: Timestamp, seconds: f64) -> Timestamp {
    after(time, -seconds)
}

fn after(time: Timestamp, seconds: f64) -> Timestamp {
    let duration = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    time.checked_add(duration).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::progress::{PlainLog, Step, Steps};

    /// A log of `docker compose build` with `--progress=plain`: buildx 0.13, two stages at once.
    const RECORDED: &str = include_str!("../../../tests/progress/plain.txt");

    /// The steps of a log that is printed at one line in a tenth of a second, and the lines of
    /// those that are told again.
    fn read(log: &str) -> (Steps, Vec<String>, Vec<String>) {
        let (mut lines, mut steps, mut plain) = (
            PlainLines::default(),
            Steps::new(["app"]),
            PlainLog::default(),
        );
        let (mut told, mut others) = (Vec::new(), Vec::new());
        let mut now = Timestamp::from_second(1000).expect("a time");
        for line in log.lines() {
            now = after(now, 0.1);
            match lines.read(line, now) {
                Some(event) => {
                    let changes = steps.take(&event);
                    told.extend(plain.take(&steps, &changes));
                }
                None if line.is_empty() => {}
                None => others.push(line.to_owned()),
            }
        }
        told.extend(plain.end(&steps));
        (steps, told, others)
    }

    fn step<'a>(steps: &'a Steps, start: &str) -> &'a Step {
        let found = steps.all().iter().find(|step| step.name.starts_with(start));
        found.expect(start)
    }

    #[test]
    fn steps_are_read_from_lines_as_from_events() {
        let (steps, told, others) = read(RECORDED);
        let numbers: Vec<usize> = steps.all().iter().map(|step| step.number).collect();
        assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
        assert!(steps.all().iter().all(|step| !step.is_running()));
        assert!(steps.failed().is_none());
        // What builds is of no step.
        assert_eq!(others.len(), 1, "{others:?}");

        let now = Timestamp::from_second(2000).expect("a time");
        let base = step(&steps, "[app base 2/2]");
        assert_eq!(base.parts.stage.as_deref(), Some("base"));
        assert_eq!(base.parts.position, Some((2, 2)));
        assert_eq!(base.parts.target.as_deref(), Some("app"));
        assert!(
            (base.seconds(now) - 0.5).abs() < 1e-6,
            "{}",
            base.seconds(now)
        );
        assert_eq!(base.last_lines, ["first one", "two"]);
        let from = step(&steps, "[app base 1/2]");
        assert!(from.cached && from.seconds(now) == 0.0);
        assert_eq!(base.inputs, [from.digest.as_str()]);
        // It was left for another one, and has its name twice.
        let turns = step(&steps, "[app app 1/2]");
        assert!(
            (turns.seconds(now) - 1.8).abs() < 1e-6,
            "{}",
            turns.seconds(now)
        );
        assert_eq!(turns.last_lines.len(), 4);
        assert!(turns.inputs.is_empty() && !turns.cached);
        assert_eq!(
            step(&steps, "[app app 2/2]").inputs,
            [turns.digest.as_str()]
        );
        assert_eq!(step(&steps, "[app internal] load build def").bytes, 277);
        // And it is told again as it was.
        for line in [
            "#5 0.161 first one",
            "#5 DONE 0.5s",
            "#4 CACHED",
            "#6 0.602 turn 2",
            "#6 DONE 1.8s",
            "#1 transferring dockerfile: 0 kB 0.0s done",
        ] {
            let times = told.iter().filter(|one| *one == line).count();
            assert_eq!(times, 1, "{line} in:\n{}", told.join("\n"));
        }
    }

    #[test]
    fn a_failed_step_is_told_from_those_that_were_given_up() {
        let log = "#1 [a 1/2] RUN x\n#1 1.25 one\n#1 1.250\n#1 ...\n\n#2 [b 1/1] RUN y\n\
                   #2 CANCELED\n#1 ERROR: process \"x\" did not complete successfully: exit code: 3\n\
                   ------\n > [a 1/2] RUN x:\n1.25 one\n------\n#7 DONE 0.1s\n#x no";
        let (steps, told, others) = read(log);
        let failed = steps.failed().expect("one failed");
        assert_eq!(
            (failed.number, failed.parts.stage.as_deref()),
            (1, Some("a"))
        );
        assert_eq!(failed.last_lines, ["one", ""]);
        assert!(steps.get(2).expect("the other").is_canceled());
        assert!(told.contains(&"#2 CANCELED".to_owned()), "{told:?}");
        assert_eq!(
            others,
            [
                "------",
                " > [a 1/2] RUN x:",
                "1.25 one",
                "------",
                "#7 DONE 0.1s",
                "#x no"
            ]
        );
    }
}
