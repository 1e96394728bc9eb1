//! Asking an image or a container what is installed in it, with one script on its standard input.
//!
//! The script needs a shell and nothing else, no network, and changes nothing. It also prints the
//! records that the image's own build left in `/opt/envtpl/`.

use std::collections::BTreeMap;

use crate::environment::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::process::Invocation;

/// The script that each image carries too.
const SNAPSHOT: &str = include_str!("../../templates/installation/common/entrypoints/snapshot.sh");

/// Prints the records of the image's build, each after a line with its name. The separator is a
/// control character, which JSON never holds as such.
const RECORDS: &str = r#"
for record in base run dev apt-build; do
    if [ -r "/opt/envtpl/$record.json" ]; then
        printf '\036%s\n' "$record"
        cat "/opt/envtpl/$record.json"
    fi
done
"#;

/// Announces what is installed now, as a record of its own.
const NOW: &str = "printf '\\036now\\n'\n";

/// The name of what is installed now among the parts of an answer.
const NOW_NAME: &str = "now";

/// Separates the parts of an answer.
const SEPARATOR: char = '\u{1e}';

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// What the image's build recorded.
    Records,
    /// What is installed now.
    Now,
    /// Both.
    RecordsAndNow,
}

impl Question {
    fn script(self) -> String {
        match self {
            Self::Records => RECORDS.to_owned(),
            Self::Now => NOW.to_owned() + SNAPSHOT,
            Self::RecordsAndNow => [RECORDS, NOW, SNAPSHOT].concat(),
        }
    }

    /// The command that asks an image; `docker` is the start of an engine command line.
    pub fn to_image(self, docker: Invocation, image: &str, platform: &str) -> Invocation {
        in_image(docker, image, platform, self.script())
    }

    /// The command that asks a running container, as its own user.
    pub fn to_container(self, docker: Invocation, container: &str) -> Invocation {
        in_container(docker, container, self.script())
    }
}

/// The command that runs a shell script in an image, without network; arguments for the script
/// may follow.
pub(super) fn in_image(
    docker: Invocation,
    image: &str,
    platform: &str,
    script: String,
) -> Invocation {
    docker
        .args(["run", "--rm", "--interactive", "--network=none"])
        .args(["--platform", platform, "--entrypoint=sh", image, "-s"])
        .stdin(script)
}

/// The command that runs a shell script in a container, as its own user; arguments for the script
/// may follow.
pub(super) fn in_container(docker: Invocation, container: &str, script: String) -> Invocation {
    docker
        .args(["exec", "--interactive", container, "sh", "-s"])
        .stdin(script)
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    origin: String,
    parts: BTreeMap<String, Snapshot>,
}

impl Answer {
    /// Reads what the script printed; `origin` is the image or container that was asked.
    ///
    /// # Errors
    /// When a part of it is damaged.
    pub fn parse(printed: &str, origin: &str) -> Result<Self> {
        let mut parts = BTreeMap::new();
        // What comes before the first separator was printed by the image's own start.
        for part in printed.split(SEPARATOR).skip(1) {
            let (name, json) = part.split_once('\n').unwrap_or((part, ""));
            parts.insert(name.to_owned(), Snapshot::parse(json.as_bytes(), origin)?);
        }
        Ok(Self {
            origin: origin.to_owned(),
            parts,
        })
    }

    /// What is installed now.
    ///
    /// # Errors
    /// When that was not printed.
    pub fn now(&mut self) -> Result<Snapshot> {
        self.parts.remove(NOW_NAME).ok_or_else(|| {
            Error::failed(format!(
                "`{}` did not say what is installed in it",
                self.origin
            ))
        })
    }

    /// A record of the image's build: `base`, `run`, `dev`.
    pub fn record(&mut self, name: &str) -> Option<Snapshot> {
        self.parts.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_parts_whatever_the_image_prints_first() {
        let printed = "welcome!\n\u{1e}base\n{\"schema\":1,\"platform\":\"amd64\"}\n\
                       \u{1e}now\n{\"schema\":1,\"platform\":\"arm64\"}";
        let mut answer = Answer::parse(printed, "x").expect("read");
        assert_eq!(answer.record("base").expect("there").platform, "amd64");
        assert_eq!(answer.record("run"), None);
        assert_eq!(answer.now().expect("there").platform, "arm64");
        assert!(answer.now().is_err());
    }

    #[test]
    fn a_cut_answer_names_who_gave_it() {
        let error = Answer::parse("\u{1e}base\n{\"schema\":1,", "box").expect_err("refused");
        assert!(error.to_string().contains("`box`"));
    }

    #[test]
    fn the_commands_reach_no_network_and_keep_nothing() {
        let shown = Question::Now
            .to_image(Invocation::new("docker"), "lab/x:1", "linux/amd64")
            .to_string();
        assert_eq!(
            shown,
            "docker run --rm --interactive --network=none --platform linux/amd64 \
             --entrypoint=sh lab/x:1 -s"
        );
    }

    #[test]
    fn the_script_runs_in_a_plain_shell() {
        let printer = crate::output::Printer::new(
            crate::output::Format::Human,
            crate::output::Color::Never,
            true,
            0,
        );
        let printed = Invocation::new("sh")
            .arg("-s")
            .stdin(Question::RecordsAndNow.script())
            .read(&printer)
            .expect("it runs on this machine");
        let now = Answer::parse(&printed, "this machine")
            .and_then(|mut answer| answer.now())
            .expect("read");
        assert_eq!(now.schema, 1);
        assert!(!now.platform.is_empty());
    }
}
