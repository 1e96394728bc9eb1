//! How a change set reaches the disk.
//!
//! Everything new is staged in `.envtpl/transaction/`. Then the plan is published there under its
//! name, in one rename: before that moment nothing has changed, after it the change is decided.
//! It is made in two parts. *Steps* (directories, renames) come first, one after the other; their
//! progress is noted, and should one fail they are undone. *Effects* (staged files put in place,
//! files removed) come last and may be repeated any number of times with the same result.
//! Whoever finds a published plan takes it from there; without one, the directory is rubbish.

mod apply;
mod plan;
mod progress;

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::apply::{Applied, apply};
use super::boundary::{Last, refuse_leaving};
use super::lock::Lock;
use super::read::{found, list_raw, read_raw};
use super::{state, sys};
use crate::error::{Error, Result};

pub(super) use plan::{Effect, Owner, Plan, Step};

const DIRECTORY: &str = "transaction";
const LOCK: &str = "lock";
const PLAN: &str = "plan.json";
const STAGED: &str = "staged";

/// Transactions take milliseconds, so a longer wait means that something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often to start again when another process tidies up between our steps.
const ATTEMPTS: usize = 100;

/// What [`recover`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the person should hear of it"]
pub enum Recovered {
    /// A decided change was completed.
    Completed {
        /// Files that a person had changed in the meantime, as they were kept beside the new ones.
        kept: Vec<PathBuf>,
    },
    /// A change was taken back: it had not been decided, or it turned out to be impossible.
    TakenBack,
}

/// One line for the person.
impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed { kept } => {
                f.write_str("completed the change of files that an earlier command had begun")?;
                for path in kept {
                    write!(f, "; your own edit is kept in `{}`", path.display())?;
                }
                Ok(())
            }
            Self::TakenBack => {
                f.write_str("took back the change of files that an earlier command had begun")
            }
        }
    }
}

/// The innermost directory, from `start` upwards, in which a killed process left a change, if
/// there is one. A project may be recognizable only once that change is completed.
pub fn unfinished(start: &Path) -> Option<&Path> {
    start.ancestors().find(|directory| {
        directory
            .join(state::STATE_DIRECTORY)
            .join(DIRECTORY)
            .is_dir()
    })
}

/// Completes or takes back what a killed envtpl process left in a project; every command does
/// this first. Does nothing, quickly, when there is nothing.
///
/// # Errors
/// When a decided change cannot be completed: the disk is full, read-only and so on.
pub fn recover(root: &Path) -> Result<Option<Recovered>> {
    let directory = root.join(state::STATE_DIRECTORY).join(DIRECTORY);
    if !directory.is_dir() {
        state::tidy(root);
        return Ok(None);
    }
    let staged = Path::new(state::STATE_DIRECTORY)
        .join(DIRECTORY)
        .join(STAGED);
    refuse_leaving(root, &staged, Last::Followed)?;
    match Transaction::lock(root, &directory) {
        Ok(transaction) => transaction.recover(),
        // Another process has cleared it away just now.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        // Who may only look at the project cannot mend it either, unless it is really broken.
        Err(_) if !directory.join(PLAN).exists() => Ok(None),
        Err(error) => Err(Error::io(
            "complete the change planned in",
            &directory,
            error,
        )),
    }
}

/// What a staged file needs before it can be put in place.
#[derive(Debug)]
enum Staged {
    File {
        mode: u32,
        owner: Option<Owner>,
        /// Whether it takes the place of something that a person may miss.
        precious: bool,
    },
    Symlink,
}

/// The transaction directory of a project, held by this process.
#[derive(Debug)]
pub(super) struct Transaction {
    root: PathBuf,
    directory: PathBuf,
    /// Directories that had to be created for the project itself.
    created: Vec<PathBuf>,
    staged: Vec<Staged>,
    /// Released after the directory has been cleared.
    lock: Lock,
}

impl Transaction {
    /// Takes the transaction directory, which is created for it; a change that another process
    /// left there is dealt with first.
    pub(super) fn begin(root: &Path) -> Result<Self> {
        recover(root)?;
        let directory = Path::new(state::STATE_DIRECTORY).join(DIRECTORY);
        refuse_leaving(root, &directory, Last::Followed)?;
        let created = state::ensure_root(root)
            .map_err(|source| Error::io("create the directory", root, source))?;
        let mut result = Self::create(root);
        match &mut result {
            Ok(transaction) => transaction.created = created,
            Err(_) => {
                state::tidy(root);
                state::remove_empty(&created);
            }
        }
        result
    }

