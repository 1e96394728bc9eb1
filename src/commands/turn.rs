//! Turns an installation into another one: what envtpl wrote is rendered again for the new name
//! or the new kind of base, and the person's edits are merged in.
//!
//! Nothing is searched for and replaced. What envtpl wrote (the base), what is there now (mine)
//! and what envtpl would write (theirs) are merged file by file; when two changes contradict each
//! other, nothing changes and all contradictions are named. What changed is set aside, so that
//! the way back restores every byte.

mod answers;
mod aside;
mod carry;
mod composition;
mod lock;
mod merging;
mod own_files;
mod python;
mod settings;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::{Context, planned};
use crate::error::{Error, Kind, Place, Result};
use crate::files::{self, ChangeSet, EntryKind};
use crate::installation::name::Name;
use crate::project::{Installation, Project};
use crate::templates::{Answers, FromBase, RECORD, Record, render};

use aside::{Aside, Kept, State};

/// What an installation is to become.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub name: Name,
    /// The kind of base; as it is when not given.
    pub from_base: Option<FromBase>,
    /// Leave the old one as it is.
    pub copy: bool,
    /// The image to start from.
    pub base_image: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    from: String,
    to: String,
    from_base: FromBase,
    copy: bool,
    base_image: String,
    /// Whether what was set aside on the way here was restored.
    restored: bool,
    /// Whether an environment that was frozen was set aside.
    lock_set_aside: bool,
}

/// The recipe of one turn.
struct Turn<'a> {
    context: &'a Context,
    root: &'a Path,
    source: &'a Installation,
    record: Record,
    target: Target,
    kind: FromBase,
    warnings: Vec<(String, String)>,
}

/// Turns an installation into another one and says what was done.
///
/// # Errors
/// `Usage` when there is no record of what envtpl wrote; `Failed` when edits contradict what would
/// be written. Then nothing has changed.
pub fn turn(
    context: &Context,
    project: &Project,
    source: &Installation,
    target: Target,
) -> Result<()> {
    let names = [source.name(), &target.name];
    let _lock = planned::lock(context, project.root(), &names, "edit")?;
    let record = Record::read(source.directory())?.ok_or_else(|| no_record(source))?;
    composition::check(source)?;
    let kind = target.from_base.unwrap_or(record.answers.from_base);
    let mut turn = Turn {
        context,
        root: project.root(),
        source,
        record,
        target,
        kind,
        warnings: Vec::new(),
    };
    let (changes, report) = turn.plan()?;
    for (warning, help) in &turn.warnings {
        context.printer.warn(warning);
        if !help.is_empty() {
            context.printer.help(help);
        }
    }
    planned::make(context, changes, &report)?;
    if !context.dry_run {
        turn.tell(&report);
    }
    Ok(())
}

fn no_record(source: &Installation) -> Error {
    Error::usage(format!(
        "`{}` has no `{RECORD}`, so what envtpl wrote cannot be told from your edits",
        source.name()
    ))
    .at(Place::file(source.path(RECORD)))
    .help("take it back from git, if it was there")
    .help("or scaffold the new one (`envtpl init -i NAME`) and copy over what is yours")
}

/// The directories of the file for editors, which a person may put more into.
fn editors(before: &State, after: &State) -> (PathBuf, PathBuf) {
    let directory = |state: &State| {
        let file = render::place(&state.installation, render::DEVCONTAINER);
        file.parent().map(Path::to_owned).unwrap_or_default()
    };
    (directory(before), directory(after))
}

