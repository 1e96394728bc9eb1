//! Whole plans, from snapshots as real images give them.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::environment::declared::{Asked, DeclaredLine, comparable};
use crate::environment::requires::Requirement;
use crate::environment::snapshot::{
    AptPackage, ArchiveInfo, CondaPackage, DirInfo, DirectUrl, Distribution, Python, VcsInfo,
};
use crate::error::Place;
use crate::installation::apt_list::AptList;
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
fn what_pip_was_asked_for_is_added_and_its_dependencies_only_locked() {
    let mut facts = world();
    installed(&mut facts).extend([
        asked("SciPy", "1.11", &["numpy", "pooch"]),
        dist("pooch", "1.8", &[]),
        from_url(
            asked("thing", "0.1", &[]),
            git("https://h/thing.git", COMMIT),
        ),
    ]);
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["SciPy", "thing @ git+https://h/thing.git"]);
    assert_eq!(
        locked(&plan),
        [
            ("helper", false),
            ("numpy", true),
            ("pooch", false),
            ("scipy", true),
            ("thing", true)
        ]
    );
    let expected = format!("thing @ git+https://h/thing.git@{COMMIT}\n");
    assert!(listed(&plan, "requirements-vcs.txt").ends_with(&expected));
}

#[test]
fn of_uv_packages_only_the_roots_were_asked_for() {
    let mut facts = world();
    let by_uv = |distribution: Distribution| Distribution {
        installer: "uv".into(),
        requested: true,
        ..distribution
    };
    installed(&mut facts).extend(
        [
            dist("scipy", "1.11", &["numpy", "pooch"]),
            dist("pooch", "1.8", &["packaging; python_version > '3'"]),
            dist("packaging", "24", &[]),
            // numpy needs it for an extra that nobody asked for.
            dist("pytest", "8", &[]),
            // Two that need each other have no root, and would be lost.
            dist("left", "1", &["right"]),
            dist("right", "1", &["left"]),
        ]
        .map(by_uv),
    );
    assert_eq!(lines(&plan(&facts)), ["left", "pytest", "right", "scipy"]);
}

#[test]
fn extras_that_pip_was_asked_for_are_inferred() {
    let mut facts = world();
    let rich = [
        "plot1; extra == 'plot'",
        "plot2 ; extra == \"plot\"",
        "plot1; extra == 'all'",
        "plot2; extra == 'all'",
        "numpy; extra == 'all'",
        "absent; extra == 'other'",
        "numpy; extra == 'known'",
    ];
    installed(&mut facts).extend([
        asked("rich", "1", &rich),
        dist("plot1", "1", &["deep"]),
        dist("plot2", "1", &[]),
        dist("deep", "1", &[]),
    ]);
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["rich[plot]"]);
    assert_eq!(plan.additions[0].name, "rich");
}

#[test]
fn the_extra_of_a_declared_package_is_added_by_its_packages() {
    let mut facts = world();
    installed(&mut facts).push(dist("pytest", "8", &["iniconfig"]));
    installed(&mut facts).push(dist("iniconfig", "2", &[]));
    assert_eq!(lines(&plan(&facts)), ["pytest"]);
    facts.declared.python = requirements(&["numpy[test]"]);
    assert!(plan(&facts).additions.is_empty());
}

#[test]
fn left_over_dependencies_are_locked_and_not_declared() {
    let mut facts = world();
    installed(&mut facts).push(dist("orphan", "1", &[]));
    let plan = plan(&facts);
    assert!(plan.additions.is_empty());
    assert!(locked(&plan).contains(&("orphan", false)));
}

#[test]
fn upgrades_are_locked_and_declared_only_if_asked_for() {
    let mut facts = world();
    let by_name = |facts: &mut Facts, name: &str| {
        let index = installed(facts).iter().position(|found| found.name == name);
        index.expect("installed")
    };
    let index = by_name(&mut facts, "Helper");
    installed(&mut facts)[index].version = "1.1".into();
    assert!(plan(&facts).additions.is_empty());
    installed(&mut facts)[index].requested = true;
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["Helper"]);
    assert!(locked(&plan).contains(&("helper", true)));
}

