//! Carries out a published plan, from wherever it stands.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::plan::{Effect, Plan, Step};
use super::{PLAN, give_to, progress, staged};
use crate::error::{Error, Result};
use crate::files::boundary::{Last, refuse_leaving};
use crate::files::digest::digest;
use crate::files::read::{found, read_link_raw, read_raw};
use crate::files::{state, sys};

/// How it went.
pub(super) enum Applied {
    /// The change is made.
    Completely {
        /// Where files were kept that a person had changed since the plan was made.
        kept: Vec<PathBuf>,
    },
    /// A step was impossible, for this reason, and those before it were undone.
    TakenBack(Error),
}

/// Carries out the plan. An error means that the change is made only in part.
pub(super) fn apply(root: &Path, directory: &Path, plan: &Plan) -> Result<Applied> {
    for number in progress::done(directory)..plan.steps.len() {
        let step = &plan.steps[number];
        let done = make(root, step).and_then(|()| {
            progress::add(directory, number)
                .map_err(|source| Error::io("note progress in", directory, source))
        });
        if let Err(error) = done {
            return match take_back(root, directory, plan, number) {
                Ok(()) => Ok(Applied::TakenBack(error)),
                Err(_) => Err(error),
            };
        }
    }
    let mut kept = Vec::new();
    for effect in &plan.effects {
        match effect {
            Effect::Place {
                staged: number,
                path,
                follow,
                before,
            } => {
                let last = if *follow {
                    Last::Followed
                } else {
                    Last::Itself
                };
                refuse_leaving(root, path, last)?;
                let target = target(&root.join(path), *follow);
                place(
                    &staged(directory, *number),
                    &target,
                    before.as_deref(),
                    &mut kept,
                )?;
            }
            Effect::Remove { path } => {
                refuse_leaving(root, path, Last::Itself)?;
                let target = root.join(path);
                found(sys::remove_file(&target))
                    .map_err(|source| Error::io("remove", &target, source))?;
            }
            Effect::Prune { path } => {
                refuse_leaving(root, path, Last::Itself)?;
                prune(&root.join(path))?;
            }
        }
    }
    Ok(Applied::Completely { kept })
}

/// Removes a directory that may have become empty. Only a fault of the disk is an error: the
/// directory is nobody's loss.
fn prune(path: &Path) -> Result<()> {
    use ErrorKind as Io;
    match sys::remove_directory(path) {
        Err(error)
            if !matches!(
                error.kind(),
                Io::NotFound
                    | Io::NotADirectory
                    | Io::DirectoryNotEmpty
                    | Io::AlreadyExists
                    | Io::PermissionDenied
                    | Io::ResourceBusy
            ) =>
        {
            Err(Error::io("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Makes a step, unless it is made already.
fn make(root: &Path, step: &Step) -> Result<()> {
    match step {
        Step::MakeDirectory { path } => {
            refuse_leaving(root, path, Last::Followed)?;
            let path = root.join(path);
            state::ensure_directory(&path)
                .and_then(|()| state::give_to_owner(root, &[&path]))
                .map_err(|source| Error::io("create", &path, source))
        }
        Step::Move { from, to } => {
            refuse_leaving(root, from, Last::Itself)?;
            refuse_leaving(root, to, Last::Itself)?;
            shift(&root.join(from), &root.join(to))
        }
    }
}

/// Renames, unless that is done already.
fn shift(from: &Path, to: &Path) -> Result<()> {
    let result = match (is_there(from), is_there(to)) {
        (true, false) => sys::rename(from, to),
        (false, true) => Ok(()),
        // Renaming would silently replace what is there.
        (true, true) => Err(ErrorKind::AlreadyExists.into()),
        (false, false) => Err(ErrorKind::NotFound.into()),
    };
    result.map_err(|source| Error::io(&format!("move `{}` to", from.display()), to, source))
}

/// Undoes the steps, of which `number` is the one that failed, and withdraws the plan.
fn take_back(root: &Path, directory: &Path, plan: &Plan, number: usize) -> Result<()> {
    for number in (0..=number).rev() {
        found(progress::take_away(directory, number))
            .map_err(|source| Error::io("note progress in", directory, source))?;
        match &plan.steps[number] {
            Step::MakeDirectory { path } => {
                // Whoever has put something in it since then needs it.
                let _ = sys::remove_directory(&root.join(path));
            }
            Step::Move { from, to } => {
                let (from, to) = (root.join(from), root.join(to));
                // The failed step may be undone because it has not happened.
                if is_there(&to) && !is_there(&from) {
                    shift(&to, &from)?;
                }
            }
        }
    }
    let plan = directory.join(PLAN);
    sys::remove_file(&plan).map_err(|source| Error::io("remove", &plan, source))
}

/// Where a staged file goes: a link to a file is followed, and one to nowhere replaced.
fn target(path: &Path, follow: bool) -> PathBuf {
    let real = (follow && path.is_symlink()).then(|| path.canonicalize());
    match real {
        Some(Ok(real)) => real,
        _ => path.to_owned(),
    }
}

/// Puts a staged file in its place, unless that is done already.
fn place(
    staged: &Path,
    target: &Path,
    before: Option<&str>,
    kept: &mut Vec<PathBuf>,
) -> Result<()> {
    let mut put = || -> io::Result<()> {
        if !is_there(staged) {
            return Ok(());
        }
        if let Some(copy) = keep(target, before)? {
            kept.push(copy);
        }
        match sys::rename(staged, target) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => copy(staged, target),
            result => result,
        }
    };
    put().map_err(|source| Error::io("write", target, source))
}

/// Keeps a file that is no longer as the plan knew it: someone has worked on it between a crash
/// and the recovery. Gives where it is now.
fn keep(target: &Path, before: Option<&str>) -> io::Result<Option<PathBuf>> {
    let Some(metadata) = found(target.symlink_metadata())? else {
        return Ok(None);
    };
    if !metadata.is_file() || before == Some(digest(&read_raw(target)?).as_str()) {
        return Ok(None);
    }
    let copy = (0..)
        .map(|number| suffixed(target, &format!(".kept-{number}")))
        .find(|copy| !is_there(copy));
    if let Some(copy) = &copy {
        sys::rename(target, copy)?;
    }
    Ok(copy)
}

/// Replaces a file on another file system (it was reached through a link), as rename would.
fn copy(staged: &Path, target: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let near = suffixed(target, ".envtpl-new");
    // An earlier attempt may have left it.
    found(sys::remove_file(&near))?;
    let metadata = staged.symlink_metadata()?;
    let write = || -> io::Result<()> {
        if metadata.is_symlink() {
            sys::create_symlink(&read_link_raw(staged)?, &near)?;
        } else {
            sys::create_file(&near, &read_raw(staged)?)?;
            sys::sync(&near)?;
            give_to(&near, metadata.uid(), metadata.gid())?;
            sys::set_mode(&near, metadata.mode() & 0o7777)?;
        }
        sys::rename(&near, target)
    };
    let result = write();
    if result.is_err() {
        let _ = sys::remove_file(&near);
        return result;
    }
    // From here on it counts as put in place.
    sys::remove_file(staged)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