    fn create(root: &Path) -> Result<Self> {
        let directory = root.join(state::STATE_DIRECTORY).join(DIRECTORY);
        let mut attempts = 0;
        let failed = loop {
            attempts += 1;
            let locked = state::prepare(root)
                .and_then(|_| state::ensure_directory(&directory))
                .and_then(|()| Self::lock(root, &directory));
            match locked {
                // A process died between our look and our lock.
                Ok(transaction) if transaction.has_leftovers() => {
                    transaction.recover()?;
                }
                Ok(transaction) => match sys::create_directory(&directory.join(STAGED)) {
                    Ok(()) => return Ok(transaction),
                    Err(error) => {
                        transaction.discard();
                        break error;
                    }
                },
                // Another process tidied up between our steps.
                Err(error) if error.kind() == ErrorKind::NotFound && attempts < ATTEMPTS => {}
                Err(error) => {
                    // Fails if anything is in there.
                    let _ = sys::remove_directory(&directory);
                    break error;
                }
            }
        };
        Err(state::cannot_prepare(
            root,
            "prepare a change in",
            &directory,
            failed,
        ))
    }

    /// Whether there is more than our lock.
    fn has_leftovers(&self) -> bool {
        list_raw(&self.directory).is_ok_and(|paths| paths.len() > 1)
    }

    fn lock(root: &Path, directory: &Path) -> io::Result<Self> {
        let lock = Lock::acquire_within(directory.join(LOCK), "changing files", PATIENCE)?;
        let lock = lock.map_err(|holder| {
            io::Error::new(
                ErrorKind::ResourceBusy,
                format!("{holder} is changing files there"),
            )
        })?;
        Ok(Self {
            root: root.to_owned(),
            directory: directory.to_owned(),
            created: Vec::new(),
            staged: Vec::new(),
            lock,
        })
    }

    /// Stages a file; gives the number by which the plan calls it.
    pub(super) fn stage_file(
        &mut self,
        bytes: &[u8],
        mode: u32,
        owner: Option<Owner>,
        precious: bool,
    ) -> Result<usize> {
        let path = staged(&self.directory, self.staged.len());
        let file =
            sys::create_file(&path, bytes).map_err(|source| Error::io("write", &path, source))?;
        sys::begin_sync(&file);
        self.staged.push(Staged::File {
            mode,
            owner,
            precious,
        });
        Ok(self.staged.len() - 1)
    }

    /// Stages a symbolic link; gives the number by which the plan calls it.
    pub(super) fn stage_symlink(&mut self, target: &Path) -> Result<usize> {
        let path = staged(&self.directory, self.staged.len());
        sys::create_symlink(target, &path).map_err(|source| Error::io("write", &path, source))?;
        self.staged.push(Staged::Symlink);
        Ok(self.staged.len() - 1)
    }

    /// Publishes the plan, and carries it out.
    pub(super) fn run(self, plan: &Plan) -> Result<()> {
        if let Err(error) = self.publish(plan) {
            // Fails if there is no plan yet, too.
            let _ = sys::remove_file(&self.directory.join(PLAN));
            return if self.directory.join(PLAN).exists() {
                Err(self.unfinished(error))
            } else {
                self.discard();
                Err(error)
            };
        }
        match apply(&self.root, &self.directory, plan) {
            Ok(Applied::Completely { .. }) => {
                self.finish();
                Ok(())
            }
            Ok(Applied::TakenBack(error)) => {
                self.discard();
                Err(error)
            }
            Err(error) => Err(self.unfinished(error)),
        }
    }

