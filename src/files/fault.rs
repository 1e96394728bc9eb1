//! Faults on demand, so that tests can prove what happens when a file operation fails or the
//! process dies. Release builds contain none of it.

/// Stands before every operation that changes the disk.
///
/// In debug builds, `ENVTPL_TEST_KILL_AT=n` kills this process at the n-th operation,
/// `ENVTPL_TEST_FAIL_AT=n` lets that one fail for lack of space, and `ENVTPL_TEST_FAIL_FROM=n`
/// lets it and all later ones fail, as on a disk that went away.
#[cfg(debug_assertions)]
pub(super) fn point() -> std::io::Result<()> {
    imp::point()
}

/// Release builds have no faults to inject.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(super) fn point() -> std::io::Result<()> {
    Ok(())
}

#[cfg(debug_assertions)]
mod imp {
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    struct Faults {
        kill_at: Option<u64>,
        fail_at: Option<u64>,
        fail_from: Option<u64>,
    }

    static COUNT: AtomicU64 = AtomicU64::new(0);
    static FAULTS: OnceLock<Faults> = OnceLock::new();

    pub(super) fn point() -> io::Result<()> {
        let number = |name| std::env::var(name).ok()?.parse().ok();
        let faults = FAULTS.get_or_init(|| Faults {
            kill_at: number("ENVTPL_TEST_KILL_AT"),
            fail_at: number("ENVTPL_TEST_FAIL_AT"),
            fail_from: number("ENVTPL_TEST_FAIL_FROM"),
        });
        let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
        if faults.kill_at == Some(count) {
            kill_process(getpid(), Signal::KILL)?;
        }
        if faults.fail_at == Some(count) || faults.fail_from.is_some_and(|from| count >= from) {
            return Err(rustix::io::Errno::NOSPC.into());
        }
        Ok(())
    }
}
