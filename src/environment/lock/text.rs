//! The lock as text: sorted on the way out, judged on the way in.

use std::path::Path;

use serde::Deserialize;

use crate::environment::lock::{AptPackage, Lock, SCHEMA};
use crate::environment::yaml_text::to_yaml;
use crate::error::{Error, Place, Result};
use crate::files;

pub(super) const HEADER: &str = "\
# Written by `envtpl freeze`: every package of this environment, with exact version and origin.
# Commit it, but do not edit it: the build reads the plain lists in dependencies/locked/, which
# freeze writes from the same facts. People declare what they want in dependencies/.
";

impl Lock {
    /// The file's text; the same for the same environment, whatever order it was found in.
    ///
    /// # Errors
    /// When it cannot be written as YAML.
    pub fn to_text(&self) -> Result<String> {
        let mut sorted = self.clone();
        sorted.sort();
        Ok(format!("{HEADER}{}", to_yaml(&sorted)?))
    }

    /// Whether a text may be a lock, however damaged: one says its schema.
    pub fn looks_like_one(text: &str) -> bool {
        text.lines().any(|line| line.starts_with("schema:"))
    }

    /// Reads a lock; `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read; otherwise as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Option<Self>> {
        files::read_text_if_exists(path)?
            .map(|text| Self::parse(path, &text))
            .transpose()
    }

    /// Reads the file's text; `path` is for messages alone.
    ///
    /// # Errors
    /// `Usage`, with the line, for whatever envtpl would not have written.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        refuse_conflicts(path, text)?;
        refuse_newer(path, text)?;
        let lock: Self =
            serde_yaml::from_str(text).map_err(|source| damaged(path, text, source))?;
        match lock.duplicate() {
            Some(name) => Err(Error::usage(format!("`{name}` is locked twice"))
                .at(place_of(path, text, name))
                .help("two freezes were merged: keep one of its blocks, then run `envtpl freeze`")),
            None => Ok(lock),
        }
    }

    fn duplicate(&self) -> Option<&str> {
        let twice = |mut names: Vec<(&str, &str)>| {
            names.sort_unstable();
            let found = names
                .windows(2)
                .find(|pair| pair[0] == pair[1])
                .map(|pair| pair[0].0);
            found.map(str::to_owned)
        };
        let lists = [
            self.python_packages()
                .iter()
                .map(|package| (package.name.as_str(), ""))
                .collect(),
            apt_names(&self.apt.build),
            apt_names(&self.apt.runtime),
            apt_names(&self.apt.dev),
            self.conda
                .iter()
                .map(|package| (package.name.as_str(), ""))
                .collect(),
        ];
        let name = lists.into_iter().find_map(twice)?;
        let python = self.python_packages().iter().map(|package| &package.name);
        let apt = self
            .apt
            .lists()
            .into_iter()
            .flatten()
            .map(|package| &package.name);
        let conda = self.conda.iter().map(|package| &package.name);
        python
            .chain(apt)
            .chain(conda)
            .find(|known| **known == name)
            .map(String::as_str)
    }
}

fn apt_names(list: &[AptPackage]) -> Vec<(&str, &str)> {
    list.iter()
        .map(|package| (package.name.as_str(), package.architecture.as_str()))
        .collect()
}

fn refuse_conflicts(path: &Path, text: &str) -> Result<()> {
    let marker = text
        .lines()
        .position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "));
    match marker {
        Some(index) => Err(Error::usage("the lock holds a merge conflict")
            .at(Place::line(path, text, index + 1))
            .help("keep one side of each conflict, then run `envtpl freeze`")),
        None => Ok(()),
    }
}

fn refuse_newer(path: &Path, text: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Form {
        schema: u32,
    }
    match serde_yaml::from_str::<Form>(text) {
        Ok(form) if form.schema > SCHEMA => Err(Error::usage(format!(
            "the lock has form {}, and this envtpl knows forms up to {SCHEMA}",
            form.schema
        ))
        .at(place_of_line(path, text, |line| {
            line.starts_with("schema:")
        }))
        .help("use the version of envtpl that wrote it, or a newer one")),
        _ => Ok(()),
    }
}

fn damaged(path: &Path, text: &str, source: serde_yaml::Error) -> Error {
    let place = match source.location() {
        Some(location) => Place::line(path, text, location.line()),
        None => Place::file(path),
    };
    Error::usage("the lock is not as envtpl writes it")
        .at(place)
        .because(source)
        .help("take the committed one back: `git checkout -- envtpl.lock`")
        .help("or delete it and run `envtpl freeze`")
}

fn place_of(path: &Path, text: &str, name: &str) -> Place {
    let line = format!("- name: {name}");
    place_of_line(path, text, |found| found == line)
}

/// The last line that is so.
fn place_of_line(path: &Path, text: &str, is_it: impl Fn(&str) -> bool) -> Place {
    match text
        .lines()
        .collect::<Vec<_>>()
        .iter()
        .rposition(|line| is_it(line.trim()))
    {
        Some(index) => Place::line(path, text, index + 1),
        None => Place::file(path),
    }
}
