//! Files that envtpl keeps for itself below `.envtpl/`: caches and logs. Losing one costs time
//! only, so they need no change set.

use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::boundary::{Last, refuse_leaving};
use super::read::found;
use super::{state, sys};
use crate::error::{Error, Result};

/// How often to start again when another process tidies up between our steps.
const ATTEMPTS: usize = 10;

/// Writes a file below the project's `.envtpl/`, readable for the person alone, in one step:
/// others see the old contents or the new ones. Directories on the way are created.
///
/// # Errors
/// When it cannot be written; what was there stays.
pub fn keep(project_root: &Path, relative: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let inside = Path::new(state::STATE_DIRECTORY).join(relative);
    refuse_leaving(project_root, &inside, Last::Itself)?;
    let path = project_root.join(inside);
    let mut attempts = 0;
    loop {
        attempts += 1;
        match state::prepare(project_root).and_then(|_| put(project_root, &path, bytes)) {
            // Another process removed the state directory, which was empty until now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {}
            result => return result.map_err(|source| Error::io("write", &path, source)),
        }
    }
}

/// Removes a file that was kept. Of several processes that do so at once, one is told `true`.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn forget(project_root: &Path, relative: impl AsRef<Path>) -> Result<bool> {
    let inside = Path::new(state::STATE_DIRECTORY).join(relative);
    refuse_leaving(project_root, &inside, Last::Itself)?;
    let path = project_root.join(inside);
    let removed = found(sys::remove_file(&path));
    removed
        .map(|removed| removed.is_some())
        .map_err(|source| Error::io("remove", &path, source))
}

/// Adds a line to a file below the project's `.envtpl/`, which is readable for the person alone;
/// whoever adds one at the same moment adds theirs before or after it.
///
/// # Errors
/// When it cannot be written.
pub fn keep_line(project_root: &Path, relative: impl AsRef<Path>, line: &str) -> Result<()> {
    let inside = Path::new(state::STATE_DIRECTORY).join(relative);
    refuse_leaving(project_root, &inside, Last::Itself)?;
    let path = project_root.join(inside);
    state::prepare(project_root)
        .and_then(|_| add_line(project_root, &path, line))
        .map_err(|source| Error::io("write", &path, source))
}

/// Writes a file of the person's that other programs read too, outside of any project, in one step.
/// Its directory must be there.
///
/// # Errors
/// When it cannot be written; what was there stays.
pub fn keep_readable(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    put_as(directory, path, bytes, Some(0o644)).map_err(|source| Error::io("write", path, source))
}

/// As [`keep_readable`], a program that others may run too.
///
/// # Errors
/// When it cannot be written; what was there stays.
pub fn keep_program(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    put_as(directory, path, bytes, Some(0o755)).map_err(|source| Error::io("write", path, source))
}

fn add_line(project_root: &Path, path: &Path, line: &str) -> io::Result<()> {
    let mut file = sys::open_to_append(path, 0o600)?;
    state::give_to_owner(project_root, &[path])?;
    // Where the file system has no locks, one write is still one line on a local disk.
    let _ = flock(&file, FlockOperation::LockExclusive);
    sys::append(&mut file, format!("{line}\n").as_bytes())
}

fn put(project_root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|above| !above.as_os_str().is_empty() && !above.is_dir())
        .collect();
    while let Some(next) = missing.pop() {
        state::ensure_directory(next)?;
        state::give_to_owner(project_root, &[next])?;
    }
    put_as(project_root, path, bytes, None)
}

/// Writes a file for the owner of the directory `owner`, with other permission bits than those that
/// keep it private where there are any.
fn put_as(owner: &Path, path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    // Two processes may write the same file at once.
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    let set_mode = || mode.map_or(Ok(()), |mode| sys::set_mode(&unfinished, mode));
    let written = match sys::create_file(&unfinished, bytes) {
        Ok(_) => state::give_to_owner(owner, &[&unfinished])
            .and_then(|()| set_mode())
            .and_then(|()| sys::rename(&unfinished, path)),
        Err(error) => Err(error),
    };
    if written.is_err() {
        // What is left of it may not even exist.
        let _ = sys::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn a_kept_file_is_private_and_replaced_as_a_whole() {
        let project = tempfile::tempdir().expect("a directory");
        for text in ["one", "two"] {
            keep(project.path(), "cache/x.json", text.as_bytes()).expect("written");
            let path = project.path().join(".envtpl/cache/x.json");
            assert_eq!(files::read(&path).expect("there"), text.as_bytes());
            assert_eq!(files::mode(&path).expect("there") & 0o777, 0o600);
        }
        let left = files::list(&project.path().join(".envtpl/cache")).expect("there");
        assert_eq!(left.len(), 1);
        let forgotten = || forget(project.path(), "cache/x.json").expect("removed");
        assert_eq!((forgotten(), forgotten()), (true, false));
    }

    #[test]
    fn lines_that_are_added_at_once_all_stand_apart() {
        let project = tempfile::tempdir().expect("a directory");
        let line = "x".repeat(10_000);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        keep_line(project.path(), "lines", &line).expect("written");
                    }
                });
            }
        });
        let path = project.path().join(".envtpl/lines");
        let text = files::read_text(&path).expect("there");
        assert_eq!(text.lines().filter(|found| *found == line).count(), 80);
        assert_eq!(text.lines().count(), 80);
        assert_eq!(files::mode(&path).expect("there") & 0o777, 0o600);
    }
}
