//! Generic images built beside those that people use: looked at, and removed.

use crate::commands::building::{BuildArgs, Plan, Purpose, check_files, check_machine, run_build};
use crate::commands::workplace::{Layer, Workplace};
use crate::error::Result;
use crate::project::{Flavour, Installation};

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
        check_files(installation, Layer::Generic, &Self::args())
    }

    /// What `--dry-run` shows.
    ///
    /// # Errors
    /// As [`Self::build`], as far as it can be known without building.
    pub fn shown(workplace: &Workplace<'_>) -> Result<String> {
        Self::plan(workplace)?.shown(workplace, &Self::args())
    }

    /// Builds the images, every step of them again.
    ///
    /// # Errors
    /// `NotReady` when the engine cannot; `Failed` when the build fails, with nothing left of it.
    pub fn build(workplace: &'a Workplace<'a>) -> Result<Self> {
        check_machine(workplace, &Self::args())?;
        let plan = Self::plan(workplace)?;
        run_build(workplace, &plan, Layer::Generic, &Self::args())?;
        Ok(Self { workplace, plan })
    }

    /// The name of the image of a flavour.
    pub fn image(&self, flavour: Flavour) -> Option<&str> {
        let service = Layer::Generic.service(flavour);
        let mut targets = self.plan.targets.iter();
        let target = targets.find(|target| target.service == service)?;
        Some(&target.image)
    }

    fn plan(workplace: &Workplace<'_>) -> Result<Plan> {
        Plan::new(workplace, Layer::Generic, &Self::args(), Purpose::Look)
    }

    fn args() -> BuildArgs {
        BuildArgs {
            no_cache: true,
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
