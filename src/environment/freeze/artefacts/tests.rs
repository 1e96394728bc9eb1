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

    // That it was taken back is told by every freeze, and the index is asked once.
    let told = "x 1.0 was taken back by its authors (yanked: broken); it is frozen all the same";
    assert_eq!(plan.notes, [told]);
    facts.artefacts = Artefacts::default();
    facts.previous = Some(plan.lock);
    let again = freeze::plan(&facts);
    assert!(again.unknown.is_empty());
    assert_eq!(again.notes, [told]);
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
