//! `[tool.poetry]`: packages as Poetry declares them, in the form that every installer knows.
//!
//! Source: Poetry's documentation, "Dependency specification"
//! (<https://python-poetry.org/docs/dependency-specification/>); where that is silent, poetry-core's
//! `poetry.core.factory`.

use std::str::FromStr;

use pep440_rs::{VersionSpecifier, VersionSpecifiers};
use toml_edit::{Item, TableLike, Value};

use super::constraint::{alternatives, to_pep440};
use super::{Source, names_in};
use crate::installation::dependency::{Dependency, LeftOut};
use crate::secrets::redact;

/// What `[tool.poetry]` says.
#[derive(Debug, Default)]
pub(super) struct Poetry {
    /// The versions of Python.
    pub python: Option<VersionSpecifiers>,
    /// The packages that everybody needs.
    pub dependencies: Vec<Dependency>,
    /// What is not among these, and why.
    pub left_out: Vec<LeftOut>,
    /// The groups of packages that are not for everybody.
    pub groups: Vec<String>,
}

const OTHER_INDEX: &str =
    "give the index as PIP_EXTRA_INDEX_URL in .env, or as a line `--extra-index-url …`";

/// Reads the table `[tool.poetry]`. What cannot be translated is left out and named.
pub(super) fn read(source: Source<'_>, poetry: &Item) -> Poetry {
    let mut found = Poetry::default();
    let dependencies = poetry.get("dependencies").and_then(Item::as_table_like);
    for (name, item) in dependencies.into_iter().flat_map(TableLike::iter) {
        let line = source.line(item.span().or_else(|| key_span(dependencies, name)));
        if name.eq_ignore_ascii_case("python") {
            found.read_python(item, line);
            continue;
        }
        for one in declarations(source, item, line) {
            found.add(source, name, &one);
        }
    }
    let optional = poetry.get("group").and_then(Item::as_table_like);
    for (name, group) in optional.into_iter().flat_map(TableLike::iter) {
        let heading = format!("[tool.poetry.group.{name}.dependencies]");
        found
            .groups
            .extend(names_in(&heading, group.get("dependencies")));
    }
    let old = names_in(
        "[tool.poetry.dev-dependencies]",
        poetry.get("dev-dependencies"),
    );
    found.groups.extend(old);
    found
}

/// What stands for a package: versions or a table.
struct Declaration<'a> {
    versions: Option<&'a str>,
    table: Option<Fields<'a>>,
    line: usize,
}

/// One package may be declared several times, each for another system.
fn declarations<'a>(source: Source<'_>, item: &'a Item, line: usize) -> Vec<Declaration<'a>> {
    if let Some(list) = item.as_array() {
        let of_value = |value: &'a Value| Declaration {
            versions: value.as_str(),
            table: value.as_inline_table().map(|table| Fields(table)),
            line: source.line(value.span()),
        };
        return list.iter().map(of_value).collect();
    }
    if let Some(tables) = item.as_array_of_tables() {
        let of_table = |table: &'a toml_edit::Table| Declaration {
            versions: None,
            table: Some(Fields(table)),
            line: source.line(table.span()),
        };
        return tables.iter().map(of_table).collect();
    }
    vec![Declaration {
        versions: item.as_str(),
        table: item.as_table_like().map(Fields),
        line,
    }]
}

fn key_span(table: Option<&dyn TableLike>, name: &str) -> Option<std::ops::Range<usize>> {
    table?.get_key_value(name)?.0.span()
}

impl Poetry {
    fn read_python(&mut self, item: &Item, line: usize) {
        let text = item.as_str().unwrap_or_default();
        let specifiers = to_pep440(text).and_then(|text| VersionSpecifiers::from_str(&text).ok());
        match specifiers {
            Some(specifiers) => self.python = Some(specifiers),
            None => self.leave(
                "python",
                line,
                "these versions cannot be translated: choose one with `--python`",
            ),
        }
    }

