//! Generic images built beside those that people use: looked at, and removed.

use std::path::Path;

use crate::commands::building::bake::{FOR_PROGRAMS, bake};
use crate::commands::building::{
    BuildArgs, Plan, Purpose, capture, check_files, check_machine, offline, run_build,
};
use crate::commands::workplace::{Layer, Workplace};
use crate::error::Result;
use crate::installation::flavour::Flavour;
use crate::process::Invocation;
use crate::project::Installation;

/// Both generic images under names of their own, which go when this goes. Tags, labels and `.env`
/// stay as they are.
pub struct Apart<'a> {
    workplace: &'a Workplace<'a>,
    plan: Plan,
}

impl<'a> Apart<'a> {
    /// What is looked at before anything is asked of the engine.
    ///
    /// # Errors
    /// `Usage` when a file of the installation is wrong.
    pub fn check(installation: &Installation) -> Result<()> {
        check_files(installation, Layer::Generic, &Self::args(false))?;
        Ok(())
    }

    /// What `--dry-run` shows.
    ///
    /// # Errors
    /// As [`Self::build`], as far as it can be known without building.
    pub fn shown(workplace: &Workplace<'_>, offline: bool) -> Result<String> {
        Self::plan(workplace, offline)?.shown(workplace, &Self::args(offline))
    }

    /// Builds the images, every step of them again; without a network if it is to be `offline`.
    ///
    /// # Errors
    /// `NotReady` when the engine cannot; `Failed` when the build fails, with nothing left of it.
    pub fn build(workplace: &'a Workplace<'a>, offline: bool) -> Result<Self> {
        let args = Self::args(offline);
        check_machine(workplace, &args)?;
        let plan = Self::plan(workplace, offline)?;
        offline::check_base(workplace, Layer::Generic, &args)?;
        run_build(workplace, &plan, &args)?.tell();
        Ok(Self { workplace, plan })
    }

    /// Builds the images once more, every step of them again, and writes them into directories
    /// below `directory`, one for each flavour; the engine keeps none. Their files and they
    /// themselves get the time `epoch`, in seconds since 1970.
    ///
    /// # Errors
    /// `Failed` when the build fails.
    pub fn export(workplace: &Workplace<'_>, directory: &Path, epoch: i64) -> Result<()> {
        let plan = Self::plan(workplace, false)?;
        let invocation = Self::bake(workplace, &plan, directory, epoch)?;
        let captured = capture::run(workplace, &plan, &Self::args(false), &invocation)?;
        captured.succeeded()?;
        captured.tell();
        Ok(())
    }

    /// `docker compose build` cannot choose how images are written; `bake` reads the same file.
    fn bake(
        workplace: &Workplace<'_>,
        plan: &Plan,
        directory: &Path,
        epoch: i64,
    ) -> Result<Invocation> {
        let platform = workplace.installation.name().platform().docker();
        let mut invocation = bake(workplace, plan.services(), FOR_PROGRAMS, &platform)?
            .arg("--no-cache")
            .arg(format!("--set=*.args.SOURCE_DATE_EPOCH={epoch}"))
            .stdin(plan.document(workplace)?);
        for target in &plan.targets {
            invocation = invocation.arg(format!(
                "--set={}.output=type=oci,tar=false,compression=uncompressed,\
                 rewrite-timestamp=true,dest={}",
                target.name,
                directory.join(&target.name).display()
            ));
        }
        Ok(invocation.args(plan.targets.iter().map(|target| &target.name)))
    }

    /// The name of the image of a flavour.
    pub fn image(&self, flavour: Flavour) -> Option<&str> {
        let service = Layer::Generic.service(flavour);
        let mut targets = self.plan.targets.iter();
        let target = targets.find(|target| target.service == service)?;
        Some(&target.image)
    }

    fn plan(workplace: &Workplace<'_>, offline: bool) -> Result<Plan> {
        let (layer, args) = (Layer::Generic, Self::args(offline));
        let Workplace {
            context,
            project,
            installation,
            ..
        } = *workplace;
        let offline = offline::prepare(context, project, installation, layer, &args)?;
        Plan::new(workplace, layer, &args, Purpose::Look, offline)
    }

    fn args(offline: bool) -> BuildArgs {
        BuildArgs {
            no_cache: true,
            offline,
            ..BuildArgs::default()
        }
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        let names = self.plan.targets.iter().map(|target| target.image.as_str());
        self.workplace
            .images
            .untag(names, &self.workplace.context.printer);
    }
}
