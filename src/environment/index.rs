//! Asking the package indexes of an image or a container which files a version has.
//!
//! The script is that with which builds read indexes. It runs where the packages are installed, so
//! that the indexes, credentials, certificates and proxies are those that installing has there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::process::Invocation;

/// Reads indexes; it defines `answer(question)`.
const SCRIPT: &str =
    include_str!("../../templates/installation/common/build-steps/package_index.py");

/// Runs the environment's Python, with the network's settings as every command has them.
const START: &str = ". /opt/envtpl/image.conf && exec \"$PYTHON\" -B -";

const ENTRYPOINT: &str = "/opt/envtpl/entrypoints/entrypoint.sh";

/// Separates the answer from what the image prints at its start.
const SEPARATOR: char = '\u{1e}';

/// What to ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Names and versions of packages.
    pub packages: Vec<(String, String)>,
    /// Addresses of files whose digests are not known.
    pub files: Vec<String>,
    /// What the declared files say about indexes.
    #[serde(flatten)]
    pub declared: Indexes,
    /// Settings that are not in the environment of the container itself. They may hold
    /// credentials, and so they are on no command line.
    pub environment: BTreeMap<String, String>,
}

/// The indexes that requirements files name, as they are written there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Indexes {
    /// `--index-url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// `--extra-index-url`.
    pub extra: Vec<String>,
    /// `--find-links`.
    pub links: Vec<String>,
}

/// A file that an index lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its address, without credentials.
    pub url: String,
    /// Its digest, where the index tells.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Its size, where the index tells.
    #[serde(default)]
    pub size: Option<u64>,
    /// Why the index advises against it, if it does; the reason may be empty.
    #[serde(default)]
    pub yanked: Option<String>,
    /// The index, without credentials.
    #[serde(default)]
    pub index: Option<String>,
}

/// The digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Digest {
    /// Its address, as it was asked for.
    pub url: String,
    /// The digest; `None` when the file could not be had.
    pub sha256: Option<String>,
    /// Its size.
    pub size: Option<u64>,
}

/// The answer to a [`Question`], in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// The files of each package that was asked for.
    pub packages: Vec<Vec<Listed>>,
    /// The digests that were asked for.
    pub files: Vec<Digest>,
    /// Places that did not answer, and why.
    #[serde(default)]
    pub trouble: BTreeMap<String, String>,
}

impl Question {
    /// Whether there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.files.is_empty()
    }

    /// The command that asks a running container, as its own user; `docker` is the start of an
    /// engine command line.
    pub fn to_container(&self, docker: Invocation, container: &str) -> Invocation {
        docker
            .args(["exec", "--interactive", "--env=SKIP_INSTALL_PROJECT=1"])
            .args([container, ENTRYPOINT, "sh", "-c", START])
            .stdin(self.script())
    }

    /// The command that asks an image; `options` are those that give it the network.
    pub fn to_image(&self, docker: Invocation, options: &[String], image: &str) -> Invocation {
        docker
            .args([
                "run",
                "--rm",
                "--interactive",
                "--env=SKIP_INSTALL_PROJECT=1",
            ])
            .arg(format!("--entrypoint={ENTRYPOINT}"))
            .args(options)
            .args([image, "sh", "-c", START])
            .stdin(self.script())
    }

    /// The command that asks from this machine, with a Python of its own.
    pub fn here(&self) -> Invocation {
        Invocation::new("python3")
            .args(["-B", "-"])
            .stdin(self.script())
    }

    fn script(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        // A JSON string is a string of Python as well.
        let literal = serde_json::Value::String(json);
        format!("{SCRIPT}\n\nanswer(json.loads({literal}))\n")
    }
}