    fn leave(&mut self, what: &str, line: usize, why: impl Into<String>) {
        self.left_out.push(LeftOut {
            line,
            what: redact(what),
            why: why.into(),
        });
    }

    fn add(&mut self, source: Source<'_>, name: &str, declared: &Declaration<'_>) {
        let line = declared.line;
        let translated = match (&declared.table, declared.versions) {
            (Some(table), _) => from_table(name, table),
            (None, Some(constraint)) => {
                versions(constraint).map(|versions| format!("{name}{versions}"))
            }
            (None, None) => Err("it is neither versions nor a table".to_owned()),
        };
        let range = line_start(source.text, line);
        let dependency = translated.and_then(|requirement| {
            Dependency::read(source.path, source.text, range, &requirement)
                .map_err(|error| error.message().to_owned())
        });
        match dependency {
            Ok(dependency) => self.dependencies.push(dependency),
            Err(why) => return self.leave(name, line, why),
        }
        let Some(table) = &declared.table else { return };
        if let Some(index) = table.text("source") {
            self.leave(
                &format!("source = \"{index}\" of {name}"),
                line,
                OTHER_INDEX,
            );
        }
        if table.is_true("allow-prereleases") {
            let why = "name a pre-release in its versions, as in `>=2.0b1`";
            self.leave(&format!("allow-prereleases of {name}"), line, why);
        }
    }
}

fn line_start(text: &str, line: usize) -> std::ops::Range<usize> {
    let before = text.split_inclusive('\n').take(line - 1);
    let start = before.map(str::len).sum();
    start..start
}

/// A dependency's table.
struct Fields<'a>(&'a dyn TableLike);

impl<'a> Fields<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str()
    }

    fn is_true(&self, key: &str) -> bool {
        self.0.get(key).and_then(Item::as_bool) == Some(true)
    }

    /// `[one,two]`, or nothing.
    fn extras(&self) -> Result<String, String> {
        let Some(item) = self.0.get("extras") else {
            return Ok(String::new());
        };
        let extras = item.as_array().map(|list| list.iter().map(Value::as_str));
        let extras: Option<Vec<&str>> = extras.and_then(|mut extras| extras.by_ref().collect());
        match extras.as_deref() {
            None => Err("its extras are no list of texts".to_owned()),
            Some([]) => Ok(String::new()),
            Some(extras) => Ok(format!("[{}]", extras.join(","))),
        }
    }

    /// ` ; marker`, or nothing.
    fn marker(&self) -> Result<String, String> {
        let mut conditions = Vec::new();
        let python = self.text("python");
        // Every version of Python is no condition.
        if let Some(constraint) = python.filter(|one| to_pep440(one).as_deref() != Some("")) {
            conditions.push(
                python_marker(constraint).ok_or("its versions of Python cannot be translated")?,
            );
        }
        if let Some(platform) = self.text("platform") {
            conditions.push(platform_marker(platform).ok_or("its platform cannot be translated")?);
        }
        if let Some(marker) = self.text("markers") {
            conditions.push(marker.trim().to_owned());
        }
        let several = conditions.len() > 1;
        let conditions: Vec<String> = conditions
            .into_iter()
            .map(|one| {
                if several && one.contains(" or ") {
                    format!("({one})")
                } else {
                    one
                }
            })
            .collect();
        Ok(match conditions.is_empty() {
            true => String::new(),
            false => format!(" ; {}", conditions.join(" and ")),
        })
    }
}

fn versions(constraint: &str) -> Result<String, String> {
    to_pep440(constraint).ok_or_else(|| {
        let why = match constraint.contains('|') {
            true => "no other installer knows alternatives",
            false => "these versions cannot be translated",
        };
        format!("{why} (`{constraint}`): declare it in requirements.txt")
    })
}

