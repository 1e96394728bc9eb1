//! Which registry an image is of, and the line that logs in there: each has its own.

use std::fmt;

use crate::process::quote;

/// Docker Hub, which names of images leave out.
const DOCKER_HUB: &str = "docker.io";

/// A registry as names of images begin with it: `docker.io`, `localhost:5000`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    name: String,
}

/// How one logs in at registries of a kind.
struct Known {
    /// Their name, where `*` stands for a part of it.
    name: &'static str,
    /// What to type. `{docker}` is the engine's program, `{host}` the registry, and `{1}`, `{2}` are
    /// what stands for the `*` of the name.
    line: &'static str,
    /// What user and password are there.
    note: Option<&'static str>,
}

const PASSWORD: &str = "{docker} login {host}";
const AWS: &str = "aws ecr get-login-password --region {2} | \
                   {docker} login --username AWS --password-stdin {host}";
const AWS_NOTE: Option<&str> = Some("what AWS gives as a password is good for twelve hours");
const AZURE: &str = "az acr login --name {1}";
const GOOGLE: &str = "gcloud auth configure-docker {host}";
const GOOGLE_NOTE: Option<&str> = Some("the account is that of `gcloud auth login`");

/// Sources: each registry's own page on logging in.
/// <https://docs.docker.com/reference/cli/docker/login/>,
/// <https://docs.github.com/en/packages/working-with-a-github-packages-registry/working-with-the-container-registry>,
/// <https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/>,
/// <https://cloud.google.com/artifact-registry/docs/docker/authentication>,
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>,
/// <https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html>,
/// <https://learn.microsoft.com/azure/container-registry/container-registry-authentication>,
/// <https://docs.nvidia.com/ngc/gpu-cloud/ngc-catalog-user-guide/>,
/// <https://docs.digitalocean.com/reference/doctl/reference/registry/login/>.
const KNOWN: [Known; 16] = [
    Known {
        name: DOCKER_HUB,
        line: "{docker} login",
        note: None,
    },
    Known {
        name: "ghcr.io",
        line: PASSWORD,
        note: Some(
            "the password is a personal access token (classic) of GitHub: with `read:packages` to \
             pull, with `write:packages` to push",
        ),
    },
    Known {
        name: "registry.gitlab.com",
        line: PASSWORD,
        note: Some(
            "the password is a token of GitLab, personal or of the project: with `read_registry` \
             to pull, and `write_registry` to push",
        ),
    },
    Known {
        name: "nvcr.io",
        line: PASSWORD,
        note: Some("the user name is `$oauthtoken`, the password an API key of NGC"),
    },
    Known {
        name: "gcr.io",
        line: GOOGLE,
        note: GOOGLE_NOTE,
    },
    Known {
        name: "*.gcr.io",
        line: GOOGLE,
        note: GOOGLE_NOTE,
    },
    Known {
        name: "*-docker.pkg.dev",
        line: GOOGLE,
        note: GOOGLE_NOTE,
    },
    Known {
        name: "public.ecr.aws",
        line: "aws ecr-public get-login-password --region us-east-1 | \
               {docker} login --username AWS --password-stdin {host}",
        note: AWS_NOTE,
    },
    Known {
        name: "*.dkr.ecr.*.amazonaws.com",
        line: AWS,
        note: AWS_NOTE,
    },
    Known {
        name: "*.dkr.ecr.*.amazonaws.com.cn",
        line: AWS,
        note: AWS_NOTE,
    },
    Known {
        name: "*.dkr.ecr-fips.*.amazonaws.com",
        line: AWS,
        note: AWS_NOTE,
    },
    Known {
        name: "*.azurecr.io",
        line: AZURE,
        note: None,
    },
    Known {
        name: "*.azurecr.cn",
        line: AZURE,
        note: None,
    },
    Known {
        name: "*.azurecr.us",
        line: AZURE,
        note: None,
    },
    Known {
        name: "registry.digitalocean.com",
        line: "doctl registry login",
        note: None,
    },
    Known {
        name: "*",
        line: PASSWORD,
        note: None,
    },
];

impl Host {
    /// A registry by the name that images, logins or an engine's messages call it: with or without
    /// `https://` and a path, and Docker Hub by any of its names.
    pub fn new(name: &str) -> Self {
        let name = name
            .strip_prefix("https://")
            .or_else(|| name.strip_prefix("http://"))
            .unwrap_or(name);
        let name = name.split('/').next().unwrap_or_default();
        let hub = [
            "",
            "index.docker.io",
            "registry-1.docker.io",
            "auth.docker.io",
            "registry.hub.docker.com",
            "hub.docker.com",
        ];
        let name = if hub.contains(&name) {
            DOCKER_HUB
        } else {
            name
        };
        Self {
            name: name.to_ascii_lowercase(),
        }
    }

    /// The registry that an image's name means.
    pub fn of_image(image: &str) -> Self {
        Self::split(image).0
    }

