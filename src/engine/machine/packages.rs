//! How this distribution installs packages, for the lines that people are told to run.

use super::Machine;

/// The distribution's package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// Debian, Ubuntu and what comes from them.
    Apt,
    /// Fedora, Red Hat and what comes from them.
    Dnf,
    /// SUSE.
    Zypper,
    /// Arch.
    Pacman,
    /// macOS.
    Brew,
}

impl Machine {
    /// The package manager, when the distribution is known.
    pub fn package_manager(&self) -> Option<PackageManager> {
        if cfg!(target_os = "macos") {
            return Some(PackageManager::Brew);
        }
        let families = [self.os_release("ID"), self.os_release("ID_LIKE")];
        families
            .iter()
            .flatten()
            .flat_map(|value| value.split_whitespace())
            .find_map(|family| match family {
                "debian" | "ubuntu" => Some(PackageManager::Apt),
                "fedora" | "rhel" | "centos" => Some(PackageManager::Dnf),
                "suse" | "opensuse" | "sles" => Some(PackageManager::Zypper),
                "arch" => Some(PackageManager::Pacman),
                _ => None,
            })
    }

    /// The line that installs packages here; their names are Debian's, and mostly the others' too.
    pub fn install_line(&self, packages: &str) -> String {
        match self.package_manager() {
            Some(PackageManager::Apt) => format!("sudo apt-get install {packages}"),
            Some(PackageManager::Dnf) => format!("sudo dnf install {packages}"),
            Some(PackageManager::Zypper) => format!("sudo zypper install {packages}"),
            Some(PackageManager::Pacman) => format!("sudo pacman -S {packages}"),
            Some(PackageManager::Brew) => format!("brew install {packages}"),
            None => format!("install the packages {packages}"),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::super::fake::machine;

    #[test]
    fn relatives_of_a_distribution_install_as_it_does() {
        for (release, line) in [
            ("ID=debian\n", "sudo apt-get install jq"),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                "sudo apt-get install jq",
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                "sudo dnf install jq",
            ),
            (
                "ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n",
                "sudo zypper install jq",
            ),
            ("ID=arch\n", "sudo pacman -S jq"),
            ("ID=nixos\n", "install the packages jq"),
        ] {
            let (_root, machine) = machine(&[("/etc/os-release", release)]);
            assert_eq!(machine.install_line("jq"), line, "{release}");
        }
    }
}
