//! A build as it is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;

use crate::commands::building::places::Places;
use crate::commands::building::{BuildArgs, Built, Plan, ServiceDockerfile};
use crate::commands::workplace::Workplace;
use crate::engine::progress::{Step, Steps};
use crate::installation::dockerfile::Given;
use crate::process::Invocation;
use crate::project::{
    Build, BuildImage, BuildLayer, BuildStep, BuildTarget, Outcome, to_the_millisecond,
    to_the_second,
};
use crate::secrets::{redact_command, redact_value};

/// What is written down of a build whose steps these are.
pub fn of(
    workplace: &Workplace<'_>,
    plan: &Plan,
    invocation: &Invocation,
    args: &BuildArgs,
    steps: &Steps,
    places: Option<&Places>,
    started: Timestamp,
) -> Build {
    let words: Vec<String> = std::iter::once(invocation.program())
        .chain(invocation.arguments().iter().map(AsRef::as_ref))
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let dockerfile = dockerfile(workplace, plan);
    let targets = targets(workplace, plan);
    Build {
        id: String::new(),
        started: to_the_second(started),
        seconds: to_the_millisecond(Timestamp::now().duration_since(started).as_secs_f64()),
        outcome: Outcome::Failed,
        installation: workplace.installation.name().to_string(),
        stages: places.map(|places| places.sheet(&targets, &dockerfile)),
        dockerfile: dockerfile.display().to_string(),
        command: redact_command(words.iter().map(String::as_str)),
        arguments: arguments(workplace, plan, args)
            .into_iter()
            .map(|(name, value)| (name.clone(), redact_value(&name, &value)))
            .collect(),
        targets,
        failed: steps.failed().map(|step| step.number),
        steps: steps
            .all()
            .iter()
            .map(|one| step(one, steps, places, started))
            .collect(),
        messages: Vec::new(),
        images: Vec::new(),
    }
}

/// The Dockerfile, for telling where its steps stand; `None` when it cannot be read.
pub fn places(workplace: &Workplace<'_>, plan: &Plan, args: &BuildArgs) -> Option<Places> {
    let original = ServiceDockerfile::of(workplace, service(plan)?).ok()?;
    let given = Given {
        args: arguments(workplace, plan, args),
        contexts: contexts(workplace, plan),
        ..original.given(workplace, &args.build_args)
    };
    Places::new(&original, given).ok()
}

/// The names of further contexts that the build is given, in either spelling of Compose.
fn contexts(workplace: &Workplace<'_>, plan: &Plan) -> BTreeSet<String> {
    // A build whose file cannot be written says so itself.
    let document = plan.document(workplace).unwrap_or_default();
    let document: Value = serde_json::from_str(&document).unwrap_or_default();
    let services = document["services"].as_object().into_iter().flatten();
    let mut names = BTreeSet::new();
    for (_, service) in services {
        match &service["build"]["additional_contexts"] {
            Value::Object(contexts) => names.extend(contexts.keys().cloned()),
            Value::Array(contexts) => {
                let words = contexts.iter().filter_map(Value::as_str);
                names.extend(words.map(|word| word.split('=').next().unwrap_or(word).to_owned()));
            }
            _ => {}
        }
    }
    names
}

/// Adds the images that a build made, with their layers and the steps that made those.
pub fn images(workplace: &Workplace<'_>, built: &[Built], build: &mut Build) {
    let images = built.iter().map(|image| BuildImage {
        target: image.service.clone(),
        id: image.id.clone(),
        tags: image.tags.clone(),
        size: image.size,
        layers: layers(workplace, image, build),
    });
    build.images = images.collect();
}

fn targets(workplace: &Workplace<'_>, plan: &Plan) -> Vec<BuildTarget> {
    let targets = plan.targets.iter().map(|target| {
        let service = workplace.model.services.get(&target.service);
        let own = service.and_then(|service| service.build.as_ref()?.target.clone());
        BuildTarget {
            name: target.name.clone(),
            service: target.service.clone(),
            stage: target.stage.clone().or(own),
        }
    });
    targets.collect()
}

