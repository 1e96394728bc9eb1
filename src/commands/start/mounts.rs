//! What a container mounts from the host, made by the person before the engine makes it as root.

use std::path::{Path, PathBuf};

use crate::commands::start::launch::Launch;
use crate::error::{Error, Place, Result};
use crate::files;

/// Makes the directories that the service mounts and that are missing, and the volumes.
/// Directories only below the project and the person's home: elsewhere a missing path is a
/// mistake, or a disk that is not mounted.
///
/// # Errors
/// `NotReady` when one is missing elsewhere, with its line; when one cannot be made.
pub fn make_missing(launch: &Launch<'_>) -> Result<()> {
    if !launch.workplace.images.is_local() {
        // The paths are another machine's.
        return Ok(());
    }
    let mut ours = vec![launch.workplace.project.root().to_owned()];
    ours.extend(std::env::home_dir());
    for volume in &launch.composed()?.volumes {
        let source = PathBuf::from(&volume.source);
        if !volume.is_made_when_missing() || files::exists(&source) {
            continue;
        }
        if !ours.iter().any(|ours| source.starts_with(ours)) {
            return Err(missing(launch, &source, &volume.target));
        }
        if launch.workplace.context.dry_run {
            let printer = &launch.workplace.context.printer;
            printer.note(format_args!(
                "would make the directory {}",
                source.display()
            ));
            continue;
        }
        files::make_directory(&source)?;
    }
    if !launch.workplace.context.dry_run {
        let printer = &launch.workplace.context.printer;
        (launch.workplace.images).make_volumes(&launch.workplace.model, printer);
    }
    Ok(())
}

fn missing(launch: &Launch<'_>, source: &Path, target: &str) -> Error {
    let file = launch.workplace.compose.file();
    let text = files::read_text(&file).unwrap_or_default();
    let line = text.lines().position(|line| line.contains(target));
    let place = match line {
        Some(index) => Place::line(&file, &text, index + 1),
        None => Place::file(&file),
    };
    Error::not_ready(format!(
        "`{}`, which is mounted at `{target}`, is not there",
        source.display()
    ))
    .at(place)
    .help(format!(
        "mount the disk that it is on, make it (`mkdir -p {}`), or take the mount out",
        crate::process::quote(source)
    ))
}
