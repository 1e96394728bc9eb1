//! Whole plans, from snapshots as real images give them.

mod apt;
mod conda;
mod properties;
mod python;
mod refusals;

use std::collections::BTreeSet;

use super::*;
use crate::environment::declared::{Asked, DeclaredLine, comparable};
use crate::environment::requires::Requirement;
use crate::environment::snapshot::{
    AptPackage, ArchiveInfo, CondaPackage, DirInfo, DirectUrl, Distribution, Python, VcsInfo,
};
use crate::error::Place;
use crate::installation::requirements::requirement;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn dist(name: &str, version: &str, requires: &[&str]) -> Distribution {
    Distribution {
        name: name.into(),
        version: version.into(),
        installer: "pip".into(),
        location: "/usr/local/lib/python3.11/dist-packages".into(),
        requires: requires.iter().map(|line| (*line).to_owned()).collect(),
        ..Distribution::default()
    }
}

fn asked(name: &str, version: &str, requires: &[&str]) -> Distribution {
    Distribution {
        requested: true,
        ..dist(name, version, requires)
    }
}

fn from_url(distribution: Distribution, direct: DirectUrl) -> Distribution {
    Distribution {
        direct_url: Some(direct),
        ..distribution
    }
}

fn editable(path: &str) -> DirectUrl {
    DirectUrl {
        url: format!("file://{path}"),
        dir_info: Some(DirInfo { editable: true }),
        ..DirectUrl::default()
    }
}

fn git(url: &str, commit: &str) -> DirectUrl {
    DirectUrl {
        url: url.into(),
        vcs_info: Some(VcsInfo {
            vcs: "git".into(),
            requested_revision: None,
            commit_id: commit.into(),
        }),
        ..DirectUrl::default()
    }
}

fn deb(name: &str, version: &str, manual: bool) -> AptPackage {
    AptPackage {
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        manual,
        ..AptPackage::default()
    }
}

fn snapshot(distributions: Vec<Distribution>, apt: Vec<AptPackage>) -> Snapshot {
    Snapshot {
        schema: 1,
        platform: "amd64".into(),
        python: Some(Python {
            version: "3.11.2".into(),
            distributions,
            ..Python::default()
        }),
        apt,
        ..Snapshot::default()
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn requirements(lines: &[&str]) -> Vec<Requirement> {
    lines
        .iter()
        .map(|line| Requirement::parse(line).expect(line))
        .collect()
}

/// A base with a Python, and images with numpy, what it needs, and jq in dev.
fn world() -> Facts {
    let debian = Distribution {
        installer: String::new(),
        location: "/usr/lib/python3/dist-packages".into(),
        ..dist("wheel", "0.38", &[])
    };
    let base_apt = vec![deb("bash", "5", true), deb("libc6", "2.36", false)];
    let base = vec![
        dist("torch", "2.1", &["filelock"]),
        dist("filelock", "3", &[]),
        debian,
    ];
    let mut image = base.clone();
    image.push(asked(
        "numpy",
        "1.26",
        &["helper>=1", "pytest; extra == 'test'"],
    ));
    image.push(dist("Helper", "1.0", &[]));
    let mut run_apt = base_apt.clone();
    run_apt.extend([deb("libgl1", "1", true), deb("libglvnd0", "1", false)]);
    let mut dev_apt = run_apt.clone();
    dev_apt.extend([deb("git", "2.39", true), deb("git-man", "2.39", false)]);
    Facts {
        base: snapshot(base, base_apt),
        run: snapshot(image.clone(), run_apt),
        dev: snapshot(image.clone(), dev_apt.clone()),
        now: snapshot(image, dev_apt),
        declared: Declared {
            python: requirements(&["numpy"]),
            apt_runtime: names(&["libgl1"]),
            apt_dev: names(&["git"]),
            ..Declared::default()
        },
        project_root_at: Some("/project/p".into()),
        ..Facts::default()
    }
}

fn installed(facts: &mut Facts) -> &mut Vec<Distribution> {
    &mut facts.now.python.as_mut().expect("a Python").distributions
}

fn lines(plan: &Plan) -> Vec<&str> {
    plan.additions
        .iter()
        .map(|addition| addition.line.as_str())
        .collect()
}

fn locked(plan: &Plan) -> Vec<(&str, bool)> {
    plan.lock
        .python_packages()
        .iter()
        .map(|package| (package.name.as_str(), package.requested))
        .collect()
}

/// The text of one of the build's lists.
fn listed(plan: &Plan, name: &str) -> String {
    let mut files = locked_files(&plan.lock).into_iter();
    let file = files.find(|file| file.name == name).expect("a list");
    file.text.unwrap_or_default()
}

/// A line of requirements.txt.
pub fn declared_line(text: &str) -> DeclaredLine {
    DeclaredLine {
        text: comparable(text),
        place: Place::file("requirements.txt"),
        asked: Asked::Python(requirement(text).expect(text)),
    }
}

fn apt_locked(list: &[crate::environment::lock::AptPackage]) -> Vec<(&str, bool)> {
    list.iter()
        .map(|package| (package.name.as_str(), package.requested))
        .collect()
}

#[test]
fn an_image_is_locked_without_its_base() {
    let plan = plan(&world());
    assert!(plan.additions.is_empty() && plan.refused.is_empty());
    assert_eq!(plan.notes, Vec::<String>::new());
    assert_eq!(locked(&plan), [("helper", false), ("numpy", true)]);
    assert_eq!(
        apt_locked(&plan.lock.apt.runtime),
        [("libgl1", true), ("libglvnd0", false)]
    );
    assert_eq!(
        apt_locked(&plan.lock.apt.dev),
        [("git", true), ("git-man", false)]
    );
    let texts: Vec<(&str, Option<String>)> = locked_files(&plan.lock)
        .into_iter()
        .map(|file| (file.name, file.text))
        .collect();
    let header = "# Written by `envtpl freeze` from envtpl.lock; do not edit.\n";
    assert_eq!(
        texts,
        [
            (
                "requirements.txt",
                Some(format!(
                    "{header}# python: 3.11\n\nhelper==1.0\nnumpy==1.26\n"
                ))
            ),
            ("requirements-build.txt", None),
            ("requirements-source.txt", None),
            ("requirements-vcs.txt", None),
            ("apt-build.txt", None),
            (
                "apt-runtime.txt",
                Some(format!("{header}libgl1=1\nlibglvnd0=1\n"))
            ),
            (
                "apt-dev.txt",
                Some(format!("{header}git=2.39\ngit-man=2.39\n"))
            ),
            ("conda.txt", None),
        ]
    );
}

#[test]
fn declared_packages_that_are_not_there_are_told() {
    let mut facts = world();
    facts.declared.python = requirements(&["numpy", "pandas", "pywin32; sys_platform == 'win32'"]);
    let first = plan(&facts);
    assert_eq!(
        first.notes,
        ["pandas is declared but not installed yet; the next build installs it"]
    );
    installed(&mut facts).retain(|distribution| distribution.name != "numpy");
    facts.declared.python = requirements(&["Numpy"]);
    assert_eq!(
        plan(&facts).notes,
        ["numpy is declared but was uninstalled; the next build installs it again"]
    );
}

/// An environment without Python packages of its own has a lock, too.
#[test]
fn no_python_is_no_error() {
    let mut facts = world();
    facts.now.python = None;
    let plan = plan(&facts);
    assert_eq!(plan.lock.python, None);
}
