//! The packages that a repository declares, put into the files of an installation.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Place, Result};
use crate::installation::apt_list::AptList;
use crate::installation::requirements::redact;
use crate::templates::FromBase;
use crate::templates::render::Files;

/// What a repository declares, by kind of package.
#[derive(Debug, Default, Clone)]
pub struct Declared {
    /// Python packages, in sections with a heading.
    pub python: Vec<Section>,
    /// Conda's channels and packages.
    pub conda: Conda,
    /// System packages that the code needs.
    pub apt: Vec<String>,
}

/// Lines under a heading.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Section {
    /// A comment, without its `#`.
    pub heading: String,
    /// The lines.
    pub lines: Vec<String>,
}

impl Section {
    /// Lines under a heading.
    pub fn new(heading: &str, lines: Vec<String>) -> Self {
        Self {
            heading: heading.to_owned(),
            lines,
        }
    }
}

/// What an `environment.yml` declares, `pip:` aside.
#[derive(Debug, Default, Clone)]
pub struct Conda {
    /// The channels.
    pub channels: Vec<String>,
    /// The packages, Python and pip aside.
    pub packages: Vec<String>,
    /// The version of Python, as far as it names one such as `3.11`.
    pub python: Option<String>,
}

/// Lines of a `requirements.txt` that cannot be used in a build, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The line.
    pub line: String,
    /// Why.
    pub why: &'static str,
}

/// The usable lines of a `requirements.txt`, comments included.
pub fn requirements(text: &str) -> (Vec<String>, Vec<Unusable>) {
    let mut lines = Vec::new();
    let mut unusable = Vec::new();
    for line in text.trim_start_matches('\u{feff}').trim_end().lines() {
        let line = line.trim_end();
        let content = line.split(" #").next().unwrap_or_default().trim();
        let first = content.split([' ', '=']).next().unwrap_or_default();
        let mut refuse = |why| {
            unusable.push(Unusable {
                line: redact(content),
                why,
            });
        };
        if redact(content) != content {
            // The file would carry the password into git and into every image.
            refuse(
                "it holds a password: give the index as PIP_INDEX_URL, or a NETRC_FILE, in .env",
            );
            continue;
        }
        match first {
            "-e" | "--editable" | "."
                if content.trim_end_matches('/').ends_with(" .") || first == "." =>
            {
                // The project itself, which is always importable in the containers.
            }
            "-e" | "--editable" => refuse("the build sees the installation's directory alone"),
            "-r" | "--requirement" | "-c" | "--constraint" => {
                refuse("copy the lines of that file");
            }
            _ if content.starts_with(['.', '/']) => {
                refuse("the build sees the installation's directory alone");
            }
            _ => lines.push(line.to_owned()),
        }
    }
    (lines, unusable)
}

/// The name of the distribution that a requirement is for, normalised; `None` for comments and
/// options.
pub fn distribution(line: &str) -> Option<String> {
    let line = line.trim_start();
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .unwrap_or(line.len());
    let name = line[..end].to_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let parts: Vec<&str> = name
        .split(['.', '_', '-'])
        .filter(|part| !part.is_empty())
        .collect();
    Some(parts.join("-"))
}

