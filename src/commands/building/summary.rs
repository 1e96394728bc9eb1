//! What a build did, stage by stage, beside the build before it.

use crate::output::{Table, amount};
use crate::project::{Build, BuildStep};

/// What is under no stage: reading the files, writing the images.
const OUTSIDE: &str = "(files and images)";

/// What was done for a stage.
struct Effort {
    steps: usize,
    cached: usize,
    seconds: f64,
    bytes: u64,
}

/// The table of a build: for each stage how many steps, how many of them were there already,
/// seconds, what it adds to the images, and the seconds of the build `before`.
pub fn table(build: &Build, before: Option<&Build>) -> String {
    let mut table = Table::new(["stage", "steps", "cached", "seconds", "adds", "before"]);
    let before = before.map(efforts).unwrap_or_default();
    for (stage, effort) in efforts(build) {
        let then = before.iter().find(|(name, _)| *name == stage);
        table.row([
            stage,
            effort.steps.to_string(),
            effort.cached.to_string(),
            seconds(effort.seconds),
            match effort.bytes {
                0 => "-".to_owned(),
                bytes => amount(bytes as f64),
            },
            then.map_or_else(|| "-".to_owned(), |(_, then)| seconds(then.seconds)),
        ]);
    }
    table.to_string().trim_end().to_owned()
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}")
}

/// The stages in the order in which they began; what is under none comes last.
fn efforts(build: &Build) -> Vec<(String, Effort)> {
    let mut stages = steps_by_stage(build);
    stages.sort_by_key(|(name, _)| name == OUTSIDE);
    let efforts = stages.into_iter().map(|(name, steps)| {
        let effort = Effort {
            steps: steps.len(),
            cached: steps.iter().filter(|step| step.cached).count(),
            seconds: steps.iter().map(|step| step.seconds).sum(),
            bytes: steps.iter().map(|step| added(build, step.number)).sum(),
        };
        (name, effort)
    });
    efforts.collect()
}

/// The steps of each stage, by its name in words; the stages in the order in which they began.
pub fn steps_by_stage(build: &Build) -> Vec<(String, Vec<&BuildStep>)> {
    let mut stages: Vec<(String, Vec<&BuildStep>)> = Vec::new();
    for step in &build.steps {
        let name = stage_of(step);
        match stages.iter_mut().find(|(known, _)| *known == name) {
            Some((_, steps)) => steps.push(step),
            None => stages.push((name, vec![step])),
        }
    }
    stages
}

/// The stage of a step, in words.
pub fn stage_of(step: &BuildStep) -> String {
    match (&step.stage, step.position) {
        (Some(stage), Some(_)) => stage.clone(),
        (None, Some(_)) => "(unnamed)".to_owned(),
        _ => OUTSIDE.to_owned(),
    }
}

/// The bytes that a step adds to images; a layer that several share counts once.
fn added(build: &Build, step: usize) -> u64 {
    let layers = build.images.iter().flat_map(|image| &image.layers);
    let own = layers.filter(|layer| layer.step == Some(step));
    own.map(|layer| layer.bytes).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{BuildImage, BuildLayer};

    fn step(number: usize, stage: Option<&str>, seconds: f64, cached: bool) -> BuildStep {
        BuildStep {
            number,
            stage: stage.map(str::to_owned),
            position: stage.map(|_| (1, 2)),
            seconds,
            cached,
            ..BuildStep::default()
        }
    }

    fn image(bytes: u64) -> BuildImage {
        BuildImage {
            target: "x".into(),
            id: "sha256:1".into(),
            tags: Vec::new(),
            size: bytes,
            layers: vec![BuildLayer {
                made_by: "COPY".into(),
                bytes,
                step: Some(3),
            }],
        }
    }

    #[test]
    fn stages_are_summed_up_beside_those_of_the_build_before() {
        let before = Build {
            steps: vec![step(1, Some("base"), 30.0, false)],
            ..Build::default()
        };
        let build = Build {
            steps: vec![
                step(1, None, 0.2, false),
                step(2, Some("base"), 0.0, true),
                step(3, Some("base"), 1.5, false),
                step(4, Some("dev"), 2.0, false),
            ],
            images: vec![image(2_500_000), image(2_500_000)],
            ..Build::default()
        };
        assert_eq!(
            table(&build, Some(&before)),
            "STAGE               STEPS  CACHED  SECONDS  ADDS    BEFORE\n\
             base                2      1       1.5      2.5 MB  30.0\n\
             dev                 1      0       2.0      -       -\n\
             (files and images)  1      0       0.2      -       -"
        );
    }
}
