//! How an image or container is set up: environment, entrypoint, user, ports, and what its layers
//! weigh.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::engine::Tools;
use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process::Invocation;

/// How an image or container is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// `sha256:…` of the image, or the container's id.
    pub id: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// Environment variables. Their values may be secrets.
    pub environment: BTreeMap<String, String>,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
    /// The command.
    pub command: Vec<String>,
    /// The user, empty for root.
    pub user: String,
    /// The working directory.
    pub working_directory: String,
    /// Ports, as `8888/tcp`.
    pub ports: BTreeSet<String>,
    /// The steps that added something, first to last.
    pub steps: Vec<Step>,
}

/// A step of the build, and the bytes that it added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The instruction, in one line.
    pub made_by: String,
    /// Bytes.
    pub size: u64,
}

/// What a container wrote is no build's step.
const WRITTEN_SINCE: &str = "written since the container was made";

/// `docker image inspect` and `docker container inspect`, in the engine API's spelling.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    #[serde(default)]
    architecture: String,
    /// The image of a container.
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    size_rw: Option<u64>,
    config: Option<Settings>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    running: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Settings {
    env: Option<Vec<String>>,
    entrypoint: Option<Words>,
    cmd: Option<Words>,
    user: String,
    working_dir: String,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
}

/// Some engines give one word as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Several(Vec<String>),
    One(String),
}

/// A line of `docker history --format '{{json .}}'`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HistoryLine {
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    size: String,
}

impl Configuration {
    /// The configuration of an image that the engine has.
    ///
    /// # Errors
    /// When the engine cannot be reached or its answer cannot be read.
    pub fn of_image(tools: &Tools, image: &str, printer: &Printer) -> Result<Self> {
        let invocation = tools.docker().args(["image", "inspect", image]);
        let inspected = parse(&invocation, &tools.read(&invocation, printer)?)?;
        Self::of(tools, inspected, image, printer)
    }

    /// The configuration of a container; `None` when there is none of this name or id.
    ///
    /// # Errors
    /// `NotReady` when it is not running, or the engine cannot be reached.
    pub fn of_container(tools: &Tools, name: &str, printer: &Printer) -> Result<Option<Self>> {
        let inspect = ["inspect", "--type=container", "--size", name];
        let invocation = tools.docker().args(inspect);
        let finished = invocation.capture(printer)?;
        let talk = finished.talk();
        if talk.to_lowercase().contains("no such container") {
            return Ok(None);
        }
        if !finished.status.success() {
            let failure = invocation.failure(finished.status, &talk);
            return Err(tools.explain(&invocation, &talk, failure));
        }
        let inspected = parse(&invocation, &finished.text())?;
        if inspected.state.as_ref().is_some_and(|state| !state.running) {
            return Err(
                Error::not_ready(format!("the container `{name}` is not running"))
                    .help(format!("start it: `docker start {name}`")),
            );
        }
        let image = inspected.image.clone();
        let written = inspected.size_rw;
        let mut found = Self::of(tools, inspected, &image, printer)?;
        if let Some(size) = written {
            found.steps.push(Step {
                made_by: WRITTEN_SINCE.to_owned(),
                size,
            });
        }
        Ok(Some(found))
    }

    /// The bytes of all steps.
    pub fn size(&self) -> u64 {
        self.steps.iter().map(|step| step.size).sum()
    }

    fn of(tools: &Tools, inspected: Inspected, image: &str, printer: &Printer) -> Result<Self> {
        let invocation = tools.docker().args([
            "history",
            "--no-trunc",
            "--human=false",
            "--format={{json .}}",
            image,
        ]);
        let steps = steps(&invocation, &tools.read(&invocation, printer)?)?;
        let settings = inspected.config.unwrap_or_default();
        let words = |words: Option<Words>| match words {
            Some(Words::Several(words)) => words,
            Some(Words::One(word)) => vec![word],
            None => Vec::new(),
        };
        let environment = settings.env.unwrap_or_default();
        Ok(Self {
            id: inspected.id,
            architecture: inspected.architecture,
            environment: environment
                .iter()
                .map(|line| line.split_once('=').unwrap_or((line, "")))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            entrypoint: words(settings.entrypoint),
            command: words(settings.cmd),
            user: settings.user,
            working_directory: settings.working_dir,
            ports: settings
                .exposed_ports
                .unwrap_or_default()
                .into_keys()
                .collect(),
            steps,
        })
    }
}

fn parse(invocation: &Invocation, printed: &str) -> Result<Inspected> {
    let unreadable = || Error::failed(format!("cannot read what `{invocation}` printed"));
    let found: Vec<Inspected> =
        serde_json::from_str(printed).map_err(|source| unreadable().because(source))?;
    found.into_iter().next().ok_or_else(unreadable)
}

/// The steps that added something, first to last; the engine tells the last one first.
fn steps(invocation: &Invocation, printed: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for line in printed.lines() {
        let line: HistoryLine = serde_json::from_str(line).map_err(|source| {
            Error::failed(format!("cannot read what `{invocation}` printed")).because(source)
        })?;
        let size = line.size.trim_end_matches('B').parse().unwrap_or(0);
        if size > 0 {
            steps.push(Step {
                made_by: instruction(&line.created_by),
                size,
            });
        }
    }
    steps.reverse();
    Ok(steps)
}

/// An instruction in one line: without what the builder puts around it, and without the values of
/// build arguments.
pub(super) fn instruction(created_by: &str) -> String {
    let text = created_by.trim_end_matches("# buildkit");
    let text = match text.split_once("/bin/sh -c ") {
        Some((start, command)) => {
            let command = command.trim_start();
            match command.strip_prefix("#(nop)") {
                Some(other) => other.to_owned(),
                None if start.is_empty() || start.starts_with("RUN") || start.starts_with('|') => {
                    format!("RUN {command}")
                }
                None => text.to_owned(),
            }
        }
        None => text.to_owned(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_and_a_container_are_read() {
        let printed = r#"[{"Id":"sha256:1","Architecture":"arm64","Config":{"Env":["A=1=2","EMPTY"],
            "Entrypoint":["/e","x"],"Cmd":"sh","User":"alice","WorkingDir":"/w","ExposedPorts":{"80/tcp":{}}},
            "State":{"Running":true},"SizeRw":7}]"#;
        let found = parse(&Invocation::new("docker"), printed).expect("read");
        assert_eq!(found.size_rw, Some(7));
        assert!(found.state.expect("there").running);
        let settings = found.config.expect("there");
        assert_eq!(settings.env.expect("there").len(), 2);
        assert!(matches!(settings.cmd, Some(Words::One(word)) if word == "sh"));
        assert!(parse(&Invocation::new("docker"), "[]").is_err());
        assert!(parse(&Invocation::new("docker"), "{").is_err());
    }

    #[test]
    fn steps_are_told_in_the_order_of_the_build_and_without_build_arguments() {
        let printed = r#"{"CreatedBy":"CMD [\"sh\"]","Size":"0"}
{"CreatedBy":"RUN |2 TOKEN=s3cret B=c /bin/sh -c apt-get  install\n  jq # buildkit","Size":"120"}
{"CreatedBy":"/bin/sh -c #(nop) ADD file:abc in / ","Size":"9B"}"#;
        let steps = steps(&Invocation::new("docker"), printed).expect("read");
        let told: Vec<(&str, u64)> = steps
            .iter()
            .map(|step| (step.made_by.as_str(), step.size))
            .collect();
        assert_eq!(
            told,
            [("ADD file:abc in /", 9), ("RUN apt-get install jq", 120)]
        );
    }
}
