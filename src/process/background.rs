//! A child that may outlive this process.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Between two looks at the child; short against anything a person notices.
const STEP: Duration = Duration::from_millis(10);

/// A child in a process group of its own: Ctrl-C in our terminal does not reach it.
#[derive(Debug)]
pub struct Background {
    child: Child,
}

impl Background {
    pub(super) fn new(child: Child) -> Self {
        Self { child }
    }

    /// Waits for the child's end, no longer than `limit`; `None` when it goes on.
    ///
    /// # Errors
    /// When the system refuses to say.
    pub fn wait_for(mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let ended = self
                .child
                .try_wait()
                .map_err(|source| Error::failed("cannot wait for a process").because(source))?;
            if ended.is_some() || Instant::now() >= deadline {
                return Ok(ended);
            }
            std::thread::sleep(STEP);
        }
    }
}
