//! The declared files of an installation: what they ask for, and adding to them.

use std::path::{Path, PathBuf};

use crate::environment::freeze::{Addition, Declared, List};
use crate::environment::requires::Requirement;
use crate::error::{Error, Result};
use crate::files;
use crate::installation::apt_list::AptList;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{
    Entry, FileOption, Includes, Inclusion, Kind, Requirements,
};

const REQUIREMENTS: &str = "dependencies/requirements.txt";
const ENVIRONMENT: &str = "dependencies/environment.yml";
const APT_BUILD: &str = "dependencies/apt-build.txt";
const APT_RUNTIME: &str = "dependencies/apt-runtime.txt";
const APT_DEV: &str = "dependencies/apt-dev.txt";

/// The declared files of an installation.
#[derive(Debug)]
pub struct DeclaredFiles {
    requirements: Option<Requirements>,
    /// Files that requirements.txt includes with `-r`.
    included: Vec<Requirements>,
    environment: Option<CondaEnvironment>,
    apt_build: AptList,
    apt_runtime: AptList,
    apt_dev: AptList,
    /// The texts as they were read.
    before: Vec<(&'static str, String)>,
}

/// A declared file that is no longer as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Its path in the installation.
    pub name: &'static str,
    /// The text as it was read; `None` when there was no such file.
    pub before: Option<&'a str>,
    /// The text now.
    pub after: &'a str,
}

impl DeclaredFiles {
    /// Reads the files in an installation's directory.
    ///
    /// # Errors
    /// `Usage`, with the line, when one of them is wrong or a file that they include is missing.
    pub fn read(directory: &Path) -> Result<Self> {
        let mut before = Vec::new();
        let mut read = |name: &'static str| -> Result<Option<(PathBuf, String)>> {
            let path = directory.join(name);
            let text = files::read_text_if_exists(&path)?;
            before.extend(text.clone().map(|text| (name, text)));
            Ok(text.map(|text| (path, text)))
        };
        let environment = read(ENVIRONMENT)?
            .map(|(path, text)| CondaEnvironment::parse(&path, &text))
            .transpose()?;
        // The build of an installation with an environment.yml reads no requirements.txt.
        let requirements = match environment {
            Some(_) => None,
            None => read(REQUIREMENTS)?,
        };
        let requirements = requirements
            .map(|(path, text)| Requirements::parse(&path, &text))
            .transpose()?;
        let included = match &requirements {
            Some(requirements) => included(directory, requirements)?,
            None => Vec::new(),
        };
        let mut list = |name: &'static str| match read(name)? {
            Some((path, text)) => AptList::parse(&path, &text),
            None => AptList::parse(&directory.join(name), ""),
        };
        Ok(Self {
            apt_build: list(APT_BUILD)?,
            apt_runtime: list(APT_RUNTIME)?,
            apt_dev: list(APT_DEV)?,
            requirements,
            included,
            environment,
            before,
        })
    }

    /// What they ask for.
    pub fn declared(&self) -> Declared {
        let names = |list: &AptList| list.names().map(str::to_owned).collect();
        // What pip gets from environment.yml was read when the file was.
        let of_environment = self
            .environment
            .as_ref()
            .and_then(|environment| environment.pip_requirements().ok());
        let lists = self.requirements.iter().chain(&self.included);
        let lists = lists.chain(&of_environment);
        let entries: Vec<&Entry> = lists.flat_map(Requirements::requirements).collect();
        Declared {
            python: entries
                .iter()
                .filter_map(|entry| requirement(entry))
                .collect(),
            python_addresses: entries
                .iter()
                .filter(|entry| entry.kind.name().is_none())
                .filter_map(|entry| entry.kind.location())
                .map(|location| location.as_written().to_owned())
                .collect(),
            apt_build: names(&self.apt_build),
            apt_runtime: names(&self.apt_runtime),
            apt_dev: names(&self.apt_dev),
            conda: self.environment.as_ref().map(|environment| {
                let packages = environment.conda().iter();
                packages.map(|package| package.name.clone()).collect()
            }),
        }
    }

    /// Adds a package to the list that it belongs to.
    ///
    /// # Errors
    /// When the file cannot take it without a change of what else it says.
    pub fn add(&mut self, addition: &Addition) -> Result<()> {
        let added = match (addition.list, &mut self.requirements, &mut self.environment) {
            (List::AptDev, ..) => self.apt_dev.add(&addition.line),
            (List::Python, Some(requirements), _) => requirements.add(&addition.line),
            (List::Python, None, Some(environment)) => environment.add_pip(&addition.line),
            (List::Conda, _, Some(environment)) => environment.add_conda(&addition.line),
            (List::Python | List::Conda, _, None) => {
                return Err(Error::usage(format!(
                    "there is no `{REQUIREMENTS}` to add `{}` to",
                    addition.name
                ))
                .help("make an empty one, or take the committed one back with git"));
            }
        };
        added.map(drop)
    }

    /// The files that have changed since they were read.
    pub fn changed(&self) -> Vec<Changed<'_>> {
        let now = [
            (
                REQUIREMENTS,
                self.requirements.as_ref().map(Requirements::text),
            ),
            (
                ENVIRONMENT,
                self.environment.as_ref().map(CondaEnvironment::text),
            ),
            (APT_BUILD, Some(self.apt_build.text())),
            (APT_RUNTIME, Some(self.apt_runtime.text())),
            (APT_DEV, Some(self.apt_dev.text())),
        ];
        let changed = now.into_iter().filter_map(|(name, after)| {
            let before = self.before.iter().find(|(known, _)| *known == name);
            let changed = Changed {
                name,
                before: before.map(|(_, text)| text.as_str()),
                after: after?,
            };
            (changed.before.unwrap_or_default() != changed.after).then_some(changed)
        });
        changed.collect()
    }
}

