//! The exact files that Python packages were installed from.
//!
//! Installers do not record them. What a build resolved is recorded in its image; the lock of the
//! freeze before knows others; what remains must be asked of the index, where the packages are.

use std::collections::BTreeMap;

use crate::environment::freeze::{Facts, Plan, Refusal};
use crate::environment::index::{Answer, Digest, Indexes, Listed, Question};
use crate::environment::lock::{PythonFile, PythonPackage};
use crate::environment::origin::{Origin, without_credentials};
use crate::environment::pylock::Resolved;
use crate::environment::snapshot::Distribution;
use crate::environment::wheel::{Chosen, Tags, choose};

/// The index of those who have chosen none.
pub const DEFAULT_INDEX: &str = "https://pypi.org/simple";

/// What is known of files and indexes.
#[derive(Debug, Clone, Default)]
pub struct Artefacts {
    /// What the image's build resolved.
    pub resolved: Resolved,
    /// The environment's first index, which the lock does not name.
    pub default_index: String,
    /// The indexes that declared files name.
    pub declared: Indexes,
    /// What an index lists of a package, by name and version.
    pub asked: BTreeMap<(String, String), Vec<Listed>>,
    /// Digests that were asked for, by address.
    pub digests: BTreeMap<String, Digest>,
}

impl Artefacts {
    /// Takes in what the index answered.
    pub fn learn(&mut self, question: &Question, answer: Answer) {
        let packages = question.packages.iter().cloned();
        self.asked.extend(packages.zip(answer.packages));
        let digests = answer.files.into_iter();
        self.digests
            .extend(digests.map(|digest| (digest.url.clone(), digest)));
    }
}

