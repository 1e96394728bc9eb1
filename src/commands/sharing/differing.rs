//! Whether a pulled image was built from the files that are here, and what differs if it was not.

use std::path::Path;

use crate::commands::sharing::pulling::is_mine;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{INPUTS_LABEL, Image, REVISION_LABEL};
use crate::error::Result;
use crate::files::unified_diff;
use crate::installation::flavour::Flavour;
use crate::project::{DifferingFile, Git, differing, digest};

/// Lines of a file that are shown of what differs; and of all files together.
const LINES: usize = 20;
const ALL_LINES: usize = 60;

/// Says of pulled images whether they are what the files here say.
///
/// # Errors
/// When a file or the repository cannot be read.
pub fn tell(
    workplace: &Workplace<'_>,
    layer: Layer,
    flavours: &[Flavour],
    images: &[Image],
) -> Result<()> {
    let installation = workplace.installation;
    let printer = &workplace.context.printer;
    let mut told: Vec<&str> = Vec::new();
    for (flavour, image) in flavours.iter().zip(images) {
        if layer == Layer::User && !is_mine(workplace, image)? {
            printer.warn(format_args!(
                "the {flavour} image was made for another user, or from another Dockerfile-user"
            ));
            printer.help(format_args!(
                "make yours: `envtpl build-user -i {}`",
                installation.name()
            ));
        }
        let label = |name: &str| image.labels.get(name).map_or("", String::as_str);
        let commit = label(REVISION_LABEL);
        if label(INPUTS_LABEL) == digest(installation.directory(), *flavour)? {
            let short: String = commit.chars().take(7).collect();
            printer.status(
                "Checked",
                format_args!("the {flavour} image: built at {short}, from the same files as yours"),
            );
            continue;
        }
        // Two images of one commit differ from these files alike; dev reads all that run does.
        if told.contains(&commit) {
            continue;
        }
        told.push(commit);
        explain(workplace, commit)?;
    }
    Ok(())
}

fn explain(workplace: &Workplace<'_>, commit: &str) -> Result<()> {
    let installation = workplace.installation;
    let printer = &workplace.context.printer;
    let id = commit.strip_suffix("-dirty").unwrap_or(commit);
    let short: String = id.chars().take(7).collect();
    let found = match Git::open(installation.directory())? {
        Some(git) => differing(&git, id, installation.directory(), Flavour::Dev)?,
        None => None,
    };
    let build = format!(
        "build one from yours: `envtpl build-generic -i {}`",
        installation.name()
    );
    match found {
        None => {
            printer.warn(format_args!(
                "this image was built from other files than yours, those of the commit {short}, \
                 which is not here"
            ));
            printer.help("get it, to see what differs: `git fetch`");
        }
        Some(files) => {
            let declared = files.iter().any(|file| is_dependency(&file.path));
            let what = if declared {
                "dependency files"
            } else {
                "files"
            };
            let colon = if files.is_empty() { "" } else { ":" };
            printer.warn(format_args!(
                "this image was built from other {what} than yours, those of the commit \
                 {short}{colon}"
            ));
            for line in lines(&files) {
                printer.warn_more(line);
            }
            if commit != id {
                printer.help("its builder had changed more than was committed");
            }
            printer.help(format_args!("work with its files: `git checkout {short}`"));
        }
    }
    printer.help(build);
    Ok(())
}

fn is_dependency(path: &Path) -> bool {
    path.starts_with("dependencies") || path == Path::new("compose-base.yaml")
}

/// What differs, dependency files first: `-` is the image's, `+` yours.
fn lines(files: &[DifferingFile]) -> Vec<String> {
    let (declared, others): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| is_dependency(&file.path));
    let mut lines = Vec::new();
    for file in declared {
        let own = changed_lines(&file.path, file.before.as_deref(), file.after.as_deref());
        lines.push(format!(
            "  {} (- the image's, + yours)",
            file.path.display()
        ));
        let more = own.len().saturating_sub(LINES);
        lines.extend(
            own.into_iter()
                .take(LINES)
                .map(|line| format!("    {line}")),
        );
        if more > 0 {
            lines.push(format!("    … and {more} lines more"));
        }
    }
    let more = lines.len().saturating_sub(ALL_LINES);
    lines.truncate(ALL_LINES);
    if more > 0 {
        lines.push(format!("  … and {more} lines more"));
    }
    if !others.is_empty() {
        let names: Vec<String> = others
            .iter()
            .map(|file| file.path.display().to_string())
            .collect();
        lines.push(format!("  also: {}", names.join(", ")));
    }
    lines
}

fn changed_lines(path: &Path, before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<String> {
    unified_diff(path, before, after)
        .lines()
        // The names of both sides.
        .skip(2)
        .filter(|line| line.starts_with(['+', '-']))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, before: &str, after: &str) -> DifferingFile {
        DifferingFile {
            path: path.into(),
            before: Some(before.into()),
            after: Some(after.into()),
        }
    }

    #[test]
    fn the_lines_that_differ_are_told_with_whose_they_are() {
        let long: String = (0..30).map(|number| format!("p{number}\n")).collect();
        let files = [
            file("Dockerfile", "FROM a\n", "FROM b\n"),
            file(
                "dependencies/requirements.txt",
                "a\nnumpy==1\n",
                "a\nnumpy==2\n",
            ),
            file("dependencies/apt-dev.txt", "", &long),
        ];
        let told = lines(&files);
        assert_eq!(
            told[..3],
            [
                "  dependencies/requirements.txt (- the image's, + yours)",
                "    -numpy==1",
                "    +numpy==2"
            ]
        );
        assert_eq!(
            told[told.len() - 2..],
            ["    … and 10 lines more", "  also: Dockerfile"]
        );
    }
}
