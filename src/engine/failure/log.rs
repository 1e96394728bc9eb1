//! A log in blocks, and the lines of a block that hold a word worth looking at.

use std::io::{self, Read};
use std::ops::Range;

use super::prefix;
use super::rules::Signals;

/// How much is looked at in one go: what the processor's own memory holds beside the rest.
const BLOCK: usize = 128 << 10;
/// How much around a line is at hand when it is looked at, before and after.
const AROUND: usize = 32 << 10;
/// A longer line is looked at in its first part alone.
const LINE: usize = 8 << 10;

/// A line without what a terminal, a CI or BuildKit put round it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The number of BuildKit's step that printed it.
    pub step: Option<u32>,
    /// Whether seconds stand before it, as before all that is printed in a step; without a step in
    /// BuildKit's summary of the one that failed.
    pub timed: bool,
    /// Its text, indentation included.
    pub text: String,
    /// Where it is in the window.
    pub range: Range<usize>,
}

impl Line {
    /// Its text without indentation, and without the bars that pip and uv draw beside it.
    pub fn trimmed(&self) -> &str {
        trimmed(&self.text)
    }
}

/// A line's text without indentation and bars.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '│'])
}

/// What a log was, as a whole.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Totals {
    /// How many lines it has.
    pub lines: u64,
}

/// The part of the log that is at hand.
pub(super) struct Window<'a> {
    bytes: &'a [u8],
    /// The place of its first byte in the log.
    base: u64,
    /// Line breaks before `counted`.
    lines: u64,
    counted: usize,
}

impl<'a> Window<'a> {
    /// Where in the log something of this window is.
    pub fn offset(&self, at: usize) -> u64 {
        self.base + at as u64
    }

    /// The number of the line that begins at `at`, counted from 1.
    pub fn number(&self, at: usize) -> u64 {
        let (from, to) = (self.counted.min(at), self.counted.max(at));
        let breaks = memchr::memchr_iter(b'\n', &self.bytes[from..to]).count() as u64;
        let number = if at >= self.counted {
            self.lines + breaks
        } else {
            self.lines.saturating_sub(breaks)
        };
        number + 1
    }

    /// The line round a byte. Carriage returns end a line as well, as they do on a terminal.
    pub fn line(&self, at: usize) -> Line {
        let start = memchr::memrchr2(b'\n', b'\r', &self.bytes[..at]).map_or(0, |found| found + 1);
        self.line_from(start)
    }

    fn line_from(&self, start: usize) -> Line {
        let rest = &self.bytes[start..];
        let end = start + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let mut line = prefix::strip(&self.bytes[start..end.min(start + LINE)]);
        if line.step.is_none() && start > 0 && self.bytes[start - 1] == b'\r' {
            line.step = self.step_before(start);
        }
        line.range = start..end;
        line
    }

    /// The step of what was on the terminal's line before a carriage return.
    fn step_before(&self, at: usize) -> Option<u32> {
        let before = &self.bytes[at.saturating_sub(LINE)..at];
        let start = memchr::memrchr(b'\n', before).map_or(0, |found| found + 1);
        let first = &before[start..];
        let end = memchr::memchr(b'\r', first).unwrap_or(first.len());
        prefix::strip(&first[..end]).step
    }

    /// What the same step printed after a line, as far as it is at hand.
    pub fn after(&self, line: &Line) -> impl Iterator<Item = Line> + use<'a, '_> {
        let step = line.step;
        let mut at = line.range.end;
        std::iter::from_fn(move || {
            if at >= self.bytes.len() {
                return None;
            }
            let next = self.line_from(at + 1);
            at = next.range.end;
            Some(next)
        })
        // A carriage return before the line break makes an empty line of its own.
        .filter(|line| !line.range.is_empty() || !self.follows_return(line.range.start))
        .filter(move |line| line.step == step)
        .take(400)
    }

    /// What the same step printed before a line, backwards.
    pub fn before(&self, line: &Line) -> impl Iterator<Item = Line> + use<'a, '_> {
        let step = line.step;
        let mut at = line.range.start;
        std::iter::from_fn(move || {
            let end = at.checked_sub(1)?;
            let previous = self.line(end);
            at = previous.range.start;
            Some(previous)
        })
        .filter(|line| !line.range.is_empty() || !self.follows_return(line.range.start))
        .filter(move |line| line.step == step)
        .take(400)
    }

    fn follows_return(&self, at: usize) -> bool {
        at > 0 && self.bytes[at - 1] == b'\r'
    }
}

/// Reads a log to its end and gives each line that holds a signal to `look`, in order.
///
/// # Errors
/// When it cannot be read.
pub(super) fn scan(
    mut log: impl Read,
    signals: &Signals,
    mut look: impl FnMut(&Window<'_>, Line),
) -> io::Result<Totals> {
    let mut buffer = vec![0; BLOCK + 2 * AROUND];
    let (mut filled, mut begin) = (0, 0);
    let (mut base, mut lines) = (0, 0);
    let mut last = b'\n';
    loop {
        let ended = fill(&mut log, &mut buffer, &mut filled)?;
        let bytes = &buffer[..filled];
        last = bytes.last().copied().unwrap_or(last);
        let end = if ended { filled } else { cut(bytes, begin) };
        let mut window = Window {
            bytes,
            base,
            lines,
            counted: begin,
        };
        let mut at = begin;
        while let Some(found) = signals.find(bytes, at..end) {
            let line = window.line(found);
            at = line.range.end.max(found + 1);
            look(&window, line);
        }
        window.lines += memchr::memchr_iter(b'\n', &bytes[begin..end]).count() as u64;
        lines = window.lines;
        if ended {
            let unended = u64::from(last != b'\n');
            return Ok(Totals {
                lines: lines + unended,
            });
        }
        let keep = end.saturating_sub(AROUND);
        buffer.copy_within(keep..filled, 0);
        filled -= keep;
        begin = end - keep;
        base += keep as u64;
    }
}

/// Fills the buffer as far as it goes; gives whether the log has ended.
fn fill(log: &mut impl Read, buffer: &mut [u8], filled: &mut usize) -> io::Result<bool> {
    while *filled < buffer.len() {
        match log.read(&mut buffer[*filled..]) {
            Ok(0) => return Ok(true),
            Ok(count) => *filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Where the lines end that have enough behind them.
fn cut(bytes: &[u8], begin: usize) -> usize {
    let most = bytes.len() - AROUND;
    memchr::memrchr(b'\n', &bytes[begin..most]).map_or(most, |found| begin + found + 1)
}
