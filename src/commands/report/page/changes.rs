//! What is not as in the build before.

use std::collections::BTreeSet;

use serde::Serialize;

use super::seconds;
use super::steps::place;
use crate::commands::building::stage_of;
use crate::output::amount;
use crate::project::Build;

/// Something that is not as it was.
#[derive(Serialize)]
pub struct Difference {
    what: String,
    before: String,
    now: String,
}

/// What is not as in the build before: arguments, sizes, and the steps that had to run.
pub fn changes(build: &Build, before: &Build) -> Vec<Difference> {
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
