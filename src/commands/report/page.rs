//! The page: what a template needs to know, in words and widths.

use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::commands::building::stage_of;
use crate::commands::report::{ImagePackages, critical};
use crate::error::{Error, Result};
use crate::output::amount;
use crate::project::{Build, BuildImage, BuildLayer, BuildStep, Outcome};

const PAGE: &str = include_str!("page.html");

/// Characters of an instruction that a row shows.
const SHOWN: usize = 160;

#[derive(Serialize)]
struct Page<'a> {
    id: &'a str,
    installation: &'a str,
    outcome: Outcome,
    started: &'a str,
    seconds: String,
    cached: usize,
    dockerfile: &'a str,
    targets: String,
    failed: Option<Row>,
    lanes: Vec<Lane>,
    critical: Vec<Row>,
    before: Option<Earlier<'a>>,
    changes: Vec<Difference>,
    images: Vec<ImageView<'a>>,
    steps: Vec<Row>,
}

/// A step in a table.
#[derive(Serialize)]
struct Row {
    number: usize,
    place: String,
    instruction: String,
    seconds: String,
    /// Hundredths of the whole build.
    share: String,
    class: &'static str,
    error: String,
}

/// The steps of a stage, on one line.
#[derive(Serialize)]
struct Lane {
    name: String,
    seconds: String,
    steps: Vec<Bar>,
}

/// A step on a line; widths are hundredths.
#[derive(Serialize)]
struct Bar {
    left: String,
    width: String,
    class: String,
    title: String,
}

#[derive(Serialize)]
struct Earlier<'a> {
    id: &'a str,
    started: &'a str,
    seconds: String,
}

/// Something that is not as it was.
#[derive(Serialize)]
struct Difference {
    what: String,
    before: String,
    now: String,
}

#[derive(Serialize)]
struct ImageView<'a> {
    name: &'a str,
    size: String,
    layers: Vec<LayerView<'a>>,
    packages: Vec<PackageView<'a>>,
    rest: Option<String>,
}

#[derive(Serialize)]
struct LayerView<'a> {
    made_by: &'a str,
    place: Option<String>,
    size: String,
    width: String,
    class: &'static str,
}

#[derive(Serialize)]
struct PackageView<'a> {
    kind: &'a str,
    name: &'a str,
    version: &'a str,
    size: String,
    width: String,
}

/// The page about a build, beside the one `before`.
///
/// # Errors
/// When the template is wrong, which the tests rule out.
pub fn render(build: &Build, before: Option<&Build>, packages: &[ImagePackages]) -> Result<String> {
    let path = critical::path(build);
    let waited_for: BTreeSet<usize> = path.iter().map(|step| step.number).collect();
    let row = |step: &BuildStep| row(build, step);
    let page = Page {
        id: &build.id,
        installation: &build.installation,
        outcome: build.outcome,
        started: &build.started,
        seconds: seconds(build.seconds),
        cached: build.steps.iter().filter(|step| step.cached).count(),
        dockerfile: &build.dockerfile,
        targets: targets(build),
        failed: build.failed_step().map(row),
        lanes: lanes(build, &waited_for),
        // What took no time was not waited for.
        critical: path
            .into_iter()
            .filter(|step| step.seconds >= 0.05)
            .map(row)
            .collect(),
        before: before.map(|before| Earlier {
            id: &before.id,
            started: &before.started,
            seconds: seconds(before.seconds),
        }),
        changes: before.map_or_else(Vec::new, |before| changes(build, before)),
        images: build
            .images
            .iter()
            .map(|image| image_view(build, image, packages))
            .collect(),
        steps: build.steps.iter().map(row).collect(),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment
        .render_str(PAGE, Serde(page))
        .map_err(|source| Error::failed("cannot make the page").because(source))
}

fn targets(build: &Build) -> String {
    let names: Vec<&str> = build.targets.iter().map(|target| &*target.name).collect();
    names.join(", ")
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}")
}

