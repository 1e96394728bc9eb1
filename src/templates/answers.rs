//! What a template is rendered with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::installation::name::Name;
use crate::templates::machine::{Machine, by_triple};

/// What kind of image an installation starts from.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum FromBase {
    /// An image that has a Python already, which gets more packages.
    #[default]
    FromPython,
    /// A plain distribution, on which conda installs Python and everything else.
    FromScratch,
    /// A plain distribution with its own Python and its cross compilers. Nothing is turned into
    /// this or out of it, so that no option takes it.
    #[value(skip)]
    Toolchain,
}

impl FromBase {
    /// Those that an environment can have, and that one can be turned into.
    pub const ALL: [Self; 2] = [Self::FromPython, Self::FromScratch];
}

impl fmt::Display for FromBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FromPython => "from-python",
            Self::FromScratch => "from-scratch",
            Self::Toolchain => "toolchain",
        })
    }
}

impl FromStr for FromBase {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| {
                Error::usage(format!("`{text}` is no kind of base"))
                    .help("kinds are from-python and from-scratch")
            })
    }
}

/// The image that an installation starts from, and what comes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The image.
    pub base_image: String,
    /// Its own entrypoint, if it needs one.
    pub base_entrypoint: String,
    /// `1` when that entrypoint ends by running the command.
    pub base_entrypoint_execs: String,
    /// What to know about the image, in lines.
    pub base_notes: String,
}

/// Where conda comes from, for a from-scratch installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conda {
    /// The address of the installer.
    pub conda_url: String,
    /// Its sha256.
    pub conda_sha256: String,
}

/// What an installation starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The image.
    pub base: Base,
    /// Where conda comes from; empty for from-python.
    pub conda: Conda,
    /// The version of Python.
    pub python_version: String,
}

/// Everything that the files of an installation depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The installation's name, as its directory is called.
    pub installation: String,
    /// Its platform.
    pub platform: String,
    /// Its acceleration.
    pub acceleration: String,
    /// Its variant, or nothing.
    pub variant: String,
    /// What kind of image it starts from.
    pub from_base: FromBase,
    /// The machine that it compiles for, if it is a toolchain.
    #[serde(
        rename = "triple",
        default,
        skip_serializing_if = "Option::is_none",
        with = "by_triple"
    )]
    pub machine: Option<&'static Machine>,
    /// The project's name, as Compose and images take it.
    pub project_name: String,
    /// The name of the project's Python package.
    pub package_name: String,
    /// The version of Python, such as `3.12`.
    pub python_version: String,
    /// The image that it starts from.
    #[serde(flatten)]
    pub base: Base,
    /// Where conda comes from.
    #[serde(flatten)]
    pub conda: Conda,
}

impl Answers {
    /// The answers for an installation.
    pub fn new(
        name: &Name,
        from_base: FromBase,
        machine: Option<&'static Machine>,
        choice: Choice,
        project_name: &str,
        package_name: &str,
    ) -> Self {
        Self {
            installation: name.to_string(),
            platform: name.platform().to_string(),
            acceleration: name.acceleration().to_string(),
            variant: name.variant().unwrap_or_default().to_owned(),
            from_base,
            machine,
            project_name: project_name.to_owned(),
            package_name: package_name.to_owned(),
            python_version: choice.python_version,
            base: choice.base,
            conda: choice.conda,
        }
    }

    /// The same answers for an installation of another name.
    pub fn rename(&mut self, name: &Name) {
        self.installation = name.to_string();
        self.platform = name.platform().to_string();
        self.acceleration = name.acceleration().to_string();
        self.variant = name.variant().unwrap_or_default().to_owned();
    }
}