/// The files that a requirements file includes with `-r`, theirs too, each once.
fn included(directory: &Path, requirements: &Requirements) -> Result<Vec<Requirements>> {
    let mut includes = Includes::within(directory);
    includes.note(requirements.path());
    let mut pending = vec![requirements.clone()];
    let mut found = Vec::new();
    while let Some(requirements) = pending.pop() {
        for entry in requirements.entries() {
            let Kind::Option(FileOption {
                name: "--requirement",
                value: Some(location),
            }) = &entry.kind
            else {
                continue;
            };
            match includes.open(requirements.path(), location.as_written())? {
                Inclusion::Read(requirements) => {
                    found.push(requirements.clone());
                    pending.push(requirements);
                }
                // What is behind an address is for the build to read.
                Inclusion::Again | Inclusion::Address => {}
                Inclusion::Missing | Inclusion::Outside => {
                    return Err(Error::usage(format!(
                        "`{location}` is included and not in the installation"
                    ))
                    .at(requirements.place(entry))
                    .help("the build sees dependencies/requirements*.txt alone"));
                }
            }
        }
    }
    Ok(found)
}

/// A declared requirement, when it tells its name.
fn requirement(entry: &Entry) -> Option<Requirement> {
    let location = entry.kind.location().map(|location| location.as_written());
    let extras = entry.kind.extras().iter().map(String::as_str);
    Some(Requirement::new(
        entry.kind.name()?,
        extras,
        location,
        entry.kind.marker(),
    ))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests {
    use super::*;
    use std::fs;

    fn installation(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("dependencies")).expect("made");
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("written");
        }
        directory
    }

    fn addition(list: List, line: &str) -> Addition {
        Addition {
            list,
            name: line.into(),
            line: line.into(),
            version: "1".into(),
        }
    }

    #[test]
    fn lists_and_what_they_include_are_read() {
        let directory = installation(&[
            (
                REQUIREMENTS,
                "-r requirements-more.txt\nA_b[x]>=1 ; os_name == 'nt'\nhttps://h/x.zip\n",
            ),
            (
                "dependencies/requirements-more.txt",
                "-r requirements.txt\n-e git+https://h/r#egg=Foo\n",
            ),
            (APT_DEV, "jq=1.6 libc6:i386\n"),
        ]);
        let declared = DeclaredFiles::read(directory.path())
            .expect("read")
            .declared();
        let keys: Vec<&str> = declared
            .python
            .iter()
            .map(|read| read.key.as_str())
            .collect();
        assert_eq!(keys, ["a-b", "foo"]);
        assert_eq!(declared.python[0].extras.iter().collect::<Vec<_>>(), ["x"]);
        assert_eq!(declared.python_addresses, ["https://h/x.zip"]);
        assert_eq!(declared.apt_dev.iter().collect::<Vec<_>>(), ["jq", "libc6"]);
        assert_eq!(declared.conda, None);
    }

    #[test]
    fn additions_change_their_list_alone() {
        let directory = installation(&[(REQUIREMENTS, "# mine\r\nb # why\r\na"), (APT_DEV, "")]);
        let mut files = DeclaredFiles::read(directory.path()).expect("read");
        assert_eq!(files.changed(), []);
        for (list, line) in [
            (List::Python, "c[x]"),
            (List::Python, "A"),
            (List::AptDev, "jq"),
        ] {
            files.add(&addition(list, line)).expect("added");
        }
        let changed: Vec<_> = files
            .changed()
            .iter()
            .map(|file| (file.name, file.after))
            .collect();
        assert_eq!(
            changed,
            [
                (REQUIREMENTS, "# mine\r\nb # why\r\na\r\nc[x]\r\n"),
                (APT_DEV, "jq\n")
            ]
        );
    }

    #[test]
    fn a_missing_list_is_told_when_it_is_needed() {
        let directory = installation(&[]);
        let mut files = DeclaredFiles::read(directory.path()).expect("read");
        files
            .add(&addition(List::AptDev, "jq"))
            .expect("a new list");
        let error = files
            .add(&addition(List::Python, "a"))
            .expect_err("no list");
        assert!(error.message().contains(REQUIREMENTS), "{error}");
        let missing = installation(&[(REQUIREMENTS, "-r none.txt\n")]);
        let error = DeclaredFiles::read(missing.path()).expect_err("not there");
        assert!(error.message().contains("none.txt"), "{error}");
    }

    #[test]
    fn an_environment_has_conda_packages_and_pips() {
        let text = "channels: [c]\ndependencies:\n  - python=3.12 # why\n  - c::Xz >=5\n  - pip:\n      - six==1.17.0\n";
        let directory = installation(&[(ENVIRONMENT, text), (REQUIREMENTS, "ignored\n")]);
        let mut files = DeclaredFiles::read(directory.path()).expect("read");
        let declared = files.declared();
        let conda = declared.conda.expect("an environment");
        assert_eq!(conda.iter().collect::<Vec<_>>(), ["python", "xz"]);
        let keys: Vec<&str> = declared.python.iter().map(|read| &*read.key).collect();
        assert_eq!(keys, ["six"]);
        for (list, line) in [
            (List::Python, "A[x]"),
            (List::Conda, "zlib"),
            (List::Python, "SIX"),
        ] {
            files.add(&addition(list, line)).expect("added");
        }
        let expected = text
            .replace("  - pip:\n", "  - zlib\n  - pip:\n")
            .replace("six==1.17.0\n", "six==1.17.0\n      - A[x]\n");
        assert_eq!(files.changed()[0].after, expected);
        let wrong = installation(&[(ENVIRONMENT, "dependencies: [\n")]);
        let error = DeclaredFiles::read(wrong.path()).expect_err("wrong");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
    }
}
