//! What a freeze tells: data for people and programs, and the next step.

use std::path::Path;

use serde::Serialize;

use crate::commands::Context;
use crate::commands::freeze::relative;
use crate::commands::freeze::source::Source;
use crate::environment::declared::{Addition, DeclaredFiles};
use crate::environment::freeze::{Plan, Refusal};
use crate::error::{Error, Result};
use crate::files::{ChangeSet, unified_diff};
use crate::output::Format;
use crate::process::quote;
use crate::project::{Git, Installation, Project};
use crate::secrets::redact;

/// What a freeze did, or would do.
#[derive(Debug, Serialize)]
pub struct Report {
    installation: String,
    dry_run: bool,
    source: Source,
    added: Vec<Addition>,
    refused: Vec<Refusal>,
    /// Declared lines that ask for something else than is installed, a sentence each.
    pub(super) contrary: Vec<String>,
    notes: Vec<String>,
    /// Why a check fails, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasons: Option<Vec<String>>,
    locked: Counts,
    diff: String,
    files: Vec<String>,
}

/// How many packages are locked.
#[derive(Debug, Serialize)]
struct Counts {
    python: usize,
    apt: usize,
    conda: usize,
}

impl Report {
    /// The report of a plan.
    pub fn new(
        context: &Context,
        (project, installation): (&Project, &Installation),
        source: Source,
        declared: &DeclaredFiles,
        plan: &Plan,
        changes: &ChangeSet,
    ) -> Self {
        let directory = relative(project, installation);
        let diff = declared.changed().into_iter().map(|file| {
            let before = file.before.map(str::as_bytes);
            let after = Some(file.after.as_bytes());
            // A line of a person may hold a password.
            redact(&unified_diff(&directory.join(file.name), before, after))
        });
        Self {
            installation: installation.name().to_string(),
            dry_run: context.dry_run,
            source,
            added: plan.additions.clone(),
            refused: plan.refused.clone(),
            contrary: Vec::new(),
            notes: plan.notes.clone(),
            locked: Counts {
                python: plan.lock.python_packages().len(),
                apt: plan.lock.apt.lists().into_iter().map(Vec::len).sum(),
                conda: plan.lock.conda.len(),
            },
            reasons: None,
            diff: diff.collect(),
            files: changes.changes().map(|change| change.to_string()).collect(),
        }
    }

    /// Tells of a further file of the person that is edited.
    pub fn add_edit(&mut self, path: &Path, before: &str, after: &str) {
        let (before, after) = (Some(before.as_bytes()), Some(after.as_bytes()));
        self.diff
            .push_str(&redact(&unified_diff(path, before, after)));
    }

    /// Data on stdout: the document, or the difference that a person reads.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print(&self, context: &Context) -> Result<()> {
        let printer = &context.printer;
        if printer.format() == Format::Json {
            printer.json(self)?;
        } else {
            printer.data(&self.diff)?;
            if context.dry_run {
                let files: String = self.files.iter().map(|file| format!("{file}\n")).collect();
                printer.data(files)?;
            }
        }
        let verb = if context.dry_run {
            "Would freeze"
        } else {
            "Froze"
        };
        printer.status(
            verb,
            format_args!("{} from {}", self.installation, self.source),
        );
        for note in &self.notes {
            printer.warn(note);
        }
        Ok(())
    }
}

/// The error for what cannot be frozen and for declared lines that ask for something else, one line
/// each.
pub fn refusal(context: &Context, refused: &[Refusal], contrary: &[String]) -> Error {
    let error = match refused {
        [] => Error::failed(
            "the next build goes by what is declared, and that is not what is installed",
        ),
        _ => not_frozen(context, refused),
    };
    let error = contrary.iter().fold(error, Error::help);
    match contrary {
        [] => error,
        _ => error.help("change these lines, or install what they ask for"),
    }
}

fn not_frozen(context: &Context, refused: &[Refusal]) -> Error {
    let what = match refused {
        [one] => format!("`{}` cannot be frozen", one.name),
        several => format!("{} packages cannot be frozen", several.len()),
    };
    let rest = match context.dry_run {
        true => "the rest would be, and the lock would mark it",
        false => "the rest is, and the lock marks it",
    };
    let error = Error::failed(format!("{what}; {rest}"));
    refused
        .iter()
        .fold(error, |error, refused| error.help(line(refused)))
}

/// What cannot be frozen, why, and what to do, in one line.
pub fn line(refused: &Refusal) -> String {
    format!(
        "{} {}: {}; {}",
        refused.name, refused.version, refused.why, refused.help
    )
}

/// Says what is locked, and what to type next.
pub fn say_what_next(
    context: &Context,
    installation: &Installation,
    plan: &Plan,
    nothing_new: bool,
) {
    let printer = &context.printer;
    if nothing_new {
        printer.note("nothing new: the declared files and the lock say what is installed");
        return;
    }
    let apt: usize = plan.lock.apt.lists().into_iter().map(Vec::len).sum();
    let conda = match plan.lock.conda.len() {
        0 => String::new(),
        number => format!(", {number} of conda"),
    };
    let verb = if context.dry_run {
        "Would lock"
    } else {
        "Locked"
    };
    printer.status(
        verb,
        format_args!(
            "{} Python packages{conda} and {apt} system packages beyond the base image",
            plan.lock.python_packages().len(),
        ),
    );
    if context.dry_run {
        return;
    }
    let name = installation.name();
    let commit = match Git::open(installation.directory()) {
        Ok(Some(_)) => format!(
            "  git add {} && git commit -m 'Freeze {name}'\n",
            quote(installation.directory())
        ),
        _ => String::new(),
    };
    printer.note(format_args!("Next:\n{commit}  envtpl build -i {name}"));
}
