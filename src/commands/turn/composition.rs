//! The Compose files of the installation that is turned.

use crate::commands::turn::aside::Aside;
use crate::commands::turn::{Kept, Turn};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::installation::pin;
use crate::project::Installation;

/// The file that names the base image.
pub(super) const BASE: &str = "compose-base.yaml";

/// Refuses Compose files that cannot be read: lines can be merged into them, but what comes out
/// could not be used either.
///
/// # Errors
/// `Usage`, with the line.
pub(super) fn check(source: &Installation) -> Result<()> {
    for name in ["compose.yaml", BASE] {
        let path = source.path(name);
        let Some(text) = files::read_text_if_exists(&path)? else {
            continue;
        };
        if ComposeFile::parse(&path, &text)?.services().is_empty() {
            return Err(Error::usage(format!("`{name}` has no service"))
                .at(Place::file(&path))
                .help(format!("see what changed: git diff -- {name}")));
        }
    }
    Ok(())
}

impl Turn<'_> {
    /// `compose-base.yaml` without the digest that a freeze has given the base image, when there
    /// will be another image, or the same for another machine: it would name the old one.
    pub(super) fn without_pin(&self, path: &str, mine: Option<&Kept>) -> Option<Vec<u8>> {
        let (from, to) = (self.source.name(), &self.target.name);
        let same_machine =
            (from.platform(), from.acceleration()) == (to.platform(), to.acceleration());
        let stays = same_machine
            && self.record.answers.from_base == self.kind
            && self.target.base_image.is_none();
        if path != BASE || stays {
            return None;
        }
        let text = String::from_utf8(mine?.bytes.clone()).ok()?;
        let mut file = ComposeFile::parse(&self.source.path(BASE), &text).ok()?;
        let (name, digest) = pin::split(file.build_arg("BASE_IMAGE")?);
        digest?;
        let name = name.to_owned();
        file.set_build_arg("BASE_IMAGE", &name).ok()?;
        Some(file.text().as_bytes().to_vec())
    }

    /// The base image that the turned installation names, the person's own included.
    pub(super) fn base_image(&self, files: &Aside) -> Result<Option<String>> {
        let changed = files.files.get(BASE);
        let kept: Option<Kept> = match changed {
            Some(pair) => pair.written.clone(),
            None => self.mine(BASE)?,
        };
        let Some(kept) = kept else { return Ok(None) };
        let text = String::from_utf8_lossy(&kept.bytes);
        let file = ComposeFile::parse(&self.source.path(BASE), &text)?;
        Ok(file.build_arg("BASE_IMAGE").map(str::to_owned))
    }
}
