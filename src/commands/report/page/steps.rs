//! Steps in tables, and as bars on a line for each stage.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{seconds, share};
use crate::commands::building::{stage_of, steps_by_stage};
use crate::engine::progress::without_options;
use crate::project::{Build, BuildStep};

/// Characters of an instruction that a row shows.
const SHOWN: usize = 160;

/// A step in a table.
#[derive(Serialize)]
pub struct Row {
    number: usize,
    place: String,
    instruction: String,
    seconds: String,
    /// Hundredths of the whole build.
    share: String,
    class: &'static str,
    error: String,
}

/// The steps of a stage, on one line.
#[derive(Serialize)]
pub struct Lane {
    name: String,
    seconds: String,
    steps: Vec<Bar>,
}

/// A step on a line; widths are hundredths.
#[derive(Serialize)]
pub struct Bar {
    left: String,
    width: String,
    class: String,
    title: String,
}

pub fn row(build: &Build, step: &BuildStep) -> Row {
    let whole = without_options(&step.instruction);
    let mut instruction: String = whole.chars().take(SHOWN).collect();
    if instruction.len() < whole.len() {
        instruction.push('…');
    }
    Row {
        number: step.number,
        place: place(build, step),
        instruction,
        seconds: seconds(step.seconds),
        share: format!("{:.0}", share(step.seconds, build.seconds)),
        class: class(build, step),
        error: step.error.clone().unwrap_or_default(),
    }
}

/// Stage, position and line of a step.
pub fn place(build: &Build, step: &BuildStep) -> String {
    let stage = stage_of(step);
    let position = step.position.map(|(step, of)| format!(" {step}/{of}"));
    let file = build.dockerfile.rsplit('/').next().unwrap_or_default();
    let line = step.line.map(|line| format!(", {file}:{line}"));
    [Some(stage), position, line]
        .into_iter()
        .flatten()
        .collect()
}

pub fn class(build: &Build, step: &BuildStep) -> &'static str {
    match step {
        _ if build.failed == Some(step.number) => "failed",
        _ if step.canceled => "canceled",
        _ if step.cached => "cached",
        _ => "ran",
    }
}

/// A line for each stage, in the order in which they began.
pub fn lanes(build: &Build, waited_for: &BTreeSet<usize>) -> Vec<Lane> {
    let bar = |step: &BuildStep| {
        let critical = match waited_for.contains(&step.number) {
            true => " critical",
            false => "",
        };
        Bar {
            left: format!("{:.2}", share(step.began, build.seconds).min(99.8)),
            width: format!("{:.2}", share(step.seconds, build.seconds)),
            class: format!("{}{critical}", class(build, step)),
            title: format!(
                "{}, {} s: {}",
                place(build, step),
                seconds(step.seconds),
                step.instruction
            ),
        }
    };
    let lanes = steps_by_stage(build).into_iter().map(|(name, steps)| Lane {
        name,
        seconds: seconds(steps.iter().map(|step| step.seconds).sum()),
        steps: steps.into_iter().map(bar).collect(),
    });
    lanes.collect()
}
