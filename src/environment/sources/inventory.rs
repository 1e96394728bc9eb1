//! What a lock names, as files that can be kept.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::environment::lock::{Apt, AptPackage, CondaPackage, Lock, PythonFile, PythonPackage};
use crate::environment::origin::Origin;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A file of a Python package index.
    Python,
    /// A Python package's file with an address of its own.
    Archive,
    /// A commit of a repository.
    Git,
    /// A conda package.
    Conda,
    /// A system package of `apt-build.txt`.
    AptBuild,
    /// A system package of `apt-runtime.txt`.
    AptRuntime,
    /// A system package of `apt-dev.txt`.
    AptDev,
    /// What the build itself uses; it is in no image.
    Tool,
}

/// What tells that a file is the right one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// The SHA-256 of a file, in hexadecimal.
    Sha256(String),
    /// A commit, which tells the contents of everything that it holds.
    Commit(String),
}

impl Digest {
    fn sha256(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        good.then_some(Self::Sha256(text))
    }

    fn commit(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let good =
            matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        good.then_some(Self::Commit(text))
    }

    /// The digits.
    pub fn digits(&self) -> &str {
        match self {
            Self::Sha256(digits) | Self::Commit(digits) => digits,
        }
    }
}

/// A file that the lock names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Artefact {
    /// What it is for.
    pub kind: Kind,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The file's name.
    pub file: String,
    /// Its address, without credentials.
    pub url: String,
    /// What tells that it is the right one.
    #[serde(flatten)]
    pub digest: Digest,
    /// Its size in bytes, where the lock tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// For a system package: a moment at which its archive had it (`20260102T030405Z`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snapshot: String,
}

impl std::fmt::Display for Artefact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.package, self.version, self.file)
    }
}

/// A package that no file can be kept for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unstorable {
    /// What it is for.
    pub kind: Kind,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Why.
    pub why: String,
}

impl std::fmt::Display for Unstorable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.package, self.version, self.why)
    }
}

/// What installs the conda packages, as `compose-base.yaml` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installer {
    /// `CONDA_URL`.
    pub url: String,
    /// `CONDA_SHA256`.
    pub sha256: String,
}

/// Everything that a build from a lock needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The files, sorted, each once.
    pub artefacts: Vec<Artefact>,
    /// What has none.
    pub unstorable: Vec<Unstorable>,
}

const NO_FILE: &str = "the lock names no file with a sha256 for it; build, and freeze again";

impl Inventory {
    /// What a lock names, and what installs its conda packages.
    pub fn of(lock: &Lock, installer: Option<&Installer>) -> Self {
        let mut inventory = Self::default();
        for package in lock.python_packages() {
            inventory.python(package);
        }
        for package in &lock.conda {
            inventory.conda(package);
        }
        inventory.apt(&lock.apt);
        if lock.python.is_some() && !lock.tools.iter().any(|tool| tool.name == "uv") {
            let why =
                "the lock does not name what installs the Python packages; build, and freeze again";
            inventory.refuse(Kind::Tool, "uv", "", why);
        }
        for tool in &lock.tools {
            inventory.files(Kind::Tool, &tool.name, &tool.version, &tool.files);
        }
        if let Some(installer) = installer.filter(|_| !lock.conda.is_empty()) {
            inventory.installer(installer);
        }
        inventory.artefacts.sort();
        inventory.artefacts.dedup();
        inventory
    }

    fn python(&mut self, package: &PythonPackage) {
        let (name, version) = (&package.name, &package.version);
        if let Some(why) = &package.unfrozen {
            return self.refuse(Kind::Python, name, version, why);
        }
        match &package.origin {
            Origin::Index => self.files(Kind::Python, name, version, &package.files),
            Origin::Archive(archive) => {
                let sha256 = archive.sha256.as_deref().unwrap_or_default();
                self.file(Kind::Archive, (name, version), &archive.url, sha256, None);
            }
            Origin::Nowhere => {
                self.refuse(Kind::Python, name, version, "no build can get it again")
            }
            Origin::Vcs(repository) => match Digest::commit(&repository.commit) {
                Some(digest) => self.artefacts.push(Artefact {
                    kind: Kind::Git,
                    package: name.clone(),
                    version: version.clone(),
                    file: format!("{}.bundle", digest.digits()),
                    url: repository.url.clone(),
                    digest,
                    size: None,
                    snapshot: String::new(),
                }),
                None => self.refuse(Kind::Git, name, version, "the lock names no commit for it"),
            },
        }
    }

