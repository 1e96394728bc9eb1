//! Which lines of an installation's files name the image that could not be had, or that is for
//! another processor.

use std::path::Path;

use crate::engine::failure::{DeclaredAt, Explanation};
use crate::files;
use crate::secrets::redact;

/// The files that name images.
const FILES: [&str; 5] = [
    "compose-base.yaml",
    "compose.yaml",
    "compose.override.yaml",
    "Dockerfile",
    "Dockerfile-user",
];

/// What the base image is called in them.
const BASE: &str = "BASE_IMAGE";

/// The lines of an installation's directory that an explanation is about; their files are told below
/// `root`. What cannot be read names nothing.
pub fn lines(explanation: &Explanation, directory: &Path, root: &Path) -> Vec<DeclaredAt> {
    let fact = |name: &str| explanation.facts.get(name).map(String::as_str);
    let image = fact("image");
    // When not even the shell runs, it is the base image that is for another processor.
    let shell = fact("program").is_some_and(|program| program.starts_with("/bin/"));
    let is_base = explanation.kind == "architecture" && shell && image.is_none();
    let names = |line: &str| match image {
        Some(image) => words(line).any(|word| is_same(word, image)),
        None => is_base && words(line).next() == Some(BASE),
    };
    if image.is_none() && !is_base {
        return Vec::new();
    }
    let mut found = Vec::new();
    for name in FILES {
        let path = directory.join(name);
        let text = files::read_text_if_exists(&path).ok().flatten();
        let text = text.unwrap_or_default();
        let naming = text.lines().enumerate().filter(|(_, line)| names(line));
        found.extend(naming.map(|(index, line)| {
            DeclaredAt {
                file: path
                    .strip_prefix(root)
                    .unwrap_or(&path)
                    .display()
                    .to_string(),
                line: index + 1,
                text: redact(line.trim()),
            }
        }));
    }
    found
}

/// The words of a line of YAML or a Dockerfile, comments aside.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_comment = |at: usize| at == 0 || line[..at].ends_with([' ', '\t']);
    let end = line
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|at| is_comment(*at));
    line[..end.unwrap_or(line.len())]
        .split([' ', '\t', '"', '\'', '=', ',', '{', '}'])
        .map(|word| word.strip_suffix(':').unwrap_or(word))
        .filter(|word| !word.is_empty() && *word != "-")
}

/// Whether two names are of the same image, as the builder completes them.
fn is_same(one: &str, other: &str) -> bool {
    let whole = |name: &str| {
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        let last = name.rsplit('/').next().unwrap_or(name);
        match last.contains([':', '@']) {
            true => name.to_owned(),
            false => format!("{name}:latest"),
        }
    };
    whole(one) == whole(other)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they read")]
mod tests {
    use super::*;

    fn told(kind: &str, facts: &[(&str, &str)]) -> Vec<String> {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path();
        let base = "services:\n  image:\n    build:\n      args:\n        # BASE_IMAGE: python:3.12\n        \
                    BASE_IMAGE: \"python:3.12\" # python:3.13\n";
        for (name, text) in [
            ("compose-base.yaml", base),
            (
                "Dockerfile",
                "ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS a\nCOPY --from=ghcr.io/lab/tools /x /\n",
            ),
        ] {
            std::fs::write(directory.join(name), text).expect("written");
        }
        let facts = facts.iter();
        let explanation = Explanation {
            kind: kind.to_owned(),
            facts: facts
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Explanation::default()
        };
        let lines = lines(&explanation, directory, directory);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_line_of_an_image_is_named_however_the_builder_completes_its_name() {
        let base = "compose-base.yaml:6: BASE_IMAGE: \"python:3.12\" # python:3.13";
        let image = [("image", "docker.io/library/python:3.12")];
        assert_eq!(told("registry", &image), [base]);
        let image = [("image", "ghcr.io/lab/tools:latest")];
        assert_eq!(
            told("registry", &image),
            ["Dockerfile:3: COPY --from=ghcr.io/lab/tools /x /"]
        );
        assert!(told("registry", &[("image", "python:3.13")]).is_empty());
        // Nothing runs in an image for another processor.
        assert_eq!(told("architecture", &[("program", "/bin/sh")]), [base]);
        assert!(told("architecture", &[("program", "./tool")]).is_empty());
        assert!(told("compiler", &[("program", "/bin/sh")]).is_empty());
    }
}
