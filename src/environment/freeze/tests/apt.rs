//! System packages.

use super::*;

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
        text.ends_with(
            "\ngit=1 # sha256:gitgitgit snapshot:20260102T030405Z url:http://deb/git.deb\n"
        ),
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
