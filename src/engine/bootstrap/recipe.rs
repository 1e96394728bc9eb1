//! What a base image is made from, and the commands that make it.

use std::path::Path;

use super::suite::{Distribution, Suite};
use crate::engine::Tools;
use crate::error::{Error, Result};
use crate::installation::name::Platform;
use crate::process::{Invocation, quote};
use crate::secrets::without_secrets;

/// The label that says by which command an image was made.
pub const LABEL: &str = "envtpl.bootstrap";

/// In newer releases of Ubuntu apt is no part of the smallest system; without certificates nothing
/// can be fetched over HTTPS from inside the image.
const ALWAYS: [&str; 2] = ["apt", "ca-certificates"];
/// What an installation that extends the base's own Python starts from.
const PYTHON: [&str; 3] = ["python3", "python3-pip", "python3-venv"];

/// A program that makes a file tree of a distribution from its packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// mmdebstrap: quicker, and works without root's rights.
    Mmdebstrap,
    /// debootstrap, as root.
    Debootstrap,
}

impl Builder {
    /// Its name, which is also that of its package.
    pub fn program(self) -> &'static str {
        match self {
            Self::Mmdebstrap => "mmdebstrap",
            Self::Debootstrap => "debootstrap",
        }
    }
}

/// Archives to use in place of the distribution's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirrors<'a> {
    /// For the packages.
    pub archive: Option<&'a str>,
    /// For their security updates.
    pub security: Option<&'a str>,
}

/// What a base image is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The release.
    pub suite: Suite,
    /// The platform.
    pub platform: Platform,
    /// An archive to use in place of the distribution's own.
    mirror: Option<String>,
    /// The same for its security updates.
    security_mirror: Option<String>,
    /// Packages beside the smallest system.
    pub packages: Vec<String>,
}

impl Recipe {
    /// A recipe for the smallest system, certificates, Python where it is wanted, and `include`.
    ///
    /// # Errors
    /// `Usage` when a package or a mirror is none, or a release has no security updates.
    pub fn new(
        suite: Suite,
        platform: Platform,
        mirrors: Mirrors<'_>,
        python: bool,
        include: &[String],
    ) -> Result<Self> {
        let mut packages: Vec<String> = ALWAYS.map(str::to_owned).into();
        if python {
            packages.extend(PYTHON.map(str::to_owned));
        }
        for package in include {
            if !is_package(package) {
                return Err(Error::usage(format!("`{package}` is no name of a package"))
                    .help("several packages are separated by commas: `--include git,curl`"));
            }
            if !packages.contains(package) {
                packages.push(package.clone());
            }
        }
        if mirrors.security.is_some() && !suite.has_updates() {
            return Err(Error::usage(format!(
                "{suite} has no security updates apart from its other packages"
            ))
            .help("leave out `--security-mirror`"));
        }
        Ok(Self {
            suite,
            platform,
            mirror: mirrors.archive.map(address).transpose()?,
            security_mirror: mirrors.security.map(address).transpose()?,
            packages,
        })
    }

    /// Whether the image misses the security updates of its release, since only its archive's
    /// mirror was named.
    pub fn misses_security_updates(&self) -> bool {
        let known = self
            .suite
            .security_archive(self.platform, self.mirror.as_deref());
        self.suite.has_updates() && self.security_mirror.is_none() && known.is_none()
    }

    /// The name that the image gets when the person gives none. The platform is part of it, since
    /// most engines cannot keep two platforms under one name; `-python` tells `envtpl init` that
    /// it has the release's own Python.
    pub fn default_tag(&self) -> String {
        let python = if self.has_python() { "-python" } else { "" };
        format!("envtpl/{}{python}:{}", self.suite.name(), self.platform)
    }

    /// Whether the image can be extended as it is, without conda.
    pub fn has_python(&self) -> bool {
        self.packages.iter().any(|package| package == PYTHON[0])
    }

    /// The lines of `sources.list` in the image.
    pub fn sources(&self) -> Vec<String> {
        self.suite.sources(
            self.platform,
            self.mirror.as_deref(),
            self.security_mirror.as_deref(),
        )
    }

    /// Makes `archive` with mmdebstrap.
    pub fn mmdebstrap(&self, archive: &Path, is_root: bool, quiet: bool) -> Invocation {
        let mut invocation = Invocation::new("mmdebstrap");
        if quiet {
            invocation = invocation.arg("--quiet");
        }
        invocation
            .arg(format!(
                "--mode={}",
                if is_root { "root" } else { "unshare" }
            ))
            .arg("--variant=minbase")
            .arg(format!("--architectures={}", self.platform))
            .arg(format!("--include={}", self.packages.join(",")))
            .arg(format!("--keyring={}", self.distribution().keyring()))
            .arg("--format=tar")
            .arg(self.suite.name())
            .arg(archive)
            .args(self.sources())
    }

