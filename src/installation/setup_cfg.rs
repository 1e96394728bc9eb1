//! `setup.cfg`: what setuptools reads there about the project's name, Python and packages. Read
//! only.
//!
//! Sources: setuptools' documentation, "Configuring setuptools using setup.cfg files", for the
//! options, and Python's `configparser` for the form: sections, `key = value` or `key: value`,
//! values that go on in lines that are indented more, comments on lines of their own.

use std::path::Path;
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;

use crate::error::{Error, Place, Result};
use crate::installation::dependency::{Dependency, Reference, line_of};

/// What a `setup.cfg` says that concerns an environment for the project.
#[derive(Debug, Default)]
pub struct SetupCfg {
    /// `[metadata] name`.
    pub name: Option<String>,
    /// `[options] python_requires`.
    pub python_requires: Option<VersionSpecifiers>,
    /// `[options] install_requires`.
    pub install_requires: Vec<Dependency>,
    /// Files that hold them instead (`file:`).
    pub files: Vec<Reference>,
    /// Whether `[options] install_requires` is there.
    pub declares_dependencies: bool,
    /// The extras of `[options.extras_require]`.
    pub extras: Vec<String>,
    /// Whether it says that there is something to install.
    pub is_package: bool,
}

/// A line of a value.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    /// Without white space around it.
    text: &'a str,
    /// Where it starts in the file.
    start: usize,
}

/// An option of a section.
#[derive(Debug)]
struct Setting<'a> {
    section: &'a str,
    key: String,
    /// The lines of its value, empty ones left out.
    value: Vec<Part<'a>>,
    /// Whether the value starts behind the key, and not on the next line.
    starts_at_key: bool,
}

impl SetupCfg {
    /// Reads the text of a `setup.cfg`; `path` is for messages.
    ///
    /// # Errors
    /// `Usage`, with the line, when it is no such file, or one of these options is not what it
    /// should be.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut found = Self::default();
        for setting in settings(path, text)? {
            let first = setting.value.first();
            match (setting.section, setting.key.as_str()) {
                ("metadata", "name") => found.name = first.map(|part| part.text.to_owned()),
                ("options", "python_requires") => found.read_python(path, text, &setting)?,
                ("options", "install_requires") => found.read_requires(path, text, &setting)?,
                ("options.extras_require", extra) => found.extras.push(extra.to_owned()),
                _ => {}
            }
            found.is_package |= matches!(setting.section, "metadata" | "options");
        }
        Ok(found)
    }

    fn read_python(&mut self, path: &Path, text: &str, setting: &Setting<'_>) -> Result<()> {
        let Some(part) = setting.value.first() else {
            return Ok(());
        };
        let specifiers = VersionSpecifiers::from_str(part.text).map_err(|_| {
            let range = part.start..part.start + part.text.len();
            Error::usage(format!("`{}` cannot be used", path.display()))
                .at(Place::span(path, text, range).label("this should be versions such as >=3.10"))
        })?;
        self.python_requires = Some(specifiers);
        Ok(())
    }

    fn read_requires(&mut self, path: &Path, text: &str, setting: &Setting<'_>) -> Result<()> {
        self.declares_dependencies = true;
        for part in requirements(setting) {
            if let Some(files) = part.text.strip_prefix("file:") {
                let files = files.split(',').map(str::trim);
                self.files.extend(files.map(|file| Reference {
                    file: file.to_owned(),
                    line: line_of(text, part.start),
                }));
                continue;
            }
            let range = part.start..part.start + part.text.len();
            self.install_requires
                .push(Dependency::read(path, text, range, part.text)?);
        }
        Ok(())
    }
}

/// The requirements of a value: one a line, or on one line with semicolons between them.
fn requirements<'a>(setting: &Setting<'a>) -> Vec<Part<'a>> {
    let [only] = setting.value.as_slice() else {
        return setting.value.clone();
    };
    if !setting.starts_at_key {
        return setting.value.clone();
    }
    let pieces = only.text.split(';').map(str::trim);
    let part = |text: &'a str| Part {
        start: only.start + (text.as_ptr() as usize - only.text.as_ptr() as usize),
        text,
    };
    pieces.filter(|text| !text.is_empty()).map(part).collect()
}

