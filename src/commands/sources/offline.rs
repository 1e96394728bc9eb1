//! What a build without network needs, looked at and laid out before it begins.

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::commands::sources::report::Report;
use crate::commands::sources::scene::Scene;
use crate::commands::sources::verify;
use crate::environment::sources::{Git, view};
use crate::error::{Error, Result};
use crate::files;
use crate::project::{Installation, Project};

/// How many lines of an error are read.
const SHOWN: usize = 20;

/// Checks that every file which a build from the lock needs is in the store and right, and lays
/// them out in a directory for the build; gives its path.
///
/// # Errors
/// `NotReady` without a lock; `Failed`, naming each file that is missing or wrong.
pub fn prepare(
    context: &Context,
    project: &Project,
    installation: &Installation,
) -> Result<PathBuf> {
    let scene = Scene::open(context, project, installation)?;
    let report = verify::look(&scene)?;
    let directory = project
        .root()
        .join(files::STATE_DIRECTORY)
        .join(relative(installation));
    if !report.is_complete() {
        return Err(refusal(installation, &report));
    }
    if context.dry_run {
        return Ok(directory);
    }
    lay_out(&scene, &directory)?;
    Ok(directory)
}

fn relative(installation: &Installation) -> PathBuf {
    Path::new("cache").join(format!("sources-{}", installation.name()))
}

fn refusal(installation: &Installation, report: &Report) -> Error {
    let faults = report.faults();
    let mut shown: Vec<&str> = faults.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("and {} more", faults.len().saturating_sub(SHOWN));
    if faults.len() > SHOWN {
        shown.push(&more);
    }
    let name = installation.name();
    Error::failed(format!(
        "{name} cannot be built offline: {} of {} files of its lock are missing or wrong",
        faults.len(),
        report.files.len() + report.unstorable.len(),
    ))
    .because(std::io::Error::other(shown.join("\n")))
    .help(format!(
        "`envtpl sources fetch -i {name}`, where there is a network"
    ))
    .help("or `envtpl sources fetch --from` a directory or registry that somebody shared them in")
}

fn lay_out(scene: &Scene<'_>, directory: &Path) -> Result<()> {
    let root = scene.project.root();
    let plan = view(&scene.inventory, &scene.lock)?;
    files::state_directory(root)?;
    files::remove_tree(directory)?;
    // uv wants the directory also when nothing comes from an index.
    files::make_directory(&directory.join("python"))?;
    for (path, digest) in &plan.files {
        files::link(&scene.store.path(digest), &directory.join(path))?;
    }
    for (path, commits) in &plan.combined {
        let scratch = scene.scratch()?;
        let bundles: Vec<PathBuf> = commits.iter().map(|one| scene.store.path(one)).collect();
        let (repository, bundle) = (scratch.path().join("git"), scratch.path().join("bundle"));
        files::make_directory(&repository)?;
        let printer = &scene.context.printer;
        Git::default().combine(&bundles, (&repository, &bundle), printer)?;
        files::link(&bundle, &directory.join(path))?;
    }
    for (path, text) in &plan.texts {
        let inside = relative(scene.installation).join(path);
        files::keep(root, inside, text.as_bytes())?;
    }
    Ok(())
}