    fn conda(&mut self, package: &CondaPackage) {
        let (name, version) = (&package.name, &package.version);
        match &package.unfrozen {
            Some(why) => self.refuse(Kind::Conda, name, version, why),
            None => self.file(
                Kind::Conda,
                (name, version),
                &package.url,
                &package.sha256,
                None,
            ),
        }
    }

    fn apt(&mut self, apt: &Apt) {
        let lists = [
            (Kind::AptBuild, &apt.build),
            (Kind::AptRuntime, &apt.runtime),
            (Kind::AptDev, &apt.dev),
        ];
        for (kind, packages) in lists {
            for package in packages {
                self.deb(kind, package);
            }
        }
    }

    fn deb(&mut self, kind: Kind, package: &AptPackage) {
        let (name, version) = (&package.name, &package.version);
        match &package.unfrozen {
            Some(why) => self.refuse(kind, name, version, why),
            None => {
                self.file(kind, (name, version), &package.url, &package.sha256, None);
                if let Some(last) = self
                    .artefacts
                    .last_mut()
                    .filter(|last| last.url == package.url)
                {
                    last.snapshot.clone_from(&package.snapshot);
                }
            }
        }
    }

    fn installer(&mut self, installer: &Installer) {
        // `file:NAME` is a file of the installation itself.
        if !installer.url.starts_with("file:") {
            let package = ("conda installer", "");
            self.file(Kind::Tool, package, &installer.url, &installer.sha256, None);
        }
    }

    fn files(&mut self, kind: Kind, package: &str, version: &str, files: &[PythonFile]) {
        if files.is_empty() {
            self.refuse(kind, package, version, NO_FILE);
        }
        for file in files {
            self.named(kind, (package, version), file);
        }
    }

    fn file(
        &mut self,
        kind: Kind,
        package: (&str, &str),
        url: &str,
        sha256: &str,
        size: Option<u64>,
    ) {
        let file = PythonFile {
            name: last_part(url),
            url: url.to_owned(),
            sha256: sha256.to_owned(),
            size,
        };
        self.named(kind, package, &file);
    }

    fn named(&mut self, kind: Kind, (package, version): (&str, &str), file: &PythonFile) {
        if file.url.is_empty() {
            return self.refuse(kind, package, version, NO_FILE);
        }
        // The lock comes from a repository, and the name becomes one on this machine's disk.
        if !is_file_name(&file.name) {
            return self.refuse(
                kind,
                package,
                version,
                "what the lock names is no name of a file",
            );
        }
        match Digest::sha256(&file.sha256) {
            Some(digest) => self.artefacts.push(Artefact {
                kind,
                package: package.to_owned(),
                version: version.to_owned(),
                file: file.name.clone(),
                url: file.url.clone(),
                digest,
                size: file.size,
                snapshot: String::new(),
            }),
            None => self.refuse(kind, package, version, NO_FILE),
        }
    }

    fn refuse(&mut self, kind: Kind, package: &str, version: &str, why: &str) {
        self.unstorable.push(Unstorable {
            kind,
            package: package.to_owned(),
            version: version.to_owned(),
            why: why.to_owned(),
        });
    }

    /// The digests, each once: what the store holds.
    pub fn digests(&self) -> BTreeSet<&Digest> {
        self.artefacts
            .iter()
            .map(|artefact| &artefact.digest)
            .collect()
    }
}