/// What was found out about a package.
pub(super) enum Known {
    /// The lock's files, and the index that has them.
    Files(Vec<PythonFile>, Option<String>),
    /// These files, whose digests are not known yet.
    Digests(Vec<String>),
    /// The index was not asked yet.
    Nothing,
    /// No build can get it: why, and what to do.
    Nowhere(String, &'static str),
}

/// Adds the files to the packages of a plan. What is still to be asked is in [`Plan::unknown`].
pub fn plan(facts: &Facts, plan: &mut Plan) {
    let now: BTreeMap<String, &Distribution> = facts
        .now
        .distributions()
        .iter()
        .map(|distribution| (distribution.key(), distribution))
        .collect();
    let mut packages = match &mut plan.lock.python {
        Some(python) => std::mem::take(&mut python.packages),
        None => return,
    };
    for package in &mut packages {
        let Some(installed) = now.get(&package.name) else {
            continue;
        };
        if package.unfrozen.is_some() {
            continue;
        }
        let known = match &mut package.origin {
            Origin::Index => of_index(facts, installed, plan),
            Origin::Archive(archive) if archive.sha256.is_none() => {
                match of_address(facts, &archive.url) {
                    Ok(sha256) => {
                        archive.sha256 = Some(sha256);
                        continue;
                    }
                    Err(known) => known,
                }
            }
            _ => continue,
        };
        take_in(package, installed, known, plan);
    }
    if let Some(python) = &mut plan.lock.python {
        python.packages = packages;
    }
    if !plan.unknown.is_empty() {
        plan.unknown.declared = facts.artefacts.declared.clone();
    }
}

fn take_in(package: &mut PythonPackage, installed: &Distribution, known: Known, plan: &mut Plan) {
    match known {
        Known::Files(files, index) => {
            package.files = files;
            package.index = index;
        }
        Known::Digests(files) => plan.unknown.files.extend(files),
        Known::Nothing => {
            let asked = (package.name.clone(), package.version.clone());
            plan.unknown.packages.push(asked);
        }
        Known::Nowhere(why, help) => {
            package.unfrozen = Some(why.clone());
            plan.refused.push(Refusal {
                name: installed.name.clone(),
                version: installed.version.clone(),
                why,
                help: help.to_owned(),
            });
        }
    }
}

/// The files of a package that came from an index.
pub(super) fn of_index(facts: &Facts, installed: &Distribution, plan: &mut Plan) -> Known {
    let key = (installed.key(), installed.version.clone());
    let tags = Tags::of_installed(&installed.tags, installed.build.as_deref());
    let interpreter = facts.interpreter();
    let built = is_as_built(facts, installed);

    // A build prefers wheels, and so what it resolved came as one where it could.
    if let Some(files) = facts.artefacts.resolved.packages.get(&key) {
        let name = |file: &Listed| file.name.clone();
        let files: Vec<(String, &Listed)> = files.iter().map(|file| (name(file), file)).collect();
        let chosen = choose(&files, |file| &file.0, tags.as_ref(), &interpreter, built);
        let taken = match chosen {
            Chosen::Exactly(files) => files,
            Chosen::Sources(files) | Chosen::Fitting(files) if built => files,
            _ => Vec::new(),
        };
        if !taken.is_empty() {
            return facts
                .artefacts
                .with_digests(taken.into_iter().map(|file| file.1));
        }
    }

    let previous = facts
        .previous
        .iter()
        .flat_map(|lock| lock.python_packages());
    let previous = previous
        .filter(|package| (&package.name, &package.version) == (&key.0, &key.1))
        .find(|package| package.origin == Origin::Index && !package.files.is_empty());
    if let Some(previous) = previous {
        let files = &previous.files;
        let chosen = choose(files, |file| &file.name, tags.as_ref(), &interpreter, false);
        let all_sources = !files.iter().any(PythonFile::is_wheel);
        let holds = match chosen {
            Chosen::Exactly(_) => true,
            Chosen::Sources(_) => all_sources,
            Chosen::Fitting(_) => built,
            Chosen::Nothing => false,
        };
        if holds {
            return Known::Files(files.clone(), previous.index.clone());
        }
    }

    let Some(listed) = facts.artefacts.asked.get(&key) else {
        return Known::Nothing;
    };
    let found = of_listed(listed, |files| {
        choose(files, |file| &file.name, tags.as_ref(), &interpreter, false)
    });
    if found.is_empty() {
        return nowhere(facts, installed, listed);
    }
    if let Some(reason) = found.iter().find_map(|file| file.yanked.as_deref()) {
        let reason = match reason {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        plan.notes.push(format!(
            "{} {} was taken back by its authors (yanked{reason}); it is frozen all the same",
            installed.name, installed.version
        ));
    }
    facts.artefacts.with_digests(found)
}

/// The choice among what several indexes list: the first that has the very file, else the first
/// that has any that could be it.
fn of_listed<'a>(
    listed: &'a [Listed],
    chosen: impl Fn(&'a [Listed]) -> Chosen<'a, Listed>,
) -> Vec<&'a Listed> {
    // The script gives them index by index.
    let of_each: Vec<Chosen<'a, Listed>> = listed
        .chunk_by(|one, other| one.index == other.index)
        .map(chosen)
        .collect();
    let exactly = of_each
        .iter()
        .find(|chosen| matches!(chosen, Chosen::Exactly(_)));
    let any = || {
        of_each
            .iter()
            .find(|chosen| !matches!(chosen, Chosen::Nothing))
    };
    match exactly.or_else(any) {
        Some(Chosen::Exactly(files) | Chosen::Sources(files) | Chosen::Fitting(files)) => {
            files.clone()
        }
        _ => Vec::new(),
    }
}

fn nowhere(facts: &Facts, installed: &Distribution, listed: &[Listed]) -> Known {
    let help = "name the index that has it (PIP_EXTRA_INDEX_URL in .env, or --extra-index-url in \
                the declared files), or install another version";
    if !listed.is_empty() {
        let machine = facts.interpreter();
        return Known::Nowhere(
            format!(
                "no file that an index has of it is for Python {} on {}",
                machine.version, machine.platform
            ),
            help,
        );
    }
    let why = match installed.version.split_once('+') {
        Some((_, local)) => format!("no configured index has its local version (`+{local}`)"),
        None => "no configured index has this version".to_owned(),
    };
    Known::Nowhere(why, help)
}

/// The digest of a file with an address of its own; else what is still to be done.
fn of_address(facts: &Facts, url: &str) -> Result<String, Known> {
    let known = &facts.artefacts;
    if let Some(sha256) = known.resolved.archives.get(url) {
        return Ok(sha256.clone());
    }
    match known.digests.get(url) {
        Some(digest) => digest.sha256.clone().ok_or_else(|| {
            Known::Nowhere(
                format!("{url} gives nothing"),
                "install it from an address that still has it; user and password for one belong \
                 into the file that NETRC_FILE names in .env",
            )
        }),
        None => Err(Known::Digests(vec![url.to_owned()])),
    }
}

impl Artefacts {
    /// Files as the lock has them, if the digest of each is known.
    fn with_digests<'a>(&self, listed: impl IntoIterator<Item = &'a Listed>) -> Known {
        let mut files = Vec::new();
        let mut missing = Vec::new();
        let mut index = None;
        for file in listed {
            let digest = self.digests.get(&file.url);
            let sha256 = file.sha256.clone();
            let size = file.size.or_else(|| digest.and_then(|digest| digest.size));
            match sha256.or_else(|| digest.and_then(|digest| digest.sha256.clone())) {
                Some(sha256) => files.push(PythonFile {
                    name: file.name.clone(),
                    url: file.url.clone(),
                    sha256,
                    size,
                }),
                None if digest.is_some() => {}
                None => missing.push(file.url.clone()),
            }
            index = index.or_else(|| self.other_index(file.index.as_deref()?));
        }
        match (files.is_empty(), missing.is_empty()) {
            (_, false) => Known::Digests(missing),
            (false, true) => Known::Files(files, index),
            (true, true) => Known::Nowhere(
                "its index lists it and does not give it".to_owned(),
                "install another version, or ask who keeps the index",
            ),
        }
    }

