//! Running programs of another platform through QEMU.

use super::Machine;
use crate::installation::name::Platform;

/// Whether this machine's kernel runs programs of another platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emulation {
    /// It does, also in containers.
    Everywhere,
    /// It does, but not in containers: the emulator is looked up at each start, and containers
    /// do not have it.
    OutsideContainers,
    /// It does not.
    Nowhere,
}

impl Machine {
    /// Whether the kernel runs programs of `platform`, which is not its own
    /// (`binfmt_misc`: kernel documentation, admin-guide/binfmt-misc.rst).
    pub fn emulation(&self, platform: Platform) -> Emulation {
        let directory = "/proc/sys/fs/binfmt_misc";
        if self
            .text(&format!("{directory}/status"))
            .is_some_and(|status| status.trim() == "disabled")
        {
            return Emulation::Nowhere;
        }
        self.text(&format!("{directory}/qemu-{}", processor(platform)))
            .map_or(Emulation::Nowhere, |entry| parse(&entry))
    }
}

/// The kernel's word for a platform.
fn processor(platform: Platform) -> &'static str {
    match platform {
        Platform::Amd64 => "x86_64",
        Platform::Arm64 => "aarch64",
    }
}

fn parse(entry: &str) -> Emulation {
    if entry.lines().next() != Some("enabled") {
        return Emulation::Nowhere;
    }
    let fixed = entry
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .is_some_and(|flags| flags.contains('F'));
    if fixed {
        Emulation::Everywhere
    } else {
        Emulation::OutsideContainers
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::machine;
    use super::*;

    const ENTRY: &str = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\n\
                         flags: PF\noffset 0\nmagic 7f454c46\nmask ffffffff\n";

    #[test]
    fn only_an_emulator_that_is_kept_open_works_in_containers() {
        let arm64 = |entry: &str, status: &str| {
            let (_root, machine) = machine(&[
                ("/proc/sys/fs/binfmt_misc/qemu-aarch64", entry),
                ("/proc/sys/fs/binfmt_misc/status", status),
            ]);
            machine.emulation(Platform::Arm64)
        };
        assert_eq!(arm64(ENTRY, "enabled\n"), Emulation::Everywhere);
        assert_eq!(
            arm64(&ENTRY.replace("PF", "OC"), "enabled\n"),
            Emulation::OutsideContainers
        );
        assert_eq!(
            arm64(&ENTRY.replace("enabled", "disabled"), "enabled\n"),
            Emulation::Nowhere
        );
        assert_eq!(arm64(ENTRY, "disabled\n"), Emulation::Nowhere);
    }

    #[test]
    fn without_an_entry_there_is_no_emulation() {
        let (_root, machine) = machine(&[]);
        assert_eq!(machine.emulation(Platform::Amd64), Emulation::Nowhere);
    }
}
