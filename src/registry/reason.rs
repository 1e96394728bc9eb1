//! Why a registry does not do what it is asked, in words for people, and what they can do: the one
//! place for it, whether the registry was asked here or the engine tells what it heard.

use serde::Deserialize;

use crate::registry::Host;

/// Why a registry does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nobody answers there.
    Unreachable,
    /// It speaks without encryption, and the engine does not trust that.
    NotEncrypted,
    /// Its certificate is by nobody whom the engine knows.
    UnknownCertificate,
    /// The stored login cannot be had.
    NoKeeper,
    /// No login is stored for it, and it wants one.
    NotLoggedIn,
    /// It wants a login: there is none, or it is not a good one.
    NoGoodLogin,
    /// It does not take the stored login.
    WrongLogin,
    /// The stored login was good until some time ago.
    Expired,
    /// Whoever asks, logged in or not, may not do this.
    NoRight,
    /// There is no such image, or whoever asks may not see it.
    NoImageOrRight,
    /// There is no such image.
    NoImage,
    /// There is no such repository, and the registry makes none by itself.
    NoRepository,
    /// Too much was asked of it lately.
    TooMany,
    /// It is not well.
    Trouble,
    /// Something else.
    Other,
}

/// What was asked of whom.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The engine's program, `docker` or another.
    pub docker: String,
    /// The registry, when it is known.
    pub host: Option<Host>,
    /// The image, when it is known.
    pub image: Option<String>,
}

impl Asked {
    /// An image, asked for with the engine's program.
    pub fn image(docker: &str, image: &str) -> Self {
        Self {
            docker: docker.to_owned(),
            host: Some(Host::of_image(image)),
            image: Some(image.to_owned()),
        }
    }

    /// `ghcr.io`, or what stands for a name that is not known.
    fn host(&self) -> &str {
        match &self.host {
            Some(host) if host.is_docker_hub() => "Docker Hub",
            Some(host) => host.name(),
            None => "the registry",
        }
    }

    fn no_image(&self) -> String {
        match &self.image {
            Some(image) => format!("no `{image}`"),
            None => "no such image".to_owned(),
        }
    }

    /// The image's name at its registry, without tag and digest.
    fn path(&self) -> Option<&str> {
        let (_, path) = Host::split(self.image.as_deref()?);
        let path = path.split('@').next().unwrap_or(path);
        Some(path.split(':').next().unwrap_or(path))
    }

    /// How to log in, and what user and password are.
    fn login(&self, how: &str) -> Vec<String> {
        let docker = &self.docker;
        let line = match &self.host {
            Some(host) => host.login_line(docker),
            None => format!("{docker} login REGISTRY"),
        };
        let note = self.host.as_ref().and_then(Host::login_note);
        let mut helps = vec![format!("{how}: `{line}`")];
        helps.extend(note.map(str::to_owned));
        helps
    }
}

impl Reason {
    /// What is wrong, in one line.
    pub fn say(self, asked: &Asked) -> String {
        let host = asked.host();
        match self {
            Self::Unreachable => format!("{host} does not answer"),
            Self::NotEncrypted => format!("{host} speaks plain HTTP, and the engine wants HTTPS"),
            Self::UnknownCertificate => {
                format!("the engine does not trust the certificate of {host}")
            }
            Self::NoKeeper => "the program that keeps your logins cannot be used".to_owned(),
            Self::NotLoggedIn => format!("you are not logged in at {host}"),
            Self::NoGoodLogin => {
                format!("{host} wants a login: there is none, or it does not take yours")
            }
            Self::WrongLogin => format!("{host} does not take your login"),
            Self::Expired => format!("your login at {host} has expired"),
            Self::NoRight => format!("{host} does not let you do this"),
            Self::NoImageOrRight => {
                format!("{host} has {}, or you may not have it", asked.no_image())
            }
            Self::NoImage => format!("{host} has {}", asked.no_image()),
            Self::NoRepository => match asked.path() {
                Some(path) => format!("{host} has no repository `{path}`"),
                None => format!("{host} has no such repository"),
            },
            Self::TooMany => format!("{host} was asked too much lately, and answers no more"),
            Self::Trouble => format!("{host} has trouble of its own"),
            Self::Other => format!("{host} refuses"),
        }
    }

