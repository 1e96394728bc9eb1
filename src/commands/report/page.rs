//! The page: what a template needs to know, in words and widths.

mod changes;
mod drawing;
mod images;
mod stages;
mod steps;

use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::commands::report::{ImagePackages, critical};
use crate::error::{Error, Result};
use crate::project::{Build, BuildStep, Outcome};
use changes::{Difference, changes};
use images::{ImageView, image_view};
use stages::StagesView;
use steps::{Lane, Row, lanes, row};

const PAGE: &str = include_str!("page.html");

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
    graph: Option<StagesView>,
    critical: Vec<Row>,
    before: Option<Earlier<'a>>,
    changes: Vec<Difference>,
    images: Vec<ImageView<'a>>,
    steps: Vec<Row>,
}

#[derive(Serialize)]
struct Earlier<'a> {
    id: &'a str,
    started: &'a str,
    seconds: String,
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
        targets: build.target_names(),
        failed: build.failed_step().map(row),
        lanes: lanes(build, &waited_for),
        graph: stages::view(build),
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

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}")
}

fn share(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => (part / whole * 100.0).clamp(0.0, 100.0),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::environment::sizes::PackageSize;
    use crate::installation::dockerfile::{Dockerfile, Given, Sheet};
    use crate::project::{BuildImage, BuildLayer};

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
        // A build that was written down without its stages.
        assert!(!page.contains("class=\"graph\""));
        render(&Build::default(), None, &[]).expect("rendered");
    }

    /// The stages of a Dockerfile, for its last one.
    fn stages(text: &str) -> Option<Sheet> {
        let path = Path::new("Dockerfile");
        let dockerfile = Dockerfile::parse(path, text).expect("valid");
        Some(Sheet::new(&dockerfile, &Given::default(), &[], path).expect("a sheet"))
    }

    #[test]
    fn stages_are_drawn_with_what_was_left_out_and_why() {
        let step = |number, stage: &str, cached| BuildStep {
            number,
            stage: Some(stage.into()),
            position: Some((1, 1)),
            seconds: 4.0,
            cached,
            ..BuildStep::default()
        };
        let build = Build {
            steps: vec![step(1, "prep", true), step(2, "made", false)],
            failed: Some(2),
            stages: stages(
                "ARG V='<i id=planted>'\nFROM a.b/c:1 AS prep\nARG API_TOKEN=planted-secret\nARG V\n\
                 RUN x\nFROM prep AS tested\nRUN y\nFROM scratch AS made\n\
                 RUN --mount=from=prep,target=/p z\nCOPY --from=e.f/g:2 /a /b\nFROM made AS last\n",
            ),
            ..Build::default()
        };
        let page = render(&build, None, &[]).expect("rendered");
        for text in [
            // Boxes, by their place in the file; images come behind.
            "class=\"box b0 cached\"><title>prep, line 2\nstarts from a.b&#x2f;c:1</title>",
            "class=\"box b1 skipped\">",
            "class=\"box b2 failed\">",
            "class=\"box b3 quiet wanted\">",
            "class=\"box b4 other\"><title>a.b&#x2f;c:1</title>",
            // Lines, by their ends.
            "class=\"edge e4 e0 parent\"",
            "class=\"edge e0 e1 parent out\"",
            "class=\"edge e0 e2 mount\"",
            "class=\"edge e5 e2 copy\"",
            "class=\"edge e2 e3 parent\"",
            "not built: <code>tested</code> <span class=\"quiet\">nothing takes from it</span>",
            ">2 steps, cached</text>",
            "<code>&lt;i id=planted&gt;</code>",
            "<td>API_TOKEN</td><td class=\"number\">3</td><td><code>****</code></td><td>prep, tested</td>",
        ] {
            assert!(page.contains(text), "{text} is not in:\n{page}");
        }
        assert!(!page.contains("<i id") && !page.contains("planted-secret"));
        assert!(!page.contains("http:") && !page.contains("url("));
        let written = serde_json::to_string(&build).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Build>(&written).expect("a build"),
            build
        );
    }
}
