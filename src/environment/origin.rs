//! Where an installed package came from, and whether a build can get it from there again.

use serde::{Deserialize, Serialize};

use crate::environment::snapshot::{DirectUrl, Distribution};
use crate::network::is_loopback;
use crate::secrets::{without_login, without_secrets};

/// Where a Python package came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A package index, or a directory of files that stands for one; installers do not say which.
    #[default]
    Index,
    /// A commit in a repository.
    Vcs(Repository),
    /// A file with an address of its own.
    Archive(Archive),
    /// Nowhere that a build can reach; only a package that the lock marks has this.
    Nowhere,
}

/// A commit in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// The version control system; today always `git`.
    pub system: String,
    /// The address, without credentials.
    pub url: String,
    /// The full commit.
    pub commit: String,
    /// The branch or tag that was asked for; a build from the lock asks for the commit, so the
    /// lock does not say it.
    #[serde(skip)]
    pub revision: Option<String>,
    /// The directory of the package in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdirectory: Option<String>,
}

/// A file with an address of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The address, without credentials.
    pub url: String,
    /// The digest, where the installer wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The directory of the package in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdirectory: Option<String>,
}

/// What an installed package's record says about where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A build can get it from there.
    Origin(Origin),
    /// It is a directory of this machine or container.
    Directory {
        /// The path.
        path: String,
        /// Whether the package runs from the directory itself.
        editable: bool,
    },
    /// A build cannot get it from there; why.
    Nowhere(String),
}

impl Found {
    /// Where a package came from.
    pub fn of(distribution: &Distribution) -> Self {
        match &distribution.direct_url {
            Some(direct) => Self::direct(direct),
            None => Self::Origin(Origin::Index),
        }
    }

    fn direct(direct: &DirectUrl) -> Self {
        let url = match &direct.vcs_info {
            Some(_) => repository(&direct.url),
            None => without_credentials(&direct.url),
        };
        let subdirectory = direct
            .subdirectory
            .clone()
            .filter(|directory| !directory.is_empty());
        if let Some(vcs) = &direct.vcs_info {
            if vcs.vcs != "git" {
                return Self::Nowhere(format!(
                    "it comes from a {} repository ({url}), and only git is supported",
                    vcs.vcs
                ));
            }
            if !is_commit(&vcs.commit_id) {
                return Self::Nowhere(format!(
                    "it comes from the repository {url}, but its record names no commit"
                ));
            }
            return Self::Origin(Origin::Vcs(Repository {
                system: vcs.vcs.clone(),
                url,
                commit: vcs.commit_id.clone(),
                revision: vcs
                    .requested_revision
                    .clone()
                    .filter(|revision| !revision.is_empty()),
                subdirectory,
            }));
        }
        let path = url.strip_prefix("file://").map(unescaped);
        match (path, &direct.dir_info, &direct.archive_info) {
            (Some(path), Some(directory), _) => Self::Directory {
                path,
                editable: directory.editable,
            },
            (Some(path), None, _) => {
                Self::Nowhere(format!("it comes from the file {path} of the container"))
            }
            (None, _, Some(archive)) => Self::Origin(Origin::Archive(Archive {
                url,
                sha256: archive.hashes.get("sha256").cloned().or_else(|| {
                    let hash = archive.hash.as_deref()?;
                    hash.strip_prefix("sha256=").map(str::to_owned)
                }),
                subdirectory,
            })),
            (None, _, None) => Self::Origin(Origin::Archive(Archive {
                url,
                sha256: None,
                subdirectory,
            })),
        }
    }
}

impl Origin {
    /// The requirement that asks for exactly this package, for a build that resolves nothing.
    pub fn exact(&self, name: &str, version: &str) -> String {
        match self {
            Self::Index | Self::Nowhere => format!("{name}=={version}"),
            Self::Vcs(repository) => repository.requirement(name, Some(&repository.commit)),
            Self::Archive(archive) => archive.requirement(name, true),
        }
    }

    /// The requirement as a person would declare it: what was asked for, not what came of it.
    pub fn declaration(&self, name: &str) -> String {
        match self {
            Self::Index | Self::Nowhere => name.to_owned(),
            Self::Vcs(repository) => repository.requirement(name, repository.revision.as_deref()),
            Self::Archive(archive) => archive.requirement(name, false),
        }
    }

    /// A directory of the container that a build needs as well, if it comes from one.
    pub fn directory(&self) -> Option<String> {
        match self {
            Self::Vcs(repository) => repository.url.strip_prefix("file://").map(unescaped),
            _ => None,
        }
    }

    /// Whether its address is the machine's own (`localhost`), whichever that is.
    pub fn is_of_this_machine(&self) -> bool {
        match self {
            Self::Vcs(Repository { url, .. }) | Self::Archive(Archive { url, .. }) => {
                is_loopback(url)
            }
            Self::Index | Self::Nowhere => false,
        }
    }

    /// Where it is, exactly: the same text for the same origin.
    pub fn address(&self) -> String {
        match self {
            Self::Index => "index".to_owned(),
            Self::Nowhere => "nowhere".to_owned(),
            Self::Vcs(repository) => {
                let (system, url) = (&repository.system, &repository.url);
                let below = below(repository.subdirectory.as_deref());
                format!("{system}+{url}@{}{below}", repository.commit)
            }
            Self::Archive(archive) => {
                format!("{}{}", archive.url, below(archive.subdirectory.as_deref()))
            }
        }
    }

    /// In a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Index => "index".to_owned(),
            Self::Nowhere => "nowhere".to_owned(),
            Self::Vcs(repository) => {
                let short: String = repository.commit.chars().take(12).collect();
                format!("{} at {short}", repository.url)
            }
            Self::Archive(archive) => archive.url.clone(),
        }
    }
}