    /// Makes the tree `root` with debootstrap, then `archive` from it.
    pub fn debootstrap(&self, root: &Path, archive: &Path) -> Vec<Invocation> {
        let components = self.suite.components().replace(' ', ",");
        let own = self.suite.archive(self.platform);
        let tree = Invocation::new("debootstrap")
            .arg("--variant=minbase")
            .arg(format!("--arch={}", self.platform))
            .arg(format!("--components={components}"))
            .arg(format!("--include={}", self.packages.join(",")))
            .arg(format!("--keyring={}", self.distribution().keyring()))
            .arg(self.suite.name())
            .arg(root)
            .arg(self.mirror.as_deref().unwrap_or(own));
        // debootstrap knows one archive alone; security updates come from another.
        let sources = Invocation::new("tee")
            .arg(root.join("etc/apt/sources.list"))
            .stdin(self.sources().join("\n") + "\n");
        let pack = Invocation::new("tar")
            .arg("--numeric-owner")
            .arg("--exclude=./var/cache/apt/archives/*.deb")
            .arg("--exclude=./var/cache/apt/*.bin")
            .arg("--exclude=./var/lib/apt/lists/*")
            .arg("--exclude=./var/log/bootstrap.log")
            .arg("-C")
            .arg(root)
            .arg("-cf")
            .arg(archive)
            .arg(".");
        vec![tree, sources, pack]
    }

    /// The command line that makes such an image, without passwords of mirrors.
    pub fn command_line(&self) -> String {
        let mut words = vec![
            "envtpl bootstrap-base".to_owned(),
            self.suite.name().to_owned(),
            format!("--platform {}", self.platform),
        ];
        let has = |package: &str| self.packages.iter().any(|known| known == package);
        let python = PYTHON.iter().all(|package| has(package));
        if !python {
            words.push("--no-python".to_owned());
        }
        let known = |package: &&String| {
            ALWAYS.contains(&package.as_str()) || (python && PYTHON.contains(&package.as_str()))
        };
        let more: Vec<&str> = self
            .packages
            .iter()
            .filter(|package| !known(package))
            .map(String::as_str)
            .collect();
        if !more.is_empty() {
            words.push(format!("--include {}", more.join(",")));
        }
        let mirrors = [
            ("--mirror", &self.mirror),
            ("--security-mirror", &self.security_mirror),
        ];
        for (option, mirror) in mirrors {
            let mirror = mirror.as_deref().map(without_secrets);
            words.extend(mirror.map(|mirror| format!("{option} {}", quote(mirror))));
        }
        words.join(" ")
    }

    /// Gives `archive` to the engine as an image.
    pub fn import(&self, tools: &Tools, archive: &Path, tag: &str) -> Invocation {
        // Quoted as a Dockerfile's LABEL is.
        let description = self.command_line();
        let description = description.replace('\\', "\\\\").replace('"', "\\\"");
        let description = description.replace('$', "\\$");
        tools
            .docker()
            .arg("import")
            .arg(format!("--platform={}", self.platform.docker()))
            .arg(format!("--change=LABEL {LABEL}=\"{description}\""))
            .arg("--change=CMD [\"/bin/bash\"]")
            .arg(archive)
            .arg(tag)
    }

    /// The distribution.
    pub fn distribution(&self) -> Distribution {
        self.suite.distribution()
    }
}

/// An archive's address, as it stands in `sources.list`.
fn address(mirror: &str) -> Result<String> {
    if mirror.contains("://") && !mirror.contains(char::is_whitespace) {
        return Ok(mirror.trim_end_matches('/').to_owned());
    }
    Err(
        Error::usage(format!("`{mirror}` is no address of a mirror"))
            .help("it looks like http://deb.debian.org/debian"),
    )
}

