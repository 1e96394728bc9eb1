//! The files that are scaffolded, planned.

use std::path::Path;

use crate::commands::env::{self, Host, Subject};
use crate::commands::init::decision::Scaffold;
use crate::commands::init::declared::{self, Declared};
use crate::commands::init::import;
use crate::error::Result;
use crate::files::{self, ChangeSet};
use crate::installation::name::Name;
use crate::installation::pyproject::Pyproject;
use crate::templates::render::{self, ProjectAnswers};
use crate::templates::{Answers, Choice, RECORD, Record};

fn skeleton(scaffold: &Scaffold) -> Result<render::Files> {
    let python = scaffold
        .installations
        .iter()
        .map(|(_, choice)| choice.python_version.as_str())
        .min_by_key(|version| {
            let minor = version.split('.').nth(1);
            minor.and_then(|minor| minor.parse::<u32>().ok())
        });
    render::project(&ProjectAnswers {
        project_title: scaffold.title.clone(),
        project_name: scaffold.project_name.clone(),
        package_name: scaffold.package_name.clone(),
        python_version: python.unwrap_or("3.9").to_owned(),
    })
}

/// Plans a small package, with what it needs declared; gives the command that runs it.
pub(super) fn package(
    changes: &mut ChangeSet,
    scaffold: &Scaffold,
    declared: &mut Declared,
) -> Result<String> {
    for (path, file) in skeleton(scaffold)? {
        if path == "pyproject.toml" {
            let text = String::from_utf8_lossy(&file.bytes);
            let pyproject = Pyproject::parse(Path::new("pyproject.toml"), &text)?;
            let sections = import::of_skeleton(&pyproject, &declared.python);
            declared.python.splice(0..0, sections);
        }
        if path == ".gitignore" {
            ignore(changes, String::from_utf8_lossy(&file.bytes).lines())?;
        } else if !files::exists(&scaffold.root.join(&path)) {
            let mode = file.mode();
            changes.write(path, file.bytes, mode)?;
        }
    }
    Ok(format!("python -m {}.digits", scaffold.package_name))
}

/// Plans the lines of `.gitignore` that are missing.
pub(super) fn ignore<'a>(
    changes: &mut ChangeSet,
    lines: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let before = changes.content(".gitignore")?.unwrap_or_default();
    let shown = String::from_utf8_lossy(&before).into_owned();
    let line_break = if shown.contains("\r\n") { "\r\n" } else { "\n" };
    let mut after = before.clone();
    for line in lines {
        if !shown.lines().any(|other| other.trim_end() == line) {
            if !after.is_empty() && !after.ends_with(b"\n") {
                after.extend(line_break.bytes());
            }
            after.extend(line.bytes().chain(line_break.bytes()));
        }
    }
    if after != before {
        changes.write_keeping_mode(".gitignore", after)?;
    }
    Ok(())
}

/// Plans the files of an installation; gives the settings that its `.env` makes.
pub(super) fn installation(
    changes: &mut ChangeSet,
    scaffold: &Scaffold,
    name: &Name,
    choice: &Choice,
    declared: &Declared,
    host: &Host,
) -> Result<Vec<String>> {
    let installation = name.to_string();
    let directory = Path::new("installation").join(&installation);
    let answers = Answers::new(
        name,
        scaffold.from_base,
        scaffold.machine,
        choice.clone(),
        &scaffold.project_name,
        &scaffold.package_name,
    );
    let mut rendered = render::installation(&answers)?;
    if files::exists(
        &scaffold
            .root
            .join(render::place(&installation, render::DEVCONTAINER)),
    ) {
        // Somebody else's, from before.
        rendered.remove(render::DEVCONTAINER);
    }
    let record = Record::new(answers, &rendered)?;
    declared::put(&mut rendered, scaffold.from_base, declared)?;
    for (path, file) in rendered {
        let mode = file.mode();
        changes.write(render::place(&installation, &path), file.bytes, mode)?;
    }
    changes.write(directory.join(RECORD), record.to_text()?, 0o644)?;
    let subject = Subject {
        installation: name.clone(),
        project_name: scaffold.project_name.clone(),
        package_name: scaffold.package_name.clone(),
    };
    env::plan(changes, &directory.join(".env"), &subject, host)
}