/// A requirement of a dependency's table.
fn from_table(name: &str, fields: &Fields<'_>) -> Result<String, String> {
    if fields.is_true("optional") {
        return Err("it is optional".to_owned());
    }
    let (extras, marker) = (fields.extras()?, fields.marker()?);
    for key in ["path", "file"] {
        if let Some(path) = fields.text(key) {
            return Err(format!(
                "the build sees the installation's directory alone, not `{path}`"
            ));
        }
    }
    let location = match (fields.text("git"), fields.text("url")) {
        (Some(git), _) => Some(git_address(git, fields)?),
        (None, url) => url.map(str::to_owned),
    };
    Ok(match location {
        Some(location) => format!("{name}{extras} @ {location}{marker}"),
        None => format!(
            "{name}{extras}{}{marker}",
            versions(fields.text("version").unwrap_or("*"))?
        ),
    })
}

/// A repository as pip writes its address.
fn git_address(git: &str, fields: &Fields<'_>) -> Result<String, String> {
    let address = match git.split_once("://") {
        Some(("https" | "http" | "ssh" | "git", _)) => format!("git+{git}"),
        Some((scheme, _)) if scheme.starts_with("git+") && scheme != "git+file" => git.to_owned(),
        Some(_) => return Err("the build sees no repositories of this machine".to_owned()),
        // The short form of SSH: `git@host:owner/name.git`.
        None => match git.split_once(':') {
            Some((host, path)) if !host.contains('/') => format!("git+ssh://{host}/{path}"),
            _ => return Err("the build sees no repositories of this machine".to_owned()),
        },
    };
    let revision = ["rev", "tag", "branch"]
        .iter()
        .find_map(|key| fields.text(key));
    let revision = revision.map_or(String::new(), |revision| format!("@{revision}"));
    let directory = fields.text("subdirectory");
    let directory = directory.map_or(String::new(), |path| format!("#subdirectory={path}"));
    Ok(format!("{address}{revision}{directory}"))
}

/// `python_version >= "3.9" and python_version < "4.0"` for `^3.9`.
fn python_marker(constraint: &str) -> Option<String> {
    let one = |constraint: &str| -> Option<String> {
        let specifiers = VersionSpecifiers::from_str(&to_pep440(constraint)?).ok()?;
        let comparisons: Vec<String> = specifiers.iter().map(comparison).collect();
        (!comparisons.is_empty()).then(|| comparisons.join(" and "))
    };
    let markers: Option<Vec<String>> = alternatives(constraint).map(one).collect();
    markers.map(|markers| markers.join(" or "))
}

/// One comparison of Python's version, in the terms that Poetry writes into a package's metadata:
/// a version with three numbers is one of Python's whole version, and so is `>3.9`, which 3.9.1
/// fulfils.
fn comparison(specifier: &VersionSpecifier) -> String {
    let text = specifier.to_string();
    let operator = specifier_operator(&text);
    let version = text[operator.len()..].trim();
    let numbers = specifier.version().release().len();
    match (numbers, operator) {
        (0..=2, ">" | "<=") => {
            let zeros = ".0".repeat(3 - numbers);
            format!("python_full_version {operator} \"{version}{zeros}\"")
        }
        (0..=2, _) => format!("python_version {operator} \"{version}\""),
        _ => format!("python_full_version {operator} \"{version}\""),
    }
}

fn specifier_operator(text: &str) -> &str {
    let end = text.find(|c| !"<>=!~".contains(c)).unwrap_or(text.len());
    &text[..end]
}

/// `sys_platform == "linux" or sys_platform == "darwin"` for `linux || darwin`.
fn platform_marker(platform: &str) -> Option<String> {
    let one = |platform: &str| {
        let (operator, name) = match platform.strip_prefix("!=") {
            Some(name) => ("!=", name),
            None => ("==", platform.trim_start_matches('=')),
        };
        let name = name.trim();
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
        plain.then(|| format!("sys_platform {operator} \"{name}\""))
    };
    let markers: Option<Vec<String>> = alternatives(platform).map(one).collect();
    markers
        .filter(|markers| !markers.is_empty())
        .map(|markers| markers.join(" or "))
}
