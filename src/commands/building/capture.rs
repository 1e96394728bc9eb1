//! Running a build so that all that it tells is kept: for the person while it runs, and in
//! `.envtpl/builds/<id>/` for afterwards.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::commands::building::listen::listen;
use crate::commands::building::places::Places;
use crate::commands::building::view::View;
use crate::commands::building::{BuildArgs, Built, Plan, record, summary};
use crate::commands::explain::name_lines;
use crate::commands::workplace::Workplace;
use crate::engine::failure::{self, DeclaredAt, Explanation};
use crate::engine::progress::{Event, PlainLines, PlainLog, Step, Steps, Told};
use crate::error::{Error, Kind, Result};
use crate::files::{self, Journal};
use crate::output::Printer;
use crate::process::Invocation;
use crate::project::{Build, Outcome, build_file};
use crate::secrets::redact_text;

/// Next steps that are told with a failure; `explain` tells all.
const ADVICE: usize = 3;

/// A build that ended.
pub struct Captured {
    build: Build,
    /// The project's root.
    project: PathBuf,
    printer: Printer,
    shows_progress: bool,
    is_kept: bool,
    /// Why it failed, as far as its log says.
    reason: Option<Box<Explanation>>,
}

/// Runs the command line of a build. What it tells is shown as the person asked, and kept.
///
/// # Errors
/// `NotReady` when the tool cannot be started; `Interrupted` when the person stopped it. That the
/// build failed is told by [`Captured::succeeded`].
pub fn run(
    workplace: &Workplace<'_>,
    plan: &Plan,
    args: &BuildArgs,
    invocation: &Invocation,
) -> Result<Captured> {
    let printer = &workplace.context.printer;
    let root = workplace.project.root();
    let view = View::new(workplace.context, workplace.installation);
    let kept = Kept::begin(root);
    if let Err(error) = &kept {
        view.warn(error);
    }
    let mut account = Account {
        steps: Steps::new(plan.targets.iter().map(|target| target.name.clone())),
        plain: PlainLog::default(),
        written: PlainLines::default(),
        has_events: false,
        view,
        messages: Vec::new(),
        places: record::places(workplace, plan, args),
        kept: kept.ok(),
    };
    let started = Timestamp::now();
    let status = listen(invocation, printer, |told| {
        if told.is_empty() {
            account.keep(Kept::flush);
        }
        told.into_iter().for_each(|told| account.take(told));
        account.view.show(&account.steps);
    });
    let outcome = match &status {
        Ok(status) if status.success() => Outcome::Built,
        Err(error) if error.kind() == Kind::Interrupted => Outcome::Interrupted,
        _ => Outcome::Failed,
    };
    account.end(outcome);
    let mut build = record::of(
        workplace,
        plan,
        invocation,
        args,
        &account.steps,
        account.places.as_ref(),
        started,
    );
    build.outcome = outcome;
    build.messages.clone_from(&account.messages);
    if let Some(kept) = &account.kept {
        build.id.clone_from(&kept.id);
    }
    account.keep(|kept| {
        kept.flush()?;
        build.keep(root)?;
        Build::forget_old(root)
    });
    let is_kept = account.kept.is_some();
    let mut reason = (is_kept && outcome == Outcome::Failed)
        .then(|| reason(&root.join(build_file(&build.id, "log.txt"))))
        .flatten();
    if let Some(reason) = &mut reason {
        name_lines(reason, workplace.installation.directory(), root);
    }
    status.map(|_| Captured {
        is_kept,
        reason,
        shows_progress: account.view.is_seen(),
        build,
        project: root.to_owned(),
        printer: printer.clone(),
    })
}

impl Captured {
    /// Whether the build made what it should.
    ///
    /// # Errors
    /// `Failed`, with the step that did; `NotReady` where nothing is wrong with the build, and the
    /// engine or a registry did not do what they were asked.
    pub fn succeeded(&self) -> Result<()> {
        if self.build.outcome == Outcome::Built {
            return Ok(());
        }
        let mut error = Error::failed(format!("the build of {} failed", self.build.installation));
        if let Some(reason) = &self.reason
            && ["engine", "registry"].contains(&&*reason.kind)
        {
            error = error.with_kind(Kind::NotReady);
        }
        if let Some(why) = self.why() {
            error = error.because(std::io::Error::other(why));
        }
        let advice = self.reason.iter().flat_map(|reason| &reason.advice);
        for advice in advice.take(ADVICE) {
            error = error.help(advice.clone());
        }
        if self.is_kept {
            let log = build_file(&self.build.id, "log.txt");
            error = error.help(format!(
                "all that it printed is in {}: `envtpl explain` says what is known of it, \
                 `envtpl debug` looks into the step",
                log.display()
            ));
        }
        Err(error.help("`envtpl check` looks at the files without building"))
    }

