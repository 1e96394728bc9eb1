//! What was pushed or pulled, for people and programs.

use serde::Serialize;

use crate::installation::flavour::Flavour;
use crate::installation::layer::Layer;
use crate::output::Table;

/// A name of an image in a registry.
#[derive(Debug, Serialize)]
pub struct There {
    /// The full name.
    pub name: String,
    /// What the registry knows it by, where that is known.
    pub digest: Option<String>,
}

/// An image that was moved, or would be.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// Whose it is.
    pub installation: String,
    /// Which layer.
    pub layer: Layer,
    /// Which flavour.
    pub flavour: Flavour,
    /// Its names on this machine.
    pub local: Vec<String>,
    /// The engine's id of it.
    pub id: Option<String>,
    /// The commit that it was built from.
    pub commit: String,
    /// Its names in the registry.
    pub there: Vec<There>,
}

/// An index of images for several platforms.
#[derive(Debug, Serialize)]
pub struct Index {
    /// The full name.
    pub name: String,
    /// What the registry knows it by; `None` before it is made.
    pub digest: Option<String>,
    /// What is in it, as `linux/amd64`.
    pub platforms: Vec<String>,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether it was only shown.
    pub dry_run: bool,
    /// The images.
    pub images: Vec<Moved>,
    /// Indexes over platforms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// Files of the project that changed, or would.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// The names in the registry.
pub fn pushed(report: &Report) -> String {
    let mut table = Table::new(["image", "digest"]);
    let names = report.images.iter().flat_map(|image| &image.there);
    let names = names.map(|there| (&there.name, &there.digest));
    let indexes = report.indexes.iter();
    let indexes = indexes.map(|index| (&index.name, &index.digest));
    for (name, digest) in names.chain(indexes) {
        let digest = digest.clone().unwrap_or_else(|| "-".to_owned());
        table.row([name.clone(), digest]);
    }
    table.to_string()
}

/// The names on this machine.
pub fn pulled(report: &Report) -> String {
    let mut table = Table::new(["image", "from", "commit"]);
    for image in &report.images {
        let from = image.there.first().map(|there| there.name.clone());
        let commit: String = image.commit.chars().take(7).collect();
        for local in &image.local {
            table.row([
                local.clone(),
                from.clone().unwrap_or_default(),
                commit.clone(),
            ]);
        }
    }
    table.to_string()
}
