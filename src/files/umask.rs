//! The person's umask.

use std::sync::OnceLock;

use rustix::fs::Mode;

/// The permission bits that the person does not want new files to have.
///
/// The system only tells it to those who set it, so that is done once, for an instant, with a
/// value that keeps files private.
pub(super) fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let old = rustix::process::umask(Mode::from_raw_mode(0o077));
        rustix::process::umask(old);
        old.as_raw_mode() as u32
    })
}