#[test]
fn what_cannot_be_frozen_is_named_and_the_project_is_not() {
    let mut facts = world();
    let wheel = DirectUrl {
        url: "file:///tmp/local-1.whl".into(),
        archive_info: Some(ArchiveInfo::default()),
        ..DirectUrl::default()
    };
    installed(&mut facts).extend([
        from_url(asked("p", "0", &[]), editable("/project/p")),
        Distribution {
            location: "/project/p/src".into(),
            ..dist("p-metadata", "0.1", &[])
        },
        asked("broken", "", &[]),
        from_url(asked("part", "0", &[]), editable("/project/p/libs/part")),
        from_url(asked("outside", "0", &[]), editable("/project/px")),
        from_url(asked("local", "1", &[]), wheel),
        from_url(asked("branch", "1", &[]), git("https://h/x", "main")),
        from_url(asked("here", "1", &[]), git("file:///home/a/here", COMMIT)),
        from_url(asked("baked", "1", &[]), git("file:///srv/baked", COMMIT)),
    ]);
    facts.directories_in_image = names(&["/srv/baked"]);
    let index = installed(&mut facts)
        .iter()
        .position(|found| found.name == "torch");
    installed(&mut facts)[index.expect("there")].version = "2.2".into();
    let plan = plan(&facts);
    let refused: Vec<&str> = plan
        .refused
        .iter()
        .map(|refused| refused.name.as_str())
        .collect();
    assert_eq!(
        refused,
        ["branch", "broken", "here", "local", "outside", "torch"]
    );
    assert!(
        plan.refused[5].why.contains("torch 2.1"),
        "{:?}",
        plan.refused[5]
    );
    assert_eq!(lines(&plan), ["baked @ git+file:///srv/baked"]);
    assert_eq!(plan.notes.len(), 2, "{:?}", plan.notes);
    assert!(plan.notes[0].contains("libs/part"));
    assert!(plan.notes[1].starts_with("baked 1 is built from source"));
    assert!(
        !locked(&plan)
            .iter()
            .any(|(name, _)| name.starts_with("p-") || *name == "p")
    );
}

#[test]
fn what_the_image_had_before_is_no_reason_to_refuse() {
    let mut facts = world();
    let odd = from_url(asked("odd", "1", &[]), editable("/opt/odd"));
    installed(&mut facts).push(odd.clone());
    facts
        .dev
        .python
        .as_mut()
        .expect("a Python")
        .distributions
        .push(odd);
    let plan = plan(&facts);
    assert!(plan.refused.is_empty());
    assert!(plan.notes[0].contains("odd 1 is in the image and not in the lock"));
}

#[test]
fn versions_for_another_acceleration_are_marked_wherever_they_are() {
    use crate::installation::name::Acceleration::{Cpu, Cuda, Rocm};
    for (acceleration, local, fits) in [
        (Cpu, "cu121", false),
        (Cpu, "cu12.1", false),
        (Cpu, "rocm5.7", false),
        (Cpu, "cpu", true),
        (Cpu, "cuddly", true),
        (Cpu, "deb12u1", true),
        (Cuda, "cu118", true),
        (Cuda, "cpu.cxx11.abi", false),
        (Rocm, "rocm6.0", true),
        (Rocm, "cu121", false),
    ] {
        let mut facts = world();
        facts.acceleration = Some(acceleration);
        let version = format!("1.0+{local}");
        // The build made it so: a declared line asked for it.
        facts.declared.python = requirements(&["numpy", "vision"]);
        let vision = asked("vision", &version, &[]);
        installed(&mut facts).push(vision.clone());
        let image = facts.dev.python.as_mut().expect("a Python");
        image.distributions.push(vision);
        let plan = plan(&facts);
        assert_eq!(plan.refused.is_empty(), fits, "{acceleration} {local}");
        let packages = plan.lock.python_packages();
        let vision = packages.iter().find(|package| package.name == "vision");
        assert_eq!(vision.expect("locked").unfrozen.is_none(), fits);
        let lists = locked_files(&plan.lock);
        let listed = lists
            .iter()
            .flat_map(|file| &file.text)
            .any(|text| text.contains("vision"));
        assert_eq!(listed, fits, "{acceleration} {local}");
    }
}

