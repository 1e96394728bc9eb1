//! `envtpl.yaml` at the project's root: what holds for the whole project and everybody in it.
//!
//! Format: `docs/project-settings.md`. A key has a module of its own that reads and judges its
//! value, a line in [`KEYS`] and a field; what nobody reads is an error, since a misspelt key would
//! otherwise be silently without effect.

mod images;
mod registries;
mod section;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files;
use crate::installation::layer::Layer;
use crate::installation::name::Name;
use crate::installation::yaml_document::{Step, YamlDocument};

use images::Images;
use registries::Registries;
use section::Section;

/// The file, at the project's root.
pub const FILE: &str = "envtpl.yaml";

/// The keys that the file may have.
pub const KEYS: [&str; 2] = ["registries", "images"];

/// What a new file begins with.
const HEADING: &str = "# Settings of this project, for everybody who works on it.\n";

/// The project's settings; without a file, none are set.
#[derive(Debug, Clone)]
pub struct ProjectSettings {
    path: PathBuf,
    document: YamlDocument,
    registries: Registries,
    images: Images,
}

impl ProjectSettings {
    /// Reads the settings of the project with this root.
    ///
    /// # Errors
    /// `Usage` when the file is not YAML, or has a key or value that it cannot have, with the line.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = files::read_text_if_exists(&path)?;
        Self::parse(&path, &text.unwrap_or_default())
    }

    /// Understands a file's text; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = YamlDocument::parse(path, text)?;
        let file = Section::whole(&document);
        file.refuse_unknown(&KEYS)?;
        let registries = Registries::read(&file.below("registries"))?;
        let images = Images::read(&file.below("images"), &registries)?;
        Ok(Self {
            path: path.to_owned(),
            registries,
            images,
            document,
        })
    }

    /// The text, byte for byte; empty without a file.
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// The full name of a repository of images: the name that an alias stands for in the place of
    /// the alias.
    ///
    /// # Errors
    /// `Usage` when it is no repository, or begins with an alias that is not there.
    pub fn resolve(&self, repository: &str) -> Result<String> {
        self.registries.resolve(repository)
    }

    /// Where an installation's images of a layer are pushed to and pulled from, as written.
    pub fn repository(&self, installation: &Name, layer: Layer) -> Option<&str> {
        self.images.repository(installation, layer)
    }

    /// The installations that have places of their own, each with its key.
    pub fn installations(&self) -> impl Iterator<Item = (&Name, crate::error::Place)> {
        let named = self.images.installations();
        named.map(|(name, key)| {
            let way = [Step::Key("images"), Step::Key(key)];
            (name, self.document.key_place(&way))
        })
    }

    /// Remembers where images of a layer are: for the installation where it has a place of its own,
    /// else for the project. Says whether the file changed.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely, with what to write by hand.
    pub fn remember(&mut self, name: &Name, layer: Layer, repository: &str) -> Result<bool> {
        let layer_key = layer.to_string();
        let mut document = self.document.clone();
        let changed = if document.value().is_null() {
            let before = match document.text() {
                "" => HEADING,
                text => text,
            };
            let end = if before.ends_with('\n') { "" } else { "\n" };
            // A mapping to add to.
            let start = format!("{before}{end}images:\n  {layer_key}: x\n");
            document = YamlDocument::parse(&self.path, &start)?;
            document.set(&[Step::Key("images"), Step::Key(&layer_key)], repository)?
        } else if document.get(&[Step::Key("images")]).is_none() {
            document.add_mapping("images", &layer_key, repository)?;
            true
        } else {
            let own = self.images.key_of(name, layer);
            let way: Vec<Step> = [Some("images"), own, Some(&layer_key)]
                .into_iter()
                .flatten()
                .map(Step::Key)
                .collect();
            document.set(&way, repository)?
        };
        *self = Self::parse(&self.path, document.text())?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests;
