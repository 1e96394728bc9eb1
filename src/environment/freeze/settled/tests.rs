use super::*;
use crate::environment::freeze;
use crate::environment::freeze::contrary;
use crate::environment::freeze::tests::declared_line;
use crate::environment::snapshot::{DirectUrl, Python, Snapshot, VcsInfo};
use crate::error::Place;
use crate::installation::apt_list::AptList;

fn dist(name: &str, version: &str, requires: &[&str]) -> Distribution {
    Distribution {
        name: name.into(),
        version: version.into(),
        requires: requires.iter().map(|line| (*line).to_owned()).collect(),
        ..Distribution::default()
    }
}

fn snapshot(distributions: Vec<Distribution>) -> Snapshot {
    Snapshot {
        platform: "amd64".into(),
        python: Some(Python {
            version: "3.11.2".into(),
            distributions,
            ..Python::default()
        }),
        ..Snapshot::default()
    }
}

fn facts(lines: &[&str]) -> Facts {
    let base = vec![dist("numpy", "1.26", &[]), dist("pip", "23", &[])];
    let mut all = base.clone();
    let repository = DirectUrl {
        url: "https://h/tool.git".into(),
        vcs_info: Some(VcsInfo {
            vcs: "git".into(),
            requested_revision: Some("main".into()),
            commit_id: "0123456789abcdef0123456789abcdef01234567".into(),
        }),
        ..DirectUrl::default()
    };
    all.extend([
        dist("Requests", "2.31", &["idna", "pysocks; extra == 'socks'"]),
        dist("idna", "3.4", &["numpy"]),
        Distribution {
            direct_url: Some(repository),
            ..dist("tool", "1", &[])
        },
    ]);
    let mut facts = Facts {
        base: snapshot(base),
        dev: snapshot(all.clone()),
        now: snapshot(all),
        ..Facts::default()
    };
    for line in lines {
        facts.declared.lines.push(declared_line(line));
        facts.declared.python.extend(Requirement::parse(line));
    }
    facts
}

/// The lines that the lock answers, found from the lock alone.
fn answered(facts: &Facts) -> Vec<String> {
    let lock = freeze::plan(facts).lock;
    let lines = facts.declared.lines.iter();
    let lines = lines.filter(|line| answers(&lock, line));
    let mut lines: Vec<String> = lines.map(|line| line.text.clone()).collect();
    lines.sort();
    lines
}

#[test]
fn a_line_is_answered_by_what_is_installed_as_it_asks() {
    let all = [
        "requests",
        "Requests >=2, <3",
        "requests (==2.31)",
        "numpy",
        "toml; python_version < '3.0'",
        "tool @ git+https://u:p@h/tool.git@main",
        "tool @ git+https://h/tool.git@0123456789abcdef0123456789abcdef01234567",
    ];
    let mut expected: Vec<String> = all.iter().map(|line| comparable(line)).collect();
    expected.sort();
    assert_eq!(answered(&facts(&all)), expected);
    assert!(!expected.join("").contains("u:p"));
}

