//! What an installation's files are in git's eyes: a commit, a commit with changes, or neither.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::project::Git;

/// The state of an installation's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// No repository, or no commit yet.
    None,
    /// The files are those of the commit.
    Clean {
        /// The commit.
        commit: Commit,
    },
    /// The files differ from the commit's.
    Dirty {
        /// The commit.
        commit: Commit,
        /// The files that differ, relative to the installation.
        changes: Vec<PathBuf>,
    },
}

/// The commit that is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The full object name.
    pub id: String,
    /// `git rev-parse --short HEAD`.
    pub short: String,
    /// When it was committed, RFC 3339 in UTC.
    pub time: String,
    /// The address of the remote `origin`, without credentials.
    pub source: Option<String>,
}

impl Revision {
    /// The state of the files in an installation directory; its `README.md` is talk and does not
    /// count.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn of(installation: &Path) -> Result<Self> {
        let Some(git) = Git::open(installation)? else {
            return Ok(Self::None);
        };
        let Some(commit) = git.head()? else {
            return Ok(Self::None);
        };
        let changes: Vec<PathBuf> = git
            .changes(installation)?
            .into_iter()
            .filter(|path| path != Path::new("README.md"))
            .collect();
        Ok(if changes.is_empty() {
            Self::Clean { commit }
        } else {
            Self::Dirty { commit, changes }
        })
    }

    fn commit(&self) -> Option<&Commit> {
        match self {
            Self::None => None,
            Self::Clean { commit } | Self::Dirty { commit, .. } => Some(commit),
        }
    }

    /// Whether more went into a build than the commit.
    fn suffix(&self, ad_hoc: bool) -> &'static str {
        if ad_hoc || matches!(self, Self::Dirty { .. }) {
            "-dirty"
        } else {
            ""
        }
    }

    /// What goes into a tag: the short commit, with `-dirty` when more than the commit went into
    /// the build (`ad_hoc`: build arguments from the command line).
    pub fn tag(&self, ad_hoc: bool) -> Option<String> {
        let commit = self.commit()?;
        Some(format!("{}{}", commit.short, self.suffix(ad_hoc)))
    }

    /// What goes into the revision label: the full commit, likewise; empty without one.
    pub fn label(&self, ad_hoc: bool) -> String {
        self.commit().map_or_else(String::new, |commit| {
            format!("{}{}", commit.id, self.suffix(ad_hoc))
        })
    }

    /// A revision label as it goes into a tag.
    pub fn abbreviate(&self, label: &str) -> String {
        let (id, suffix) = match label.strip_suffix("-dirty") {
            Some(id) => (id, "-dirty"),
            None => (label, ""),
        };
        let length = self.commit().map_or(7, |commit| commit.short.len());
        let short: String = id.chars().take(length).collect();
        format!("{short}{suffix}")
    }

    /// When the commit was made.
    pub fn time(&self) -> Option<String> {
        self.commit().map(|commit| commit.time.clone())
    }

    /// Where the commit's repository comes from.
    pub fn source(&self) -> Option<String> {
        self.commit().and_then(|commit| commit.source.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> Revision {
        Revision::Clean {
            commit: Commit {
                id: "0123456789abcdef".into(),
                short: "01234567".into(),
                time: String::new(),
                source: None,
            },
        }
    }

    #[test]
    fn a_plain_commit_is_only_given_to_a_plain_build() {
        assert_eq!(clean().tag(false).as_deref(), Some("01234567"));
        assert_eq!(clean().tag(true).as_deref(), Some("01234567-dirty"));
        assert_eq!(Revision::None.tag(true), None);
    }

    #[test]
    fn labels_are_shortened_like_the_commit() {
        assert_eq!(
            clean().abbreviate("fedcba9876543210-dirty"),
            "fedcba98-dirty"
        );
        assert_eq!(Revision::None.abbreviate("fedcba9876543210"), "fedcba9");
    }
}
