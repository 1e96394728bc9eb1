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
mod rules;
mod steps;

use std::io;

pub use explanation::{
    Brief, DeclaredAt, DockerfileLine, Explanation, Frame, Hidden, Look, Outcome, Passed, Spot,
    StepPlace,
};

/// Reads a log to its end and says why the build failed, if it did.
///
/// The log may be what BuildKit prints with `--progress plain`, its summary alone, what one tool
/// printed, or any of these in the log of a CI; bytes that are no text do no harm.
///
/// # Errors
/// When the log cannot be read.
pub fn explain(log: impl io::Read) -> io::Result<Outcome> {
    let mut collector = collector::Collector::default();
    let totals = log::scan(log, &rules::book().signals, |window, line| {
        collector.line(window, line);
    })?;
    Ok(cause::outcome(collector, &totals))
}

#[cfg(test)]
#[path = "../../../tests/failures/cases.rs"]
mod cases;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
