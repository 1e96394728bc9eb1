//! Which of all that was said is the first cause.

use std::collections::BTreeMap;

use super::advice;
use super::collector::{Collector, Ending, Step};
use super::explanation::{Explanation, Hidden, Outcome, Passed, StepPlace};
use super::hits::{Hit, Hits, Target};
use super::log::Totals;
use super::registry::{self, Known};
use super::steps;

/// Examples that are shown of errors in steps that ended well.
const MASKED: usize = 5;

/// What a log says, when all of it was read.
pub(super) fn outcome(mut log: Collector, totals: &Totals, known: &Known) -> Outcome {
    let mut failed: Vec<(u32, Step)> = Vec::new();
    let mut unfinished: Vec<(u32, Step)> = Vec::new();
    let mut done: Vec<(u32, Step)> = Vec::new();
    for (number, step) in std::mem::take(&mut log.steps) {
        match step.ending {
            Ending::Failed => failed.push((number, step)),
            Ending::Unknown => unfinished.push((number, step)),
            Ending::Done => done.push((number, step)),
            Ending::Canceled => {}
        }
    }
    failed.sort_by_key(|(_, step)| step.failed_at);
    if failed.is_empty() && log.build_failed.is_none() && log.numbered {
        unfinished.retain(|(_, step)| !step.hits.is_empty());
        unfinished.sort_by_key(|(_, step)| first_offset(&step.hits));
        if unfinished.is_empty() && is_silent(&log.outside.hits) {
            return passed(&done, totals, log.clipped);
        }
        let mut explanation = explain(unfinished, &mut log, known);
        explanation.unfinished = true;
        explanation
            .notes
            .push("the log ends before the step did: what came then is not known".to_owned());
        return Outcome::Failed(Box::new(explanation));
    }
    if failed.is_empty()
        && log.build_failed.is_none()
        && log.summary.is_none()
        && log.outside.hits.is_empty()
    {
        return passed(&done, totals, log.clipped);
    }
    Outcome::Failed(Box::new(explain(failed, &mut log, known)))
}

/// Whether nothing outside of the steps says that something failed.
fn is_silent(hits: &Hits) -> bool {
    hits.cause.is_none() && hits.error.is_none()
}

fn first_offset(hits: &Hits) -> u64 {
    let all = [&hits.cause, &hits.error, &hits.suspect, &hits.consequence];
    let offsets = all.into_iter().flatten().map(|hit| hit.offset);
    offsets.min().unwrap_or(u64::MAX)
}

fn passed(done: &[(u32, Step)], totals: &Totals, clipped: bool) -> Outcome {
    let masked = done.iter().filter_map(|(_, step)| {
        let hit = step.hits.cause.as_ref()?;
        Some(hit.brief(step.place.as_ref().map(short_name)))
    });
    Outcome::Nothing(Passed {
        lines: totals.lines,
        masked: masked.take(MASKED).collect(),
        clipped,
    })
}

/// `build-stage 1/5`
fn short_name(place: &StepPlace) -> String {
    let stage = place.stage.as_deref().unwrap_or_default();
    match (place.index, place.of) {
        (Some(index), Some(of)) => format!("{stage} {index}/{of}").trim().to_owned(),
        _ => stage.to_owned(),
    }
}

/// The explanation of the first of the steps that failed.
fn explain(failed: Vec<(u32, Step)>, log: &mut Collector, known: &Known) -> Explanation {
    let mut failed = failed.into_iter().map(|(_, step)| step);
    let mut step = failed.next().unwrap_or_else(|| {
        let summary = log.summary.take();
        summary.unwrap_or_else(|| std::mem::take(&mut log.outside))
    });
    let others: Vec<Step> = failed.collect();
    let outside = std::mem::take(&mut log.outside);
    // What failed before anything ran is only told by the builder.
    if step.hits.is_empty() {
        step.hits = outside.hits;
    }
    step.place = step.place.or(outside.place);
    let said = step.said.as_deref().or(log.build_failed.as_deref());
    let exit_code = said.and_then(steps::exit_code);

    let hits = &step.hits;
    let mut explanation = Explanation {
        kind: "unknown".to_owned(),
        step: step.place.clone(),
        dockerfile: log.dockerfile.take(),
        exit_code,
        clipped: log.clipped,
        other_steps: others
            .iter()
            .filter_map(|step| step.place.clone())
            .collect(),
        ..Explanation::default()
    };
    // That it failed is no reason.
    let chosen = choose(hits).filter(|hit| hit.rule.id != "step-failed");
    match chosen {
        Some(hit) => tell(&mut explanation, hit, &step, &others),
        None => unknown(&mut explanation, &step, said),
    }
    if let Some(reason) = chosen.and_then(|hit| hit.rule.refusal) {
        // The builder names the image at its very end, the engine before it begins.
        registry::name(
            log.build_failed.as_deref().unwrap_or_default(),
            &mut explanation.facts,
        );
        registry::tell(&mut explanation, reason, known);
    }
    if log.clipped {
        explanation.notes.push(
            "BuildKit left out part of what was printed (`[output clipped …]`): the first error may \
             be there"
                .to_owned(),
        );
    }
    if !log.not_found.is_empty()
        && ["compiler", "linker", "cmake"].contains(&explanation.kind.as_str())
    {
        explanation.notes.push(format!(
            "CMake said before that it did not find: {}",
            log.not_found.join(", ")
        ));
    }
    // CMake's own message does not say which.
    if explanation.rule.as_deref() == Some("pkg-config")
        && let Some(package) = log.not_found.last()
    {
        let facts = &mut explanation.facts;
        facts
            .entry("pkg_config".to_owned())
            .or_insert_with(|| package.clone());
    }
    advice::complete(&mut explanation, chosen, known);
    explanation
}

