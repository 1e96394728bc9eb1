//! `environment.yml`: what conda installs, and under `pip:` what pip adds.
//!
//! Formats: conda's documentation, "Creating an environment file manually"; its packages are
//! MatchSpecs (`conda.models.match_spec`), the lines below `pip:` those of a requirements file.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use crate::error::{Error, Place, Result};
use crate::installation::requirements::{Requirements, normalise, redact};
use crate::installation::yaml_document::{Step, YamlDocument};

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

/// A package that conda installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaPackage {
    /// The package's name, in lower case.
    pub name: String,
    /// As it is written.
    pub spec: String,
    /// The number of its item in `dependencies`.
    item: usize,
}

impl CondaPackage {
    /// Reads a MatchSpec: `name`, `name=1.2`, `name=1.2=build`, `name >=1,<2`,
    /// `channel::name[version='1']`, or the URL of a package. `None` when no name is in it.
    pub fn parse(spec: &str) -> Option<Self> {
        let name = conda_name(spec)?;
        Some(Self {
            name,
            spec: spec.to_owned(),
            item: 0,
        })
    }

    /// The one version that it allows (`name=1.2`, `name==1.2`, `name 1.2`), without `*`; the
    /// first of these allows `1.2.3`, too.
    pub fn version(&self) -> Option<&str> {
        let rest = self.spec.rsplit("::").next()?;
        let rest = rest.trim_start();
        let rest = rest.get(self.name.len()..)?.trim_start();
        let version = rest.trim_start_matches('=').trim_start();
        let version = version.split(['=', ' ']).next().unwrap_or_default();
        let plain = !version.is_empty()
            && version
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '!'));
        plain.then_some(version)
    }
}

