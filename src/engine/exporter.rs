//! Whether this machine's builder can write images whose files all have one time.

use crate::engine::{Tools, Version};
use crate::error::{Error, Kind, Result};
use crate::output::Printer;

/// The oldest BuildKit that gives the files of a layer one time (`rewrite-timestamp`, BuildKit's
/// documentation, "SOURCE_DATE_EPOCH").
const OLDEST_BUILDKIT: Version = Version::new(0, 13);

const HELP: &str = "a builder that can: `docker buildx create --driver docker-container --use` (it fetches an image)";

/// Whether the chosen builder can export images with one time for all files.
///
/// # Errors
/// `NotReady`, with the reason and the way out, where it cannot.
pub fn rewrites_timestamps(tools: &Tools, printer: &Printer) -> Result<()> {
    let inspect = tools.docker().args(["buildx", "inspect"]);
    let told = tools
        .read(&inspect, printer)
        .map_err(|error| error.with_kind(Kind::NotReady))?;
    let builder = Builder::parse(&told);
    if builder.driver == "docker" {
        let status = tools
            .docker()
            .args(["info", "--format={{json .DriverStatus}}"]);
        let status = tools.read(&status, printer)?;
        if !status.contains("io.containerd.snapshotter") {
            return Err(Error::not_ready(
                "this engine's builder cannot write images whose files all have one time: it keeps \
                 them in the engine's own store, which records when each file was made",
            )
            .help("turn on the engine's containerd image store (`\"features\": {\"containerd-snapshotter\": true}` in daemon.json)")
            .help(format!("or take {HELP}")));
        }
    }
    match builder.version {
        Some(version) if version > Version::new(0, 0) && version < OLDEST_BUILDKIT => {
            Err(Error::not_ready(format!(
                "the builder is BuildKit {version}, and giving all files one time needs \
                 {OLDEST_BUILDKIT}"
            ))
            .help(format!("take {HELP}")))
        }
        _ => Ok(()),
    }
}

/// What `docker buildx inspect` tells.
struct Builder {
    driver: String,
    version: Option<Version>,
}

impl Builder {
    fn parse(told: &str) -> Self {
        let value = |name: &str| {
            told.lines()
                .find_map(|line| line.trim().strip_prefix(name))
                .map(|value| value.trim().to_owned())
        };
        // Older ones write "Buildkit".
        let version = value("BuildKit version:").or_else(|| value("Buildkit:"));
        Self {
            driver: value("Driver:").unwrap_or_default(),
            version: version.and_then(|version| Version::find(&version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_is_read_as_old_and_new_programs_write_it() {
        for (told, driver, version) in [
            (
                "Name: default\nDriver:        docker\n\nNodes:\nBuildKit version: v0.0.0+unknown\n",
                "docker",
                Some(Version::new(0, 0)),
            ),
            (
                "Name: b\nDriver: docker-container\nNodes:\n  Buildkit:  v0.12.5\n",
                "docker-container",
                Version::find("0.12.5"),
            ),
            ("", "", None),
        ] {
            let builder = Builder::parse(told);
            assert_eq!(
                (builder.driver.as_str(), builder.version),
                (driver, version)
            );
        }
    }
}
