//! Versions of drivers and of CUDA, and the compute capabilities of GPUs.

use std::cmp::Ordering;
use std::fmt;

/// Numbers with dots between them, as many as there are: `535.104.05`, `12.4`. What is not said is
/// zero, so 12 and 12.0 are equal.
#[derive(Debug, Clone)]
pub struct Dotted {
    text: String,
    /// Without zeros at the end.
    numbers: Vec<u32>,
}

impl Dotted {
    /// The numbers at the start of a text; what comes behind them is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let text = text[..end].trim_end_matches('.');
        let mut numbers: Vec<u32> = text
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self {
            text: text.to_owned(),
            numbers,
        })
    }

    /// The first number.
    pub fn major(&self) -> u32 {
        self.numbers.first().copied().unwrap_or(0)
    }

    /// The first two numbers, as CUDA's versions are called.
    pub fn short(&self) -> String {
        let minor = self.numbers.get(1).copied().unwrap_or(0);
        format!("{}.{minor}", self.major())
    }
}

impl fmt::Display for Dotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Dotted {
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for Dotted {}

impl Ord for Dotted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers)
    }
}

impl PartialOrd for Dotted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What an NVIDIA GPU can compute, in NVIDIA's numbering: 9.0 is Hopper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capability {
    /// The generation: programs compiled for one do not run on another.
    pub major: u32,
    /// The step in it: programs for a lower one run on a higher one.
    pub minor: u32,
}

impl Capability {
    /// A capability by its two numbers.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads `9.0`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self::new(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dotted(text: &str) -> Dotted {
        Dotted::parse(text).expect("a version")
    }

    #[test]
    fn versions_are_ordered_number_by_number() {
        assert!(dotted("525.60.13") < dotted("525.105.17"));
        assert!(dotted("525") < dotted("525.60.13"));
        assert!(dotted("535.54.03") > dotted("535.54"));
        assert_eq!(dotted("12"), dotted("12.0"));
        assert_eq!(dotted("418.87.00-grid").to_string(), "418.87.00");
        assert_eq!(dotted("12.4.1.003").short(), "12.4");
        for none in ["", "N/A", "[GPU is lost]", ".", "1..2"] {
            assert_eq!(Dotted::parse(none), None, "{none}");
        }
    }

    #[test]
    fn capabilities_are_two_numbers() {
        assert_eq!(Capability::parse("12.0"), Some(Capability::new(12, 0)));
        assert!(Capability::new(12, 0) > Capability::new(9, 0));
        assert_eq!(Capability::parse("[N/A]"), None);
    }
}
