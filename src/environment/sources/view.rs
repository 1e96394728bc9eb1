//! What a build without network is given: the store's files by their own names, in one directory.
//!
//! ```text
//! python/NAME              files of indexes, for uv's --find-links
//! archives/SHA256/NAME     files with an address of their own; archives/list: path, tab, address
//! git/COMMIT.bundle        repositories; git/config tells git that they stand for their addresses
//! conda/https/HOST/…       conda packages, below their addresses
//! apt/LIST/NAME            system packages by the list that brings them
//!                          LIST.facts: what the lock says of each, as the build records it
//! tools/NAME               uv, and what installs conda packages; uv.json: the lock's words on uv
//! offline                  says that this stands in for a network
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::environment::lock::{AptPackage, Lock};
use crate::environment::sources::inventory::{Artefact, Digest, Inventory, Kind, is_file_name};
use crate::error::{Error, Result};

/// Where the build's steps find the directory; `build-steps/` has it as well.
const MOUNT: &str = "/tmp/envtpl/sources";

/// The directory, planned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files of the store, by their paths in the directory.
    pub files: BTreeMap<PathBuf, Digest>,
    /// Bundles with several commits of one repository.
    pub combined: BTreeMap<PathBuf, Vec<Digest>>,
    /// What is written anew.
    pub texts: BTreeMap<PathBuf, String>,
}

/// Plans the directory.
///
/// # Errors
/// `Failed` when two files would have one name, or an address cannot be a path.
pub fn plan(inventory: &Inventory, lock: &Lock) -> Result<Plan> {
    let mut plan = Plan::default();
    plan.texts.insert("offline".into(), "\n".to_owned());
    plan.words(lock);
    let mut archives = String::new();
    let mut repositories: BTreeMap<&str, BTreeSet<&Digest>> = BTreeMap::new();
    for artefact in &inventory.artefacts {
        let path = match artefact.kind {
            Kind::Git => {
                let commits = repositories.entry(&artefact.url).or_default();
                commits.insert(&artefact.digest);
                continue;
            }
            Kind::Archive => {
                let path = format!("archives/{}/{}", artefact.digest.digits(), artefact.file);
                archives.push_str(&format!("{path}\t{}\n", artefact.url));
                path
            }
            Kind::Tool if artefact.package != "uv" && !artefact.version.is_empty() => {
                format!("python/{}", artefact.file)
            }
            Kind::Tool => format!("tools/{}", artefact.file),
            Kind::Python => format!("python/{}", artefact.file),
            Kind::Conda => format!("conda/{}", path_of(artefact)?),
            Kind::AptBuild => format!("apt/apt-build/{}", artefact.file),
            Kind::AptRuntime => format!("apt/apt-runtime/{}", artefact.file),
            Kind::AptDev => format!("apt/apt-dev/{}", artefact.file),
        };
        let before = plan.files.insert(path.into(), artefact.digest.clone());
        if before.is_some_and(|before| before != artefact.digest) {
            return Err(Error::failed(format!(
                "the lock has two files that are both called `{}`",
                artefact.file
            ))
            .help("one of them has to come from an address of its own (`name @ https://…`)"));
        }
    }
    if !archives.is_empty() {
        plan.texts.insert("archives/list".into(), archives);
    }
    if !repositories.is_empty() {
        plan.repositories(&repositories);
    }
    Ok(plan)
}

impl Plan {
    /// What the build records of packages, from the lock: without a network it cannot ask.
    fn words(&mut self, lock: &Lock) {
        let lists = [
            ("apt-build", &lock.apt.build),
            ("apt-runtime", &lock.apt.runtime),
            ("apt-dev", &lock.apt.dev),
        ];
        for (name, packages) in lists {
            let facts = packages.iter().map(facts).collect();
            self.texts.insert(format!("apt/{name}.facts").into(), facts);
        }
        if let Some(uv) = lock.tools.iter().find(|tool| tool.name == "uv") {
            let json = serde_json::json!(uv).to_string();
            self.texts.insert("tools/uv.json".into(), json);
        }
    }

    fn repositories(&mut self, repositories: &BTreeMap<&str, BTreeSet<&Digest>>) {
        let mut config = String::from("[safe]\n\tdirectory = *\n");
        for (url, commits) in repositories {
            let Some(first) = commits.first() else {
                continue;
            };
            let path = format!("git/{}.bundle", first.digits());
            config.push_str(&format!(
                "[url \"{MOUNT}/{path}\"]\n\tinsteadOf = \"{}\"\n",
                url.replace('\\', "\\\\").replace('"', "\\\"")
            ));
            match commits.len() {
                1 => drop(self.files.insert(path.into(), (*first).clone())),
                _ => {
                    let commits = commits.iter().map(|commit| (*commit).clone());
                    self.combined.insert(path.into(), commits.collect());
                }
            }
        }
        self.texts.insert("git/config".into(), config);
    }
}

