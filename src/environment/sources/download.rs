//! Downloading many files at once into a store: carried on where they were cut, checked, and only
//! then part of it.

use std::collections::{BTreeSet, VecDeque};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::Digest as _;

use crate::environment::sources::inventory::Artefact;
use crate::environment::sources::places::{Mirrors, Place, file_of_page};
use crate::environment::sources::store::Store;
use crate::error::{Error, Result};
use crate::files::{Unfinished, hexadecimal};
use crate::network::{Client, Failure, host_with_port};
use crate::process::interrupted;

/// How many files at once: enough to fill a line with small ones, few against any server's limits.
const AT_ONCE: usize = 32;
/// How often a place is tried that gives nothing more; an attempt that gave something is no such.
const ATTEMPTS: u32 = 3;
const BLOCK: usize = 128 * 1024;
/// The longest page of an index that is read.
const PAGE: u64 = 64 << 20;
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// Where files come from.
#[derive(Debug)]
pub struct Source {
    /// The client.
    pub client: Client,
    /// Where else they are.
    pub mirrors: Mirrors,
    /// Where they go.
    pub store: Store,
}

/// How it ended for one file.
pub type Outcome = std::result::Result<(), Vec<String>>;

/// What is told on the way.
pub trait Watch {
    /// Bytes that came so far, of all files.
    fn bytes(&mut self, bytes: u64);
    /// A file is done; on failure, what each place said.
    fn ended(&mut self, artefact: &Artefact, outcome: &Outcome);
}

/// What the threads share.
struct Work {
    source: Source,
    waiting: Mutex<VecDeque<Artefact>>,
    bytes: AtomicU64,
    /// Hosts that cannot be reached: each costs a wait, once.
    unreachable: Mutex<BTreeSet<String>>,
}

