//! One side of a comparison: what it is, and what is known of it.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::engine::Configuration;
use crate::environment::compare::Packages;
use crate::environment::lock::Lock;

/// Where an environment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An image of the engine; with the installation whose it is, if that was asked for.
    Image {
        /// Its name or id.
        name: String,
        /// The installation.
        installation: Option<String>,
    },
    /// A running container, by name or id.
    Container(String),
    /// A lock, read already.
    Lock {
        /// The file, or the commit and the file.
        name: String,
        /// The lock.
        lock: Box<Lock>,
        /// Whether it is that of a commit.
        of_commit: bool,
    },
    /// A file with a snapshot.
    Snapshot(PathBuf),
}

/// What kind of place it is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image.
    Image,
    /// A running container.
    Container,
    /// A lock.
    Lock,
    /// A lock in a commit.
    Commit,
    /// A snapshot.
    Snapshot,
}

impl Place {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Image { .. } => Kind::Image,
            Self::Container(_) => Kind::Container,
            Self::Lock {
                of_commit: true, ..
            } => Kind::Commit,
            Self::Lock { .. } => Kind::Lock,
            Self::Snapshot(_) => Kind::Snapshot,
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Image { name, .. } | Self::Container(name) | Self::Lock { name, .. } => {
                name.clone()
            }
            Self::Snapshot(path) => path.display().to_string(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind() {
            Kind::Image => "the image",
            Kind::Container => "the running container",
            Kind::Lock | Kind::Commit => "the lock",
            Kind::Snapshot => "the snapshot",
        };
        write!(f, "{what} {}", self.name())
    }
}

/// What is known of a place.
#[derive(Debug, Clone)]
pub struct Side {
    /// The place.
    pub place: Place,
    /// Its packages; those of a lock are beyond its base image.
    pub packages: Packages,
    /// The packages of its base image, where they are known.
    pub base: Option<Packages>,
    /// Distribution, platform and Python, by name.
    pub basics: Vec<(&'static str, String)>,
    /// How the image or container is set up.
    pub configuration: Option<Configuration>,
}
