//! What the packages of an image weigh, as its package databases say.

use serde::{Deserialize, Serialize};

use crate::environment::probe::{FIND_PYTHON, in_image};
use crate::process::Invocation;

/// Prints the packages; it is given `$PYTHON`.
const SCRIPT: &str = include_str!("sizes.sh");

/// What stands before the answer; an image's own start may print something first.
const START: &str = "\u{1e}sizes\n";

/// A package and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSize {
    /// `apt`, `conda` or `python`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Bytes of its files.
    pub bytes: u64,
}

/// The command that asks an image; `docker` is the start of an engine command line.
pub fn question(docker: Invocation, image: &str, platform: &str) -> Invocation {
    in_image(docker, image, platform, [FIND_PYTHON, SCRIPT].concat())
}

/// The packages that an image told, the heaviest first. A line that is none is left out.
pub fn parse(printed: &str) -> Vec<PackageSize> {
    let told = printed.split_once(START).map_or("", |(_, told)| told);
    let mut sizes: Vec<PackageSize> = told.lines().filter_map(package).collect();
    sizes.sort_by(|one, other| {
        let by_name = || (&one.kind, &one.name).cmp(&(&other.kind, &other.name));
        other.bytes.cmp(&one.bytes).then_with(by_name)
    });
    sizes
}

fn package(line: &str) -> Option<PackageSize> {
    let mut fields = line.split('\t').map(str::to_owned);
    let (kind, name, version) = (fields.next()?, fields.next()?, fields.next()?);
    let number: u64 = fields.next()?.parse().ok()?;
    let unit = if fields.next()? == "Ki" { 1024 } else { 1 };
    Some(PackageSize {
        kind,
        name,
        version,
        bytes: number.checked_mul(unit)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_from_the_heaviest_on_and_talk_is_none() {
        let printed = "welcome\tto\tx\t9\t\n\u{1e}sizes\napt\tjq\t1.6\t100\tKi\n\
                       apt\tvirtual\t1\t\tKi\npython\ttorch\t2.4\t2000000\t\nnonsense\n";
        let sizes = parse(printed);
        let told: Vec<_> = sizes
            .iter()
            .map(|one| (&*one.kind, &*one.name, one.bytes))
            .collect();
        assert_eq!(
            told,
            [("python", "torch", 2_000_000), ("apt", "jq", 102_400)]
        );
        assert!(parse("no answer").is_empty());
    }
}