/// The file's name in an address.
fn last_part(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Whether a text can be the name of a file in a directory, and nothing else.
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.starts_with('-')
        && !name.chars().any(|c| c == '/' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::lock::{Base, Python, Tool};
    use crate::environment::origin::{Archive, Repository};

    fn file(name: &str, digit: &str) -> PythonFile {
        PythonFile {
            name: name.into(),
            url: format!("https://files/{name}"),
            sha256: digit.repeat(64),
            size: Some(3),
        }
    }

    fn lock(packages: Vec<PythonPackage>) -> Lock {
        let mut lock = Lock::new("amd64", Base::default());
        lock.python = Some(Python {
            packages,
            ..Python::default()
        });
        lock.tools = vec![Tool {
            name: "uv".into(),
            version: "1".into(),
            files: vec![file("uv-1.whl", "f")],
        }];
        lock
    }

    fn package(name: &str, origin: Origin) -> PythonPackage {
        PythonPackage {
            name: name.into(),
            version: "1".into(),
            origin,
            ..PythonPackage::default()
        }
    }

    #[test]
    fn every_kind_of_origin_is_a_file_with_a_digest() {
        let mut six = package("six", Origin::Index);
        six.files = vec![file("six-1.whl", "a"), file("six-1.tar.gz", "b")];
        let archive = package(
            "arc",
            Origin::Archive(Archive {
                url: "https://h/v1.tar.gz?x=1".into(),
                sha256: Some("C".repeat(64)),
                subdirectory: None,
            }),
        );
        let git = package(
            "repo",
            Origin::Vcs(Repository {
                system: "git".into(),
                url: "https://h/repo".into(),
                commit: "d".repeat(40),
                revision: None,
                subdirectory: None,
            }),
        );
        let mut lock = lock(vec![six, archive, git]);
        lock.conda = vec![CondaPackage {
            name: "zlib".into(),
            url: "https://c/linux-64/zlib-1-0.conda".into(),
            sha256: "e".repeat(64),
            ..CondaPackage::default()
        }];
        let installer = Installer {
            url: "https://m/micromamba".into(),
            sha256: "0".repeat(64),
        };
        let inventory = Inventory::of(&lock, Some(&installer));
        assert_eq!(inventory.unstorable, []);
        let names: Vec<(Kind, &str, &str)> = inventory
            .artefacts
            .iter()
            .map(|one| (one.kind, one.file.as_str(), &one.digest.digits()[..1]))
            .collect();
        let bundle = format!("{}.bundle", "d".repeat(40));
        assert_eq!(
            names,
            [
                (Kind::Python, "six-1.tar.gz", "b"),
                (Kind::Python, "six-1.whl", "a"),
                (Kind::Archive, "v1.tar.gz", "c"),
                (Kind::Git, bundle.as_str(), "d"),
                (Kind::Conda, "zlib-1-0.conda", "e"),
                (Kind::Tool, "micromamba", "0"),
                (Kind::Tool, "uv-1.whl", "f"),
            ]
        );
    }

    #[test]
    fn what_has_no_file_or_no_digest_is_named() {
        let mut odd = package("odd", Origin::Index);
        odd.files = vec![PythonFile {
            name: "../../x".into(),
            ..file("x", "a")
        }];
        let mut short = package("short", Origin::Index);
        short.files = vec![PythonFile {
            sha256: "abc".into(),
            ..file("x", "a")
        }];
        let mut mine = package("mine", Origin::Index);
        mine.unfrozen = Some("it is from here".into());
        let mut lock = lock(vec![package("bare", Origin::Index), odd, short, mine]);
        lock.tools.clear();
        lock.conda = vec![CondaPackage {
            name: "old".into(),
            url: "https://c/old.conda".into(),
            md5: "a".repeat(32),
            ..CondaPackage::default()
        }];
        let inventory = Inventory::of(&lock, None);
        assert_eq!(inventory.artefacts, []);
        let named: Vec<&str> = inventory
            .unstorable
            .iter()
            .map(|one| one.package.as_str())
            .collect();
        assert_eq!(named, ["bare", "odd", "short", "mine", "old", "uv"]);
    }
}
