//! Where images of one name are: a registry's host and a path there.

use std::fmt;
use std::str::FromStr;

use crate::installation::identity::image_name_problem;
use crate::network::is_loopback;
use crate::registry::Host;

/// What stands before names of one component on Docker Hub.
const OFFICIAL: &str = "library/";
/// Where the API of Docker Hub is.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// Where images of one name are, without tag or digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: Host,
    path: String,
}

impl Repository {
    /// The registry.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The path there: `library/python`, `lab/me/project`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host of its API.
    pub(super) fn api_host(&self) -> &str {
        match self.host.is_docker_hub() {
            true => DOCKER_HUB_API,
            false => self.host.name(),
        }
    }

    /// Whether it is on this machine, which engines trust without encryption.
    pub fn is_of_this_machine(&self) -> bool {
        is_loopback(self.host.name())
    }
}

impl FromStr for Repository {
    type Err = String;

    /// Reads `[HOST[:PORT]/]PATH`, as the engine does (distribution/reference,
    /// `ParseNormalizedNamed`).
    fn from_str(name: &str) -> Result<Self, String> {
        if let Some(problem) = image_name_problem(name) {
            return Err(problem);
        }
        let (host, path) = Host::split(name);
        let path = match host.is_docker_hub() && !path.contains('/') {
            true => format!("{OFFICIAL}{path}"),
            false => path.to_owned(),
        };
        Ok(Self { host, path })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_host_and_a_path() {
        for (name, host, path) in [
            ("python", "docker.io", "library/python"),
            ("lab/project", "docker.io", "lab/project"),
            ("index.docker.io/python", "docker.io", "library/python"),
            ("ghcr.io/lab/x", "ghcr.io", "lab/x"),
            ("localhost/x", "localhost", "x"),
            ("registry:5000/a/b/c", "registry:5000", "a/b/c"),
        ] {
            let repository: Repository = name.parse().expect(name);
            assert_eq!((repository.host().name(), repository.path()), (host, path));
        }
        assert!(
            "127.0.0.1:5000/x"
                .parse::<Repository>()
                .expect("one")
                .is_of_this_machine()
        );
        for wrong in ["", "Lab/x", "lab/x:1", "a//b", "host/-x"] {
            wrong.parse::<Repository>().expect_err(wrong);
        }
    }
}
