//! `index.json`: what a shared directory or image holds, by installation.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::commands::sources::scene::Scene;
use crate::environment::sources::Artefact;
use crate::error::{Error, Result};
use crate::files::{self, Unfinished};
use crate::process::interrupted;

/// The file's name.
pub const FILE: &str = "index.json";

const SCHEMA: u32 = 1;

/// What is shared.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Index {
    /// The form of the file.
    pub schema: u32,
    /// By `project/installation`.
    pub installations: BTreeMap<String, Entry>,
}

/// The files of one installation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// `sha256:…` of the lock.
    pub lock: String,
    /// The files.
    pub files: Vec<Artefact>,
}

impl Index {
    /// What a directory says that it holds; nothing where it says nothing that is understood.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(directory: &Path) -> Result<Self> {
        let bytes = files::read_if_exists(&directory.join(FILE))?.unwrap_or_default();
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Notes an installation.
    pub fn add(&mut self, scene: &Scene<'_>) {
        let root = scene.project.root();
        let project = root.file_name().unwrap_or_default().to_string_lossy();
        let project = scene
            .reach
            .own_setting("PROJECT_NAME")
            .unwrap_or(project.into_owned());
        let entry = Entry {
            lock: format!("sha256:{}", files::digest(scene.text.as_bytes())),
            files: scene.inventory.artefacts.clone(),
        };
        let name = format!("{project}/{}", scene.installation.name());
        self.schema = SCHEMA;
        self.installations.insert(name, entry);
    }

    /// Writes it into a directory.
    ///
    /// # Errors
    /// When it cannot be written; `Interrupted` while another `sources push` writes it.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| Error::failed("cannot write the index").because(source))?;
        text.push('\n');
        let part = directory.join("index.json.part");
        let mut unfinished = Unfinished::wait_for(&part, interrupted)?;
        unfinished.restart()?;
        unfinished.append(text.as_bytes())?;
        unfinished.finish(&directory.join(FILE))
    }
}
