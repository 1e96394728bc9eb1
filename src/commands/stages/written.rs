//! What the Compose files of an installation say of its Dockerfiles, without asking Compose, so that
//! it is known at once, and without an engine.

use std::collections::{BTreeMap, BTreeSet};

use crate::commands::workplace::settings;
use crate::error::Result;
use crate::files;
use crate::installation::compose::{ComposeFile, GivenArg};
use crate::installation::dockerfile::{Dockerfile, Given, Keyword};
use crate::project::Installation;

/// The Compose files that there are.
pub fn files(installation: &Installation) -> Result<Vec<ComposeFile>> {
    let mut found = Vec::new();
    let names = ["compose.override.yaml", "compose.yaml", "compose-base.yaml"];
    for name in names {
        let path = installation.path(name);
        if let Some(text) = files::read_text_if_exists(&path)? {
            found.push(ComposeFile::parse(&path, &text)?);
        }
    }
    Ok(found)
}

/// The Dockerfiles that services build, with their stages; our own where none is named.
pub fn wanted(compose: &[ComposeFile]) -> BTreeMap<String, Vec<String>> {
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in compose {
        for service in file.services() {
            let Some((dockerfile, stage)) = file.build_target(service) else {
                continue;
            };
            let stages = wanted.entry(dockerfile.to_owned()).or_default();
            if !dockerfile.contains('$') && !stages.iter().any(|one| one == stage) {
                stages.push(stage.to_owned());
            }
        }
    }
    if wanted.is_empty() {
        wanted.insert("Dockerfile".to_owned(), Vec::new());
    }
    wanted
}

/// What the Compose files say of a Dockerfile's arguments, as far as it holds no variable.
pub fn given(
    dockerfile: &Dockerfile,
    installation: &Installation,
    compose: &[ComposeFile],
) -> Given {
    let mut known = BTreeMap::new();
    for name in declared(dockerfile) {
        let mut said = compose.iter().filter_map(|file| file.build_arg(&name));
        if let Some(value) = said.next().filter(|value| !value.contains('$')) {
            known.insert(name, value.to_owned());
        }
    }
    Given {
        args: known,
        platform: Some(installation.name().platform().docker()),
        ..Given::default()
    }
}

/// The same with the variables filled in from `.env` and the environment, as Compose does. Gives
/// also what is written for those arguments whose values stay unknown, without `.env` or since
/// Compose would refuse them.
pub fn effective(
    dockerfile: &Dockerfile,
    installation: &Installation,
    compose: &[ComposeFile],
) -> (Given, BTreeMap<String, String>) {
    let mut given = given(dockerfile, installation, compose);
    let mut unknown = BTreeMap::new();
    let settings = settings(installation).ok();
    let environment = |name: &str| std::env::var(name).ok();
    for name in declared(dockerfile) {
        let text = match compose.iter().find_map(|file| file.given_arg(&name)) {
            Some(GivenArg::Text(text)) => text,
            Some(GivenArg::Environment) => format!("${{{name}}}"),
            None => continue,
        };
        let filled = match &settings {
            _ if !text.contains('$') => Some(text.clone()),
            Some(settings) => settings.fill(&text, environment),
            None => None,
        };
        match filled {
            Some(value) => given.args.insert(name, value),
            None => unknown.insert(name, text),
        };
    }
    (given, unknown)
}

/// The arguments of a Dockerfile that some Compose file gives, whatever their values.
pub fn named(dockerfile: &Dockerfile, compose: &[ComposeFile]) -> BTreeSet<String> {
    let is_named = |name: &String| compose.iter().any(|file| file.names_build_arg(name));
    declared(dockerfile).into_iter().filter(is_named).collect()
}

fn declared(dockerfile: &Dockerfile) -> BTreeSet<String> {
    let args = dockerfile.instructions().iter();
    args.filter(|one| one.keyword == Keyword::Arg)
        .flat_map(|one| one.pairs(dockerfile.escape()))
        .map(|pair| pair.name)
        .collect()
}
