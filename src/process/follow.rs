//! Watching a child while it runs: what it prints, line by line, and the time that passes.

use std::io::{BufRead, BufReader, Read};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process::Invocation;
use crate::process::interrupt;

/// How many lines may wait for a slow reader before the child has to.
const WAITING: usize = 4096;

/// What happens while a child is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A line of its standard output, without its end.
    Output(Vec<u8>),
    /// A line of its standard error, likewise.
    Talk(Vec<u8>),
    /// Nothing was printed for a while.
    Silence,
}

impl Invocation {
    /// Runs the child and tells `each` what happens: every line in the order of its stream, and
    /// silence when there was no line for `pause`. Gives the exit status.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started; `Interrupted` when the person stopped it,
    /// after all that it still said was told.
    pub fn follow(
        &self,
        printer: &Printer,
        pause: Duration,
        mut each: impl FnMut(Happening),
    ) -> Result<ExitStatus> {
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        printer.verbose(format_args!("$ {self}"));
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(&mut command)?;
        let feeder = self.feed(&mut child);
        let (sender, receiver) = sync_channel(WAITING);
        lines(child.stdout.take(), sender.clone(), Happening::Output);
        lines(child.stderr.take(), sender, Happening::Talk);
        loop {
            match receiver.recv_timeout(pause) {
                Ok(happening) => each(happening),
                Err(RecvTimeoutError::Timeout) => each(Happening::Silence),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.end(child, feeder)
    }
}

/// Sends the lines of a stream, from a thread of its own.
fn lines(
    stream: Option<impl Read + Send + 'static>,
    sender: SyncSender<Happening>,
    happening: fn(Vec<u8>) -> Happening,
) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            // What could be read until a failure is what there is.
            if !matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
                return;
            }
            if line.ends_with(b"\n") {
                line.pop();
            }
            if sender.send(happening(line)).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Color, Format};

    #[test]
    fn lines_of_both_streams_are_told_as_they_come_and_so_is_silence() {
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        let script = "echo one; echo two >&2; sleep 0.3; printf 'three\\n\\nend'; exit 7";
        let mut told = Vec::new();
        let status = Invocation::new("sh")
            .args(["-c", script])
            .follow(&printer, Duration::from_millis(20), |happening| {
                told.push(happening);
            })
            .expect("it runs");
        assert_eq!(status.code(), Some(7));
        assert!(told.contains(&Happening::Silence));
        assert!(told.contains(&Happening::Talk(b"two".to_vec())));
        told.retain(|happening| matches!(happening, Happening::Output(_)));
        let output = ["one", "three", "", "end"];
        assert_eq!(told, output.map(|line| Happening::Output(line.into())));
    }

    #[test]
    fn a_child_that_prints_much_is_heard_to_the_end() {
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        let mut lines = 0;
        Invocation::new("seq")
            .arg("100000")
            .follow(&printer, Duration::from_secs(60), |_| lines += 1)
            .expect("it runs");
        assert_eq!(lines, 100_000);
    }
}
