//! What kind of system this is.

use super::Machine;

/// The operating system that envtpl runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum System {
    /// Linux, with its distribution's name.
    Linux(String),
    /// Linux inside Windows (WSL), with its distribution's name.
    Wsl(String),
    /// macOS.
    MacOs,
    /// Something else.
    Other(String),
}

impl Machine {
    /// What kind of system this is.
    pub fn system(&self) -> System {
        match std::env::consts::OS {
            "linux" => {
                let name = self
                    .os_release("PRETTY_NAME")
                    .unwrap_or_else(|| "Linux".to_owned());
                let kernel = self
                    .text("/proc/sys/kernel/osrelease")
                    .unwrap_or_default()
                    .to_lowercase();
                if kernel.contains("microsoft") {
                    System::Wsl(name)
                } else {
                    System::Linux(name)
                }
            }
            "macos" => System::MacOs,
            other => System::Other(other.to_owned()),
        }
    }

    /// A value of `/etc/os-release` (freedesktop os-release(5): shell-like assignments).
    pub(super) fn os_release(&self, name: &str) -> Option<String> {
        let text = self
            .text("/etc/os-release")
            .or_else(|| self.text("/usr/lib/os-release"))?;
        text.lines().find_map(|line| {
            let value = line.trim().strip_prefix(name)?.strip_prefix('=')?;
            Some(value.trim_matches(['"', '\'']).to_owned())
        })
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::super::fake::machine;
    use super::*;

    #[test]
    fn windows_betrays_itself_in_the_kernel_release() {
        let release = ("/etc/os-release", "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\n");
        let kernel = "/proc/sys/kernel/osrelease";
        let (_root, plain) = machine(&[release, (kernel, "6.8.0-45-generic\n")]);
        assert_eq!(plain.system(), System::Linux("Ubuntu 24.04.1 LTS".into()));
        let (_root, windows) =
            machine(&[release, (kernel, "5.15.153.1-microsoft-standard-WSL2\n")]);
        assert_eq!(windows.system(), System::Wsl("Ubuntu 24.04.1 LTS".into()));
        let (_root, bare) = machine(&[]);
        assert_eq!(bare.system(), System::Linux("Linux".into()));
    }
}