#[test]
fn what_asking_around_showed_is_marked_whoever_brought_it() {
    let mut facts = world();
    let lost = |why: &str| Lost {
        why: why.into(),
        help: "ask".into(),
    };
    installed(&mut facts).push(asked("new", "1", &["numpy"]));
    facts.lost = [
        ("torch".to_owned(), lost("its files were changed")),
        ("new".to_owned(), lost("its index has it no more")),
        ("not-installed".to_owned(), lost("nobody cares")),
    ]
    .into();
    let plan = plan(&facts);
    let refused: Vec<(&str, &str)> = plan
        .refused
        .iter()
        .map(|refused| (refused.name.as_str(), refused.why.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            ("new", "its index has it no more"),
            ("torch", "its files were changed")
        ]
    );
    assert!(plan.additions.is_empty(), "no build could get it");
    assert_eq!(
        locked(&plan),
        [
            ("helper", false),
            ("new", true),
            ("numpy", true),
            ("torch", false)
        ]
    );
}

#[test]
fn packages_of_conda_and_debian_are_not_pips() {
    let mut facts = world();
    installed(&mut facts).extend([
        Distribution {
            location: "/usr/lib/python3/dist-packages".into(),
            ..asked("PyYAML", "6", &[])
        },
        Distribution {
            installer: "conda".into(),
            ..asked("mkl", "1", &[])
        },
    ]);
    let plan = plan(&facts);
    assert!(plan.additions.is_empty());
    assert_eq!(locked(&plan), [("helper", false), ("numpy", true)]);
}

#[test]
fn a_package_over_condas_is_refused() {
    let mut facts = world();
    let python = |version: &str| CondaPackage {
        name: "SciPy".into(),
        version: version.into(),
        ..CondaPackage::default()
    };
    facts.dev.conda = vec![python("1.10")];
    facts.now.conda = vec![python("1.10")];
    installed(&mut facts).push(asked("scipy", "1.10", &[]));
    assert!(plan(&facts).refused.is_empty());
    installed(&mut facts).last_mut().expect("there").version = "1.11".into();
    let plan = plan(&facts);
    assert_eq!(plan.refused[0].why, "it replaces conda's scipy 1.10");
}

#[test]
fn what_is_declared_no_longer_leaves_the_lock_with_what_it_alone_needs() {
    let mut facts = world();
    facts.declared.python = Vec::new();
    let first = plan(&facts);
    assert_eq!(locked(&first), []);
    assert!(first.notes[0].contains("numpy 1.26 is in the image but declared nowhere"));
    // Also when the image was built again in between, from the lock.
    facts.declared.python = requirements(&["numpy"]);
    facts.previous = Some(plan(&facts).lock);
    facts.declared.python = Vec::new();
    for distribution in &mut facts.dev.python.as_mut().expect("a Python").distributions {
        distribution.requested = false;
    }
    assert_eq!(locked(&plan(&facts)), []);
    // Something that stays needs it.
    facts.previous = None;
    facts.declared.python = requirements(&["user"]);
    let user = asked("user", "1", &["numpy"]);
    installed(&mut facts).push(user.clone());
    facts
        .dev
        .python
        .as_mut()
        .expect("a Python")
        .distributions
        .push(user);
    let second = plan(&facts);
    assert_eq!(
        locked(&second),
        [("helper", false), ("numpy", false), ("user", true)]
    );
    assert!(second.notes.is_empty());
}

#[test]
fn system_packages_that_were_typed_go_to_the_dev_list() {
    let mut facts = world();
    facts.now.apt.extend([
        deb("jq", "1.6", true),
        deb("libjq1", "1.6", false),
        AptPackage {
            architecture: "i386".into(),
            ..deb("libc6", "2.36", true)
        },
    ]);
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["jq", "libc6:i386"]);
    assert_eq!(plan.additions[0].list, List::AptDev);
    let text = listed(&plan, "apt-dev.txt");
    assert!(
        text.contains("\njq=1.6\nlibc6:i386=2.36\nlibjq1=1.6\n"),
        "{text}"
    );
    // Declared since the image was built.
    facts.declared.apt_dev.insert("jq".into());
    facts.declared.apt_runtime.insert("libc6".into());
    assert!(super::plan(&facts).additions.is_empty());
}

