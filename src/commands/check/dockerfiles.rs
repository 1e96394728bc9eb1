//! Dockerfiles: readable, with the stages that the Compose files build, and what the build sees;
//! and what in them ends otherwise than it looks.

mod commands;
mod rest;
mod variables;
mod view;

use std::collections::BTreeMap;

use super::compose::Wanted;
use super::finding::Findings;
use crate::commands::stages::written;
use crate::error::{Place, Result};
use crate::files;
use crate::installation::dockerfile::{Dockerfile, Graph};
use crate::project::Installation;

/// The Dockerfiles of an installation, and the stages that the contract names.
const CONTRACT: [(&str, [&str; 2]); 2] = [
    ("Dockerfile", ["runtime-generic", "development-generic"]),
    ("Dockerfile-user", ["runtime-user", "development-user"]),
];

/// Reads and judges them; `wanted` are the stages that the Compose files name, which may be
/// others than ours.
///
/// # Errors
/// When the person stopped it.
pub fn check(
    findings: &mut Findings,
    installation: &Installation,
    wanted: &[Wanted],
) -> Result<()> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (dockerfile, stages) in &CONTRACT {
        files.insert(dockerfile, Vec::new());
        if wanted.is_empty() {
            files.insert(dockerfile, stages.to_vec());
        }
    }
    for one in wanted {
        let stages = files.entry(&one.dockerfile).or_default();
        if !stages.contains(&one.stage.as_str()) {
            stages.push(&one.stage);
        }
    }
    for (name, stages) in files {
        one(findings, installation, name, &stages)?;
    }
    context(findings, installation)
}

fn one(
    findings: &mut Findings,
    installation: &Installation,
    name: &str,
    stages: &[&str],
) -> Result<()> {
    let path = installation.path(name);
    let text = match findings.value(files::read_text_if_exists(&path), &path)? {
        Some(Some(text)) => text,
        Some(None) => {
            findings
                .error(&Place::file(&path), "it is missing")
                .help("take it back from git, or scaffold the installation again");
            return Ok(());
        }
        None => return Ok(()),
    };
    let Some(dockerfile) = findings.value(Dockerfile::parse(&path, &text), &path)? else {
        return Ok(());
    };
    for stage in stages {
        if let Err(error) = dockerfile.stage(stage) {
            findings.take(&error, &path)?;
        }
    }
    lint(findings, installation, &dockerfile, stages)?;
    if let Some(line) = dockerfile.other_builder() {
        findings
            .warning(
                &Place::line(&path, &text, line),
                "this line fetches a builder from a registry at each build, and fails without one",
            )
            .help("leave it out: the engine's own builder knows all that is used here");
    }
    Ok(())
}

/// What can be built, and hardly as meant.
fn lint(
    findings: &mut Findings,
    installation: &Installation,
    dockerfile: &Dockerfile,
    stages: &[&str],
) -> Result<()> {
    // Compose files that cannot be read have their own findings.
    let compose = written::files(installation).unwrap_or_default();
    let given = written::given(dockerfile, installation, &compose);
    let view = view::View {
        dockerfile,
        given: &given,
        named: &written::named(dockerfile, &compose),
        graph: &Graph::new(dockerfile, &given),
    };
    variables::check(findings, &view);
    commands::check(findings, &view);
    rest::secrets(findings, &view);
    let there = stages
        .iter()
        .filter(|stage| dockerfile.find_stage(stage).is_some());
    let there: Vec<&str> = there.copied().collect();
    rest::orphans(findings, &view, &there)
}

/// `.dockerignore`: neither the project's code nor `.env` may travel to the builder.
fn context(findings: &mut Findings, installation: &Installation) -> Result<()> {
    let path = installation.path(".dockerignore");
    let Some(text) = findings.value(files::read_text_if_exists(&path), &path)? else {
        return Ok(());
    };
    let text = text.unwrap_or_default();
    let lines = || text.lines().map(str::trim);
    if !lines().any(|line| matches!(line, "*" | "**" | "/*" | ".env" | "**/.env*" | ".env*")) {
        findings
            .warning(
                &Place::file(&path),
                "it lets `.env`, with what is personal in it, travel to the builder",
            )
            .help("begin it with a line `*`, and name what the build needs behind `!`");
    }
    if let Some(index) = lines().position(|line| line.starts_with("!.env")) {
        findings.error(
            &Place::line(&path, &text, index + 1),
            "this line sends your personal settings to the builder",
        );
    }
    Ok(())
}