#[test]
fn what_the_lock_does_not_hold_is_not_answered() {
    for line in [
        "toml",
        "requests>=3",
        "requests[socks]",
        "numpy==2.0",
        "tool @ git+https://h/tool.git@other",
        "tool @ git+https://h/other.git@main",
        "tool @ git+https://h/tool.git",
        "requests @ https://h/requests-2.31-py3-none-any.whl",
        "-e ./tool",
    ] {
        assert_eq!(answered(&facts(&[line])), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn an_extra_is_answered_when_its_packages_are_there() {
    let mut facts = facts(&["requests[socks]"]);
    let python = facts.now.python.as_mut().expect("there");
    python.distributions.push(dist("pysocks", "1.7", &[]));
    facts.dev = facts.now.clone();
    assert_eq!(answered(&facts), ["requests[socks]"]);
}

#[test]
fn the_lock_names_what_it_takes_for_given() {
    let given = |lines: &[&str]| {
        let lock = freeze::plan(&facts(lines)).lock;
        lock.python.expect("there").given
    };
    assert_eq!(given(&["requests"]), ["numpy==1.26"]);
    // pip may be replaced by a newer one.
    assert_eq!(given(&["pip"]), ["numpy==1.26"]);
}

#[test]
fn a_package_that_is_left_out_answers_nothing() {
    let mut facts = facts(&["requests"]);
    let python = facts.now.python.as_mut().expect("there");
    python.distributions.push(Distribution {
        direct_url: Some(DirectUrl {
            url: "file:///tmp/x.whl".into(),
            ..DirectUrl::default()
        }),
        requested: true,
        ..dist("strange", "1", &[])
    });
    assert_eq!(freeze::plan(&facts).refused.len(), 1);
    assert_eq!(answered(&facts), Vec::<String>::new());
}

/// A build from a lock asks for a commit alone, and that is all that its package then says.
#[test]
fn a_branch_is_answered_by_the_commit_that_the_lock_has_for_it() {
    let branch = "tool @ git+https://h/tool.git@main";
    let mut facts = facts(&[branch]);
    facts.previous = Some(freeze::plan(&facts).lock);
    let tool = |facts: &mut Facts, commit: &str| {
        let python = facts.now.python.as_mut().expect("there");
        let tool = python.distributions.last_mut().expect("there");
        let direct = tool.direct_url.as_mut().expect("there");
        let vcs = direct.vcs_info.as_mut().expect("there");
        vcs.requested_revision = Some(commit.to_owned());
        vcs.commit_id = commit.to_owned();
    };
    tool(&mut facts, "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(answered(&facts), [branch]);
    // Another commit was chosen by somebody here, whatever the branch is by now.
    tool(&mut facts, "1123456789abcdef0123456789abcdef01234567");
    assert_eq!(answered(&facts), Vec::<String>::new());
}

#[test]
fn what_is_installed_in_place_of_what_is_declared_is_told() {
    let told = |line: &str| {
        let mut facts = facts(&[line]);
        // What cannot be frozen keeps nobody from being told.
        let python = facts.now.python.as_mut().expect("there");
        python.distributions.push(Distribution {
            direct_url: Some(DirectUrl {
                url: "file:///tmp/x.whl".into(),
                ..DirectUrl::default()
            }),
            requested: true,
            ..dist("strange", "1", &[])
        });
        let plan = freeze::plan(&facts);
        let contrary = contrary(&facts, &plan).into_iter();
        contrary.map(|one| one.installed).collect::<Vec<_>>()
    };
    let tool = "tool 1 (https://h/tool.git at 0123456789ab)";
    for (line, installed) in [
        ("requests>=3", "requests 2.31"),
        ("requests[socks]", "requests 2.31"),
        ("numpy==2.0", "numpy 1.26"),
        ("tool @ git+https://h/tool.git@other", tool),
        ("tool @ https://h/tool-1-py3-none-any.whl", tool),
        ("idna @ https://h/idna-3.4-py3-none-any.whl", "idna 3.4"),
    ] {
        assert_eq!(told(line), [Some(installed.to_owned())], "{line}");
    }
    assert_eq!(told("toml"), [None]);
    for line in ["requests", "toml; python_version < '3.0'", "tool", "-e ./x"] {
        assert_eq!(told(line), [], "{line}");
    }
}

/// An image whose lists are `list`, with the lines that its lock answers.
fn answered_by_apt(facts: &mut Facts, list: &str) -> (Lock, Vec<String>) {
    let path = std::path::Path::new("apt-dev.txt");
    let parsed = AptList::parse(path, list).expect(list);
    facts.declared.apt_dev = parsed.names().map(str::to_owned).collect();
    facts.declared.lines = parsed
        .entries()
        .iter()
        .map(|entry| DeclaredLine {
            text: entry.name.clone(),
            place: Place::file(path),
            asked: Asked::AptDev(entry.clone()),
        })
        .collect();
    let lock = freeze::plan(facts).lock;
    let lines = facts.declared.lines.iter();
    let lines = lines.filter(|line| answers(&lock, line));
    let lines = lines.map(|line| line.text.clone()).collect();
    (lock, lines)
}

#[test]
fn a_name_that_is_no_packages_is_answered_by_the_package_that_the_build_found() {
    let package = |name: &str, provides: &str, answers: &[&str]| AptPackage {
        name: name.into(),
        version: "1".into(),
        architecture: "amd64".into(),
        provides: provides.into(),
        depends: Some(String::new()),
        answers: answers.iter().map(|name| (*name).to_owned()).collect(),
        ..AptPackage::default()
    };
    let mut facts = facts(&[]);
    facts.base.apt = vec![package("mawk", "awk", &["awk"])];
    facts.run = facts.base.clone();
    facts.dev.apt = facts.base.apt.clone();
    facts.dev.apt.extend([
        package("netcat-openbsd", "netcat", &["netcat"]),
        package("less", "pager", &[]),
    ]);
    facts.now.apt = facts.dev.apt.clone();
    // `pager` was declared since: nobody knows yet whether it is a package's name.
    let (lock, lines) = answered_by_apt(&mut facts, "awk\nless\nnetcat\npager\n");
    assert_eq!(lines, ["awk", "less", "netcat"]);
    assert_eq!(lock.declared.apt_dev, ["awk"]);
    let told: Vec<(&str, &[String], bool)> = lock
        .apt
        .dev
        .iter()
        .map(|package| (package.name.as_str(), &*package.declared, package.requested))
        .collect();
    let netcat = ["netcat".to_owned()];
    assert_eq!(
        told,
        [
            ("less", &[][..], true),
            ("netcat-openbsd", &netcat[..], true)
        ]
    );
    // It is not there any more, and so answers nothing.
    facts
        .now
        .apt
        .retain(|package| package.name != "netcat-openbsd");
    let (_, lines) = answered_by_apt(&mut facts, "awk\nless\nnetcat\n");
    assert_eq!(lines, ["awk", "less"]);
    // A freeze from what the lock knows of dev says the same.
    facts.now.apt = freeze::dev_by_lock(&facts.run, Some(&lock)).apt;
    let (again, lines) = answered_by_apt(&mut facts, "awk\nless\nnetcat\n");
    assert_eq!(lines, ["awk", "less", "netcat"]);
    assert_eq!(again.apt.dev[1].declared, netcat);
}
