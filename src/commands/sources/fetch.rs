//! `envtpl sources fetch`: brings what the lock names into the store.

use std::collections::BTreeMap;

use crate::commands::sources::place::Place;
use crate::commands::sources::report::{self, Report, Standing};
use crate::commands::sources::scene::Scene;
use crate::commands::sources::{image, verify};
use crate::commands::{self, Context};
use crate::environment::sources::{
    Artefact, Digest, Kind, Outcome, Source, State, Store, Watch, download,
};
use crate::error::{Error, Result};
use crate::files::{self, Scratch};
use crate::network::Client;
use crate::output::{Printer, Progress};
use crate::process::interrupted;

/// Fetches from where the lock says, or from where files are shared.
///
/// # Errors
/// `Failed` when a file cannot be had, after all others were fetched; `Interrupted`, with what came
/// so far kept.
pub fn run(context: &Context, from: Option<&Place>) -> Result<()> {
    let project = context.project()?;
    let scenes = Scene::all(context, &project)?;
    let from = from.map(|from| from.from(&context.directory));
    if let Some(Place::Directory(path)) = &from
        && !files::is_directory(path)
    {
        return Err(
            Error::usage(format!("there is no directory `{}`", path.display()))
                .help("name one that `envtpl sources push DIR` filled, or an image of a registry"),
        );
    }
    if context.dry_run {
        return show(context, &scenes, from.as_ref());
    }
    let shared = match (&from, scenes.first()) {
        (Some(Place::Directory(path)), _) => Some(Shared::At(Store::at(path))),
        (Some(Place::Named(name)), Some(scene)) => {
            scene.make_store()?;
            Some(Shared::Unpacked(image::unpack(scene, name)?))
        }
        _ => None,
    };
    let mut reports = Vec::new();
    for scene in &scenes {
        scene.make_store()?;
        reports.push(fetch(scene, shared.as_ref().map(Shared::store))?);
    }
    report::print(&context.printer, &reports)?;
    if reports.iter().all(Report::is_complete) {
        return Ok(());
    }
    let error =
        Error::failed("not every file of the lock could be fetched; which, and why, is above");
    Err(match from {
        Some(from) => error.help(format!(
            "fetch them from where the lock says, `envtpl sources fetch`; or let their owner \
             `envtpl sources push {from}`"
        )),
        None => error
            .help("run it again: what came is kept, and what was cut is carried on")
            .help("behind a company proxy, set CA_BUNDLE, HTTPS_PROXY or PIP_INDEX_URL in .env"),
    })
}

/// Files that somebody shared.
enum Shared {
    At(Store),
    /// In a directory that goes when this goes.
    Unpacked((Scratch, Store)),
}

impl Shared {
    fn store(&self) -> &Store {
        match self {
            Self::At(store) | Self::Unpacked((_, store)) => store,
        }
    }
}

fn fetch(scene: &Scene<'_>, from: Option<&Store>) -> Result<Report> {
    let before = verify::look(scene)?;
    let mut standing: BTreeMap<Digest, Standing> = BTreeMap::new();
    let mut missing: Vec<Artefact> = Vec::new();
    for row in before.files {
        let digest = row.artefact.digest.clone();
        if standing.contains_key(&digest) {
            continue;
        }
        if row.standing != Standing::Right {
            scene.store.remove(&digest)?;
            missing.push(row.artefact);
        }
        standing.insert(digest, row.standing);
    }
    let printer = &scene.context.printer;
    if !missing.is_empty() {
        let count = missing.len();
        printer.status(
            "Fetching",
            format_args!("{count} files for {}", scene.installation.name()),
        );
    }
    match from {
        Some(from) => {
            for artefact in missing {
                let state = take(scene, from, &artefact)?;
                standing.insert(artefact.digest, state);
            }
        }
        None => {
            let (repositories, files): (Vec<_>, Vec<_>) =
                missing.into_iter().partition(|one| one.kind == Kind::Git);
            get(scene, files, &mut standing)?;
            for artefact in repositories {
                let outcome = commit(scene, &artefact);
                if interrupted() {
                    return Err(Error::interrupted());
                }
                standing.insert(artefact.digest, outcome);
            }
        }
    }
    Ok(Report::new(scene, |digest| {
        standing.get(digest).cloned().unwrap_or(Standing::Missing)
    }))
}

