use super::*;
use crate::environment::contents::{Changed, Files};
use crate::environment::lock::{self, Base};
use crate::environment::origin::Origin;
use crate::environment::snapshot::{AptPackage, Distribution, Python};

const SITE: &str = "/usr/local/lib/python3.11/site-packages";

fn distribution(name: &str, version: &str) -> Distribution {
    Distribution {
        name: name.into(),
        version: version.into(),
        location: SITE.into(),
        ..Distribution::default()
    }
}

fn apt(name: &str, version: &str) -> AptPackage {
    AptPackage {
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        manual: true,
        ..AptPackage::default()
    }
}

fn files(name: &str, version: &str, record: &str) -> Files {
    Files {
        name: name.into(),
        version: version.into(),
        location: SITE.into(),
        record: record.into(),
        ..Files::default()
    }
}

/// An image with pip of the base, Six and jq.
fn image() -> Facts {
    let snapshot = |apt, distributions| Snapshot {
        schema: 1,
        platform: "amd64".into(),
        apt,
        python: Some(Python {
            version: "3.11.2".into(),
            distributions,
            ..Python::default()
        }),
        ..Snapshot::default()
    };
    Facts {
        base: snapshot(vec![apt("bash", "5.2")], vec![distribution("pip", "23")]),
        now: snapshot(
            vec![apt("bash", "5.2"), apt("jq", "1.6")],
            vec![distribution("pip", "23"), distribution("Six_X", "1.17.0")],
        ),
        contents: Contents {
            schema: 1,
            distributions: vec![files("pip", "23", "p"), files("Six_X", "1.17.0", "s")],
        },
    }
}

fn locked() -> Lock {
    let mut lock = Lock::new("amd64", Base::default());
    lock.python = Some(lock::Python {
        version: "3.11.2".into(),
        packages: vec![lock::PythonPackage {
            name: "six-x".into(),
            version: "1.17.0".into(),
            origin: Origin::Index,
            requested: true,
            ..lock::PythonPackage::default()
        }],
        ..lock::Python::default()
    });
    lock.apt.runtime = vec![lock::AptPackage {
        name: "jq".into(),
        version: "1.6".into(),
        architecture: "amd64".into(),
        requested: true,
        ..lock::AptPackage::default()
    }];
    lock
}

fn trial(flavour: Flavour, rebuilt: Facts, present: Option<Facts>) -> Trial {
    Trial {
        flavour,
        rebuilt,
        present,
    }
}

fn six(facts: &mut Facts) -> &mut Files {
    &mut facts.contents.distributions[1]
}

fn told(judgement: &Judgement) -> Vec<String> {
    judgement
        .differences
        .iter()
        .map(Deviation::to_string)
        .collect()
}

#[test]
fn what_is_as_locked_is_counted() {
    let trials = [
        trial(Flavour::Run, image(), Some(image())),
        trial(Flavour::Dev, image(), None),
    ];
    let judgement = judge(&locked(), &trials);
    assert!(judgement.is_reproduced(), "{judgement:?}");
    assert_eq!(
        judgement.packages,
        Counts {
            identical: 2,
            total: 2
        }
    );
    assert_eq!(judgement.notes, Vec::<String>::new());
}

#[test]
fn versions_and_absences_are_told_once_for_both_images() {
    let mut other = image();
    other.now.apt.retain(|package| package.name != "jq");
    if let Some(python) = &mut other.now.python {
        python.distributions[1].version = "1.16.0".into();
    }
    let trials = [Flavour::Run, Flavour::Dev].map(|flavour| trial(flavour, other.clone(), None));
    let judgement = judge(&locked(), &trials);
    assert_eq!(
        told(&judgement),
        [
            "python six-x: envtpl.lock has 1.17.0, the rebuilt run and dev images have 1.16.0",
            "apt jq: envtpl.lock has 1.6, and it is missing in the rebuilt run and dev images",
        ]
    );
    assert_eq!(judgement.packages.identical, 0);
}

