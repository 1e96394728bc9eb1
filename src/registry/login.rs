//! The login that the engine keeps for a registry.

use docker_credential::{CredentialRetrievalError, DockerCredential};

use crate::registry::Host;

/// The name by which the engine keeps the login of Docker Hub (docker/cli, `IndexServer`).
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What the engine keeps for a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A user name and a password.
    Password {
        /// The user name.
        user: String,
        /// The password, or what stands for one.
        password: String,
    },
    /// A token, which is changed for others.
    Token(String),
}

/// Passwords are shown to nobody, debuggers included.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password { user, .. } => write!(f, "Login of {user}"),
            Self::Token(_) => f.write_str("Login by a token"),
        }
    }
}

impl Login {
    /// What `docker login` keeps for a registry: in `config.json` of `DOCKER_CONFIG` or
    /// `~/.docker`, or in the store or helper that it names. `None` without one.
    ///
    /// # Errors
    /// Why it cannot be had, as a sentence: the file is no JSON, a helper is missing or fails.
    pub fn stored(host: &Host) -> Result<Option<Self>, String> {
        let server = match host.is_docker_hub() {
            true => DOCKER_HUB,
            false => host.name(),
        };
        match docker_credential::get_credential(server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(Some(Self::Password { user, password }))
            }
            Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Self::Token(token))),
            Err(
                CredentialRetrievalError::NoCredentialConfigured
                | CredentialRetrievalError::ConfigNotFound,
            ) => Ok(None),
            // Helpers say so of what they do not hold (docker-credential-helpers, `ErrCredentialsNotFound`).
            Err(CredentialRetrievalError::HelperFailure { stdout, .. })
                if stdout.contains("credentials not found") =>
            {
                Ok(None)
            }
            Err(CredentialRetrievalError::HelperFailure { helper, stderr, .. }) => {
                let said = stderr.trim();
                Err(format!("`{helper}`, which keeps your logins, failed: {said}"))
            }
            Err(CredentialRetrievalError::HelperCommunicationError) => Err(
                "the program that keeps your logins (`credsStore` or `credHelpers` of ~/.docker/config.json) cannot be run".to_owned(),
            ),
            Err(other) => Err(format!("the engine's logins cannot be read: {other}")),
        }
    }

    /// Whose it is, where it says so.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Password { user, .. } => Some(user),
            Self::Token(_) => None,
        }
    }
}
