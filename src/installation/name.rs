//! Names of installations: `<platform>-<acceleration>[-<variant>]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// No file system or image tag takes longer names; Docker's limit for a tag is 128, and flavour,
/// commit and user come behind the name.
const LONGEST: usize = 64;

/// What older projects put before the name.
const OLDER_PREFIX: &str = "docker-";

/// A CPU architecture in Docker's words; the system is always Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// The one that this program runs on.
    pub fn host() -> Self {
        if cfg!(target_arch = "aarch64") {
            Self::Arm64
        } else {
            Self::Amd64
        }
    }

    /// As Docker's `--platform` takes it.
    pub fn docker(self) -> String {
        format!("linux/{self}")
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        })
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "amd64" => Ok(Self::Amd64),
            "arm64" => Ok(Self::Arm64),
            _ => Err(Error::usage(format!("`{text}` is no platform"))
                .help("platforms are amd64 (also called x86_64) and arm64 (aarch64)")),
        }
    }
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acceleration {
    /// The processor alone.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// AMD GPUs.
    Rocm,
}

impl Acceleration {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Cuda, Self::Rocm];
}

impl fmt::Display for Acceleration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
        })
    }
}

impl FromStr for Acceleration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|acceleration| acceleration.to_string() == text)
            .ok_or_else(|| {
                Error::usage(format!("`{text}` is no acceleration"))
                    .help("accelerations are cpu, cuda (NVIDIA) and rocm (AMD)")
            })
    }
}

/// The name of an installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    platform: Platform,
    acceleration: Acceleration,
    variant: Option<String>,
    older: bool,
}

impl Name {
    /// A name without a variant.
    pub fn new(platform: Platform, acceleration: Acceleration) -> Self {
        Self {
            platform,
            acceleration,
            variant: None,
            older: false,
        }
    }

    /// The platform.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// The acceleration.
    pub fn acceleration(&self) -> Acceleration {
        self.acceleration
    }

    /// The variant, if there is one.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// A name for another installation on the same platform and acceleration, to suggest.
    pub fn another(&self) -> String {
        let variant = self.variant().unwrap_or_default();
        format!("{}-{}-{variant}2", self.platform, self.acceleration)
    }

    /// What names have in common that differ in their platform alone: `cuda`, `cuda-jax`.
    pub fn without_platform(&self) -> String {
        match self.variant() {
            Some(variant) => format!("{}-{variant}", self.acceleration),
            None => self.acceleration.to_string(),
        }
    }

    /// Whether two names mean the same installation: the older prefix makes no difference.
    pub fn same_environment(&self, other: &Self) -> bool {
        (self.platform, self.acceleration, &self.variant)
            == (other.platform, other.acceleration, &other.variant)
    }
}

/// As the directory is called, with the older prefix where it has one.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.older {
            f.write_str(OLDER_PREFIX)?;
        }
        write!(f, "{}-{}", self.platform, self.acceleration)?;
        match &self.variant {
            Some(variant) => write!(f, "-{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Name {
    type Err = Error;

    /// Reads a name; errors (`Usage`) say which part is wrong and what it may be.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: String| {
            let shown: String = text.chars().take(LONGEST).collect();
            let more = if shown.len() < text.len() { "…" } else { "" };
            let error = Error::usage(format!("`{shown}{more}` is no installation name: {why}"))
                .help("names are <platform>-<acceleration>[-<variant>], such as amd64-cuda, arm64-cpu or amd64-cuda-jax");
            match suggestion(text) {
                Some(name) => error.help(format!("did you mean `{name}`?")),
                None => error,
            }
        };
        if text.is_empty() {
            return Err(wrong("it is empty".into()));
        }
        if text.len() > LONGEST {
            return Err(wrong(format!(
                "it has {} characters, at most {LONGEST} are allowed",
                text.chars().count()
            )));
        }
        let (older, rest) = match text.strip_prefix(OLDER_PREFIX) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = rest.splitn(3, '-');
        let platform = parts.next().unwrap_or_default();
        let platform: Platform = platform
            .parse()
            .map_err(|_| wrong(format!("`{platform}` is no platform (amd64, arm64)")))?;
        let acceleration = parts.next().unwrap_or_default();
        if acceleration.is_empty() {
            return Err(wrong(
                "it does not say what computes (cpu, cuda, rocm)".to_owned(),
            ));
        }
        let acceleration: Acceleration = acceleration.parse().map_err(|_| {
            wrong(format!(
                "`{acceleration}` is no acceleration (cpu, cuda, rocm)"
            ))
        })?;
        let variant = parts.next().map(str::to_owned);
        if let Some(variant) = &variant {
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if variant.is_empty() || !variant.chars().all(allowed) {
                return Err(wrong(format!(
                    "the variant `{variant}` may hold a-z, 0-9 and _ alone"
                )));
            }
        }
        Ok(Self {
            platform,
            acceleration,
            variant,
            older,
        })
    }
}

/// What somebody may have meant who used other spellings of the same things.
fn suggestion(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let mut words = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !matches!(*word, "" | "docker" | "linux"));
    let platform = match words.next()? {
        "amd64" | "x64" | "x86" | "intel" => Platform::Amd64,
        "arm64" | "aarch64" | "arm" | "armv8" => Platform::Arm64,
        _ => return None,
    };
    let acceleration = words.find_map(|word| match word {
        "cpu" | "none" => Some(Acceleration::Cpu),
        "cuda" | "gpu" | "nvidia" => Some(Acceleration::Cuda),
        "rocm" | "amd" | "hip" => Some(Acceleration::Rocm),
        _ => None,
    });
    let name = Name::new(platform, acceleration.unwrap_or(Acceleration::Cpu));
    Some(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn names_are_printed_as_they_are_read() {
        for text in [
            "amd64-cuda",
            "arm64-cpu",
            "amd64-rocm",
            "amd64-cuda-jax_2",
            "docker-amd64-cuda",
        ] {
            let name: Name = text.parse().expect(text);
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn the_older_prefix_makes_no_other_installation() {
        let older: Name = "docker-amd64-cuda".parse().expect("a name");
        let newer: Name = "amd64-cuda".parse().expect("a name");
        assert!(older.same_environment(&newer));
        assert_ne!(older, newer);
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let long = "a".repeat(300);
        for (text, why) in [
            ("banana-potato", "`banana` is no platform"),
            ("amd64-potato", "`potato` is no acceleration"),
            ("amd64", "does not say what computes"),
            ("linux/arm64", "no platform"),
            ("arm&64-cpu", "`arm&64` is no platform"),
            ("../x", "no platform"),
            ("", "it is empty"),
            ("AMD64-CUDA", "`AMD64` is no platform"),
            ("amd64-cuda-", "the variant"),
            ("amd64-cuda-Env", "the variant"),
            ("amd64-cuda-a-b", "the variant"),
            ("amd64-cuda\n", "no acceleration"),
            (long.as_str(), "300 characters"),
        ] {
            let error = text.parse::<Name>().expect_err(text);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.message().contains(why), "{text:?}: {error}");
            assert!(error.message().len() < 200, "{error}");
        }
    }

    #[test]
    fn other_spellings_get_a_suggestion() {
        for (text, meant) in [
            ("linux/arm64", "arm64-cpu"),
            ("AMD64-CUDA", "amd64-cuda"),
            ("aarch64-gpu", "arm64-cuda"),
        ] {
            let error = text.parse::<Name>().expect_err(text);
            let help = error.helps().concat();
            assert!(help.contains(meant), "{text:?}: {help}");
        }
    }
}
