//! A child whose progress is shown while what it complains of is kept.

use std::io::Read;
use std::process::Stdio;

use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process::interrupt;
use crate::process::{Finished, Invocation};

impl Invocation {
    /// Runs the child with our own standard error for its output, so that a program which draws
    /// its progress on a terminal does, and keeps what it says on standard error.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started, `Interrupted` when the person stopped it.
    pub fn show_progress(&self, printer: &Printer) -> Result<Finished> {
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        printer.verbose(format_args!("$ {self}"));
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .stderr(Stdio::piped());
        let mut child = self.spawn(&mut command)?;
        let feeder = self.feed(&mut child);
        let mut stderr = Vec::new();
        if let Some(mut talk) = child.stderr.take() {
            // What could be read until a failure is what there is.
            let _ = talk.read_to_end(&mut stderr);
        }
        Ok(Finished {
            status: self.end(child, feeder)?,
            stdout: Vec::new(),
            stderr,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Color, Format};

    #[test]
    fn complaints_are_kept_and_the_rest_is_shown() {
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        let script = "echo progress; echo denied >&2; exit 3";
        let finished = Invocation::new("sh")
            .args(["-c", script])
            .show_progress(&printer)
            .expect("it runs");
        assert_eq!(
            (finished.status.code(), finished.talk()),
            (Some(3), "denied".into())
        );
        assert!(finished.stdout.is_empty());
    }
}
