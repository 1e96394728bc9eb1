//! The record of what a build resolved: packages with their files, as uv writes `pylock.toml`.
//!
//! Format: PEP 751.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::environment::index::Listed;
use crate::environment::origin::without_credentials;
use crate::error::{Error, Result};
use crate::installation::requirements::normalise;

/// What a build resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The files that were offered, by normalised name and version; wheels for other platforms
    /// are not among them.
    pub packages: BTreeMap<(String, String), Vec<Listed>>,
    /// Digests of files with an address of their own, by address.
    pub archives: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    index: Option<String>,
    /// What the build adds to the form: why the version was taken back.
    yanked: Option<String>,
    sdist: Option<File>,
    #[serde(default)]
    wheels: Vec<File>,
    archive: Option<File>,
}

#[derive(Deserialize)]
struct File {
    name: Option<String>,
    #[serde(default)]
    url: String,
    size: Option<u64>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

impl Resolved {
    /// Reads the record; `origin` is the image that has it.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let document: Document = toml_edit::de::from_str(text).map_err(|source| {
            Error::failed(format!(
                "cannot read what was resolved for `{origin}` (resolved.toml)"
            ))
            .because(source)
            .help("build the image again")
        })?;
        let mut resolved = Self::default();
        for package in document.packages {
            if let Some(archive) = &package.archive
                && let Some(sha256) = archive.hashes.get("sha256")
            {
                let url = without_credentials(&archive.url);
                resolved.archives.insert(url, sha256.clone());
            }
            let files = package.wheels.iter().chain(&package.sdist);
            let files: Vec<Listed> = files
                .filter_map(|file| file.listed(package.index.as_deref()))
                .map(|file| Listed {
                    yanked: package.yanked.clone(),
                    ..file
                })
                .collect();
            if !files.is_empty() {
                let key = (normalise(&package.name), package.version);
                resolved.packages.insert(key, files);
            }
        }
        Ok(resolved)
    }
}

impl File {
    /// As an index lists it; a file without an address is one of the build itself.
    fn listed(&self, index: Option<&str>) -> Option<Listed> {
        let url = without_credentials(&self.url);
        if url.is_empty() {
            return None;
        }
        let in_url = url.split('?').next()?.rsplit('/').next()?;
        Some(Listed {
            name: self
                .name
                .clone()
                .unwrap_or_else(|| crate::environment::origin::unescaped(in_url)),
            url,
            sha256: self.hashes.get("sha256").cloned(),
            size: self.size,
            yanked: None,
            index: index.map(without_credentials),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As uv 0.13.8 wrote it.
    const TEXT: &str = r#"
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11.7"

[[packages]]
name = "torch"
version = "2.1.0+cpu"
yanked = "broken"
index = "https://u:p@more/whl"
wheels = [
    { url = "https://more/whl/torch-2.1.0%2Bcpu-cp311-cp311-linux_x86_64.whl", upload-time = 2024-12-04T17:35:26Z, size = 11050, hashes = { sha256 = "aa" } },
]

[[packages]]
name = "thing"
version = "1"
archive = { url = "https://joe:pw@h/thing-1-py3-none-any.whl", hashes = { sha256 = "bb" } }
"#;

    #[test]
    fn files_have_the_names_of_their_addresses_and_no_credentials() {
        let resolved = Resolved::parse(TEXT, "x").expect("read");
        let torch = &resolved.packages[&("torch".to_owned(), "2.1.0+cpu".to_owned())];
        assert_eq!(
            torch,
            &[Listed {
                name: "torch-2.1.0+cpu-cp311-cp311-linux_x86_64.whl".into(),
                url: "https://more/whl/torch-2.1.0%2Bcpu-cp311-cp311-linux_x86_64.whl".into(),
                sha256: Some("aa".into()),
                size: Some(11050),
                yanked: Some("broken".into()),
                index: Some("https://more/whl".into()),
            }]
        );
        assert_eq!(resolved.packages.len(), 1);
        let archive = &resolved.archives["https://h/thing-1-py3-none-any.whl"];
        assert_eq!(archive, "bb");
        let error = Resolved::parse("[", "lab/x").expect_err("refused");
        assert!(error.message().contains("`lab/x`"), "{error}");
    }
}
