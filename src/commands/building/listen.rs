//! Hearing what a build tells while it runs.

use std::process::ExitStatus;
use std::time::Duration;

use crate::engine::progress::{Stream, Told};
use crate::error::Result;
use crate::output::Printer;
use crate::process::{Happening, Invocation};

/// How long a live display waits for something new.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs a build's command line, and hands over what it tells as it comes; nothing, where it has
/// nothing to tell for a moment.
///
/// # Errors
/// `NotReady` when the tool cannot be started; `Interrupted` when the person stopped it. A build
/// that fails is no error here.
pub fn listen(
    invocation: &Invocation,
    printer: &Printer,
    mut hear: impl FnMut(Vec<Told>),
) -> Result<ExitStatus> {
    let mut streams = [Stream::default(), Stream::default()];
    let status = invocation.follow(printer, PAUSE, |happening| {
        hear(match happening {
            Happening::Output(line) => streams[0].take(&line),
            Happening::Talk(line) => streams[1].take(&line),
            Happening::Silence => Vec::new(),
        });
    });
    let rest: Vec<Told> = streams.iter_mut().flat_map(Stream::end).collect();
    if !rest.is_empty() {
        hear(rest);
    }
    status
}