#[test]
fn upgraded_and_removed_system_packages_are_told() {
    let mut facts = world();
    facts.now.apt.retain(|package| package.name != "git");
    facts.now.apt[1].version = "2.37".into();
    let plan = plan(&facts);
    assert_eq!(
        apt_locked(&plan.lock.apt.dev),
        [("git-man", false), ("libc6", false)]
    );
    assert!(plan.notes[0].contains("git is declared but was removed"));
}

#[test]
fn locked_dependencies_that_apt_marks_as_manual_stay_dependencies() {
    let mut facts = world();
    let first = plan(&facts);
    facts.previous = Some(first.lock.clone());
    for snapshot in [&mut facts.run, &mut facts.dev, &mut facts.now] {
        for package in &mut snapshot.apt {
            package.manual = true;
        }
    }
    assert_eq!(plan(&facts), first);
    // A name that is taken out of the list leaves the lock, whatever apt thinks of it.
    facts.declared.apt_dev.clear();
    for package in &mut facts.dev.apt {
        package.manual = false;
    }
    let third = plan(&facts);
    assert_eq!(apt_locked(&third.lock.apt.dev), [("git-man", false)]);
    assert!(third.notes[0].starts_with("git is in the image but declared nowhere"));
}

#[test]
fn a_declared_name_that_is_no_package_keeps_what_provides_it() {
    let mut facts = world();
    facts.declared.apt_dev = names(&["version-control"]);
    let plan = plan(&facts);
    assert_eq!(
        apt_locked(&plan.lock.apt.dev),
        [("git", false), ("git-man", false)]
    );
    assert!(plan.notes.is_empty());
}

/// A package of an image that tells what it needs.
fn telling(name: &str, manual: bool, depends: &str) -> AptPackage {
    AptPackage {
        depends: Some(depends.into()),
        url: Some(format!("http://deb/{name}.deb")),
        sha256: name.repeat(3),
        snapshot: "20260102T030405Z".into(),
        ..deb(name, "1", manual)
    }
}

#[test]
fn what_nothing_declared_needs_any_more_leaves_the_lock() {
    let mut facts = world();
    let netcat = AptPackage {
        provides: "netcat (= 1), other".into(),
        ..telling("netcat-openbsd", true, "libbsd0 (>= 0.11)")
    };
    facts.dev.apt = facts.run.apt.clone();
    facts.dev.apt.extend([
        telling("git", true, "git-man (>> 1), libcurl | curl, libc6"),
        telling("git-man", false, ""),
        telling("curl", true, "libz:any"),
        telling("libz", false, ""),
        telling("less", true, "libtinfo"),
        telling("libtinfo", false, ""),
        netcat,
        telling("libbsd0", false, ""),
    ]);
    // libc6 is the base's, in another version.
    facts.dev.apt[1] = AptPackage {
        version: "2.37".into(),
        ..telling("libc6", false, "libgcc")
    };
    facts.dev.apt.push(telling("libgcc", false, ""));
    facts.now.apt = facts.dev.apt.clone();
    facts.declared.apt_dev = names(&["git", "netcat"]);
    let first = plan(&facts);
    let expected = [
        ("curl", false),
        ("git", true),
        ("git-man", false),
        ("libbsd0", false),
        ("libc6", false),
        ("libgcc", false),
        ("libz", false),
        ("netcat-openbsd", false),
    ];
    assert_eq!(apt_locked(&first.lock.apt.dev), expected);
    assert_eq!(first.notes.len(), 2, "{:?}", first.notes);
    assert!(first.notes[0].starts_with("less is in the image but declared nowhere"));
    assert!(first.notes[1].starts_with("nothing that is declared needs libtinfo"));

    facts.previous = Some(first.lock.clone());
    facts.declared.apt_dev = names(&["netcat"]);
    let second = plan(&facts);
    let expected = [
        ("libbsd0", false),
        ("libc6", false),
        ("libgcc", false),
        ("netcat-openbsd", false),
    ];
    assert_eq!(apt_locked(&second.lock.apt.dev), expected);
}

