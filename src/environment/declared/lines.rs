//! The declared lines one by one, as a lock repeats those that it answers.

use std::path::Path;

use crate::environment::declared::{DeclaredFiles, Included};
use crate::error::{Place, Result};
use crate::installation::apt_list::{AptEntry, AptList};
use crate::installation::conda_environment;
use crate::installation::requirements::{
    Entry, FileOption, Includes, Inclusion, Kind, Requirements,
};
use crate::secrets::redact;

/// A declared line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredLine {
    /// As the lock has it: one line, without comments and credentials.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// What it asks for.
    pub asked: Asked,
}

/// What a declared line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A Python package.
    Python(Entry),
    /// Nothing, but which versions of a Python package may come.
    Constraint(Entry),
    /// Whatever a requirements file behind an address says.
    Elsewhere,
    /// A conda package.
    Conda(conda_environment::CondaPackage),
    /// A system package of `apt-build.txt`.
    AptBuild(AptEntry),
    /// A system package of `apt-runtime.txt`.
    AptRuntime(AptEntry),
    /// A system package of `apt-dev.txt`.
    AptDev(AptEntry),
}

impl DeclaredFiles {
    /// All declared lines.
    ///
    /// # Errors
    /// When an included file cannot be read.
    pub fn lines(&self) -> Result<Vec<DeclaredLine>> {
        let mut lines = Vec::new();
        if let Some(requirements) = &self.requirements {
            let place = |entry: &Entry| requirements.place(entry);
            python(requirements, &self.included, &place, &mut lines)?;
        }
        if let Some(environment) = &self.environment {
            let pip = environment.pip_requirements()?;
            let place = |entry: &Entry| {
                let before = &pip.text()[..entry.span.start];
                environment.pip_place(before.matches('\n').count() + 1)
            };
            python(&pip, &[], &place, &mut lines)?;
            lines.extend(environment.conda().iter().map(|package| DeclaredLine {
                text: redact(&package.spec),
                place: environment.place_of(package),
                asked: Asked::Conda(package.clone()),
            }));
        }
        lines.extend(self.apt(super::APT_BUILD, &self.apt_build, Asked::AptBuild));
        lines.extend(self.apt(super::APT_RUNTIME, &self.apt_runtime, Asked::AptRuntime));
        lines.extend(self.apt(super::APT_DEV, &self.apt_dev, Asked::AptDev));
        Ok(lines)
    }

    fn apt<'a>(
        &'a self,
        name: &'a str,
        list: &'a AptList,
        asked: fn(AptEntry) -> Asked,
    ) -> impl Iterator<Item = DeclaredLine> + 'a {
        list.entries().iter().map(move |entry| DeclaredLine {
            text: entry.to_string(),
            place: Place::span(self.directory.join(name), list.text(), entry.span.clone()),
            asked: asked(entry.clone()),
        })
    }
}

/// The lines of a requirements file and of those that it includes, as they are edited by now.
fn python(
    requirements: &Requirements,
    edited: &[Included],
    place: &dyn Fn(&Entry) -> Place,
    lines: &mut Vec<DeclaredLine>,
) -> Result<()> {
    let directory = requirements.path().parent().unwrap_or(Path::new(""));
    let mut includes = Includes::within(directory);
    includes.note(requirements.path());
    read(requirements, edited, (place, false), &mut includes, lines)
}

fn read(
    requirements: &Requirements,
    edited: &[Included],
    (place, bounds): (&dyn Fn(&Entry) -> Place, bool),
    includes: &mut Includes,
    lines: &mut Vec<DeclaredLine>,
) -> Result<()> {
    for entry in requirements.entries() {
        let text = comparable(&requirements.text()[entry.span.clone()]);
        let (text, asked) = match &entry.kind {
            Kind::Option(FileOption {
                name: name @ ("--requirement" | "--constraint"),
                value: Some(location),
            }) => match includes.open(requirements.path(), location.as_written())? {
                Inclusion::Read(included) => {
                    let mut edited_files = edited.iter().map(|file| &file.now);
                    let now = edited_files.find(|now| now.path() == included.path());
                    let included = now.unwrap_or(&included);
                    let place = |entry: &Entry| included.place(entry);
                    let bounds = bounds || *name == "--constraint";
                    read(included, edited, (&place, bounds), includes, lines)?;
                    continue;
                }
                Inclusion::Address => (text, Asked::Elsewhere),
                // The build says so if it matters.
                Inclusion::Again | Inclusion::Missing | Inclusion::Outside => continue,
            },
            Kind::Option(_) => continue,
            _ if bounds => (format!("-c {text}"), Asked::Constraint(entry.clone())),
            _ => (text, Asked::Python(entry.clone())),
        };
        lines.push(DeclaredLine {
            text,
            place: place(entry),
            asked,
        });
    }
    Ok(())
}

