//! Waiting for what another process is about to do.

use std::time::{Duration, Instant};

/// Long enough for what takes no time of its own.
pub const SOON: Duration = Duration::from_secs(20);

/// Long enough for an install that somebody else does.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Waits until it has happened.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, happened: impl Fn() -> bool) {
    found(what, limit, || happened().then_some(()));
}

/// Waits for what is looked for, and gives it.
#[track_caller]
pub fn found<T>(what: &str, limit: Duration, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
