//! `images:`, the repositories that the project's images are pushed to and pulled from: `generic:`
//! and `user:` for all installations, whose names are in the tags, or below an installation's name
//! for it alone.

use std::collections::BTreeMap;

use super::registries::Registries;
use super::section::Section;
use crate::error::Result;
use crate::installation::layer::Layer;
use crate::installation::name::Name;

/// The layers, as they are called in the file.
const LAYERS: [(&str, Layer); 2] = [("generic", Layer::Generic), ("user", Layer::User)];

/// Where the images of each layer are, as written.
type Repositories = BTreeMap<Layer, String>;

/// Where images are.
#[derive(Debug, Clone, Default)]
pub struct Images {
    project: Repositories,
    installations: Vec<Own>,
}

/// Where those of one installation are.
#[derive(Debug, Clone)]
struct Own {
    key: String,
    name: Name,
    repositories: Repositories,
}

impl Images {
    /// Reads the section.
    ///
    /// # Errors
    /// `Usage` for a key that is neither a layer nor an installation, or a value that is no
    /// repository.
    pub fn read(section: &Section<'_>, registries: &Registries) -> Result<Self> {
        let mut images = Self::default();
        for (key, entry) in section.entries()? {
            if let Some(layer) = layer(key) {
                images
                    .project
                    .insert(layer, repository(&entry, registries)?);
                continue;
            }
            let Ok(name) = key.parse() else {
                return Err(entry
                    .wrong_key("is neither `generic` nor `user` nor an installation's name")
                    .help("for all installations: `generic: registry.example/lab/project`")
                    .help("for one: `amd64-cuda: {generic: registry.example/lab/project}`"));
            };
            entry.refuse_unknown(&LAYERS.map(|(key, _)| key))?;
            let mut repositories = Repositories::new();
            for (key, entry) in entry.entries()? {
                if let Some(layer) = layer(key) {
                    repositories.insert(layer, repository(&entry, registries)?);
                }
            }
            images.installations.push(Own {
                key: key.to_owned(),
                name,
                repositories,
            });
        }
        Ok(images)
    }

    /// Where an installation's images of a layer are, as written.
    pub fn repository(&self, name: &Name, layer: Layer) -> Option<&str> {
        let own = self.own(name).and_then(|own| own.repositories.get(&layer));
        own.or(self.project.get(&layer)).map(String::as_str)
    }

    /// The installations that are named, each with its key.
    pub fn installations(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.installations.iter().map(|own| (&own.name, &*own.key))
    }

    /// The key of an installation that has a place of its own for a layer.
    pub fn key_of(&self, name: &Name, layer: Layer) -> Option<&str> {
        let own = self.own(name)?;
        own.repositories.contains_key(&layer).then_some(&*own.key)
    }

    fn own(&self, name: &Name) -> Option<&Own> {
        let mut all = self.installations.iter();
        all.find(|own| own.name.same_environment(name))
    }
}

fn layer(key: &str) -> Option<Layer> {
    let mut layers = LAYERS.into_iter();
    layers
        .find(|(name, _)| *name == key)
        .map(|(_, layer)| layer)
}

fn repository(entry: &Section<'_>, registries: &Registries) -> Result<String> {
    let written = entry.text()?;
    match registries.resolve(written) {
        Ok(_) => Ok(written.to_owned()),
        Err(error) => {
            let helps = error.helps().to_vec();
            let wrong = entry.wrong(&format!("names no repository: {}", error.message()));
            Err(helps
                .into_iter()
                .fold(wrong, |wrong, help| wrong.help(help)))
        }
    }
}
