//! `--locked`, `--offline` and `verify`: refuses a build that would install more or other than the
//! lock says.

use crate::commands::building::{BuildArgs, checks, lists};
use crate::commands::workplace::Workplace;
use crate::environment::declared::{DeclaredFiles, DeclaredLine};
use crate::environment::freeze::answers;
use crate::environment::lock::{self, Lock};
use crate::environment::verdict::unfrozen;
use crate::error::{Error, Place, Result};
use crate::installation::pin;
use crate::output::Printer;
use crate::project::Installation;

/// More lines than this are only counted.
const SHOWN: usize = 10;

/// Says which declared lines are not in the lock, if there is one. The build says so as well, but
/// only when it is not taken from the cache.
///
/// # Errors
/// `Usage` when a file is wrong.
pub fn tell(installation: &Installation, printer: &Printer) -> Result<()> {
    let Some(lock) = Lock::read(&installation.path(lock::FILE))? else {
        return Ok(());
    };
    let lines = DeclaredFiles::read(installation.directory())?.lines()?;
    let since: Vec<&DeclaredLine> = lines.iter().filter(|line| !answers(&lock, line)).collect();
    if since.is_empty() {
        return Ok(());
    }
    let what = match since.len() {
        1 => "a declared line is not in the lock, and resolved under it:".to_owned(),
        several => format!("{several} declared lines are not in the lock, and resolved under it:"),
    };
    let shown = since.iter().take(SHOWN).map(|line| {
        let place = line.place.to_string();
        let place = place
            .strip_prefix(&format!("{}/", installation.directory().display()))
            .unwrap_or(&place)
            .to_owned();
        format!("\n  {place}: {}", line.text)
    });
    let more = match since.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    printer.note(format_args!("{what}{}{more}", shown.collect::<String>()));
    Ok(())
}

/// Refuses an installation without a lock, one whose lists say something else than its lock, and
/// one that declares what the lock does not hold. Gives the lock.
///
/// # Errors
/// `Failed`, with the lines.
pub fn check(installation: &Installation) -> Result<Lock> {
    let name = installation.name();
    let path = installation.path(lock::FILE);
    let Some(lock) = Lock::read(&path)? else {
        return Err(Error::failed(format!(
            "{name} has no lock, and there is nothing to build from"
        ))
        .at(Place::file(path))
        .help(format!(
            "write one: `envtpl build -i {name}`, then `envtpl freeze -i {name}`"
        )));
    };
    if let Some(package) = unfrozen(&lock).next() {
        return Err(Error::failed(format!(
            "no build can get `{}` {} again: {}",
            package.key.1, package.version, package.why
        ))
        .at(Place::file(path))
        .help("`envtpl freeze` tells what to do about it"));
    }
    lists::check(installation, &lock)?;
    let lines = DeclaredFiles::read(installation.directory())?.lines()?;
    let since: Vec<&DeclaredLine> = lines.iter().filter(|line| !answers(&lock, line)).collect();
    if since.is_empty() {
        return Ok(lock);
    }
    let what = match since.as_slice() {
        [one] => format!("`{}` is declared and not in the lock", one.text),
        several => format!("{} declared lines are not in the lock", several.len()),
    };
    let error = Error::failed(format!("{what}, so nothing was built"));
    let shown = since.iter().take(SHOWN);
    let error = shown.fold(error, |error, line| error.at(line.place.clone()));
    Err(error.help(format!(
        "lock what is declared: `envtpl build -i {name}`, then `envtpl freeze -i {name}`"
    )))
}

/// Refuses a build that starts from another base image than the lock's, whose packages the lock
/// does not hold. (What a tag without a digest stands for is the builder's to find out.)
///
/// # Errors
/// `Failed`, with both names.
pub fn check_base(workplace: &Workplace<'_>, args: &BuildArgs, lock: &Lock) -> Result<()> {
    let installation = workplace.installation;
    let Some(named) = checks::base_image(workplace, args)? else {
        return Ok(());
    };
    let base = &lock.base;
    if base.may_be(&named) {
        return Ok(());
    }
    let locked = match &base.digest {
        Some(digest) => pin::join(&base.image, digest),
        None => base.image.clone(),
    };
    let name = installation.name();
    Err(Error::failed(format!(
        "the lock is made for the base image `{locked}`, and this build starts from `{named}`, so \
         nothing was built"
    ))
    .at(Place::file(installation.path(lock::FILE)))
    .help(format!(
        "lock what it starts from now: `envtpl build -i {name}`, then `envtpl freeze -i {name}`"
    ))
    .help("or name the locked one in compose-base.yaml (BASE_IMAGE)"))
}