/// The first cause among all that a step said.
fn choose(hits: &Hits) -> Option<&Hit> {
    let chosen = hits
        .cause
        .as_ref()
        .or(hits.error.as_ref())
        .or(hits.suspect.as_ref())
        .or(hits.consequence.as_ref())?;
    let reasons = &chosen.rule.because;
    let earlier = hits.firsts.values().filter(|first| {
        let is_reason = |reason: &String| *reason == first.rule.id || *reason == first.rule.group;
        first.offset < chosen.offset && reasons.iter().any(is_reason)
    });
    earlier.min_by_key(|first| first.offset).or(Some(chosen))
}

fn tell(explanation: &mut Explanation, hit: &Hit, step: &Step, others: &[Step]) {
    let hits = &step.hits;
    explanation.kind.clone_from(&hit.rule.group);
    explanation.rule = Some(hit.rule.id.clone());
    explanation.message.clone_from(&hit.message);
    explanation.place.clone_from(&hit.place);
    explanation.excerpt.clone_from(&hit.excerpt);
    explanation.chain.clone_from(&hit.chain);
    explanation.log_line = Some(hit.number).filter(|number| *number > 0);
    explanation.facts = facts(hit, hits);
    explanation.target = target(hit, &hits.targets);
    explanation.hidden = hidden(hit, hits);
    explanation.advice.extend(hit.help.iter().cloned());
    explanation.advice.extend(hits.help.iter().cloned());
    explanation.other_errors = hits.other_errors;
    explanation.others.clone_from(&hits.others);
    for other in others {
        let name = other.place.as_ref().map(short_name);
        if let Some(hit) = choose(&other.hits) {
            explanation.other_errors += 1 + other.hits.other_errors;
            explanation.others.push(hit.brief(name));
        }
    }
    let is_consequence = hits
        .consequence
        .as_ref()
        .is_some_and(|first| first.offset == hit.offset);
    if is_consequence {
        explanation.notes.push(
            "this only follows from an error that the log does not hold: read the whole log of the \
             step"
            .to_owned(),
        );
        explanation.excerpt.clone_from(&step.tail);
    }
}

/// What is named: by the cause itself, else by what followed from it.
fn facts(hit: &Hit, hits: &Hits) -> BTreeMap<String, String> {
    let mut facts = hits.facts.clone();
    facts.remove("target");
    facts.extend(hit.facts.clone());
    facts
}

/// What was being made: the target that names the file at fault, else the first that failed.
fn target(hit: &Hit, targets: &[Target]) -> Option<String> {
    let mut files = hit.chain.iter().filter_map(|frame| frame.place.as_ref());
    let own = hit.place.as_ref();
    let names: Vec<&str> = own
        .into_iter()
        .chain(files.by_ref())
        .filter_map(|place| place.file.rsplit('/').next())
        .collect();
    let named = targets.iter().find(|target| {
        let object = target.name.rsplit('/').next().unwrap_or_default();
        names.iter().any(|name| object.starts_with(name))
    });
    // One that came before belongs to it when the builder names targets first.
    let after = targets.iter().find(|target| target.offset > hit.offset);
    let found = named.or(after).or(targets.first())?;
    Some(found.name.clone())
}

fn hidden(hit: &Hit, hits: &Hits) -> Hidden {
    let mut hidden = hits.hidden.clone();
    let is_hidden = |kept: &Hit| kept.offset != hit.offset;
    if let Some(first) = hits.consequence.as_ref()
        && !is_hidden(first)
    {
        hidden.count = hidden.count.saturating_sub(1);
        hidden.examples.retain(|example| *example != first.message);
    }
    // What was the cause until its reason was found.
    if let Some(cause) = hits.cause.as_ref().filter(|cause| is_hidden(cause)) {
        hidden.count += 1;
        hidden.examples.insert(0, cause.message.clone());
    }
    hidden
}

/// No rule knows it: the builder's words, and the last lines before.
fn unknown(explanation: &mut Explanation, step: &Step, said: Option<&str>) {
    explanation.message = said.unwrap_or("the build failed").to_owned();
    explanation.excerpt.clone_from(&step.tail);
    explanation
        .notes
        .push("no rule knows what was printed; above are the last lines of the step".to_owned());
}