/// Debian Policy 5.6.7: lower-case letters, digits, `+`, `-`, `.`; starts with a letter or digit.
fn is_package(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(suite: &str, platform: Platform, mirror: Option<&str>) -> Recipe {
        let suite = suite.parse().expect("a suite");
        Recipe::new(
            suite,
            platform,
            Mirrors {
                archive: mirror,
                security: None,
            },
            true,
            &["git".into(), "python3".into()],
        )
        .expect("a recipe")
    }

    #[test]
    fn mmdebstrap_gets_everything_as_arguments() {
        let line = recipe("bookworm", Platform::Arm64, None)
            .mmdebstrap(Path::new("/tmp/a b/base.tar"), true, false)
            .to_string();
        assert_eq!(
            line,
            "mmdebstrap --mode=root --variant=minbase --architectures=arm64 \
             --include=apt,ca-certificates,python3,python3-pip,python3-venv,git \
             --keyring=/usr/share/keyrings/debian-archive-keyring.gpg --format=tar bookworm \
             '/tmp/a b/base.tar' 'deb http://deb.debian.org/debian bookworm main' \
             'deb http://deb.debian.org/debian bookworm-updates main' \
             'deb http://security.debian.org/debian-security bookworm-security main'"
        );
        let line = recipe("noble", Platform::Amd64, None)
            .mmdebstrap(Path::new("base.tar"), false, true)
            .to_string();
        assert!(
            line.starts_with("mmdebstrap --quiet --mode=unshare "),
            "{line}"
        );
        assert!(
            line.contains("--keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
            "{line}"
        );
    }

    #[test]
    fn debootstrap_takes_one_archive_and_is_packed_without_its_downloads() {
        let steps = recipe("jammy", Platform::Arm64, None)
            .debootstrap(Path::new("/t/root"), Path::new("/t/base.tar"));
        assert_eq!(
            steps[0].to_string(),
            "debootstrap --variant=minbase --arch=arm64 --components=main,universe \
             --include=apt,ca-certificates,python3,python3-pip,python3-venv,git \
             --keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg jammy /t/root \
             http://ports.ubuntu.com/ubuntu-ports"
        );
        assert!(
            steps[2]
                .to_string()
                .contains("--exclude=./var/lib/apt/lists/")
        );
        let mirrored = recipe(
            "trixie",
            Platform::Amd64,
            Some("https://mirror.lab/debian/"),
        )
        .debootstrap(Path::new("/t/root"), Path::new("/t/base.tar"));
        assert!(
            mirrored[0]
                .to_string()
                .ends_with(" trixie /t/root https://mirror.lab/debian")
        );
    }

    #[test]
    fn the_image_says_what_it_is_and_for_which_platform() {
        let recipe = recipe("bookworm", Platform::Arm64, None);
        let line = recipe
            .import(
                &Tools::default(),
                Path::new("base.tar"),
                &recipe.default_tag(),
            )
            .to_string();
        assert!(
            line.starts_with("docker import --platform=linux/arm64 "),
            "{line}"
        );
        assert!(
            line.contains(
                "LABEL envtpl.bootstrap=\"envtpl bootstrap-base bookworm --platform arm64 --include \
                 git\"'"
            ),
            "{line}"
        );
        assert!(
            line.ends_with(" base.tar envtpl/bookworm-python:arm64"),
            "{line}"
        );
    }

    #[test]
    fn an_image_tells_the_command_that_made_it_without_passwords() {
        let mirrors = Mirrors {
            archive: Some("https://me:secret@mirror.lab/debian/"),
            security: Some("http://mirror.lab:80/x@y"),
        };
        let suite = "bookworm".parse().expect("a suite");
        let include = ["git".to_owned(), "python3".to_owned()];
        let bare = Recipe::new(suite, Platform::Amd64, mirrors, false, &include).expect("a recipe");
        let line = "envtpl bootstrap-base bookworm --platform amd64 --no-python --include git,python3 \
                    --mirror https://mirror.lab/debian --security-mirror http://mirror.lab:80/x@y";
        assert_eq!(bare.command_line(), line);
    }

    #[test]
    fn packages_and_mirrors_cannot_be_options() {
        let suite: Suite = "bookworm".parse().expect("a suite");
        for package in ["--hook=x", "", "Git", "a b", "x;y"] {
            let made = Recipe::new(
                suite,
                Platform::Amd64,
                Mirrors::default(),
                false,
                &[package.to_owned()],
            );
            assert!(made.is_err(), "{package}");
        }
        for mirror in ["mirror.lab", "http://a b"] {
            let wrong = Some(mirror);
            for (archive, security) in [(wrong, None), (None, wrong)] {
                let mirrors = Mirrors { archive, security };
                assert!(Recipe::new(suite, Platform::Amd64, mirrors, true, &[]).is_err());
            }
        }
    }

    #[test]
    fn what_misses_security_updates_is_known() {
        for (suite, archive, security, misses) in [
            ("bookworm", None, None, false),
            ("bookworm", Some("http://m/debian"), None, true),
            (
                "bookworm",
                Some("http://m/debian"),
                Some("http://m/s"),
                false,
            ),
            ("noble", Some("http://m/ubuntu"), None, false),
            ("sid", Some("http://m/debian"), None, false),
        ] {
            let suite: Suite = suite.parse().expect("a suite");
            let mirrors = Mirrors { archive, security };
            let recipe = Recipe::new(suite, Platform::Amd64, mirrors, true, &[]).expect("made");
            assert_eq!(recipe.misses_security_updates(), misses, "{recipe:?}");
            let has = recipe
                .sources()
                .iter()
                .any(|line| line.contains("-security "));
            assert_eq!(has, !misses && suite.has_updates(), "{recipe:?}");
        }
        let sid: Suite = "sid".parse().expect("a suite");
        let mirrors = Mirrors {
            archive: None,
            security: Some("http://m/s"),
        };
        assert!(Recipe::new(sid, Platform::Amd64, mirrors, true, &[]).is_err());
    }
}
