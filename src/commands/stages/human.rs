//! The report for people: a tree of stages, then the arguments.

use std::fmt::Write;

use crate::installation::dockerfile::Sheet;
use crate::installation::dockerfile::sheet::{ArgRow, OriginKind, Reason, StageRow, Why};
use crate::output::Table;

/// How many characters of a value are shown.
const LONGEST: usize = 40;

/// All Dockerfiles, one after the other.
pub fn text(sheets: &[Sheet]) -> String {
    let texts: Vec<String> = sheets.iter().map(sheet).collect();
    texts.join("\n")
}

fn sheet(sheet: &Sheet) -> String {
    let mut table = Table::new(["stage", "line", "steps", "built", "files from"]);
    let mut roots: Vec<&str> = Vec::new();
    for stage in &sheet.stages {
        let root = root(stage);
        if root.is_some_and(|root| !roots.contains(&root)) {
            roots.extend(root);
        }
    }
    for root in roots {
        table.row([root.to_owned(), "".into(), "".into(), "".into(), "".into()]);
        let below = sheet
            .stages
            .iter()
            .filter(|stage| self::root(stage) == Some(root));
        branch(sheet, &below.collect::<Vec<_>>(), "", &mut table);
    }
    let mut text = format!(
        "{}, for {}\n\n{table}",
        sheet.file.display(),
        sheet.targets.join(" and ")
    );
    if !sheet.args.is_empty() {
        let mut args = Table::new(["arg", "line", "value", "seen by"]);
        for arg in &sheet.args {
            args.row([
                arg.name.clone(),
                arg.line.to_string(),
                value(arg),
                seen(arg),
            ]);
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{args}");
    }
    text
}

/// What a stage starts from, if that is no stage.
fn root(stage: &StageRow) -> Option<&str> {
    match &stage.from {
        None => Some("(a context of the build)"),
        Some(from) if from.kind == OriginKind::Stage => None,
        Some(from) => Some(&from.name),
    }
}

fn branch(sheet: &Sheet, stages: &[&StageRow], before: &str, table: &mut Table) {
    for (index, stage) in stages.iter().enumerate() {
        let last = index + 1 == stages.len();
        let (sign, further) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        table.row([
            format!("{before}{sign}{}", stage.name),
            stage.line.to_string(),
            stage.steps.to_string(),
            built(stage),
            taken(stage),
        ]);
        let children = sheet.stages.iter().filter(|child| {
            let from = child.from.as_ref();
            from.is_some_and(|from| from.kind == OriginKind::Stage && from.name == stage.name)
        });
        let children: Vec<&StageRow> = children.collect();
        branch(sheet, &children, &format!("{before}{further}"), table);
    }
}

/// What a stage takes files from, each once.
pub fn taken(stage: &StageRow) -> String {
    let mut names: Vec<&str> = Vec::new();
    for taken in &stage.takes {
        if !names.contains(&taken.from.name.as_str()) {
            names.push(&taken.from.name);
        }
    }
    names.join(", ")
}

/// Whether a stage is built, and why not.
pub fn built(stage: &StageRow) -> String {
    match &stage.skipped {
        None if stage.target => "wanted".to_owned(),
        None => "yes".to_owned(),
        Some(reason) => format!("no: {}", why(reason)),
    }
}

/// Why a stage is left out.
pub fn why(reason: &Reason) -> String {
    match reason.why {
        Why::Unused => "nothing takes from it".to_owned(),
        Why::Replaced => "a context stands in for it".to_owned(),
        Why::OnlyBySkipped => format!("only {}, not built either", reason.by.join(", ")),
    }
}

fn value(arg: &ArgRow) -> String {
    match arg.value.as_ref().or(arg.written.as_ref()) {
        Some(value) if value.is_empty() => "''".to_owned(),
        Some(value) if value.chars().count() > LONGEST => {
            let start: String = value.chars().take(LONGEST).collect();
            format!("{start}…")
        }
        Some(value) => value.clone(),
        None => "none".to_owned(),
    }
}

/// Where an argument is seen.
pub fn seen(arg: &ArgRow) -> String {
    let names = &arg.visible;
    let Some(stage) = &arg.stage else {
        return match names.is_empty() {
            true => "no FROM line".to_owned(),
            false => format!("FROM of {}", names.join(", ")),
        };
    };
    let others: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| name != stage)
        .collect();
    match others.as_slice() {
        [] => stage.clone(),
        [one, two, three, rest @ ..] if rest.len() > 1 => {
            format!("{stage}, {one}, {two}, {three} and {} more", rest.len())
        }
        others => format!("{stage}, {}", others.join(", ")),
    }
}