    /// An index, where it is not the first.
    fn other_index(&self, index: &str) -> Option<String> {
        let plain = |url: &str| without_credentials(url.trim_end_matches('/'));
        let first = match self.default_index.as_str() {
            "" => DEFAULT_INDEX,
            first => first,
        };
        (plain(index) != plain(first)).then(|| plain(index))
    }
}

/// Whether the image was built with it, and nobody has put another in its place since.
pub(super) fn is_as_built(facts: &Facts, installed: &Distribution) -> bool {
    let key = installed.key();
    facts.dev.distributions().iter().any(|built| {
        built.key() == key
            && (&built.version, &built.direct_url, &built.tags)
                == (&installed.version, &installed.direct_url, &installed.tags)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::freeze;
    use crate::environment::lock::Lock;
    use crate::environment::snapshot::{ArchiveInfo, DirectUrl, Python, Snapshot};

    fn dist(name: &str, tags: &[&str]) -> Distribution {
        Distribution {
            name: name.into(),
            version: "1.0".into(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Distribution::default()
        }
    }

    fn snapshot(distributions: &[Distribution]) -> Snapshot {
        Snapshot {
            platform: "amd64".into(),
            python: Some(Python {
                version: "3.11.2".into(),
                distributions: distributions.to_vec(),
                ..Python::default()
            }),
            ..Snapshot::default()
        }
    }

    /// What the image holds, and what was installed since.
    fn facts(built: &[Distribution], since: &[Distribution]) -> Facts {
        Facts {
            dev: snapshot(built),
            now: snapshot(&[built, since].concat()),
            ..Facts::default()
        }
    }

    fn listed(name: &str, digest: Option<&str>, index: &str) -> Listed {
        Listed {
            name: name.into(),
            url: format!("{index}/{name}"),
            sha256: digest.map(str::to_owned),
            index: Some(index.into()),
            ..Listed::default()
        }
    }

    fn key(name: &str) -> (String, String) {
        (name.to_owned(), "1.0".to_owned())
    }

    fn package(lock: &Lock, name: &str) -> PythonPackage {
        let mut packages = lock.python_packages().iter();
        let found = packages.find(|package| package.name == name);
        found.expect("locked").clone()
    }

    fn digests(package: &PythonPackage) -> Vec<&str> {
        package.files.iter().map(|file| &*file.sha256).collect()
    }

    #[test]
    fn what_the_build_resolved_needs_no_question() {
        let mut facts = facts(
            &[
                dist("A_b", &["py3-none-any"]),
                dist("c", &["cp311-cp311-linux_x86_64"]),
            ],
            &[],
        );
        let resolved = &mut facts.artefacts.resolved.packages;
        resolved.insert(
            key("a-b"),
            vec![
                listed("a_b-1.0.tar.gz", Some("s"), DEFAULT_INDEX),
                listed("a_b-1.0-py3-none-any.whl", Some("w"), DEFAULT_INDEX),
            ],
        );
        resolved.insert(
            key("c"),
            vec![listed("c-1.0.tar.gz", Some("c"), "https://more")],
        );
        let plan = freeze::plan(&facts);
        assert!(plan.unknown.is_empty());
        let a = package(&plan.lock, "a-b");
        assert_eq!((digests(&a), a.index.clone()), (vec!["w"], None));
        let c = package(&plan.lock, "c");
        assert_eq!(digests(&c), ["c"]);
        assert_eq!(c.index.as_deref(), Some("https://more"));
        let lists = freeze::locked_files(&plan.lock);
        let text = |name: &str| {
            let file = lists.iter().find(|file| file.name == name);
            file.and_then(|file| file.text.clone()).unwrap_or_default()
        };
        assert!(text("requirements.txt").ends_with("\na-b==1.0 --hash=sha256:w\n"));
        assert!(text("requirements-source.txt").ends_with("\nc==1.0 --hash=sha256:c\n"));

        // The next image is built from the lock and resolves nothing: the lock knows.
        facts.artefacts.resolved = Resolved::default();
        facts.previous = Some(plan.lock.clone());
        let again = freeze::plan(&facts);
        assert!(again.unknown.is_empty());
        assert_eq!(again.lock, plan.lock);
        // Somebody built it anew from its sources: the lock does not know that any more.
        facts.now = snapshot(&[dist("A_b", &["cp311-cp311-linux_x86_64"]), dist("c", &[])]);
        assert_eq!(freeze::plan(&facts).unknown.packages, [key("a-b")]);
    }

    #[test]
    fn what_was_installed_since_is_asked_of_the_index() {
        let mut facts = facts(&[], &[dist("x", &["py3-none-any"])]);
        facts.artefacts.declared.extra = vec!["https://more".into()];
        let plan = freeze::plan(&facts);
        assert_eq!(plan.unknown.packages, [key("x")]);
        assert_eq!(plan.unknown.declared.extra, ["https://more"]);

        let mut yanked = listed("x-1.0-py3-none-any.whl", None, "https://more");
        yanked.yanked = Some("broken".into());
        facts.artefacts.learn(
            &plan.unknown,
            Answer {
                packages: vec![vec![
                    listed("x-1.0.tar.gz", Some("s"), DEFAULT_INDEX),
                    yanked,
                ]],
                ..Answer::default()
            },
        );
        // The index does not tell the digest of the file.
        let plan = freeze::plan(&facts);
        assert_eq!(plan.unknown.files, ["https://more/x-1.0-py3-none-any.whl"]);
        assert!(plan.notes[0].contains("yanked: broken"), "{:?}", plan.notes);
        facts.artefacts.learn(
            &plan.unknown,
            Answer {
                files: vec![Digest {
                    url: plan.unknown.files[0].clone(),
                    sha256: Some("w".into()),
                    size: Some(7),
                }],
                ..Answer::default()
            },
        );
        let plan = freeze::plan(&facts);
        assert!(plan.unknown.is_empty() && plan.refused.is_empty());
        let x = package(&plan.lock, "x");
        assert_eq!((digests(&x), x.files[0].size), (vec!["w"], Some(7)));
        assert_eq!(x.index.as_deref(), Some("https://more"));
    }

    #[test]
    fn what_no_index_has_is_marked_and_named() {
        let since = Distribution {
            version: "1.0+lab".into(),
            ..dist("X", &["py3-none-any"])
        };
        let mut facts = facts(&[], &[since]);
        let plan = freeze::plan(&facts);
        let answer = Answer {
            packages: vec![Vec::new()],
            ..Answer::default()
        };
        facts.artefacts.learn(&plan.unknown, answer);
        let plan = freeze::plan(&facts);
        let why = "no configured index has its local version (`+lab`)";
        assert_eq!(plan.refused[0].name, "X");
        assert_eq!(plan.refused[0].why, why);
        let x = package(&plan.lock, "x");
        assert_eq!(x.unfrozen.as_deref(), Some(why));
        let lists = freeze::locked_files(&plan.lock);
        assert!(lists.iter().all(|file| {
            let text = file.text.as_deref().unwrap_or_default();
            !text.contains("x==")
        }));
    }

    #[test]
    fn a_file_with_an_address_has_its_digest_from_wherever_it_is_known() {
        let address = "https://h/x-1.0-py3-none-any.whl";
        let since = Distribution {
            direct_url: Some(DirectUrl {
                url: address.into(),
                archive_info: Some(ArchiveInfo::default()),
                ..DirectUrl::default()
            }),
            ..dist("x", &["py3-none-any"])
        };
        let mut facts = facts(&[], &[since]);
        let plan = freeze::plan(&facts);
        assert_eq!(plan.unknown.files, [address]);
        let digest = |sha256: Option<&str>| Digest {
            url: address.into(),
            sha256: sha256.map(str::to_owned),
            size: None,
        };
        let answer = |sha256| Answer {
            files: vec![digest(sha256)],
            ..Answer::default()
        };
        facts.artefacts.learn(&plan.unknown, answer(None));
        let gone = freeze::plan(&facts);
        assert!(gone.refused[0].why.contains("gives nothing"));
        facts.artefacts.learn(&plan.unknown, answer(Some("ab")));
        let origin = package(&freeze::plan(&facts).lock, "x").origin;
        assert_eq!(origin.exact("x", "1.0"), format!("x @ {address}#sha256=ab"));
        facts
            .artefacts
            .resolved
            .archives
            .insert(address.into(), "cd".into());
        let origin = package(&freeze::plan(&facts).lock, "x").origin;
        assert!(origin.exact("x", "1.0").ends_with("#sha256=cd"));
    }
}
