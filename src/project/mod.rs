//! Where we are: the project's root, its installations, its git state and what a build reads.

mod builds;
mod git;
mod inputs;
mod revision;
mod runs;
mod times;
mod work_tree;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;
use crate::installation::name::{Acceleration, Name, Platform};

pub use builds::{
    Build, BuildImage, BuildLayer, BuildStep, BuildTarget, Outcome, directory as build_directory,
    file as build_file,
};
pub use git::Git;
pub use inputs::{DifferingFile, differing, digest, user_digest};
pub use revision::{Commit, Revision};
pub use runs::{Mount, RanImage, Run, file as runs_file};
pub use times::{to_the_millisecond, to_the_second};
pub use work_tree::WorkTree;

/// A directory that holds `installation/`.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
    installations: Vec<Installation>,
}

/// One installation directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    name: Name,
    directory: PathBuf,
}

impl Installation {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its directory, absolute.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file or directory in it.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.join(relative)
    }
}

impl Project {
    /// Finds the project around a directory: the nearest directory upwards that holds
    /// `installation/` with at least one installation in it.
    ///
    /// # Errors
    /// `Usage` when there is none, or a directory cannot be read.
    pub fn discover(start: &Path) -> Result<Self> {
        for directory in start.ancestors() {
            if !files::is_directory(&directory.join("installation")) {
                continue;
            }
            let installations = installations(directory)?;
            if !installations.is_empty() {
                return Ok(Self {
                    root: directory.to_owned(),
                    installations,
                });
            }
        }
        Err(Error::usage(format!(
            "there is no installation in `{}` or above it",
            start.display()
        ))
        .help("scaffold one: `envtpl init`"))
    }

    /// The project's root directory, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its installations, by name.
    pub fn installations(&self) -> &[Installation] {
        &self.installations
    }

    /// The installation of the given name; a leading `docker-` makes no difference.
    ///
    /// # Errors
    /// `Usage` when the name is none or there is no such installation.
    pub fn find(&self, name: &str) -> Result<&Installation> {
        let name: Name = name.parse()?;
        self.installations
            .iter()
            .find(|installation| installation.name.same_environment(&name))
            .ok_or_else(|| {
                self.listing(Error::usage(format!("there is no installation `{name}`")))
                    .help(format!("make it: `envtpl init -i {name}`"))
            })
    }

    /// The installation to work on when none is named: the one around `directory`, else the only
    /// one, else the one for the host's platform and acceleration.
    ///
    /// # Errors
    /// `Usage` when that leaves several or none.
    pub fn choose(
        &self,
        directory: &Path,
        platform: Platform,
        acceleration: impl FnOnce() -> Acceleration,
    ) -> Result<&Installation> {
        let around = self
            .installations
            .iter()
            .find(|installation| directory.starts_with(&installation.directory));
        if let Some(installation) = around {
            return Ok(installation);
        }
        if let [only] = self.installations.as_slice() {
            return Ok(only);
        }
        let acceleration = acceleration();
        let fitting = |acceleration| {
            let mut found = self.installations.iter().filter(move |installation| {
                let name = &installation.name;
                name.platform() == platform && name.acceleration() == acceleration
            });
            // Two variants are a choice that only the person can make.
            found.next().filter(|_| found.next().is_none())
        };
        fitting(acceleration).ok_or_else(|| {
            self.listing(Error::usage(format!(
                "which installation? this machine is {platform} with {acceleration}, and not \
                 exactly one is for that"
            )))
            .help("choose one with `-i NAME`, or work from inside its directory")
        })
    }

    fn listing(&self, error: Error) -> Error {
        let names: Vec<String> = self
            .installations
            .iter()
            .map(|installation| installation.name.to_string())
            .collect();
        error.help(format!("installations there are: {}", names.join(", ")))
    }
}

fn installations(root: &Path) -> Result<Vec<Installation>> {
    let mut found = Vec::new();
    for directory in files::list(&root.join("installation"))? {
        let name = directory
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse::<Name>().ok());
        if let Some(name) = name
            && files::is_directory(&directory)
        {
            found.push(Installation { name, directory });
        }
    }
    Ok(found)
}
