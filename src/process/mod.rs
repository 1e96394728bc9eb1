//! The door to child processes: argument vectors only, never a shell string.

mod background;
mod follow;
mod foreground;
mod interrupt;
mod invocation;
mod shown;

pub use background::Background;
pub use follow::Happening;
pub use foreground::Foreground;
pub use interrupt::{interrupted, watch_for_interrupts};
pub use invocation::{Finished, Invocation, quote};
