//! The plain lists that the Dockerfile installs from, written from the lock.

use crate::environment::freeze::apt::apt_label;
use crate::environment::lock::{self, Lock};
use crate::environment::origin::Origin;

/// The directory of the lists in an installation.
pub const DIRECTORY: &str = "dependencies/locked";

const HEADER: &str = "# Written by `envtpl freeze` from envtpl.lock; do not edit.\n";

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Its name in [`DIRECTORY`].
    pub name: &'static str,
    /// Its text; `None` when there is nothing to list, and the file is not there.
    pub text: Option<String>,
}

/// The lists for a lock, in its order.
pub fn files(lock: &Lock) -> Vec<LockedFile> {
    let python = |of_index: bool| {
        let packages = lock.python_packages().iter();
        packages
            .filter(move |package| (package.origin == Origin::Index) == of_index)
            .map(|package| package.origin.exact(&package.name, &package.version))
            .collect()
    };
    let apt = |list: &[lock::AptPackage]| {
        list.iter()
            .map(|package| {
                let label = apt_label(&package.name, &package.architecture, &lock.platform);
                format!("{label}={}", package.version)
            })
            .collect()
    };
    vec![
        file("requirements.txt", python(true)),
        file("requirements-vcs.txt", python(false)),
        file("apt-build.txt", apt(&lock.apt.build)),
        file("apt-runtime.txt", apt(&lock.apt.runtime)),
        file("apt-dev.txt", apt(&lock.apt.dev)),
    ]
}

fn file(name: &'static str, lines: Vec<String>) -> LockedFile {
    let text = (!lines.is_empty()).then(|| format!("{HEADER}{}\n", lines.join("\n")));
    LockedFile { name, text }
}
