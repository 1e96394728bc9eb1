//! What goes into a build: the commit, and what the labels will say of it.

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::commands::building::BuildArgs;
use crate::commands::workplace::{settings, user_inputs};
use crate::error::{Error, Result};
use crate::files::ChangeSet;
use crate::installation::flavour::Flavour;
use crate::process::Invocation;
use crate::project::{Git, Installation, Project, Revision, digest};

/// Commits the installation's files with the person's own git: hooks and signatures count.
pub fn commit(context: &Context, installation: &Installation) -> Result<()> {
    let Some(git) = Git::open(installation.directory())? else {
        return Err(Error::usage("there is no git repository to commit to").help("git init"));
    };
    if git.changes(installation.directory())?.is_empty() {
        return Ok(());
    }
    let message = format!("Change the environment {}", installation.name());
    for arguments in [
        vec!["add", "--", "."],
        vec!["commit", "--quiet", "-m", &message, "--", "."],
    ] {
        let invocation = Invocation::new("git")
            .args(arguments)
            .directory(installation.directory());
        let status = invocation.stream_to_stderr(&context.printer)?;
        if !status.success() {
            return Err(invocation.failure(status, ""));
        }
    }
    Ok(())
}

/// Writes into `.env` what the labels of the images will say, so that `docker compose build` by
/// hand puts on the same ones.
pub fn record(
    project: &Project,
    installation: &Installation,
    revision: &Revision,
    args: &BuildArgs,
) -> Result<()> {
    let path = installation.path(".env");
    let before = settings(installation)?;
    let directory = installation.directory();
    let labels = [
        (
            "ENVTPL_REVISION",
            revision.label(!args.build_args.is_empty()),
        ),
        ("ENVTPL_CREATED", revision.time().unwrap_or_default()),
        ("ENVTPL_SOURCE", revision.source().unwrap_or_default()),
        ("ENVTPL_INPUTS_RUN", digest(directory, Flavour::Run)?),
        ("ENVTPL_INPUTS_DEV", digest(directory, Flavour::Dev)?),
        ("ENVTPL_INPUTS_USER", user_inputs(installation, &before)?),
    ];
    let mut after = before.clone();
    for (name, value) in &labels {
        after.set(name, value)?;
    }
    if after.to_string() == before.to_string() {
        return Ok(());
    }
    let mut changes = ChangeSet::new(project.root());
    changes.write_keeping_mode(relative(project, &path), after.to_string())?;
    changes.commit()
}

fn relative(project: &Project, path: &Path) -> PathBuf {
    path.strip_prefix(project.root()).unwrap_or(path).to_owned()
}