    /// What to do, the most likely first.
    pub fn helps(self, asked: &Asked) -> Vec<String> {
        let host = asked.host.as_ref().map_or("REGISTRY", Host::api);
        let one = |help: String| vec![help];
        match self {
            Self::Unreachable => vec![
                format!(
                    "is its name right, and does it run? `curl -I https://{host}/v2/` asks it from \
                     here; 401 is a good answer"
                ),
                "the engine asks, not you: behind a proxy it needs its own settings, which `envtpl \
                 doctor` looks at"
                    .to_owned(),
            ],
            Self::NotEncrypted => vec![
                format!(
                    "if nobody else can come in between: `\"insecure-registries\": [\"{host}\"]` in \
                     /etc/docker/daemon.json, then `sudo systemctl restart docker`"
                ),
                "better: a certificate for the registry".to_owned(),
            ],
            Self::UnknownCertificate => vec![
                format!(
                    "if it is your own registry: `sudo install -D -m 644 CA.pem \
                     /etc/docker/certs.d/{host}/ca.crt`, with the file of its certificate \
                     authority; the engine need not be restarted"
                ),
                "a certificate that is over, or for another name, and a wrong clock are refused \
                 like this as well"
                    .to_owned(),
            ],
            Self::NoKeeper => {
                let mut helps = one(
                    "install it, or take its line, `credsStore` or `credHelpers`, out of \
                     ~/.docker/config.json"
                        .to_owned(),
                );
                helps.extend(asked.login("and log in again"));
                helps
            }
            Self::NotLoggedIn => asked.login("log in"),
            Self::NoGoodLogin | Self::WrongLogin | Self::Expired => asked.login("log in again"),
            Self::NoRight => {
                let mut helps = asked.login("log in with an account that may");
                if asked.host.as_ref().is_some_and(Host::is_docker_hub) {
                    helps.push(
                        "names on Docker Hub begin with your user name or that of an organisation"
                            .to_owned(),
                    );
                }
                helps.push(match asked.path() {
                    Some(path) => format!("whoever owns `{path}` there can give you the right"),
                    None => "whoever owns the repository there can give you the right".to_owned(),
                });
                helps
            }
            Self::NoImageOrRight => {
                let mut helps = one("is the name spelled right?".to_owned());
                helps.extend(asked.login("if it is private, log in"));
                helps
            }
            Self::NoImage => one("is the name spelled right, and the tag?".to_owned()),
            Self::NoRepository => {
                let make = |host: &Host| host.new_repository_line(asked.path()?);
                match asked.host.as_ref().and_then(make) {
                    Some(line) => one(format!("make it first: `{line}`")),
                    None => one(
                        "is the name spelled right? Some registries want a repository to be made \
                         first, on their page"
                            .to_owned(),
                    ),
                }
            }
            Self::TooMany => {
                let mut helps = asked.login("those who are logged in may ask more often");
                helps.push(
                    "it passes by itself: Docker Hub counts the pulls of some hours".to_owned(),
                );
                helps
            }
            Self::Trouble => one(match asked.host.as_ref().is_some_and(Host::is_docker_hub) {
                true => "try again later; https://www.dockerstatus.com says how it is",
                false => "try again later",
            }
            .to_owned()),
            Self::Other => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_registry_and_its_own_line() {
        let asked = Asked::image("docker", "ghcr.io/lab/base:1");
        assert_eq!(
            Reason::NotLoggedIn.say(&asked),
            "you are not logged in at ghcr.io"
        );
        assert_eq!(
            Reason::NotLoggedIn.helps(&asked)[0],
            "log in: `docker login ghcr.io`"
        );
        let asked = Asked::image("podman", "europe-west6-docker.pkg.dev/lab/images/base");
        let helps = Reason::Expired.helps(&asked);
        assert_eq!(
            helps[0],
            "log in again: `gcloud auth configure-docker europe-west6-docker.pkg.dev`"
        );
    }

    #[test]
    fn a_repository_is_made_where_the_registry_makes_none_by_itself() {
        let image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/lab/base:1@sha256:0";
        let asked = Asked::image("docker", image);
        assert_eq!(
            Reason::NoRepository.helps(&asked),
            [
                "make it first: `aws ecr create-repository --region eu-central-1 --repository-name lab/base`"
            ]
        );
        assert!(
            Reason::NoRepository
                .say(&asked)
                .ends_with("no repository `lab/base`")
        );
    }

    #[test]
    fn what_is_not_known_is_not_named() {
        let asked = Asked {
            docker: "docker".to_owned(),
            ..Asked::default()
        };
        assert_eq!(
            Reason::NoImageOrRight.say(&asked),
            "the registry has no such image, or you may not have it"
        );
        assert_eq!(
            Reason::WrongLogin.helps(&asked),
            ["log in again: `docker login REGISTRY`"]
        );
    }
}
