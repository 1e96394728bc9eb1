//! Telling team-mates where the images are: `envtpl.yaml` and the installation's `README.md`.

use std::path::PathBuf;

use crate::commands::sharing::Place;
use crate::error::Result;
use crate::files::{self, ChangeSet};
use crate::installation::layer::Layer;
use crate::installation::project_settings::{FILE, ProjectSettings};
use crate::installation::readme;
use crate::project::{Installation, Project};

/// The changes that remember where images are.
pub struct Announcement {
    changes: ChangeSet,
    settings: ProjectSettings,
    /// Installations whose `README.md` has no line for it.
    pub unmarked: Vec<String>,
}

impl Announcement {
    /// No changes yet.
    ///
    /// # Errors
    /// `Usage` when `envtpl.yaml` is wrong.
    pub fn new(project: &Project) -> Result<Self> {
        Ok(Self {
            changes: ChangeSet::new(project.root()),
            settings: ProjectSettings::read(project.root())?,
            unmarked: Vec::new(),
        })
    }

    /// Plans to remember where images of a layer are: in `envtpl.yaml` when nothing is remembered
    /// yet or it is asked for, and for the generic ones in the `README.md`.
    ///
    /// # Errors
    /// `Failed` when a file cannot be edited safely.
    pub fn add(
        &mut self,
        project: &Project,
        installation: &Installation,
        layer: Layer,
        place: &Place,
        wanted: bool,
    ) -> Result<()> {
        if place.other.is_some() && !wanted {
            return Ok(());
        }
        if (place.is_new || wanted)
            && (self.settings).remember(installation.name(), layer, &place.written)?
        {
            self.changes
                .write_keeping_mode(FILE, self.settings.text())?;
        }
        if layer != Layer::Generic {
            return Ok(());
        }
        let path = installation.path("README.md");
        let text = files::read_text_if_exists(&path)?.unwrap_or_default();
        match readme::with_repository(&text, &place.written, installation.name()) {
            Some(after) => {
                let below: PathBuf = path
                    .strip_prefix(project.root())
                    .unwrap_or(&path)
                    .to_owned();
                self.changes.write_keeping_mode(below, after)?;
            }
            None => self.unmarked.push(installation.name().to_string()),
        }
        Ok(())
    }

    /// The changes.
    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// Makes them; gives the files, relative to the project.
    ///
    /// # Errors
    /// When they cannot be made; then nothing has changed.
    pub fn commit(self) -> Result<Vec<String>> {
        let changed = (self.changes.changes())
            .map(|change| change.path.display().to_string())
            .collect();
        if !self.changes.is_empty() {
            self.changes.commit()?;
        }
        Ok(changed)
    }
}