#[test]
fn a_changed_file_is_a_difference_unless_the_present_image_has_the_same_one() {
    let mut patched = image();
    six(&mut patched).changed = vec![Changed {
        path: "six.py".into(),
        sha256: "aa".into(),
    }];
    let alone = judge(&locked(), &[trial(Flavour::Dev, patched.clone(), None)]);
    assert_eq!(
        told(&alone),
        ["python six-x: six.py is not what its RECORD says, in the rebuilt dev image"]
    );
    assert_eq!(alone.packages.identical, 1);
    let same = judge(
        &locked(),
        &[trial(Flavour::Dev, patched.clone(), Some(patched.clone()))],
    );
    assert!(same.is_reproduced());
    assert!(
        same.notes[0].contains("six.py of Six_X 1.17.0"),
        "{:?}",
        same.notes
    );
    for (rebuilt, present) in [(patched.clone(), image()), (image(), patched)] {
        let judgement = judge(&locked(), &[trial(Flavour::Dev, rebuilt, Some(present))]);
        assert_eq!(judgement.differences.len(), 1, "{judgement:?}");
        assert_eq!(judgement.differences[0].files, ["six.py"]);
    }
}

#[test]
fn the_same_version_of_other_files_is_named_file_by_file() {
    let (mut rebuilt, mut present) = (image(), image());
    six(&mut rebuilt).record = "t".into();
    assert_eq!(
        to_be_listed(&rebuilt.contents, &present.contents),
        ["Six_X"]
    );
    let listed = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(path, digest)| ((*path).to_owned(), (*digest).to_owned()))
            .collect()
    };
    six(&mut rebuilt).files = listed(&[("a", "1"), ("b", "2"), ("c", "3")]);
    six(&mut present).files = listed(&[("a", "1"), ("b", "3")]);
    let judgement = judge(&locked(), &[trial(Flavour::Run, rebuilt, Some(present))]);
    assert_eq!(
        told(&judgement),
        ["python six-x: b, c are not the same in the rebuilt run image as in the present image"]
    );
}

#[test]
fn what_the_base_image_patches_is_its_own_and_what_the_dockerfile_adds_is_noted() {
    let mut rebuilt = image();
    rebuilt.contents.distributions[0].missing = vec!["pip/gone.py".into()];
    rebuilt.now.apt.push(apt("tree", "2"));
    let judgement = judge(&locked(), &[trial(Flavour::Run, rebuilt.clone(), None)]);
    assert!(judgement.is_reproduced());
    assert_eq!(judgement.notes.len(), 1);
    assert!(judgement.notes[0].starts_with("apt tree 2 is in the images"));
    // Against an image of the same files it counts.
    let judgement = judge(&locked(), &[trial(Flavour::Run, rebuilt, Some(image()))]);
    assert_eq!(
        told(&judgement),
        [
            "python pip: pip/gone.py is not what its RECORD says, in the rebuilt run image",
            "apt tree: the rebuilt run image has 2, and the present image has none",
        ]
    );
    assert_eq!(judgement.packages.identical, 2);
}

#[test]
fn what_freeze_marked_is_not_reproduced() {
    let mut lock = locked();
    if let Some(python) = &mut lock.python {
        python.packages[0].unfrozen = Some("no index has it any more".into());
    }
    lock.apt.runtime[0].unfrozen = Some("it comes from a file".into());
    let mut rebuilt = image();
    rebuilt.now.apt.truncate(1);
    if let Some(python) = &mut rebuilt.now.python {
        python.distributions.truncate(1);
    }
    let trials = [Flavour::Run, Flavour::Dev].map(|flavour| trial(flavour, rebuilt.clone(), None));
    let judgement = judge(&lock, &trials);
    assert_eq!(
        told(&judgement),
        [
            "python six-x: envtpl.lock says of 1.17.0: no index has it any more",
            "apt jq: envtpl.lock says of 1.6: it comes from a file",
        ]
    );
    assert_eq!(
        judgement.packages,
        Counts {
            identical: 0,
            total: 2
        }
    );
}
