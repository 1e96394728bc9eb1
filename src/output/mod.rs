//! The door to the terminal: data goes to stdout, talk goes to stderr.

mod age;
mod diagnostic;
mod live;
mod progress;
mod table;

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::secrets::redact;

pub use age::age;
pub use live::Live;
pub use progress::{Progress, amount};
pub use table::{Table, megabytes};

/// How reports are printed on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Tables and text for people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// For a pull request: `envtpl diff` alone knows it, so only its help tells.
    #[value(hide = true)]
    Markdown,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Prints data on stdout and talk on stderr, as loud as the person asked.
#[derive(Debug, Clone)]
pub struct Printer {
    format: Format,
    quiet: bool,
    verbosity: u8,
}

/// The error for data that could not be written to stdout.
pub fn cannot_print(source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::BrokenPipe => {
            Error::new(Kind::ClosedPipe, "the reader closed the pipe")
        }
        _ => Error::failed("cannot write to standard output").because(source),
    }
}

impl Printer {
    /// A printer for the given output format; `quiet` drops everything but warnings and errors,
    /// `verbosity` counts `-v`.
    pub fn new(format: Format, color: Color, quiet: bool, verbosity: u8) -> Self {
        let forced = match color {
            Color::Auto => None,
            Color::Always => Some(true),
            Color::Never => Some(false),
        };
        if let Some(forced) = forced {
            console::set_colors_enabled(forced);
            console::set_colors_enabled_stderr(forced);
        } else if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            console::set_colors_enabled(false);
            console::set_colors_enabled_stderr(false);
        }
        Self {
            format,
            quiet,
            verbosity,
        }
    }

    /// The format that reports are asked for in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether only warnings and errors are wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// How often `-v` was given.
    pub fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// Whether a person can answer questions: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Writes data to stdout, exactly as given.
    ///
    /// # Errors
    /// [`Kind::ClosedPipe`] when the reader is gone, [`Kind::Failed`] when writing fails otherwise.
    pub fn data(&self, text: impl AsRef<[u8]>) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        stdout
            .write_all(text.as_ref())
            .and_then(|()| stdout.flush())
            .map_err(cannot_print)
    }

    /// Writes all that a reader has to stdout.
    ///
    /// # Errors
    /// As [`Self::data`]; `Failed` when it cannot be read.
    pub fn copy(&self, mut from: impl std::io::Read) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        std::io::copy(&mut from, &mut stdout)
            .and_then(|_| stdout.flush())
            .map_err(cannot_print)
    }

    /// Writes one JSON document and a newline to stdout.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn json(&self, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|source| Error::failed("cannot print the report as JSON").because(source))?;
        text.push('\n');
        self.data(text)
    }

    /// Prints a report: as JSON or, for people, whatever `human` makes of it.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn report<T: Serialize>(&self, value: &T, human: impl FnOnce(&T) -> String) -> Result<()> {
        match self.format {
            Format::Json => self.json(value),
            Format::Human | Format::Markdown => self.data(human(value)),
        }
    }

    /// Says what was done: an aligned verb and its object, on stderr, unless quiet.
    pub fn status(&self, verb: &str, object: impl std::fmt::Display) {
        if !self.quiet {
            let verb = console::style(format!("{verb:>12}"))
                .green()
                .bold()
                .for_stderr();
            self.talk(format_args!("{verb} {object}"));
        }
    }

    /// Says something on stderr, unless quiet.
    pub fn note(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.talk(format_args!("{text}"));
        }
    }

    /// Says something on stderr if `-v` was given.
    pub fn verbose(&self, text: impl std::fmt::Display) {
        if self.verbosity > 0 {
            self.talk(format_args!("{text}"));
        }
    }

    /// Warns on stderr, also when quiet.
    pub fn warn(&self, text: impl std::fmt::Display) {
        let label = console::style("warning:").yellow().bold().for_stderr();
        self.talk(format_args!("{label} {text}"));
    }

    /// Says more about the warning before it, also when quiet.
    pub fn warn_more(&self, text: impl std::fmt::Display) {
        self.talk(format_args!("{text}"));
    }

    /// Warns of an error that does not end the command, with its next steps.
    pub fn warn_about(&self, error: &Error) {
        self.warn(error);
        for help in error.helps() {
            self.help(help);
        }
    }

    /// Gives a next step on stderr, also when quiet; it belongs to the warning before it.
    pub fn help(&self, text: impl std::fmt::Display) {
        let label = console::style("help:").cyan().bold().for_stderr();
        self.talk(format_args!("   {label} {text}"));
    }

    /// Gives the person a secret that is theirs, such as a link with a token, on stderr, as it is
    /// and also when quiet.
    pub fn hand_over(&self, text: impl std::fmt::Display) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Prints an error with its place, causes and next steps on stderr.
    pub fn error(&self, error: &Error) {
        if error.kind() != Kind::ClosedPipe {
            self.talk(format_args!("{}", diagnostic::render(error)));
        }
    }

    /// No address shows a secret, wherever the text came from: a child may have said it.
    /// Nothing useful can be done when stderr is closed, so such failures are dropped.
    fn talk(&self, text: std::fmt::Arguments<'_>) {
        let text = redact(&text.to_string());
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}
