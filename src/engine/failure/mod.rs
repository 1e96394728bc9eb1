//! Why a build failed, from its log alone.
//!
//! The log is read once, in blocks: a search for a few dozen words finds the lines that may matter,
//! and only these are looked at. What they mean stands in `rules.yaml`; what is needed of a line's
//! neighbourhood (a chain of includes, a traceback) is at hand in the block. What is kept does not
//! grow with the log.

mod advice;
mod cause;
mod collector;
mod explanation;
mod finding;
mod hits;
mod log;
mod prefix;
mod refusal;
mod registry;
mod rules;
mod steps;

use std::io;

pub use explanation::{
    Brief, DeclaredAt, DockerfileLine, Explanation, Frame, Hidden, Look, Outcome, Passed, Spot,
    StepPlace,
};
pub use refusal::{Refusal, refusal};
pub use registry::Known;

/// Reads a log to its end and says why the build failed, if it did.
///
/// The log may be what BuildKit prints with `--progress plain`, its summary alone, what one tool
/// printed, or any of these in the log of a CI; bytes that are no text do no harm.
///
/// # Errors
/// When the log cannot be read.
pub fn explain(log: impl io::Read) -> io::Result<Outcome> {
    let known = Known::default();
    let mut log = refusal::WithEnd::new(log);
    let mut collector = collector::Collector::default();
    let totals = log::scan(&mut log, &rules::book().signals, |window, line| {
        collector.line(window, line);
    })?;
    let has_steps = collector.numbered;
    let outcome = cause::outcome(collector, &totals, &known);
    if has_steps || !outcome.may_be_refused() {
        return Ok(outcome);
    }
    // What the engine's command line says itself has none of the words that are looked for.
    let Some((mut refused, behind)) = refusal::first(log.end(), &known) else {
        return Ok(outcome);
    };
    refused.log_line = totals.lines.checked_sub(behind);
    if let Outcome::Failed(explanation) = outcome {
        refused.step = explanation.step;
    }
    Ok(Outcome::Failed(Box::new(refused)))
}

#[cfg(test)]
#[path = "../../../tests/failures/cases.rs"]
mod cases;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
