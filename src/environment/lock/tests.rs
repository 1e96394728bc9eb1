use std::path::Path;

use super::text::HEADER;
use super::*;
use crate::environment::origin::Repository;
use crate::error::Kind;
use proptest::prelude::*;

fn python(name: &str, version: &str) -> PythonPackage {
    PythonPackage {
        name: name.into(),
        version: version.into(),
        ..PythonPackage::default()
    }
}

fn file(name: &str) -> PythonFile {
    PythonFile {
        name: name.into(),
        url: format!("https://files/{name}"),
        sha256: "ab".repeat(32),
        size: Some(7),
    }
}

fn example() -> Lock {
    let mut lock = Lock::new(
        "amd64",
        Base {
            image: "python:3.12-slim".into(),
            digest: Some("sha256:aa".into()),
            id: None,
            made: Some("envtpl bootstrap-base bookworm".into()),
            os: "debian 12 (bookworm)".into(),
        },
    );
    lock.python = Some(Python {
        version: "3.11.2".into(),
        packages: vec![
            PythonPackage {
                origin: Origin::Vcs(Repository {
                    system: "git".into(),
                    url: "https://host/thing.git".into(),
                    commit: "0123456789abcdef0123456789abcdef01234567".into(),
                    revision: None,
                    subdirectory: None,
                }),
                requested: true,
                declared: vec!["thing @ git+https://host/thing.git@main".into()],
                ..python("thing", "0.10")
            },
            PythonPackage {
                index: Some("https://more/simple".into()),
                files: vec![file("numpy-1.26-py3-none-any.whl")],
                ..python("numpy", "1.26")
            },
        ],
        ..Python::default()
    });
    lock.declared.python = vec!["torch".into(), "numpy>=1".into()];
    lock.apt.dev = vec![AptPackage {
        name: "jq".into(),
        version: "1.6-2.1".into(),
        architecture: "amd64".into(),
        url: "http://deb/pool/jq.deb".into(),
        sha256: "cd".repeat(32),
        snapshot: "20260102T030405Z".into(),
        requested: true,
        declared: vec!["pager".into()],
        unfrozen: None,
    }];
    lock.conda = vec![CondaPackage {
        name: "xz".into(),
        version: "5.4".into(),
        build: "h0_0".into(),
        url: "https://channel/linux-64/xz-5.4-h0_0.conda".into(),
        md5: "ef".repeat(16),
        ..CondaPackage::default()
    }];
    lock
}

#[test]
fn the_text_is_sorted_and_read_back() {
    let text = example().to_text().expect("written");
    let expected = "\
schema: 1
platform: amd64
base:
  image: python:3.12-slim
  digest: sha256:aa
  made: 'envtpl bootstrap-base bookworm'
  os: 'debian 12 (bookworm)'
declared:
  python:
  - 'numpy>=1'
  - torch
python:
  version: 3.11.2
  packages:
  - name: numpy
    version: '1.26'
    origin: index
    index: https://more/simple
    files:
    - name: numpy-1.26-py3-none-any.whl
      url: https://files/numpy-1.26-py3-none-any.whl
      sha256: abababababababababababababababababababababababababababababababab
      size: 7
    requested: false
  - name: thing
    version: '0.10'
    origin:
      vcs:
        system: git
        url: https://host/thing.git
        commit: '0123456789abcdef0123456789abcdef01234567'
    requested: true
    declared:
    - 'thing @ git+https://host/thing.git@main'
apt:
  dev:
  - name: jq
    version: '1.6-2.1'
    architecture: amd64
    url: http://deb/pool/jq.deb
    sha256: cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
    snapshot: '20260102T030405Z'
    requested: true
    declared:
    - pager
conda:
- name: xz
  version: '5.4'
  build: h0_0
  url: https://channel/linux-64/xz-5.4-h0_0.conda
  md5: efefefefefefefefefefefefefefefef
  requested: false
";
    assert_eq!(text.strip_prefix(HEADER), Some(expected));
    let read = Lock::parse(Path::new(FILE), &text).expect("read");
    assert_eq!(read.to_text().expect("written"), text);
}

