//! An explanation as people read it.

use std::fmt::Write;

use crate::engine::failure::{Brief, Explanation, Frame, Outcome, Passed, Spot, StepPlace};
use crate::engine::progress::without_options;

/// More links of a chain are counted only.
const LINKS: usize = 6;

/// What the log says.
pub fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(explanation) => failed(explanation),
        Outcome::Nothing(passed) => nothing(passed),
    }
}

fn nothing(passed: &Passed) -> String {
    let mut text = format!("nothing failed in this log ({} lines)\n", passed.lines);
    for masked in &passed.masked {
        let _ = writeln!(
            text,
            "note: a step that succeeded all the same printed an error; `; exit 0`, `|| true` or a \
             pipe may hide it: {}",
            brief(masked)
        );
    }
    if passed.clipped {
        text.push_str("note: BuildKit left out part of what was printed\n");
    }
    text
}

fn failed(explanation: &Explanation) -> String {
    let mut text = explanation.headline();
    text.push('\n');
    for line in &explanation.excerpt {
        let _ = writeln!(text, "  {line}");
    }
    let is_python = explanation.excerpt.is_empty() && explanation.kind == "python";
    for frame in explanation.chain.iter().take(LINKS) {
        let _ = writeln!(text, "  {}", link(frame, is_python));
    }
    if explanation.chain.len() > LINKS {
        let _ = writeln!(text, "  … and {} more", explanation.chain.len() - LINKS);
    }
    text.push('\n');
    for (name, value) in facts(explanation) {
        let _ = writeln!(text, "{name:<13} {value}");
    }
    for note in &explanation.notes {
        let _ = writeln!(text, "\nnote: {note}");
    }
    if !explanation.advice.is_empty() {
        text.push('\n');
    }
    for advice in &explanation.advice {
        let _ = writeln!(text, "help: {advice}");
    }
    text
}

fn facts(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(target) = &explanation.target {
        facts.push(("target", target.clone()));
    }
    if let Some(place) = &explanation.step {
        facts.push(("step", step(place)));
    }
    if let Some(code) = explanation.exit_code {
        facts.push(("exit status", code.to_string()));
    }
    if let Some(line) = &explanation.dockerfile {
        facts.push(("Dockerfile", format!("{}:{}", line.file, line.line)));
    }
    for (index, line) in explanation.declared.iter().enumerate() {
        let name = match explanation.kind.as_str() {
            _ if index > 0 => "",
            "registry" | "docker" | "architecture" => "image",
            _ => "requirement",
        };
        facts.push((name, line.to_string()));
    }
    if let Some(line) = explanation.log_line {
        facts.push(("line of log", line.to_string()));
    }
    if explanation.other_errors > 0 {
        facts.push(("other errors", explanation.other_errors.to_string()));
        for other in &explanation.others {
            facts.push(("", brief(other)));
        }
    }
    let hidden = &explanation.hidden;
    if hidden.count > 0 {
        let lines = if hidden.count == 1 { "line" } else { "lines" };
        let examples = hidden.examples.iter().take(2);
        let examples: Vec<String> = examples.map(|example| shortened(example)).collect();
        facts.push((
            "left out",
            format!(
                "{} {lines} that follow from it: {}",
                hidden.count,
                examples.join("; ")
            ),
        ));
    }
    for place in &explanation.other_steps {
        facts.push(("failed too", step(place)));
    }
    facts
}

/// `build-stage 1/5: RUN make -j14`
fn step(place: &StepPlace) -> String {
    let mut text = String::new();
    for part in [&place.scope, &place.stage].into_iter().flatten() {
        text.push_str(part);
        text.push(' ');
    }
    if let (Some(index), Some(of)) = (place.index, place.of) {
        let _ = write!(text, "{index}/{of}");
    }
    let text = text.trim();
    match &place.instruction {
        Some(instruction) => format!("{text}: {}", shortened(&without_options(instruction))),
        None => text.to_owned(),
    }
}

fn brief(brief: &Brief) -> String {
    let mut text = String::new();
    if let Some(step) = &brief.step {
        let _ = write!(text, "[{step}] ");
    }
    if let Some(place) = &brief.place {
        let _ = write!(text, "{place}: ");
    }
    text.push_str(&shortened(&brief.message));
    text
}

fn link(frame: &Frame, is_call: bool) -> String {
    let place = frame
        .place
        .as_ref()
        .map(Spot::to_string)
        .unwrap_or_default();
    match (&frame.text, is_call) {
        (Some(function), true) => format!("in {function}, {place}"),
        (Some(text), false) => format!("{place}: {text}"),
        (None, true) => format!("in {place}"),
        (None, false) => format!("included from {place}"),
    }
}

/// What fits on a line.
fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    let first = text.lines().next().unwrap_or_default();
    if first.chars().count() <= MOST {
        return first.to_owned();
    }
    let kept: String = first.chars().take(MOST - 1).collect();
    format!("{kept}…")
}
