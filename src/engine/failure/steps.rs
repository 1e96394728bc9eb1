//! What the builder says of its steps: their names, how they ended, where they stand.

use std::sync::LazyLock;

use regex::Regex;

use super::explanation::{DockerfileLine, StepPlace};
use super::finding::cut;
use super::log::{Line, Window};
use crate::engine::progress::StepName;

/// How steps end that are stopped since another one failed. One that talks to the tool just then
/// loses it.
const STOPPED: [&str; 2] = [
    "ERROR: context canceled",
    "ERROR: rpc error: code = Unavailable desc = error reading from server: EOF",
];

/// What a line says of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// It begins, or goes on: its name.
    Named(StepPlace),
    /// It ended well, or its result was there.
    Done,
    /// It was stopped since another one failed.
    Canceled,
    /// It failed, with the builder's words.
    Failed(String),
    /// BuildKit repeats the last lines of a step that failed, without its number.
    Summary(StepPlace),
    /// A line of dashes: what was repeated ends.
    Ruler,
    /// The build failed, with the builder's words.
    BuildFailed(String),
    /// BuildKit leaves out what comes now.
    Clipped,
}

fn compiled(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// The classic builder's `Step 5/9 : RUN make`; Buildah's `[1/2] STEP 5/9: RUN make`.
static CLASSIC: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"^(?:\[\d+/\d+\] )?(?:Step|STEP) (?P<index>\d+)/(?P<of>\d+) ?: (?P<instruction>[A-Z]+ .*)$",
    )
});

/// How the classic builder and Buildah say that a step failed.
static CLASSIC_FAILED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(r"^(?:The command '.*' returned a non-zero code: \d+|Error: building at STEP .*)$")
});

static FILE_AND_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"^(\S.*):(\d+)$"));

static EXCERPT_LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"^\s*\d+ \|(?: (?P<marked>>>> )?(?P<text>.*))?$"));

static EXIT_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(r"(?:exit code: |non-zero code: |exit status |exited with code )(\d{1,3})\b")
});

/// What a line says of the build's steps, if it does.
pub(super) fn event(line: &Line) -> Option<Event> {
    let text = line.text.as_str();
    if text.starts_with("[output clipped") {
        return Some(Event::Clipped);
    }
    if line.step.is_some() {
        if text == "CACHED" || text.starts_with("DONE ") {
            return Some(Event::Done);
        }
        if text == "CANCELED" || STOPPED.iter().any(|why| text.starts_with(why)) {
            return Some(Event::Canceled);
        }
        // What a program prints has a time before it.
        if let Some(said) = text.strip_prefix("ERROR: ")
            && !line.timed
        {
            return Some(Event::Failed(said.to_owned()));
        }
        return name(text).map(Event::Named);
    }
    if let Some(named) = text.strip_prefix(" > ").and_then(|rest| {
        let rest = rest.strip_suffix(':').unwrap_or(rest);
        name(rest)
    }) {
        return Some(Event::Summary(named));
    }
    if text.starts_with("------") && text.bytes().all(|byte| byte == b'-') {
        return Some(Event::Ruler);
    }
    if text.contains("failed to solve: ") || matches(&CLASSIC_FAILED, text) {
        return Some(Event::BuildFailed(text.to_owned()));
    }
    let classic = CLASSIC.as_ref()?.captures(text)?;
    Some(Event::Named(StepPlace {
        index: number(&classic["index"]),
        of: number(&classic["of"]),
        instruction: Some(cut(&classic["instruction"])),
        ..StepPlace::default()
    }))
}

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text))
}

/// A step by the name that BuildKit gives it.
pub(super) fn name(text: &str) -> Option<StepPlace> {
    let name = StepName::parse(text, &[]);
    let (index, of) = name.position?;
    Some(StepPlace {
        number: None,
        stage: name.stage,
        scope: name.scope,
        index: Some(index),
        of: Some(of),
        instruction: Some(cut(&name.instruction)),
    })
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// The exit status that the builder's words name.
pub(super) fn exit_code(said: &str) -> Option<i32> {
    let found = EXIT_CODE.as_ref()?.captures_iter(said).last()?;
    found[1].parse().ok()
}

/// The instruction of the Dockerfile that BuildKit shows under a ruler.
pub(super) fn dockerfile(window: &Window<'_>, ruler: &Line) -> Option<DockerfileLine> {
    let before = window.before(ruler).next()?;
    let found = FILE_AND_LINE.as_ref()?.captures(&before.text)?;
    let mut text = Vec::new();
    for line in window.after(ruler).take(200) {
        let Some(shown) = EXCERPT_LINE.as_ref()?.captures(&line.text) else {
            break;
        };
        if shown.name("marked").is_some() {
            let shown = shown.name("text").map_or("", |text| text.as_str());
            text.push(cut(shown.trim_end()));
        }
    }
    Some(DockerfileLine {
        file: found[1].to_owned(),
        line: number(&found[2])?,
        text,
    })
    .filter(|line| !line.text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_steps_say_stage_and_place() {
        let some = |text: &str| Some(text.to_owned());
        let found = name("[run linux/arm64 dev  2/10] COPY a b").expect("a name");
        assert_eq!(found.scope, some("run linux/arm64"));
        assert_eq!(found.stage, some("dev"));
        assert_eq!((found.index, found.of), (Some(2), Some(10)));
        assert_eq!(found.instruction, some("COPY a b"));
        assert_eq!(name("[ 85%] Building CXX object a.o"), None);
        assert_eq!(name("[internal] load build definition"), None);
    }

    #[test]
    fn the_status_of_a_step_is_read_from_what_the_builder_said() {
        let said = "process \"/bin/sh -c make; echo exit code: 5\" did not complete successfully: exit code: 2";
        assert_eq!(exit_code(said), Some(2));
        assert_eq!(
            exit_code("The command '/bin/sh -c x' returned a non-zero code: 127"),
            Some(127)
        );
        assert_eq!(exit_code("not found"), None);
    }
}