/// A line as `build-steps/apt-facts.sh` prints it.
fn facts(package: &AptPackage) -> String {
    let mut text = format!(
        "{} {} {}\t",
        package.name, package.version, package.architecture
    );
    let members = [
        ("url", &package.url),
        ("sha256", &package.sha256),
        ("snapshot", &package.snapshot),
    ];
    let members = members
        .into_iter()
        .filter(|(name, value)| *name == "url" || !value.is_empty());
    let members = members.map(|(name, value)| format!("\"{name}\":{}", serde_json::json!(value)));
    text.push_str(&members.collect::<Vec<_>>().join(","));
    text.push('\n');
    text
}

/// An address as a path: `https/host/a/b`.
fn path_of(artefact: &Artefact) -> Result<String> {
    let path = artefact.url.replacen("://", "/", 1);
    let good = artefact.url.contains("://") && path.split('/').all(is_file_name);
    good.then_some(path).ok_or_else(|| {
        Error::failed(format!(
            "the address of {artefact} cannot be a path: {}",
            artefact.url
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::lock::Base;

    fn artefact(kind: Kind, url: &str, digest: Digest) -> Artefact {
        let file = url.rsplit('/').next().expect("a name").to_owned();
        Artefact {
            kind,
            package: "p".into(),
            version: "1".into(),
            file,
            url: url.into(),
            digest,
            size: None,
            snapshot: String::new(),
        }
    }

    fn sha(digit: &str) -> Digest {
        Digest::Sha256(digit.repeat(64))
    }

    fn commit(digit: &str) -> Digest {
        Digest::Commit(digit.repeat(40))
    }

    #[test]
    fn files_have_their_own_names_and_repositories_stand_for_their_addresses() {
        let mut uv = artefact(Kind::Tool, "https://f/uv.whl", sha("f"));
        uv.package = "uv".into();
        let inventory = Inventory {
            artefacts: vec![
                artefact(Kind::Python, "https://f/six.whl", sha("a")),
                artefact(Kind::Archive, "https://h/v1.tar.gz", sha("b")),
                artefact(Kind::Git, "https://h/x", commit("1")),
                artefact(Kind::Git, "https://h/x", commit("2")),
                artefact(Kind::Git, "https://h/y", commit("3")),
                artefact(Kind::Conda, "https://c/forge/noarch/x.conda", sha("c")),
                artefact(Kind::AptDev, "http://d/pool/jq.deb", sha("d")),
                artefact(Kind::Tool, "https://f/hatchling.whl", sha("e")),
                uv,
            ],
            unstorable: Vec::new(),
        };
        let mut lock = Lock::new("amd64", Base::default());
        lock.apt.dev = vec![AptPackage {
            name: "jq".into(),
            version: "1.6".into(),
            architecture: "amd64".into(),
            url: "http://d/jq.deb".into(),
            sha256: "d".repeat(64),
            ..AptPackage::default()
        }];
        let plan = plan(&inventory, &lock).expect("planned");
        let facts = &plan.texts[&PathBuf::from("apt/apt-dev.facts")];
        let start = "jq 1.6 amd64\t\"url\":\"http://d/jq.deb\",\"sha256\":\"ddd";
        assert!(
            facts.starts_with(start) && facts.ends_with("d\"\n"),
            "{facts}"
        );
        let paths: Vec<&str> = plan.files.keys().filter_map(|path| path.to_str()).collect();
        let bundle = |digit: &str| format!("git/{}.bundle", digit.repeat(40));
        assert_eq!(
            paths,
            [
                "apt/apt-dev/jq.deb",
                &format!("archives/{}/v1.tar.gz", "b".repeat(64)),
                "conda/https/c/forge/noarch/x.conda",
                &bundle("3"),
                "python/hatchling.whl",
                "python/six.whl",
                "tools/uv.whl",
            ]
        );
        let combined = &plan.combined[&PathBuf::from(bundle("1"))];
        assert_eq!(combined, &[commit("1"), commit("2")]);
        let config = &plan.texts[&PathBuf::from("git/config")];
        let url = format!(
            "[url \"/tmp/envtpl/sources/{}\"]\n\tinsteadOf = \"https://h/x\"\n",
            bundle("1")
        );
        assert!(config.contains(&url), "{config}");
    }

    #[test]
    fn no_address_leads_out_of_the_directory_and_no_name_stands_for_two_files() {
        let odd = artefact(Kind::Conda, "https://c/../../x.conda", sha("a"));
        let twice = [sha("a"), sha("b")].map(|sha| artefact(Kind::Python, "https://f/x.whl", sha));
        for artefacts in [vec![odd], twice.to_vec()] {
            let inventory = Inventory {
                artefacts,
                unstorable: Vec::new(),
            };
            let lock = Lock::new("amd64", Base::default());
            plan(&inventory, &lock).expect_err("refused");
        }
    }
}