impl Turn<'_> {
    fn plan(&mut self) -> Result<(ChangeSet, Report)> {
        let before = State {
            installation: self.source.name().to_string(),
            from_base: self.record.answers.from_base,
        };
        let after = State {
            installation: self.target.name.to_string(),
            from_base: self.kind,
        };
        let restorable = !self.target.copy && self.target.base_image.is_none();
        let aside = match restorable {
            true => Aside::read(self.root, &after, &before)?,
            false => None,
        };
        let (answers, mut files, restored) = match self.attempt(aside.as_ref()) {
            Ok((answers, files)) => (answers, files, aside.is_some()),
            // Edits that contradict what was set aside may still go with what is rendered anew.
            Err(error) if aside.is_some() && error.kind() == Kind::Failed => {
                let (answers, files) = self.attempt(None)?;
                (answers, files, false)
            }
            Err(error) => return Err(error),
        };
        self.add_record(&mut files, aside.as_ref().filter(|_| restored), &answers)?;
        self.add_dotenv(&mut files, aside.as_ref())?;
        let lock_set_aside = self.add_lock(&mut files, aside.as_ref())?;

        let old = Path::new("installation").join(&before.installation);
        let new = Path::new("installation").join(&after.installation);
        let mut changes = ChangeSet::new(self.root);
        for (from, to) in [(old, new), editors(&before, &after)] {
            if !files::is_directory(&self.root.join(&from)) {
                continue;
            }
            if self.target.copy {
                self.copy(&mut changes, &from, &to, &files)?;
            } else if from != to {
                changes.rename_directory(&from, &to)?;
            }
        }
        for (path, pair) in &files.files {
            let path = render::place(&after.installation, path);
            match &pair.written {
                Some(kept) if pair.original.is_some() && !self.target.copy => {
                    changes.write_keeping_mode(path, kept.bytes.clone())?;
                }
                Some(kept) => changes.write(path, kept.bytes.clone(), kept.mode)?,
                None if self.target.copy => {}
                None => changes.remove(path)?,
            }
        }
        if !self.target.copy {
            if aside.is_some() {
                Aside::forget(&mut changes, &after)?;
            }
            files.keep(&mut changes, &before, &after)?;
        }
        let base_image = match self.base_image(&files)? {
            Some(image) => image,
            None => answers.base.base_image,
        };
        self.tell_lost_python(&base_image)?;
        let report = Report {
            from: before.installation,
            to: after.installation,
            from_base: self.kind,
            copy: self.target.copy,
            base_image,
            restored,
            lock_set_aside,
        };
        Ok((changes, report))
    }

    /// Merges with what was set aside, or with what is rendered anew.
    fn attempt(&mut self, aside: Option<&Aside>) -> Result<(Answers, Aside)> {
        let answers = self.answers(aside)?;
        let mut sides = match aside {
            Some(aside) => merging::sides_of_aside(aside),
            None => self.sides_of_templates(&answers)?,
        };
        self.carry(&mut sides)?;
        let files = self.merge(&sides)?;
        Ok((answers, files))
    }

    /// Plans a copy of everything that is neither personal, frozen nor written anew.
    fn copy(&self, changes: &mut ChangeSet, old: &Path, new: &Path, files: &Aside) -> Result<()> {
        for entry in files::walk(&self.root.join(old))? {
            let skipped = entry.path.to_str().is_some_and(|path| {
                path == ".env"
                    || path.starts_with(".env.")
                    || lock::is_lock(path)
                    || files.files.contains_key(path)
            });
            if skipped {
                continue;
            }
            let to = new.join(&entry.path);
            match entry.kind {
                EntryKind::Directory => changes.create_directory(to)?,
                _ => changes.copy(old.join(&entry.path), to)?,
            }
        }
        Ok(())
    }

    /// Where a file of the installation is now.
    fn place(&self, path: &str) -> PathBuf {
        let name = self.source.name().to_string();
        self.root.join(render::place(&name, path))
    }

    fn mine(&self, path: &str) -> Result<Option<Kept>> {
        let full = self.place(path);
        match files::read_if_exists(&full)? {
            Some(bytes) => Ok(Some(Kept {
                bytes,
                mode: files::mode(&full)?,
            })),
            None => Ok(None),
        }
    }

    fn shown(&self, path: &str) -> String {
        let full = self.place(path);
        let shown = full.strip_prefix(&self.context.directory).unwrap_or(&full);
        shown.display().to_string()
    }

    fn tell(&self, report: &Report) {
        let printer = &self.context.printer;
        let (verb, from, to) = (
            if report.copy { "Copied" } else { "Turned" },
            &report.from,
            &report.to,
        );
        if from == to {
            printer.status(
                verb,
                format_args!("installation/{to} into {}", report.from_base),
            );
        } else {
            printer.status(
                verb,
                format_args!("installation/{from} into installation/{to}"),
            );
        }
        printer.status("Base", &report.base_image);
        if report.restored {
            printer.note("What was set aside on the way here is restored.");
        }
        if report.lock_set_aside {
            printer.note(format_args!(
                "What was frozen is set aside, as it is not for {to}: freeze again after a build. \
                 Turning back restores it."
            ));
        }
        if report.copy {
            printer.note(format_args!(
                "Your settings are not copied; next: envtpl env -i {to}"
            ));
        }
    }
}
