//! Packages of conda.

use super::*;

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
