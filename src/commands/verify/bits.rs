//! `verify --bits`: whether two builds make the same layers, bit for bit.

use serde::{Deserialize, Serialize};

use crate::commands::building::Apart;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{ExportedLayer, Layout, rewrites_timestamps};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::project::Revision;

/// Files of a layer that are named; a layer may have thousands.
const NAMED: usize = 20;

/// What two builds made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bits {
    /// The time that all files were given, in seconds since 1970.
    pub epoch: i64,
    /// Layers that are the same in both builds.
    pub identical: usize,
    /// All layers of both images.
    pub total: usize,
    /// Layers that are not.
    pub different: Vec<DifferentLayer>,
}

/// A layer that two builds made differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferentLayer {
    /// Of which image.
    pub flavour: Flavour,
    /// The instruction that makes it.
    pub step: String,
    /// Files that differ, the first of them.
    pub files: Vec<String>,
    /// How many files differ beyond those.
    pub more: usize,
}

impl Bits {
    /// Whether both builds made the same.
    pub fn are_identical(&self) -> bool {
        self.identical == self.total
    }
}

/// A line for people.
impl std::fmt::Display for DifferentLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} image, {}", self.flavour, shortened(&self.step))?;
        let files: Vec<&str> = self.files.iter().take(5).map(String::as_str).collect();
        let more = self.more + self.files.len() - files.len();
        write!(f, ": {}", files.join(", "))?;
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        Ok(())
    }
}

/// Refuses at once where the builder cannot give files one time.
///
/// # Errors
/// `NotReady`, with the reason.
pub fn check(workplace: &Workplace<'_>) -> Result<()> {
    rewrites_timestamps(workplace.compose.tools(), &workplace.context.printer)
}

/// Builds both images twice and compares their layers.
///
/// # Errors
/// `Failed` when a build fails; `NotReady` when the builder left the times of files as they were.
pub fn compare(workplace: &Workplace<'_>, revision: &Revision) -> Result<Bits> {
    let printer = &workplace.context.printer;
    let epoch = revision
        .time()
        .and_then(|time| time.parse::<jiff::Timestamp>().ok())
        .map_or(0, |time| time.as_second());
    let place = tempfile::Builder::new()
        .prefix("envtpl-bits-")
        .tempdir()
        .map_err(|source| Error::io("make a directory below", &std::env::temp_dir(), source))?;
    let rounds = [place.path().join("1"), place.path().join("2")];
    for (number, round) in rounds.iter().enumerate() {
        printer.status(
            "Building",
            format_args!(
                "{} again, {} of 2",
                workplace.installation.name(),
                number + 1
            ),
        );
        Apart::export(workplace, round, epoch)?;
    }
    let mut bits = Bits {
        epoch,
        identical: 0,
        total: 0,
        different: Vec::new(),
    };
    for flavour in Flavour::ALL {
        let name = Layer::Generic.service(flavour);
        let [one, other] = &rounds;
        let (one, other) = (
            Layout::read(&one.join(&name))?,
            Layout::read(&other.join(&name))?,
        );
        if !one.layers.iter().any(|layer| layer.rewritten) {
            return Err(Error::not_ready(
                "the builder left the times of files as they were, so no two builds are the same",
            )
            .help("a newer one does it: `docker buildx create --driver docker-container --use`"));
        }
        bits.add(flavour, &one.layers, &other.layers)?;
    }
    Ok(bits)
}

impl Bits {
    fn add(
        &mut self,
        flavour: Flavour,
        one: &[ExportedLayer],
        other: &[ExportedLayer],
    ) -> Result<()> {
        self.total += one.len().max(other.len());
        for (index, layer) in one.iter().enumerate() {
            let files = match other.get(index) {
                Some(other) if other.digest == layer.digest => {
                    self.identical += 1;
                    continue;
                }
                Some(other) => layer.differing_files(other)?,
                None => Vec::new(),
            };
            self.different.push(DifferentLayer {
                flavour,
                step: layer.made_by.clone(),
                more: files.len().saturating_sub(NAMED),
                files: files.into_iter().take(NAMED).collect(),
            });
        }
        Ok(())
    }
}

/// An instruction as somebody wrote it, in one line: without the shell, with which arguments it ran
/// (`|1 NAME=value`), and what it mounts.
fn shortened(step: &str) -> String {
    let step = step.trim_end().trim_end_matches("# buildkit");
    let run = step.strip_prefix("RUN ");
    let command = run.and_then(|run| Some(run.split_once("/bin/sh -c ")?.1));
    let words = command.unwrap_or(step).split_whitespace();
    let words = words.filter(|word| !word.starts_with("--mount="));
    let words = command.map(|_| "RUN").into_iter().chain(words);
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_named_by_the_line_that_makes_it() {
        for (step, line) in [
            (
                "RUN |2 A=1 B=x y /bin/sh -c date +%N   >/etc/moment # buildkit",
                "RUN date +%N >/etc/moment",
            ),
            (
                "RUN --mount=type=cache,target=/c /bin/sh -c make # buildkit",
                "RUN make",
            ),
            ("COPY /tree/ / # buildkit", "COPY /tree/ /"),
            ("RUN /bin/bash -c make # buildkit", "RUN /bin/bash -c make"),
            ("", ""),
        ] {
            assert_eq!(shortened(step), line);
        }
    }
}
