//! Why a registry does not do what it is asked.

use std::fmt;

use serde::Deserialize;

use crate::network::{Failure, Reply};
use crate::registry::{Asked, Reason};

/// How much of an answer is read for the words in it.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// That a registry does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What it said, or what happened; may be empty.
    pub said: String,
    /// Whether another attempt may go better.
    pub may_pass: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(&Asked::default()))
    }
}

impl std::error::Error for Refusal {}

/// The body of a refusal (OCI distribution specification, "Error Codes").
#[derive(Debug, Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<OneError>,
    /// What servers of tokens say.
    #[serde(default, alias = "message")]
    details: String,
}

#[derive(Debug, Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Refusal {
    /// One by the program itself.
    pub fn new(reason: Reason, said: impl Into<String>) -> Self {
        Self {
            reason,
            said: said.into(),
            may_pass: false,
        }
    }

    /// What is wrong, of what was asked for, with what the registry said.
    pub fn say(&self, asked: &Asked) -> String {
        let reason = self.reason.say(asked);
        match self.said.is_empty() {
            true => reason,
            false => format!("{reason} ({})", self.said),
        }
    }

    /// What an answer with another status than the wanted one means, from somebody who is logged
    /// in or not.
    pub(super) fn of_reply(reply: Reply, is_logged_in: bool) -> Self {
        let status = reply.status;
        let bytes = reply.bytes(LONGEST_ANSWER).unwrap_or_default();
        let body = serde_json::from_slice::<Body>(&bytes).ok();
        let codes: Vec<&str> = (body.iter().flat_map(|body| &body.errors))
            .map(|error| error.code.as_str())
            .collect();
        let words: Vec<&str> = (body.iter())
            .flat_map(|body| {
                body.errors
                    .iter()
                    .map(|error| &*error.message)
                    .chain([&*body.details])
            })
            .filter(|words| !words.is_empty())
            .collect();
        let has = |code: &str| codes.contains(&code);
        let expired = words.iter().any(|words| words.contains("expired"));
        let reason = match status {
            401 | 403 if is_logged_in && expired => Reason::Expired,
            401 | 403 if !is_logged_in => Reason::NotLoggedIn,
            _ if has("NAME_UNKNOWN") => Reason::NoRepository,
            401 | 403 => Reason::NoRight,
            _ if has("DENIED") => Reason::NoRight,
            _ if has("TOOMANYREQUESTS") => Reason::TooMany,
            429 => Reason::TooMany,
            500.. => Reason::Trouble,
            _ => Reason::Other,
        };
        let said = match words.is_empty() {
            true => format!("HTTP {status}"),
            false => words.join("; "),
        };
        Self {
            reason,
            said,
            may_pass: status >= 500 || status == 429,
        }
    }
}

impl From<Failure> for Refusal {
    /// That nobody answered, or with nothing that can be understood.
    fn from(failure: Failure) -> Self {
        // The words of the TLS library, which has no other sign that comes this far.
        let reason = match failure.why.as_str() {
            why if why.contains("invalid peer certificate") => Reason::UnknownCertificate,
            why if why.contains("InvalidContentType") => Reason::NotEncrypted,
            _ if failure.unreachable => Reason::Unreachable,
            _ => Reason::Other,
        };
        Self {
            reason,
            said: failure.why,
            may_pass: failure.may_pass,
        }
    }
}
