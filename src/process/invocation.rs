//! One child process: program, arguments, environment, and the ways to run it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process::background::Background;
use crate::process::foreground::Foreground;
use crate::process::interrupt;
use crate::secrets::{redact_command, redact_value};

/// A program with its arguments, as it will be run.
#[derive(Debug, Clone)]
pub struct Invocation {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    secrets: Vec<(OsString, OsString)>,
    without: Vec<OsString>,
    directory: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
}

/// How a child ended, and what it printed.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// Standard output as text, without the final newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Standard error as text, without the final newline.
    pub fn talk(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim_end().to_owned()
    }
}

impl Invocation {
    /// A program, found on `PATH` unless it contains a slash.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            secrets: Vec::new(),
            without: Vec::new(),
            directory: None,
            stdin: None,
        }
    }

    /// Appends one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Appends arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    /// Sets an environment variable for the child.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable whose value is shown to nobody.
    pub fn secret_env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.secrets
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Takes an environment variable away from the child.
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.without.push(name.as_ref().to_owned());
        self
    }

    /// Sets the directory that the child starts in.
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// Feeds the child's standard input; without it the child has ours.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The program's name.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The arguments.
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Runs the child and keeps what it prints. A failing status is not an error here.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started, `Interrupted` when the person stopped it.
    pub fn capture(&self, printer: &Printer) -> Result<Finished> {
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        let finished = self.capture_even_when_interrupted(printer)?;
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        Ok(finished)
    }

    /// As [`Self::capture`], also after Ctrl-C: for cleaning up.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started.
    pub fn capture_even_when_interrupted(&self, printer: &Printer) -> Result<Finished> {
        printer.verbose(format_args!("$ {self}"));
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.stdin.is_none() {
            command.stdin(Stdio::null());
        }
        let mut child = self.spawn(&mut command)?;
        let feeder = self.feed(&mut child);
        let output = child.wait_with_output();
        interrupt::set_child(None);
        feeder.join().ok();
        let output = output.map_err(|source| self.cannot_run(source))?;
        Ok(Finished {
            status: output.status,
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    /// Runs the child and gives its standard output as text.
    ///
    /// # Errors
    /// As [`Self::capture`]; a failing status is an error that carries what the child said.
    pub fn read(&self, printer: &Printer) -> Result<String> {
        let finished = self.capture(printer)?;
        if finished.status.success() {
            Ok(finished.text())
        } else {
            Err(self.failure(finished.status, &finished.talk()))
        }
    }

    /// As [`Self::read`], no longer than `limit`; then the child is killed. What the child itself
    /// started may go on for a while, and is not waited for.
    ///
    /// # Errors
    /// As [`Self::read`], and when there is no answer in time.
    pub fn read_within(&self, printer: &Printer, limit: Duration) -> Result<String> {
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        printer.verbose(format_args!("$ {self}"));
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.stdin.is_none() {
            command.stdin(Stdio::null());
        }
        let deadline = Instant::now() + limit;
        let mut child = self.spawn(&mut command)?;
        self.feed(&mut child);
        let (stdout, stderr) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
        let read = [stdout, stderr]
            .map(|stream| stream.recv_timeout(deadline.saturating_duration_since(Instant::now())));
        if read.iter().any(std::result::Result::is_err) {
            // It may have ended by itself by now.
            let _ = child.kill();
        }
        let status = child.wait();
        interrupt::set_child(None);
        let status = status.map_err(|source| self.cannot_run(source))?;
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        match read {
            [Ok(stdout), Ok(stderr)] => {
                let finished = Finished {
                    status,
                    stdout,
                    stderr,
                };
                match status.success() {
                    true => Ok(finished.text()),
                    false => Err(self.failure(status, &finished.talk())),
                }
            }
            _ => {
                let program = self.program.to_string_lossy();
                let seconds = limit.as_secs_f64();
                Err(Error::failed(format!(
                    "`{program}` gave no answer within {seconds} seconds"
                ))
                .help(format!("the command was: {self}")))
            }
        }
    }

    /// Runs the child with our own standard error for both of its output streams, since what it
    /// says is talk and not our data, and gives its exit status.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started, `Interrupted` when the person stopped it.
    pub fn stream_to_stderr(&self, printer: &Printer) -> Result<ExitStatus> {
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        printer.verbose(format_args!("$ {self}"));
        let mut command = self.command();
        command.stdout(std::io::stderr());
        let mut child = self.spawn(&mut command)?;
        let feeder = self.feed(&mut child);
        self.end(child, feeder)
    }

    /// Starts the child without any of our streams and lets it run.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started.
    pub fn start_in_background(&self, printer: &Printer) -> Result<Background> {
        printer.verbose(format_args!("$ {self} &"));
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let child = command.spawn().map_err(|source| self.cannot_run(source))?;
        Ok(Background::new(child))
    }

    /// Runs the child in this process's place: it has our streams, our terminal and our process
    /// group, and signals that are sent to us alone reach it. Gives its exit status, 128+n when
    /// signal n killed it. Ctrl-C is the child's business, so that it is no interruption here.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started.
    pub fn run_in_foreground(&self, printer: &Printer) -> Result<u8> {
        self.start_in_foreground(printer)?.wait()
    }

    /// Starts a child as [`Self::run_in_foreground`] does, for a caller that has something to do
    /// while it runs.
    ///
    /// # Errors
    /// `NotReady` when the program cannot be started.
    pub fn start_in_foreground(&self, printer: &Printer) -> Result<Foreground> {
        printer.verbose(format_args!("$ {self}"));
        let mut command = self.command();
        let child = command.spawn().map_err(|source| self.cannot_run(source))?;
        Ok(Foreground::new(child))
    }

    /// Becomes the program: terminal, signals and exit status are then its own.
    /// Returns only if that fails.
    pub fn replace_this_process(&self, printer: &Printer) -> Error {
        printer.verbose(format_args!("$ {self}"));
        self.cannot_run(self.command().exec())
    }

    /// The error for a child that ended badly, with what it said as the cause.
    pub fn failure(&self, status: ExitStatus, talk: &str) -> Error {
        let program = self.program.to_string_lossy();
        let ended = match (status.code(), status.signal()) {
            (Some(code), _) => format!("`{program}` ended with exit status {code}"),
            (None, Some(signal)) => format!("`{program}` was killed by signal {signal}"),
            (None, None) => format!("`{program}` ended without an exit status"),
        };
        let error = Error::failed(ended).help(format!("the command was: {self}"));
        if talk.is_empty() {
            error
        } else {
            error.because(std::io::Error::other(talk.to_owned()))
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        for name in &self.without {
            command.env_remove(name);
        }
        let environment = self.environment.iter().chain(&self.secrets);
        command.envs(environment.map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if self.stdin.is_some() {
            command.stdin(Stdio::piped());
        }
        command
    }

    pub(super) fn spawn(&self, command: &mut Command) -> Result<Child> {
        let child = command.spawn().map_err(|source| self.cannot_run(source))?;
        interrupt::set_child(Some(child.id()));
        Ok(child)
    }

    /// Writes stdin from a thread of its own, so that a child which prints before it has read
    /// everything cannot block us.
    pub(super) fn feed(&self, child: &mut Child) -> JoinHandle<()> {
        let input = child.stdin.take().zip(self.stdin.clone());
        std::thread::spawn(move || {
            if let Some((mut pipe, bytes)) = input {
                // A child that ends without reading all of it is judged by its exit status.
                let _ = pipe.write_all(&bytes);
            }
        })
    }

    /// Waits for the end of a child whose output somebody else reads.
    pub(super) fn end(&self, mut child: Child, feeder: JoinHandle<()>) -> Result<ExitStatus> {
        let status = child.wait();
        interrupt::set_child(None);
        feeder.join().ok();
        let status = status.map_err(|source| self.cannot_run(source))?;
        if interrupt::interrupted() {
            return Err(Error::interrupted());
        }
        Ok(status)
    }

    fn cannot_run(&self, source: std::io::Error) -> Error {
        let program = self.program.to_string_lossy();
        let missing = source.kind() == std::io::ErrorKind::NotFound;
        let error = Error::not_ready(format!("cannot run `{program}`")).because(source);
        if missing {
            error.help(format!("install `{program}` or put it on PATH"))
        } else {
            error
        }
    }
}

/// What comes from a stream until its end, from a thread of its own: a stream may stay open longer
/// than its program runs, and nobody has to wait for it.
fn all_of(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What could be read until a failure is what there is.
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        // Nobody may wait for it any more.
        let _ = sender.send(bytes);
    });
    receiver
}

/// A line that can be pasted into a POSIX shell; what is secret in it is hidden.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(directory) = &self.directory {
            write!(f, "cd {} && ", quote(directory))?;
        }
        for (name, value) in &self.environment {
            let name = name.to_string_lossy();
            let value = redact_value(&name, &value.to_string_lossy());
            write!(f, "{name}={} ", quote(value))?;
        }
        for (name, _) in &self.secrets {
            write!(f, "{}=… ", name.to_string_lossy())?;
        }
        write!(f, "{}", quote(&self.program))?;
        let arguments: Vec<_> = self
            .arguments
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        for argument in redact_command(arguments.iter().map(|word| &**word)) {
            write!(f, " {}", quote(argument))?;
        }
        Ok(())
    }
}

