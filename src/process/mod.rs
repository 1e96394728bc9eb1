//! The door to child processes: argument vectors only, never a shell string.

mod interrupt;
mod invocation;

pub use interrupt::{interrupted, watch_for_interrupts};
pub use invocation::{Finished, Invocation};
