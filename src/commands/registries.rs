//! Talking with a registry from a command: with the person's network, the engine's logins and the
//! engine's trust; and what is said when the registry refuses.

use crate::commands::reach::Reach;
use crate::engine::{Tools, insecure_registries};
use crate::error::{Error, Result};
use crate::output::Printer;
use crate::registry::{Access, Asked, Refusal, Repository, Session, Trust};

/// Opens a session about a repository.
///
/// # Errors
/// `Usage` when a network setting cannot be read; `NotReady` when the registry does not answer, or
/// does not take the login.
pub fn open(
    reach: &Reach,
    repository: &Repository,
    access: Access,
    printer: &Printer,
) -> Result<Session> {
    let tools = reach.tools();
    // An engine that does not answer is told by what needs it.
    let insecure = match repository.is_of_this_machine() {
        true => Vec::new(),
        false => insecure_registries(&tools, printer).unwrap_or_default(),
    };
    let trust = Trust::of(repository.host(), &insecure);
    let opened = Session::open(&reach.network(), repository, access, &trust)?;
    opened.map_err(|refusal| error(&refusal, repository, access, &tools))
}

/// Refuses what the registry would refuse after a long build or a long upload.
///
/// # Errors
/// `NotReady`, with the registry's own way to log in.
pub fn check_push(reach: &Reach, repository: &Repository, printer: &Printer) -> Result<Session> {
    let session = open(reach, repository, Access::Push, printer)?;
    session
        .may_push()
        .map_err(|refusal| error(&refusal, repository, Access::Push, &reach.tools()))?;
    Ok(session)
}

/// What is said of a refusal, with what to do.
pub fn error(refusal: &Refusal, repository: &Repository, access: Access, tools: &Tools) -> Error {
    let doing = match access {
        Access::Pull => "read",
        Access::Push => "push to",
    };
    let asked = Asked::image(&tools.docker().to_string(), &repository.to_string());
    let error = Error::not_ready(format!("cannot {doing} `{repository}`"))
        .because(std::io::Error::other(refusal.say(&asked)));
    let helps = refusal.reason.helps(&asked);
    helps.into_iter().fold(error, Error::help)
}
