//! `pyproject.toml`: what it says about the project's name, Python and packages. Read only.
//!
//! Source: "Declaring project metadata" and "Dependency groups" of the Python packaging user guide
//! (PEP 518, 621 and 735); setuptools' documentation, "Dynamic metadata"; for `[tool.poetry]` see
//! [`poetry`].

mod constraint;
mod poetry;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use toml_edit::{Document, Item};

use crate::error::{Error, Place, Result};
use crate::installation::dependency::{Dependency, LeftOut, Reference, line_of};
use crate::installation::requirements::redacted_place;

/// What PEP 518 says builds a project that does not say.
const DEFAULT_BUILD_REQUIRES: &str = "setuptools";

/// What a `pyproject.toml` says that concerns an environment for the project.
#[derive(Debug, Default)]
pub struct Pyproject {
    /// `[project] name`, or that of Poetry's own table.
    pub name: Option<String>,
    /// `[project] requires-python`, or that of Poetry's own table.
    pub requires_python: Option<VersionSpecifiers>,
    /// `[project] dependencies`.
    pub dependencies: Vec<Dependency>,
    /// Whether `[project]` says all about its dependencies, be it that there are none.
    pub settles_dependencies: bool,
    /// Files that hold them instead, with setuptools.
    pub dependency_files: Vec<Reference>,
    /// What builds the project: `[build-system] requires`, and what its backend needs besides for
    /// an editable install.
    pub build_requires: Vec<Dependency>,
    /// Whether it says that there is something to install.
    pub is_package: bool,
    /// Packages that are for Poetry alone; none where `[project]` lists dependencies, which count.
    pub poetry_dependencies: Vec<Dependency>,
    /// What Poetry knows and other installers do not.
    pub left_out: Vec<LeftOut>,
    /// Packages that are not for everybody: tables and the names in them, as in
    /// `[dependency-groups] dev, docs`.
    pub optional: Vec<String>,
}

/// A file's text, for places.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn wrong(self, range: Option<Range<usize>>, wanted: &str) -> Error {
        let place = redacted_place(self.path, self.text, range.unwrap_or(0..0));
        Error::usage(format!("`{}` cannot be used", self.path.display()))
            .at(place.label(format!("this should be {wanted}")))
    }

    fn dependencies(self, item: &Item) -> Result<Vec<Dependency>> {
        let wrong = |range| self.wrong(range, "a list of texts");
        let list = item.as_array().ok_or_else(|| wrong(item.span()))?;
        let read = |value: &toml_edit::Value| {
            let text = value.as_str().ok_or_else(|| wrong(value.span()))?;
            Dependency::read(self.path, self.text, value.span().unwrap_or(0..0), text)
        };
        list.iter().map(read).collect()
    }

    /// One file or several.
    fn files(self, item: Option<&Item>) -> Vec<Reference> {
        let Some(value) = item.and_then(Item::as_value) else {
            return Vec::new();
        };
        let values: Vec<&toml_edit::Value> = match value.as_array() {
            Some(list) => list.iter().collect(),
            None => vec![value],
        };
        let reference = |value: &toml_edit::Value| {
            Some(Reference {
                file: value.as_str()?.to_owned(),
                line: self.line(value.span()),
            })
        };
        values.into_iter().filter_map(reference).collect()
    }

    fn line(self, range: Option<Range<usize>>) -> usize {
        line_of(self.text, range.map_or(0, |range| range.start))
    }
}

impl Pyproject {
    /// Reads the text of a `pyproject.toml`; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is no TOML, or one of these entries is not what it should be.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let content = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document = Document::parse(content).map_err(|source| {
            let range = source.span().unwrap_or(0..0);
            Error::usage(format!("`{}` is no valid TOML", path.display()))
                .at(Place::span(path, content, range).label(source.message()))
        })?;
        let source = Source {
            path,
            text: content,
        };
        let entry = |table: &str, key: &str| document.get(table).and_then(|table| table.get(key));
        let poetry = entry("tool", "poetry");
        let mut found = Self {
            is_package: document.get("project").is_some()
                || document.get("build-system").is_some()
                || poetry.is_some(),
            ..Self::default()
        };
        let name = entry("project", "name").or_else(|| poetry.and_then(|table| table.get("name")));
        if let Some(item) = name {
            let name = item
                .as_str()
                .ok_or_else(|| source.wrong(item.span(), "a text"))?;
            found.name = Some(name.to_owned());
        }
        if let Some(item) = entry("project", "requires-python") {
            let specifiers = item
                .as_str()
                .and_then(|text| VersionSpecifiers::from_str(text).ok())
                .ok_or_else(|| source.wrong(item.span(), "versions such as \">=3.10\""))?;
            found.requires_python = Some(specifiers);
        }
        if let Some(item) = entry("project", "dependencies") {
            found.dependencies = source.dependencies(item)?;
        }
        let dynamic = entry("project", "dynamic").and_then(Item::as_array);
        let is_dynamic = dynamic.is_some_and(|dynamic| {
            let mut entries = dynamic.iter();
            entries.any(|entry| entry.as_str() == Some("dependencies"))
        });
        found.settles_dependencies = document.get("project").is_some() && !is_dynamic;
        if is_dynamic {
            let table = entry("tool", "setuptools").and_then(|table| table.get("dynamic"));
            let table = table.and_then(|table| table.get("dependencies"));
            found.dependency_files = source.files(table.and_then(|table| table.get("file")));
        }
        match entry("build-system", "requires") {
            Some(item) => found.build_requires = source.dependencies(item)?,
            None if found.is_package => found.build_with(DEFAULT_BUILD_REQUIRES)?,
            None => {}
        }
        let backend = entry("build-system", "build-backend").and_then(Item::as_str);
        // hatchling asks for it only when it makes an editable install, without the network then.
        if backend.is_some_and(|backend| backend.starts_with("hatchling"))
            && !found
                .build_requires
                .iter()
                .any(|one| one.requirement.starts_with("editables"))
        {
            found.build_with("editables")?;
        }
        found.optional.extend(names_in(
            "[project.optional-dependencies]",
            entry("project", "optional-dependencies"),
        ));
        found.optional.extend(names_in(
            "[dependency-groups]",
            document.get("dependency-groups"),
        ));
        if let Some(poetry) = poetry {
            found.read_poetry(source, poetry);
        }
        Ok(found)
    }

    fn build_with(&mut self, package: &str) -> Result<()> {
        let dependency = Dependency::read(Path::new(""), package, 0..package.len(), package)?;
        self.build_requires.push(dependency);
        Ok(())
    }

    fn read_poetry(&mut self, source: Source<'_>, table: &Item) {
        let poetry = poetry::read(source, table);
        if self.requires_python.is_none() {
            self.requires_python = poetry.python;
        }
        self.optional.extend(poetry.groups);
        // Beside `[project] dependencies` Poetry's table only says where they come from.
        if self.dependencies.is_empty() {
            self.poetry_dependencies = poetry.dependencies;
            self.left_out = poetry.left_out;
        }
    }
}

/// A table and the keys in it, unless it is empty.
fn names_in(heading: &str, table: Option<&Item>) -> Option<String> {
    let table = table?.as_table_like()?;
    let names: Vec<&str> = table.iter().map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| format!("{heading} {}", names.join(", ")))
}