/// The settings of all sections, as Python's `configparser` takes them apart.
fn settings<'a>(path: &Path, text: &'a str) -> Result<Vec<Setting<'a>>> {
    let mut settings: Vec<Setting<'a>> = Vec::new();
    let mut section = None;
    // How far the last key is indented, while its value may go on.
    let mut open: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let part = |text: &'a str| Part {
            start: at + (text.as_ptr() as usize - line.as_ptr() as usize),
            text,
        };
        if let (Some(depth), Some(setting)) = (open, settings.last_mut())
            && indent > depth
        {
            setting.value.push(part(content));
            continue;
        }
        if let Some(name) = content
            .strip_prefix('[')
            .and_then(|rest| rest.rsplit_once(']'))
        {
            section = Some(name.0);
            open = None;
            continue;
        }
        let delimiter = content.find(['=', ':']).filter(|at| *at > 0);
        let (Some(section), Some(delimiter)) = (section, delimiter) else {
            let why = match section {
                Some(_) => "a line is a `[section]`, `key = value` or an indented part of a value",
                None => "no section is before this line",
            };
            return Err(Error::usage(format!("`{}` cannot be read", path.display()))
                .at(Place::span(path, text, at + indent..at + indent + content.len()).label(why)));
        };
        let (key, value) = content.split_at(delimiter);
        let value = value[1..].trim();
        settings.push(Setting {
            section,
            // Older files write `install-requires`.
            key: key.trim_end().replace('-', "_"),
            starts_at_key: !value.is_empty(),
            value: (!value.is_empty())
                .then(|| part(value))
                .into_iter()
                .collect(),
        });
        open = Some(indent);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<SetupCfg> {
        SetupCfg::parse(Path::new("setup.cfg"), text)
    }

    fn requires(text: &str) -> Vec<(String, usize)> {
        let found = read(text).expect(text).install_requires;
        let one = |one: Dependency| (one.requirement, one.line);
        found.into_iter().map(one).collect()
    }

    #[test]
    fn values_go_on_as_configparser_has_it() {
        let found = read(
            "\u{feff}# mine\r\n[metadata]\r\nname: My.Proj\r\n[options]\r\npackages = find:\r\n\
             python_requires = >=3.10\r\ninstall-requires =\r\n    numpy>=1.26  # why\r\n\
             # no part of it\r\n\r\n  ; nor this\r\n\tx @ git+https://h/x ; os_name == 'nt'\r\n\
             [options.extras_require]\r\ndev = pytest\r\n[flake8]\r\nignore = E1\r\n",
        )
        .expect("valid");
        assert_eq!(found.name.as_deref(), Some("My.Proj"));
        assert_eq!(found.python_requires.expect("some").to_string(), ">=3.10");
        assert_eq!(found.extras, ["dev"]);
        assert!(found.is_package && found.declares_dependencies);
        let found: Vec<(&str, usize)> = found
            .install_requires
            .iter()
            .map(|one| (one.requirement.as_str(), one.line))
            .collect();
        assert_eq!(
            found,
            [
                ("numpy>=1.26", 8),
                ("x @ git+https://h/x ; os_name == 'nt'", 12)
            ]
        );
    }

    #[test]
    fn one_line_holds_several_requirements() {
        assert_eq!(
            requires("[options]\ninstall_requires = numpy>=1; scipy\n"),
            [("numpy>=1".into(), 2), ("scipy".into(), 2)]
        );
        assert_eq!(
            requires("[options]\ninstall_requires =\n  a; os_name == 'nt'\nzip_safe = no\n"),
            [("a; os_name == 'nt'".into(), 3)]
        );
        assert!(requires("[options]\ninstall_requires =\n[x]\ninstall_requires = y\n").is_empty());
        let tools = read("[flake8]\nignore = E1\n").expect("valid");
        assert!(!tools.is_package && !tools.declares_dependencies);
    }

    #[test]
    fn files_of_requirements_are_named() {
        let found =
            read("[options]\ninstall_requires = file: base.txt, sub/more.txt\n").expect("valid");
        let files: Vec<_> = found
            .files
            .iter()
            .map(|one| (&*one.file, one.line))
            .collect();
        assert_eq!(files, [("base.txt", 2), ("sub/more.txt", 2)]);
        assert!(found.install_requires.is_empty() && found.declares_dependencies);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, line) in [
            ("name = x\n", 1),
            ("[options]\nstray\n", 2),
            ("[options]\n= x\n", 2),
            ("[options]\ninstall_requires =\n  numpy\n  scipy >>> 1\n", 4),
            ("[options]\n\npython_requires = three\n", 3),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.places()[0].line_number(), Some(line), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(\\[options\\]\n|install_requires ?[=:]|[\n\r\t =:;#\\[\\]a-z>0-9é]|file:){0,24}") {
            if let Ok(found) = read(&text) {
                for one in found.install_requires {
                    prop_assert!(text.contains(&one.requirement));
                }
            }
        }
    }
}
