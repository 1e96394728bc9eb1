//! Releases of Debian and Ubuntu, and where their packages come from.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::installation::name::Platform;

/// A distribution with packages in Debian's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Debian.
    Debian,
    /// Ubuntu.
    Ubuntu,
}

/// A release of a distribution, by its code name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    name: &'static str,
    version: &'static str,
    distribution: Distribution,
    /// Whether it has been released, and so gets updates and security updates beside it.
    released: bool,
}

/// The releases that are looked after, or were until lately.
const SUITES: [Suite; 10] = [
    debian("bullseye", "11", true),
    debian("bookworm", "12", true),
    debian("trixie", "13", true),
    debian("forky", "14", false),
    debian("sid", "unstable", false),
    ubuntu("focal", "20.04"),
    ubuntu("jammy", "22.04"),
    ubuntu("noble", "24.04"),
    ubuntu("questing", "25.10"),
    ubuntu("resolute", "26.04"),
];

const fn debian(name: &'static str, version: &'static str, released: bool) -> Suite {
    Suite {
        name,
        version,
        distribution: Distribution::Debian,
        released,
    }
}

const fn ubuntu(name: &'static str, version: &'static str) -> Suite {
    Suite {
        name,
        version,
        distribution: Distribution::Ubuntu,
        released: true,
    }
}

impl Suite {
    /// The code name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The distribution.
    pub fn distribution(self) -> Distribution {
        self.distribution
    }

    /// The parts of the archive that are used; Ubuntu keeps pip in `universe`.
    pub fn components(self) -> &'static str {
        match self.distribution {
            Distribution::Debian => "main",
            Distribution::Ubuntu => "main universe",
        }
    }

    /// The archive for a platform.
    pub fn archive(self, platform: Platform) -> &'static str {
        match (self.distribution, platform) {
            (Distribution::Debian, _) => "http://deb.debian.org/debian",
            (Distribution::Ubuntu, Platform::Amd64) => "http://archive.ubuntu.com/ubuntu",
            (Distribution::Ubuntu, Platform::Arm64) => "http://ports.ubuntu.com/ubuntu-ports",
        }
    }

    /// Whether it gets updates and security updates beside what it was released with.
    pub fn has_updates(self) -> bool {
        self.released
    }

    /// Where its security updates come from, given a mirror of its archive; `None` when that cannot
    /// be known: a mirror of Debian seldom has them under a name that could be guessed, one of
    /// Ubuntu has them in the same place.
    pub fn security_archive(self, platform: Platform, mirror: Option<&str>) -> Option<&str> {
        match (self.distribution, platform, mirror) {
            _ if !self.released => None,
            (Distribution::Debian, _, None) => Some("http://security.debian.org/debian-security"),
            (Distribution::Debian, _, Some(_)) => None,
            (Distribution::Ubuntu, Platform::Amd64, None) => {
                Some("http://security.ubuntu.com/ubuntu")
            }
            (Distribution::Ubuntu, _, mirror) => Some(mirror.unwrap_or(self.archive(platform))),
        }
    }

    /// The lines of `sources.list` (sources.list(5)): for an archive, which is the given mirror or
    /// the distribution's own, and for the archive of its security updates.
    pub fn sources(
        self,
        platform: Platform,
        mirror: Option<&str>,
        security: Option<&str>,
    ) -> Vec<String> {
        let archive = mirror.unwrap_or(self.archive(platform));
        let line =
            |archive: &str, suite: &str| format!("deb {archive} {suite} {}", self.components());
        let mut lines = vec![line(archive, self.name)];
        if !self.released {
            return lines;
        }
        lines.push(line(archive, &format!("{}-updates", self.name)));
        let security = security.or(self.security_archive(platform, mirror));
        lines.extend(security.map(|archive| line(archive, &format!("{}-security", self.name))));
        lines
    }
}

impl Distribution {
    /// The file with the keys that its archive is signed with.
    pub fn keyring(self) -> &'static str {
        match self {
            Self::Debian => "/usr/share/keyrings/debian-archive-keyring.gpg",
            Self::Ubuntu => "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        }
    }

    /// The package that the keyring comes in.
    pub fn keyring_package(self) -> &'static str {
        match self {
            Self::Debian => "debian-archive-keyring",
            Self::Ubuntu => "ubuntu-keyring",
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debian => "Debian",
            Self::Ubuntu => "Ubuntu",
        })
    }
}

/// For people: `Debian 12 (bookworm)`.
impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.distribution, self.version, self.name)
    }
}

impl FromStr for Suite {
    type Err = Error;

    /// By code name, or by version: `bookworm`, `12`, `24.04`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wanted = text.to_lowercase();
        SUITES
            .into_iter()
            .find(|suite| suite.name == wanted || suite.version == wanted)
            .ok_or_else(|| {
                let of = |distribution| {
                    let names: Vec<String> = SUITES
                        .iter()
                        .filter(|suite| suite.distribution == distribution)
                        .map(|suite| format!("{} ({})", suite.name, suite.version))
                        .collect();
                    format!("{distribution} has {}", names.join(", "))
                };
                Error::usage(format!("`{text}` is no release of Debian or Ubuntu"))
                    .help(of(Distribution::Debian))
                    .help(of(Distribution::Ubuntu))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(name: &str) -> Suite {
        name.parse().expect("a suite")
    }

    #[test]
    fn suites_are_found_by_name_and_by_version() {
        assert_eq!(suite("bookworm").to_string(), "Debian 12 (bookworm)");
        assert_eq!(suite("24.04"), suite("noble"));
        let error = "banana".parse::<Suite>().expect_err("no suite");
        assert!(error.helps()[0].contains("bookworm (12)"), "{error:?}");
    }

    #[test]
    fn each_distribution_keeps_its_packages_elsewhere() {
        assert_eq!(
            suite("bookworm").sources(Platform::Arm64, None, None),
            [
                "deb http://deb.debian.org/debian bookworm main",
                "deb http://deb.debian.org/debian bookworm-updates main",
                "deb http://security.debian.org/debian-security bookworm-security main",
            ]
        );
        assert_eq!(
            suite("noble").sources(Platform::Amd64, None, None)[2],
            "deb http://security.ubuntu.com/ubuntu noble-security main universe"
        );
        assert_eq!(
            suite("noble").sources(Platform::Arm64, None, None),
            [
                "deb http://ports.ubuntu.com/ubuntu-ports noble main universe",
                "deb http://ports.ubuntu.com/ubuntu-ports noble-updates main universe",
                "deb http://ports.ubuntu.com/ubuntu-ports noble-security main universe",
            ]
        );
        assert_eq!(
            suite("sid").sources(Platform::Amd64, None, None),
            ["deb http://deb.debian.org/debian sid main"]
        );
    }

    #[test]
    fn a_mirror_takes_the_place_of_the_archive() {
        assert_eq!(
            suite("trixie").sources(Platform::Amd64, Some("http://mirror.lab/debian"), None),
            [
                "deb http://mirror.lab/debian trixie main",
                "deb http://mirror.lab/debian trixie-updates main",
            ]
        );
        assert_eq!(
            suite("jammy")
                .sources(Platform::Amd64, Some("http://mirror.lab/ubuntu"), None)
                .len(),
            3
        );
        assert_eq!(
            suite("trixie").sources(
                Platform::Amd64,
                Some("http://mirror.lab/debian"),
                Some("http://mirror.lab/security")
            )[2],
            "deb http://mirror.lab/security trixie-security main"
        );
    }
}
