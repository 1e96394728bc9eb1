//! A start as it is written down.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Instant;

use jiff::Timestamp;

use crate::commands::start::launch::{Launch, Order};
use crate::engine::REVISION_LABEL;
use crate::error::Result;
use crate::project::{Mount, RanImage, Run, WorkTree, to_the_millisecond, to_the_second};
use crate::secrets::{redact_command, redact_value};

/// A run that has begun.
pub struct Begun {
    run: Run,
    clock: Instant,
}

impl Begun {
    /// Notes what runs from now on. Which code is checked out is asked while it runs, so that
    /// nobody waits for the answer.
    ///
    /// # Errors
    /// `Usage` when the service is missing.
    pub fn now(launch: &Launch<'_>, order: &Order) -> Result<Self> {
        let service = launch.composed()?;
        let label = launch.image.labels.get(REVISION_LABEL);
        let run = Run {
            started: to_the_second(Timestamp::now()),
            seconds: 0.0,
            status: 0,
            installation: launch.workplace.installation.name().to_string(),
            service: launch.service.clone(),
            image: RanImage {
                name: launch.image_name.clone(),
                id: launch.image.id.clone(),
                digest: launch.image.repo_digests.first().cloned(),
                commit: label.filter(|commit| !commit.is_empty()).cloned(),
            },
            commit: None,
            changes: None,
            command: shown(&order.command),
            entrypoint: shown(order.entrypoint.as_ref()).pop(),
            environment: environment(&order.environment),
            env_files: (launch.env_files.iter())
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            directory: order
                .directory
                .as_ref()
                .map(|directory| directory.to_string_lossy().into_owned()),
            mounts: service
                .volumes
                .iter()
                .filter(|volume| volume.source != "/dev/null")
                .map(|volume| Mount {
                    source: volume.source.clone(),
                    target: volume.target.clone(),
                })
                .collect(),
            gpus: launch.gpus(),
            ports: launch.ports.clone(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            detached: order.detach,
        };
        Ok(Self {
            run,
            clock: Instant::now(),
        })
    }

    /// Adds which code is checked out. A repository that cannot be read is no reason to fail a
    /// command that runs already.
    pub fn note_code(&mut self, launch: &Launch<'_>) {
        match WorkTree::of(launch.workplace.project.root()) {
            Ok(code) => {
                self.run.commit = code.commit;
                self.run.changes = code.changes;
            }
            Err(error) => launch.workplace.context.printer.verbose(error),
        }
    }

    /// The run as it is now, for whoever waits for its end.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Adds the run to those of the project. A project that cannot be written in has no list of
    /// runs, and that is no reason to fail either.
    pub fn ended(mut self, launch: &Launch<'_>, status: u8) {
        self.run.status = status;
        self.run.seconds = to_the_millisecond(self.clock.elapsed().as_secs_f64());
        if let Err(error) = self.run.append(launch.workplace.project.root()) {
            launch.workplace.context.printer.verbose(error);
        }
    }
}

/// Words of the command line as they may be written down.
fn shown<'a>(words: impl IntoIterator<Item = &'a OsString>) -> Vec<String> {
    let words: Vec<_> = words
        .into_iter()
        .map(|word| word.to_string_lossy())
        .collect();
    redact_command(words.iter().map(|word| &**word))
}

/// The variables of `--env`; a value that may be a secret is left out.
fn environment(variables: &[OsString]) -> BTreeMap<String, Option<String>> {
    let variables = variables.iter().map(|variable| {
        let variable = variable.to_string_lossy();
        let Some((name, value)) = variable.split_once('=') else {
            let value = std::env::var(&*variable).ok();
            return (
                variable.to_string(),
                value.and_then(|value| plain(&variable, value)),
            );
        };
        (name.to_owned(), plain(name, value.to_owned()))
    });
    variables.collect()
}

/// A value that holds no secret.
fn plain(name: &str, value: String) -> Option<String> {
    (redact_value(name, &value) == value).then_some(value)
}
