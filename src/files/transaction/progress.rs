//! How many steps of a plan are done: one empty file each, in the transaction directory.
//!
//! The note for a step is made after it and taken away before it is undone. So all but one step
//! are known to be done or not; about that one, the next after the noted ones, the disk tells.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::sys;

pub(super) fn done(directory: &Path) -> usize {
    let mut count = 0;
    while note(directory, count).exists() {
        count += 1;
    }
    count
}

pub(super) fn add(directory: &Path, step: usize) -> io::Result<()> {
    sys::create_file(&note(directory, step), b"").map(drop)
}

pub(super) fn take_away(directory: &Path, step: usize) -> io::Result<()> {
    sys::remove_file(&note(directory, step))
}

fn note(directory: &Path, step: usize) -> PathBuf {
    directory.join(format!("done-{step}"))
}
