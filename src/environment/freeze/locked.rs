//! The plain lists that the Dockerfile installs from, written from the lock.

use std::collections::BTreeSet;

use crate::environment::freeze::apt::apt_label;
use crate::environment::lock::{self, Lock, PythonFile, PythonPackage};
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
    let python = |kind: Kind| -> Vec<String> {
        let packages = lock.python_packages().iter();
        let packages = packages.filter(|package| package.unfrozen.is_none());
        packages
            .filter(|package| package.unfrozen.is_none() && Kind::of(package) == kind)
            .map(requirement)
            .collect()
    };
    let wheels = [answers(lock), python(Kind::Wheel)].concat();
    let apt = |list: &[lock::AptPackage]| {
        list.iter()
            .filter(|package| package.unfrozen.is_none())
            .map(|package| {
                let label = apt_label(&package.name, &package.architecture, &lock.platform);
                format!("{label}={}{}", package.version, apt_facts(package))
            })
            .collect()
    };
    vec![
        file("requirements.txt", wheels),
        file("requirements-build.txt", tools(lock)),
        file("requirements-source.txt", python(Kind::Source)),
        file("requirements-vcs.txt", python(Kind::Address)),
        file("apt-build.txt", apt(&lock.apt.build)),
        file("apt-runtime.txt", apt(&lock.apt.runtime)),
        file("apt-dev.txt", apt(&lock.apt.dev)),
        LockedFile {
            name: "conda.txt",
            text: conda(lock),
        },
    ]
}

/// What the build checks a package by, where its file is, and where the build looks for it when
/// its archive has another version by then: a comment, since every program that reads such a list
/// skips those.
fn apt_facts(package: &lock::AptPackage) -> String {
    let facts = [
        ("sha256", &package.sha256),
        ("snapshot", &package.snapshot),
        ("url", &package.url),
    ];
    let facts = facts.into_iter();
    let facts =
        facts.filter(|(_, value)| !value.is_empty() && !value.contains(char::is_whitespace));
    let facts: Vec<String> = facts
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    match facts.as_slice() {
        [] => String::new(),
        facts => format!(" # {}", facts.join(" ")),
    }
}

/// The conda packages as conda's explicit list (conda's documentation, "Building identical conda
/// environments"), with the lines of `environment.yml` that they answer: another line makes the
/// build choose again. `None` where there is no such environment, or where a package has no
/// address, since a list with a gap makes another environment.
///
/// All of conda, mamba and micromamba take `#sha256:…`; conda does since 24.9. They install in the
/// order of the list, and need Python before the packages for every platform, which it compiles.
fn conda(lock: &Lock) -> Option<String> {
    let mut packages: Vec<&lock::CondaPackage> = lock
        .conda
        .iter()
        .filter(|package| package.unfrozen.is_none())
        .collect();
    if lock.declared.conda.is_empty() || packages.iter().any(|package| package.url.is_empty()) {
        return None;
    }
    packages.sort_by_key(|package| (package.url.contains("/noarch/"), &package.name));
    let platform = match lock.platform.as_str() {
        "arm64" => "linux-aarch64",
        _ => "linux-64",
    };
    let asked = lock.declared.conda.iter();
    let asked: String = asked.map(|spec| format!("# asked: {spec}\n")).collect();
    let lines = packages.iter().map(|package| {
        let digest = match (package.sha256.as_str(), package.md5.as_str()) {
            ("", "") => String::new(),
            ("", md5) => format!("#{md5}"),
            (sha256, _) => format!("#sha256:{sha256}"),
        };
        format!("{}{digest}\n", package.url)
    });
    let lines: String = lines.collect();
    Some(format!(
        "{HEADER}# platform: {platform}\n{asked}@EXPLICIT\n{lines}"
    ))
}

/// How a build gets a Python package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As a wheel of an index.
    Wheel,
    /// From a source archive of an index.
    Source,
    /// From an address of its own.
    Address,
}

impl Kind {
    fn of(package: &PythonPackage) -> Self {
        let sources = !package.files.is_empty() && !package.files.iter().any(PythonFile::is_wheel);
        match package.origin {
            Origin::Index if sources => Self::Source,
            Origin::Index => Self::Wheel,
            _ => Self::Address,
        }
    }
}

/// Whether a build has to make a package from its sources.
pub(super) fn is_built(package: &PythonPackage) -> bool {
    match (Kind::of(package), &package.origin) {
        (Kind::Source, _) | (_, Origin::Vcs(_)) => true,
        (_, Origin::Archive(archive)) => !archive.url.ends_with(".whl"),
        _ => false,
    }
}

/// A line of pip's with every digest that will do, below the declared lines that it answers and
/// what it is built with, and to.
fn requirement(package: &PythonPackage) -> String {
    let declared = package.declared.iter();
    let mut line: String = declared.map(|line| format!("# asked: {line}\n")).collect();
    if !package.tools.is_empty() {
        line.push_str(&format!("# built with: {}\n", package.tools.join(" ")));
        if let Some(digest) = &package.pure {
            line.push_str(&format!("# Python alone: {digest}\n"));
        }
    }
    line.push_str(&package.origin.exact(&package.name, &package.version));
    line + &hashes(&package.files)
}

/// What the locked packages are built with, one line each; a name may be there with several
/// versions, and `python-plan.py` gives each package its own.
fn tools(lock: &Lock) -> Vec<String> {
    let packages = lock.python_packages().iter();
    let packages = packages.filter(|package| package.unfrozen.is_none());
    let used: BTreeSet<&lock::Tool> = packages
        .flat_map(|package| lock.tools_of(package))
        .collect();
    used.into_iter()
        .map(|tool| tool.exact() + &hashes(&tool.files))
        .collect()
}

fn hashes(files: &[PythonFile]) -> String {
    let hashes = files
        .iter()
        .map(|file| format!(" --hash=sha256:{}", file.sha256));
    hashes.collect()
}

/// What `python-plan.py` compares with what it finds, as comments: the Python, declared lines that
/// no package of the list is for, and the packages that must be there already. The empty line keeps
/// them apart for git.
fn answers(lock: &Lock) -> Vec<String> {
    let Some(python) = &lock.python else {
        return Vec::new();
    };
    let mut numbers = python.version.split('.');
    let minor = [numbers.next(), numbers.next()].map(Option::unwrap_or_default);
    let mut lines = vec![format!("# python: {}", minor.join("."))];
    let declared = lock.declared.python.iter();
    lines.extend(declared.map(|line| format!("# asked: {line}")));
    lines.extend(python.given.iter().map(|line| format!("# given: {line}")));
    if lines.len() == 1 && python.packages.is_empty() {
        return Vec::new();
    }
    if !python.packages.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn file(name: &'static str, lines: Vec<String>) -> LockedFile {
    let text = (!lines.is_empty()).then(|| format!("{HEADER}{}\n", lines.join("\n")));
    LockedFile { name, text }
}