    /// What went wrong, and in which step.
    fn why(&self) -> Option<String> {
        let failed = self.build.failed_step();
        let place = failed.map(|step| match (step.stage.as_deref(), step.position) {
            (Some(stage), Some((index, of))) => {
                let line = step
                    .line
                    .map(|line| format!(", line {line} of its Dockerfile"));
                format!(
                    "stage {stage}, step {index} of {of}{}",
                    line.unwrap_or_default()
                )
            }
            _ => step.instruction.clone(),
        });
        let said = match (&self.reason, failed) {
            (Some(reason), _) => reason.headline(),
            (None, Some(step)) => step.error.clone().unwrap_or_default(),
            (None, None) => self.build.messages.last()?.clone(),
        };
        let mut why = vec![said];
        let declared = self.reason.iter().flat_map(|reason| &reason.declared);
        why.extend(declared.map(DeclaredAt::to_string));
        why.extend(place.map(|place| format!("({place})")));
        Some(why.join("\n"))
    }

    /// Adds the images that the build made to its report.
    pub fn made(&mut self, workplace: &Workplace<'_>, built: &[Built]) {
        record::images(workplace, built, &mut self.build);
        if self.is_kept {
            // The build itself is done, and its other files are there.
            let _ = self.build.keep(workplace.project.root());
        }
    }

    /// Shows what the build did, stage by stage.
    pub fn tell(&self) {
        if self.shows_progress {
            let before = self.build.before(&self.project).ok().flatten();
            self.printer
                .note(summary::table(&self.build, before.as_ref()));
        }
    }
}

/// What is known of a build while it runs.
struct Account {
    steps: Steps,
    plain: PlainLog,
    /// What is read from lines, where the tool tells no events.
    written: PlainLines,
    has_events: bool,
    view: View,
    /// What the tools said beside the steps.
    messages: Vec<String>,
    places: Option<Places>,
    kept: Option<Kept>,
}

impl Account {
    fn take(&mut self, told: Told) {
        match told {
            Told::Event(event) => {
                self.has_events = true;
                self.event(event);
            }
            Told::Text(text) => {
                let text = console::strip_ansi_codes(&text);
                let text = text.trim_end();
                // A Compose that knows no events has lines for the same.
                let told = match self.has_events {
                    true => None,
                    false => self.written.read(text, Timestamp::now()),
                };
                if let Some(event) = told {
                    return self.event(event);
                }
                let text = redact_text(text);
                if !text.is_empty() {
                    self.view.message(&text);
                    self.messages.push(text);
                }
            }
        }
    }

    fn event(&mut self, event: Event) {
        let event = event.redacted();
        self.keep(|kept| kept.event(&event));
        let changes = self.steps.take(&event);
        let lines = self.plain.take(&self.steps, &changes);
        self.say(&lines);
    }

    /// The end of the log: what was held back, and what a reader looks for after a failure.
    fn end(&mut self, outcome: Outcome) {
        let lines = self.plain.end(&self.steps);
        self.say(&lines);
        if outcome == Outcome::Failed {
            let is_summed_up = self.messages.iter().any(|line| line.starts_with(" > "));
            let failed = self.steps.failed().filter(|_| !is_summed_up);
            let mut failed = failed.map(summary_of).unwrap_or_default();
            // Newer tools show the place themselves.
            let is_shown = self.messages.iter().any(|line| line.contains("| >>>"));
            if let (Some(places), Some(step), false) = (&self.places, self.steps.failed(), is_shown)
            {
                failed.extend(places.excerpt(&step.parts));
            }
            self.view.failure(&failed);
            self.keep(|kept| kept.lines(&failed));
        }
        let messages = std::mem::take(&mut self.messages);
        self.keep(|kept| kept.lines(&messages));
        self.messages = messages;
    }

    fn say(&mut self, lines: &[String]) {
        self.view.lines(lines);
        self.keep(|kept| kept.lines(lines));
    }

    /// A build goes on when it cannot be written down: on a full disk, in a project of others.
    fn keep(&mut self, write: impl FnOnce(&mut Kept) -> Result<()>) {
        if let Some(Err(error)) = self.kept.as_mut().map(write) {
            self.view.warn(&error);
            self.kept = None;
        }
    }
}

/// Why a build failed, by its log.
fn reason(log: &Path) -> Option<Box<Explanation>> {
    // Whoever cannot read it is told that the build failed, as before.
    match failure::explain(files::open(log).ok()?).ok()? {
        failure::Outcome::Failed(explanation) => Some(explanation),
        failure::Outcome::Nothing(_) => None,
    }
}

/// What BuildKit prints of the step that failed, when all is over.
fn summary_of(step: &Step) -> Vec<String> {
    let mut lines = vec!["------".to_owned(), format!(" > {}:", step.name)];
    lines.extend(step.last_lines.iter().cloned());
    lines.push("------".to_owned());
    lines
}

/// The files of a build.
struct Kept {
    id: String,
    events: Journal,
    log: Journal,
}

impl Kept {
    fn begin(project: &Path) -> Result<Self> {
        let id = Build::begin(project)?;
        Ok(Self {
            events: Build::journal(project, &id, "events.jsonl")?,
            log: Build::journal(project, &id, "log.txt")?,
            id,
        })
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        let line = serde_json::to_string(event)
            .map_err(|source| Error::failed("cannot write down an event").because(source))?;
        self.events.line(&line)
    }

    fn lines(&mut self, lines: &[String]) -> Result<()> {
        lines.iter().try_for_each(|line| self.log.line(line))
    }

    fn flush(&mut self) -> Result<()> {
        self.events.flush()?;
        self.log.flush()
    }
}
