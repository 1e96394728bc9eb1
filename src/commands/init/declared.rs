//! The packages that a repository declares, put into the files of an installation.

use std::path::Path;

use crate::error::{Error, Result};
use crate::installation::apt_list::AptList;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{Line, Requirements};
use crate::templates::FromBase;
use crate::templates::render::Files;

/// What a repository declares, by kind of package.
#[derive(Debug, Default, Clone)]
pub struct Declared {
    /// Python packages, in sections with a heading.
    pub python: Vec<Section>,
    /// Conda's channels, where it names some.
    pub channels: Vec<String>,
    /// Conda's packages, Python and pip aside.
    pub conda: Vec<String>,
    /// System packages that the code needs.
    pub apt: Vec<String>,
}

/// Python packages under a heading.
#[derive(Debug, Default, Clone)]
pub struct Section {
    /// A comment, without its `#`.
    pub heading: String,
    /// The packages, and options for pip.
    pub packages: Vec<Package>,
}

/// A Python package or an option for pip.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its line, with comments.
    pub line: Line,
    /// The name of the distribution as names are compared; `None` for options.
    pub name: Option<String>,
}

impl Section {
    /// Its lines below the heading; none where it is empty.
    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self
            .packages
            .iter()
            .map(|package| package.line.clone())
            .collect();
        if let Some(first) = lines.first_mut() {
            let heading = [String::new(), format!("# {}", self.heading)];
            first.above.splice(0..0, heading);
        }
        lines
    }
}

/// Puts what is declared into the files of an installation.
///
/// # Errors
/// `Usage` when two packages contradict each other, or for a system package whose name cannot be
/// one.
pub fn put(files: &mut Files, kind: FromBase, declared: &Declared) -> Result<()> {
    let python: Vec<Line> = declared.python.iter().flat_map(Section::lines).collect();
    match kind {
        FromBase::FromPython | FromBase::Toolchain => {
            edit(files, "dependencies/requirements.txt", |path, text| {
                let mut requirements = Requirements::parse(path, text)?;
                requirements.append(&python).map_err(from_repository)?;
                Ok(requirements.text().to_owned())
            })?
        }
        FromBase::FromScratch => edit(files, "dependencies/environment.yml", |path, text| {
            let mut environment = CondaEnvironment::parse(path, text)?;
            environment.set_channels(&declared.channels)?;
            for package in &declared.conda {
                environment.add_conda(package)?;
            }
            environment.append_pip(&python).map_err(from_repository)?;
            Ok(environment.text().to_owned())
        })?,
    }
    edit(files, "dependencies/apt-runtime.txt", |path, text| {
        let mut list = AptList::parse(path, text)?;
        for package in &declared.apt {
            list.add(package)?;
        }
        Ok(list.text().to_owned())
    })
}

/// The file that an error points into was never written.
fn from_repository(error: Error) -> Error {
    error.help("nothing was written; headings say from which file of the repository a line comes")
}

fn edit(
    files: &mut Files,
    path: &str,
    change: impl FnOnce(&Path, &str) -> Result<String>,
) -> Result<()> {
    if let Some(file) = files.get_mut(path) {
        let text = String::from_utf8_lossy(&file.bytes);
        file.bytes = change(Path::new(path), &text)?.into_bytes();
    }
    Ok(())
}
