//! `envtpl.lock`: every package of an environment with its exact version and origin.
//!
//! envtpl writes it as a whole and reads it strictly. One package is one block and the blocks are
//! sorted, so that git merges two people's freezes, or shows them one block to decide on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::environment::origin::Origin;
use crate::environment::yaml_text::to_yaml;
use crate::error::{Error, Place, Result};

/// The file's name in an installation.
pub const FILE: &str = "envtpl.lock";

/// The form of the file that is written, and the newest that is read.
const SCHEMA: u32 = 1;

const HEADER: &str = "\
# Written by `envtpl freeze`: every package of this environment, with exact version and origin.
# Commit it, but do not edit it: the build reads the plain lists in dependencies/locked/, which
# freeze writes from the same facts. People declare what they want in dependencies/.
";

/// A frozen environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    pub schema: u32,
    /// The processor architecture, `amd64`.
    pub platform: String,
    /// What the environment stands on.
    pub base: Base,
    /// What was declared, as far as the packages answer it.
    #[serde(default, skip_serializing_if = "Settled::is_empty")]
    pub declared: Settled,
    /// The environment's Python; `None` when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
    /// System packages.
    #[serde(default, skip_serializing_if = "Apt::is_empty")]
    pub apt: Apt,
    /// Conda packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conda: Vec<CondaPackage>,
    /// Python packages that builds use and no image holds: what installs the others, and what
    /// those that are built from source ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
}

/// A Python package that builds use.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The files of the index that it is taken from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PythonFile>,
}

/// The base image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its name, as `compose-base.yaml` has it, without a digest.
    pub image: String,
    /// The digest by which its registry knows it; an image made on this machine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The engine's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The command that made it on this machine, where envtpl did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Its distribution.
    pub os: String,
}

/// Declared lines that the locked packages answer, each list sorted. A build that finds no others
/// in the declared files has nothing to resolve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settled {
    /// Requirements for pip: as written, in one line, without comments and credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<String>,
    /// Packages for conda, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conda: Vec<String>,
    /// Packages of `apt-build.txt`, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt_build: Vec<String>,
    /// Packages of `apt-runtime.txt`, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt_runtime: Vec<String>,
    /// Packages of `apt-dev.txt`, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apt_dev: Vec<String>,
}

/// A Python with the packages that the environment adds to those of the base image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// Its full version.
    pub version: String,
    /// Packages of the base image, or of conda, that the others or the declared files ask for,
    /// as `name==version`: with another base the lock does not answer what is declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// Packages by name.
    #[serde(default)]
    pub packages: Vec<PythonPackage>,
}

/// A Python package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonPackage {
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from.
    #[serde(with = "serde_yaml::with::singleton_map")]
    pub origin: Origin,
    /// The index that has it, without credentials, where that is not the environment's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The files of the index that it was installed from, by name: one, or where nothing tells
    /// which it was, each that could have been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PythonFile>,
    /// Whether a person asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// Why no build can get it again, if that is so; the build's lists then leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<String>,
}

/// A file of a package index: a wheel or a source archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonFile {
    /// Its name, from which pip reads what it is.
    pub name: String,
    /// Its address, without credentials.
    pub url: String,
    /// Its digest.
    pub sha256: String,
    /// Its size in bytes, where the index tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// System packages by the list that brings them, each beyond what stands below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Apt {
    /// What building adds to the base image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<AptPackage>,
    /// What the run image adds to the base image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runtime: Vec<AptPackage>,
    /// What the dev image adds to the run image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dev: Vec<AptPackage>,
}

/// A system package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AptPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, `all` for those of every one.
    pub architecture: String,
    /// The address that it came from, without credentials.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The digest of the package file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// A moment at which its archive had it, as snapshot services name moments
    /// (`20260102T030405Z`); for archives that have such a service alone. Each package has its own,
    /// so that two people's freezes merge.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snapshot: String,
    /// Whether a person asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// Why no build can get it again, if that is so; the build's lists then leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<String>,
}

/// A conda package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CondaPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its build string.
    pub build: String,
    /// The address that it came from, without credentials.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The digest of the package file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// The older digest, where its channel has no other.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub md5: String,
    /// Whether a person asked for it, and it is not there as a dependency alone.
    pub requested: bool,
    /// Why no build can get it again, if that is so; the build's lists then leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<String>,
}

impl Settled {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn lists_mut(&mut self) -> [&mut Vec<String>; 5] {
        [
            &mut self.python,
            &mut self.conda,
            &mut self.apt_build,
            &mut self.apt_runtime,
            &mut self.apt_dev,
        ]
    }
}

impl PythonFile {
    /// Whether it is a wheel, and not an archive of sources.
    pub fn is_wheel(&self) -> bool {
        self.name.ends_with(".whl")
    }
}

impl Apt {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.runtime.is_empty() && self.dev.is_empty()
    }
}

