//! `envtpl sources push`: shares what the lock names.

use serde::Serialize;

use crate::commands::Context;
use crate::commands::sources::index::Index;
use crate::commands::sources::place::Place;
use crate::commands::sources::report::{self, Report};
use crate::commands::sources::scene::Scene;
use crate::commands::sources::{image, verify};
use crate::environment::sources::{State, Store};
use crate::error::{Error, Result};
use crate::process::interrupted;

/// What was shared.
#[derive(Debug, Serialize)]
struct Pushed {
    to: String,
    files: usize,
    sent: Option<usize>,
    digest: Option<String>,
}

/// Copies the files of the installations asked for.
///
/// # Errors
/// `Failed` when the store lacks one or has another, with nothing shared.
pub fn run(context: &Context, to: &Place) -> Result<()> {
    let project = context.project()?;
    let scenes = Scene::all(context, &project)?;
    let to = to.from(&context.directory);
    let mut reports = Vec::new();
    for scene in &scenes {
        reports.push(verify::look(scene)?);
    }
    if !reports.iter().all(Report::is_complete) {
        report::print(&context.printer, &reports)?;
        return Err(
            Error::failed("the store lacks files of the lock, so nothing was shared")
                .help("`envtpl sources fetch`"),
        );
    }
    let files = reports.iter().map(|report| report.files.len()).sum();
    let mut pushed = Pushed {
        to: to.to_string(),
        files,
        sent: None,
        digest: None,
    };
    if context.dry_run {
        return context.printer.report(&pushed, |pushed| {
            format!("{} files would be copied to {}\n", pushed.files, pushed.to)
        });
    }
    match &to {
        Place::Directory(path) => {
            let target = Store::at(path);
            crate::files::make_directory(path)?;
            context.printer.status("Copying", format_args!("to {to}"));
            pushed.sent = Some(copy(&scenes, &target)?);
        }
        Place::Named(name) => pushed.digest = Some(image::push(&scenes, name)?),
    }
    context.printer.report(&pushed, |pushed| {
        let Pushed {
            to,
            files,
            sent,
            digest,
        } = pushed;
        match (digest, sent) {
            (Some(digest), _) => format!("{files} files are in {to}@{digest}\n"),
            (None, sent) => {
                let sent = sent.unwrap_or_default();
                format!("{files} files are in {to}, {sent} of them new\n")
            }
        }
    })
}

/// Copies what the target lacks; gives how many files that were.
fn copy(scenes: &[Scene<'_>], target: &Store) -> Result<usize> {
    let mut index = Index::read(target.directory())?;
    let mut sent = 0;
    for scene in scenes {
        for digest in scene.inventory.digests() {
            if interrupted() {
                return Err(Error::interrupted());
            }
            match target.state(digest)? {
                State::Right => continue,
                State::Missing => {}
                State::Wrong(_) => target.remove(digest)?,
            }
            match target.take(&scene.store, digest, interrupted)? {
                State::Right => sent += 1,
                _ => {
                    return Err(Error::failed(format!(
                        "`{}` changed while it was copied",
                        scene.store.path(digest).display()
                    ))
                    .help("`envtpl sources verify` tells what is wrong"));
                }
            }
        }
        index.add(scene);
    }
    index.write(target.directory())?;
    Ok(sent)
}
