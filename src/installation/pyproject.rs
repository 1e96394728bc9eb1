//! `pyproject.toml`: what it says about the project's name, Python and packages. Read only.

use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use toml_edit::{Document, Item};

use crate::error::{Error, Place, Result};

/// What PEP 518 says builds a project that does not say.
const DEFAULT_BUILD_REQUIRES: &str = "setuptools";

/// What a `pyproject.toml` says that concerns an environment for the project.
#[derive(Debug, Default)]
pub struct Pyproject {
    /// `[project] name`, or that of Poetry's own table.
    pub name: Option<String>,
    /// `[project] requires-python`.
    pub requires_python: Option<VersionSpecifiers>,
    /// `[project] dependencies`.
    pub dependencies: Vec<String>,
    /// What builds the project: `[build-system] requires`, and what its backend needs besides for
    /// an editable install.
    pub build_requires: Vec<String>,
    /// Whether it says that there is something to install.
    pub is_package: bool,
    /// Packages that it lists only in Poetry's own table.
    pub has_poetry_dependencies: bool,
}

impl Pyproject {
    /// Reads the text of a `pyproject.toml`; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is no TOML, or one of these entries is not what it should be.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse(text).map_err(|source| {
            let range = source.span().unwrap_or(0..0);
            Error::usage(format!("`{}` is no valid TOML", path.display()))
                .at(Place::span(path, text, range).label(source.message()))
        })?;
        let at = |item: &Item, wanted: &str| {
            let range = item.span().unwrap_or(0..0);
            Error::usage(format!("`{}` cannot be used", path.display()))
                .at(Place::span(path, text, range).label(format!("this should be {wanted}")))
        };
        let entry = |table: &str, key: &str| document.get(table).and_then(|table| table.get(key));

        let poetry = entry("tool", "poetry");
        let mut found = Self {
            is_package: document.get("project").is_some()
                || document.get("build-system").is_some()
                || poetry.is_some(),
            has_poetry_dependencies: poetry
                .and_then(|poetry| poetry.get("dependencies"))
                .and_then(Item::as_table_like)
                .is_some_and(|table| table.iter().any(|(name, _)| name != "python")),
            ..Self::default()
        };
        let name = entry("project", "name").or_else(|| poetry.and_then(|table| table.get("name")));
        if let Some(item) = name {
            let name = item.as_str().ok_or_else(|| at(item, "a text"))?;
            found.name = Some(name.to_owned());
        }
        if let Some(item) = entry("project", "requires-python") {
            let specifiers = item
                .as_str()
                .and_then(|text| VersionSpecifiers::from_str(text).ok())
                .ok_or_else(|| at(item, "versions such as \">=3.10\""))?;
            found.requires_python = Some(specifiers);
        }
        if let Some(item) = entry("project", "dependencies") {
            found.dependencies = texts(item).ok_or_else(|| at(item, "a list of texts"))?;
        }
        match entry("build-system", "requires") {
            Some(item) => {
                found.build_requires = texts(item).ok_or_else(|| at(item, "a list of texts"))?;
            }
            None if found.is_package => found.build_requires = vec![DEFAULT_BUILD_REQUIRES.into()],
            None => {}
        }
        let backend = entry("build-system", "build-backend").and_then(Item::as_str);
        // hatchling asks for it only when it makes an editable install, without the network then.
        if backend.is_some_and(|backend| backend.starts_with("hatchling"))
            && !found
                .build_requires
                .iter()
                .any(|one| one.starts_with("editables"))
        {
            found.build_requires.push("editables".into());
        }
        Ok(found)
    }
}

fn texts(item: &Item) -> Option<Vec<String>> {
    item.as_array()?
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Pyproject> {
        Pyproject::parse(Path::new("pyproject.toml"), text)
    }

    #[test]
    fn names_python_and_packages_are_read() {
        let found = parse(
            "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n\
             [project]\nname = 'My.Proj'\nrequires-python = '>=3.10'\n\
             dependencies = [\n  'numpy>=1.26', # why\n  'torch @ git+https://h/t',\n]\n",
        )
        .expect("valid");
        assert_eq!(found.name.as_deref(), Some("My.Proj"));
        assert_eq!(found.requires_python.expect("some").to_string(), ">=3.10");
        assert_eq!(
            found.dependencies,
            ["numpy>=1.26", "torch @ git+https://h/t"]
        );
        assert_eq!(found.build_requires, ["hatchling", "editables"]);
    }

    #[test]
    fn a_project_that_does_not_say_is_built_by_setuptools() {
        assert_eq!(
            parse("[project]\nname='x'\n")
                .expect("valid")
                .build_requires,
            ["setuptools"]
        );
        let tools_only = parse("[tool.ruff]\nline-length = 99\n").expect("valid");
        assert!(tools_only.build_requires.is_empty() && !tools_only.is_package);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, line) in [
            ("[project]\nname = \n", 2),
            ("[project]\ndependencies = 3\n", 2),
            ("[project]\n\nrequires-python = 'three'\n", 3),
            ("[project]\nname = ['x']\n", 2),
        ] {
            let error = parse(text).expect_err("wrong");
            assert_eq!(error.places()[0].line_number(), Some(line), "{text}");
        }
    }
}
