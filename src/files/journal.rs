//! A file below `.envtpl/` that grows while something goes on.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::boundary::{Last, refuse_leaving};
use super::{state, sys};
use crate::error::{Error, Result};

/// The file; what was written is in it at the latest when this goes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Journal {
    /// Begins a file of the project that is not there yet, readable for the person alone. The
    /// directory that it stands in is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(project_root: &Path, relative: impl AsRef<Path>) -> Result<Self> {
        let inside = Path::new(state::STATE_DIRECTORY).join(relative);
        refuse_leaving(project_root, &inside, Last::Itself)?;
        let path = project_root.join(inside);
        let made = sys::create_file(&path, b"").and_then(|file| {
            state::give_to_owner(project_root, &[&path])?;
            Ok(BufWriter::new(file))
        });
        match made {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(Error::io("write", &path, source)),
        }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let written = writeln!(self.file, "{line}");
        written.map_err(|source| Error::io("write", &self.path, source))
    }

    /// Lets others see what was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let flushed = self.file.flush();
        flushed.map_err(|source| Error::io("write", &self.path, source))
    }
}

/// Makes a directory below the project's `.envtpl/`, for the person alone; `None` when something
/// has that name.
///
/// # Errors
/// When it cannot be made.
pub fn make_kept_directory(
    project_root: &Path,
    relative: impl AsRef<Path>,
) -> Result<Option<PathBuf>> {
    let inside = Path::new(state::STATE_DIRECTORY).join(relative);
    refuse_leaving(project_root, &inside, Last::Itself)?;
    let path = project_root.join(inside);
    let parent = path.parent().unwrap_or(project_root);
    let made = state::prepare(project_root).and_then(|_| {
        state::ensure_directory(parent)?;
        sys::create_directory(&path)?;
        sys::set_mode(&path, 0o700)?;
        state::give_to_owner(project_root, &[parent, &path])
    });
    match made {
        Ok(()) => Ok(Some(path)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(source) => Err(Error::io("create", &path, source)),
    }
}