fn share(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => (part / whole * 100.0).clamp(0.0, 100.0),
        false => 0.0,
    }
}

fn row(build: &Build, step: &BuildStep) -> Row {
    let mut instruction: String = step.instruction.chars().take(SHOWN).collect();
    if instruction.len() < step.instruction.len() {
        instruction.push('…');
    }
    Row {
        number: step.number,
        place: place(build, step),
        instruction,
        seconds: seconds(step.seconds),
        share: format!("{:.0}", share(step.seconds, build.seconds)),
        class: class(build, step),
        error: step.error.clone().unwrap_or_default(),
    }
}

/// Stage, position and line of a step.
fn place(build: &Build, step: &BuildStep) -> String {
    let stage = stage_of(step);
    let position = step.position.map(|(step, of)| format!(" {step}/{of}"));
    let file = build.dockerfile.rsplit('/').next().unwrap_or_default();
    let line = step.line.map(|line| format!(", {file}:{line}"));
    [Some(stage), position, line]
        .into_iter()
        .flatten()
        .collect()
}

fn class(build: &Build, step: &BuildStep) -> &'static str {
    match step {
        _ if build.failed == Some(step.number) => "failed",
        _ if step.canceled => "canceled",
        _ if step.cached => "cached",
        _ => "ran",
    }
}

/// A line for each stage, in the order in which they began.
fn lanes(build: &Build, waited_for: &BTreeSet<usize>) -> Vec<Lane> {
    let mut lanes: Vec<(String, f64, Vec<Bar>)> = Vec::new();
    for step in &build.steps {
        let name = stage_of(step);
        let index = match lanes.iter().position(|lane| lane.0 == name) {
            Some(index) => index,
            None => {
                lanes.push((name, 0.0, Vec::new()));
                lanes.len() - 1
            }
        };
        let critical = match waited_for.contains(&step.number) {
            true => " critical",
            false => "",
        };
        lanes[index].1 += step.seconds;
        lanes[index].2.push(Bar {
            left: format!("{:.2}", share(step.began, build.seconds).min(99.8)),
            width: format!("{:.2}", share(step.seconds, build.seconds)),
            class: format!("{}{critical}", class(build, step)),
            title: format!(
                "{}, {} s: {}",
                place(build, step),
                seconds(step.seconds),
                step.instruction
            ),
        });
    }
    let lanes = lanes.into_iter().map(|(name, spent, steps)| Lane {
        name,
        seconds: seconds(spent),
        steps,
    });
    lanes.collect()
}

fn image_view<'a>(
    build: &Build,
    image: &'a BuildImage,
    packages: &'a [ImagePackages],
) -> ImageView<'a> {
    let heaviest = image.layers.iter().map(|layer| layer.bytes).max();
    let layers = image.layers.iter().rev();
    let found = packages.iter().find(|one| one.target == image.target);
    let listed = found.map_or(&[][..], |found| &found.packages);
    let weight = listed.first().map_or(0, |package| package.bytes);
    ImageView {
        name: image.tags.first().unwrap_or(&image.target),
        size: amount(image.size as f64),
        layers: layers
            .map(|layer| layer_view(build, layer, heaviest.unwrap_or(0)))
            .collect(),
        packages: listed
            .iter()
            .map(|package| PackageView {
                kind: &package.kind,
                name: &package.name,
                version: &package.version,
                size: amount(package.bytes as f64),
                width: format!("{:.1}", share(package.bytes as f64, weight as f64)),
            })
            .collect(),
        rest: found
            .filter(|found| found.rest > 0)
            .map(|found| amount(found.rest as f64)),
    }
}

fn layer_view<'a>(build: &Build, layer: &'a BuildLayer, heaviest: u64) -> LayerView<'a> {
    let step = layer.step;
    let step = step.and_then(|number| build.steps.iter().find(|step| step.number == number));
    LayerView {
        made_by: match layer.made_by.is_empty() {
            true => "the base image",
            false => &layer.made_by,
        },
        place: step.map(|step| place(build, step)),
        size: amount(layer.bytes as f64),
        width: format!("{:.1}", share(layer.bytes as f64, heaviest as f64)),
        class: if step.is_some() { "" } else { "base" },
    }
}

