//! A kept event stream as the plain log that was told from it.

use std::io::{self, BufRead, Read};

use crate::engine::progress::{PlainLog, Steps, Stream, Told};

/// Reads events (`events.jsonl`, or what a tool prints with `--progress=rawjson`) and gives the
/// lines that BuildKit would print with `--progress=plain`. Lines that are no events stay what they
/// are. An event that is cut off, as when the program was killed or the disk was full, ends it.
#[derive(Debug)]
pub struct Replay<R> {
    events: R,
    stream: Stream,
    steps: Steps,
    plain: PlainLog,
    /// Whether some event was read.
    has_events: bool,
    ready: Vec<u8>,
    /// How much of what is ready was given.
    given: usize,
    has_ended: bool,
}

impl<R: BufRead> Replay<R> {
    /// The log that these events tell.
    pub fn new(events: R) -> Self {
        Self {
            events,
            stream: Stream::default(),
            steps: Steps::default(),
            plain: PlainLog::default(),
            has_events: false,
            ready: Vec::new(),
            given: 0,
            has_ended: false,
        }
    }

    /// Reads on, to the next line or the end.
    fn advance(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        let mut line = Vec::new();
        self.events.read_until(b'\n', &mut line)?;
        let is_whole = line.last() == Some(&b'\n');
        let told = match line.is_empty() {
            true => Vec::new(),
            false => self.stream.take(line.trim_ascii_end()),
        };
        for told in told {
            match told {
                Told::Event(event) => {
                    self.has_events = true;
                    let changes = self.steps.take(&event);
                    let lines = self.plain.take(&self.steps, &changes);
                    self.say(lines);
                }
                // The first part of an event says nothing to a reader.
                Told::Text(text) if self.has_events && !is_whole && text.starts_with('{') => {}
                Told::Text(text) => self.say([text]),
            }
        }
        if !is_whole {
            self.has_ended = true;
            let cut = self.stream.end();
            if !self.has_events {
                self.say(cut.into_iter().filter_map(|told| match told {
                    Told::Text(text) => Some(text),
                    Told::Event(_) => None,
                }));
            }
            let changes = self.steps.end();
            let lines = self.plain.take(&self.steps, &changes);
            self.say(lines);
            let held_back = self.plain.end(&self.steps);
            self.say(held_back);
        }
        Ok(())
    }

    fn say(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.ready.extend(line.as_bytes());
            self.ready.push(b'\n');
        }
    }
}

impl<R: BufRead> Read for Replay<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.has_ended {
            self.advance()?;
        }
        let rest = &self.ready[self.given..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(
        r#"{"vertexes":[{"digest":"a","name":"[x 1/1] RUN y","started":"2026-11-22T00:00:01Z"}]}"#,
        "\n",
        // `one\ntwo` and `, three`
        r#"{"logs":[{"vertex":"a","stream":1,"data":"b25lCnR3bw==","timestamp":"2026-11-22T00:00:02Z"}]}"#,
        "\n",
        r#"{"logs":[{"vertex":"a","stream":1,"data":"LCB0aHJlZQ==","timestamp":"2026-11-22T00:00:03Z"}]}"#,
        "\n",
        r#"{"vertexes":[{"digest":"a","name":"[x 1/1] RUN y","started":"2026-11-22T00:00:01Z","completed":"2026-11-22T00:00:05Z"}]}"#,
        "\n",
    );

    fn replayed(events: &str) -> String {
        // Through a window of a few bytes, as a slow reader has it.
        let mut replay = Replay::new(events.as_bytes());
        let (mut text, mut window) = (Vec::new(), [0; 7]);
        loop {
            match replay.read(&mut window).expect("read") {
                0 => break,
                count => text.extend(&window[..count]),
            }
        }
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn events_are_told_as_lines_and_a_cut_one_ends_them() {
        assert_eq!(
            replayed(EVENTS),
            "#1 [x 1/1] RUN y\n#1 1.000 one\n#1 4.000 two, three\n#1 DONE 4.0s\n\n"
        );
        // Wherever it is cut: what was told before stays.
        let told = "#1 [x 1/1] RUN y\n#1 1.000 one\n";
        let third = EVENTS.match_indices('\n').nth(1).expect("lines").0 + 1;
        for end in third..EVENTS.match_indices('\n').nth(2).expect("lines").0 {
            let rest = replayed(&EVENTS[..end]);
            let rest = rest.strip_prefix(told).expect("the same beginning");
            assert_eq!(rest, "#1 1.000 two\n", "{end}");
        }
        assert_eq!(replayed(""), "");
    }

    #[test]
    fn what_is_no_event_is_a_line() {
        assert_eq!(replayed("{\nno\n}\nyes"), "{\nno\n}\nyes\n");
        assert_eq!(replayed("{no"), "{no\n");
        assert_eq!(
            replayed(&format!("{EVENTS}ERROR: failed to solve")),
            replayed(EVENTS).replace("#1 DONE", "ERROR: failed to solve\n#1 DONE")
        );
    }
}