    /// The registry that an image's name means, and what the name is there, as the engine reads it:
    /// the first part is a registry when it could not be a user of Docker Hub.
    ///
    /// Source: `splitDockerDomain` of <https://github.com/distribution/reference>.
    pub fn split(image: &str) -> (Self, &str) {
        match image.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':'])
                    || first == "localhost"
                    || first.contains(|c: char| c.is_ascii_uppercase()) =>
            {
                (Self::new(first), rest)
            }
            _ => (Self::new(DOCKER_HUB), image),
        }
    }

    /// The name, with its port if it has one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host that answers for it.
    pub fn api(&self) -> &str {
        match self.is_docker_hub() {
            true => "registry-1.docker.io",
            false => &self.name,
        }
    }

    /// Whether it is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.name == DOCKER_HUB
    }

    /// What to type to log in: the registry's own way. `docker` is the engine's program.
    pub fn login_line(&self, docker: &str) -> String {
        let (known, parts) = self.known();
        let mut line = known
            .line
            .replace("{docker}", docker)
            .replace("{host}", &quote(&self.name));
        for (index, part) in parts.iter().enumerate() {
            line = line.replace(&format!("{{{}}}", index + 1), &quote(part));
        }
        line
    }

    /// What user and password are there, when they are not what people would think.
    pub fn login_note(&self) -> Option<&'static str> {
        self.known().0.note
    }

    /// What to type to make a repository, where pushing to one that is not there makes none.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-create.html>.
    pub fn new_repository_line(&self, path: &str) -> Option<String> {
        let (known, parts) = self.known();
        let region = parts.get(1).filter(|_| known.line == AWS)?;
        Some(format!(
            "aws ecr create-repository --region {} --repository-name {}",
            quote(region),
            quote(path)
        ))
    }

    fn known(&self) -> (&'static Known, Vec<&str>) {
        let found = KNOWN
            .iter()
            .find_map(|known| Some((known, parts(known.name, &self.name)?)));
        // The last one fits all.
        found.unwrap_or((&KNOWN[KNOWN.len() - 1], Vec::new()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What the `*` of a pattern stand for in a name that fits it.
fn parts<'a>(pattern: &str, name: &'a str) -> Option<Vec<&'a str>> {
    let Some((before, after)) = pattern.split_once('*') else {
        return (pattern == name).then(Vec::new);
    };
    let rest = name.strip_prefix(before)?;
    // Up to the next fixed part, or all of it.
    let fixed = after.split('*').next().unwrap_or_default();
    let end = match fixed.is_empty() {
        true => rest.len(),
        false => rest.find(fixed)?,
    };
    let mut found = vec![&rest[..end]];
    found.extend(parts(after, &rest[end..])?);
    (!found[0].is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_images_registry_is_that_which_the_engine_would_ask() {
        for (image, registry) in [
            ("python:3.12", "docker.io"),
            ("lab/base", "docker.io"),
            ("docker.io/lab/base", "docker.io"),
            ("index.docker.io/lab/base", "docker.io"),
            ("ghcr.io/lab/base:1", "ghcr.io"),
            ("localhost/base", "localhost"),
            ("localhost:5000/base", "localhost:5000"),
            ("server:5000/lab/base@sha256:0", "server:5000"),
            ("[::1]:5000/base", "[::1]:5000"),
            ("LAB/base", "lab"),
        ] {
            assert_eq!(Host::of_image(image).name(), registry, "{image}");
        }
    }

    #[test]
    fn a_registry_is_known_by_the_address_that_messages_have() {
        for (address, registry) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000"),
            ("https://ghcr.io", "ghcr.io"),
        ] {
            assert_eq!(Host::new(address).name(), registry, "{address}");
        }
        assert!(Host::new("").is_docker_hub());
    }

    #[test]
    fn each_registry_has_its_own_way_to_log_in() {
        for (image, line) in [
            ("lab/base", "docker login"),
            ("ghcr.io/lab/base", "docker login ghcr.io"),
            (
                "registry.lab.example:5000/base",
                "docker login registry.lab.example:5000",
            ),
            (
                "eu.gcr.io/lab/base",
                "gcloud auth configure-docker eu.gcr.io",
            ),
            (
                "europe-west6-docker.pkg.dev/lab/images/base",
                "gcloud auth configure-docker europe-west6-docker.pkg.dev",
            ),
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com/base",
                "aws ecr get-login-password --region eu-central-1 | docker login --username AWS \
                 --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/base",
                "aws ecr get-login-password --region cn-north-1 | docker login --username AWS \
                 --password-stdin 123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            ),
            (
                "public.ecr.aws/lab/base",
                "aws ecr-public get-login-password --region us-east-1 | docker login --username \
                 AWS --password-stdin public.ecr.aws",
            ),
            ("lab.azurecr.io/base", "az acr login --name lab"),
            ("registry.digitalocean.com/lab/base", "doctl registry login"),
        ] {
            assert_eq!(Host::of_image(image).login_line("docker"), line);
        }
        let note = |image| Host::of_image(image).login_note().unwrap_or_default();
        assert!(note("nvcr.io/nvidia/pytorch:25.01-py3").contains("$oauthtoken"));
        assert!(note("ghcr.io/lab/base").contains("write:packages"));
        assert!(note("registry.gitlab.com/lab/base").contains("write_registry"));
        assert_eq!(note("lab/base"), "");
    }

    #[test]
    fn the_line_is_for_the_engine_that_is_used_and_safe_to_paste() {
        let host = Host::of_image("quay.io/lab/base");
        assert_eq!(host.login_line("podman"), "podman login quay.io");
        let odd = Host::of_image("a.b;id/base");
        assert_eq!(odd.login_line("docker"), "docker login 'a.b;id'");
    }
}
