//! The Python that `environment.yml` asks for, on the way to a base image that has its own.

use crate::commands::turn::{Turn, carry};
use crate::error::Result;
use crate::files;
use crate::installation::conda_environment::{CondaEnvironment, CondaPackage};
use crate::installation::pin;
use crate::templates::{Catalogue, FromBase, Python};

/// The Python that the person asks conda for.
#[derive(Debug)]
pub(super) struct Asked {
    package: CondaPackage,
    /// The line of `environment.yml`, counted from 1.
    line: usize,
}

impl Asked {
    /// Such as `3.11`; `None` when several will do.
    pub(super) fn series(&self) -> Option<String> {
        self.package.series()
    }

    /// Whether any release of a series is what is asked for.
    fn is_any_of(&self, series: &str) -> bool {
        let spec = self.package.spec.trim();
        let spec = spec.strip_suffix(".*").unwrap_or(spec);
        self.series().as_deref() == Some(series) && spec.ends_with(series)
    }
}

impl Turn<'_> {
    /// What `environment.yml` says of Python, when the installation loses that file.
    ///
    /// # Errors
    /// `Usage` when it cannot be read.
    pub(super) fn asked_python(&self) -> Result<Option<Asked>> {
        let from = self.record.answers.from_base;
        if (from, self.kind) != (FromBase::FromScratch, FromBase::FromPython) {
            return Ok(None);
        }
        let path = self.source.path(carry::file(from));
        let Some(text) = files::read_text_if_exists(&path)? else {
            return Ok(None);
        };
        let environment = CondaEnvironment::parse(&path, &text)?;
        let mut packages = environment.conda().iter();
        Ok(packages
            .find(|package| package.name == "python")
            .map(|package| Asked {
                package: package.clone(),
                line: environment
                    .place_of(package)
                    .line_number()
                    .unwrap_or_default(),
            }))
    }

    /// Says so when the base image may have another Python than conda was asked for.
    ///
    /// # Errors
    /// `Usage` when `environment.yml` cannot be read.
    pub(super) fn tell_lost_python(&mut self, image: &str) -> Result<()> {
        let Some(asked) = self.asked_python()? else {
            return Ok(());
        };
        let catalogue = Catalogue::embedded()?;
        let image = pin::split(image).0;
        let found = catalogue.python_of(image);
        // The catalogue's choice was told already when it is not what envtpl itself had written.
        let written = &self.record.answers.python_version;
        if asked.is_any_of(found.as_deref().unwrap_or_default()) || asked.is_any_of(written) {
            return Ok(());
        }
        let file = self.shown(carry::file(FromBase::FromScratch));
        let has = match &found {
            Some(version) => format!("`{image}` has Python {version}"),
            None => format!("nothing tells which Python `{image}` has"),
        };
        let warning = format!(
            "`{}` ({file}:{}) does not come along: the base image brings Python, and {has}",
            asked.package.spec, asked.line
        );
        let to = &self.target.name;
        let series = asked
            .series()
            .filter(|series| Some(series) != found.as_ref());
        let offered = series.and_then(|series| {
            let choice = catalogue.choose(to, self.kind, &Python::Exactly(series));
            Some(choice.ok()?.base.base_image)
        });
        let other = match offered {
            Some(image) => format!("another one, `{image}` for example,"),
            None => "another one".to_owned(),
        };
        let help = format!(
            "to start from {other} change BASE_IMAGE in `installation/{to}/compose-base.yaml`, or \
             turn back and give `--base-image REF`"
        );
        self.warnings.push((warning, help));
        Ok(())
    }
}
