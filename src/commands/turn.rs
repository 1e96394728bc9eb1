//! Turns an installation into another one: what envtpl wrote is rendered again for the new name
//! or the new kind of base, and the person's edits are merged in.
//!
//! Nothing is searched for and replaced. What envtpl wrote (the base), what is there now (mine)
//! and what envtpl would write (theirs) are merged file by file; when two changes contradict each
//! other, nothing changes and all contradictions are named. What changed is set aside, so that
//! the way back restores every byte.

mod aside;
mod carry;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::{Context, planned};
use crate::error::{Error, Place, Result};
use crate::files::{self, ChangeSet, EntryKind};
use crate::installation::compose::ComposeFile;
use crate::installation::name::Name;
use crate::project::{Installation, Project};
use crate::templates::merge::{Refusal, Refused, merge, refusal};
use crate::templates::render;
use crate::templates::{
    Answers, Catalogue, FromBase, Python, RECORD, Record, Written, blob_id, check_image,
};

use aside::{Aside, Kept, Pair, State};

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

/// What a file was as envtpl wrote it, and what it would be.
#[derive(Debug, Default)]
struct Sides {
    base: Option<Written>,
    theirs: Option<Kept>,
}

/// Files that freeze writes: they belong to one platform and one base.
fn is_lock(path: &str) -> bool {
    path == "envtpl.lock"
        || (path.starts_with("dependencies/locked/") && path != "dependencies/locked/README.md")
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
        let answers = self.answers(aside.as_ref())?;
        let mut sides = match &aside {
            Some(aside) => sides_of_aside(aside),
            None => self.sides_of_templates(&answers)?,
        };
        self.carry(&mut sides)?;
        let mut files = self.merge(&sides)?;
        self.add_record(&mut files, aside.as_ref(), &answers)?;
        self.add_dotenv(&mut files, aside.as_ref())?;
        let lock_set_aside = self.add_lock(&mut files, aside.as_ref())?;

        let old = Path::new("installation").join(&before.installation);
        let new = Path::new("installation").join(&after.installation);
        let mut changes = ChangeSet::new(self.root);
        if self.target.copy {
            self.copy(&mut changes, &old, &new, &files)?;
        } else if old != new {
            changes.rename_directory(&old, &new)?;
        }
        for (path, pair) in &files.files {
            let path = new.join(path);
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
        let report = Report {
            from: before.installation,
            to: after.installation,
            from_base: self.kind,
            copy: self.target.copy,
            base_image: answers.base.base_image,
            restored: aside.is_some(),
            lock_set_aside,
        };
        Ok((changes, report))
    }

    /// What the new files are rendered with.
    fn answers(&mut self, aside: Option<&Aside>) -> Result<Answers> {
        if let Some(text) = aside.and_then(|aside| aside.files.get(RECORD)?.original.as_ref()) {
            let text = String::from_utf8_lossy(&text.bytes);
            return Ok(Record::parse(&self.source.path(RECORD), &text)?.answers);
        }
        let old = &self.record.answers;
        let (from, to) = (self.source.name(), &self.target.name);
        let same_kind = old.from_base == self.kind;
        let same_machine =
            (from.platform(), from.acceleration()) == (to.platform(), to.acceleration());
        let mut answers = old.clone();
        answers.rename(to);
        answers.from_base = self.kind;

        let catalogue = Catalogue::embedded()?;
        catalogue.check(to)?;
        let python = Python::Exactly(old.python_version.clone());
        if let Some(image) = &self.target.base_image {
            check_image(image)?;
            let choice = catalogue.choose_own(to, self.kind, image, &Python::Any)?;
            answers.base = choice.base;
            answers.conda = choice.conda;
            answers.python_version = match self.kind {
                FromBase::FromPython => choice.python_version,
                FromBase::FromScratch => old.python_version.clone(),
            };
            return Ok(answers);
        }
        if same_kind && same_machine {
            return Ok(answers);
        }
        let choice = match catalogue.choose(to, self.kind, &python) {
            Ok(choice) => choice,
            Err(_) => {
                let choice = catalogue.choose(to, self.kind, &Python::Any)?;
                self.warnings.push((
                    format!(
                        "Python will be {} and not {}: envtpl's catalogue has no such image for `{to}`",
                        choice.python_version, old.python_version
                    ),
                    "give an image of your own with `--base-image`".into(),
                ));
                choice
            }
        };
        let custom = self.custom(&catalogue)?;
        if let Some(image) = &custom.image {
            // What was rendered stays, so that the person's edit of it, if it is one, merges.
            let help = match self.target.from_base {
                Some(_) => "change it in compose-base.yaml if it is not for that".to_owned(),
                None => format!(
                    "if it is not for `{to}`: `envtpl edit-platform {from} {to} --base-image REF`"
                ),
            };
            self.warnings.push((
                format!("the base image of your own is kept: `{image}`"),
                help,
            ));
        } else {
            answers.base = choice.base;
        }
        if custom.image.is_none() || self.kind == FromBase::FromScratch {
            answers.python_version = choice.python_version;
        }
        if custom.conda && same_kind {
            self.warnings.push((
                "the CONDA_URL of your own is kept".into(),
                format!(
                    "change it in compose-base.yaml if it is not for {}",
                    to.platform()
                ),
            ));
        } else {
            answers.conda = choice.conda;
        }
        Ok(answers)
    }

    /// What of `compose-base.yaml` does not come from the catalogue.
    fn custom(&self, catalogue: &Catalogue) -> Result<Custom> {
        let old = &self.record.answers;
        let path = self.source.path("compose-base.yaml");
        let file = match files::read_text_if_exists(&path)? {
            Some(text) => Some(ComposeFile::parse(&path, &text)?),
            None => None,
        };
        let there = |name: &str, rendered: &str| -> String {
            let there = file.as_ref().and_then(|file| file.build_arg(name));
            there.unwrap_or(rendered).to_owned()
        };
        let image = there("BASE_IMAGE", &old.base.base_image);
        let edited = image != old.base.base_image
            || there("BASE_ENTRYPOINT", &old.base.base_entrypoint) != old.base.base_entrypoint;
        let offered = catalogue.offers(self.source.name(), old.from_base, &old.base.base_image);
        Ok(Custom {
            image: (edited || !offered).then_some(image),
            conda: old.from_base == FromBase::FromScratch
                && there("CONDA_URL", &old.conda.conda_url) != old.conda.conda_url,
        })
    }

    fn sides_of_templates(&self, answers: &Answers) -> Result<BTreeMap<String, Sides>> {
        let mut sides: BTreeMap<String, Sides> = BTreeMap::new();
        for (path, written) in self.written(answers)? {
            sides.entry(path).or_default().base = Some(written);
        }
        for (path, file) in render::installation(answers)? {
            let mode = file.mode();
            sides.entry(path).or_default().theirs = Some(Kept {
                bytes: file.bytes,
                mode,
            });
        }
        Ok(sides)
    }

    /// What envtpl wrote. With `--base-image` an image that the person put into compose-base.yaml
    /// counts as written, since it is to be replaced.
    fn written(&self, answers: &Answers) -> Result<BTreeMap<String, Written>> {
        let mut written = self.record.written(self.root)?;
        if self.target.base_image.is_some() && answers.from_base == self.record.answers.from_base {
            let mut edited = self.record.answers.clone();
            if let Some(image) = self.custom(&Catalogue::embedded()?)?.image {
                edited.base.base_image = image;
            }
            let path = "compose-base.yaml";
            let rendered = render::installation(&self.record.answers)?;
            let as_written = matches!(
                (written.get(path), rendered.get(path)),
                (Some(Written::Known(bytes)), Some(file)) if *bytes == file.bytes
            );
            if let (true, Some(file)) = (as_written, render::installation(&edited)?.remove(path)) {
                written.insert(path.to_owned(), Written::Known(file.bytes));
            }
        }
        Ok(written)
    }

    /// Declared packages go with the installation from one kind of base to the other.
    fn carry(&self, sides: &mut BTreeMap<String, Sides>) -> Result<()> {
        let old_kind = self.record.answers.from_base;
        if old_kind == self.kind {
            return Ok(());
        }
        let (old, new) = (carry::file(old_kind), carry::file(self.kind));
        let Some(mine) = self.mine(old)? else {
            return Ok(());
        };
        let path = self.source.path(old);
        let Some(Written::Known(written)) = sides.get(old).and_then(|side| side.base.as_ref())
        else {
            return Ok(());
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let edits = carry::edits(old_kind, &path, &text(written), &text(&mine.bytes))?;
        if let Some(theirs) = sides.get_mut(new).and_then(|side| side.theirs.as_mut()) {
            let carried = carry::apply(self.kind, Path::new(new), &text(&theirs.bytes), &edits)?;
            theirs.bytes = carried.into_bytes();
        }
        // They have gone over, so the old file is as good as unedited.
        if let Some(side) = sides.get_mut(old) {
            side.base = Some(Written::Known(mine.bytes));
        }
        Ok(())
    }

    /// Merges all files; gives those that change.
    fn merge(&self, sides: &BTreeMap<String, Sides>) -> Result<Aside> {
        let mut files = Aside::default();
        let mut refused = Vec::new();
        for (path, side) in sides {
            if path == RECORD || path == ".env" || is_lock(path) {
                continue;
            }
            let mine = self.mine(path)?;
            let mine_bytes = mine.as_ref().map(|kept| kept.bytes.as_slice());
            let theirs = side.theirs.as_ref().map(|kept| kept.bytes.as_slice());
            let base = match (&side.base, mine_bytes) {
                (None, _) => None,
                (Some(Written::Known(bytes)), _) => Some(bytes.as_slice()),
                (Some(Written::Lost(id)), Some(mine)) if blob_id(mine)? == *id => Some(mine),
                (Some(Written::Lost(_)), mine) if mine == theirs || mine.is_none() => mine,
                (Some(Written::Lost(_)), mine) => {
                    refused.push(Refused {
                        path: self.shown(path),
                        mine: mine.unwrap_or_default().to_vec(),
                        refusal: Refusal::Unknown,
                    });
                    continue;
                }
            };
            match merge(base, mine_bytes, theirs) {
                Ok(merged) => {
                    // The mode of a file that is there is the person's.
                    let mode = mine.as_ref().or(side.theirs.as_ref());
                    let mode = mode.map_or(0o644, |kept| kept.mode);
                    let written = merged.map(|bytes| Kept { bytes, mode });
                    if !same_bytes(written.as_ref(), mine.as_ref()) {
                        let original = mine;
                        files.files.insert(path.clone(), Pair { original, written });
                    }
                }
                Err(refusal) => refused.push(Refused {
                    path: self.shown(path),
                    mine: mine_bytes.unwrap_or_default().to_vec(),
                    refusal,
                }),
            }
        }
        if refused.is_empty() {
            return Ok(files);
        }
        let what = match self.target.from_base {
            Some(kind) => format!("`{}` cannot be turned into {kind}", self.source.name()),
            None => format!(
                "`{}` cannot be turned into `{}`",
                self.source.name(),
                self.target.name
            ),
        };
        let message =
            format!("{what}: your edits contradict what would be written; nothing was changed");
        Err(refusal(message, &refused)
            .help("take these edits back, run the command again, then make them anew"))
    }

    fn add_record(
        &self,
        files: &mut Aside,
        aside: Option<&Aside>,
        answers: &Answers,
    ) -> Result<()> {
        let mine = self.mine(RECORD)?;
        let restored = aside
            .and_then(|aside| aside.files.get(RECORD))
            .filter(|pair| same_bytes(pair.written.as_ref(), mine.as_ref()))
            .and_then(|pair| pair.original.clone());
        let written = match restored {
            Some(kept) => kept,
            None => Kept {
                bytes: Record::new(answers.clone(), &render::installation(answers)?)?
                    .to_text()?
                    .into_bytes(),
                mode: mine.as_ref().map_or(0o644, |kept| kept.mode),
            },
        };
        let written = Some(written);
        files.files.insert(
            RECORD.to_owned(),
            Pair {
                original: mine,
                written,
            },
        );
        Ok(())
    }

    /// `.env` goes with a renamed installation: the settings that name it follow.
    fn add_dotenv(&self, files: &mut Aside, aside: Option<&Aside>) -> Result<()> {
        let path = ".env";
        let Some(mine) = self.mine(path)? else {
            return Ok(());
        };
        if self.target.copy {
            return Ok(());
        }
        let kept = aside.and_then(|aside| aside.files.get(path));
        let restored = kept.and_then(|pair| {
            let original = pair.original.as_ref()?;
            let written = pair.written.as_ref()?;
            merge(
                Some(&written.bytes),
                Some(&mine.bytes),
                Some(&original.bytes),
            )
            .ok()?
        });
        let bytes = match restored {
            Some(bytes) => bytes,
            None => {
                let text = files::read_text(&self.source.path(path))?;
                let place = self.source.path(path);
                settings::follow(&place, &text, self.source.name(), &self.target.name)?.into_bytes()
            }
        };
        if bytes != mine.bytes {
            let mode = mine.mode;
            files.files.insert(
                path.to_owned(),
                Pair {
                    original: Some(mine),
                    written: Some(Kept { bytes, mode }),
                },
            );
        }
        Ok(())
    }

    /// A frozen environment is not that of another platform: it is set aside, and the one that was
    /// set aside on the way here comes back. Says whether one is set aside.
    fn add_lock(&self, files: &mut Aside, aside: Option<&Aside>) -> Result<bool> {
        if self.target.copy {
            return Ok(false);
        }
        let same_machine = {
            let (from, to) = (self.source.name(), &self.target.name);
            (from.platform(), from.acceleration()) == (to.platform(), to.acceleration())
        };
        if same_machine && self.kind == self.record.answers.from_base {
            // Only the variant's name is another one; what is installed stays what it is.
            return Ok(false);
        }
        let mut paths: BTreeSet<String> = self.locked()?;
        if let Some(aside) = aside {
            paths.extend(aside.files.keys().filter(|path| is_lock(path)).cloned());
        }
        let mut set_aside = false;
        for path in paths {
            let original = self.mine(&path)?;
            let written = aside
                .and_then(|aside| aside.files.get(&path))
                .and_then(|pair| pair.original.clone());
            set_aside |= original.is_some();
            if original != written {
                files.files.insert(path, Pair { original, written });
            }
        }
        Ok(set_aside)
    }

    /// The files that freeze has written.
    fn locked(&self) -> Result<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        for path in ["envtpl.lock", "dependencies/locked"] {
            let full = self.source.path(path);
            if !files::exists(&full) {
                continue;
            }
            if !files::is_directory(&full) {
                paths.insert(path.to_owned());
                continue;
            }
            for entry in files::walk(&full)? {
                if entry.kind == EntryKind::File
                    && let Some(name) = entry.path.to_str()
                {
                    paths.insert(format!("{path}/{name}"));
                }
            }
        }
        paths.retain(|path| is_lock(path));
        Ok(paths)
    }

    /// Plans a copy of everything that is neither personal, frozen nor written anew.
    fn copy(&self, changes: &mut ChangeSet, old: &Path, new: &Path, files: &Aside) -> Result<()> {
        for entry in files::walk(self.source.directory())? {
            let skipped = entry.path.to_str().is_some_and(|path| {
                path == ".env"
                    || path.starts_with(".env.")
                    || is_lock(path)
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

    fn mine(&self, path: &str) -> Result<Option<Kept>> {
        let full = self.source.path(path);
        match files::read_if_exists(&full)? {
            Some(bytes) => Ok(Some(Kept {
                bytes,
                mode: files::mode(&full)?,
            })),
            None => Ok(None),
        }
    }

    fn shown(&self, path: &str) -> String {
        let full: PathBuf = self.source.path(path);
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

/// What in `compose-base.yaml` is the person's own.
#[derive(Debug)]
struct Custom {
    image: Option<String>,
    conda: bool,
}

fn sides_of_aside(aside: &Aside) -> BTreeMap<String, Sides> {
    let sides = |pair: &Pair| Sides {
        base: pair
            .written
            .as_ref()
            .map(|kept| Written::Known(kept.bytes.clone())),
        theirs: pair.original.clone(),
    };
    aside
        .files
        .iter()
        .map(|(path, pair)| (path.clone(), sides(pair)))
        .collect()
}

fn same_bytes(one: Option<&Kept>, other: Option<&Kept>) -> bool {
    one.map(|kept| &kept.bytes) == other.map(|kept| &kept.bytes)
}
