//! `envtpl freeze --check`: whether everything is frozen, with one line for what is not.

use crate::commands::Context;
use crate::commands::freeze::contrary::Told;
use crate::commands::freeze::report::{Report, line};
use crate::environment::compare::{Packages, compare};
use crate::environment::freeze::Plan;
use crate::environment::lock::{Lock, PythonPackage};
use crate::error::{Error, Result};
use crate::files::ChangeSet;
use crate::installation::flavour::Flavour;
use crate::installation::requirements::normalise;
use crate::output::Format;
use crate::project::Installation;

/// What a check looks at.
pub struct Found<'a> {
    /// The lock as it is.
    pub before: Option<&'a Lock>,
    /// What a freeze would do.
    pub plan: &'a Plan,
    /// The files that it would change.
    pub changes: &'a ChangeSet,
    /// Declared lines that what is installed does not meet.
    pub contrary: &'a Told,
}

/// Says why a freeze would change something, or could not keep something; `again` is the command
/// that freezes.
///
/// # Errors
/// `Failed` when there is a reason.
pub fn judge(
    context: &Context,
    installation: &Installation,
    found: &Found<'_>,
    again: &str,
    mut report: Report,
) -> Result<()> {
    let printer = &context.printer;
    let reasons = reasons(found);
    let locked = found.plan.lock.python_packages().iter();
    for note in locked.filter_map(PythonPackage::yanked_note) {
        printer.warn(note);
    }
    let name = installation.name();
    if printer.format() == Format::Json {
        report.reasons = Some(reasons.clone());
        printer.json(&report)?;
    }
    if reasons.is_empty() {
        printer.status("Checked", format_args!("{name} is frozen as it is"));
        return Ok(());
    }
    for reason in &reasons {
        printer.warn(reason);
    }
    let number = match reasons.len() {
        1 => "one reason".to_owned(),
        several => format!("{several} reasons"),
    };
    let mut error = Error::failed(format!("{name} is not frozen as it is, for {number}"));
    if !found.changes.is_empty() {
        error = error.help(format!("keep it: `{again}`"));
    }
    let contrary = found.contrary;
    if !contrary.refused.is_empty() || !contrary.noted.is_empty() {
        error = error.help(format!(
            "install what is declared: change the lines, or `envtpl build -i {name}` and freeze again"
        ));
    }
    Err(error)
}

fn reasons(found: &Found<'_>) -> Vec<String> {
    let plan = found.plan;
    let mut reasons: Vec<String> = plan.refused.iter().map(line).collect();
    let additions = plan.additions.iter();
    reasons.extend(additions.map(|added| {
        let (name, version) = (&added.name, &added.version);
        format!("{name} {version}: it is installed and not declared")
    }));
    match found.before {
        None => reasons.push("there is no lock yet".to_owned()),
        Some(before) => reasons.extend(differences(before, plan)),
    }
    let contrary = found.contrary;
    reasons.extend(contrary.refused.iter().chain(&contrary.noted).cloned());
    if reasons.is_empty() {
        let changed = found.changes.changes();
        reasons.extend(changed.map(|change| {
            let path = change.path.display();
            format!("{path}: a freeze would {} it", change.action)
        }));
    }
    reasons
}

/// What the lock does not say as it is, one line a package. What is new and declared by this
/// freeze, or cannot be frozen, is told already.
fn differences(before: &Lock, plan: &Plan) -> Vec<String> {
    let packages = |lock: &Lock| Packages::of_lock(lock, Flavour::Dev);
    let comparison = compare(&packages(before), &packages(&plan.lock));
    let told = |name: &str| {
        let name = normalise(name);
        let mut added = plan.additions.iter().map(|added| &added.name);
        let mut refused = plan.refused.iter().map(|refused| &refused.name);
        added.any(|added| normalise(added) == name)
            || refused.any(|refused| normalise(refused) == name)
    };
    let added = comparison
        .added
        .iter()
        .filter(|one| !told(&one.package.name));
    let added = added.map(|one| {
        let (name, version) = (&one.package.name, &one.package.version);
        format!("{name} {version}: it is installed and not in the lock")
    });
    let removed = comparison.removed.iter().map(|one| {
        let (name, version) = (&one.package.name, &one.package.version);
        format!("{name} {version}: it is in the lock and not installed, or asked for by nobody")
    });
    let changed = comparison.changed.iter().map(|change| {
        let differences = change.differences.iter().map(|difference| {
            let (what, before, after) = (difference.what, &difference.before, &difference.after);
            format!("the lock has the {what} {before}, and {after} is installed")
        });
        let differences: Vec<String> = differences.collect();
        format!("{}: {}", change.name, differences.join("; "))
    });
    let base = (before.base != plan.lock.base).then(|| {
        let shown = |lock: &Lock| {
            let base = &lock.base;
            let id = base.digest.as_deref().or(base.id.as_deref());
            format!("{} {}", base.image, id.unwrap_or_default())
        };
        format!(
            "the base image: the lock has {}, and it is {}",
            shown(before),
            shown(&plan.lock)
        )
    });
    base.into_iter()
        .chain(added)
        .chain(removed)
        .chain(changed)
        .collect()
}
