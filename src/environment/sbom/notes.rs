//! What the package databases of an image say of each package beyond what a snapshot holds: what it
//! needs, what it was built from, its licence.

use std::collections::HashMap;

use serde::Deserialize;

use crate::environment::snapshot::{AptPackage, CondaPackage, Distribution};
use crate::installation::requirements::normalise;

/// Prints the notes; it is given `$PYTHON`.
pub const SCRIPT: &str = include_str!("notes.sh");

/// The name of the notes among the parts of an answer.
pub const NAME: &str = "notes";

/// What is known, by package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    apt: HashMap<[String; 3], AptNote>,
    python: HashMap<[String; 2], PythonNote>,
    conda: HashMap<[String; 3], CondaNote>,
}

/// What dpkg knows of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptNote {
    /// The source package that it was built from.
    pub source: String,
    /// The version of that.
    pub source_version: String,
    /// What it needs, as dpkg writes it; recommendations are not among that.
    pub depends: String,
    /// The names that it stands for, as dpkg writes it.
    pub provides: String,
}

/// What the metadata of a Python package says (PyPA's core metadata).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PythonNote {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `License-Expression`.
    pub expression: String,
    /// `License`.
    pub licence: String,
    /// The classifiers that are about licences.
    pub classifiers: Vec<String>,
}

/// What conda's record of a package says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CondaNote {
    name: String,
    version: String,
    build: String,
    /// The licence.
    pub licence: String,
    /// The part of its channel, `linux-64`.
    pub subdir: String,
    /// The name of the package file.
    pub file: String,
    /// What it needs.
    pub depends: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Python(PythonNote),
    Conda(CondaNote),
}

impl Notes {
    /// Reads what the script printed. A line that is none is left out: a note more or less is no
    /// reason to tell nothing.
    pub fn parse(text: &str) -> Self {
        let mut notes = Self::default();
        for line in text.lines() {
            if let Some(fields) = line.strip_prefix("apt\t") {
                notes.add_apt(fields);
            } else if let Ok(line) = serde_json::from_str(line) {
                notes.add(line);
            }
        }
        notes
    }

    fn add_apt(&mut self, line: &str) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            name,
            version,
            architecture,
            source,
            source_version,
            depends,
            provides,
        ] = fields[..]
        else {
            return;
        };
        let note = AptNote {
            source: source.to_owned(),
            source_version: source_version.to_owned(),
            depends: depends.to_owned(),
            provides: provides.to_owned(),
        };
        let key = [name, version, architecture].map(str::to_owned);
        self.apt.insert(key, note);
    }

    fn add(&mut self, line: Line) {
        match line {
            Line::Python(note) => {
                let key = [normalise(&note.name), note.version.clone()];
                // What comes first on the search path is what Python takes.
                self.python.entry(key).or_insert(note);
            }
            Line::Conda(note) => {
                let key = [&note.name, &note.version, &note.build].map(String::clone);
                self.conda.insert(key, note);
            }
        }
    }

    /// What is known of a system package.
    pub fn apt(&self, package: &AptPackage) -> Option<&AptNote> {
        let key = [&package.name, &package.version, &package.architecture];
        self.apt.get(&key.map(String::clone))
    }

    /// What is known of a Python package.
    pub fn python(&self, package: &Distribution) -> Option<&PythonNote> {
        self.python.get(&[package.key(), package.version.clone()])
    }

    /// What is known of a conda package.
    pub fn conda(&self, package: &CondaPackage) -> Option<&CondaNote> {
        let key = [&package.name, &package.version, &package.build];
        self.conda.get(&key.map(String::clone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_by_package_and_other_lines_are_none() {
        let notes = Notes::parse(
            "welcome\napt\tlibc-bin\t2.36-9\tamd64\tglibc\t2.36-9\tlibc6, \t\napt\tcut\n\
             {\"kind\":\"python\",\"name\":\"Foo.Bar\",\"version\":\"1\",\"expression\":\"MIT\"}\n\
             {\"kind\":\"python\",\"name\":\"foo-bar\",\"version\":\"1\",\"licence\":\"hidden\"}\n\
             {\"kind\":\"conda\",\"name\":\"greet\",\"version\":\"1\",\"build\":\"0\",\"new\":1,\
             \"licence\":\"MIT\",\"depends\":[\"python >=3\"]}\n{\"kind\":\"later\"}\n",
        );
        let deb = AptPackage {
            name: "libc-bin".into(),
            version: "2.36-9".into(),
            architecture: "amd64".into(),
            ..AptPackage::default()
        };
        assert_eq!(notes.apt(&deb).map(|note| &*note.source), Some("glibc"));
        let python = Distribution {
            name: "foo_bar".into(),
            version: "1".into(),
            ..Distribution::default()
        };
        let note = notes.python(&python).expect("there");
        assert_eq!((&*note.expression, &*note.licence), ("MIT", ""));
        let conda = CondaPackage {
            name: "greet".into(),
            version: "1".into(),
            build: "0".into(),
            ..CondaPackage::default()
        };
        assert_eq!(notes.conda(&conda).expect("there").depends, ["python >=3"]);
        assert_eq!(notes.python(&Distribution::default()), None);
    }
}
