//! Commits that no build would find in the repositories that packages were installed from.

use std::collections::BTreeMap;

use crate::environment::freeze::Lost;
use crate::environment::lock::Lock;
use crate::environment::origin::{Found, Origin, Repository};
use crate::environment::remotes::{self, Verdict};
use crate::environment::snapshot::Snapshot;
use crate::error::Result;
use crate::output::Printer;
use crate::process::Invocation;

/// Python packages that may be from a commit which nobody else has, by normalised name.
pub struct Doubtful(BTreeMap<String, Repository>);

impl Doubtful {
    /// Those that were installed since the image was built, and that the lock does not have: what a
    /// build fetched once was there.
    pub fn of(now: &Snapshot, built: &Snapshot, previous: Option<&Lock>) -> Self {
        let doubtful = now.distributions().iter().filter_map(|distribution| {
            let key = distribution.key();
            let Found::Origin(origin) = Found::of(distribution) else {
                return None;
            };
            let locked = previous.into_iter().flat_map(Lock::python_packages);
            let locked = locked.filter(|locked| locked.name == key && locked.unfrozen.is_none());
            let known = |other: &Origin| other.address() == origin.address();
            let in_image = built.distributions().iter().any(|built| {
                matches!(Found::of(built), Found::Origin(other) if built.key() == key && known(&other))
            });
            if in_image || locked.into_iter().any(|locked| known(&locked.origin)) {
                return None;
            }
            match origin {
                // The image has these or has them not, which is seen there.
                Origin::Vcs(_) if origin.directory().is_some() => None,
                Origin::Vcs(repository) => Some((key, repository)),
                _ => None,
            }
        });
        Self(doubtful.collect())
    }

    /// Asks for all of them at once; `command` makes the command that asks.
    ///
    /// # Errors
    /// When the command cannot be run.
    pub fn ask(
        &self,
        printer: &Printer,
        command: impl FnOnce(&[&Repository]) -> Invocation,
    ) -> Result<BTreeMap<String, Lost>> {
        if self.0.is_empty() {
            return Ok(BTreeMap::new());
        }
        let repositories: Vec<&Repository> = self.0.values().collect();
        let printed = command(&repositories).capture(printer)?.text();
        let verdicts = remotes::parse(&printed, repositories.len());
        let asked = self.0.iter().zip(verdicts);
        let lost = asked.filter_map(|((key, repository), verdict)| {
            Some((key.clone(), lost(repository, verdict)?))
        });
        Ok(lost.collect())
    }
}

fn lost(repository: &Repository, verdict: Verdict) -> Option<Lost> {
    let short: String = repository.commit.chars().take(12).collect();
    let url = &repository.url;
    let (why, help) = match verdict {
        Verdict::There => return None,
        Verdict::Missing => (
            format!("its commit {short} is not in {url}"),
            "push it, and freeze again",
        ),
        Verdict::Silent => (
            format!("{url} does not answer, so nothing proves that it has the commit {short}"),
            "see whether `git ls-remote` reaches it from there; credentials are in NETRC_FILE",
        ),
        Verdict::NoGit => (
            format!("without git nothing proves that {url} has its commit {short}"),
            "install git where it is installed, and freeze again",
        ),
    };
    Some(Lost {
        why,
        help: help.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::snapshot::{DirectUrl, Distribution, Python, VcsInfo};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn snapshot(packages: &[(&str, &str)]) -> Snapshot {
        let distributions = packages.iter().map(|(name, url)| Distribution {
            name: (*name).into(),
            version: "1".into(),
            direct_url: (!url.is_empty()).then(|| DirectUrl {
                url: (*url).into(),
                vcs_info: Some(VcsInfo {
                    vcs: "git".into(),
                    commit_id: COMMIT.into(),
                    ..VcsInfo::default()
                }),
                ..DirectUrl::default()
            }),
            ..Distribution::default()
        });
        Snapshot {
            python: Some(Python {
                distributions: distributions.collect(),
                ..Python::default()
            }),
            ..Snapshot::default()
        }
    }

    #[test]
    fn what_is_new_and_from_a_repository_elsewhere_is_doubtful() {
        let built = snapshot(&[("old", "https://h/old"), ("moved", "https://h/before")]);
        let now = snapshot(&[
            ("index", ""),
            ("Lo_cked", "https://h/locked"),
            ("moved", "https://h/moved"),
            ("new", "https://joe:s3cret@h/new"),
            ("old", "https://h/old"),
            ("there", "file:///srv/there"),
        ]);
        let mark = |why: &str| {
            let text = format!(
                "schema: 1\nplatform: amd64\nbase: {{image: b, os: o}}\npython:\n  version: 3.11.2\n  packages:\n  \
                 - name: lo-cked\n    version: '1'\n    origin: {{vcs: {{system: git, url: 'https://h/locked', commit: '{COMMIT}'}}}}\n    requested: true\n{why}"
            );
            Lock::parse(std::path::Path::new("envtpl.lock"), &text).expect("a lock")
        };
        let names = |lock: Option<&Lock>| {
            let doubtful = Doubtful::of(&now, &built, lock).0;
            doubtful.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(names(None), ["lo-cked", "moved", "new"]);
        assert_eq!(names(Some(&mark(""))), ["moved", "new"]);
        // A mark is no proof.
        assert_eq!(
            names(Some(&mark("    unfrozen: why\n"))),
            ["lo-cked", "moved", "new"]
        );
        let asked = &Doubtful::of(&now, &built, None).0["new"];
        assert_eq!(asked.url, "https://h/new");
        assert_eq!(lost(asked, Verdict::There), None);
        for verdict in [Verdict::Missing, Verdict::Silent, Verdict::NoGit] {
            let lost = lost(asked, verdict).expect("lost");
            assert!(lost.why.contains("0123456789ab") && lost.why.contains("https://h/new"));
        }
    }
}
