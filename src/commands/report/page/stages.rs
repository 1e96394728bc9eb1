//! The stages of the build's Dockerfile: a drawing of what they take from each other, which were
//! left out and why, and where arguments are seen. All of it is what was written down with the
//! build; the Dockerfile may be another one since.

use serde::Serialize;

use super::drawing::{self, Link, Node};
use super::seconds;
use super::steps::class;
use crate::commands::stages::{built, seen, taken, why};
use crate::installation::dockerfile::sheet::{Origin, OriginKind, StageRow};
use crate::installation::dockerfile::{How, Sheet};
use crate::project::{Build, BuildStep};

/// Letters of a name in a box.
const SHOWN: usize = 30;

#[derive(Serialize)]
pub struct StagesView {
    targets: String,
    width: String,
    height: String,
    boxes: Vec<BoxView>,
    lines: Vec<LineView>,
    rows: Vec<RowView>,
    args: Vec<ArgView>,
}

/// A box of the drawing: a stage, or an image or context that stages take from.
#[derive(Serialize)]
struct BoxView {
    class: String,
    left: String,
    top: String,
    width: String,
    height: String,
    middle: String,
    name: String,
    below: String,
    title: String,
}

/// A line of the drawing; its ends are places in the list of boxes.
#[derive(Serialize)]
struct LineView {
    class: String,
    from: usize,
    to: usize,
    path: String,
    head: String,
}

#[derive(Serialize)]
struct RowView {
    name: String,
    line: usize,
    from: String,
    takes: String,
    steps: usize,
    seconds: String,
    built: String,
    /// Why it is left out.
    why: Option<String>,
}

#[derive(Serialize)]
struct ArgView {
    name: String,
    line: usize,
    value: Option<String>,
    seen: String,
}

/// What the page shows of the stages; `None` when the build was written down without them.
pub fn view(build: &Build) -> Option<StagesView> {
    let sheet = build.stages.as_ref()?;
    let efforts: Vec<Effort> = (sheet.stages.iter())
        .map(|stage| Effort::of(build, sheet, stage))
        .collect();
    let others = others(sheet);
    let nodes = nodes(sheet, &efforts, &others);
    let drawing = drawing::draw(&nodes);
    let boxes = drawing.places.iter().enumerate().map(|(index, place)| {
        let (class, name, below, title) = match sheet.stages.get(index) {
            Some(stage) => (
                efforts[index].class(stage),
                stage.name.as_str(),
                efforts[index].below(stage),
                title(stage),
            ),
            None => {
                let origin = others[index - sheet.stages.len()];
                let name = origin.name.as_str();
                (
                    "other".to_owned(),
                    name,
                    kind(origin).to_owned(),
                    name.to_owned(),
                )
            }
        };
        BoxView {
            class,
            left: pixels(place.left),
            top: pixels(place.top),
            width: pixels(place.width),
            height: pixels(place.height),
            middle: pixels(place.left + place.width / 2.0),
            name: shortened(name),
            below,
            title,
        }
    });
    let boxes = boxes.collect();
    let lines = drawing.lines.iter().map(|line| {
        let user = &sheet.stages[line.to];
        let how = match nodes[line.to].uses[line.link].is_parent {
            true => "parent",
            false => files(user, origin_of(sheet, &others, line.from)),
        };
        let left_out = if user.skipped.is_some() { " out" } else { "" };
        let ((from, above), (to, below)) = (line.start, line.end);
        // The arrow's head is a part of the way.
        let neck = below - 6.0;
        let half = (neck - above) / 2.0;
        let [x, y, x2, y2] = [from, above, to, neck].map(pixels);
        let (bend, bend2) = (pixels(above + half), pixels(neck - half));
        LineView {
            class: format!("{how}{left_out}"),
            from: line.from,
            to: line.to,
            path: format!("M{x} {y}C{x} {bend} {x2} {bend2} {x2} {y2}"),
            head: format!("M{x2} {}l-3.5 -7h7z", pixels(below)),
        }
    });
    let lines = lines.collect();
    let rows = sheet.stages.iter().zip(&efforts).map(|(stage, effort)| {
        let from = stage.from.as_ref();
        RowView {
            name: stage.name.clone(),
            line: stage.line,
            from: from.map_or_else(|| "a context of the build".into(), |from| from.name.clone()),
            takes: taken(stage),
            steps: stage.steps,
            seconds: match effort.shown {
                0 => "-".to_owned(),
                _ => seconds(effort.seconds),
            },
            built: built(stage),
            why: stage.skipped.as_ref().map(why),
        }
    });
    let args = sheet.args.iter().map(|arg| ArgView {
        name: arg.name.clone(),
        line: arg.line,
        value: arg.value.clone(),
        seen: seen(arg),
    });
    Some(StagesView {
        targets: sheet.targets.join(" and "),
        width: pixels(drawing.width),
        height: pixels(drawing.height),
        boxes,
        lines,
        rows: rows.collect(),
        args: args.collect(),
    })
}

/// What was done for a stage.
struct Effort {
    /// Steps that the build told of.
    shown: usize,
    seconds: f64,
    cached: usize,
    /// The step that the build failed at, or gave up, is one of them.
    broken: Option<&'static str>,
}

