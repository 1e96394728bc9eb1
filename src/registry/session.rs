//! Talking with a registry about one repository.

use std::sync::{Mutex, PoisonError};

use crate::error::Result as CrateResult;
use crate::network::{Body, Client, Method, Question, Reply, Settings};
use crate::registry::authorization::Authorization;
use crate::registry::challenge::Challenge;
use crate::registry::{Login, Reason, Refusal, Repository, Trust};

/// What is to be done with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// Talks with a registry about one repository; threads may share it.
pub struct Session {
    client: Client,
    repository: Repository,
    /// `https://host`, or what it turned out to be.
    origin: String,
    scope: String,
    login: Option<Login>,
    challenge: Option<Challenge>,
    authorization: Mutex<Option<Authorization>>,
}

impl Session {
    /// Finds out how a registry wants to be asked, and logs in with what the engine keeps for it.
    /// `settings` say how the network is reached; `trust` what the engine thinks of this registry.
    ///
    /// # Errors
    /// Why that is not possible; whether the login may do what is wanted is seen with the first
    /// question.
    pub fn open(
        settings: &Settings,
        repository: &Repository,
        access: Access,
        trust: &Trust,
    ) -> CrateResult<Result<Self, Refusal>> {
        let insecure = trust.insecure || repository.is_of_this_machine();
        let mut settings = settings.clone();
        settings
            .more_certificates
            .extend(trust.certificates.iter().cloned());
        settings.unverified = insecure;
        let client = Client::new(settings)?;
        Ok(Self::begin(client, repository, access, insecure))
    }

    fn begin(
        client: Client,
        repository: &Repository,
        access: Access,
        insecure: bool,
    ) -> Result<Self, Refusal> {
        let (origin, reply) = greet(&client, repository.api_host(), insecure)?;
        let challenge = match reply.status {
            401 => Some(
                Challenge::parse(reply.headers("www-authenticate")).ok_or_else(|| {
                    Refusal::new(Reason::Other, "it wants a login of an unknown kind")
                })?,
            ),
            _ => None,
        };
        let login = match &challenge {
            Some(_) => Login::stored(repository.host())
                .map_err(|why| Refusal::new(Reason::NoKeeper, why))?,
            None => None,
        };
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        let session = Self {
            client,
            repository: repository.clone(),
            origin,
            scope: format!("repository:{}:{actions}", repository.path()),
            login,
            challenge,
            authorization: Mutex::new(None),
        };
        session.authorization()?;
        Ok(session)
    }

    /// The repository that this is about.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Whose login is used, where it says so.
    pub fn user(&self) -> Option<&str> {
        self.login.as_ref()?.user()
    }

    /// Asks for leave to push, by beginning an upload and giving it up: that is what a push begins
    /// with, and nothing less tells what a registry will say to it.
    ///
    /// # Errors
    /// Why it may not be.
    pub fn may_push(&self) -> Result<(), Refusal> {
        let begun = self.begin_upload()?;
        // A registry that cannot give it up forgets it by itself.
        drop(self.ask(Method::DELETE, &begun, &[], Body::None));
        Ok(())
    }

    /// The address of something in the repository: `manifests/latest`, `blobs/sha256:…`.
    pub(super) fn address(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.origin, self.repository.path())
    }

    /// The address that a header refers to, which may be without its host.
    pub(super) fn absolute(&self, location: &str) -> String {
        match location.starts_with('/') {
            true => format!("{}{location}", self.origin),
            false => location.to_owned(),
        }
    }

    /// Asks with the login. A login goes to the registry alone, and not to where it refers to.
    pub(super) fn ask(
        &self,
        method: Method,
        address: &str,
        headers: &[(&'static str, &str)],
        body: Body<'_>,
    ) -> Result<Reply, Refusal> {
        let is_own = address.strip_prefix(&self.origin);
        let is_own = is_own.is_some_and(|rest| rest.starts_with('/'));
        let authorization = match is_own {
            true => self.authorization()?,
            false => None,
        };
        let mut question = Question::new(method, address).body(body);
        question.headers.extend_from_slice(headers);
        if let Some(header) = &authorization {
            question.headers.push(("authorization", header));
        }
        Ok(self.client.exchange(question)?)
    }

    /// What an answer with another status than a wanted one means.
    pub(super) fn refusal(&self, reply: Reply) -> Refusal {
        let status = reply.status;
        let mut refusal = Refusal::of_reply(reply, self.login.is_some());
        // With user name and password, a registry says no to the login only now.
        let is_basic = self.challenge == Some(Challenge::Basic);
        if refusal.reason == Reason::NoRight && status == 401 && is_basic {
            refusal.reason = Reason::WrongLogin;
        }
        refusal
    }

    fn authorization(&self) -> Result<Option<String>, Refusal> {
        let Some(challenge) = &self.challenge else {
            return Ok(None);
        };
        let mut known = (self.authorization.lock()).unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(Authorization::is_fresh) {
            let login = self.login.as_ref();
            *known = Authorization::answer(&self.client, challenge, login, &self.scope)?;
        }
        Ok(known.as_ref().map(|known| known.header.clone()))
    }
}

/// Finds the registry's API, also without encryption where that is trusted, and gives its origin
/// and its first answer.
fn greet(client: &Client, host: &str, insecure: bool) -> Result<(String, Reply), Refusal> {
    let ask = |scheme: &str| {
        let origin = format!("{scheme}://{host}");
        let address = format!("{origin}/v2/");
        let reply = client.exchange(Question::new(Method::GET, &address))?;
        Ok::<_, Refusal>((origin, reply))
    };
    let (origin, reply) = match ask("https") {
        Err(refusal) if insecure => ask("http").map_err(|_| refusal)?,
        Err(refusal) if refusal.reason == Reason::Unreachable => return Err(refusal),
        answer => answer?,
    };
    match reply.status {
        200 | 401 => Ok((origin, reply)),
        _ => {
            let mut refusal = Refusal::of_reply(reply, true);
            if refusal.reason == Reason::Other {
                refusal.said = format!("`{origin}` is no registry: {}", refusal.said);
            }
            Err(refusal)
        }
    }
}