/// Quotes one word for a POSIX shell.
pub fn quote(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Color, Format};

    fn printer() -> Printer {
        Printer::new(Format::Human, Color::Never, true, 0)
    }

    #[test]
    fn the_shown_line_means_the_same_to_a_shell() {
        let words = [
            "",
            "plain",
            "a b",
            "it's",
            "$(touch x)",
            "a;b",
            "*",
            "\\",
            "é",
            "new\nline",
        ];
        let shown = Invocation::new("printf")
            .arg("%s\\0")
            .args(words)
            .to_string();
        let printed = Invocation::new("sh")
            .args(["-c", &shown])
            .capture(&printer())
            .expect("sh runs");
        let expected = words.join("\0") + "\0";
        assert_eq!(String::from_utf8(printed.stdout).expect("utf-8"), expected);
    }

    #[test]
    fn the_shown_line_has_no_secret() {
        let shown = Invocation::new("docker")
            .env("API_KEY", "abc")
            .args(["run", "--env", "HF_TOKEN=abc", "--token", "abc", "x"])
            .arg("https://joe:abc@host/")
            .to_string();
        assert_eq!(
            shown,
            "API_KEY='****' docker run --env 'HF_TOKEN=****' --token '****' x 'https://****@host/'"
        );
    }

    #[test]
    fn a_child_that_prints_before_it_reads_does_not_block() {
        let input = vec![b'x'; 1 << 20];
        let finished = Invocation::new("cat")
            .stdin(input.clone())
            .capture(&printer())
            .expect("cat runs");
        assert_eq!(finished.stdout, input);
    }

    #[test]
    fn a_missing_program_is_named_with_a_next_step() {
        let error = Invocation::new("envtpl-no-such-program")
            .capture(&printer())
            .expect_err("there is no such program");
        assert_eq!(error.kind(), crate::error::Kind::NotReady);
        assert!(error.to_string().contains("envtpl-no-such-program"));
        assert!(!error.helps().is_empty());
    }

    #[test]
    fn a_child_without_an_answer_is_not_waited_for() {
        let long = Duration::from_secs(600);
        let began = Instant::now();
        // The second one keeps the streams open when its parent has been killed.
        for script in ["exec sleep 30", "sleep 30 & wait"] {
            let error = Invocation::new("sh")
                .args(["-c", script])
                .read_within(&printer(), Duration::from_millis(50))
                .expect_err("no answer");
            assert_eq!(error.to_string(), "`sh` gave no answer within 0.05 seconds");
        }
        assert!(began.elapsed() < Duration::from_secs(25));
        let answers = |script: &str| {
            let sh = Invocation::new("sh").args(["-c", script]);
            sh.read_within(&printer(), long)
        };
        assert_eq!(answers("echo yes").expect("an answer"), "yes");
        let error = answers("echo broken >&2; exit 7").expect_err("it fails");
        assert_eq!(error.causes(), ["broken"]);
    }

    #[test]
    fn a_failing_child_says_why() {
        let error = Invocation::new("sh")
            .args(["-c", "echo broken >&2; exit 7"])
            .read(&printer())
            .expect_err("it fails");
        assert!(error.to_string().contains("exit status 7"));
        assert_eq!(error.causes(), ["broken"]);
    }
}