#[test]
fn what_envtpl_would_not_write_is_refused_with_its_line() {
    let text = example().to_text().expect("written");
    for (from, to, line, why) in [
        (
            "requested: false",
            "requested: maybe",
            27,
            "not as envtpl writes it",
        ),
        (
            "requested: false",
            "wanted: false",
            27,
            "not as envtpl writes it",
        ),
        ("platform: amd64", "<<<<<<< HEAD", 5, "merge conflict"),
        ("schema: 1", "schema: 2", 4, "form 2"),
        ("name: thing", "name: numpy", 28, "`numpy` is locked twice"),
        (
            "platform: amd64",
            "platform: [",
            5,
            "not as envtpl writes it",
        ),
    ] {
        let error = Lock::parse(Path::new(FILE), &text.replacen(from, to, 1)).expect_err(to);
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.message().contains(why), "{to}: {error}");
        assert_eq!(error.places()[0].line_number(), Some(line), "{to}: {error}");
        assert!(!error.helps().is_empty());
    }
    assert!(Lock::parse(Path::new(FILE), "").is_err());
}

/// Two people add packages at different places: git must merge that.
#[test]
fn git_merges_freezes_of_two_people() {
    let texts = |added: &[&str]| {
        let mut lock = example();
        let packages = &mut lock.python.as_mut().expect("there").packages;
        packages.extend((0..6).map(|number| python(&format!("package-{number}"), "1")));
        packages.extend(added.iter().map(|name| python(name, "2.0")));
        lock.to_text().expect("written")
    };
    let (base, mine, theirs) = (texts(&[]), texts(&["alpha"]), texts(&["package-3a"]));
    let merged = diffy::merge(&base, &mine, &theirs).expect("no conflict");
    assert_eq!(merged, texts(&["alpha", "package-3a"]));
    let conflict = diffy::merge(&base, &mine, &texts(&["beta"])).expect_err("same place");
    assert_eq!(conflict.matches("<<<<<<<").count(), 1, "{conflict}");
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9.+:~-]{1,12}",
        "[0-9]{1,3}\\.[0-9]{1,3}",
        "[0-9]{1,4}(e[0-9]{1,2})?",
        "0[xo][0-9]{1,4}",
        Just("no".to_owned()),
        Just("null".to_owned()),
        Just("~".to_owned()),
        "[ -~]{1,12}",
    ]
}

proptest! {
    #[test]
    fn every_lock_is_read_back(
        names in proptest::collection::btree_set("[a-z][a-z0-9-]{0,8}", 0..6),
        versions in proptest::collection::vec(any_text(), 6),
        image in any_text(),
        requested in any::<bool>(),
    ) {
        let mut lock = Lock::new("arm64", Base { image, ..Base::default() });
        lock.python = Some(Python {
            version: versions[5].clone(),
            given: versions.clone(),
            packages: names.iter().zip(&versions).rev().map(|(name, version)| PythonPackage {
                requested,
                index: requested.then(|| version.clone()),
                unfrozen: (!requested).then(|| version.clone()),
                    declared: vec![version.clone()],
                files: versions.iter().map(|name| file(name)).collect(),
                ..python(name, version)
            }).collect(),
        });
        lock.declared.conda = versions.clone();
        lock.apt.runtime = names.iter().zip(&versions).map(|(name, version)| AptPackage {
            name: name.clone(),
            version: version.clone(),
            architecture: "all".into(),
            url: version.clone(),
            sha256: versions[0].clone(),
            snapshot: versions[1].clone(),
            requested,
            declared: versions.iter().take(usize::from(requested)).cloned().collect(),
            unfrozen: requested.then(|| version.clone()),
        }).collect();
        lock.conda = names.iter().zip(&versions).rev().map(|(name, version)| CondaPackage {
            name: name.clone(),
            version: version.clone(),
            build: versions[2].clone(),
            url: versions[3].clone(),
            sha256: if requested { versions[4].clone() } else { String::new() },
            md5: if requested { String::new() } else { versions[4].clone() },
            requested,
            unfrozen: (!requested).then(|| version.clone()),
        }).collect();
        let text = lock.to_text().expect("written");
        let read = Lock::parse(Path::new(FILE), &text).expect("read");
        lock.sort();
        prop_assert_eq!(&read, &lock);
        prop_assert_eq!(read.to_text().expect("written"), text);
    }
}

/// The schema of the file for other programs, in docs/. Written again with `UPDATE=1`.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test that writes a document")]
fn the_schema_in_docs_is_that_of_the_types() {
    let mut schema = schemars::schema_for!(Lock);
    schema.insert("title".into(), "envtpl.lock".into());
    let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/envtpl.lock.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let documented = std::fs::read_to_string(&path).expect("UPDATE=1 writes it");
    assert!(
        documented == text,
        "UPDATE=1 cargo test --lib schema writes it again"
    );
}
