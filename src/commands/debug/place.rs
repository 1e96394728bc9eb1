//! Where evidence is written.

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::commands::debug::outcome::{Kept, Outcome};
use crate::commands::debug::report::Report;
use crate::error::{Error, Place, Result};
use crate::files::{self, EntryKind, Scratch};
use crate::project::{Build, Project, build_directory};

/// The file that says how the failed state is had again.
const KEPT: &str = "state.json";
/// The file by which a directory is known to be evidence.
pub const RECORD: &str = "debug.json";

/// A place for evidence: nothing is there before all of it is.
pub struct Evidence {
    place: PathBuf,
    /// The outermost directory around it that is made for this.
    made: Option<PathBuf>,
}

impl Drop for Evidence {
    fn drop(&mut self) {
        // What was made on the way to evidence that never came.
        let holds_nothing = |made: &&PathBuf| {
            let entries = files::walk(made).unwrap_or_default();
            files::is_directory(made)
                && (entries.iter()).all(|entry| entry.kind == EntryKind::Directory)
        };
        if let Some(made) = self.made.as_ref().filter(holds_nothing) {
            let _ = files::remove_tree(made);
        }
    }
}

impl Evidence {
    /// The directory asked for, else that of the build that failed, else one of its own.
    ///
    /// # Errors
    /// `Usage` when something else than evidence is in the directory.
    pub fn plan(
        context: &Context,
        project: &Project,
        asked: Option<&Path>,
        failed: Option<&str>,
    ) -> Result<Self> {
        let (place, made) = match (asked, failed) {
            (Some(asked), _) => {
                let place = context.directory.join(asked);
                let missing = place.ancestors().skip(1);
                let missing = missing.take_while(|directory| !files::exists(directory));
                let made = missing.last().map(Path::to_owned);
                (place, made)
            }
            (None, Some(id)) => (build_directory(project.root(), id).join("debug"), None),
            // Nothing is written there.
            (None, None) if context.dry_run => (build_directory(project.root(), "ID"), None),
            (None, None) => {
                let id = Build::begin(project.root())?;
                let made = build_directory(project.root(), &id);
                (made.join("debug"), Some(made))
            }
        };
        let is_free = match files::is_directory(&place) {
            true => files::list(&place)?.is_empty() || files::exists(&place.join(RECORD)),
            false => !files::exists(&place),
        };
        if !is_free {
            return Err(
                Error::usage("what is there is no evidence of an earlier `envtpl debug`")
                    .at(Place::file(&place))
                    .help("name a directory that is empty or not there yet"),
            );
        }
        if asked.is_none() && !context.dry_run {
            files::state_directory(project.root())?;
        }
        Ok(Self { place, made })
    }

    /// Where it will be.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// An empty directory on the same disk, for what is collected.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self) -> Result<Scratch> {
        let parent = self.place.parent().unwrap_or(Path::new("."));
        files::make_directory(parent)?;
        Scratch::clear_abandoned(parent)?;
        Scratch::inside(parent)
    }

    /// How the state of the last evidence is had again: that of the directory asked for, else the
    /// newest of the project.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last(
        context: &Context,
        project: &Project,
        asked: Option<&Path>,
    ) -> Result<Option<Kept>> {
        let mut places = match asked {
            Some(asked) => vec![context.directory.join(asked)],
            None => {
                let builds = project.root().join(files::STATE_DIRECTORY).join("builds");
                let all = match files::is_directory(&builds) {
                    true => files::list(&builds)?,
                    false => Vec::new(),
                };
                all.into_iter().map(|build| build.join("debug")).collect()
            }
        };
        // Their names begin with the time.
        places.sort();
        while let Some(place) = places.pop() {
            let path = place.join(KEPT);
            if let Some(text) = files::read_text_if_exists(&path)? {
                return serde_json::from_str(&text).map(Some).map_err(|source| {
                    Error::failed("cannot read how the failed state is had again")
                        .at(Place::file(&path))
                        .because(source)
                });
            }
        }
        Ok(None)
    }

    /// Puts what was collected in its place, with the report beside it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settle(self, outcome: Outcome, report: &Report) -> Result<()> {
        let collected = outcome.directory;
        if let Some(kept) = &outcome.kept {
            let text = serde_json::to_string(kept)
                .map_err(|source| Error::failed("cannot write the state").because(source))?;
            files::keep_readable(&collected.path().join(KEPT), text.as_bytes())?;
        }
        let text = serde_json::to_string_pretty(report)
            .map_err(|source| Error::failed("cannot write the report").because(source))?;
        files::keep_readable(&collected.path().join(RECORD), (text + "\n").as_bytes())?;
        collected.settle(&self.place)
    }
}