/// What is not as in the build before: arguments, sizes, and the steps that had to run.
fn changes(build: &Build, before: &Build) -> Vec<Difference> {
    let mut changes = Vec::new();
    let names: BTreeSet<&String> = (build.arguments.keys())
        .chain(before.arguments.keys())
        .collect();
    for name in names {
        let value = |build: &Build| build.arguments.get(name).cloned().unwrap_or_default();
        if value(build) != value(before) {
            changes.push(Difference {
                what: format!("argument {name}"),
                before: value(before),
                now: value(build),
            });
        }
    }
    for image in &build.images {
        let then = before.images.iter().find(|one| one.target == image.target);
        if let Some(then) = then.filter(|then| then.size != image.size) {
            changes.push(Difference {
                what: format!("size of {}", image.target),
                before: amount(then.size as f64),
                now: amount(image.size as f64),
            });
        }
    }
    for step in build.steps.iter().filter(|step| !step.cached) {
        if step.position.is_none() {
            continue;
        }
        let then = before
            .steps
            .iter()
            .find(|one| stage_of(one) == stage_of(step) && one.position == step.position);
        let then = match then {
            Some(then) if then.instruction != step.instruction => then.instruction.clone(),
            Some(then) if then.cached => "cached".to_owned(),
            Some(_) => continue,
            None => "-".to_owned(),
        };
        changes.push(Difference {
            what: place(build, step),
            before: then,
            now: format!("{} ({} s)", step.instruction, seconds(step.seconds)),
        });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::sizes::PackageSize;

    #[test]
    fn a_page_says_all_and_lets_nothing_in_a_build_become_markup() {
        let mut build = Build {
            id: "20261122-005512-3f2a".into(),
            installation: "amd64-cpu".into(),
            seconds: 10.0,
            dockerfile: "installation/amd64-cpu/Dockerfile".into(),
            failed: Some(2),
            steps: vec![
                BuildStep {
                    number: 1,
                    stage: Some("base".into()),
                    position: Some((1, 2)),
                    seconds: 4.0,
                    line: Some(3),
                    ..BuildStep::default()
                },
                BuildStep {
                    number: 2,
                    stage: Some("base".into()),
                    position: Some((2, 2)),
                    instruction: "RUN echo '<script>alert(1)</script>'".into(),
                    inputs: vec![1],
                    began: 4.0,
                    seconds: 6.0,
                    error: Some("exit code: 3 & more".into()),
                    ..BuildStep::default()
                },
            ],
            ..Build::default()
        };
        build.images.push(BuildImage {
            target: "image-run-root".into(),
            id: "sha256:1".into(),
            tags: vec!["lab/x:y".into()],
            size: 3_000_000,
            layers: vec![BuildLayer {
                made_by: "RUN true".into(),
                bytes: 1_500_000,
                step: Some(1),
            }],
        });
        let packages = [ImagePackages {
            target: "image-run-root".into(),
            packages: vec![PackageSize {
                kind: "python".into(),
                name: "torch".into(),
                version: "2.4".into(),
                bytes: 1_000_000,
            }],
            rest: 5_000,
        }];
        let before = Build {
            arguments: [("JOBS".to_owned(), "4".to_owned())].into(),
            ..build.clone()
        };
        let page = render(&build, Some(&before), &packages).expect("rendered");
        for text in [
            "exit code: 3 &amp; more",
            "base 1&#x2f;2, Dockerfile:3",
            "left: 40.00%; width: 60.00%",
            "failed critical",
            "lab&#x2f;x:y: 3.0 MB",
            "torch",
            "argument JOBS",
        ] {
            assert!(page.contains(text), "{text} is not in:\n{page}");
        }
        assert!(!page.contains("<script"));
        // Nothing is fetched.
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("));
        render(&Build::default(), None, &[]).expect("rendered");
    }
}
