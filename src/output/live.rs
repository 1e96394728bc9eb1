//! Several lines at the end of a terminal that change while something goes on.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::output::Printer;
use crate::secrets::redact;

/// Between two changes; faster is not read.
const STEP: Duration = Duration::from_millis(100);

/// The lines, on standard error.
#[derive(Debug)]
pub struct Live {
    shown: usize,
    last: Option<Instant>,
}

impl Live {
    /// The lines, if standard error is a terminal and the person wants to hear.
    pub fn new(printer: &Printer) -> Option<Self> {
        let live = !printer.is_quiet() && std::io::stderr().is_terminal();
        live.then_some(Self {
            shown: 0,
            last: None,
        })
    }

    /// Whether it is time for new lines.
    pub fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= STEP)
    }

    /// How many columns a line has.
    pub fn width(&self) -> usize {
        usize::from(console::Term::stderr().size().1).saturating_sub(1)
    }

    /// Puts these lines in the place of those before, each cut to the terminal's width, and no
    /// more than it is high.
    pub fn show(&mut self, lines: &[String]) {
        self.last = Some(Instant::now());
        let (rows, width) = (console::Term::stderr().size().0, self.width());
        let lines = &lines[..lines.len().min(usize::from(rows).saturating_sub(1))];
        let mut text = self.back();
        for line in lines {
            let line = redact(line);
            let line = console::truncate_str(&line, width, "…");
            text.push_str(&line);
            text.push('\n');
        }
        self.shown = lines.len();
        // Nothing useful can be done when stderr is closed.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Takes the lines away, so that something can be said in their place.
    pub fn clear(&mut self) {
        let text = self.back();
        self.shown = 0;
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// What brings a terminal to the first of the lines, and removes them.
    fn back(&self) -> String {
        match self.shown {
            0 => String::new(),
            lines => format!("\r\x1b[{lines}A\x1b[J"),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}
