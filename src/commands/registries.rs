//! Talking with a registry from a command: with the person's network, the engine's logins and the
//! engine's trust; and what is said when the registry refuses.

use crate::commands::reach::Reach;
use crate::engine::{Tools, insecure_registries};
use crate::error::{Error, Result};
use crate::output::Printer;
use crate::registry::{Access, Reason, Refusal, Repository, Session, Trust};

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
    let host = repository.host();
    let doing = match access {
        Access::Pull => "read",
        Access::Push => "push to",
    };
    let error = Error::not_ready(format!("cannot {doing} `{repository}`")).because(refusal.clone());
    let docker = tools.docker().to_string();
    let logs_in = |error: Error| {
        let error = error.help(format!("log in: `{}`", host.login_line(&docker)));
        match host.login_note() {
            Some(note) => error.help(note),
            None => error,
        }
    };
    match refusal.reason {
        Reason::NotLoggedIn | Reason::WrongLogin => logs_in(error),
        Reason::NoRight => {
            let error = error.help(match access {
                Access::Pull => "ask its owner for the right to pull",
                Access::Push => "ask its owner for the right to push, or push to a repository of yours",
            });
            logs_in(error.help("or use another account"))
        }
        Reason::NoRepository => error.help(format!(
            "create `{}` in the registry first, or ask who looks after it",
            repository.path()
        )),
        Reason::NotEncrypted | Reason::UnknownCertificate => error
            .help(format!(
                "give its certificate to the engine: /etc/docker/certs.d/{host}/ca.crt"
            ))
            .help(format!(
                "or have the engine trust it: \"insecure-registries\": [\"{host}\"] in /etc/docker/daemon.json"
            )),
        Reason::TooMany => logs_in(error.help("wait; who is logged in may ask more often")),
        Reason::NoKeeper => error.help("`docker login` says whether the engine has the same trouble"),
        Reason::Unreachable => error
            .help("is the name right, and are you in its network (VPN)?")
            .help("behind a proxy: HTTPS_PROXY in .env; `envtpl doctor` looks at the network"),
        Reason::Other => error,
    }
}
