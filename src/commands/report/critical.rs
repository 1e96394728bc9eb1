//! The critical path: the chain of steps that a build waited for.

use crate::project::{Build, BuildStep};

/// Seconds by which a step that waited for another may seem to begin before that one's end: the
/// builder rounds, and tells them by different clocks.
const NEAR: f64 = 0.05;

/// The steps that the end of the build waited for, first to last: from the step that ended last,
/// each time back to the one of its inputs that ended last. Where the builder names no inputs, as
/// for writing an image, it is whatever ended last before.
pub fn path(build: &Build) -> Vec<&BuildStep> {
    let last = build.steps.iter().max_by(by_end);
    let before = |step: &&BuildStep| {
        // What was waited for began before; so a damaged report makes no circle.
        let earlier = || build.steps.iter().filter(|one| one.number < step.number);
        let inputs = earlier().filter(|one| step.inputs.contains(&one.number));
        let ended = earlier().filter(|one| end(one) <= step.began + NEAR);
        inputs.max_by(by_end).or_else(|| ended.max_by(by_end))
    };
    let mut path: Vec<&BuildStep> = std::iter::successors(last, before).collect();
    path.reverse();
    path
}

fn by_end(one: &&BuildStep, other: &&BuildStep) -> std::cmp::Ordering {
    end(one).total_cmp(&end(other))
}

fn end(step: &BuildStep) -> f64 {
    step.began + step.seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_follows_what_was_waited_for() {
        let step = |number, began, seconds, inputs: &[usize]| BuildStep {
            number,
            began,
            seconds,
            inputs: inputs.to_vec(),
            ..BuildStep::default()
        };
        let build = Build {
            steps: vec![
                step(1, 0.0, 1.0, &[]),
                step(2, 1.0, 5.0, &[1]),
                step(3, 1.0, 2.0, &[1]),
                step(4, 6.0, 1.0, &[3, 2]),
                step(5, 3.0, 1.0, &[3]),
                step(6, 7.0, 0.5, &[]),
            ],
            ..Build::default()
        };
        let path: Vec<usize> = path(&build).iter().map(|step| step.number).collect();
        assert_eq!(path, [1, 2, 4, 6]);
        assert!(super::path(&Build::default()).is_empty());
    }
}
