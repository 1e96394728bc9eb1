//! Versions as programs print them.

use std::fmt;

/// The leading numbers of a version; what distributions append (`+dfsg1`, `-4`) is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The oldest Docker Engine that envtpl works with.
pub const OLDEST_ENGINE: Version = Version::new(23, 0);
/// The oldest Docker Compose.
pub const OLDEST_COMPOSE: Version = Version::new(2, 0);
/// The oldest buildx.
pub const OLDEST_BUILDX: Version = Version::new(0, 12);

impl Version {
    /// A version of two numbers, such as a floor.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self {
            major,
            minor,
            patch: 0,
        }
    }

    /// The first word of a text that is a version: `buildx v0.12.1 30feaa1` has 0.12.1.
    pub fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.strip_prefix('v').unwrap_or(word);
        let mut numbers = word.split('.').map(|part| {
            let end = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            part[..end].parse().ok()
        });
        let major = numbers.next().flatten()?;
        let minor = numbers.next().flatten()?;
        Some(Self {
            major,
            minor,
            patch: numbers.next().flatten().unwrap_or(0),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let shown = |text| Version::find(text).map(|version| version.to_string());
        for (text, version) in [
            ("26.1.5+dfsg1", "26.1.5"),
            ("2.26.1-4", "2.26.1"),
            ("Docker Compose version v2.24.5", "2.24.5"),
            ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3", "0.13.1"),
            (
                "github.com/docker/buildx v0.12.1-desktop.4 30feaa1a915b",
                "0.12.1",
            ),
            ("git version 2.39.5 (Apple Git-154)", "2.39.5"),
            ("5.0-dev", "5.0.0"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(version), "{text}");
        }
        assert_eq!(shown("unknown"), None);
        assert_eq!(shown(""), None);
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let floor = Version::new(0, 12);
        assert!(Version::find("0.9.1").expect("a version") < floor);
        assert!(Version::find("0.12.0").expect("a version") >= floor);
    }
}