#[test]
fn where_system_packages_come_from_is_locked_and_stays_what_it_was() {
    let mut facts = world();
    facts.dev.apt = facts.run.apt.clone();
    facts.dev.apt.push(telling("git", true, ""));
    facts.now.apt = facts.dev.apt.clone();
    let first = plan(&facts);
    let text = listed(&first, "apt-dev.txt");
    assert!(
        text.ends_with("\ngit=1 # sha256:gitgitgit snapshot:20260102T030405Z\n"),
        "{text}"
    );
    // The archive moves the file.
    facts.previous = Some(first.lock.clone());
    for snapshot in [&mut facts.dev, &mut facts.now] {
        let git = snapshot.apt.last_mut().expect("git");
        git.url = Some("http://old/git.deb".into());
        git.snapshot = "20270102T030405Z".into();
    }
    assert_eq!(plan(&facts).lock, first.lock);
    // The lists are gone.
    let git = facts.now.apt.last_mut().expect("git");
    (git.url, git.sha256, git.snapshot) = (None, String::new(), String::new());
    assert_eq!(plan(&facts).lock, first.lock);
    // What is marked is in no list of the build.
    let mut lock = first.lock;
    lock.apt.dev[0].unfrozen = Some("why".into());
    let mut files = locked_files(&lock).into_iter();
    let list = files.find(|file| file.name == "apt-dev.txt");
    assert_eq!(list.expect("a list").text, None);
}

#[test]
fn packages_from_files_are_refused() {
    let mut facts = world();
    let file = AptPackage {
        url: Some(String::new()),
        ..telling("tool", true, "libtool")
    };
    facts
        .now
        .apt
        .extend([file.clone(), telling("libtool", false, "")]);
    let plan = plan(&facts);
    assert_eq!(plan.refused.len(), 1);
    assert!(
        plan.refused[0].why.contains(".deb file"),
        "{:?}",
        plan.refused
    );
    assert!(lines(&plan).is_empty());
    let mut apt = plan.lock.apt.dev.iter();
    let tool = apt.find(|package| package.name == "tool").expect("marked");
    assert_eq!(tool.unfrozen.as_ref(), Some(&plan.refused[0].why));
    let list = listed(&plan, "apt-dev.txt");
    assert!(
        list.contains("libtool=1") && !list.contains("\ntool"),
        "{list}"
    );
    // What a line of the Dockerfile installed is that line's to install again.
    facts.dev.apt.push(file);
    assert_eq!(super::plan(&facts).refused, []);
    facts.now.apt.push(AptPackage {
        url: None,
        lists: Some(false),
        ..telling("other", true, "")
    });
    let refused = super::plan(&facts).refused;
    assert!(refused[0].help.contains("apt-get update"), "{refused:?}");
}

#[test]
fn what_the_build_stage_had_is_locked_and_remembered() {
    let mut facts = world();
    let mut build = facts.base.clone();
    build.apt.push(deb("gcc", "12", true));
    facts.apt_build = Some(build);
    facts.declared.apt_build = names(&["gcc"]);
    let first = plan(&facts);
    assert_eq!(apt_locked(&first.lock.apt.build), [("gcc", true)]);
    facts.apt_build = None;
    facts.previous = Some(first.lock.clone());
    assert_eq!(plan(&facts).lock, first.lock);
}

#[test]
fn conda_packages_are_locked_and_new_ones_declared_where_that_is_possible() {
    let conda = |name: &str, requested: Option<&str>| CondaPackage {
        name: name.into(),
        version: "1".into(),
        requested: requested.map(str::to_owned),
        ..CondaPackage::default()
    };
    let mut facts = world();
    facts.dev.conda = vec![conda("python", Some("python=3.12"))];
    facts.now.conda = vec![
        conda("python", Some("python=3.12")),
        conda("xz", None),
        conda("tool", Some("tool>=1")),
    ];
    let refused = plan(&facts);
    assert_eq!(refused.refused[0].name, "tool");
    facts.declared.conda = Some(names(&["python"]));
    let plan = plan(&facts);
    assert_eq!(lines(&plan), ["tool"]);
    assert_eq!(plan.additions[0].list, List::Conda);
    let requested: Vec<bool> = plan
        .lock
        .conda
        .iter()
        .map(|package| package.requested)
        .collect();
    assert_eq!(requested, [true, true, false], "python, tool, xz");
}

