//! A child that has our place: streams, terminal and signals are its own.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use crate::error::{Error, Result};
use crate::process::interrupt;

/// What shells add to the number of the signal that ended a command.
const KILLED: i32 = 128;

/// A child in our process group, with our streams. What a terminal sends (Ctrl-C, Ctrl-Z, a new
/// size) reaches the whole group; what is sent to this process alone is passed on.
#[derive(Debug)]
pub struct Foreground {
    child: Child,
}

impl Foreground {
    pub(super) fn new(child: Child) -> Self {
        interrupt::give_way_to(child.id());
        Self { child }
    }

    /// Waits for the child's end and gives its exit status, 128+n when signal n killed it.
    ///
    /// # Errors
    /// When the system refuses to say.
    pub fn wait(mut self) -> Result<u8> {
        let ended = self.child.wait();
        interrupt::set_child(None);
        let status =
            ended.map_err(|source| Error::failed("cannot wait for a process").because(source))?;
        let status = status
            .code()
            .or_else(|| status.signal().map(|signal| KILLED + signal));
        Ok(status
            .and_then(|status| u8::try_from(status).ok())
            .unwrap_or(1))
    }
}
