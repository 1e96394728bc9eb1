//! The project's git repository: which commit we are on and what differs from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Repository, StatusOptions, TreeWalkMode, TreeWalkResult};

use crate::error::{Error, Result};
use crate::project::revision::Commit;
use crate::secrets::without_login;

/// What git notes of a symbolic link (gitformat-index, "mode").
const SYMBOLIC_LINK: i32 = 0o120_000;

/// The git repository around the project.
pub struct Git {
    repository: Repository,
    work_tree: PathBuf,
}

impl Git {
    /// Opens the repository around `directory`; `None` when there is none or it has no work tree.
    ///
    /// # Errors
    /// When there is one that git would not open either, such as another person's.
    pub fn open(directory: &Path) -> Result<Option<Self>> {
        let repository = match Repository::discover(directory) {
            Ok(repository) => repository,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) if error.code() == ErrorCode::Owner => {
                return Err(
                    Error::not_ready("the git repository belongs to somebody else")
                        .because(error)
                        .help(format!(
                            "git config --global --add safe.directory '{}'",
                            directory.display()
                        )),
                );
            }
            Err(error) => {
                return Err(Error::failed("cannot open the git repository").because(error));
            }
        };
        let Some(work_tree) = repository.workdir().map(Path::to_owned) else {
            return Ok(None);
        };
        let work_tree = work_tree.canonicalize().unwrap_or(work_tree);
        Ok(Some(Self {
            repository,
            work_tree,
        }))
    }

    /// The commit that is checked out; `None` before the first one.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn head(&self) -> Result<Option<Commit>> {
        let damaged = |source| Error::failed("cannot read the current commit").because(source);
        let head = match self.repository.head() {
            Ok(head) => head,
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                return Ok(None);
            }
            Err(error) => return Err(damaged(error)),
        };
        let commit = head.peel_to_commit().map_err(damaged)?;
        let short = commit.as_object().short_id().map_err(damaged)?;
        Ok(Some(Commit {
            id: commit.id().to_string(),
            short: String::from_utf8_lossy(&short).into_owned(),
            time: jiff::Timestamp::from_second(commit.time().seconds())
                .map_err(|source| {
                    Error::failed("the commit has an impossible date").because(source)
                })?
                .to_string(),
            source: self.source(),
        }))
    }

    /// The full name of the commit that a revision (`HEAD~1`, a branch, a tag, the start of a
    /// commit) names; `None` when it names none.
    pub fn commit(&self, revision: &str) -> Option<String> {
        self.find_commit(revision)
            .map(|commit| commit.id().to_string())
    }

    /// The bytes that a file of the work tree has in a commit; `None` when it has none there.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn file_at(&self, revision: &str, file: &Path) -> Result<Option<Vec<u8>>> {
        let damaged = |source| {
            Error::failed(format!("cannot read `{}` at {revision}", file.display())).because(source)
        };
        let (Ok(below), Some(commit)) = (
            file.strip_prefix(&self.work_tree),
            self.find_commit(revision),
        ) else {
            return Ok(None);
        };
        let tree = commit.tree().map_err(damaged)?;
        let entry = match tree.get_path(below) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(damaged(error)),
        };
        let blob = self.repository.find_blob(entry.id()).map_err(damaged)?;
        Ok(Some(blob.content().to_owned()))
    }

    /// The files below a directory of the work tree as they were in a commit, with their paths
    /// relative to it; `None` when there is no such commit.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn files_at(
        &self,
        revision: &str,
        directory: &Path,
    ) -> Result<Option<BTreeMap<PathBuf, Vec<u8>>>> {
        let damaged = |source| {
            Error::failed(format!(
                "cannot read `{}` at {revision}",
                directory.display()
            ))
            .because(source)
        };
        let (Ok(below), Some(commit)) = (
            directory.strip_prefix(&self.work_tree),
            self.find_commit(revision),
        ) else {
            return Ok(None);
        };
        let mut tree = commit.tree().map_err(damaged)?;
        if below != Path::new("") {
            let entry = match tree.get_path(below) {
                Ok(entry) => entry,
                Err(error) if error.code() == ErrorCode::NotFound => {
                    return Ok(Some(BTreeMap::new()));
                }
                Err(error) => return Err(damaged(error)),
            };
            tree = self.repository.find_tree(entry.id()).map_err(damaged)?;
        }
        let mut ids = Vec::new();
        tree.walk(TreeWalkMode::PreOrder, |above, entry| {
            // A symbolic link is a blob too, and no file.
            if entry.kind() == Some(ObjectType::Blob) && entry.filemode() != SYMBOLIC_LINK {
                let path = [above.as_bytes(), entry.name_bytes()].concat();
                ids.push((path_from_bytes(&path), entry.id()));
            }
            TreeWalkResult::Ok
        })
        .map_err(damaged)?;
        let mut files = BTreeMap::new();
        for (path, id) in ids {
            let blob = self.repository.find_blob(id).map_err(damaged)?;
            files.insert(path, blob.content().to_owned());
        }
        Ok(Some(files))
    }

    fn find_commit(&self, revision: &str) -> Option<git2::Commit<'_>> {
        let object = self.repository.revparse_single(revision).ok()?;
        object.peel_to_commit().ok()
    }

    /// The files below `directory` that differ from the commit, relative to it and sorted:
    /// changed, removed, renamed or not yet tracked; ignored files do not count.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn changes(&self, directory: &Path) -> Result<Vec<PathBuf>> {
        let Ok(below) = directory.strip_prefix(&self.work_tree) else {
            return Ok(Vec::new());
        };
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .include_ignored(false)
            .exclude_submodules(true)
            // The path is a path, also when it holds characters that patterns know.
            .disable_pathspec_match(true);
        // Nothing as a path would match nothing.
        if below != Path::new("") {
            options.pathspec(below);
        }
        let statuses = self
            .repository
            .statuses(Some(&mut options))
            .map_err(|source| Error::failed("cannot ask git what has changed").because(source))?;
        let mut changed: Vec<PathBuf> = statuses
            .iter()
            .map(|entry| path_from_bytes(entry.path_bytes()))
            .filter_map(|path| path.strip_prefix(below).map(Path::to_owned).ok())
            .collect();
        changed.sort();
        Ok(changed)
    }

    /// The address of the remote `origin`, as it may be kept; `None` without one.
    fn source(&self) -> Option<String> {
        let remote = self.repository.find_remote("origin").ok()?;
        Some(without_login(remote.url().ok()?))
    }
}

fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
