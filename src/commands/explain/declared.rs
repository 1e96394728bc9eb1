//! Which lines of an installation's files ask for what could not be had.

use std::path::Path;

use crate::commands::explain::image;
use crate::engine::failure::{DeclaredAt, Explanation};
use crate::environment::declared::{Asked, DeclaredFiles};
use crate::installation::requirements::{is_name, normalise};

/// More lines are not named.
const MOST: usize = 6;

/// Adds to an explanation the lines that it is about, of the lists in an installation's directory;
/// their files are told below `root`. Lists that cannot be read name nothing: a build refuses them
/// with their line.
pub fn name_lines(explanation: &mut Explanation, directory: &Path, root: &Path) {
    let names = names(explanation);
    if names.is_empty() {
        explanation.declared = image::lines(explanation, directory, root);
        return;
    }
    let files = DeclaredFiles::read(directory);
    let Ok(lines) = files.and_then(|files| files.lines()) else {
        return;
    };
    let mut found = Vec::new();
    for name in &names {
        let asking = lines
            .iter()
            .filter(|line| asks_for(&line.asked, &explanation.kind, name));
        for line in asking {
            let file = line.place.path.strip_prefix(root);
            let at = DeclaredAt {
                file: file.unwrap_or(&line.place.path).display().to_string(),
                line: line.place.line_number().unwrap_or(1),
                text: line.text.clone(),
            };
            if !found.contains(&at) && found.len() < MOST {
                found.push(at);
            }
        }
    }
    explanation.declared = found;
}

/// Whether a line asks for a package that an explanation of some kind names.
fn asks_for(asked: &Asked, kind: &str, name: &str) -> bool {
    match (asked, kind) {
        (Asked::AptBuild(entry) | Asked::AptRuntime(entry) | Asked::AptDev(entry), "apt") => {
            entry.name == name
        }
        (Asked::Conda(package), "conda") => package.name.eq_ignore_ascii_case(name),
        (_, "apt" | "conda") => false,
        // What fails while a Python package is built may be a compiler's error, or anybody's.
        (Asked::Python(entry) | Asked::Constraint(entry), _) => {
            entry.normalised().is_some_and(|own| own == normalise(name))
        }
        _ => false,
    }
}

/// The packages that an explanation names.
fn names(explanation: &Explanation) -> Vec<String> {
    let facts = ["requirement", "package"].map(|fact| explanation.facts.get(fact));
    let facts = facts.into_iter().flatten();
    if explanation.kind == "apt" {
        return facts.cloned().collect();
    }
    let named: Vec<String> = facts.flat_map(|text| required(text)).collect();
    match explanation.kind.as_str() {
        // A resolver's sentence has the names somewhere in it.
        "pip" | "uv" | "conda" if named.is_empty() => words(&explanation.message).collect(),
        _ => named,
    }
}

/// The names in `a==1 and b>=2`, `a[x], b`, `channel::a`.
fn required(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(" and ").flat_map(|part| part.split(", "));
    parts.filter_map(|part| {
        let part = part.rsplit("::").next().unwrap_or(part);
        words(part).next()
    })
}

/// What may be a package's name.
fn words(text: &str) -> impl Iterator<Item = String> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.split(move |c: char| !of_name(c));
    words
        .map(|word| word.trim_matches(['.', '-', '_']))
        .filter(|word| is_name(word))
        .map(str::to_owned)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests {
    use super::*;

    fn explanation(kind: &str, message: &str, facts: &[(&str, &str)]) -> Explanation {
        let facts = facts.iter();
        Explanation {
            kind: kind.to_owned(),
            message: message.to_owned(),
            facts: facts
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Explanation::default()
        }
    }

    fn named(directory: &Path, mut explanation: Explanation) -> Vec<String> {
        name_lines(&mut explanation, directory, directory);
        let lines = explanation.declared.iter();
        lines
            .map(|at| format!("{}:{}: {}", at.file, at.line, at.text))
            .collect()
    }

    fn write(directory: &Path, name: &str, text: &str) {
        let lists = directory.join("dependencies");
        std::fs::create_dir_all(&lists).expect("made");
        std::fs::write(lists.join(name), text).expect("written");
    }

    #[test]
    fn lines_are_named_by_what_the_installers_say() {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path();
        write(
            directory,
            "requirements.txt",
            "# why\nnumpy<2\nOpen_CV.python[x]==4 \\\n  ; python_version>'3'\n-r requirements-more.txt\n\
             netifaces @ https://u:p@h/n.whl\n",
        );
        write(directory, "requirements-more.txt", "\ntorch>=2.9\n");
        write(directory, "apt-dev.txt", "jq\ncmake\n");
        let numpy = "dependencies/requirements.txt:2: numpy<2";
        let torch = "dependencies/requirements-more.txt:2: torch>=2.9";
        type Facts<'a> = &'a [(&'a str, &'a str)];
        let cases: [(&str, &str, Facts<'_>, &[&str]); 6] = [
            (
                "pip",
                "",
                &[("requirement", "open-cv-python==4")],
                &["dependencies/requirements.txt:3: Open_CV.python[x]==4 ; python_version>'3'"],
            ),
            (
                "pip",
                "",
                &[("requirement", "torch==2.9 and numpy<2")],
                &[torch, numpy],
            ),
            (
                "uv",
                "No solution found: Because torch>=2.9 depends on numpy>=2 and you require numpy<2.",
                &[],
                &[torch, numpy],
            ),
            // A header that is missing while a package is built.
            (
                "compiler",
                "numpy.h: No such file",
                &[("package", "netifaces")],
                &["dependencies/requirements.txt:6: netifaces @ https://h/n.whl"],
            ),
            (
                "apt",
                "",
                &[("package", "cmake")],
                &["dependencies/apt-dev.txt:2: cmake"],
            ),
            ("compiler", "numpy is not there", &[], &[]),
        ];
        for (kind, message, facts, expected) in cases {
            let told = named(directory, explanation(kind, message, facts));
            assert_eq!(told, expected, "{kind} {message}");
        }
    }

    #[test]
    fn lines_of_an_environment_are_told_from_pips_in_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path();
        write(
            directory,
            "environment.yml",
            "dependencies:\n  - conda-forge::Nosuch=1\n  - numpy\n  - pip:\n    - numpy==9\n",
        );
        let conda = "dependencies/environment.yml:2: conda-forge::Nosuch=1";
        let said = "nothing provides requested nosuch 1.*";
        let facts = [("requirement", "nosuch 1.*")];
        assert_eq!(
            named(directory, explanation("conda", said, &facts)),
            [conda]
        );
        let said = "The following packages are not available: - conda-forge::nosuch=1";
        assert_eq!(named(directory, explanation("conda", said, &[])), [conda]);
        let facts = [("requirement", "numpy==9")];
        assert_eq!(
            named(directory, explanation("uv", "", &facts)),
            ["dependencies/environment.yml:5: numpy==9"]
        );
    }
}