#[derive(Deserialize)]
struct Environment {
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Dependency {
    Conda(String),
    Pip { pip: Vec<String> },
}

/// What an `environment.yml` declares: conda's part, and the lines for pip.
///
/// # Errors
/// `Usage` when it cannot be read.
pub fn environment(path: &Path, text: &str) -> Result<(Conda, Vec<String>)> {
    let environment: Environment = serde_yaml::from_str(text).map_err(|source| {
        let place = match source.location() {
            Some(location) => Place::line(path, text, location.line()),
            None => Place::file(path),
        };
        Error::usage(format!(
            "`{}` is no conda environment that can be imported",
            path.display()
        ))
        .at(place)
        .because(source)
    })?;
    let mut conda = Conda {
        channels: environment.channels,
        ..Conda::default()
    };
    let mut pip = Vec::new();
    for dependency in environment.dependencies {
        match dependency {
            Dependency::Pip { pip: lines } => pip.extend(lines),
            Dependency::Conda(spec) => {
                let name = spec.split(['=', '<', '>', '!', ' ', '[']).next();
                match name.unwrap_or_default() {
                    "python" => conda.python = exact_python(&spec),
                    "pip" => {}
                    _ => conda.packages.push(spec),
                }
            }
        }
    }
    Ok((conda, pip))
}

/// `3.11` of `python=3.11.4` and the like.
fn exact_python(spec: &str) -> Option<String> {
    let version = spec.strip_prefix("python")?.trim_start();
    let version = version.strip_prefix("==").or(version.strip_prefix('='))?;
    let mut parts = version.trim().split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    (number(major) && number(minor)).then(|| format!("{major}.{minor}"))
}

/// Puts what is declared into the files of an installation.
///
/// # Errors
/// `Usage` for a system package whose name cannot be one.
pub fn put(files: &mut Files, kind: FromBase, declared: &Declared) -> Result<()> {
    let python: Vec<&Section> = declared
        .python
        .iter()
        .filter(|section| !section.lines.is_empty())
        .collect();
    match kind {
        FromBase::FromPython => {
            if let Some(file) = files.get_mut("dependencies/requirements.txt") {
                for section in python {
                    let heading = format!("\n# {}\n", section.heading);
                    file.bytes.extend(heading.into_bytes());
                    for line in &section.lines {
                        file.bytes.extend(format!("{line}\n").into_bytes());
                    }
                }
            }
        }
        FromBase::FromScratch => {
            if let Some(file) = files.get_mut("dependencies/environment.yml") {
                let text = String::from_utf8_lossy(&file.bytes).into_owned();
                file.bytes = environment_text(text, &declared.conda, &python).into_bytes();
            }
        }
    }
    let path = "dependencies/apt-runtime.txt";
    if let Some(file) = files.get_mut(path) {
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        let mut list = AptList::parse(Path::new(path), &text)?;
        for package in &declared.apt {
            list.add(package)?;
        }
        file.bytes = list.text().as_bytes().to_vec();
    }
    Ok(())
}

/// The template of `environment.yml` ends within its list of conda packages.
fn environment_text(mut text: String, conda: &Conda, python: &[&Section]) -> String {
    if !conda.channels.is_empty() {
        let channels: String = conda
            .channels
            .iter()
            .map(|channel| format!("  - {}\n", scalar(channel)))
            .collect();
        text = text.replacen("  - conda-forge\n", &channels, 1);
    }
    for package in &conda.packages {
        text.push_str(&format!("  - {}\n", scalar(package)));
    }
    if !python.is_empty() {
        text.push_str("  - pip:\n");
    }
    for section in python {
        text.push_str(&format!("      # {}\n", section.heading));
        for line in &section.lines {
            let line = line.trim();
            if line.starts_with('#') {
                text.push_str(&format!("      {line}\n"));
            } else if !line.is_empty() {
                text.push_str(&format!("      - {}\n", item(line)));
            }
        }
    }
    text
}

/// A requirement as an item of a YAML list; the comment behind it stays one.
pub fn item(line: &str) -> String {
    match line.split_once(" #") {
        Some((requirement, comment)) => format!("{} #{comment}", scalar(requirement.trim_end())),
        None => scalar(line),
    }
}

/// A text as an item of a YAML list: quoted where YAML would read it otherwise.
fn scalar(text: &str) -> String {
    let plain = !text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`~ ".contains(c))
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' ']);
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_a_build_cannot_use_are_named() {
        let (lines, unusable) = requirements(
            "\u{feff}# mine\r\nnumpy==1.26 # why\n-e .\n.\n-e ./libs/x\n-r more.txt\n./x.whl\n\
             --extra-index-url https://h/\nx @ git+https://h/x\n\n",
        );
        assert_eq!(
            lines,
            [
                "# mine",
                "numpy==1.26 # why",
                "--extra-index-url https://h/",
                "x @ git+https://h/x"
            ]
        );
        let unusable: Vec<&str> = unusable.iter().map(|one| one.line.as_str()).collect();
        assert_eq!(unusable, ["-e ./libs/x", "-r more.txt", "./x.whl"]);
    }

    #[test]
    fn distributions_are_compared_by_their_normal_name() {
        assert_eq!(
            distribution("Foo_bar.baz[x]>=1"),
            Some("foo-bar-baz".into())
        );
        assert_eq!(distribution("# x"), None);
        assert_eq!(distribution("--index-url x"), None);
    }

    #[test]
    fn an_environment_comes_apart() {
        let (conda, pip) = environment(
            Path::new("environment.yml"),
            "name: x\nchannels: [conda-forge, pytorch]\ndependencies:\n  - python=3.11.4\n  - pip\n  \
             - pytorch>=2.1\n  - pip:\n    - wandb\n",
        )
        .expect("valid");
        assert_eq!(conda.python.as_deref(), Some("3.11"));
        assert_eq!(conda.packages, ["pytorch>=2.1"]);
        assert_eq!(conda.channels, ["conda-forge", "pytorch"]);
        assert_eq!(pip, ["wandb"]);
        let section = Section::new("why", vec!["wandb".into(), "--pre".into()]);
        let text = environment_text(
            "channels:\n  - conda-forge\ndependencies:\n  - pip\n".into(),
            &conda,
            &[&section],
        );
        assert_eq!(
            text,
            "channels:\n  - conda-forge\n  - pytorch\ndependencies:\n  - pip\n  - pytorch>=2.1\n  \
             - pip:\n      # why\n      - wandb\n      - '--pre'\n"
        );
        let (again, pip) = environment(Path::new("e"), &text).expect("valid");
        assert_eq!(again.packages, conda.packages);
        assert_eq!(pip, ["wandb", "--pre"]);
        assert!(environment(Path::new("e"), "dependencies: 3\n").is_err());
    }
}
