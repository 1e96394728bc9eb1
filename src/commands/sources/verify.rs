//! `envtpl sources verify`: reads every file of the store that the lock names.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::commands::Context;
use crate::commands::sources::report::{self, Report, Standing};
use crate::commands::sources::scene::Scene;
use crate::environment::sources::{Digest, Git, State};
use crate::error::{Error, Result};
use crate::process::interrupted;

/// Reads the files.
///
/// # Errors
/// `Failed` when one is missing or wrong.
pub fn run(context: &Context) -> Result<()> {
    let project = context.project()?;
    let mut reports = Vec::new();
    for scene in Scene::all(context, &project)? {
        context
            .printer
            .status("Reading", scene.store.directory().display());
        reports.push(look(&scene)?);
    }
    report::print(&context.printer, &reports)?;
    match reports.iter().all(Report::is_complete) {
        true => Ok(()),
        false => Err(Error::failed("the store is not what the lock says")
            .help("`envtpl sources fetch` fetches what is missing or wrong")),
    }
}

/// How each file of an installation stands.
///
/// # Errors
/// When one cannot be read, `Interrupted`.
pub fn look(scene: &Scene<'_>) -> Result<Report> {
    let states = states(scene)?;
    Ok(Report::new(scene, |digest| {
        let state = states.get(digest).cloned();
        state.map_or(Standing::Missing, Standing::from)
    }))
}

fn states(scene: &Scene<'_>) -> Result<BTreeMap<Digest, State>> {
    let digests: Vec<&Digest> = scene.inventory.digests().into_iter().collect();
    let found = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(digests.len()) {
            scope.spawn(|| {
                while let Some(digest) = digests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if interrupted() {
                        return;
                    }
                    let state = scene.store.state(digest);
                    let mut found = found.lock().unwrap_or_else(|error| error.into_inner());
                    found.push(((*digest).clone(), state));
                }
            });
        }
    });
    if interrupted() {
        return Err(Error::interrupted());
    }
    let found = found
        .into_inner()
        .unwrap_or_else(|error| error.into_inner());
    let mut states = BTreeMap::new();
    for (digest, state) in found {
        let mut state = state?;
        if let (Digest::Commit(commit), State::Right) = (&digest, &state) {
            state = whole(scene, &digest, commit)?;
        }
        states.insert(digest, state);
    }
    Ok(states)
}

/// Lets git read a bundle whole.
///
/// # Errors
/// `NotReady` without git.
pub fn whole(scene: &Scene<'_>, digest: &Digest, commit: &str) -> Result<State> {
    let scratch = scene.scratch()?;
    let bundle = scene.store.path(digest);
    let printer = &scene.context.printer;
    match Git::default().verify(commit, (scratch.path(), &bundle), printer) {
        Ok(()) => Ok(State::Right),
        Err(error) if error.kind() == crate::error::Kind::Failed => {
            let causes = error.causes();
            let why = causes.first().cloned().unwrap_or_else(|| error.to_string());
            Ok(State::Wrong(why))
        }
        Err(error) => Err(error),
    }
}