impl Answer {
    /// Reads what the script printed; `origin` is the image or container that was asked.
    ///
    /// # Errors
    /// When it is damaged, or an index did not answer: what was not found may be there.
    pub fn parse(printed: &str, origin: &str, question: &Question) -> Result<Self> {
        let json = printed.rsplit(SEPARATOR).next().unwrap_or_default();
        let damaged =
            || Error::failed(format!("`{origin}` did not say what its package index has"));
        let answer: Self =
            serde_json::from_str(json).map_err(|source| damaged().because(source))?;
        if let Some((place, why)) = answer.trouble.iter().next() {
            return Err(answer.unreachable(place, why, origin));
        }
        let complete = answer.packages.len() == question.packages.len()
            && answer.files.len() == question.files.len();
        if complete { Ok(answer) } else { Err(damaged()) }
    }

    fn unreachable(&self, place: &str, why: &str, origin: &str) -> Error {
        let others = self.trouble.len() - 1;
        let more = match others {
            0 => String::new(),
            1 => " and another place".to_owned(),
            others => format!(" and {others} others"),
        };
        Error::failed(format!(
            "`{place}`{more} cannot be asked for the files of packages from `{origin}`, so nothing \
             was changed"
        ))
        .because(std::io::Error::other(why.to_owned()))
        .help("connect to the network, or set CA_BUNDLE, HTTPS_PROXY or PIP_INDEX_URL in .env")
        .help(
            "freeze asks for what is installed since the build; what the lock has is not asked for",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Color, Format, Printer};

    fn question() -> Question {
        Question {
            packages: vec![("six".into(), "1.17.0".into())],
            declared: Indexes {
                links: vec!["/srv/it's \"here\"\\".into()],
                ..Indexes::default()
            },
            ..Question::default()
        }
    }

    #[test]
    fn an_answer_is_found_behind_what_the_image_prints() {
        let printed = "welcome!\n\u{1e}{\"packages\":[[{\"name\":\"six-1.whl\",\"url\":\"u\",\
                       \"sha256\":null,\"size\":null,\"yanked\":\"\",\"index\":\"i\"}]],\
                       \"files\":[],\"trouble\":{}}\n";
        let answer = Answer::parse(printed, "x", &question()).expect("read");
        assert_eq!(answer.packages[0][0].yanked.as_deref(), Some(""));
        for cut in ["", "\u{1e}{\"packages\":[],\"files\":[]}"] {
            let error = Answer::parse(cut, "box", &question()).expect_err("refused");
            assert!(error.to_string().contains("`box`"), "{error}");
        }
    }

    #[test]
    fn an_index_that_does_not_answer_is_an_error_that_names_it() {
        let printed = "\u{1e}{\"packages\":[[]],\"files\":[],\"trouble\":{\"https://i/simple\":\
                       \"timed out\",\"https://j\":\"no\"}}";
        let error = Answer::parse(printed, "box", &question()).expect_err("refused");
        assert!(
            error
                .message()
                .contains("`https://i/simple` and another place")
        );
        assert_eq!(error.kind(), crate::error::Kind::Failed);
        assert!(error.helps()[0].contains("PIP_INDEX_URL"));
    }

    #[test]
    fn the_question_reaches_the_script_as_it_is() {
        let script = question().script();
        let (_, last) = script.trim_end().rsplit_once('\n').expect("lines");
        assert_eq!(
            last,
            "answer(json.loads(\"{\\\"packages\\\":[[\\\"six\\\",\\\"1.17.0\\\"]],\\\"files\\\":[],\
             \\\"extra\\\":[],\\\"links\\\":[\\\"/srv/it's \\\\\\\"here\\\\\\\"\\\\\\\\\\\"],\
             \\\"environment\\\":{}}\"))"
        );
    }

    #[test]
    fn the_commands_have_the_settings_of_the_environment() {
        let shown = question()
            .to_container(Invocation::new("docker"), "c0ffee")
            .to_string();
        assert!(shown.starts_with(
            "docker exec --interactive --env=SKIP_INSTALL_PROJECT=1 c0ffee \
             /opt/envtpl/entrypoints/entrypoint.sh sh -c "
        ));
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        // The start of the command is a line that a shell reads.
        let checked = Invocation::new("sh").args(["-n", "-c", START]);
        assert!(checked.capture(&printer).expect("runs").status.success());
    }
}
