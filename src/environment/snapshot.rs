//! What is really installed in an image or container, as its package databases say.
//!
//! The JSON comes from `entrypoints/snapshot.sh`, which each image carries. Newer scripts may say
//! more, so fields that are not known here are no error.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::environment::lock::PythonFile;
use crate::error::{Error, Result};
use crate::installation::requirements::normalise;

/// The newest form of the JSON that is understood here.
const SCHEMA: u32 = 1;

/// Where Debian's own Python packages are; pip never writes there.
const DEBIAN_PACKAGES: &str = "/usr/lib/python3/dist-packages";

/// What is installed somewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The form of the JSON.
    pub schema: u32,
    /// The processor architecture in Debian's words: `amd64`, `arm64`.
    pub platform: String,
    /// The distribution.
    #[serde(default)]
    pub os: Os,
    /// The environment's Python and its packages.
    #[serde(default)]
    pub python: Option<Python>,
    /// System packages.
    #[serde(default)]
    pub apt: Vec<AptPackage>,
    /// What the conda environment was made for, as written: the packages that `environment.yml`
    /// asked for when it was built.
    #[serde(default)]
    pub conda_specs: Vec<String>,
    /// Conda packages.
    #[serde(default)]
    pub conda: Vec<CondaPackage>,
    /// Python packages that were built from source to Python alone, by normalised name, each with a
    /// digest of its files.
    #[serde(default)]
    pub pure: BTreeMap<String, String>,
    /// Python packages that the build used and no image holds.
    #[serde(default)]
    pub tools: Vec<BuildTool>,
}

/// A Python package that a build used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildTool {
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What its wheel was for.
    pub tags: Vec<String>,
    /// The files that it came from, where the build knows.
    pub files: Vec<PythonFile>,
    /// The packages that were built from source with it, by normalised name.
    pub builds: Vec<String>,
}

/// A distribution as `/etc/os-release` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Os {
    /// `debian`, `ubuntu`.
    pub id: String,
    /// `12`, `24.04`; unstable distributions have none.
    pub version_id: String,
    /// `bookworm`, `noble`.
    pub codename: String,
}

/// For example "debian 12 (bookworm)".
impl fmt::Display for Os {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if !self.version_id.is_empty() {
            write!(f, " {}", self.version_id)?;
        }
        if !self.codename.is_empty() {
            write!(f, " ({})", self.codename)?;
        }
        Ok(())
    }
}

/// A Python and what is installed in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Python {
    /// The program.
    pub executable: String,
    /// Its full version, `3.11.2`.
    pub version: String,
    /// `sys.prefix`.
    pub prefix: String,
    /// Its packages.
    pub distributions: Vec<Distribution>,
}

/// An installed Python package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// Its name as it spells itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Other versions of which metadata lies beside its own: nothing tells which one is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What installed it: `pip`, `uv`, `conda`; empty when it does not say.
    #[serde(default)]
    pub installer: String,
    /// Whether the installer was asked for it, and did not bring it as a dependency.
    #[serde(default)]
    pub requested: bool,
    /// The directory that it is in.
    #[serde(default)]
    pub location: String,
    /// Where it came from, when that was no index (PEP 610).
    #[serde(default)]
    pub direct_url: Option<DirectUrl>,
    /// What it needs, as its `Requires-Dist` lines say.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Whether only this user sees it (`pip install --user`).
    #[serde(default)]
    pub user_site: bool,
    /// What the wheel was for (`py3-none-any`), be it one of an index or one made of sources; an
    /// old `setup.py install` leaves none.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The build number of the wheel.
    #[serde(default)]
    pub build: Option<String>,
}

impl Distribution {
    /// The name that decides whether two are the same package.
    pub fn key(&self) -> String {
        normalise(&self.name)
    }

    /// Whether conda or the distribution looks after it, and lists it itself.
    pub fn is_of_another_manager(&self) -> bool {
        self.installer == "conda" || self.location == DEBIAN_PACKAGES
    }
}

/// Where a package came from, as PEP 610 writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectUrl {
    /// The address.
    pub url: String,
    /// For a repository.
    #[serde(default)]
    pub vcs_info: Option<VcsInfo>,
    /// For a single file.
    #[serde(default)]
    pub archive_info: Option<ArchiveInfo>,
    /// For a directory.
    #[serde(default)]
    pub dir_info: Option<DirInfo>,
    /// The directory in the repository or archive.
    #[serde(default)]
    pub subdirectory: Option<String>,
}

/// A commit in a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VcsInfo {
    /// `git`, `hg`, `bzr`, `svn`.
    pub vcs: String,
    /// The branch, tag or commit that was asked for.
    pub requested_revision: Option<String>,
    /// The commit that was installed.
    pub commit_id: String,
}

/// A single file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchiveInfo {
    /// `sha256=…`, as older installers write it.
    pub hash: Option<String>,
    /// Digests by algorithm.
    pub hashes: std::collections::BTreeMap<String, String>,
}

/// A directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirInfo {
    /// Whether the package runs from the directory itself.
    pub editable: bool,
}