/// The lock answers the lines that the environment was made for, as far as nobody has changed by
/// hand what they ask for; what it does not answer, the next build lets conda choose.
#[test]
fn the_lock_answers_what_the_conda_environment_was_made_for() {
    let conda = |name: &str, version: &str| CondaPackage {
        name: name.into(),
        version: version.into(),
        url: format!("https://u:p@host/{name}/noarch/{name}-{version}-0.conda"),
        sha256: "ab".repeat(32),
        md5: "cd".repeat(16),
        // micromamba notes so for everything that it gets from a list.
        requested: Some(name.into()),
        ..CondaPackage::default()
    };
    let mut facts = world();
    facts.dev.conda = vec![
        conda("python", "3.11.2"),
        conda("gone", "1"),
        conda("six", "1.17.0"),
        conda("moved", "2.1"),
        conda("any", "1"),
    ];
    facts.dev.conda_specs = ["python=3.11", "gone", "six<2", "moved=2", "any"]
        .map(str::to_owned)
        .into();
    facts.now.conda = vec![
        conda("python", "3.11.4"),
        conda("six", "1.16.0"),
        conda("moved", "2.1"),
        conda("any", "3"),
        conda("new", "1"),
    ];
    facts.declared.conda = Some(names(&["python", "gone", "six", "moved", "any"]));
    let plan = plan(&facts);
    assert_eq!(
        plan.lock.declared.conda,
        ["any", "moved=2", "new", "python=3.11"]
    );
    assert_eq!(
        plan.notes,
        [
            "gone is declared but was removed; the next build installs it again",
            "six 1.16.0 is installed and environment.yml asks for `six<2`; the next build lets \
             conda choose again",
        ]
    );
    let list = |lock: &Lock| {
        let files = locked_files(lock);
        let file = files.into_iter().find(|file| file.name == "conda.txt");
        file.expect("always").text
    };
    let text = list(&plan.lock).expect("written");
    let digest = "ab".repeat(32);
    assert!(
        text.ends_with(&format!(
            "\n# platform: linux-64\n# asked: any\n# asked: moved=2\n# asked: new\n\
         # asked: python=3.11\n@EXPLICIT\nhttps://host/any/noarch/any-3-0.conda#sha256:{digest}\n\
         https://host/moved/noarch/moved-2.1-0.conda#sha256:{digest}\n\
         https://host/new/noarch/new-1-0.conda#sha256:{digest}\n\
         https://host/python/noarch/python-3.11.4-0.conda#sha256:{digest}\n\
         https://host/six/noarch/six-1.16.0-0.conda#sha256:{digest}\n"
        )),
        "{text}"
    );
    assert!(!plan.lock.to_text().expect("written").contains("md5"));

    let mut lock = plan.lock;
    // Python comes before what it compiles, and older channels know one digest alone.
    lock.conda[3].url = "https://host/python/linux-64/python-3.11.4-0.conda".into();
    lock.conda[3].sha256.clear();
    lock.conda[3].md5 = "cd".repeat(16);
    lock.conda[0].unfrozen = Some("why".into());
    let text = list(&lock).expect("written");
    let first = format!(
        "@EXPLICIT\nhttps://host/python/linux-64/python-3.11.4-0.conda#{}\n",
        "cd".repeat(16)
    );
    assert!(text.contains(&first) && !text.contains("any-3"), "{text}");
    lock.conda[1].url.clear();
    assert_eq!(list(&lock), None, "a list with a gap");
}

