//! The report as tables for people.

use crate::commands::diff::image::{Setting, Setup};
use crate::commands::diff::report::{Report, asked_for};
use crate::environment::compare::{Difference, Single, What};
use crate::output::{Table, megabytes};

/// The report's text.
pub fn text(report: &Report) -> String {
    let mut sections = vec![format!("{} → {}\n", report.before.name, report.after.name)];
    if report.is_empty() {
        sections.push(format!(
            "nothing differs: {} packages are the same\n",
            report.packages.identical
        ));
    } else {
        sections.extend(settings("", &report.basics));
        sections.extend(packages(report));
        sections.extend(report.setup.iter().flat_map(setup));
        sections.push(format!(
            "{} packages are the same\n",
            report.packages.identical
        ));
    }
    let notes = report.notes.iter().map(|note| format!("note: {note}\n"));
    let notes: String = notes.collect();
    if !notes.is_empty() {
        sections.push(notes);
    }
    sections.join("\n")
}

fn packages(report: &Report) -> Vec<String> {
    let mut sections = Vec::new();
    let single = |title: &str, singles: &[Single]| {
        if singles.is_empty() {
            return None;
        }
        let mut table = Table::new(["", "kind", "name", "version", "who needs it"]);
        for one in singles {
            table.row([
                title.to_owned(),
                one.kind.to_string(),
                one.package.name.clone(),
                one.package.version.clone(),
                asked_for(&one.package),
            ]);
        }
        Some(table.to_string())
    };
    sections.extend(single("added", &report.packages.added));
    sections.extend(single("removed", &report.packages.removed));
    if !report.packages.changed.is_empty() {
        let mut table = Table::new(["", "kind", "name", "before", "after", "who needs it"]);
        for change in &report.packages.changed {
            for difference in &change.differences {
                let (before, after) = sides(difference);
                table.row([
                    match difference.what {
                        What::Version => "changed".to_owned(),
                        what => format!("other {what}"),
                    },
                    change.kind.to_string(),
                    change.name.clone(),
                    before,
                    after,
                    asked_for(&change.after),
                ]);
            }
        }
        sections.push(table.to_string());
    }
    sections
}

/// Both sides of a difference; digests are cut to what tells them apart.
pub fn sides(difference: &Difference) -> (String, String) {
    let shown = |text: &str| match difference.what {
        What::Digest => text.chars().take(12).collect(),
        _ => text.to_owned(),
    };
    (shown(&difference.before), shown(&difference.after))
}

fn setup(setup: &Setup) -> Vec<String> {
    let mut sections = Vec::new();
    sections.extend(settings("environment variable", &setup.environment));
    sections.extend(settings("setting", &setup.settings));
    if !setup.ports.added.is_empty() || !setup.ports.removed.is_empty() {
        let added = setup.ports.added.iter().map(|port| format!(" +{port}"));
        let removed = setup.ports.removed.iter().map(|port| format!(" -{port}"));
        let ports: String = added.chain(removed).collect();
        sections.push(format!("ports{ports}\n"));
    }
    if !setup.layers.is_empty() {
        let mut table = Table::new(["before", "after", "step"]);
        let size = |size: Option<u64>| size.map_or_else(|| "-".to_owned(), megabytes);
        for layer in &setup.layers {
            table.row([
                size(layer.before),
                size(layer.after),
                shortened(&layer.step),
            ]);
        }
        table.row([
            megabytes(setup.size.before),
            megabytes(setup.size.after),
            format!(
                "together with {} that are the same ({})",
                setup.same_layers.number,
                megabytes(setup.same_layers.size)
            ),
        ]);
        sections.push(table.to_string());
    }
    sections
}

fn settings(title: &str, settings: &[Setting]) -> Option<String> {
    if settings.is_empty() {
        return None;
    }
    let mut table = Table::new([title, "before", "after"]);
    for setting in settings {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        table.row([
            setting.name.clone(),
            shown(&setting.before),
            shown(&setting.after),
        ]);
    }
    Some(table.to_string())
}

/// An instruction without what it mounts, cut to what fits beside the numbers.
pub fn shortened(step: &str) -> String {
    const LONGEST: usize = 70;
    let words = step.split(' ').filter(|word| !word.starts_with("--mount="));
    let step = words.collect::<Vec<_>>().join(" ");
    match step.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &step[..end]),
        None => step,
    }
}