fn below(subdirectory: Option<&str>) -> String {
    subdirectory.map_or_else(String::new, |path| format!("#subdirectory={path}"))
}

impl Repository {
    fn requirement(&self, name: &str, revision: Option<&str>) -> String {
        let mut text = format!("{name} @ {}+{}", self.system, self.url);
        if let Some(revision) = revision {
            text.push('@');
            text.push_str(revision);
        }
        if let Some(directory) = &self.subdirectory {
            text.push_str("#subdirectory=");
            text.push_str(directory);
        }
        text
    }
}

impl Archive {
    fn requirement(&self, name: &str, exact: bool) -> String {
        let mut fragments = Vec::new();
        if let Some(digest) = self.sha256.as_deref().filter(|_| exact) {
            fragments.push(format!("sha256={digest}"));
        }
        if let Some(directory) = &self.subdirectory {
            fragments.push(format!("subdirectory={directory}"));
        }
        let fragment = if fragments.is_empty() {
            String::new()
        } else {
            format!("#{}", fragments.join("&"))
        };
        format!("{name} @ {}{fragment}", self.url)
    }
}

/// A full object name of git, with SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An address of a file as it may be kept ([`without_secrets`]), without its fragment.
pub fn without_credentials(url: &str) -> String {
    without_secrets(without_fragment(url))
}

/// An address of a repository as it may be kept ([`without_login`]), without its fragment.
pub fn repository(url: &str) -> String {
    without_login(without_fragment(url))
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or_default()
}

/// Undoes the percent encoding of an address.
pub fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn found(json: &str) -> Found {
        let direct: DirectUrl = serde_json::from_str(json).expect(json);
        Found::of(&Distribution {
            name: "x".into(),
            version: "1".into(),
            direct_url: Some(direct),
            ..Distribution::default()
        })
    }

    fn origin(json: &str) -> Origin {
        match found(json) {
            Found::Origin(origin) => origin,
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn a_repository_is_locked_to_the_commit_and_declared_as_asked() {
        let origin = origin(&format!(
            r#"{{"url":"https://joe:s3cret@host/x.git","subdirectory":"py","vcs_info":
            {{"vcs":"git","requested_revision":"main","commit_id":"{COMMIT}"}}}}"#
        ));
        assert_eq!(
            origin.exact("x", "1"),
            format!("x @ git+https://host/x.git@{COMMIT}#subdirectory=py")
        );
        assert_eq!(
            origin.declaration("x"),
            "x @ git+https://host/x.git@main#subdirectory=py"
        );
    }

    #[test]
    fn a_file_is_locked_by_its_digest() {
        let with =
            origin(r#"{"url":"https://h/x.whl#frag","archive_info":{"hashes":{"sha256":"ab"}}}"#);
        assert_eq!(with.exact("x", "1"), "x @ https://h/x.whl#sha256=ab");
        assert_eq!(with.declaration("x"), "x @ https://h/x.whl");
        let older = origin(r#"{"url":"https://h/x.whl","archive_info":{"hash":"sha256=cd"}}"#);
        assert_eq!(older.exact("x", "1"), "x @ https://h/x.whl#sha256=cd");
        let bare = origin(r#"{"url":"https://h/x.whl","archive_info":{}}"#);
        assert_eq!(bare.exact("x", "1"), "x @ https://h/x.whl");
    }

    #[test]
    fn what_no_build_reaches_is_told_apart() {
        assert_eq!(
            found(r#"{"url":"file:///a%20b/c","dir_info":{"editable":true}}"#),
            Found::Directory {
                path: "/a b/c".into(),
                editable: true
            }
        );
        for json in [
            r#"{"url":"file:///tmp/x.whl","archive_info":{}}"#,
            r#"{"url":"https://h/x","vcs_info":{"vcs":"hg","commit_id":"1"}}"#,
            r#"{"url":"https://h/x","vcs_info":{"vcs":"git","commit_id":""}}"#,
            r#"{"url":"https://h/x","vcs_info":{"vcs":"git","commit_id":"main"}}"#,
        ] {
            assert!(matches!(found(json), Found::Nowhere(_)), "{json}");
        }
    }

    #[test]
    fn addresses_have_no_secret_and_no_fragment() {
        let file = "https://joe:pw@host/t/ab-12/x.whl?token=pw#sha256=1";
        assert_eq!(without_credentials(file), "https://host/t/ab-12/x.whl");
        let channel = "https://joe:pw@host/t/ab-12/simple#x";
        assert_eq!(without_credentials(channel), "https://host/simple");
        let git = "https://joe:pw@host/t/ab-12/lab#egg=y";
        assert_eq!(repository(git), "https://host/t/ab-12/lab");
    }

    #[test]
    fn an_address_of_this_machine_is_nobody_elses() {
        for (json, own) in [
            (
                r#"{"url":"http://localhost:8080/x.whl","archive_info":{}}"#,
                true,
            ),
            (
                r#"{"url":"http://lab.example/localhost/x.whl","archive_info":{}}"#,
                false,
            ),
            (
                r#"{"url":"ssh://git@127.0.0.1/x","vcs_info":{"vcs":"git","commit_id":"C"}}"#,
                true,
            ),
        ] {
            assert_eq!(
                origin(&json.replace("\"C\"", &format!("\"{COMMIT}\""))).is_of_this_machine(),
                own,
                "{json}"
            );
        }
        assert!(!Origin::Index.is_of_this_machine());
    }
}
