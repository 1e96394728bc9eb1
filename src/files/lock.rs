//! One process at a time: locks that end with the process that holds them.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::boundary::{Last, refuse_leaving};
use super::held::{is_named, try_lock};
use super::{state, sys};
use crate::error::{Error, Result};

/// How often a waiting process looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// How often it looks before it stops expecting to learn who holds the lock.
const LOOKS_FOR_A_NAME: u32 = 10;

/// Who holds a lock, as written in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id; `None` when it could not be learnt.
    pub pid: Option<u32>,
    /// What it is doing, such as `envtpl build`.
    pub purpose: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

impl Holder {
    fn this_process(purpose: &str) -> Self {
        Self {
            pid: Some(std::process::id()),
            purpose: purpose.to_owned(),
            since: now(),
        }
    }
}

/// For example "process 4711 (`envtpl build`, for 12 s)".
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => {
                let seconds = now().saturating_sub(self.since);
                write!(f, "process {pid} (`{}`, for {seconds} s)", self.purpose)
            }
            None => f.write_str("another envtpl process"),
        }
    }
}

/// A lock that this process holds, until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    // Closing the file is what releases the lock.
    _file: File,
    path: PathBuf,
    /// The project, for a lock that lies in its state directory.
    root: Option<PathBuf>,
    /// The directories that had to be created for the project.
    created: Vec<PathBuf>,
}

impl Lock {
    /// Locks `name` (say, an installation) in the project, waiting for whoever holds it.
    /// `on_wait` is called once, with the holder, before the wait; `interrupted` is asked
    /// all along whether the person has given up.
    ///
    /// # Errors
    /// `Interrupted`, or when the lock file cannot be created.
    pub fn acquire(
        root: &Path,
        name: &str,
        purpose: &str,
        interrupted: impl Fn() -> bool,
        on_wait: impl FnOnce(&Holder),
    ) -> Result<Self> {
        let inside = Path::new(state::STATE_DIRECTORY).join(format!("{name}.lock"));
        refuse_leaving(root, &inside, Last::Followed)?;
        let path = root.join(inside);
        let created = state::ensure_root(root)
            .map_err(|source| Error::io("create the directory", root, source))?;
        match wait(root, &path, purpose, interrupted, on_wait) {
            Ok(file) => Ok(Self {
                _file: file,
                path,
                root: Some(root.to_owned()),
                created,
            }),
            Err(error) => {
                state::tidy(root);
                state::remove_empty(&created);
                Err(error)
            }
        }
    }

    /// Locks a file in a directory that is there, waiting no longer than `patience`.
    /// An error of kind `NotFound` means that the directory has gone.
    pub(super) fn acquire_within(
        path: PathBuf,
        purpose: &str,
        patience: Duration,
    ) -> io::Result<Result<Self, Holder>> {
        let mut waited = Duration::ZERO;
        loop {
            match attempt(&path, purpose)? {
                Attempt::Held(file) => {
                    return Ok(Ok(Self {
                        _file: file,
                        path,
                        root: None,
                        created: Vec::new(),
                    }));
                }
                Attempt::Busy(holder) if waited >= patience => return Ok(Err(holder)),
                Attempt::Busy(_) => {}
            }
            std::thread::sleep(PAUSE);
            waited += PAUSE;
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file goes first, while we still hold the lock: whoever opened it meanwhile finds
        // that the name no longer leads to it, and tries again.
        let _ = sys::remove_file(&self.path);
        if let Some(root) = &self.root {
            state::tidy(root);
            state::remove_empty(&self.created);
        }
    }
}

/// Tries until it succeeds or the person gives up.
fn wait(
    root: &Path,
    path: &Path,
    purpose: &str,
    interrupted: impl Fn() -> bool,
    on_wait: impl FnOnce(&Holder),
) -> Result<File> {
    let mut on_wait = Some(on_wait);
    let mut looks = 0;
    let mut vanished = 0;
    loop {
        match state::prepare(root).and_then(|_| attempt(path, purpose)) {
            Ok(Attempt::Held(file)) => return Ok(file),
            Ok(Attempt::Busy(holder)) => {
                looks += 1;
                if (holder.pid.is_some() || looks >= LOOKS_FOR_A_NAME)
                    && let Some(on_wait) = on_wait.take()
                {
                    on_wait(&holder);
                }
                if interrupted() {
                    return Err(Error::interrupted());
                }
                std::thread::sleep(PAUSE);
            }
            // Someone tidied up the state directory between our steps.
            Err(error) if error.kind() == ErrorKind::NotFound && vanished < 100 => vanished += 1,
            Err(error) if path.is_symlink() => {
                return Err(Error::io("lock", path, error)
                    .help("it is a symbolic link where envtpl has a file of its own: remove it"));
            }
            Err(error) => return Err(state::cannot_prepare(root, "lock", path, error)),
        }
    }
}

enum Attempt {
    Held(File),
    Busy(Holder),
}

fn attempt(path: &Path, purpose: &str) -> io::Result<Attempt> {
    loop {
        let mut file = sys::open_lock_file(path)?;
        if !try_lock(&file)? {
            let mut text = String::new();
            // What cannot be read yet is being written right now.
            let _ = file.read_to_string(&mut text);
            return Ok(Attempt::Busy(
                serde_json::from_str(&text).unwrap_or_default(),
            ));
        }
        if is_named(&file, path)? {
            let holder = serde_json::to_vec(&Holder::this_process(purpose))?;
            return match sys::rewrite(&mut file, &holder) {
                Ok(()) => Ok(Attempt::Held(file)),
                Err(error) => {
                    let _ = sys::remove_file(path);
                    Err(error)
                }
            };
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test leaves a file behind")]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn acquire(root: &Path) -> Lock {
        Lock::acquire(root, "amd64-cpu", "test", || false, |_| {}).expect("locked")
    }

    #[test]
    fn the_second_waits_and_learns_who_is_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let first = acquire(root);
        let told = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                Lock::acquire(
                    root,
                    "amd64-cpu",
                    "second",
                    || false,
                    |holder| {
                        assert_eq!(holder.pid, Some(std::process::id()));
                        assert!(holder.to_string().contains("`test`"), "{holder}");
                        told.store(true, Ordering::SeqCst);
                    },
                )
                .expect("locked in the end")
            });
            while !told.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            assert!(!second.is_finished());
            drop(first);
            drop(second.join().expect("no panic"));
        });
        assert!(!root.join(state::STATE_DIRECTORY).exists(), "tidied up");
    }

    #[test]
    fn waiting_can_be_interrupted() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = acquire(directory.path());
        let error = Lock::acquire(directory.path(), "amd64-cpu", "x", || true, |_| {})
            .expect_err("interrupted");
        assert_eq!(error.kind(), Kind::Interrupted);
        drop(first);
    }

    #[test]
    fn other_names_are_other_locks_and_a_left_file_is_no_lock() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let first = acquire(root);
        let other = Lock::acquire(root, "arm64-cpu", "x", || true, |_| {}).expect("another");
        drop(first);
        assert!(root.join(".envtpl/arm64-cpu.lock").exists(), "still held");
        std::fs::write(root.join(".envtpl/amd64-cpu.lock"), "{\"pid\":1").expect("written");
        drop(acquire(root));
        drop(other);
        assert!(!root.join(state::STATE_DIRECTORY).exists(), "tidied up");
    }

    #[test]
    fn many_threads_never_hold_it_together() {
        let directory = tempfile::tempdir().expect("a directory");
        let held = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = acquire(directory.path());
                        assert!(!held.swap(true, Ordering::SeqCst));
                        std::thread::yield_now();
                        held.store(false, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }
}
