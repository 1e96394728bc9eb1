//! Planned changes to files: locked, shown or made, reported.

use std::path::Path;

use serde::Serialize;

use crate::commands::Context;
use crate::error::Result;
use crate::files::{ChangeSet, Lock};
use crate::installation::name::Name;
use crate::output::Format;
use crate::process;

/// Locks installations, in an order that cannot make two processes wait for each other. With
/// `--dry-run` nothing is locked, since nothing changes.
///
/// # Errors
/// `Interrupted` while waiting, or when a lock cannot be taken.
pub fn lock(context: &Context, root: &Path, names: &[&Name], purpose: &str) -> Result<Vec<Lock>> {
    if context.dry_run {
        return Ok(Vec::new());
    }
    let mut names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    names.sort();
    names.dedup();
    names
        .iter()
        .map(|name| {
            Lock::acquire(root, name, purpose, process::interrupted, |holder| {
                let printer = &context.printer;
                printer.note(format_args!("waiting for {holder}, which works on {name}"));
            })
        })
        .collect()
}

/// Makes the changes, or shows them with `--dry-run`; prints the report where JSON is wanted.
///
/// # Errors
/// When the changes cannot be made; then nothing has changed.
pub fn make(context: &Context, changes: ChangeSet, report: &impl Serialize) -> Result<()> {
    let json = context.printer.format() == Format::Json;
    let document = if json {
        let files: Vec<_> = changes.changes().collect();
        Some(serde_json::json!({
            "dry_run": context.dry_run,
            "report": report,
            "files": files,
        }))
    } else {
        None
    };
    if context.dry_run {
        if !json {
            let shown: String = changes
                .changes()
                .map(|change| format!("{change}\n"))
                .collect();
            context.printer.data(shown)?;
        }
    } else {
        if process::interrupted() {
            return Err(crate::error::Error::interrupted());
        }
        changes.commit()?;
    }
    match document {
        Some(document) => context.printer.json(&document),
        None => Ok(()),
    }
}
