//! The `Authorization` header of questions to a registry.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::network::{Body, Client, Method, Question, Reply, base64};
use crate::registry::challenge::Challenge;
use crate::registry::{Login, Reason, Refusal};

/// How long a token is good whose server does not say it ("Token Authentication Specification",
/// `expires_in`).
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(10);
/// Tokens are some kilobytes.
const LONGEST_ANSWER: u64 = 1 << 20;
/// Who asks, as servers of tokens want to hear it.
const CLIENT: &str = "envtpl";

/// What is sent along with questions.
#[derive(Clone)]
pub struct Authorization {
    /// The header's value.
    pub header: String,
    ends: Option<Instant>,
}

impl Authorization {
    /// Whether it is good for another question.
    pub fn is_fresh(&self) -> bool {
        self.ends.is_none_or(|ends| Instant::now() + MARGIN < ends)
    }

    /// What answers a challenge; `None` when nothing is needed or nothing can be given.
    ///
    /// # Errors
    /// When the server of tokens refuses the login or does not answer.
    pub fn answer(
        client: &Client,
        challenge: &Challenge,
        login: Option<&Login>,
        scope: &str,
    ) -> Result<Option<Self>, Refusal> {
        match (challenge, login) {
            (Challenge::Basic, Some(Login::Password { user, password })) => Ok(Some(Self {
                header: basic(user, password),
                ends: None,
            })),
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer { realm, service }, login) => {
                let reply = ask(client, realm, service, login, scope)?;
                if reply.status != 200 {
                    let mut refusal = Refusal::of_reply(reply, login.is_some());
                    // It judges nothing but the login.
                    if refusal.reason == Reason::NoRight {
                        refusal.reason = Reason::WrongLogin;
                    }
                    return Err(refusal);
                }
                Ok(Some(Self::of_token(&reply.bytes(LONGEST_ANSWER)?)?))
            }
        }
    }

    fn of_token(answer: &[u8]) -> Result<Self, Refusal> {
        let given: Given = serde_json::from_slice(answer)
            .map_err(|_| Refusal::new(Reason::Other, "its server of tokens gives none"))?;
        let token = [given.token, given.access_token];
        let token = token.into_iter().flatten().find(|token| !token.is_empty());
        let token = token.filter(|token| !token.contains(char::is_control));
        let token =
            token.ok_or_else(|| Refusal::new(Reason::Other, "its server of tokens gives none"))?;
        let life = given.expires_in.map_or(SHORTEST_LIFE, Duration::from_secs);
        Ok(Self {
            header: format!("Bearer {token}"),
            ends: Instant::now().checked_add(life),
        })
    }
}

/// What a server of tokens gives.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

fn ask(
    client: &Client,
    realm: &str,
    service: &str,
    login: Option<&Login>,
    scope: &str,
) -> Result<Reply, Refusal> {
    let mut wanted = vec![("service", service), ("scope", scope)];
    wanted.retain(|(_, value)| !value.is_empty());
    let question = match login {
        // "Token Authentication Specification", "OAuth2".
        Some(Login::Token(token)) => {
            wanted.extend([
                ("grant_type", "refresh_token"),
                ("refresh_token", token.as_str()),
                ("client_id", CLIENT),
            ]);
            let form = form(&wanted);
            return Ok(client.exchange(
                Question::new(Method::POST, realm)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Body::Bytes(form.as_bytes())),
            )?);
        }
        Some(Login::Password { user, password }) => Some(basic(user, password)),
        None => None,
    };
    let separator = if realm.contains('?') { '&' } else { '?' };
    let address = format!("{realm}{separator}{}", form(&wanted));
    let asked = Question::new(Method::GET, &address);
    Ok(client.exchange(match &question {
        Some(header) => asked.header("authorization", header),
        None => asked,
    })?)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// `application/x-www-form-urlencoded`; every byte that is no letter, digit or one of `-._~` is
/// escaped (RFC 3986, section 2.3).
fn form(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String {
        let bytes = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        });
        bytes.collect()
    };
    let pairs = pairs.iter();
    let pairs = pairs.map(|(name, value)| format!("{name}={}", escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_under_both_its_names_and_ends() {
        let of = |text: &str| Authorization::of_token(text.as_bytes());
        let good = of(r#"{"token": "", "access_token": "abc", "expires_in": 300}"#).expect("one");
        assert_eq!(good.header, "Bearer abc");
        assert!(good.is_fresh());
        assert!(
            !of(r#"{"token": "abc", "expires_in": 5}"#)
                .expect("one")
                .is_fresh()
        );
        for wrong in ["", "{}", r#"{"token": ""}"#, r#"{"token": "a\nb"}"#] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_for_is_escaped() {
        let asked = form(&[("scope", "repository:lab/é:pull,push"), ("service", "a b")]);
        assert_eq!(
            asked,
            "scope=repository%3Alab%2F%C3%A9%3Apull%2Cpush&service=a%20b"
        );
    }
}
