//! Which programs are the engine's command line and its Compose.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::engine::failure::{Known, refusal};
use crate::error::{Error, Result};
use crate::files;
use crate::output::Printer;
use crate::process::Invocation;

/// The command lines of the engine and of Compose, as words.
///
/// `DOCKER` and `COMPOSE` in an installation's `.env` choose others than `docker` and
/// `docker compose`; they are split at white space and never seen by a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    docker: Vec<OsString>,
    compose: Vec<OsString>,
}

impl Default for Tools {
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Tools {
    /// The tools named by `DOCKER` and `COMPOSE`, where they are given and not empty.
    pub fn new(docker: Option<&str>, compose: Option<&str>) -> Self {
        let words = |text: &str| text.split_whitespace().map(OsString::from).collect();
        let docker: Vec<OsString> = docker
            .map(words)
            .filter(|words: &Vec<_>| !words.is_empty())
            .unwrap_or_else(|| vec!["docker".into()]);
        let compose = compose
            .map(words)
            .filter(|words: &Vec<_>| !words.is_empty())
            .unwrap_or_else(|| {
                let mut compose = docker.clone();
                compose.push("compose".into());
                compose
            });
        Self { docker, compose }
    }

    /// The start of an engine command line.
    pub fn docker(&self) -> Invocation {
        start(&self.docker)
    }

    /// Whether the engine is podman, by its name.
    pub fn is_podman(&self) -> bool {
        let is_podman = |word: &OsString| word.to_string_lossy().contains("podman");
        self.docker.iter().any(is_podman)
    }

    /// The start of a Compose command line.
    pub fn compose(&self) -> Invocation {
        start(&self.compose)
    }
    /// Compose's own program where `docker compose` would start it: `docker` answers a signal by
    /// leaving Compose, which then goes and leaves the container running. Started directly,
    /// Compose passes signals on to the container.
    pub fn compose_in_foreground(&self) -> Invocation {
        if self.compose != Self::default().compose {
            return self.compose();
        }
        match compose_plugin(&plugin_directories()) {
            Some(plugin) => Invocation::new(plugin),
            None => self.compose(),
        }
    }

    /// Turns what the engine's command line said into an error that tells the next step: of the
    /// engine, its disk, a registry or an image's platform. What is none of these stays `fallback`.
    pub fn explain(&self, invocation: &Invocation, talk: &str, fallback: Error) -> Error {
        let known = Known {
            docker: Some(self.docker().to_string()),
            image: asked_for(invocation),
        };
        let Some(refusal) = refusal(talk, &known) else {
            return fallback;
        };
        let error =
            Error::not_ready(refusal.message).because(std::io::Error::other(talk.to_owned()));
        refusal.advice.into_iter().fold(error, Error::help)
    }

    /// Runs an engine or Compose command and gives its standard output.
    ///
    /// # Errors
    /// `NotReady` when the engine cannot be reached, with the next step; otherwise `Failed`.
    pub fn read(&self, invocation: &Invocation, printer: &Printer) -> Result<String> {
        let finished = invocation.capture(printer)?;
        if finished.status.success() {
            return Ok(finished.text());
        }
        let talk = finished.talk();
        Err(self.explain(
            invocation,
            &talk,
            invocation.failure(finished.status, &talk),
        ))
    }
}

/// The image that a command line pulls or pushes.
fn asked_for(invocation: &Invocation) -> Option<String> {
    let arguments = invocation.arguments();
    let moves = |word: &OsString| word == "pull" || word == "push";
    arguments.iter().find(|word| moves(word))?;
    let name = arguments.last()?.to_str()?;
    (!name.starts_with('-')).then(|| name.to_owned())
}

/// Where `docker` looks for its plugins, in its order.
fn plugin_directories() -> Vec<PathBuf> {
    let of_the_person = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| {
            let home = std::env::var_os("HOME")?;
            Some(Path::new(&home).join(".docker"))
        });
    let of_the_system = [
        "/usr/local/lib/docker/cli-plugins",
        "/usr/local/libexec/docker/cli-plugins",
        "/usr/lib/docker/cli-plugins",
        "/usr/libexec/docker/cli-plugins",
    ];
    of_the_person
        .map(|directory| directory.join("cli-plugins"))
        .into_iter()
        .chain(of_the_system.map(PathBuf::from))
        .collect()
}

fn compose_plugin(directories: &[PathBuf]) -> Option<PathBuf> {
    directories
        .iter()
        .map(|directory| directory.join("docker-compose"))
        .find(|plugin| files::mode(plugin).is_ok_and(|mode| mode & 0o111 != 0))
}

fn start(words: &[OsString]) -> Invocation {
    let (program, arguments) = words.split_first().expect("tools are never empty words");
    Invocation::new(program).args(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_docker_and_its_compose_plugin() {
        assert_eq!(Tools::default().compose().to_string(), "docker compose");
        assert_eq!(Tools::new(Some(" "), None).docker().to_string(), "docker");
    }

    #[test]
    fn the_first_plugin_that_can_be_run_is_the_one() {
        let place = tempfile::tempdir().expect("a directory");
        let [empty, plain, good] = ["empty", "plain", "good"].map(|name| place.path().join(name));
        for (directory, mode) in [(&plain, 0o644), (&good, 0o755)] {
            let mut changes = files::ChangeSet::new(directory);
            changes
                .write("docker-compose", "#!/bin/sh\n", mode)
                .expect("planned");
            changes.commit().expect("written");
        }
        let found = compose_plugin(&[empty.clone(), plain, good.clone()]);
        assert_eq!(found, Some(good.join("docker-compose")));
        assert_eq!(compose_plugin(&[empty]), None);
    }

    #[test]
    fn a_compose_of_ones_own_is_started_as_it_is() {
        let tools = Tools::new(Some("podman"), None);
        assert_eq!(tools.compose_in_foreground().to_string(), "podman compose");
    }

    #[test]
    fn settings_are_words_and_not_shell() {
        let tools = Tools::new(Some("podman"), Some("podman-compose $(touch x)"));
        assert_eq!(tools.docker().to_string(), "podman");
        assert_eq!(tools.compose().to_string(), "podman-compose '$(touch' 'x)'");
    }

    #[test]
    fn a_forbidden_socket_comes_with_the_usermod_line() {
        let tools = Tools::default();
        let talk = "permission denied while trying to connect to the Docker daemon socket at \
                    unix:///var/run/docker.sock";
        let error = tools.explain(&tools.docker(), talk, Error::failed("x"));
        assert_eq!(error.kind(), crate::error::Kind::NotReady);
        assert!(error.helps()[0].contains("usermod -aG docker"));
    }

    #[test]
    fn a_registry_that_refuses_comes_with_the_line_of_the_image_that_was_asked_for() {
        let tools = Tools::new(Some("podman"), None);
        let push = tools.docker().args(["push", "--quiet", "quay.io/lab/x:1"]);
        let error = tools.explain(&push, "no basic auth credentials", Error::failed("x"));
        assert_eq!(error.kind(), crate::error::Kind::NotReady);
        assert_eq!(error.message(), "you are not logged in at quay.io");
        assert_eq!(error.helps(), ["log in: `podman login quay.io`"]);
        let other = tools.explain(&push, "something else", Error::failed("x"));
        assert_eq!(other.message(), "x");
    }
}
