//! What this machine can do by itself: its GPU, and the processors it can emulate.

use std::path::Path;

use crate::engine::machine::{Emulation, Machine};
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

/// Whether this machine's containers run programs of another platform.
pub fn emulates(platform: Platform) -> bool {
    Machine::here().emulation(platform) == Emulation::Everywhere
}
