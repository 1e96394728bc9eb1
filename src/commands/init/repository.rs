//! What is in the directory already: names, Python and packages that a repository declares.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;
use crate::installation::pyproject::Pyproject;
use crate::templates::naming;

/// Directories that hold Python files and are no package to install.
const NO_PACKAGES: [&str; 9] = [
    "tests",
    "test",
    "docs",
    "doc",
    "examples",
    "scripts",
    "notebooks",
    "benchmarks",
    "installation",
];

/// What is in the directory already.
#[derive(Debug, Default)]
pub struct Repository {
    /// `pyproject.toml`.
    pub pyproject: Pyproject,
    /// Whether there is Python code to install: then no package is written.
    pub has_package: bool,
    /// The name of its Python package, where one was found.
    pub package_name: Option<String>,
    /// `requirements.txt`.
    pub requirements: Option<String>,
    /// `environment.yml`, with its path.
    pub conda: Option<(PathBuf, String)>,
    /// `apt.txt`.
    pub apt: Option<String>,
}

impl Repository {
    /// Looks at a directory, which need not be there.
    ///
    /// # Errors
    /// `Usage` when one of these files cannot be read as what it is.
    pub fn look(root: &Path) -> Result<Self> {
        if files::exists(root) && !files::is_directory(root) {
            return Err(Error::usage(format!(
                "`{}` is no directory",
                root.display()
            )));
        }
        let text = |name: &str| files::read_text_if_exists(&root.join(name));
        let path = root.join("pyproject.toml");
        let pyproject = match files::read_text_if_exists(&path)? {
            Some(text) => Pyproject::parse(&path, &text)?,
            None => Pyproject::default(),
        };
        let mut conda = None;
        for name in ["environment.yml", "environment.yaml"] {
            if conda.is_none() {
                conda = text(name)?.map(|text| (root.join(name), text));
            }
        }
        let packages = packages(root)?;
        let expected = pyproject.name.as_deref().and_then(naming::package);
        let package_name = match expected {
            Some(expected) if packages.contains(&expected) => Some(expected),
            _ => match packages.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
        };
        let set_up = ["setup.py", "setup.cfg", "pyproject.toml"];
        Ok(Self {
            has_package: !packages.is_empty()
                || set_up.iter().any(|name| files::exists(&root.join(name))),
            package_name,
            requirements: text("requirements.txt")?,
            conda,
            apt: text("apt.txt")?,
            pyproject,
        })
    }
}

/// The names of the Python packages and modules that the repository holds, in `src/` or else at
/// its top.
fn packages(root: &Path) -> Result<Vec<String>> {
    for directory in [root.join("src"), root.to_owned()] {
        let at_top = directory == root;
        if !files::is_directory(&directory) {
            continue;
        }
        let mut found: Vec<String> = files::list(&directory)?
            .into_iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                let module = (!at_top).then(|| name.strip_suffix(".py")).flatten();
                let is_package = files::exists(&path.join("__init__.py"));
                let name = if is_package { Some(name) } else { module }?;
                (naming::is_package(name) && !NO_PACKAGES.contains(&name)).then(|| name.to_owned())
            })
            .collect();
        if !found.is_empty() {
            found.sort();
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
