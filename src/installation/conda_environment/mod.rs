//! `environment.yml`: what conda installs, and under `pip:` what pip adds.
//!
//! Formats: conda's documentation, "Creating an environment file manually"; its packages are
//! MatchSpecs (`conda.models.match_spec`), the lines below `pip:` those of a requirements file.

mod editing;
mod package;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_yaml::Value;

pub use package::CondaPackage;

use crate::error::{Error, Place, Result};
use crate::installation::requirements::{Entry, Line, Requirements, normalise};
use crate::installation::yaml_document::{Step, YamlDocument};
use crate::secrets::redact;
use package::conda_name;

const DEPENDENCIES: [Step; 1] = [Step::Key("dependencies")];

/// An `environment.yml`, with every byte of its text.
#[derive(Debug, Clone)]
pub struct CondaEnvironment {
    path: PathBuf,
    document: YamlDocument,
    conda: Vec<CondaPackage>,
    pip: Vec<String>,
    /// The number of the item that holds the `pip:` list.
    pip_item: Option<usize>,
}

/// A line of the `pip:` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipLine {
    /// The line with its comments.
    pub line: Line,
    /// What it asks for.
    pub entries: Vec<Entry>,
    /// The line of the file, counted from 1.
    pub number: usize,
}

impl CondaEnvironment {
    /// Reads a file's text; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is not YAML, when its lists hold something else than packages, or when
    /// pip's lines are wrong, with the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        Self::read(path, YamlDocument::parse(path, text)?)
    }

    fn read(path: &Path, document: YamlDocument) -> Result<Self> {
        if !document.value().is_mapping() {
            return Err(
                Error::usage("a conda environment is a mapping with `dependencies:`")
                    .at(Place::line(path, document.text(), 1)),
            );
        }
        let mut environment = Self {
            path: path.to_owned(),
            document,
            conda: Vec::new(),
            pip: Vec::new(),
            pip_item: None,
        };
        environment.read_channels()?;
        environment.read_dependencies()?;
        environment.pip_requirements()?;
        Ok(environment)
    }

    fn read_channels(&self) -> Result<()> {
        let way = [Step::Key("channels")];
        match self.document.get(&way) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Sequence(channels)) if channels.iter().all(Value::is_string) => Ok(()),
            Some(_) => Err(Error::usage("`channels` is no list of names or URLs")
                .at(self.document.place(&way))),
        }
    }

    fn read_dependencies(&mut self) -> Result<()> {
        let items = match self.document.get(&DEPENDENCIES) {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Sequence(items)) => items,
            Some(_) => {
                return Err(Error::usage("`dependencies` is no list")
                    .at(self.document.place(&DEPENDENCIES))
                    .help("write one package a line, `- name`"));
            }
        };
        for (item, value) in items.iter().enumerate() {
            let way = [DEPENDENCIES[0], Step::Item(item)];
            if let Some(spec) = value.as_str() {
                let name = conda_name(spec).ok_or_else(|| {
                    Error::usage(format!("`{}` is no conda package", redact(spec)))
                        .at(self.place(&way))
                        .help("write a name, or a name with a version: `numpy`, `numpy=1.26`")
                })?;
                self.conda.push(CondaPackage {
                    name,
                    spec: spec.to_owned(),
                    item,
                });
            } else if let Some(pip) = only_pip(value) {
                if self.pip_item.replace(item).is_some() {
                    return Err(Error::usage("there are two `pip:` lists")
                        .at(self.place(&way))
                        .help("join them: conda uses only one"));
                }
                self.pip = pip;
            } else {
                return Err(
                    Error::usage("this is neither a conda package nor a `pip:` list")
                        .at(self.place(&way))
                        .help("write `- name`, or `- pip:` with `- name` lines below it"),
                );
            }
        }
        Ok(())
    }

    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// The environment's name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.document.get(&[Step::Key("name")])?.as_str()
    }

    /// The channels, first the one that counts most.
    pub fn channels(&self) -> Vec<&str> {
        self.document
            .get(&[Step::Key("channels")])
            .and_then(Value::as_sequence)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The packages that conda installs, as they stand.
    pub fn conda(&self) -> &[CondaPackage] {
        &self.conda
    }

    /// The lines for pip, as they stand.
    pub fn pip(&self) -> &[String] {
        &self.pip
    }

    /// The lines for pip as a requirements file.
    ///
    /// # Errors
    /// `Usage`, at the line in this file.
    pub fn pip_requirements(&self) -> Result<Requirements> {
        let text: String = self.pip.iter().map(|line| format!("{line}\n")).collect();
        Requirements::parse(&self.path, &text).map_err(|error| {
            let mut moved = Error::usage(error.message());
            for place in error.places() {
                if let Some(line) = place.line_number() {
                    moved = moved.at(self.pip_place(line).label(place.label.clone()));
                }
            }
            for help in error.helps() {
                moved = moved.help(help);
            }
            moved
        })
    }

    /// Whether conda installs a package of this name.
    pub fn has_conda(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.conda.iter().any(|package| package.name == name)
    }

    /// Whether pip installs a distribution of this name, in any spelling.
    pub fn has_pip(&self, name: &str) -> bool {
        self.pip_names().contains(&normalise(name))
    }

    /// The names of pip's distributions, in the form in which names are compared (PEP 503).
    pub fn pip_names(&self) -> Vec<String> {
        // The lines were read when the file was.
        self.pip_requirements()
            .map(|requirements| requirements.names())
            .unwrap_or_default()
    }

    /// The path that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines for pip with the comments that belong to them, as [`Requirements::lines`] gives
    /// those of a file, and the line of this file.
    ///
    /// # Errors
    /// `Usage` when one of them is no line for pip, which is known since the file was read.
    pub fn pip_lines(&self) -> Result<Vec<PipLine>> {
        let way = [
            DEPENDENCIES[0],
            Step::Item(self.pip_item.unwrap_or_default()),
            Step::Key("pip"),
        ];
        let list = self.document.items(&way).unwrap_or_default();
        let mut found = Vec::new();
        for (index, text) in self.pip.iter().enumerate() {
            let (item, number) = list.items.get(index).cloned().unwrap_or_default();
            let requirements = Requirements::parse(&self.path, text)?;
            let mut above = item.above;
            for (line, entries) in requirements.lines() {
                found.push(PipLine {
                    line: Line::commented(
                        std::mem::take(&mut above),
                        &line.content,
                        line.comment.or_else(|| item.comment.clone()),
                    ),
                    entries: entries.to_vec(),
                    number: number.max(1),
                });
            }
        }
        if !list.below.is_empty() {
            found.push(PipLine {
                line: Line::comments(list.below),
                entries: Vec::new(),
                number: found.last().map_or(1, |line| line.number),
            });
        }
        Ok(found)
    }

    /// Where a package of conda stands.
    pub fn place_of(&self, package: &CondaPackage) -> Place {
        self.place(&[DEPENDENCIES[0], Step::Item(package.item)])
    }

    /// Where a node stands, without credentials in the excerpt.
    fn place(&self, way: &[Step]) -> Place {
        let place = self.document.place(way);
        match place.line_number() {
            Some(line) if redact(self.text()) != self.text() => {
                Place::line(&self.path, &redact(self.text()), line)
            }
            _ => place,
        }
    }

    /// Where the given line of pip's requirements stands, counted from 1.
    pub fn pip_place(&self, line: usize) -> Place {
        let mut first = 1;
        for (index, text) in self.pip.iter().enumerate() {
            first += text.lines().count().max(1);
            if line < first {
                let item = Step::Item(self.pip_item.unwrap_or_default());
                return self.place(&[DEPENDENCIES[0], item, Step::Key("pip"), Step::Item(index)]);
            }
        }
        Place::file(&self.path)
    }
}

/// The lines of an item that is `pip:` and a list, and nothing else.
fn only_pip(value: &Value) -> Option<Vec<String>> {
    let mapping = value.as_mapping()?;
    let (key, list) = mapping.iter().next()?;
    if mapping.len() != 1 || key.as_str() != Some("pip") {
        return None;
    }
    match list {
        Value::Null => Some(Vec::new()),
        Value::Sequence(lines) => lines
            .iter()
            .map(|line| line.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}