/// A requirement as the lock repeats it: in one line, with one blank where white space is, and
/// without credentials. `python-plan.py` does the same with what it reads.
pub fn comparable(text: &str) -> String {
    let joined = text.replace("\\\r\n", "").replace("\\\n", "");
    let words: Vec<&str> = joined.split_whitespace().collect();
    without_users(&words.join(" "))
}

/// Takes out what stands between `//` and `@` of every address.
fn without_users(text: &str) -> String {
    let mut parts = text.split("//");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let authority = part
            .find(|c: char| c == '/' || c.is_whitespace())
            .unwrap_or(part.len());
        let from = part[..authority].rfind('@').map_or(0, |at| at + 1);
        shown.push_str("//");
        shown.push_str(&part[from..]);
    }
    shown
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_repeated_in_one_form() {
        for (line, expected) in [
            ("six == 1.17.0", "six == 1.17.0"),
            ("a>=1,\\\n   <2 ;  os_name=='x'", "a>=1, <2 ; os_name=='x'"),
            ("a==1 \\\r\n --hash=sha256:ab", "a==1 --hash=sha256:ab"),
            ("a @ https://u:p@h/x@1.whl", "a @ https://h/x@1.whl"),
            ("a @ git+ssh://git@h/x", "a @ git+ssh://h/x"),
            ("a @ https://u@corp:${P}@h/x@y", "a @ https://h/x@y"),
            ("a @ file:///srv/x@y", "a @ file:///srv/x@y"),
        ] {
            assert_eq!(comparable(line), expected);
        }
    }

    #[test]
    fn every_line_has_its_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let dependencies = directory.path().join("dependencies");
        std::fs::create_dir(&dependencies).expect("made");
        for (name, text) in [
            (
                "requirements.txt",
                "# x\n-r requirements-b.txt\n--index-url https://u:p@h/simple\na>=1 # why\n-c constraints.txt\n",
            ),
            (
                "requirements-b.txt",
                "b \\\n  ==2\n-e .\n-r requirements.txt\n",
            ),
            ("constraints.txt", "\nc<3\n"),
            ("apt-dev.txt", "jq less=1\n"),
        ] {
            std::fs::write(dependencies.join(name), text).expect("written");
        }
        let read = |directory: &Path| -> Vec<String> {
            let files = DeclaredFiles::read(directory).expect("read");
            let lines = files.lines().expect("lines");
            let shown = lines.iter().map(|line| {
                let file = line
                    .place
                    .path
                    .file_name()
                    .expect("a name")
                    .to_string_lossy();
                let number = line.place.line_number().unwrap_or_default();
                format!("{file}:{number} {}", line.text)
            });
            shown.collect()
        };
        assert_eq!(
            read(directory.path()),
            [
                "requirements-b.txt:1 b ==2",
                "requirements-b.txt:3 -e .",
                "requirements.txt:4 a>=1",
                "constraints.txt:2 -c c<3",
                "apt-dev.txt:1 jq",
                "apt-dev.txt:1 less=1",
            ]
        );
        std::fs::write(
            dependencies.join("environment.yml"),
            "dependencies:\n  - python=3.12\n  - pip:\n      - six\n      - 'a[x]>=1'\n",
        )
        .expect("written");
        assert_eq!(
            read(directory.path())[..3],
            [
                "environment.yml:4 six",
                "environment.yml:5 a[x]>=1",
                "environment.yml:2 python=3.12",
            ]
        );
    }
}
