//! The declared files of an installation: what they ask for, and adding to them.

mod lines;

use std::path::{Component, Path, PathBuf};

use crate::environment::freeze::{Addition, Declared, List};
use crate::environment::index::Indexes;
use crate::environment::lock::Lock;
use crate::environment::origin::Origin;
use crate::environment::requires::Requirement;
use crate::error::{self, Error, Result};
use crate::files;
use crate::installation::apt_list::AptList;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{
    Entry, FileOption, Includes, Inclusion, Kind, Pin, Requirements, check_conflicts,
};

pub use lines::{Asked, DeclaredLine, comparable};

const REQUIREMENTS: &str = "dependencies/requirements.txt";
const ENVIRONMENT: &str = "dependencies/environment.yml";
const APT_BUILD: &str = "dependencies/apt-build.txt";
const APT_RUNTIME: &str = "dependencies/apt-runtime.txt";
const APT_DEV: &str = "dependencies/apt-dev.txt";

/// The declared files of an installation.
#[derive(Debug)]
pub struct DeclaredFiles {
    /// The installation's.
    directory: PathBuf,
    requirements: Option<Requirements>,
    /// Files that requirements.txt includes with `-r`.
    included: Vec<Included>,
    environment: Option<CondaEnvironment>,
    apt_build: AptList,
    apt_runtime: AptList,
    apt_dev: AptList,
    /// The texts as they were read.
    before: Vec<(&'static str, String)>,
}

/// A file that requirements.txt includes.
#[derive(Debug, Clone)]
struct Included {
    /// Its path in the installation; `None` for one outside.
    name: Option<String>,
    before: String,
    now: Requirements,
}

/// A declared file that is no longer as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Its path in the installation.
    pub name: &'a str,
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
        check_conflicts((requirements.iter()).chain(included.iter().map(|file| &file.now)))?;
        let mut list = |name: &'static str| match read(name)? {
            Some((path, text)) => AptList::parse(&path, &text),
            None => AptList::parse(&directory.join(name), ""),
        };
        let files = Self {
            directory: directory.to_owned(),
            apt_build: list(APT_BUILD)?,
            apt_runtime: list(APT_RUNTIME)?,
            apt_dev: list(APT_DEV)?,
            requirements,
            included,
            environment,
            before,
        };
        files.lines()?;
        Ok(files)
    }

    /// What they ask for.
    pub fn declared(&self) -> Declared {
        let names = |list: &AptList| list.names().map(str::to_owned).collect();
        // What pip gets from environment.yml was read when the file was.
        let of_environment = self
            .environment
            .as_ref()
            .and_then(|environment| environment.pip_requirements().ok());
        let included = self.included.iter().map(|included| &included.now);
        let lists = self.requirements.iter().chain(included);
        let lists = lists.chain(&of_environment);
        let lists: Vec<&Requirements> = lists.collect();
        let values = |option: &'static str| {
            let values = lists.iter().flat_map(|list| list.option_values(option));
            let mut values: Vec<String> = values.map(|url| url.as_written().to_owned()).collect();
            values.dedup();
            values
        };
        let indexes = Indexes {
            index: values("--index-url").pop(),
            extra: values("--extra-index-url"),
            links: values("--find-links"),
        };
        let lists = lists.iter().copied();
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
            // What cannot be read was told when the files were read.
            lines: self.lines().unwrap_or_default(),
            indexes,
        }
    }

    /// Adds a package to the list that it belongs to.
    ///
    /// # Errors
    /// When the file cannot take it without a change of what else it says.
    pub fn add(&mut self, addition: &Addition) -> Result<()> {
        let added = match (addition.list, &mut self.requirements, &mut self.environment) {
            (List::AptBuild, ..) => self.apt_build.add(&addition.line),
            (List::AptRuntime, ..) => self.apt_runtime.add(&addition.line),
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

    /// Pins what is declared to what a lock says: versions, and commits of repositories. What
    /// cannot be pinned where it stands stays as it is, and why is told in a sentence.
    ///
    /// # Errors
    /// When a file cannot be edited safely.
    pub fn pin(&mut self, lock: &Lock) -> Result<Vec<String>> {
        let mut kept = Vec::new();
        let python = lock.python_packages().iter();
        for package in python.filter(|package| package.unfrozen.is_none()) {
            let to = match &package.origin {
                Origin::Index => Pin::Version(&package.version),
                Origin::Vcs(repository) => Pin::Commit(&repository.commit),
                Origin::Archive(_) | Origin::Nowhere => continue,
            };
            let lists = self.requirements.iter_mut();
            let lists = lists.chain(self.included.iter_mut().map(|included| &mut included.now));
            let mut pinned: Vec<Result<bool>> =
                lists.map(|list| list.pin_to(&package.name, to)).collect();
            if let Some(environment) = &mut self.environment {
                pinned.push(environment.pin_pip(&package.name, to));
            }
            for pinned in pinned {
                kept.extend(why_kept(&package.name, pinned)?);
            }
        }
        if let Some(environment) = &mut self.environment {
            for package in &lock.conda {
                let pinned = environment.pin_conda(&package.name, &package.version);
                kept.extend(why_kept(&package.name, pinned)?);
            }
        }
        let lists = [
            (&mut self.apt_build, &lock.apt.build),
            (&mut self.apt_runtime, &lock.apt.runtime),
            (&mut self.apt_dev, &lock.apt.dev),
        ];
        for (declared, locked) in lists {
            for package in locked {
                let own = ["all", lock.platform.as_str()].contains(&&*package.architecture);
                let foreign = (!own).then_some(package.architecture.as_str());
                declared.pin(&package.name, foreign, &package.version)?;
            }
        }
        Ok(kept)
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
        let included = self.included.iter().filter_map(|included| {
            let changed = Changed {
                name: included.name.as_deref()?,
                before: Some(&included.before),
                after: included.now.text(),
            };
            (included.before != changed.after).then_some(changed)
        });
        let changed = now.into_iter().filter_map(|(name, after)| {
            let before = self.before.iter().find(|(known, _)| *known == name);
            let changed = Changed {
                name,
                before: before.map(|(_, text)| text.as_str()),
                after: after?,
            };
            (changed.before.unwrap_or_default() != changed.after).then_some(changed)
        });
        changed.chain(included).collect()
    }
}

/// The files that a requirements file includes with `-r`, theirs too, each once.
fn included(directory: &Path, requirements: &Requirements) -> Result<Vec<Included>> {
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
                    found.push(Included {
                        name: name_in(directory, requirements.path()),
                        before: requirements.text().to_owned(),
                        now: requirements.clone(),
                    });
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

/// The sentence for a package that cannot be pinned where it stands.
fn why_kept(name: &str, pinned: Result<bool>) -> Result<Option<String>> {
    match pinned {
        Ok(_) => Ok(None),
        Err(error) if error.kind() == error::Kind::Usage => Ok(Some(format!(
            "{name} stays as it is declared: {}",
            error.message()
        ))),
        Err(error) => Err(error),
    }
}

/// The path of a file in the installation, if it is one.
fn name_in(directory: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(directory).ok()?;
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| relative.to_string_lossy().into_owned())
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
    fn two_versions_in_two_files_are_refused_with_both_lines() {
        let directory = installation(&[
            (REQUIREMENTS, "-r requirements-more.txt\nFoo_x==1\n"),
            (
                "dependencies/requirements-more.txt",
                "# more\nfoo.x==1.0\nfoo-x==2\n",
            ),
        ]);
        let error = DeclaredFiles::read(directory.path()).expect_err("two versions");
        assert_eq!(error.kind(), error::Kind::Usage);
        assert!(error.message().contains("(line 2)"), "{error}");
        std::fs::write(
            directory.path().join("dependencies/requirements-more.txt"),
            "# more\nfoo.x==2\n",
        )
        .expect("written");
        let error = DeclaredFiles::read(directory.path()).expect_err("two versions");
        assert!(
            error.message().contains("(requirements.txt, line 2)")
                && error.message().contains("(requirements-more.txt, line 2)"),
            "{error}"
        );
        assert_eq!(error.places().len(), 2);
    }

    #[test]
    fn pins_go_into_every_file_and_keep_all_else() {
        let more =
            |six: &str| format!("# more\n{six}\ngone==1 --hash=sha256:{}\n", "ab".repeat(32));
        let directory = installation(&[
            (
                REQUIREMENTS,
                "-r requirements-more.txt\r\nNumPy [x] >=1  # arrays\r\nthing @ git+https://h/t@main # ours\r\nbad<1\r\nbad>0\r\n",
            ),
            ("dependencies/requirements-more.txt", &more("six")),
            (APT_DEV, "jq less # tools\n"),
            (APT_RUNTIME, "libc6:i386\n"),
        ]);
        let mut files = DeclaredFiles::read(directory.path()).expect("read");
        let lock = "schema: 1\nplatform: amd64\nbase: {image: b, os: o}\npython:\n  version: 3.11.2\n  packages:\n  \
            - {name: numpy, version: '1.26', origin: index, requested: true}\n  \
            - {name: six, version: '1.17', origin: index, requested: true}\n  \
            - {name: bad, version: '0.5', origin: index, requested: true}\n  \
            - {name: gone, version: '2', origin: index, requested: true}\n  \
            - {name: thing, version: '1', origin: {vcs: {system: git, url: 'https://h/t', commit: '00ff'}}, requested: true}\n\
            apt:\n  runtime:\n  - {name: libc6, version: '2.36', architecture: i386, requested: true}\n  dev:\n  \
            - {name: jq, version: '1.6', architecture: amd64, requested: true}\n  \
            - {name: less, version: '590', architecture: all, requested: true}\n";
        let lock = Lock::parse(Path::new("envtpl.lock"), lock).expect("a lock");
        let kept = files.pin(&lock).expect("pinned");
        let changed: Vec<(&str, &str)> = files
            .changed()
            .iter()
            .map(|file| (file.name, file.after))
            .collect();
        assert_eq!(
            changed,
            [
                (
                    REQUIREMENTS,
                    "-r requirements-more.txt\r\nNumPy [x] ==1.26  # arrays\r\nthing @ git+https://h/t@00ff # ours\r\nbad<1\r\nbad>0\r\n"
                ),
                (APT_RUNTIME, "libc6:i386=2.36\n"),
                (APT_DEV, "jq=1.6 less=590 # tools\n"),
                (
                    "dependencies/requirements-more.txt",
                    more("six==1.17").as_str()
                ),
            ]
        );
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept[0].contains("bad stays") && kept[1].contains("gone stays"));
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
        assert_eq!(error.kind(), error::Kind::Usage);
    }
}