    /// Writes the plan and gives it its name, which decides the change.
    fn publish(&self, plan: &Plan) -> Result<()> {
        let (draft, path) = (self.directory.join("plan.draft"), self.directory.join(PLAN));
        let bytes = plan.to_json()?;
        let publish = || {
            // Against a kill, nothing of this is needed. Against a power failure, what replaces a
            // person's work must be on the disk before that work is gone. What is new is on its
            // way there and need not be waited for: dozens of new files would take as many times
            // as long. The order of names is kept by the file system's journal.
            let is_precious = |file: &Staged| matches!(file, Staged::File { precious: true, .. });
            let precious: Vec<PathBuf> = (0..self.staged.len())
                .filter(|number| is_precious(&self.staged[*number]))
                .map(|number| staged(&self.directory, number))
                .collect();
            sys::sync_all(&precious)?;
            // The mode comes last: it may forbid even us to read.
            for (number, file) in self.staged.iter().enumerate() {
                if let Staged::File { mode, owner, .. } = file {
                    let path = staged(&self.directory, number);
                    if let Some(owner) = owner {
                        give_to(&path, owner.user, owner.group)?;
                    }
                    sys::set_mode(&path, *mode)?;
                }
            }
            sys::create_file(&draft, &bytes)?;
            sys::sync(&draft)?;
            sys::rename(&draft, &path)?;
            sys::sync(&self.directory)
        };
        publish().map_err(|source| Error::io("write", &path, source))
    }

    /// Completes the change that was found here, or takes it back.
    fn recover(self) -> Result<Option<Recovered>> {
        let path = self.directory.join(PLAN);
        let bytes = found(read_raw(&path)).map_err(|source| Error::io("read", &path, source))?;
        let Some(bytes) = bytes else {
            // A lock alone is our own: another process came to its end while we waited.
            let taken_back = self.has_leftovers().then_some(Recovered::TakenBack);
            self.discard();
            return Ok(taken_back);
        };
        match apply(
            &self.root,
            &self.directory,
            &Plan::from_json(&path, &bytes)?,
        ) {
            Ok(Applied::Completely { kept }) => {
                self.finish();
                Ok(Some(Recovered::Completed { kept }))
            }
            Ok(Applied::TakenBack(_)) => {
                self.discard();
                Ok(Some(Recovered::TakenBack))
            }
            Err(error) => Err(self.unfinished(error)),
        }
    }

    /// Clears the directory after the change has been made. From here on nothing can fail that
    /// would matter: a leftover is found and cleared by the next command.
    fn finish(self) {
        // The plan goes first: without it, the rest is rubbish.
        if sys::remove_file(&self.directory.join(PLAN)).is_ok() {
            self.discard();
        }
    }

    /// Clears the directory; without a published plan that takes everything back.
    pub(super) fn discard(self) {
        let Self {
            root,
            directory,
            created,
            lock,
            ..
        } = self;
        let cleared = list_raw(&directory)
            .unwrap_or_default()
            .iter()
            .filter(|path| path.file_name() != Some(LOCK.as_ref()))
            .try_for_each(|path| remove_all(path));
        drop(lock);
        if cleared.is_ok() {
            let _ = sys::remove_directory(&directory);
            state::tidy(&root);
            state::remove_empty(&created);
        }
    }

    fn unfinished(&self, error: Error) -> Error {
        Error::new(
            error.kind(),
            "the change is made only in part; the next envtpl command completes it",
        )
        .because(error)
        .help(format!(
            "once the cause is gone, run `envtpl ls` or any other command; \
             until then what is missing waits in `{}`, which you may remove to give it up",
            self.directory.display()
        ))
    }
}

fn staged(directory: &Path, number: usize) -> PathBuf {
    directory.join(STAGED).join(number.to_string())
}

/// Gives a staged file to the owner of the file that it replaces, as far as we are allowed to.
/// This may clear bits of its mode, which is set afterwards.
fn give_to(path: &Path, user: u32, group: u32) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let now = path.symlink_metadata()?;
    if (now.uid(), now.gid()) == (user, group) {
        return Ok(());
    }
    match sys::set_owner(path, user, group) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// Removes a file, or a directory with all that it contains; nothing at all is fine too.
fn remove_all(path: &Path) -> io::Result<()> {
    let Some(metadata) = found(path.symlink_metadata())? else {
        return Ok(());
    };
    if metadata.is_dir() {
        for path in list_raw(path)? {
            remove_all(&path)?;
        }
        sys::remove_directory(path)
    } else {
        sys::remove_file(path)
    }
}
