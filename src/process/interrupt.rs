//! Ctrl-C and termination: remembered, passed on to the running child, answered with 130.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::{Handle, Signals};

use crate::error::{Error, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// The child that is waited for, 0 when there is none.
static CHILD: AtomicI32 = AtomicI32::new(0);
/// Where signals arrive.
static WATCH: OnceLock<Handle> = OnceLock::new();

/// Whether the person asked us to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// From here on SIGINT, SIGTERM and SIGHUP no longer end this process: they are remembered and
/// passed to the child that is waited for, so that it can clean up after itself.
///
/// A terminal sends Ctrl-C to the whole foreground group, so there the child has it already;
/// a second SIGINT would make tools such as `docker compose` abort their clean-up.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn watch_for_interrupts() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|source| Error::failed("cannot watch for signals").because(source))?;
    let _ = WATCH.set(signals.handle());
    std::thread::spawn(move || {
        for signal in &mut signals {
            INTERRUPTED.store(true, Ordering::SeqCst);
            let from_terminal = matches!(signal, SIGINT | SIGQUIT) && shares_terminal_foreground();
            let child = CHILD.load(Ordering::SeqCst);
            if from_terminal || child == 0 {
                continue;
            }
            if let (Some(pid), Some(signal)) =
                (Pid::from_raw(child), Signal::from_named_raw(signal))
            {
                // The child may have ended in the meantime, which is what we want anyway.
                let _ = kill_process(pid, signal);
            }
        }
    });
    Ok(())
}

/// Passes every signal that programs use among each other on to a child that has our place.
pub(super) fn give_way_to(child: u32) {
    set_child(Some(child));
    for signal in [SIGQUIT, SIGUSR1, SIGUSR2] {
        // Without a watch they end this process, as they do by default.
        if let Some(watch) = WATCH.get() {
            let _ = watch.add_signal(signal);
        }
    }
}

/// Remembers the child that signals are passed on to; `None` when it has ended.
pub(super) fn set_child(pid: Option<u32>) {
    let raw = pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
    CHILD.store(raw, Ordering::SeqCst);
}

/// Whether this process is in the foreground group of a terminal on stdin.
fn shares_terminal_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stdin())
        .is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}
