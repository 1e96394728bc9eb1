//! How far a long work is: one line that changes, on a terminal; nothing elsewhere.

use std::time::Instant;

use crate::output::{Live, Printer};

/// The line.
#[derive(Debug)]
pub struct Progress {
    live: Option<Live>,
    began: Instant,
}

impl Progress {
    /// A line that changes if `wanted`, standard error is a terminal and the person is not deaf.
    pub fn new(printer: &Printer, wanted: bool) -> Self {
        Self {
            live: wanted.then(|| Live::new(printer)).flatten(),
            began: Instant::now(),
        }
    }

    /// Whether there is such a line; otherwise what is done is better said line by line.
    pub fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Shows how many things of how many are done, and how many bytes.
    pub fn show(&mut self, verb: &str, done: usize, all: usize, bytes: u64) {
        let Some(live) = self.live.as_mut().filter(|live| live.is_due()) else {
            return;
        };
        let seconds = self.began.elapsed().as_secs_f64().max(0.1);
        let rate = bytes as f64 / seconds;
        let verb = console::style(format!("{verb:>12}"))
            .cyan()
            .bold()
            .for_stderr();
        live.show(&[format!(
            "{verb} {done} of {all} files, {}, {}/s",
            amount(bytes as f64),
            amount(rate)
        )]);
    }

    /// Takes the line away, so that something else can be said.
    pub fn clear(&mut self) {
        if let Some(live) = &mut self.live {
            live.clear();
        }
    }
}

/// A number of bytes as people say it.
pub fn amount(bytes: f64) -> String {
    if bytes < 1e6 {
        format!("{:.0} kB", bytes / 1e3)
    } else if bytes < 1e9 {
        format!("{:.1} MB", bytes / 1e6)
    } else {
        format!("{:.2} GB", bytes / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_as_people_do() {
        let said = [0.0, 999_400.0, 1_500_000.0, 2_340_000_000.0].map(amount);
        assert_eq!(said, ["0 kB", "999 kB", "1.5 MB", "2.34 GB"]);
    }
}