/// The name in a MatchSpec, in lower case, as conda compares names.
fn conda_name(spec: &str) -> Option<String> {
    let spec = spec.trim();
    let name = if spec.contains("://") || spec.ends_with(".conda") || spec.ends_with(".tar.bz2") {
        let file = spec.split(['#', '?']).next()?.rsplit(['/', '\\']).next()?;
        let file = file
            .strip_suffix(".conda")
            .or(file.strip_suffix(".tar.bz2"))?;
        // The build and the version stand behind the last two hyphens.
        file.rsplitn(3, '-').nth(2)?
    } else {
        let behind_channel = spec.rsplit("::").next()?.trim_start();
        let end = behind_channel.find(|c: char| !is_name_character(c));
        let (name, rest) = behind_channel.split_at(end.unwrap_or(behind_channel.len()));
        if !rest.is_empty() && !rest.starts_with(['=', '<', '>', '!', '~', ' ', '[']) {
            return None;
        }
        name
    };
    let is_name = !name.is_empty() && name.chars().all(is_name_character);
    is_name.then(|| name.to_ascii_lowercase())
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
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

    /// Adds a channel behind the others. Says whether the file changed.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely, with what to write by hand.
    pub fn add_channel(&mut self, channel: &str) -> Result<bool> {
        if self.channels().contains(&channel) {
            return Ok(false);
        }
        self.change(|document| {
            let way = [Step::Key("channels")];
            match document.get(&way).and_then(Value::as_sequence) {
                Some(_) => document.insert(&way, usize::MAX, channel),
                None => document.add_list(&[], "channels", channel),
            }
        })?;
        Ok(true)
    }

    /// Adds a package for conda behind the others, before the `pip:` list. Says whether the file
    /// changed: a package that is listed, in whatever version, stays as it is.
    ///
    /// # Errors
    /// `Usage` when it is no MatchSpec, `Failed` when the file cannot be edited safely.
    pub fn add_conda(&mut self, spec: &str) -> Result<bool> {
        let name = conda_name(spec)
            .filter(|_| !spec.contains(['\n', '\r']))
            .ok_or_else(|| Error::usage(format!("`{}` is no conda package", redact(spec))))?;
        if self.has_conda(&name) {
            return Ok(false);
        }
        let behind = self.conda.last().map(|package| package.item + 1);
        let index = behind.or(self.pip_item).unwrap_or(0);
        self.change(
            |document| match document.get(&DEPENDENCIES).and_then(Value::as_sequence) {
                Some(_) => document.insert(&DEPENDENCIES, index, spec),
                None => document.add_list(&[], "dependencies", spec),
            },
        )?;
        Ok(true)
    }

    /// Adds a line for pip at the end of the `pip:` list, which is made when there is none. Says
    /// whether the file changed: a distribution that is listed, in whatever version, stays.
    ///
    /// # Errors
    /// `Usage` when it is no requirement, `Failed` when the file cannot be edited safely.
    pub fn add_pip(&mut self, requirement: &str) -> Result<bool> {
        let mut requirements = self.pip_requirements()?;
        if !requirements.add(requirement)? {
            return Ok(false);
        }
        let requirement = requirement.trim();
        let pip_item = self.pip_item;
        self.change(|document| {
            if let Some(item) = pip_item {
                let way = [DEPENDENCIES[0], Step::Item(item), Step::Key("pip")];
                return match document.get(&way).and_then(Value::as_sequence) {
                    Some(_) => document.insert(&way, usize::MAX, requirement),
                    None => document.add_list(&way[..2], "pip", requirement),
                };
            }
            match document.get(&DEPENDENCIES).and_then(Value::as_sequence) {
                Some(_) => document.add_list(&DEPENDENCIES, "pip", requirement),
                None => {
                    document.add_list(&[], "dependencies", "pip")?;
                    document.add_list(&DEPENDENCIES, "pip", requirement)
                }
            }
        })?;
        Ok(true)
    }

    /// Sets a package's version, `name=version`, where it stands; a channel before it stays. Says
    /// whether the file changed.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn pin_conda(&mut self, name: &str, version: &str) -> Result<bool> {
        let name = name.to_ascii_lowercase();
        let Some(package) = self.conda.iter().find(|package| package.name == name) else {
            return Ok(false);
        };
        let channel = package
            .spec
            .rsplit_once("::")
            .map_or(String::new(), |(channel, _)| format!("{channel}::"));
        let spec = format!("{channel}{name}={version}");
        if CondaPackage::parse(&spec).is_none_or(|new| new.version() != Some(version)) {
            return Err(Error::usage(format!(
                "`{version}` is no version of a conda package"
            )));
        }
        let way = [DEPENDENCIES[0], Step::Item(package.item)];
        if package.spec == spec {
            return Ok(false);
        }
        self.change(|document| document.set(&way, &spec).map(drop))?;
        Ok(true)
    }

    /// Removes a package of conda. Says whether there was one.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn remove_conda(&mut self, name: &str) -> Result<bool> {
        let name = name.to_ascii_lowercase();
        let Some(package) = self.conda.iter().find(|package| package.name == name) else {
            return Ok(false);
        };
        let way = [DEPENDENCIES[0], Step::Item(package.item)];
        self.change(|document| document.remove(&way).map(drop))?;
        Ok(true)
    }

    /// Removes a distribution of pip. Says whether there was one.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn remove_pip(&mut self, name: &str) -> Result<bool> {
        let name = normalise(name);
        let (Some(item), Some(line)) = (
            self.pip_item,
            self.pip.iter().position(|line| {
                Requirements::parse(&self.path, line)
                    .is_ok_and(|requirements| requirements.contains(&name))
            }),
        ) else {
            return Ok(false);
        };
        let way = [
            DEPENDENCIES[0],
            Step::Item(item),
            Step::Key("pip"),
            Step::Item(line),
        ];
        self.change(|document| document.remove(&way).map(drop))?;
        Ok(true)
    }

    /// Makes an edit on a copy, which counts once it is read again as an environment.
    fn change(&mut self, edit: impl FnOnce(&mut YamlDocument) -> Result<()>) -> Result<()> {
        let mut document = self.document.clone();
        edit(&mut document)?;
        *self = Self::read(&self.path, document)?;
        Ok(())
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
    fn pip_place(&self, line: usize) -> Place {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "# head\nname: x\nchannels: &c\n  - conda-forge # first\ndependencies:\n  \
                        - python=3.12  # ours\n  # numbers\n  - conda-forge::NumPy>=1.26\n\n  - pip\n  \
                        - pip: # from the index\n      # one\n      - Rich[jupyter]>=13 # why\n      \
                        - x @ git+https://u:secret@h/x\n# tail\n";

    fn read(text: &str) -> CondaEnvironment {
        CondaEnvironment::parse(Path::new("environment.yml"), text).expect(text)
    }

    #[test]
    fn packages_of_both_kinds_are_found() {
        let environment = read(TEXT);
        let conda: Vec<_> = environment
            .conda()
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(conda, ["python", "numpy", "pip"]);
        assert_eq!(environment.pip_names(), ["rich", "x"]);
        assert_eq!(environment.channels(), ["conda-forge"]);
        assert_eq!(environment.name(), Some("x"));
        assert!(environment.has_conda("Numpy") && !environment.has_conda("rich"));
        assert!(environment.has_pip("RICH"));
    }

    #[test]
    fn names_are_read_from_every_form_of_a_spec() {
        for (spec, name, version) in [
            ("numpy", "numpy", None),
            ("numpy=1.26", "numpy", Some("1.26")),
            ("numpy==1.26.4=py311_0", "numpy", Some("1.26.4")),
            ("numpy 1.26.* py*", "numpy", None),
            ("numpy 1.26", "numpy", Some("1.26")),
            ("numpy>=1,<2", "numpy", None),
            ("conda-forge/linux-64::Blas[build=*mkl]", "blas", None),
            ("https://h/c/linux-64/_x-64-1.0-0.conda#abc", "_x-64", None),
        ] {
            let package = CondaPackage::parse(spec).expect(spec);
            assert_eq!(
                (package.name.as_str(), package.version()),
                (name, version),
                "{spec}"
            );
        }
        for spec in ["", "=1", "a b@c:d/"] {
            assert!(CondaPackage::parse(spec).is_none_or(|package| package.name == "a"));
        }
        assert_eq!(CondaPackage::parse("$(x)"), None);
        assert_eq!(CondaPackage::parse("a;b"), None);
    }

    #[test]
    fn additions_go_where_a_person_would_write_them() {
        let mut environment = read(TEXT);
        assert!(environment.add_conda("scipy").expect("added"));
        assert!(!environment.add_conda("numpy=2").expect("known"));
        assert!(environment.add_pip("tqdm").expect("added"));
        assert!(!environment.add_pip("rich==1").expect("known"));
        assert!(environment.add_channel("bioconda").expect("added"));
        assert!(environment.pin_conda("numpy", "1.26.4").expect("pinned"));
        let expected = TEXT
            .replace("  - pip\n", "  - pip\n  - scipy\n")
            .replace("# tail", "      - tqdm\n# tail")
            .replace("# first\n", "# first\n  - bioconda\n")
            .replace("NumPy>=1.26", "numpy=1.26.4");
        assert_eq!(environment.text(), expected);
        assert!(environment.remove_conda("scipy").expect("removed"));
        assert!(environment.remove_pip("tqdm").expect("removed"));
        assert!(!environment.remove_pip("tqdm").expect("gone"));
        let expected = expected
            .replace("  - scipy\n", "")
            .replace("      - tqdm\n", "");
        assert_eq!(environment.text(), expected);
    }

    #[test]
    fn lists_are_made_where_there_are_none() {
        for (text, expected) in [
            (
                "name: x\n",
                "name: x\ndependencies:\n  - pip\n  - pip:\n      - rich\n",
            ),
            (
                "dependencies:\n- python\n",
                "dependencies:\n- python\n- pip:\n    - rich\n",
            ),
            (
                "dependencies:\n  - pip:\n  - zlib\n",
                "dependencies:\n  - pip:\n      - rich\n  - zlib\n",
            ),
            (
                "dependencies: [python, {pip: []}]\n",
                "dependencies: [python, {pip: [rich]}]\n",
            ),
        ] {
            let mut environment = read(text);
            environment.add_pip("rich").expect(text);
            assert_eq!(environment.text(), expected);
            assert_eq!(environment.pip(), ["rich"]);
        }
        let mut environment = read("name: x\n");
        environment.add_conda("zlib").expect("added");
        assert_eq!(environment.text(), "name: x\ndependencies:\n  - zlib\n");
    }

    #[test]
    fn what_is_wrong_is_refused_at_its_line_without_credentials() {
        for (text, line) in [
            ("- a\n", 1),
            ("dependencies:\n  - a\n  - 1.5\n", 3),
            ("dependencies:\n  - 'b c@d'\n  - $(x)\n", 3),
            (
                "dependencies:\n  - pip:\n      - a==1\n      - b\n      - A==2\n",
                3,
            ),
            ("dependencies:\n  - pip: [a]\n  - pip: [b]\n", 3),
            ("dependencies: none\n", 1),
            ("channels: {a: 1}\n", 1),
        ] {
            let error = CondaEnvironment::parse(Path::new("e.yml"), text).expect_err(text);
            assert_eq!(error.kind(), crate::error::Kind::Usage, "{text}");
            let lines: Vec<_> = error.places().iter().map(Place::line_number).collect();
            assert!(lines.contains(&Some(line)), "{text}: {error:?}");
        }
        let text = "dependencies:\n  - pip:\n      - a @ https://u:secret@h/a.whl\n      - a==1\n      - a==2\n";
        let error = CondaEnvironment::parse(Path::new("e.yml"), text).expect_err(text);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    proptest! {
        #[test]
        fn additions_leave_every_line(
            conda in proptest::collection::vec("[a-z]{1,6}(=[0-9]|>=1,<2)?( # [a-z]{1,3})?", 0..5),
            pip in proptest::collection::vec("(# [a-z]{1,3}|- [a-z]{2,6}(==1)?( # why)?)", 0..5),
            tail in "(# end\n|\n|)",
            crlf in any::<bool>(),
        ) {
            let mut text = String::from("name: x\ndependencies:\n");
            for line in &conda {
                text.push_str(&format!("  - {line}\n"));
            }
            if pip.iter().any(|line| line.starts_with('-')) {
                text.push_str("  - pip:\n");
                for line in &pip {
                    text.push_str(&format!("      {line}\n"));
                }
            }
            text.push_str(&tail);
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            if let Ok(before) = CondaEnvironment::parse(Path::new("e.yml"), &text) {
                let mut after = before.clone();
                prop_assert_eq!(after.text(), &text);
                prop_assert!(after.add_conda("zzconda").expect("added"));
                prop_assert!(after.add_pip("zzpip").expect("added"));
                let mut lines = after.text().lines();
                for line in text.lines() {
                    prop_assert!(lines.any(|other| other == line), "{line:?} in\n{}", after.text());
                }
                prop_assert!(after.has_conda("zzconda") && after.has_pip("zzpip"));
                prop_assert_eq!(&after.conda()[..before.conda().len()], before.conda());
                prop_assert_eq!(&after.pip()[..before.pip().len()], before.pip());
                prop_assert_eq!(after.text().contains("\r\n"), crlf);
            }
        }
    }
}
