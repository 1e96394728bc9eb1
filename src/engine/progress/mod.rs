//! What a build tells while it runs, and what is known of its steps.

mod event;
mod lines;
mod name;
mod plain;
mod replay;
mod steps;
mod stream;

pub use event::{Event, Vertex};
pub use lines::{PlainLines, timed};
pub use name::{StepName, without_options};
pub use plain::PlainLog;
pub use replay::Replay;
pub use steps::{Change, Step, Steps};
pub use stream::{Stream, Told};
