//! Where the documents go, and in which format each.

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::environment::sbom::Spec;
use crate::error::{Error, Result};
use crate::files;

/// A document that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its format.
    pub spec: Spec,
    /// Where it goes.
    pub place: Place,
}

/// Where a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

/// Reads what a person asked for.
///
/// # Errors
/// `Usage` when the format of a file is not clear, two documents go to the same place, or the
/// directory of one is not there.
pub fn read(
    context: &Context,
    spec: Option<Spec>,
    outputs: &[PathBuf],
) -> Result<Vec<Destination>> {
    if outputs.is_empty() {
        return Ok(vec![Destination {
            spec: spec.unwrap_or(Spec::Spdx),
            place: Place::Stdout,
        }]);
    }
    let mut destinations: Vec<Destination> = Vec::new();
    for output in outputs {
        let destination = match output.as_os_str() == "-" {
            true => Destination {
                spec: spec.unwrap_or(Spec::Spdx),
                place: Place::Stdout,
            },
            false => Destination {
                spec: spec_of(output, spec)?,
                place: Place::File(context.directory.join(output)),
            },
        };
        if destinations
            .iter()
            .any(|one| one.place == destination.place)
        {
            return Err(Error::usage(format!(
                "two documents cannot both go to `{}`",
                output.display()
            ))
            .help("give each `-o` a name of its own: `-o image.spdx.json -o image.cdx.json`"));
        }
        if let Place::File(path) = &destination.place {
            check_directory(path)?;
        }
        destinations.push(destination);
    }
    Ok(destinations)
}

fn spec_of(output: &Path, spec: Option<Spec>) -> Result<Spec> {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    match (by_name(&name), spec) {
        (Some(named), Some(asked)) if named != asked => Err(Error::usage(format!(
            "the name of `{}` says another format than `--spec`",
            output.display()
        ))
        .help("leave `--spec` away, or choose another name")),
        (Some(spec), _) | (None, Some(spec)) => Ok(spec),
        (None, None) => Err(Error::usage(format!(
            "the name of `{}` does not say its format",
            output.display()
        ))
        .help("call it `*.spdx.json` or `*.cdx.json`, as both standards do, or give `--spec`")),
    }
}

/// The names that SPDX 2.3 (clause 4.4) and CycloneDX ("Recognized Predefined File Names") give.
fn by_name(name: &str) -> Option<Spec> {
    let ends = |end: &str| name.ends_with(end);
    match () {
        () if ends(".spdx.json") => Some(Spec::Spdx),
        () if ends(".cdx.json") || name == "bom.json" => Some(Spec::CycloneDx),
        () => None,
    }
}

/// Better said before the image is asked.
fn check_directory(path: &Path) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    if files::is_directory(path) {
        return Err(Error::usage(format!("`{}` is a directory", path.display()))
            .help("name a file in it: `-o DIRECTORY/image.spdx.json`"));
    }
    match files::is_directory(directory) {
        true => Ok(()),
        false => Err(
            Error::usage(format!("there is no directory `{}`", directory.display()))
                .help("make it first, or write elsewhere"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_format() {
        let spec = |name: &str, asked| spec_of(Path::new(name), asked).ok();
        assert_eq!(spec("a/run.spdx.json", None), Some(Spec::Spdx));
        assert_eq!(spec("run.cdx.json", None), Some(Spec::CycloneDx));
        assert_eq!(spec("bom.json", None), Some(Spec::CycloneDx));
        assert_eq!(spec("x.json", Some(Spec::CycloneDx)), Some(Spec::CycloneDx));
        assert_eq!(spec("x.json", None), None);
        assert_eq!(spec("x.cdx.json", Some(Spec::Spdx)), None);
    }
}
