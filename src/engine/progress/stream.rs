//! A build's output as events. Everything that is no event stays what it is, a line of text: what
//! a Compose prints that does not know `rawjson`, and what the tools say after a failure.

use crate::engine::progress::Event;

/// What a line was, or the last line of several.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// An event.
    Event(Event),
    /// A line for people.
    Text(String),
}

/// Takes lines; remembers the beginning of an event that goes over several, as older programs
/// write it (indented, with its braces on lines of their own).
#[derive(Debug, Default)]
pub struct Stream {
    begun: Vec<Vec<u8>>,
}

impl Stream {
    /// What is complete with this line.
    pub fn take(&mut self, line: &[u8]) -> Vec<Told> {
        if !self.begun.is_empty() {
            self.begun.push(line.to_owned());
            if line != b"}" {
                return Vec::new();
            }
            let whole = self.begun.concat();
            return match serde_json::from_slice(&whole) {
                Ok(event) => {
                    self.begun.clear();
                    vec![Told::Event(event)]
                }
                Err(_) => self.end(),
            };
        }
        if line == b"{" {
            self.begun.push(line.to_owned());
            return Vec::new();
        }
        match line.first() {
            // An event that tells nothing is as common as it is dull.
            Some(b'{') if line == b"{}" => Vec::new(),
            Some(b'{') => match serde_json::from_slice(line) {
                Ok(event) if event != Event::default() => vec![Told::Event(event)],
                _ => vec![text(line)],
            },
            _ => vec![text(line)],
        }
    }

    /// What was begun and will not be ended: lines of text.
    pub fn end(&mut self) -> Vec<Told> {
        self.begun.drain(..).map(|line| text(&line)).collect()
    }
}

fn text(line: &[u8]) -> Told {
    Told::Text(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Vec<Told> {
        let mut stream = Stream::default();
        let mut told: Vec<_> = lines
            .iter()
            .flat_map(|line| stream.take(line.as_bytes()))
            .collect();
        told.extend(stream.end());
        told
    }

    fn shown(told: &[Told]) -> Vec<&str> {
        told.iter()
            .map(|told| match told {
                Told::Event(event) => &*event.vertexes[0].digest,
                Told::Text(text) => text,
            })
            .collect()
    }

    #[test]
    fn events_on_one_line_or_on_several_are_found_between_text() {
        let told = told(&[
            "time=\"…\" level=warning msg=\"x\"",
            "{",
            "  \"vertexes\": [",
            "    { \"digest\": \"sha256:1\", \"name\": \"}\" }",
            "  ]",
            "}",
            r#"{"vertexes":[{"digest":"sha256:2","name":"b","started":"2026-11-22T00:53:22.05Z"}],"logs":null}"#,
            r#"{"id":"rj-one","status":"Built"}"#,
            "{}",
            "ERROR: failed to solve",
        ]);
        assert!(matches!(told[1], Told::Event(_)) && matches!(told[2], Told::Event(_)));
        assert_eq!(
            shown(&told),
            [
                "time=\"…\" level=warning msg=\"x\"",
                "sha256:1",
                "sha256:2",
                r#"{"id":"rj-one","status":"Built"}"#,
                "ERROR: failed to solve"
            ]
        );
    }

    #[test]
    fn an_event_that_is_cut_off_or_none_is_text() {
        assert_eq!(
            shown(&told(&["{", "  \"vertexes\": ["])),
            ["{", "  \"vertexes\": ["]
        );
        assert_eq!(shown(&told(&["{", "  no", "}"])), ["{", "  no", "}"]);
        assert_eq!(shown(&told(&["{\"vertexes\": 3}"])), ["{\"vertexes\": 3}"]);
    }
}
