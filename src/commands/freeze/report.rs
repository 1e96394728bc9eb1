//! What a freeze tells: data for people and programs, and the next step.

use serde::Serialize;

use crate::commands::Context;
use crate::commands::freeze::facts::Source;
use crate::commands::freeze::relative;
use crate::environment::declared::DeclaredFiles;
use crate::environment::freeze::{Addition, Plan, Refusal};
use crate::error::{Error, Result};
use crate::files::{ChangeSet, unified_diff};
use crate::output::Format;
use crate::process::quote;
use crate::project::{Git, Installation, Project};

/// What a freeze did, or would do.
#[derive(Debug, Serialize)]
pub struct Report {
    installation: String,
    dry_run: bool,
    source: Source,
    added: Vec<Addition>,
    refused: Vec<Refusal>,
    notes: Vec<String>,
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
            unified_diff(
                &directory.join(file.name),
                before,
                Some(file.after.as_bytes()),
            )
        });
        let refused = !plan.refused.is_empty();
        Self {
            installation: installation.name().to_string(),
            dry_run: context.dry_run,
            source,
            added: plan.additions.clone(),
            refused: plan.refused.clone(),
            notes: plan.notes.clone(),
            locked: Counts {
                python: plan.lock.python_packages().len(),
                apt: plan.lock.apt.lists().into_iter().map(Vec::len).sum(),
                conda: plan.lock.conda.len(),
            },
            diff: diff.collect(),
            files: if refused {
                Vec::new()
            } else {
                let changes = changes.changes();
                changes.map(|change| change.to_string()).collect()
            },
        }
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

/// The error for what cannot be frozen, one line each.
pub fn refusal(refused: &[Refusal]) -> Error {
    let what = match refused {
        [one] => format!("`{}` cannot be frozen", one.name),
        several => format!("{} packages cannot be frozen", several.len()),
    };
    let error = Error::failed(format!("{what}, so nothing was changed"));
    refused.iter().fold(error, |error, refused| {
        error.help(format!(
            "{} {}: {}; {}",
            refused.name, refused.version, refused.why, refused.help
        ))
    })
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
