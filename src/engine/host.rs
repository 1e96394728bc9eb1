//! What this machine can do by itself: its GPU, and the processors it can emulate.

use std::path::Path;

use crate::files;
use crate::installation::name::{Acceleration, Platform};

/// The acceleration that this machine's devices allow: the device counts, not an installed driver
/// package or container runtime.
pub fn usable_acceleration() -> Acceleration {
    let present = |path: &str| files::exists(Path::new(path));
    // /dev/dxg is the GPU of the Windows Subsystem for Linux.
    if present("/dev/nvidiactl") || present("/dev/dxg") {
        Acceleration::Cuda
    } else if present("/dev/kfd") {
        Acceleration::Rocm
    } else {
        Acceleration::Cpu
    }
}

/// Whether this machine's kernel runs programs of another platform through QEMU
/// (`binfmt_misc`, kernel documentation `admin-guide/binfmt-misc.rst`).
pub fn emulates(platform: Platform) -> bool {
    let processor = match platform {
        Platform::Amd64 => "x86_64",
        Platform::Arm64 => "aarch64",
    };
    files::read(Path::new(&format!(
        "/proc/sys/fs/binfmt_misc/qemu-{processor}"
    )))
    .is_ok_and(|entry| entry.starts_with(b"enabled"))
}
