//! `envtpl.lock`, the lists that the build installs from, and the declared files: whether they
//! still say the same. The lists are compared with what freeze writes for the lock, so that whatever
//! it puts there counts.

use std::collections::BTreeSet;
use std::path::Path;

use super::finding::Findings;
use crate::environment::declared::{Asked, Declared, DeclaredFiles, DeclaredLine};
use crate::environment::freeze::{LOCKED_DIRECTORY, answers, drifted_lists};
use crate::environment::lock::{FILE, Lock};
use crate::environment::requires::{Interpreter, Requirement};
use crate::error::{Place, Result};
use crate::files::{self, unified_diff};
use crate::project::Installation;

/// How to write lock and lists anew.
const FREEZE: &str = "write them again: `envtpl freeze`, or take the committed ones back with git";

/// Compares.
///
/// # Errors
/// When the person stopped it.
pub fn check(findings: &mut Findings, installation: &Installation) -> Result<()> {
    let path = installation.path(FILE);
    let Some(text) = findings.value(files::read_text_if_exists(&path), &path)? else {
        return Ok(());
    };
    let Some(text) = text else {
        return without_lock(findings, installation);
    };
    let Some(lock) = findings.value(Lock::parse(&path, &text), &path)? else {
        return Ok(());
    };
    let platform = installation.name().platform().to_string();
    if lock.platform != platform {
        findings
            .error(
                &Place::file(&path),
                format!(
                    "it locks packages for {}, not for {platform}",
                    lock.platform
                ),
            )
            .help("remove it and `dependencies/locked/*.txt`, build, and run `envtpl freeze`");
    }
    lists(findings, installation, &lock)?;
    // What is wrong in a declared file is found where those are read.
    if let Ok(declared) = DeclaredFiles::read(installation.directory()) {
        let declared = declared.declared();
        not_locked(findings, &lock, &declared);
        not_declared(findings, &path, &lock, &declared);
    }
    Ok(())
}

/// Lists that no lock explains.
fn without_lock(findings: &mut Findings, installation: &Installation) -> Result<()> {
    let nothing = Lock::new("", Default::default());
    let mut left = Vec::new();
    for list in drifted_lists(&nothing, installation.directory()) {
        let list = findings.value(list, &installation.path(LOCKED_DIRECTORY))?;
        left.extend(
            list.and_then(|list| Some(list.name.file_name()?.to_string_lossy().into_owned())),
        );
    }
    if !left.is_empty() {
        findings
            .error(
                &Place::file(installation.path(FILE)),
                format!(
                    "it is missing, and {LOCKED_DIRECTORY} has lists that were written from it: {}",
                    left.join(", ")
                ),
            )
            .help(FREEZE);
    }
    Ok(())
}

/// The lists, as freeze writes them for the lock and as they are.
fn lists(findings: &mut Findings, installation: &Installation, lock: &Lock) -> Result<()> {
    let directory = installation.path(LOCKED_DIRECTORY);
    for list in drifted_lists(lock, installation.directory()) {
        let Some(list) = findings.value(list, &directory)? else {
            continue;
        };
        let message = match (&list.found, &list.wanted) {
            (None, _) => "it is missing: builds would not install what envtpl.lock says",
            (_, None) => "envtpl.lock has nothing for it: builds install what is not locked",
            _ => "it is not what envtpl.lock says: builds install other versions",
        };
        let wanted = list.wanted.as_deref().map(str::as_bytes);
        let found = list.found.as_deref().map(str::as_bytes);
        findings
            .error(&Place::file(&list.path), message)
            .diff(unified_diff(&list.name, wanted, found))
            .help(FREEZE);
    }
    Ok(())
}

/// Declared lines that the lock does not answer and a build goes by, for each file that has some.
fn not_locked(findings: &mut Findings, lock: &Lock, declared: &Declared) {
    let interpreter = Interpreter::locked(lock);
    let holds = |line: &&DeclaredLine| match &line.asked {
        Asked::Python(entry) | Asked::Constraint(entry) => {
            Requirement::new("x", [], None, entry.kind.marker()).holds(&interpreter, None)
        }
        _ => true,
    };
    let mut files: Vec<(&Path, Vec<&str>)> = Vec::new();
    let lines = declared.lines.iter().filter(holds);
    for line in lines.filter(|line| !answers(lock, line)) {
        let path = line.place.path.as_path();
        match files.iter_mut().find(|(file, _)| *file == path) {
            Some((_, lines)) => lines.push(&line.text),
            None => files.push((path, vec![&line.text])),
        }
    }
    for (path, lines) in files {
        findings
            .note(
                &Place::file(path),
                format!(
                    "{} not in envtpl.lock: a build takes the newest version that fits what is locked",
                    listed(&lines)
                ),
            )
            .help("build, then lock it: `envtpl freeze`");
    }
}

/// Packages that are locked for being declared, and are so no more.
fn not_declared(findings: &mut Findings, path: &Path, lock: &Lock, declared: &Declared) {
    let asked: BTreeSet<&str> = declared.python.iter().map(|it| it.key.as_str()).collect();
    // Which package an address without a name stands for is not known here.
    let python = lock.python_packages().iter().filter(|package| {
        package.requested
            && !asked.contains(package.name.as_str())
            && declared.python_addresses.is_empty()
    });
    let apt = [
        (&lock.apt.build, &declared.apt_build),
        (&lock.apt.runtime, &declared.apt_runtime),
        (&lock.apt.dev, &declared.apt_dev),
    ];
    let apt = apt.into_iter().flat_map(|(locked, declared)| {
        let asked = locked.iter().filter(|package| package.requested);
        asked.filter(|package| {
            let mut names = package.declared.iter().chain([&package.name]);
            !names.any(|name| declared.contains(name))
        })
    });
    let declares = |name: &String| declared.conda.iter().any(|conda| conda.contains(name));
    let conda = lock
        .conda
        .iter()
        .filter(|package| package.requested && !declares(&package.name));
    let names: Vec<&str> = python
        .map(|package| package.name.as_str())
        .chain(conda.map(|package| package.name.as_str()))
        .chain(apt.map(|package| package.name.as_str()))
        .collect();
    if !names.is_empty() {
        findings
            .warning(
                &Place::file(path),
                format!(
                    "{} declared no more: builds install what is locked until the next freeze",
                    listed(&names)
                ),
            )
            .help("declare it again, or leave it out of the lock: `envtpl freeze`");
    }
}

/// "`a` is", "`a` and `b` are".
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => format!("{one} is"),
        [rest @ .., last] => format!("{} and {last} are", rest.join(", ")),
    }
}
