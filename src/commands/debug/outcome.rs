//! What came out of one more run of a step.

use crate::commands::debug::written::Origin;
use crate::files::Scratch;

/// How a failed state is had again: by building what led to it, which the build's cache has.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// The service that is built.
    pub service: String,
    /// The platform.
    pub platform: String,
    /// Build arguments of that build alone.
    pub build_args: Vec<String>,
    /// The derived Dockerfile up to the state.
    pub state: String,
    /// The Dockerfile that it was derived from.
    pub dockerfile: String,
    /// Whose triggers were written out in it first.
    #[serde(default)]
    pub triggers: Option<Origin>,
    /// The step, as the index of its instruction there.
    pub instruction: usize,
}

/// How much could be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// The file system as the step left it.
    After,
    /// That before the step, which runs no command of its own or could not be begun.
    Before,
    /// Only what the builder said.
    Log,
}

/// What came out.
pub struct Outcome {
    /// The instruction, as its index.
    pub instruction: usize,
    /// The exit status of the step's command, where it has one.
    pub status: Option<i32>,
    /// Why the step failed, in the builder's words, where it was not wrapped.
    pub message: Option<String>,
    /// What could be looked at.
    pub seen: Seen,
    /// Other steps that failed at the same time.
    pub others: Vec<String>,
    /// What was collected.
    pub directory: Scratch,
    /// How the failed state is had again, where it is kept.
    pub kept: Option<Kept>,
}

impl Outcome {
    /// Whether the step failed again.
    pub fn failed(&self) -> bool {
        self.message.is_some() || self.status.is_some_and(|status| status != 0)
    }
}