/// Lines that came into `environment.yml` after the build, by a freeze or by hand, are answered
/// when they surely mean what is installed.
#[test]
fn conda_lines_written_since_the_build_are_answered_when_they_mean_what_is_installed() {
    let conda = |name: &str, version: &str| CondaPackage {
        name: name.into(),
        version: version.into(),
        url: format!("https://host/forge/noarch/{name}-{version}-0.conda"),
        requested: Some(name.into()),
        ..CondaPackage::default()
    };
    let mut facts = world();
    facts.dev.conda = ["python", "a", "b", "c", "d", "e"]
        .map(|name| conda(name, "1.2"))
        .into();
    facts.dev.conda_specs = ["python", "a", "b>1", "c", "forge::d", "e", "gone"]
        .map(str::to_owned)
        .into();
    facts.now.conda = facts.dev.conda.clone();
    facts.now.conda.push(conda("new", "3"));
    let lines = [
        "python",
        "a=1.2",
        "b>=1",
        "other::c=1.2",
        "forge::d=1.2",
        "e=1.2=0",
        "New",
    ];
    for line in lines {
        let asked = crate::installation::conda_environment::CondaPackage::parse(line);
        let asked = asked.expect(line);
        facts
            .declared
            .conda
            .get_or_insert_default()
            .insert(asked.name.clone());
        facts.declared.lines.push(DeclaredLine {
            text: line.to_owned(),
            place: Place::file("environment.yml"),
            asked: Asked::Conda(asked),
        });
    }
    let plan = plan(&facts);
    assert_eq!(
        plan.lock.declared.conda,
        ["New", "a=1.2", "forge::d=1.2", "python"]
    );
    for (note, line) in plan.notes.iter().zip(["b>=1", "other::c=1.2", "e=1.2=0"]) {
        assert!(note.contains(&format!("`{line}`")), "{note}");
    }
    assert_eq!(plan.notes.len(), 3);
}