impl Effort {
    fn of(build: &Build, sheet: &Sheet, stage: &StageRow) -> Self {
        let is_own = |step: &&BuildStep| match (&step.stage, step.position) {
            (Some(own), Some(_)) => own.eq_ignore_ascii_case(&stage.name),
            // The builder names no stage where there is but one.
            (None, Some(_)) => sheet.stages.len() == 1,
            _ => false,
        };
        let own: Vec<&BuildStep> = build.steps.iter().filter(is_own).collect();
        let broken = |how: &'static str| {
            let mut classes = own.iter().map(|step| class(build, step));
            classes.any(|one| one == how).then_some(how)
        };
        Self {
            shown: own.len(),
            seconds: own.iter().map(|step| step.seconds).sum(),
            cached: own.iter().filter(|step| step.cached).count(),
            broken: broken("failed").or_else(|| broken("canceled")),
        }
    }

    fn class(&self, stage: &StageRow) -> String {
        let wanted = if stage.target { " wanted" } else { "" };
        let state = match self {
            _ if stage.skipped.is_some() => "skipped",
            Self {
                broken: Some(broken),
                ..
            } => broken,
            Self { shown: 0, .. } => "quiet",
            _ if self.cached == self.shown => "cached",
            _ => "ran",
        };
        format!("{state}{wanted}")
    }

    /// What a box says below the name.
    fn below(&self, stage: &StageRow) -> String {
        let steps = match stage.steps {
            1 => "1 step".to_owned(),
            steps => format!("{steps} steps"),
        };
        match self {
            _ if stage.skipped.is_some() => "not built".to_owned(),
            Self {
                broken: Some(broken),
                ..
            } => format!("{steps}, {broken}"),
            Self { shown: 0, .. } => steps,
            _ if self.cached == self.shown => format!("{steps}, cached"),
            _ => format!("{steps}, {} s", seconds(self.seconds)),
        }
    }
}

/// The images and contexts that stages take from.
fn others(sheet: &Sheet) -> Vec<&Origin> {
    let mut others: Vec<&Origin> = Vec::new();
    for stage in &sheet.stages {
        let files = stage.takes.iter().map(|taken| &taken.from);
        for origin in stage.from.iter().chain(files) {
            let is_shown = matches!(origin.kind, OriginKind::Image | OriginKind::Context);
            if is_shown && !others.contains(&origin) {
                others.push(origin);
            }
        }
    }
    others
}

/// The boxes: the stages, then the others.
fn nodes(sheet: &Sheet, efforts: &[Effort], others: &[&Origin]) -> Vec<Node> {
    let index = |origin: &Origin| match origin.kind {
        // Of two stages of one name the later counts.
        OriginKind::Stage => (sheet.stages.iter()).rposition(|stage| stage.name == origin.name),
        _ => (others.iter().position(|other| *other == origin))
            .map(|index| sheet.stages.len() + index),
    };
    let mut nodes = Vec::new();
    for (stage, effort) in sheet.stages.iter().zip(efforts) {
        let mut uses: Vec<Link> = Vec::new();
        let parent = stage.from.iter().map(|origin| (origin, true));
        let files = stage.takes.iter().map(|taken| (&taken.from, false));
        for (origin, is_parent) in parent.chain(files) {
            let to = index(origin).filter(|to| uses.iter().all(|link| link.to != *to));
            uses.extend(to.map(|to| Link { to, is_parent }));
        }
        let name = shortened(&stage.name).chars().count();
        nodes.push(Node {
            letters: name.max(effort.below(stage).chars().count()),
            uses,
        });
    }
    nodes.extend(others.iter().map(|origin| Node {
        letters: shortened(&origin.name).chars().count(),
        uses: Vec::new(),
    }));
    nodes
}

fn origin_of<'a>(sheet: &'a Sheet, others: &[&'a Origin], index: usize) -> (OriginKind, &'a str) {
    match sheet.stages.get(index) {
        Some(stage) => (OriginKind::Stage, &stage.name),
        None => {
            let origin = others[index - sheet.stages.len()];
            (origin.kind, &origin.name)
        }
    }
}

/// How a stage takes files from another: by copying some, or only by looking at them.
fn files(stage: &StageRow, (kind, name): (OriginKind, &str)) -> &'static str {
    let own = |from: &Origin| from.kind == kind && from.name == name;
    let mut takes = stage.takes.iter().filter(|taken| own(&taken.from));
    match takes.any(|taken| taken.how == How::Copy) {
        true => "copy",
        false => "mount",
    }
}

fn kind(origin: &Origin) -> &'static str {
    match origin.kind {
        OriginKind::Context => "context",
        _ => "image",
    }
}

fn title(stage: &StageRow) -> String {
    let mut title = format!("{}, line {}", stage.name, stage.line);
    if let Some(from) = &stage.from {
        title += &format!("\nstarts from {}", from.name);
    }
    let takes = taken(stage);
    if !takes.is_empty() {
        title += &format!("\nfiles from {takes}");
    }
    if stage.skipped.is_some() {
        title += &format!("\nbuilt: {}", built(stage));
    }
    title
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= SHOWN {
        return name.to_owned();
    }
    let kept: String = name.chars().take(SHOWN - 1).collect();
    format!("{kept}…")
}

fn pixels(length: f64) -> String {
    format!("{length:.1}")
}
