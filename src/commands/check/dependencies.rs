//! What people declare: lists of system packages, requirements, `environment.yml`.

use std::collections::BTreeMap;

use super::finding::Findings;
use crate::error::{Place, Result};
use crate::files;
use crate::installation::apt_list::AptList;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{Kind, Requirements};
use crate::project::Installation;

/// The lists of system packages. The stages of the last two start from that of the first.
const LISTS: [&str; 3] = ["apt-runtime", "apt-dev", "apt-build"];

/// A package of a list, and where it stands.
#[derive(Debug)]
pub struct Listed {
    /// The package as apt takes it, without a version.
    pub package: String,
    /// Where it stands.
    pub place: Place,
}

/// Reads and judges the lists of system packages; what they name.
///
/// # Errors
/// When the person stopped it.
pub fn apt(findings: &mut Findings, installation: &Installation) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for list in LISTS {
        let path = installation.path(format!("dependencies/{list}.txt"));
        let text = match findings.value(files::read_text_if_exists(&path), &path)? {
            Some(Some(text)) => text,
            Some(None) => {
                findings
                    .error(
                        &Place::file(&path),
                        "it is missing, and the Dockerfile copies it",
                    )
                    .help("an empty file will do");
                continue;
            }
            None => continue,
        };
        let Some(packages) = findings.value(AptList::parse(&path, &text), &path)? else {
            continue;
        };
        for (_, again) in packages.duplicates() {
            let place = Place::span(&path, &text, again.span.clone());
            findings.warning(&place, format!("`{}` is listed twice", again.name));
        }
        for entry in packages.entries() {
            let package = match &entry.arch {
                Some(arch) => format!("{}:{arch}", entry.name),
                None => entry.name.clone(),
            };
            let place = Place::span(&path, &text, entry.span.clone());
            match first.get(&package) {
                Some(&other) if other != list && other == LISTS[0] => {
                    findings.warning(&place, format!("`{package}` is in {other}.txt already"));
                }
                Some(_) => {}
                None => {
                    first.insert(package.clone(), list);
                    listed.push(Listed { package, place });
                }
            }
        }
    }
    for list in LISTS {
        let path = installation.path(format!("dependencies/locked/{list}.txt"));
        if let Some(Some(text)) = findings.value(files::read_text_if_exists(&path), &path)? {
            findings.value(AptList::parse(&path, &text), &path)?;
        }
    }
    Ok(listed)
}

/// Reads and judges what is declared for Python, and what is locked.
///
/// # Errors
/// When the person stopped it.
pub fn python(findings: &mut Findings, installation: &Installation) -> Result<()> {
    let requirements = installation.path("dependencies/requirements.txt");
    let environment = installation.path("dependencies/environment.yml");
    if !files::exists(&requirements) && !files::exists(&environment) {
        findings
            .error(
                &Place::file(&requirements),
                "neither requirements.txt nor environment.yml is there",
            )
            .help("requirements.txt is for installations from an image with Python, environment.yml for those from scratch; an empty requirements.txt will do");
    }
    for name in [
        "requirements.txt",
        "constraints.txt",
        "locked/requirements.txt",
        "locked/requirements-vcs.txt",
    ] {
        let path = installation.path(format!("dependencies/{name}"));
        let Some(Some(text)) = findings.value(files::read_text_if_exists(&path), &path)? else {
            continue;
        };
        if let Some(read) = findings.value(Requirements::parse(&path, &text), &path)? {
            let at = |span| Place::span(&path, &text, span);
            judge(findings, installation, &read, at);
        }
    }
    if let Some(Some(text)) =
        findings.value(files::read_text_if_exists(&environment), &environment)?
        && let Some(read) =
            findings.value(CondaEnvironment::parse(&environment, &text), &environment)?
    {
        let mut seen = Vec::new();
        for package in read.conda() {
            if seen.contains(&&package.name) {
                findings.warning(
                    &Place::file(&environment),
                    format!("`{}` is listed twice", package.name),
                );
            }
            seen.push(&package.name);
        }
        if read.channels().is_empty() {
            findings
                .warning(&Place::file(&environment), "it names no channel")
                .help("add `channels: [conda-forge]`");
        }
        findings.value(read.pip_requirements(), &environment)?;
    }
    Ok(())
}

fn judge(
    findings: &mut Findings,
    installation: &Installation,
    requirements: &Requirements,
    at: impl Fn(std::ops::Range<usize>) -> Place,
) {
    let mut seen: Vec<(String, Option<&str>)> = Vec::new();
    for entry in requirements.entries() {
        if let Some(name) = entry.normalised() {
            let key = (name, entry.kind.marker());
            if seen.contains(&key) {
                findings.warning(
                    &at(entry.span.clone()),
                    format!("`{}` is listed twice", key.0),
                );
            }
            seen.push(key);
        }
        match &entry.kind {
            Kind::Editable { target, .. } | Kind::Path { path: target, .. }
                if !target.as_written().contains("://") =>
            {
                findings
                    .warning(
                        &at(entry.span.clone()),
                        format!("`{target}` is a path of this machine, which the build does not see"),
                    )
                    .help("the project itself needs no line here: containers import it from where it is mounted");
            }
            Kind::Option(option) if matches!(option.name, "--requirement" | "--constraint") => {
                let file = option
                    .value
                    .as_ref()
                    .map(|value| value.as_written())
                    .unwrap_or_default();
                let there = installation.path("dependencies").join(file);
                if !file.contains("://") && !file.contains('$') && !files::exists(&there) {
                    findings.error(
                        &at(entry.span.clone()),
                        format!("`{file}` is not in the directory dependencies/"),
                    );
                }
            }
            _ => {}
        }
    }
}
