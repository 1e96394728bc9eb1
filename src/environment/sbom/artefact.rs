//! The file that a package was installed from: its address and its digests, where something that
//! the image or its lock holds tells.

use crate::environment::lock::Lock;
use crate::environment::origin::{Found, Origin, without_credentials};
use crate::environment::pylock::Resolved;
use crate::environment::requires::Interpreter;
use crate::environment::sbom::Contents;
use crate::environment::snapshot::{AptPackage, CondaPackage, Distribution};
use crate::environment::wheel::{Chosen, Tags, choose};

/// A file of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artefact {
    /// Its address, without credentials.
    pub url: Option<String>,
    /// Its SHA-256, in hexadecimal.
    pub sha256: Option<String>,
    /// Its MD5, where nothing better is known.
    pub md5: Option<String>,
}

impl Artefact {
    fn new(url: &str, sha256: &str) -> Self {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            url: some(url).map(|url| without_credentials(&url)),
            sha256: some(sha256),
            md5: None,
        }
    }

    /// The file of a system package.
    pub fn of_apt(package: &AptPackage, lock: Option<&Lock>) -> Self {
        if !package.sha256.is_empty() {
            return Self::new(package.url.as_deref().unwrap_or_default(), &package.sha256);
        }
        let apt = lock.map(|lock| &lock.apt);
        let lists = apt.map(|apt| [&apt.build, &apt.runtime, &apt.dev]);
        let mut locked = lists.into_iter().flatten().flatten();
        let locked = locked.find(|locked| {
            (&locked.name, &locked.version, &locked.architecture)
                == (&package.name, &package.version, &package.architecture)
        });
        locked.map_or_else(Self::default, |locked| {
            Self::new(&locked.url, &locked.sha256)
        })
    }

    /// The file of a conda package.
    pub fn of_conda(package: &CondaPackage) -> Self {
        let md5 = Some(package.md5.clone()).filter(|md5| !md5.is_empty());
        let found = Self::new(&package.url, &package.sha256);
        match found.sha256 {
            Some(_) => found,
            None => Self { md5, ..found },
        }
    }

    /// The file of a Python package.
    pub fn of_python(package: &Distribution, contents: &Contents) -> Self {
        match Found::of(package) {
            Found::Origin(Origin::Archive(archive)) => {
                let sha256 = archive.sha256.unwrap_or_default();
                Self::new(&archive.url, &sha256)
            }
            Found::Origin(origin @ Origin::Vcs(_)) => Self {
                url: Some(origin.address()),
                ..Self::default()
            },
            Found::Origin(Origin::Index) if !package.is_of_another_manager() => {
                of_index(package, contents).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }
}

/// The one file of an index that it can have come from, by what the build resolved or, where it
/// resolved nothing, by the lock.
fn of_index(package: &Distribution, contents: &Contents) -> Option<Artefact> {
    // A base image has its packages from elsewhere.
    let same = |known: &Distribution| {
        known.key() == package.key()
            && known.version == package.version
            && known.location == package.location
    };
    if contents.base.distributions().iter().any(same) {
        return None;
    }
    resolved(package, contents, &contents.resolved).or_else(|| locked(package, contents))
}

fn resolved(package: &Distribution, contents: &Contents, resolved: &Resolved) -> Option<Artefact> {
    let key = (package.key(), package.version.clone());
    let files = resolved.packages.get(&key)?;
    let file = only(package, contents, files, |file| &file.name)?;
    Some(Artefact::new(&file.url, file.sha256.as_deref()?))
}

fn locked(package: &Distribution, contents: &Contents) -> Option<Artefact> {
    let mut packages = contents.lock?.python_packages().iter();
    let key = package.key();
    let locked = packages.find(|locked| locked.name == key && locked.version == package.version)?;
    let file = only(package, contents, &locked.files, |file| &file.name)?;
    Some(Artefact::new(&file.url, &file.sha256))
}

fn only<'a, T>(
    package: &Distribution,
    contents: &Contents,
    files: &'a [T],
    name: impl Fn(&T) -> &str,
) -> Option<&'a T> {
    let tags = Tags::of_installed(&package.tags, package.build.as_deref());
    let interpreter = Interpreter::of(&contents.now);
    // What may be it and may not is no fact for a document.
    match choose(files, name, tags.as_ref(), &interpreter, false) {
        Chosen::Exactly(files) | Chosen::Sources(files) => match files[..] {
            [file] => Some(file),
            _ => None,
        },
        Chosen::Fitting(_) | Chosen::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::lock::{self, Base, PythonFile, PythonPackage};
    use crate::environment::snapshot::{Python, Snapshot};

    fn six(location: &str) -> Distribution {
        Distribution {
            name: "six".into(),
            version: "1.17.0".into(),
            location: location.into(),
            tags: vec!["py3-none-any".into()],
            ..Distribution::default()
        }
    }

    fn snapshot(packages: &[Distribution]) -> Snapshot {
        Snapshot {
            platform: "amd64".into(),
            python: Some(Python {
                version: "3.11.2".into(),
                distributions: packages.to_vec(),
                ..Python::default()
            }),
            ..Snapshot::default()
        }
    }

    fn lock_with(files: &[&str]) -> Lock {
        let files = files.iter().map(|name| PythonFile {
            name: (*name).into(),
            url: format!("https://files/{name}"),
            sha256: format!("digest of {name}"),
            size: None,
        });
        let mut lock = Lock::new("amd64", Base::default());
        lock.python = Some(lock::Python {
            packages: vec![PythonPackage {
                name: "six".into(),
                version: "1.17.0".into(),
                files: files.collect(),
                ..PythonPackage::default()
            }],
            ..lock::Python::default()
        });
        lock
    }

    fn digest_of(lock: &Lock, base: &[Distribution]) -> Option<String> {
        let package = six("/usr/lib/x");
        let contents = Contents {
            now: snapshot(std::slice::from_ref(&package)),
            base: snapshot(base),
            lock: Some(lock),
            ..Contents::default()
        };
        Artefact::of_python(&package, &contents).sha256
    }

    #[test]
    fn the_lock_tells_the_digest_of_the_one_file_that_it_can_be() {
        let wheel = "six-1.17.0-py3-none-any.whl";
        let lock = lock_with(&[wheel, "six-1.17.0.tar.gz"]);
        let expected = Some(format!("digest of {wheel}"));
        assert_eq!(digest_of(&lock, &[]), expected);
        // What may be any of several is not told.
        let several = lock_with(&[
            "six-1.17.0-cp311-cp311-linux_x86_64.whl",
            "six-1.17.0-py2-none-any.whl",
        ]);
        assert_eq!(digest_of(&several, &[]), None);
        // Nor is that of a package which the base image brought.
        assert_eq!(digest_of(&lock, &[six("/usr/lib/x")]), None);
        assert_eq!(digest_of(&lock, &[six("/elsewhere")]), expected);
    }

    #[test]
    fn addresses_lose_their_secrets() {
        let package = CondaPackage {
            url: "https://joe:pw@host/conda-forge/x.conda?token=pw".into(),
            md5: "0".into(),
            ..CondaPackage::default()
        };
        let found = Artefact::of_conda(&package);
        assert_eq!(
            found.url.as_deref(),
            Some("https://host/conda-forge/x.conda")
        );
        assert_eq!((found.sha256, found.md5.as_deref()), (None, Some("0")));
    }
}
