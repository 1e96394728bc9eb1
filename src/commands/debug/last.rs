//! The build that failed last.

use crate::commands::workplace::Workplace;
use crate::error::Result;
use crate::installation::dockerfile::{Dockerfile, Given, Graph};
use crate::project::{Build, BuildStep, Outcome};
use crate::secrets::HIDDEN;

/// The newest build of an installation, which failed at a step.
pub struct LastFailure {
    /// Its id.
    pub build: String,
    /// The service whose Dockerfile has the step.
    pub service: String,
    /// Build arguments that it was given beside those of the Compose files.
    pub build_args: Vec<String>,
    step: BuildStep,
}

impl LastFailure {
    /// `None` when the newest build of the installation did not fail at a step.
    ///
    /// # Errors
    /// When the builds cannot be listed.
    pub fn of(workplace: &Workplace<'_>) -> Result<Option<Self>> {
        let installation = workplace.installation.name().to_string();
        let newest = Build::newest(workplace.project.root(), |build| {
            build.installation == installation
        })?;
        let Some(build) = newest.filter(|build| build.outcome == Outcome::Failed) else {
            return Ok(None);
        };
        let Some(step) = build.failed_step().cloned() else {
            return Ok(None);
        };
        let mut targets = build.targets.iter();
        let own = targets.find(|target| Some(&target.name) == step.target.as_ref());
        let Some(target) = own.or(build.targets.first()) else {
            return Ok(None);
        };
        let service = workplace.model.services.get(&target.service);
        let composed = service.and_then(|service| service.build.as_ref());
        let build_args = build.arguments.iter().filter(|(name, value)| {
            let composed = composed.and_then(|build| build.args.get(*name)?.as_ref());
            composed != Some(*value) && !value.contains(HIDDEN)
        });
        Ok(Some(Self {
            service: target.service.clone(),
            build_args: build_args
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            build: build.id,
            step,
        }))
    }

    /// The instruction that failed, if it still is where it was.
    pub fn instruction(&self, dockerfile: &Dockerfile) -> Option<usize> {
        let index = dockerfile.at_line(self.step.line?)?;
        let graph = Graph::new(dockerfile, &Given::default());
        let number = graph.step(index)?.number;
        let position = self
            .step
            .position
            .and_then(|(number, _)| usize::try_from(number).ok());
        (position == Some(number)).then_some(index)
    }
}
