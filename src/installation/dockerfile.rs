//! A Dockerfile as far as envtpl asks about it: its stages and its build arguments.
//!
//! Format: Dockerfile reference, <https://docs.docker.com/reference/dockerfile/>.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use parse_dockerfile::Instruction;

use crate::error::{Error, Place, Result};

/// Build arguments that every Dockerfile has without declaring them
/// (Dockerfile reference, "Predefined ARGs").
const PREDEFINED: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// A Dockerfile's stages and build arguments.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    path: PathBuf,
    text: String,
    stages: Vec<Stage>,
    args: BTreeSet<String>,
}

/// One `FROM … AS name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name; `None` when it has none.
    pub name: Option<String>,
    /// The image or stage that it starts from, as written.
    pub base: String,
    /// The bytes of its `FROM` keyword.
    pub span: Range<usize>,
}

impl Dockerfile {
    /// Reads a Dockerfile; `path` is for messages.
    ///
    /// # Errors
    /// `Usage`, with the line that cannot be read.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let parsed = parse_dockerfile::parse(text).map_err(|source| {
            Error::usage("this is no Dockerfile that can be built")
                .at(Place::line(path, text, source.line()))
                .because(source)
        })?;
        let stages = parsed
            .stages()
            .map(|stage| Stage {
                name: stage
                    .from
                    .as_
                    .as_ref()
                    .map(|(_, name)| name.value.to_string()),
                base: stage.from.image.value.to_string(),
                span: stage.from.from.span.clone(),
            })
            .collect();
        let args = parsed
            .instructions
            .iter()
            .filter_map(|instruction| match instruction {
                Instruction::Arg(arg) => Some(&arg.arguments.value),
                _ => None,
            })
            .flat_map(|arguments| arguments.split_whitespace())
            .filter_map(|argument| argument.split('=').next())
            .map(str::to_owned)
            .collect();
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            stages,
            args,
        })
    }

    /// The stages, in the order of the file.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage of the given name; names of stages do not tell upper from lower case.
    ///
    /// # Errors
    /// `Usage`, naming the stages that there are.
    pub fn stage(&self, name: &str) -> Result<&Stage> {
        self.stages
            .iter()
            .find(|stage| {
                let own = stage.name.as_deref();
                own.is_some_and(|own| own.eq_ignore_ascii_case(name))
            })
            .ok_or_else(|| {
                let known: Vec<&str> = self
                    .stages
                    .iter()
                    .filter_map(|stage| stage.name.as_deref())
                    .collect();
                Error::usage(format!("the Dockerfile has no stage `{name}`"))
                    .at(Place::file(&self.path))
                    .help(format!("stages there are: {}", known.join(", ")))
            })
    }

    /// Makes sure that the Dockerfile takes a build argument of this name.
    ///
    /// # Errors
    /// `Usage`, naming those that it takes.
    pub fn arg(&self, name: &str) -> Result<()> {
        if self.args.contains(name) || PREDEFINED.contains(&name) {
            return Ok(());
        }
        let known: Vec<&str> = self.args.iter().map(String::as_str).collect();
        Err(
            Error::usage(format!("the Dockerfile has no build argument `{name}`"))
                .at(Place::file(&self.path))
                .help(format!("build arguments there are: {}", known.join(", "))),
        )
    }

    /// Where a stage begins, for messages.
    pub fn place(&self, stage: &Stage) -> Place {
        Place::span(&self.path, &self.text, stage.span.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ARG BASE_IMAGE=x\nFROM ${BASE_IMAGE} AS tools\nARG A=1 B\nRUN <<EOF\nFROM \
                        no AS stage\nEOF\n\nFROM tools AS runtime-generic\r\nCOPY --from=tools /a /b\r\n";

    fn dockerfile() -> Dockerfile {
        Dockerfile::parse(Path::new("Dockerfile"), TEXT).expect("valid")
    }

    #[test]
    fn stages_are_found_and_heredocs_are_not_mistaken_for_them() {
        let names: Vec<_> = dockerfile()
            .stages()
            .iter()
            .map(|stage| (stage.name.clone(), stage.base.clone()))
            .collect();
        assert_eq!(
            names,
            [
                (Some("tools".into()), "${BASE_IMAGE}".into()),
                (Some("runtime-generic".into()), "tools".into())
            ]
        );
        let stage = dockerfile();
        let stage = stage.place(stage.stage("RUNTIME-generic").expect("there"));
        assert_eq!(stage.line_number(), Some(8));
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        let error = dockerfile().stage("runtime").expect_err("missing");
        assert!(error.helps()[0].contains("runtime-generic"));
        let error = dockerfile().arg("C").expect_err("missing");
        assert!(error.helps()[0].contains("A, B, BASE_IMAGE"));
        dockerfile().arg("B").expect("declared");
        dockerfile().arg("HTTPS_PROXY").expect("predefined");
    }

    #[test]
    fn a_broken_file_is_refused_with_its_line() {
        let error =
            Dockerfile::parse(Path::new("Dockerfile"), "FROM x\nCOPY\n").expect_err("wrong");
        assert_eq!(error.places()[0].line_number(), Some(2));
    }
}
