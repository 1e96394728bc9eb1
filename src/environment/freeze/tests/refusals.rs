//! What no build would get again as it is installed.

use super::*;

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
fn metadata_of_two_versions_in_one_place_says_nothing_of_either() {
    let mut facts = world();
    let mut ours = installed(&mut facts).iter_mut();
    let helper = ours.find(|one| one.name == "Helper").expect("there");
    helper.also = vec!["0.9".into()];
    let refused = &plan(&facts).refused[0];
    assert_eq!((&*refused.name, &*refused.version), ("Helper", "1.0"));
    assert!(
        refused.why.contains("has metadata of 0.9 too"),
        "{refused:?}"
    );
    // What the base image brings so is none of ours.
    let base = facts.base.python.as_mut().expect("there");
    let mut base = base.distributions.iter_mut();
    let torch = base.find(|one| one.name == "torch").expect("there");
    torch.also = vec!["2.0".into()];
    let mut ours = installed(&mut facts).iter_mut();
    let torch = ours.find(|one| one.name == "torch").expect("there");
    torch.also = vec!["2.0".into()];
    assert_eq!(plan(&facts).refused.len(), 1);
}
