//! Images as directories (OCI image layout specification 1.0), as builders export them.

mod layer;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;

/// What BuildKit writes on layers whose files it gave one time (`rewrite-timestamp`).
const REWRITTEN: &str = "buildkit/rewritten-timestamp";

/// An image in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its layers, lowest first.
    pub layers: Vec<ExportedLayer>,
}

/// A layer of an exported image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedLayer {
    /// `sha256:…` of its bytes.
    pub digest: String,
    /// The instruction that made it; empty where the image does not tell.
    pub made_by: String,
    /// Whether its files were given one time.
    pub rewritten: bool,
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default)]
    history: Vec<Past>,
}

#[derive(Debug, Deserialize)]
struct Past {
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    empty_layer: bool,
}

impl Layout {
    /// Reads the only image of a directory.
    ///
    /// # Errors
    /// When a file is missing or not as the specification says.
    pub fn read(directory: &Path) -> Result<Self> {
        let index: Index = json(&directory.join("index.json"))?;
        let unexpected = || {
            Error::failed(format!(
                "the exported image in `{}` is none",
                directory.display()
            ))
        };
        let first = index.manifests.first().ok_or_else(unexpected)?;
        let manifest: Manifest = json(&blob(directory, &first.digest).ok_or_else(unexpected)?)?;
        let config = blob(directory, &manifest.config.digest).ok_or_else(unexpected)?;
        let config: Config = json(&config)?;
        let mut steps = config.history.into_iter().filter(|past| !past.empty_layer);
        let layers = manifest.layers.into_iter().map(|layer| {
            Ok(ExportedLayer {
                path: blob(directory, &layer.digest).ok_or_else(unexpected)?,
                made_by: steps.next().map(|past| past.created_by).unwrap_or_default(),
                rewritten: layer.annotations.contains_key(REWRITTEN),
                digest: layer.digest,
            })
        });
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
        })
    }
}

impl ExportedLayer {
    /// The paths whose entries are not the same in another layer; both must be uncompressed.
    ///
    /// # Errors
    /// When one cannot be read as a tar archive.
    pub fn differing_files(&self, other: &Self) -> Result<Vec<String>> {
        let entries = |path: &Path| {
            let source = files::open(path)?;
            layer::entries(source).map_err(|source| Error::io("read", path, source))
        };
        let (one, other) = (entries(&self.path)?, entries(&other.path)?);
        let paths: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let differing = paths
            .into_iter()
            .filter(|path| one.get(*path) != other.get(*path));
        Ok(differing.cloned().collect())
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&files::read(path)?).map_err(|source| {
        Error::failed(format!("cannot read `{}`", path.display())).because(source)
    })
}

/// The file of a digest; `None` for what is no digest.
fn blob(directory: &Path, digest: &str) -> Option<PathBuf> {
    let (algorithm, hex) = digest.split_once(':')?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(algorithm) && plain(hex)).then(|| directory.join("blobs").join(algorithm).join(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_a_file_below_the_directory_and_nothing_else_is() {
        let at = |digest| blob(Path::new("/x"), digest);
        assert_eq!(at("sha256:ab"), Some("/x/blobs/sha256/ab".into()));
        assert_eq!(at("sha256:../../etc/passwd"), None);
        assert_eq!(at("ab"), None);
    }
}
