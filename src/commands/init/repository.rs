//! What is in the directory already: names, Python and packages that a repository declares.

use std::path::Path;

use crate::error::{Error, Result};
use crate::files;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::pyproject::Pyproject;
use crate::installation::requirements::Requirements;
use crate::installation::setup_cfg::SetupCfg;
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
    /// `setup.cfg`.
    pub setup_cfg: SetupCfg,
    /// Whether there is a `setup.py`, which is never run.
    pub has_setup_py: bool,
    /// Whether there is Python code to install: then no package is written.
    pub has_package: bool,
    /// Whether there is none, and a `pyproject.toml` in the way of writing one: it only has
    /// settings of tools.
    pub has_only_tools: bool,
    /// The name of its Python package, where one was found.
    pub package_name: Option<String>,
    /// `requirements.txt`.
    pub requirements: Option<Requirements>,
    /// `environment.yml`.
    pub conda: Option<CondaEnvironment>,
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
        let pyproject = text("pyproject.toml")?;
        let has_pyproject = pyproject.is_some();
        let pyproject = match pyproject {
            Some(text) => Pyproject::parse(&path, &text)?,
            None => Pyproject::default(),
        };
        let setup_cfg = match text("setup.cfg")? {
            Some(text) => SetupCfg::parse(&root.join("setup.cfg"), &text)?,
            None => SetupCfg::default(),
        };
        let requirements = match text("requirements.txt")? {
            Some(text) => Some(Requirements::parse(&root.join("requirements.txt"), &text)?),
            None => None,
        };
        let mut conda = None;
        for name in ["environment.yml", "environment.yaml"] {
            if conda.is_none()
                && let Some(text) = text(name)?
            {
                conda = Some(CondaEnvironment::parse(&root.join(name), &text)?);
            }
        }
        let packages = packages(root)?;
        let name = pyproject.name.as_ref().or(setup_cfg.name.as_ref());
        let expected = name.and_then(|name| naming::package(name));
        let package_name = match expected {
            Some(expected) if packages.contains(&expected) => Some(expected),
            _ => match packages.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
        };
        let has_setup_py = files::exists(&root.join("setup.py"));
        let has_package =
            !packages.is_empty() || has_setup_py || setup_cfg.is_package || pyproject.is_package;
        Ok(Self {
            has_only_tools: has_pyproject && !has_package,
            has_package,
            has_setup_py,
            package_name,
            requirements,
            conda,
            apt: text("apt.txt")?,
            pyproject,
            setup_cfg,
        })
    }

    /// The name that the project gives itself.
    pub fn project_name(&self) -> Option<&str> {
        let pyproject = self.pyproject.name.as_deref();
        pyproject.or(self.setup_cfg.name.as_deref())
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