/// The service whose Dockerfile is built; those of all targets have the same.
fn service(plan: &Plan) -> Option<&str> {
    plan.targets.first().map(|target| &*target.service)
}

/// The Dockerfile, relative to the project.
fn dockerfile(workplace: &Workplace<'_>, plan: &Plan) -> PathBuf {
    let path = service(plan).and_then(|name| ServiceDockerfile::locate(workplace, name).ok());
    // What Compose names may go over a symbolic link.
    let path = path.unwrap_or_default();
    let path = path.canonicalize().unwrap_or(path);
    let shown = path.strip_prefix(workplace.project.root());
    shown.unwrap_or(&path).to_owned()
}

/// The build arguments of all targets; those of the command line count.
fn arguments(workplace: &Workplace<'_>, plan: &Plan, args: &BuildArgs) -> BTreeMap<String, String> {
    let services = plan.targets.iter().map(|target| &target.service);
    let composed = services
        .filter_map(|name| workplace.model.services.get(name)?.build.as_ref())
        .flat_map(|build| &build.args)
        .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
    let given = args.build_args.iter().filter_map(|arg| arg.split_once('='));
    composed
        .chain(given)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn step(step: &Step, steps: &Steps, places: Option<&Places>, started: Timestamp) -> BuildStep {
    let now = Timestamp::now();
    let began = step.started.unwrap_or(started).duration_since(started);
    let inputs = step.inputs.iter();
    BuildStep {
        number: step.number,
        name: step.name.clone(),
        target: step.parts.target.clone(),
        stage: step.parts.stage.clone(),
        position: step.parts.position,
        instruction: step.parts.instruction.clone(),
        line: places.and_then(|places| places.line(&step.parts)),
        arguments: places
            .map(|places| places.arguments(&step.parts))
            .unwrap_or_default(),
        inputs: inputs
            .filter_map(|digest| Some(steps.named(digest)?.number))
            .collect(),
        began: to_the_millisecond(began.as_secs_f64().max(0.0)),
        seconds: to_the_millisecond(step.seconds(now)),
        cached: step.cached,
        canceled: step.is_canceled(),
        error: step.error.clone(),
        bytes: step.bytes,
    }
}

/// The layers of an image. Its newest were made by the steps of its stage, from the last one on
/// down to the base image.
fn layers(workplace: &Workplace<'_>, image: &Built, build: &Build) -> Vec<BuildLayer> {
    let mut chain = chain(build, &image.service).into_iter();
    let mut history = workplace.images.history(&image.id);
    history.reverse();
    let mut layers: Vec<BuildLayer> = history
        .into_iter()
        .filter_map(|made| {
            let step = match makes_a_layer(&made.made_by) {
                true => chain.next(),
                false => None,
            };
            (made.size > 0).then_some(BuildLayer {
                made_by: made.made_by,
                bytes: made.size,
                step,
            })
        })
        .collect();
    layers.reverse();
    layers
}

/// Instructions that BuildKit shows as steps.
fn makes_a_layer(made_by: &str) -> bool {
    let instruction = made_by.split_whitespace().next().unwrap_or_default();
    ["RUN", "COPY", "ADD", "WORKDIR"].contains(&instruction)
}

/// The steps that a target's image stands on, last to first, without the base image.
fn chain(build: &Build, target: &str) -> Vec<usize> {
    let stage = build.targets.iter().find(|one| one.name == target);
    let stage = stage.and_then(|target| target.stage.as_deref());
    let last = build.steps.iter().find(|step| {
        let named = step.stage.as_deref().zip(stage);
        named.is_some_and(|(own, wanted)| own.eq_ignore_ascii_case(wanted))
            && step.position.is_some_and(|(step, of)| step == of)
    });
    let below = |step: &&BuildStep| {
        let first = step.inputs.first()?;
        build.steps.iter().find(|step| step.number == *first)
    };
    std::iter::successors(last, below)
        .filter(|step| !step.instruction.starts_with("FROM "))
        .map(|step| step.number)
        .collect()
}