/// An installed system package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AptPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, `all` for those of every one.
    #[serde(default)]
    pub architecture: String,
    /// Whether apt was asked for it, and did not bring it as a dependency.
    #[serde(default)]
    pub manual: bool,
    /// The address that apt has it from, as far as that is known; empty when no archive that apt
    /// knows has this version. Packages of the base image tell nothing from here on.
    #[serde(default)]
    pub url: Option<String>,
    /// Whether there were lists of archives to look into.
    #[serde(default)]
    pub lists: Option<bool>,
    /// The digest of the package file.
    #[serde(default)]
    pub sha256: String,
    /// A moment at which the archive had it, `20260102T030405Z`, where its distribution keeps
    /// snapshots.
    #[serde(default)]
    pub snapshot: String,
    /// What it needs or recommends, as dpkg writes it; `None` when the script did not tell.
    #[serde(default)]
    pub depends: Option<String>,
    /// The names that it stands for, as dpkg writes it.
    #[serde(default)]
    pub provides: String,
    /// The declared names that it answered when the image was built, of which none is a package's.
    #[serde(default)]
    pub answers: Vec<String>,
}

impl AptPackage {
    /// The names of what it needs or recommends, alternatives included, without versions.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        names(self.depends.as_deref().unwrap_or_default())
    }

    /// The further names that it stands for.
    pub fn stands_for(&self) -> impl Iterator<Item = &str> {
        names(&self.provides)
    }
}

/// The names in a relationship field (Debian Policy 7.1): `a (>= 1) | b:any, c [amd64]`.
pub fn names(field: &str) -> impl Iterator<Item = &str> {
    field
        .split([',', '|'])
        .map(|one| {
            let one = one.trim_start();
            let end = one.find(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | ':'));
            &one[..end.unwrap_or(one.len())]
        })
        .filter(|name| !name.is_empty())
}

/// An installed conda package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondaPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its build string.
    #[serde(default)]
    pub build: String,
    /// The channel that it came from.
    #[serde(default)]
    pub channel: String,
    /// The address that it came from.
    #[serde(default)]
    pub url: String,
    /// The digest of the package file.
    #[serde(default)]
    pub sha256: String,
    /// The older digest of the package file.
    #[serde(default)]
    pub md5: String,
    /// What the person typed to get it; `None` for a dependency.
    #[serde(default)]
    pub requested: Option<String>,
}

impl Snapshot {
    /// Reads a snapshot; `origin` is the image or container that it tells about.
    ///
    /// # Errors
    /// When it is damaged or of a newer form than this envtpl knows.
    pub fn parse(json: &[u8], origin: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            schema: u32,
        }
        let damaged = |source: serde_json::Error| {
            Error::failed(format!("cannot read what is installed in `{origin}`"))
                .because(source)
                .help("build the image again, or look at what its /opt/envtpl/ holds")
        };
        let form: Form = serde_json::from_slice(json).map_err(damaged)?;
        check_form(form.schema, origin)?;
        let snapshot: Self = serde_json::from_slice(json).map_err(damaged)?;
        snapshot.check(origin)?;
        Ok(snapshot)
    }

    /// Checks what was read as a part of something else.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn check(&self, origin: &str) -> Result<()> {
        check_form(self.schema, origin)?;
        if self.conda.iter().any(|package| package.name.is_empty()) {
            return Err(Error::failed(format!(
                "conda's records in `{origin}` cannot be read by its user"
            ))
            .help("make them readable there: `sudo chmod -R a+rX` on conda's directory"));
        }
        Ok(())
    }

    /// The environment's Python packages; none where there is no Python.
    pub fn distributions(&self) -> &[Distribution] {
        self.python
            .as_ref()
            .map_or(&[], |python| &python.distributions)
    }
}

fn check_form(schema: u32, origin: &str) -> Result<()> {
    if schema > SCHEMA {
        return Err(Error::failed(format!(
            "`{origin}` describes itself in form {}, and this envtpl knows forms up to {SCHEMA}",
            schema
        ))
        .help("use the version of envtpl that the image was made with, or a newer one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_missing_lists_are_no_error() {
        let json = br#"{"schema":1,"platform":"amd64","later":[1],"python":{"version":"3.11.2",
            "distributions":[{"name":"Foo.Bar","version":"1","new":true,"direct_url":
            {"url":"https://h/x.git","vcs_info":{"vcs":"git","commit_id":"abc","more":1}}}]}}"#;
        let snapshot = Snapshot::parse(json, "x").expect("read");
        let foo = &snapshot.distributions()[0];
        assert_eq!(foo.key(), "foo-bar");
        assert_eq!(
            foo.direct_url
                .as_ref()
                .and_then(|url| url.vcs_info.as_ref())
                .map(|vcs| &*vcs.commit_id),
            Some("abc")
        );
        assert!(snapshot.apt.is_empty());
    }

    #[test]
    fn relationships_are_read_as_names() {
        let package = AptPackage {
            depends: Some("libc6 (>= 2.34), a|b (= 1:2~3) , python3:any, c[amd64],".into()),
            provides: "mail, netcat (= 1)".into(),
            ..AptPackage::default()
        };
        assert_eq!(
            package.needs().collect::<Vec<_>>(),
            ["libc6", "a", "b", "python3", "c"]
        );
        assert_eq!(package.stands_for().collect::<Vec<_>>(), ["mail", "netcat"]);
    }

    #[test]
    fn errors_name_the_image() {
        for (json, expected) in [
            (
                &b"{\"schema\":1"[..],
                "cannot read what is installed in `lab/x:1`",
            ),
            (&b""[..], "cannot read what is installed in `lab/x:1`"),
            (
                &br#"{"schema":1,"platform":"amd64","conda":[{"name":"","version":""}]}"#[..],
                "conda's records in `lab/x:1` cannot be read",
            ),
            (
                &b"{\"schema\":7}"[..],
                "`lab/x:1` describes itself in form 7",
            ),
        ] {
            let error = Snapshot::parse(json, "lab/x:1").expect_err("refused");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.helps().is_empty());
        }
    }
}
