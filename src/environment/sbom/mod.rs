//! What an image is made of, for other tools: a software bill of materials, as SPDX or CycloneDX
//! write it.
//!
//! Conversion is pure and always gives the same bytes for the same image: no clock, no random
//! identifier.

mod artefact;
mod cyclonedx;
mod licence;
mod needs;
pub mod notes;
mod packages;
mod purl;
mod spdx;

use crate::environment::lock::Lock;
use crate::environment::pylock::Resolved;
use crate::environment::sbom::notes::Notes;
use crate::environment::snapshot::{Os, Snapshot};
use crate::files::digest;

pub use packages::{Kind, Package};

/// The format of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Spec {
    /// SPDX 2.3, JSON
    Spdx,
    /// CycloneDX 1.6, JSON
    CycloneDx,
}

/// The image that a bill is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The name that it was asked for by.
    pub name: String,
    /// `sha256:…`, the engine's id of it: the digest of its configuration.
    pub id: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// `name@sha256:…`, where a registry knows it.
    pub pinned: Option<String>,
    /// The commit that it was built from; empty where its labels do not say.
    pub revision: String,
    /// The address of the repository of that commit; may be empty.
    pub source: String,
    /// What it was built on, where that is known.
    pub base: Option<Base>,
    /// When it was made, RFC 3339 to the second.
    pub created: String,
}

/// The base image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    /// Its name, without a digest.
    pub name: String,
    /// The digest by which its registry knows it.
    pub digest: Option<String>,
}

/// What is known of the contents of an image.
#[derive(Debug, Clone, Default)]
pub struct Contents<'a> {
    /// What is installed.
    pub now: Snapshot,
    /// What its base image had.
    pub base: Snapshot,
    /// What its package databases say besides.
    pub notes: Notes,
    /// The files that its build chose Python packages from.
    pub resolved: Resolved,
    /// The lock that it was built from.
    pub lock: Option<&'a Lock>,
}

/// A software bill of materials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    image: Subject,
    os: Os,
    packages: Vec<Package>,
}

impl Bill {
    /// The bill of an image.
    pub fn new(image: Subject, contents: &Contents) -> Self {
        Self {
            image,
            os: contents.now.os.clone(),
            packages: packages::of(contents),
        }
    }

    /// The packages, by kind and name.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The document in one of the formats: indented JSON that ends with a newline.
    pub fn write(&self, spec: Spec) -> String {
        let document = match spec {
            Spec::Spdx => spdx::document(self),
            Spec::CycloneDx => cyclonedx::document(self),
        };
        format!("{document:#}\n")
    }
}

/// What wrote the bill.
const TOOL: &str = env!("CARGO_PKG_NAME");

/// Its version.
const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A UUID that is made of a document's own text (RFC 9562, version 8), so that another document has
/// another one, and the same document the same.
fn uuid_of(text: &str) -> String {
    let hash = digest(text.as_bytes());
    // The version and the variant stand at fixed places.
    format!(
        "{}-{}-8{}-a{}-{}",
        &hash[..8],
        &hash[8..12],
        &hash[13..16],
        &hash[17..20],
        &hash[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_an_identifier_of_its_own() {
        let one = uuid_of("one");
        assert_eq!(one, uuid_of("one"));
        assert_ne!(one, uuid_of("two"));
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!((&one[14..15], &one[19..20]), ("8", "a"));
    }
}