/// Copies a file that somebody shared.
fn take(scene: &Scene<'_>, from: &Store, artefact: &Artefact) -> Result<Standing> {
    if interrupted() {
        return Err(Error::interrupted());
    }
    let digest = &artefact.digest;
    let mut state = scene.store.take(from, digest, interrupted)?;
    if let (Digest::Commit(commit), State::Right) = (digest, &state) {
        state = verify::whole(scene, digest, commit)?;
        if state != State::Right {
            scene.store.remove(digest)?;
        }
    }
    let from = from.directory().display();
    Ok(match state {
        State::Right => Standing::Fetched,
        State::Missing => Standing::Failed {
            why: vec![format!("it is not in {from}")],
        },
        State::Wrong(why) => Standing::Failed {
            why: vec![format!("{from}: {why}")],
        },
    })
}

fn get(
    scene: &Scene<'_>,
    artefacts: Vec<Artefact>,
    standing: &mut BTreeMap<Digest, Standing>,
) -> Result<()> {
    if artefacts.is_empty() {
        return Ok(());
    }
    let source = Source {
        client: Client::new(scene.reach.network_with_logins()?)?,
        mirrors: scene.reach.mirrors(),
        store: scene.store.clone(),
    };
    let context = scene.context;
    let mut told = Told {
        printer: &context.printer,
        progress: Progress::new(
            &context.printer,
            context.progress == commands::Progress::Auto,
        ),
        silent: context.progress == commands::Progress::None,
        all: artefacts.len(),
        done: 0,
        bytes: 0,
        standing,
    };
    download(source, artefacts, &mut told)
}

/// Tells how far it is, and remembers how it ended.
struct Told<'a> {
    printer: &'a Printer,
    progress: Progress,
    silent: bool,
    all: usize,
    done: usize,
    bytes: u64,
    standing: &'a mut BTreeMap<Digest, Standing>,
}

impl Watch for Told<'_> {
    fn bytes(&mut self, bytes: u64) {
        self.bytes = bytes;
        self.progress.show("Fetching", self.done, self.all, bytes);
    }

    fn ended(&mut self, artefact: &Artefact, outcome: &Outcome) {
        self.done += 1;
        let standing = match outcome {
            Ok(()) => {
                if !self.progress.is_live() && !self.silent {
                    self.printer.status("Fetched", artefact);
                }
                Standing::Fetched
            }
            Err(why) => Standing::Failed { why: why.clone() },
        };
        self.standing.insert(artefact.digest.clone(), standing);
    }
}

/// Fetches a commit with the person's git.
fn commit(scene: &Scene<'_>, artefact: &Artefact) -> Standing {
    let printer = &scene.context.printer;
    let fetched = || -> Result<()> {
        let scratch = scene.scratch()?;
        let (repository, bundle) = (scratch.path().join("git"), scratch.path().join("bundle"));
        crate::files::make_directory(&repository)?;
        let git = scene
            .reach
            .git(&artefact.url, scene.context.printer.can_ask())?;
        let commit = artefact.digest.digits();
        git.fetch(&artefact.url, commit, (&repository, &bundle), printer)?;
        scene.store.put(&artefact.digest, &bundle, interrupted)
    };
    match fetched() {
        Ok(()) => {
            printer.status("Fetched", artefact);
            Standing::Fetched
        }
        Err(error) => {
            let mut why = vec![error.to_string()];
            why.extend(error.causes());
            Standing::Failed { why }
        }
    }
}

/// What would be fetched.
fn show(context: &Context, scenes: &[Scene<'_>], from: Option<&Place>) -> Result<()> {
    let mut reports = Vec::new();
    for scene in scenes {
        reports.push(verify::look(scene)?);
    }
    context.printer.report(&reports, |reports| {
        let mut text = String::new();
        for row in reports.iter().flat_map(|report| &report.files) {
            if row.standing != Standing::Right {
                let artefact = &row.artefact;
                let place = from.map_or_else(|| artefact.url.clone(), Place::to_string);
                text.push_str(&format!("{artefact} from {place}\n"));
            }
        }
        for unstorable in reports.iter().flat_map(|report| &report.unstorable) {
            text.push_str(&format!("not to be had: {unstorable}\n"));
        }
        text
    })
}