#[test]
fn conda_packages_from_files_are_refused() {
    let conda = |version: &str| CondaPackage {
        name: "tool".into(),
        version: version.into(),
        url: format!("file:///tmp/tool-{version}-0.conda"),
        ..CondaPackage::default()
    };
    let mut facts = world();
    facts.declared.conda = Some(names(&["tool"]));
    facts.dev.conda = vec![conda("1")];
    facts.now.conda = vec![conda("1")];
    assert_eq!(plan(&facts).refused, [], "the build got it from there");
    facts.now.conda = vec![conda("2")];
    let plan = plan(&facts);
    assert_eq!(plan.refused[0].why, "it comes from a file of the container");
    assert_eq!(
        plan.lock.conda[0].unfrozen.as_ref(),
        Some(&plan.refused[0].why)
    );
    facts.dev.conda_specs = vec!["tool".into()];
    let answered = super::plan(&facts).lock.declared.conda;
    assert_eq!(answered, Vec::<String>::new(), "the list leaves it out");
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

/// What the next build makes of a plan: the images hold exactly what was there, and what was
/// added is declared.
fn rebuilt(facts: &Facts, plan: &Plan) -> Facts {
    let mut next = facts.clone();
    for addition in &plan.additions {
        match addition.list {
            List::Python => {
                let asked = Requirement::parse(&addition.line).expect("a requirement");
                next.declared.python.push(asked);
                next.declared.lines.push(declared_line(&addition.line));
            }
            List::AptBuild | List::AptRuntime | List::AptDev => {
                let list = AptList::parse(Path::new("x"), &addition.line).expect("a package");
                let entry = list.entries()[0].clone();
                next.declared.lines.push(DeclaredLine {
                    text: addition.line.clone(),
                    place: Place::file("apt.txt"),
                    asked: match addition.list {
                        List::AptBuild => Asked::AptBuild(entry),
                        List::AptRuntime => Asked::AptRuntime(entry),
                        _ => Asked::AptDev(entry),
                    },
                });
                let name = addition.name.split(':').next().unwrap_or_default();
                let declared = &mut next.declared;
                let list = match addition.list {
                    List::AptBuild => &mut declared.apt_build,
                    List::AptRuntime => &mut declared.apt_runtime,
                    _ => &mut declared.apt_dev,
                };
                list.insert(name.to_owned());
            }
            List::Conda => {
                next.declared
                    .conda
                    .get_or_insert_default()
                    .insert(addition.name.clone());
            }
        }
    }
    let declared = next.declared.python.clone();
    for distribution in installed(&mut next).iter_mut() {
        let key = distribution.key();
        distribution.requested = declared.iter().any(|known| known.key == key);
        distribution.installer = "uv".into();
    }
    for package in &mut next.now.apt {
        // apt-get marks what it is told to install, and a lock tells everything.
        package.manual = true;
    }
    next.dev = next.now.clone();
    next.previous = Some(plan.lock.clone());
    next
}

fn any_world() -> impl Strategy<Value = Facts> {
    let package = (
        0..12usize,
        any::<bool>(),
        any::<bool>(),
        proptest::collection::vec((0..12usize, 0..4u8), 0..4),
        0..4u8,
    );
    (
        proptest::collection::vec(package, 0..12),
        proptest::collection::vec((0..8usize, any::<bool>()), 0..8),
        proptest::collection::vec(0..12usize, 0..4),
    )
        .prop_map(|(packages, debs, declared)| {
            let mut facts = world();
            let mut seen = BTreeSet::new();
            for (number, requested, in_image, needs, origin) in packages {
                if !seen.insert(number) {
                    continue;
                }
                let requires: Vec<String> = needs
                    .iter()
                    .map(|(need, kind)| match kind {
                        0 => format!("p{need}; extra == 'x'"),
                        1 => format!("p{need}[x]"),
                        2 => format!("p{need}; python_version < '3'"),
                        _ => format!("p{need}"),
                    })
                    .collect();
                let mut one = Distribution {
                    requested,
                    requires,
                    installer: if origin == 1 { "uv" } else { "pip" }.into(),
                    ..dist(&format!("p{number}"), "1.0", &[])
                };
                if origin == 2 {
                    one = from_url(one, git("https://h/x.git", COMMIT));
                }
                if in_image {
                    let image = facts.dev.python.as_mut().expect("a Python");
                    image.distributions.push(one.clone());
                }
                installed(&mut facts).push(one);
            }
            let mut seen = BTreeSet::new();
            for (number, manual) in debs {
                if seen.insert(number) {
                    facts.now.apt.push(deb(&format!("d{number}"), "1", manual));
                }
            }
            for number in declared {
                facts
                    .declared
                    .python
                    .extend(requirements(&[&format!("p{number}")]));
            }
            facts
        })
}

proptest! {
    #[test]
    fn freezing_what_was_frozen_and_built_changes_nothing(facts in any_world()) {
        let first = plan(&facts);
        prop_assert!(first.refused.is_empty());
        // What the lock leaves out, a build leaves out.
        let mut frozen = facts.clone();
        let kept: BTreeSet<&str> = locked(&first).into_iter().map(|(name, _)| name).collect();
        let base: BTreeSet<String> = facts.base.distributions().iter().map(Distribution::key).collect();
        installed(&mut frozen).retain(|found| {
            kept.contains(found.key().as_str()) || base.contains(&found.key())
        });
        let next = rebuilt(&frozen, &first);
        let second = plan(&next);
        prop_assert_eq!(&second.additions, &Vec::new());
        prop_assert_eq!(
            second.lock.to_text().expect("written"),
            first.lock.to_text().expect("written")
        );
    }

    #[test]
    fn nothing_new_is_lost(facts in any_world()) {
        let plan = plan(&facts);
        let in_lock: BTreeSet<&str> = locked(&plan).into_iter().map(|(name, _)| name).collect();
        let built: BTreeSet<String> = facts.dev.distributions().iter().map(Distribution::key).collect();
        for found in facts.now.distributions() {
            let key = found.key();
            if !built.contains(&key) {
                prop_assert!(in_lock.contains(key.as_str()), "{} is lost", key);
            }
            let was_asked = found.requested && found.installer == "pip" && !built.contains(&key);
            let declared = facts.declared.python.iter().any(|known| known.key == key)
                || plan.additions.iter().any(|addition| addition.name == key);
            prop_assert!(!was_asked || declared, "{} is not declared", key);
        }
        for package in &facts.now.apt {
            let known = facts.base.apt.iter().any(|base| base.name == package.name);
            let lists = plan.lock.apt.lists();
            let kept = lists.into_iter().flatten().any(|locked| locked.name == package.name);
            prop_assert!(known || kept, "{} is lost", package.name);
        }
    }

    #[test]
    fn the_order_of_a_snapshot_makes_no_difference(facts in any_world()) {
        let mut reversed = facts.clone();
        for snapshot in [&mut reversed.now, &mut reversed.dev, &mut reversed.run] {
            snapshot.apt.reverse();
            if let Some(python) = &mut snapshot.python {
                python.distributions.reverse();
            }
        }
        prop_assert_eq!(plan(&reversed), plan(&facts));
    }
}
