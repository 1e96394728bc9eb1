//! Adding to the declared files and pinning what they ask for, each where it stands.

use crate::environment::declared::{
    APT_BUILD, APT_DEV, APT_RUNTIME, Addition, DeclaredFiles, ENVIRONMENT, List, REQUIREMENTS,
};
use crate::environment::lock::Lock;
use crate::environment::origin::Origin;
use crate::error::{self, Error, Result};
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{Pin, Requirements};

/// A declared file that is no longer as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Its path in the installation.
    pub name: &'a str,
    /// The text as it was read; `None` when there was no such file.
    pub before: Option<&'a str>,
    /// The text now.
    pub after: &'a str,
}

impl DeclaredFiles {
    /// Adds a package to the list that it belongs to.
    ///
    /// # Errors
    /// When the file cannot take it without a change of what else it says.
    pub fn add(&mut self, addition: &Addition) -> Result<()> {
        let added = match (addition.list, &mut self.requirements, &mut self.environment) {
            (List::AptBuild, ..) => self.apt_build.add(&addition.line),
            (List::AptRuntime, ..) => self.apt_runtime.add(&addition.line),
            (List::AptDev, ..) => self.apt_dev.add(&addition.line),
            (List::Python, Some(requirements), _) => requirements.add(&addition.line),
            (List::Python, None, Some(environment)) => environment.add_pip(&addition.line),
            (List::Conda, _, Some(environment)) => environment.add_conda(&addition.line),
            (List::Python | List::Conda, _, None) => {
                return Err(Error::usage(format!(
                    "there is no `{REQUIREMENTS}` to add `{}` to",
                    addition.name
                ))
                .help("make an empty one, or take the committed one back with git"));
            }
        };
        added.map(drop)
    }

    /// Pins what is declared to what a lock says: versions, and commits of repositories. What
    /// cannot be pinned where it stands stays as it is, and why is told in a sentence.
    ///
    /// # Errors
    /// When a file cannot be edited safely.
    pub fn pin(&mut self, lock: &Lock) -> Result<Vec<String>> {
        let mut kept = Vec::new();
        let python = lock.python_packages().iter();
        for package in python.filter(|package| package.unfrozen.is_none()) {
            let to = match &package.origin {
                Origin::Index => Pin::Version(&package.version),
                Origin::Vcs(repository) => Pin::Commit(&repository.commit),
                Origin::Archive(_) | Origin::Nowhere => continue,
            };
            let lists = self.requirements.iter_mut();
            let lists = lists.chain(self.included.iter_mut().map(|included| &mut included.now));
            let mut pinned: Vec<Result<bool>> =
                lists.map(|list| list.pin_to(&package.name, to)).collect();
            if let Some(environment) = &mut self.environment {
                pinned.push(environment.pin_pip(&package.name, to));
            }
            for pinned in pinned {
                kept.extend(why_kept(&package.name, pinned)?);
            }
        }
        if let Some(environment) = &mut self.environment {
            for package in &lock.conda {
                let pinned = environment.pin_conda(&package.name, &package.version);
                kept.extend(why_kept(&package.name, pinned)?);
            }
        }
        let lists = [
            (&mut self.apt_build, &lock.apt.build),
            (&mut self.apt_runtime, &lock.apt.runtime),
            (&mut self.apt_dev, &lock.apt.dev),
        ];
        for (declared, locked) in lists {
            for package in locked {
                let own = ["all", lock.platform.as_str()].contains(&&*package.architecture);
                let foreign = (!own).then_some(package.architecture.as_str());
                declared.pin(&package.name, foreign, &package.version)?;
            }
        }
        Ok(kept)
    }

    /// The files that have changed since they were read.
    pub fn changed(&self) -> Vec<Changed<'_>> {
        let now = [
            (
                REQUIREMENTS,
                self.requirements.as_ref().map(Requirements::text),
            ),
            (
                ENVIRONMENT,
                self.environment.as_ref().map(CondaEnvironment::text),
            ),
            (APT_BUILD, Some(self.apt_build.text())),
            (APT_RUNTIME, Some(self.apt_runtime.text())),
            (APT_DEV, Some(self.apt_dev.text())),
        ];
        let included = self.included.iter().filter_map(|included| {
            let changed = Changed {
                name: included.name.as_deref()?,
                before: Some(&included.before),
                after: included.now.text(),
            };
            (included.before != changed.after).then_some(changed)
        });
        let changed = now.into_iter().filter_map(|(name, after)| {
            let before = self.before.iter().find(|(known, _)| *known == name);
            let changed = Changed {
                name,
                before: before.map(|(_, text)| text.as_str()),
                after: after?,
            };
            (changed.before.unwrap_or_default() != changed.after).then_some(changed)
        });
        changed.chain(included).collect()
    }
}

/// The sentence for a package that cannot be pinned where it stands.
fn why_kept(name: &str, pinned: Result<bool>) -> Result<Option<String>> {
    match pinned {
        Ok(_) => Ok(None),
        Err(error) if error.kind() == error::Kind::Usage => Ok(Some(format!(
            "{name} stays as it is declared: {}",
            error.message()
        ))),
        Err(error) => Err(error),
    }
}
