//! How a command ended and what it printed, for every test program.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

/// How many lines of what a command printed a failed test shows: why it failed stands at its end,
/// and whoever reads the report of many tests has few lines for each.
const SHOWN: usize = 60;

/// How a command ended and what it printed.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The exit status; 128 + n when signal n ended it.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What a command printed, and how it ended.
    pub fn of(output: Output) -> Self {
        let by_signal = || 128 + output.status.signal().unwrap_or(0);
        Self {
            status: output.status.code().unwrap_or_else(by_signal),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(command: &mut Command) -> Self {
        Self::of(command.output().expect("the program starts"))
    }

    /// Asserts the exit status; shows what was printed when it is another.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            status,
            "\n--- stdout\n{}\n--- stderr\n{}",
            last_lines(&self.stdout),
            last_lines(&self.stderr)
        );
        self
    }

    /// Asserts that the data holds a text.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "{text:?} is not in stdout:\n{}",
            self.stdout
        );
        self
    }

    /// Asserts that there was no talk.
    #[track_caller]
    pub fn silent(self) -> Self {
        assert_eq!(self.stderr, "");
        self
    }

    /// Asserts that the talk holds a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "{text:?} is not in stderr:\n{}",
            self.stderr
        );
        self
    }

    /// Asserts that the talk does not hold a text.
    #[track_caller]
    pub fn keeps_quiet_about(self, text: &str) -> Self {
        assert!(
            !self.stderr.contains(text),
            "{text:?} is in stderr:\n{}",
            self.stderr
        );
        self
    }

    /// The data as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "{error}\n--- stdout\n{}\n--- stderr\n{}",
                self.stdout, self.stderr
            )
        })
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(SHOWN);
    let shown = lines[left_out..].join("\n");
    match left_out {
        0 => shown,
        left_out => format!("(and {left_out} lines before)\n{shown}"),
    }
}
