//! The one `docker compose build` that makes a layer's images.

use crate::commands::building::BuildArgs;
use crate::commands::building::bake::{FOR_PROGRAMS, bake};
use crate::commands::building::offline::Offline;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{Target, commit_tag, with_fresh_stages, without_network};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::process::Invocation;

/// What is behind the names of images while they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// They get their own names at the end.
    Publish,
    /// They are looked at and removed.
    Look,
}

impl Purpose {
    fn suffix(self) -> &'static str {
        match self {
            Self::Publish => "-building",
            Self::Look => "-verifying",
        }
    }
}

/// What one `docker compose build` makes, under names that nobody uses until all of it is there.
pub struct Plan {
    purpose: Purpose,
    offline: Option<Offline>,
    /// Stages that are built without their cache.
    fresh: Vec<String>,
    /// The images to build.
    pub targets: Vec<Target>,
    /// The final name of each target; `None` for a side stage that is only built.
    pub names: Vec<Option<String>>,
}

impl Plan {
    /// The plan for a layer.
    ///
    /// # Errors
    /// `Usage` when a service or its image is missing.
    pub fn new(
        workplace: &Workplace<'_>,
        layer: Layer,
        args: &BuildArgs,
        purpose: Purpose,
        offline: Option<Offline>,
    ) -> Result<Self> {
        let mut plan = Self {
            purpose,
            offline,
            fresh: args.fresh.clone(),
            targets: Vec::new(),
            names: Vec::new(),
        };
        let flavours = if args.stage.is_some() {
            &[Flavour::Dev][..]
        } else {
            &Flavour::ALL[..]
        };
        for flavour in flavours {
            let service = layer.service(*flavour);
            let image = workplace.image(&service)?.to_owned();
            match &args.stage {
                Some(stage) => {
                    plan.push(
                        &service,
                        &service,
                        commit_tag(&image, stage),
                        Some(stage),
                        true,
                    );
                }
                None => plan.push(&service, &service, image, None, true),
            }
        }
        for stage in &args.with {
            let service = layer.service(Flavour::Dev);
            let image = commit_tag(workplace.image(&service)?, stage);
            plan.push(
                &format!("with-{stage}"),
                &service,
                image,
                Some(stage),
                false,
            );
        }
        Ok(plan)
    }

    fn push(
        &mut self,
        name: &str,
        service: &str,
        image: String,
        stage: Option<&String>,
        kept: bool,
    ) {
        self.targets.push(Target {
            name: name.to_owned(),
            service: service.to_owned(),
            image: format!("{image}{}", self.purpose.suffix()),
            stage: stage.cloned(),
        });
        self.names.push(kept.then_some(image));
    }

    /// The services whose builds these are.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.service.as_str())
    }

    /// The Compose file that the build reads.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn document(&self, workplace: &Workplace<'_>) -> Result<String> {
        let mut document = workplace.model.build_document(&self.targets);
        if let Some(offline) = &self.offline {
            without_network(&mut document, offline.sources.as_deref());
        }
        if !self.fresh.is_empty() {
            with_fresh_stages(&mut document, &self.fresh);
        }
        serde_json::to_string_pretty(&document).map_err(|source| {
            Error::failed("cannot write the build's Compose file").because(source)
        })
    }

    /// What `--dry-run` shows of the build.
    ///
    /// # Errors
    /// As [`Self::document`].
    pub fn shown(&self, workplace: &Workplace<'_>, args: &BuildArgs) -> Result<String> {
        Ok(format!(
            "# with this Compose file on standard input:\n{}\n{}\n",
            self.document(workplace)?,
            self.invocation(workplace, args)?
        ))
    }

    /// The command line of the build.
    ///
    /// # Errors
    /// As [`Self::document`].
    pub fn invocation(&self, workplace: &Workplace<'_>, args: &BuildArgs) -> Result<Invocation> {
        if !self.fresh.is_empty() {
            return self.baking(workplace, args);
        }
        let mut invocation = workplace
            .compose
            .invocation()
            .args(["--project-directory", ".", "-f", "-", "build"])
            // The variable is understood by every Compose; the option moved between versions.
            .env("BUILDKIT_PROGRESS", FOR_PROGRAMS)
            .stdin(self.document(workplace)?);
        for build_arg in &args.build_args {
            invocation = invocation.args(["--build-arg", build_arg]);
        }
        if args.no_cache {
            invocation = invocation.arg("--no-cache");
        }
        Ok(invocation.args(self.targets.iter().map(|target| &target.name)))
    }

    /// The command line of a build that takes some stages' steps not from the cache, which Compose
    /// cannot; `bake` reads the same file.
    fn baking(&self, workplace: &Workplace<'_>, args: &BuildArgs) -> Result<Invocation> {
        let platform = workplace.installation.name().platform().docker();
        let mut invocation = bake(workplace, self.services(), FOR_PROGRAMS, &platform)?
            .arg("--load")
            .stdin(self.document(workplace)?);
        for build_arg in &args.build_args {
            // As Compose has it, a name alone has the environment's value.
            let value = match build_arg.contains('=') {
                true => build_arg.clone(),
                false => format!(
                    "{build_arg}={}",
                    std::env::var(build_arg).unwrap_or_default()
                ),
            };
            invocation = invocation.arg(format!("--set=*.args.{value}"));
        }
        Ok(invocation.args(self.targets.iter().map(|target| &target.name)))
    }
}
