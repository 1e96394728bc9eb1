//! `envtpl freeze`: keeps what was installed by hand, and locks everything.

mod artefacts;
mod base;
mod changed;
mod check;
mod contrary;
mod facts;
mod from_snapshot;
mod other_image;
mod report;
mod source;
mod unpushed;

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::commands::workplace::Workplace;
use crate::commands::{Context, planned};
use crate::environment::declared::DeclaredFiles;
use crate::environment::freeze::{self, AptTarget, LOCKED_DIRECTORY, Plan, locked_files};
use crate::environment::lock::{self, Lock};
use crate::error::{Error, Result};
use crate::files::ChangeSet;
use crate::process::{interrupted, quote};
use crate::project::{Installation, Project};

use facts::Given;
use source::From;

/// Options of `envtpl freeze`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl dev                     pip install …, sudo apt install …, try, keep the shell open
  envtpl freeze                  in another terminal: what you installed is declared and locked
  envtpl freeze --dry-run        only show it
  envtpl freeze --check          for CI and git hooks: is all of it frozen?
  envtpl freeze --from image     what was built, whatever containers run
  envtpl freeze --from snapshot:.envtpl/snapshot-amd64-cuda.json
                                 what `update-env-file` wrote on a cluster; needs no engine

New packages that you asked for are added by name to dependencies/; exact versions and commits go
to envtpl.lock and dependencies/locked/, from where the next build installs them. What no build
can get again is named, and marked in the lock; the exit status is 1 then.")]
pub struct Args {
    /// What to look at: a container by name, `image`, or a file that `update-env-file` wrote in a
    /// container [default: the newest dev container that runs, else the image]
    #[arg(long, value_name = "CONTAINER|image|snapshot:FILE")]
    from: Option<From>,

    /// Write nothing; exit 1 when a freeze would change something or could not keep something
    #[arg(long)]
    check: bool,

    /// Also pin the versions in the declared files themselves
    #[arg(long)]
    in_place: bool,

    /// The list for new system packages [default: dev, or runtime for a container of the run image]
    #[arg(long, value_enum, value_name = "LIST")]
    apt_list: Option<AptTarget>,
}

impl Args {
    /// The command that freezes what a check with these options looked at.
    fn again(&self, installation: &Installation) -> String {
        let mut command = format!("envtpl freeze -i {}", installation.name());
        if let Some(from) = &self.from {
            command.push_str(&format!(" --from {}", quote(OsStr::new(&from.to_string()))));
        }
        if self.in_place {
            command.push_str(" --in-place");
        }
        if let Some(list) = self.apt_list.and_then(|list| list.to_possible_value()) {
            command.push_str(&format!(" --apt-list {}", list.get_name()));
        }
        command
    }
}

/// Freezes the environment of an installation.
///
/// # Errors
/// `NotReady` when the images are missing; `Failed` when something cannot be frozen, or what is
/// declared asks for something else: what can be is written then, and the lock marks the rest. With
/// `--check`, `Failed` also when something would change.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let writes = !context.dry_run && !args.check;
    let _locks = match writes {
        true => planned::lock(
            context,
            project.root(),
            &[installation.name()],
            "envtpl freeze",
        )?,
        false => Vec::new(),
    };
    let mut declared = DeclaredFiles::read(installation.directory())?;
    let before = Lock::read(&installation.path(lock::FILE))?;
    let given = Given {
        declared: declared.declared(),
        previous: before.clone(),
        apt_list: args.apt_list,
    };
    let mut workplace = None;
    let (source, mut facts) = match &args.from {
        Some(From::Snapshot(path)) => {
            from_snapshot::gather(context, &project, installation, path, given)?
        }
        from => {
            let opened = Workplace::open(context, &project, installation)?;
            facts::gather(workplace.insert(opened), from.as_ref(), given)?
        }
    };

    let asker = artefacts::Asker {
        context,
        installation,
        workplace: workplace.as_ref(),
    };
    let mut plan = asker.whole_plan(&source, &mut facts)?;
    for addition in &plan.additions {
        declared.add(addition)?;
    }
    if args.in_place {
        let kept = declared.pin(&plan.lock)?;
        facts.declared = declared.declared();
        let pinned = freeze::plan(&facts);
        // What no longer holds of the pinned lines need not be told.
        plan.notes.retain(|note| pinned.notes.contains(note));
        plan.notes.extend(kept);
        plan.lock.take_declared(pinned.lock);
    }
    let contrary = contrary::tell(&project, &facts, &plan);
    let pinned = base::pinned(installation, &plan.lock.base)?;
    let changes = changes(&project, installation, &declared, &plan, pinned.as_ref())?;
    let place = (&project, installation);
    let mut report = report::Report::new(context, place, source, &declared, &plan, &changes);
    report.contrary.clone_from(&contrary.refused);
    if let Some((before, after)) = &pinned {
        report.add_edit(
            &relative(&project, installation).join(base::FILE),
            before,
            after,
        );
    }
    if args.check {
        let again = args.again(installation);
        let found = check::Found {
            before: before.as_ref(),
            plan: &plan,
            changes: &changes,
            contrary: &contrary,
        };
        return check::judge(context, installation, &found, &again, report);
    }
    if interrupted() {
        return Err(Error::interrupted());
    }
    let nothing_new = changes.is_empty();
    if writes {
        changes.commit()?;
    }
    report.print(context)?;
    if !plan.refused.is_empty() || !contrary.refused.is_empty() {
        return Err(report::refusal(context, &plan.refused, &contrary.refused));
    }
    report::say_what_next(context, installation, &plan, nothing_new);
    Ok(())
}

/// The files of a plan: declared files, the lock, and the lists that the Dockerfile reads.
fn changes(
    project: &Project,
    installation: &Installation,
    declared: &DeclaredFiles,
    plan: &Plan,
    pinned: Option<&(String, String)>,
) -> Result<ChangeSet> {
    let directory = relative(project, installation);
    let mut changes = ChangeSet::new(project.root());
    for file in declared.changed() {
        changes.write_keeping_mode(directory.join(file.name), file.after)?;
    }
    if let Some((_, after)) = pinned {
        changes.write_keeping_mode(directory.join(base::FILE), after.as_str())?;
    }
    changes.write_keeping_mode(directory.join(lock::FILE), plan.lock.to_text()?)?;
    for file in locked_files(&plan.lock) {
        let path = directory.join(LOCKED_DIRECTORY).join(file.name);
        match file.text {
            Some(text) => changes.write_keeping_mode(path, text)?,
            None => changes.remove(path)?,
        }
    }
    Ok(changes)
}

fn relative(project: &Project, installation: &Installation) -> PathBuf {
    let directory = installation.directory();
    directory
        .strip_prefix(project.root())
        .unwrap_or(directory)
        .to_owned()
}