/// Why a place did not give the file.
enum Trouble {
    /// It said so, or sent something else.
    Place(Failure),
    /// This machine cannot go on: the disk, Ctrl-C.
    Here(Error),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Place(failure)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// Downloads files that the store lacks; those that fail do not keep the others.
///
/// # Errors
/// `Interrupted`, with the unfinished files kept for the next time; when the disk cannot be
/// written.
pub fn download(source: Source, artefacts: Vec<Artefact>, watch: &mut dyn Watch) -> Result<()> {
    let mut artefacts = artefacts;
    // The large ones first: the last one to end is then a small one.
    artefacts.sort_by_key(|artefact| std::cmp::Reverse(artefact.size.unwrap_or(u64::MAX)));
    let threads = artefacts.len().min(AT_ONCE);
    let mut left = artefacts.len();
    let work = Arc::new(Work {
        source,
        waiting: Mutex::new(artefacts.into()),
        bytes: AtomicU64::new(0),
        unreachable: Mutex::new(BTreeSet::new()),
    });
    let (sender, ended) = mpsc::channel();
    for _ in 0..threads {
        let (work, sender) = (Arc::clone(&work), sender.clone());
        // Not joined: one that waits for a silent server must not keep us after Ctrl-C.
        std::thread::spawn(move || {
            loop {
                let next = lock(&work.waiting).pop_front();
                let Some(artefact) = next else { return };
                let outcome = work.fetch(&artefact);
                if sender.send((artefact, outcome)).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    while left > 0 {
        if interrupted() {
            return Err(Error::interrupted());
        }
        match ended.recv_timeout(Duration::from_millis(100)) {
            Ok((artefact, outcome)) => {
                left -= 1;
                watch.ended(&artefact, &outcome?);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::failed("a download ended without a word"));
            }
        }
        watch.bytes(work.bytes.load(Ordering::Relaxed));
    }
    Ok(())
}

impl Work {
    fn fetch(&self, artefact: &Artefact) -> Result<Outcome> {
        let unfinished = self
            .source
            .store
            .unfinished(&artefact.digest, interrupted)?;
        let Some(mut unfinished) = unfinished else {
            return Ok(Ok(()));
        };
        let mut reasons = Vec::new();
        for place in self.source.mirrors.places(artefact) {
            let shown = shown(&place);
            let reason = match self.take_from(artefact, &place, &mut unfinished) {
                Ok(()) => {
                    unfinished.finish(&self.source.store.path(&artefact.digest))?;
                    return Ok(Ok(()));
                }
                Err(Trouble::Here(error)) => return Err(error),
                Err(Trouble::Place(failure)) => failure,
            };
            reasons.push(format!("{shown}: {reason}"));
        }
        if unfinished.length() == 0 {
            unfinished.discard();
        }
        Ok(Err(reasons))
    }

    fn take_from(
        &self,
        artefact: &Artefact,
        place: &Place,
        unfinished: &mut Unfinished,
    ) -> std::result::Result<(), Trouble> {
        let address = match place {
            Place::Address(address) => address.clone(),
            Place::Page(page) => self.on_page(page, artefact)?,
        };
        let mut attempts = 0;
        loop {
            let before = unfinished.length();
            let failure = match self.attempt(artefact, &address, unfinished) {
                Ok(()) => return Ok(()),
                Err(Trouble::Place(failure)) => failure,
                Err(here) => return Err(here),
            };
            attempts = if unfinished.length() > before {
                0
            } else {
                attempts + 1
            };
            if !failure.may_pass || attempts >= ATTEMPTS {
                if failure.unreachable {
                    self.note_unreachable(&address);
                }
                return Err(Trouble::Place(failure));
            }
            pause(attempts)?;
        }
    }

    /// One request: carries the file on from where it is, and checks it when it is whole.
    fn attempt(
        &self,
        artefact: &Artefact,
        address: &str,
        unfinished: &mut Unfinished,
    ) -> std::result::Result<(), Trouble> {
        self.refuse_unreachable(address)?;
        let began = unfinished.length();
        let mut hash = match began {
            0 => sha2::Sha256::new(),
            _ => unfinished.digest()?,
        };
        let answer = match self.source.client.get(address, began) {
            // There is nothing behind what we have: it is whole, or not this file.
            Err(failure) if failure.status == Some(416) && began > 0 => {
                return judge(artefact, unfinished, hash, began);
            }
            answer => answer.map_err(Trouble::Place)?,
        };
        if answer.from != began {
            unfinished.restart()?;
            hash = sha2::Sha256::new();
            if answer.from != 0 {
                return Err(Failure::passing("it sends another part than was asked for").into());
            }
        }
        let longest = artefact.size.or(answer.length);
        let mut body = answer.body;
        let mut block = vec![0; BLOCK];
        loop {
            if interrupted() {
                return Err(Error::interrupted().into());
            }
            let length = match body.read(&mut block) {
                Ok(0) => break,
                Ok(length) => length,
                Err(source) if source.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Failure::passing(format!("cut off: {source}")).into()),
            };
            hash.update(&block[..length]);
            unfinished.append(&block[..length])?;
            self.bytes.fetch_add(length as u64, Ordering::Relaxed);
            if longest.is_some_and(|longest| unfinished.length() > longest) {
                unfinished.restart()?;
                return Err(Failure::lasting("it sends more than the file has").into());
            }
        }
        if longest.is_some_and(|length| unfinished.length() < length) {
            return Err(Failure::passing("cut off").into());
        }
        judge(artefact, unfinished, hash, began)
    }

    fn on_page(&self, page: &str, artefact: &Artefact) -> std::result::Result<String, Trouble> {
        self.refuse_unreachable(page)?;
        let text = self.source.client.text(page, ACCEPT, PAGE);
        let text = text.map_err(|failure| {
            if failure.unreachable {
                self.note_unreachable(page);
            }
            Trouble::Place(failure)
        })?;
        file_of_page(page, &text, &artefact.file)
            .ok_or_else(|| Failure::lasting("the index does not list it").into())
    }

    fn refuse_unreachable(&self, address: &str) -> std::result::Result<(), Trouble> {
        let unreachable =
            host_with_port(address).is_some_and(|host| lock(&self.unreachable).contains(&host));
        match unreachable {
            true => Err(Failure::lasting("the host cannot be reached").into()),
            false => Ok(()),
        }
    }

    fn note_unreachable(&self, address: &str) {
        if let Some(host) = host_with_port(address) {
            lock(&self.unreachable).insert(host);
        }
    }
}

/// Whether it is the right file. What was carried on from something wrong is tried once more from
/// the start.
fn judge(
    artefact: &Artefact,
    unfinished: &mut Unfinished,
    hash: sha2::Sha256,
    began: u64,
) -> std::result::Result<(), Trouble> {
    let found = hexadecimal(hash);
    let expected = artefact.digest.digits();
    if found == expected {
        return Ok(());
    }
    unfinished.restart()?;
    let why = format!("the sha256 is {found}, and the lock has {expected}");
    Err(match began {
        0 => Failure::lasting(why).into(),
        _ => Failure::passing(why).into(),
    })
}

/// Waits, longer each time.
fn pause(attempts: u32) -> Result<()> {
    for _ in 0..(2 << attempts) {
        if interrupted() {
            return Err(Error::interrupted());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A place as it may be shown: an address of a setting may hold a token.
fn shown(place: &Place) -> String {
    let (Place::Address(address) | Place::Page(address)) = place;
    host_with_port(address).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
