//! The packages that a repository declares, gathered from its files.

use std::path::Path;

use crate::commands::Context;
use crate::commands::init::declared::{self, Declared, Section};
use crate::commands::init::repository::Repository;
use crate::error::Result;
use crate::installation::apt_list::AptList;
use crate::installation::pyproject::Pyproject;
use crate::templates::FromBase;

/// The packages that the repository declares.
pub(super) fn declared(
    context: &Context,
    repository: &Repository,
    kind: FromBase,
) -> Result<Declared> {
    let printer = &context.printer;
    let mut declared = Declared::default();
    let mut imported = Vec::new();
    if let Some(text) = &repository.requirements {
        let (lines, unusable) = declared::requirements(text);
        for one in unusable {
            printer.warn(format_args!(
                "requirements.txt: `{}` is left out: {}",
                one.line, one.why
            ));
        }
        imported.push(Section::new("From requirements.txt.", lines));
    }
    if let Some((path, text)) = &repository.conda {
        let (conda, lines) = declared::environment(path, text)?;
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        if kind == FromBase::FromPython && !conda.packages.is_empty() {
            printer.warn(format_args!(
                "{shown}: conda packages are left out of a from-python installation: {}",
                conda.packages.join(", ")
            ));
            printer.help(
                "`--from-base from-scratch` takes them; or add to requirements.txt what pip has",
            );
        }
        imported.push(Section::new(&format!("From {shown}."), lines));
        declared.conda = conda;
    }
    if repository.pyproject.has_poetry_dependencies {
        printer.warn(
            "pyproject.toml: packages in [tool.poetry.dependencies] are left out; \
             [project] dependencies are read",
        );
    }
    declared.python = sections(&repository.pyproject, &imported);
    declared.python.extend(imported);
    if let Some(text) = &repository.apt {
        let list = AptList::parse(Path::new("apt.txt"), text)?;
        declared.apt = list.entries().iter().map(ToString::to_string).collect();
    }
    Ok(declared)
}

/// What `pyproject.toml` declares; a file of requirements says more exactly what it repeats.
pub(super) fn sections(pyproject: &Pyproject, imported: &[Section]) -> Vec<Section> {
    let imported: Vec<String> = imported
        .iter()
        .flat_map(|section| &section.lines)
        .filter_map(|line| declared::distribution(line))
        .collect();
    let mut taken: Vec<String> = Vec::new();
    let mut section = |heading: &str, lines: &[String]| {
        let mut new = Vec::new();
        for line in lines {
            let again = declared::distribution(line).is_some_and(|name| imported.contains(&name));
            // One package may stand in several lines, each for another system.
            if !again && !taken.contains(line) {
                taken.push(line.clone());
                new.push(line.clone());
            }
        }
        Section::new(heading, new)
    };
    let builds = "Builds the project itself, without the network (pyproject.toml, [build-system]).";
    let needs = "What the project needs (pyproject.toml, [project] dependencies).";
    vec![
        section(builds, &pyproject.build_requires),
        section(needs, &pyproject.dependencies),
    ]
}