impl Lock {
    /// An environment without any package, in today's form.
    pub fn new(platform: impl Into<String>, base: Base) -> Self {
        Self {
            schema: SCHEMA,
            platform: platform.into(),
            base,
            declared: Settled::default(),
            python: None,
            apt: Apt::default(),
            conda: Vec::new(),
            tools: Vec::new(),
        }
    }

    /// The file's text; the same for the same environment, whatever order it was found in.
    ///
    /// # Errors
    /// When it cannot be written as YAML.
    pub fn to_text(&self) -> Result<String> {
        let mut sorted = self.clone();
        sorted.sort();
        Ok(format!("{HEADER}{}", to_yaml(&sorted)?))
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

    /// The locked Python packages.
    pub fn python_packages(&self) -> &[PythonPackage] {
        self.python.as_ref().map_or(&[], |python| &python.packages)
    }

    /// Brings the packages into the order of the file.
    pub fn sort(&mut self) {
        if let Some(python) = &mut self.python {
            python
                .packages
                .sort_by(|one, other| one.name.cmp(&other.name));
            for package in &mut python.packages {
                package.files.sort();
            }
            python.given.sort();
        }
        for list in self.declared.lists_mut() {
            list.sort();
            list.dedup();
        }
        for list in self.apt.lists_mut() {
            list.sort_by(|one, other| {
                (&one.name, &one.architecture).cmp(&(&other.name, &other.architecture))
            });
        }
        self.conda.sort_by(|one, other| one.name.cmp(&other.name));
        for tool in &mut self.tools {
            tool.files.sort();
        }
        self.tools.sort();
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

impl Apt {
    /// The three lists.
    pub fn lists(&self) -> [&Vec<AptPackage>; 3] {
        [&self.build, &self.runtime, &self.dev]
    }

    fn lists_mut(&mut self) -> [&mut Vec<AptPackage>; 3] {
        [&mut self.build, &mut self.runtime, &mut self.dev]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::origin::Repository;
    use crate::error::Kind;
    use proptest::prelude::*;

    fn python(name: &str, version: &str) -> PythonPackage {
        PythonPackage {
            name: name.into(),
            version: version.into(),
            ..PythonPackage::default()
        }
    }

    fn file(name: &str) -> PythonFile {
        PythonFile {
            name: name.into(),
            url: format!("https://files/{name}"),
            sha256: "ab".repeat(32),
            size: Some(7),
        }
    }

    fn example() -> Lock {
        let mut lock = Lock::new(
            "amd64",
            Base {
                image: "python:3.12-slim".into(),
                digest: Some("sha256:aa".into()),
                id: None,
                made: Some("envtpl bootstrap-base bookworm".into()),
                os: "debian 12 (bookworm)".into(),
            },
        );
        lock.python = Some(Python {
            version: "3.11.2".into(),
            packages: vec![
                PythonPackage {
                    origin: Origin::Vcs(Repository {
                        system: "git".into(),
                        url: "https://host/thing.git".into(),
                        commit: "0123456789abcdef0123456789abcdef01234567".into(),
                        revision: None,
                        subdirectory: None,
                    }),
                    requested: true,
                    ..python("thing", "0.10")
                },
                PythonPackage {
                    index: Some("https://more/simple".into()),
                    files: vec![file("numpy-1.26-py3-none-any.whl")],
                    ..python("numpy", "1.26")
                },
            ],
            ..Python::default()
        });
        lock.declared.python = vec!["thing".into(), "numpy>=1".into()];
        lock.apt.dev = vec![AptPackage {
            name: "jq".into(),
            version: "1.6-2.1".into(),
            architecture: "amd64".into(),
            url: "http://deb/pool/jq.deb".into(),
            sha256: "cd".repeat(32),
            snapshot: "20260102T030405Z".into(),
            requested: true,
            unfrozen: None,
        }];
        lock.conda = vec![CondaPackage {
            name: "xz".into(),
            version: "5.4".into(),
            build: "h0_0".into(),
            url: "https://channel/linux-64/xz-5.4-h0_0.conda".into(),
            md5: "ef".repeat(16),
            ..CondaPackage::default()
        }];
        lock
    }

    #[test]
    fn the_text_is_sorted_and_read_back() {
        let text = example().to_text().expect("written");
        let expected = "\
schema: 1
platform: amd64
base:
  image: python:3.12-slim
  digest: sha256:aa
  made: 'envtpl bootstrap-base bookworm'
  os: 'debian 12 (bookworm)'
declared:
  python:
  - 'numpy>=1'
  - thing
python:
  version: 3.11.2
  packages:
  - name: numpy
    version: '1.26'
    origin: index
    index: https://more/simple
    files:
    - name: numpy-1.26-py3-none-any.whl
      url: https://files/numpy-1.26-py3-none-any.whl
      sha256: abababababababababababababababababababababababababababababababab
      size: 7
    requested: false
  - name: thing
    version: '0.10'
    origin:
      vcs:
        system: git
        url: https://host/thing.git
        commit: '0123456789abcdef0123456789abcdef01234567'
    requested: true
apt:
  dev:
  - name: jq
    version: '1.6-2.1'
    architecture: amd64
    url: http://deb/pool/jq.deb
    sha256: cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
    snapshot: '20260102T030405Z'
    requested: true
conda:
- name: xz
  version: '5.4'
  build: h0_0
  url: https://channel/linux-64/xz-5.4-h0_0.conda
  md5: efefefefefefefefefefefefefefefef
  requested: false
";
        assert_eq!(text.strip_prefix(HEADER), Some(expected));
        let read = Lock::parse(Path::new(FILE), &text).expect("read");
        assert_eq!(read.to_text().expect("written"), text);
    }

    #[test]
    fn what_envtpl_would_not_write_is_refused_with_its_line() {
        let text = example().to_text().expect("written");
        for (from, to, line, why) in [
            (
                "requested: false",
                "requested: maybe",
                27,
                "not as envtpl writes it",
            ),
            (
                "requested: false",
                "wanted: false",
                27,
                "not as envtpl writes it",
            ),
            ("platform: amd64", "<<<<<<< HEAD", 5, "merge conflict"),
            ("schema: 1", "schema: 2", 4, "form 2"),
            ("name: thing", "name: numpy", 28, "`numpy` is locked twice"),
            (
                "platform: amd64",
                "platform: [",
                5,
                "not as envtpl writes it",
            ),
        ] {
            let error = Lock::parse(Path::new(FILE), &text.replacen(from, to, 1)).expect_err(to);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.message().contains(why), "{to}: {error}");
            assert_eq!(error.places()[0].line_number(), Some(line), "{to}: {error}");
            assert!(!error.helps().is_empty());
        }
        assert!(Lock::parse(Path::new(FILE), "").is_err());
    }

    /// Two people add packages at different places: git must merge that.
    #[test]
    fn git_merges_freezes_of_two_people() {
        let texts = |added: &[&str]| {
            let mut lock = example();
            let packages = &mut lock.python.as_mut().expect("there").packages;
            packages.extend((0..6).map(|number| python(&format!("package-{number}"), "1")));
            packages.extend(added.iter().map(|name| python(name, "2.0")));
            lock.to_text().expect("written")
        };
        let (base, mine, theirs) = (texts(&[]), texts(&["alpha"]), texts(&["package-3a"]));
        let merged = diffy::merge(&base, &mine, &theirs).expect("no conflict");
        assert_eq!(merged, texts(&["alpha", "package-3a"]));
        let conflict = diffy::merge(&base, &mine, &texts(&["beta"])).expect_err("same place");
        assert_eq!(conflict.matches("<<<<<<<").count(), 1, "{conflict}");
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9.+:~-]{1,12}",
            "[0-9]{1,3}\\.[0-9]{1,3}",
            "[0-9]{1,4}(e[0-9]{1,2})?",
            "0[xo][0-9]{1,4}",
            Just("no".to_owned()),
            Just("null".to_owned()),
            Just("~".to_owned()),
            "[ -~]{1,12}",
        ]
    }

    proptest! {
        #[test]
        fn every_lock_is_read_back(
            names in proptest::collection::btree_set("[a-z][a-z0-9-]{0,8}", 0..6),
            versions in proptest::collection::vec(any_text(), 6),
            image in any_text(),
            requested in any::<bool>(),
        ) {
            let mut lock = Lock::new("arm64", Base { image, ..Base::default() });
            lock.python = Some(Python {
                version: versions[5].clone(),
                given: versions.clone(),
                packages: names.iter().zip(&versions).rev().map(|(name, version)| PythonPackage {
                    requested,
                    index: requested.then(|| version.clone()),
                    unfrozen: (!requested).then(|| version.clone()),
                    files: versions.iter().map(|name| file(name)).collect(),
                    ..python(name, version)
                }).collect(),
            });
            lock.declared.conda = versions.clone();
            lock.apt.runtime = names.iter().zip(&versions).map(|(name, version)| AptPackage {
                name: name.clone(),
                version: version.clone(),
                architecture: "all".into(),
                url: version.clone(),
                sha256: versions[0].clone(),
                snapshot: versions[1].clone(),
                requested,
                unfrozen: requested.then(|| version.clone()),
            }).collect();
            lock.conda = names.iter().zip(&versions).rev().map(|(name, version)| CondaPackage {
                name: name.clone(),
                version: version.clone(),
                build: versions[2].clone(),
                url: versions[3].clone(),
                sha256: if requested { versions[4].clone() } else { String::new() },
                md5: if requested { String::new() } else { versions[4].clone() },
                requested,
                unfrozen: (!requested).then(|| version.clone()),
            }).collect();
            let text = lock.to_text().expect("written");
            let read = Lock::parse(Path::new(FILE), &text).expect("read");
            lock.sort();
            prop_assert_eq!(&read, &lock);
            prop_assert_eq!(read.to_text().expect("written"), text);
        }
    }
}
