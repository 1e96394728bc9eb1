use proptest::prelude::*;

use super::*;
use crate::installation::requirements::Pin;

const TEXT: &str = "# head\nname: x\nchannels: &c\n  - conda-forge # first\ndependencies:\n  \
                    - python=3.12  # ours\n  # numbers\n  - conda-forge::NumPy>=1.26\n\n  - pip\n  \
                    - pip: # from the index\n      # one\n      - Rich[jupyter]>=13 # why\n      \
                    - x @ git+https://u:secret@h/x\n# tail\n";

fn read(text: &str) -> CondaEnvironment {
    CondaEnvironment::parse(Path::new("environment.yml"), text).expect(text)
}

#[test]
fn packages_of_both_kinds_are_found() {
    let environment = read(TEXT);
    let conda: Vec<_> = environment
        .conda()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(conda, ["python", "numpy", "pip"]);
    assert_eq!(environment.pip_names(), ["rich", "x"]);
    assert_eq!(environment.channels(), ["conda-forge"]);
    assert_eq!(environment.name(), Some("x"));
    assert!(environment.has_conda("Numpy") && !environment.has_conda("rich"));
    assert!(environment.has_pip("RICH"));
}

#[test]
fn names_are_read_from_every_form_of_a_spec() {
    for (spec, name, version) in [
        ("numpy", "numpy", None),
        ("numpy=1.26", "numpy", Some("1.26")),
        ("numpy==1.26.4=py311_0", "numpy", Some("1.26.4")),
        ("numpy 1.26.* py*", "numpy", None),
        ("numpy 1.26", "numpy", Some("1.26")),
        ("numpy>=1,<2", "numpy", None),
        ("conda-forge/linux-64::Blas[build=*mkl]", "blas", None),
        ("https://h/c/linux-64/_x-64-1.0-0.conda#abc", "_x-64", None),
    ] {
        let package = CondaPackage::parse(spec).expect(spec);
        assert_eq!(
            (package.name.as_str(), package.version()),
            (name, version),
            "{spec}"
        );
    }
    for spec in ["", "=1", "a b@c:d/"] {
        assert!(CondaPackage::parse(spec).is_none_or(|package| package.name == "a"));
    }
    assert_eq!(CondaPackage::parse("$(x)"), None);
    assert_eq!(CondaPackage::parse("a;b"), None);
}

#[test]
fn additions_go_where_a_person_would_write_them() {
    let mut environment = read(TEXT);
    assert!(environment.add_conda("scipy").expect("added"));
    assert!(!environment.add_conda("numpy=2").expect("known"));
    assert!(environment.add_pip("tqdm").expect("added"));
    assert!(!environment.add_pip("rich==1").expect("known"));
    assert!(environment.add_channel("bioconda").expect("added"));
    assert!(environment.pin_conda("numpy", "1.26.4").expect("pinned"));
    let expected = TEXT
        .replace("  - pip\n", "  - pip\n  - scipy\n")
        .replace("# tail", "      - tqdm\n# tail")
        .replace("# first\n", "# first\n  - bioconda\n")
        .replace("NumPy>=1.26", "numpy=1.26.4");
    assert_eq!(environment.text(), expected);
    let mut pin = |name: &str, to| environment.pin_pip(name, to).expect("an edit");
    assert!(pin("rich", Pin::Version("13.7")));
    assert!(!pin("rich", Pin::Version("13.7")) && !pin("none", Pin::Version("1")));
    assert!(pin("x", Pin::Commit("ab")));
    let expected = expected
        .replace("Rich[jupyter]>=13", "Rich[jupyter]==13.7")
        .replace("h/x\n", "h/x@ab\n");
    assert_eq!(environment.text(), expected);
    assert!(environment.remove_conda("scipy").expect("removed"));
    assert!(environment.remove_pip("tqdm").expect("removed"));
    assert!(!environment.remove_pip("tqdm").expect("gone"));
    let expected = expected
        .replace("  - scipy\n", "")
        .replace("      - tqdm\n", "");
    assert_eq!(environment.text(), expected);
}

#[test]
fn lines_for_pip_come_with_their_comments_and_line() {
    let text = "dependencies:\r\n  - pip: # from the index\r\n      # one\r\n\r\n      # more\r\n      - Rich>=13 # why\r\n\
                \x20     - 'x @ https://h/x#egg=x'\r\n      # end\r\n  # of conda\r\n  - zlib\r\n";
    let found = read(text).pip_lines().expect("read");
    let shown: Vec<_> = found
        .iter()
        .map(|one| (one.number, one.line.written().collect::<Vec<_>>()))
        .collect();
    assert_eq!(
        shown,
        [
            (6, vec!["# one", "# more", "Rich>=13 # why"]),
            (7, vec!["x @ https://h/x#egg=x"]),
            (7, vec!["# end"]),
        ]
    );
    assert_eq!(found[0].entries[0].normalised().as_deref(), Some("rich"));
    let flow = read("# head\ndependencies: [zlib, {pip: [a, 'b # c']}] # end\n# tail\n")
        .pip_lines()
        .expect("read");
    let shown: Vec<_> = flow
        .iter()
        .map(|one| (one.line.content.as_str(), one.line.comment.as_deref()))
        .collect();
    assert_eq!(shown, [("a", None), ("b", Some("# c"))]);
    for text in [
        "dependencies:\n  - pip:\n# tail\n",
        "# head\ndependencies:\n  - pip: []\n# tail\n",
        "# head\nname: x\n",
    ] {
        assert_eq!(read(text).pip_lines().expect("read"), [], "{text}");
    }
    let block = read(
        "dependencies:\n  - pip:\n      - |\n        a\n        # no\n      # own\n      - b\n",
    );
    let lines = block.pip_lines().expect("read");
    assert_eq!(lines.last().expect("b").line.above, ["# own"]);
}

#[test]
fn lines_for_pip_are_added_with_their_comments() {
    let lines = [
        Line::commented(
            vec![String::new(), "  # one".into()],
            "rich",
            Some("# why".into()),
        ),
        Line::new("--pre"),
        Line::comments(vec!["# end".into()]),
    ];
    let added = "# one\n      - rich # why\n      - --pre\n      # end\n";
    for (text, expected) in [
        (
            "dependencies:\n  - zlib\n",
            format!("dependencies:\n  - zlib\n  - pip:\n      {added}"),
        ),
        (
            "dependencies:\n  - pip:\n      - six\n\n  # own\n  - zlib\n",
            format!("dependencies:\n  - pip:\n      - six\n      {added}\n  # own\n  - zlib\n"),
        ),
        (
            "channels: [c]\n",
            format!("channels: [c]\ndependencies:\n  - pip\n  - pip:\n      {added}"),
        ),
    ] {
        let mut environment = read(text);
        environment.append_pip(&lines).expect(text);
        assert_eq!(environment.text(), expected);
        let crlf = text.replace('\n', "\r\n");
        let mut environment = read(&crlf);
        environment.append_pip(&lines).expect(text);
        assert_eq!(environment.text(), expected.replace('\n', "\r\n"));
    }
    // Between brackets there is no place for comments, so nothing is lost without a word.
    let mut environment = read("dependencies: [{pip: [six]}]\n");
    let error = environment.append_pip(&lines).expect_err("refused");
    assert!(error.helps()[0].contains("`- rich`"), "{error:?}");
    environment
        .append_pip(&[Line::new("rich"), Line::new("tqdm")])
        .expect("added");
    assert_eq!(
        environment.text(),
        "dependencies: [{pip: [six, rich, tqdm]}]\n"
    );
    assert!(environment.remove_pip_line("rich").expect("removed"));
    assert!(!environment.remove_pip_line("rich").expect("gone"));
    assert_eq!(environment.pip(), ["six", "tqdm"]);
    let error = environment
        .append_pip(&[Line::new("six==1"), Line::new("six==2")])
        .expect_err("two");
    assert_eq!(error.kind(), crate::error::Kind::Usage);
}

#[test]
fn channels_are_replaced_where_they_stand() {
    for (text, expected) in [
        (
            "channels:\n  - a # one\n  - b\n  - c\nname: x\n",
            "channels:\n  - v # one\n  - w\nname: x\n",
        ),
        (
            "channels:\n  - a\nname: x\n",
            "channels:\n  - v\n  - w\nname: x\n",
        ),
        ("channels: [a]\n", "channels: [v, w]\n"),
        ("name: x\n", "name: x\nchannels:\n  - v\n  - w\n"),
    ] {
        let mut environment = read(text);
        let channels = ["v".to_owned(), "w".to_owned()];
        assert!(environment.set_channels(&channels).expect(text));
        assert!(!environment.set_channels(&channels).expect(text));
        assert_eq!(environment.text(), expected);
    }
}

#[test]
fn the_series_of_a_version_is_told() {
    for (spec, series) in [
        ("python=3.11.4", Some("3.11")),
        ("python==3.11", Some("3.11")),
        ("python 3.11.*", Some("3.11")),
        ("conda-forge::python = 3.12=h1_0", Some("3.12")),
        ("python>=3.11", None),
        ("python=3", None),
        ("python=3.*", None),
        ("python", None),
    ] {
        let package = CondaPackage::parse(spec).expect(spec);
        assert_eq!(package.series().as_deref(), series, "{spec}");
    }
}

#[test]
fn lists_are_made_where_there_are_none() {
    for (text, expected) in [
        (
            "name: x\n",
            "name: x\ndependencies:\n  - pip\n  - pip:\n      - rich\n",
        ),
        (
            "dependencies:\n- python\n",
            "dependencies:\n- python\n- pip:\n    - rich\n",
        ),
        (
            "dependencies:\n  - pip:\n  - zlib\n",
            "dependencies:\n  - pip:\n      - rich\n  - zlib\n",
        ),
        (
            "dependencies: [python, {pip: []}]\n",
            "dependencies: [python, {pip: [rich]}]\n",
        ),
    ] {
        let mut environment = read(text);
        environment.add_pip("rich").expect(text);
        assert_eq!(environment.text(), expected);
        assert_eq!(environment.pip(), ["rich"]);
    }
    let mut environment = read("name: x\n");
    environment.add_conda("zlib").expect("added");
    assert_eq!(environment.text(), "name: x\ndependencies:\n  - zlib\n");
}

#[test]
fn what_is_wrong_is_refused_at_its_line_without_credentials() {
    for (text, line) in [
        ("- a\n", 1),
        ("dependencies:\n  - a\n  - 1.5\n", 3),
        ("dependencies:\n  - 'b c@d'\n  - $(x)\n", 3),
        (
            "dependencies:\n  - pip:\n      - a==1\n      - b\n      - A==2\n",
            3,
        ),
        ("dependencies:\n  - pip: [a]\n  - pip: [b]\n", 3),
        ("dependencies: none\n", 1),
        ("channels: {a: 1}\n", 1),
    ] {
        let error = CondaEnvironment::parse(Path::new("e.yml"), text).expect_err(text);
        assert_eq!(error.kind(), crate::error::Kind::Usage, "{text}");
        let lines: Vec<_> = error.places().iter().map(Place::line_number).collect();
        assert!(lines.contains(&Some(line)), "{text}: {error:?}");
    }
    let text = "dependencies:\n  - pip:\n      - a @ https://u:secret@h/a.whl\n      - a==1\n      - a==2\n";
    let error = CondaEnvironment::parse(Path::new("e.yml"), text).expect_err(text);
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

proptest! {
    #[test]
    fn additions_leave_every_line(
        conda in proptest::collection::vec("[a-z]{1,6}(=[0-9]|>=1,<2)?( # [a-z]{1,3})?", 0..5),
        pip in proptest::collection::vec("(# [a-z]{1,3}|- [a-z]{2,6}(==1)?( # why)?)", 0..5),
        tail in "(# end\n|\n|)",
        crlf in any::<bool>(),
    ) {
        let mut text = String::from("name: x\ndependencies:\n");
        for line in &conda {
            text.push_str(&format!("  - {line}\n"));
        }
        if pip.iter().any(|line| line.starts_with('-')) {
            text.push_str("  - pip:\n");
            for line in &pip {
                text.push_str(&format!("      {line}\n"));
            }
        }
        text.push_str(&tail);
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if let Ok(before) = CondaEnvironment::parse(Path::new("e.yml"), &text) {
            let mut after = before.clone();
            prop_assert_eq!(after.text(), &text);
            prop_assert!(after.add_conda("zzconda").expect("added"));
            prop_assert!(after.add_pip("zzpip").expect("added"));
            let mut lines = after.text().lines();
            for line in text.lines() {
                prop_assert!(lines.any(|other| other == line), "{line:?} in\n{}", after.text());
            }
            prop_assert!(after.has_conda("zzconda") && after.has_pip("zzpip"));
            prop_assert_eq!(&after.conda()[..before.conda().len()], before.conda());
            prop_assert_eq!(&after.pip()[..before.pip().len()], before.pip());
            prop_assert_eq!(after.text().contains("\r\n"), crlf);
        }
    }
}

/// A package of a list: its line below `dependencies:`, with a comment perhaps.
fn numbered_item(number: usize, pip: bool) -> impl Strategy<Value = String> {
    // The number goes where `%` is.
    let conda =
        "(c::)?[a-z]%(=[0-9]\\.[0-9]|>=1,<2| 1\\.[0-9])?|'[a-z]%==[0-9]\\.[0-9]=py_0'|\"[a-z]%\"";
    let python = "[a-z][_.]?%(\\[x\\])?(==[0-9]\\.[0-9]|>=1,<2)?|'[a-z]% ; os_name == \"nt\"'|\
                  [a-z]% @ git\\+https://h/[a-z]{1,3}";
    let spec = if pip { python } else { conda };
    ("(# [a-zé]{1,4}\n)?", spec, "( # [a-zé\"']{1,6})?").prop_map(move |(above, spec, comment)| {
        let spec = spec.replace('%', &number.to_string());
        let indent = if pip { "      " } else { "  " };
        let above = if above.is_empty() {
            above
        } else {
            format!("{indent}{above}")
        };
        format!("{above}{indent}- {spec}{comment}\n")
    })
}

proptest! {
    // A thousand files of ten packages.
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn ten_thousand_packages_are_printed_as_written_and_an_edit_is_the_edit_of_a_value(
        conda in (0..6_usize).map(|number| numbered_item(number, false)).collect::<Vec<_>>(),
        pip in (0..4_usize).map(|number| numbered_item(number, true)).collect::<Vec<_>>(),
        crlf in any::<bool>(),
        at in 0..10_usize,
    ) {
        let text = format!(
            "# head\nname: &name x # anchored\nchannels: [c] # in flow\ndependencies:\n{}  - pip:\n{}# tail\nprefix: *name\n",
            conda.concat(),
            pip.concat()
        );
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let before = read(&text);
        prop_assert_eq!(before.text(), &text);
        let mut after = before.clone();
        let mut specs: Vec<String> = before.conda().iter().map(|one| one.spec.clone()).collect();
        let mut lines = before.pip().to_vec();
        if at < 6 {
            let known = &before.conda()[at];
            let channel = if known.spec.starts_with("c::") { "c::" } else { "" };
            specs[at] = format!("{channel}{}=7.12", known.name);
            let changed = specs[at] != known.spec;
            prop_assert_eq!(after.pin_conda(&known.name, "7.12").expect("a pin"), changed);
        } else {
            let mut alone = Requirements::parse(Path::new("r"), &lines[at - 6]).expect("a line");
            let name = alone.names().remove(0);
            let to = match lines[at - 6].contains('@') {
                true => Pin::Commit("01234"),
                false => Pin::Version("7.12"),
            };
            prop_assert!(alone.pin_to(&name, to).expect("a pin"));
            lines[at - 6] = alone.text().to_owned();
            prop_assert!(after.pin_pip(&name, to).expect("a pin"));
        }
        let now: Vec<String> = after.conda().iter().map(|one| one.spec.clone()).collect();
        prop_assert_eq!(now, specs);
        prop_assert_eq!(after.pip(), lines.as_slice());
        // One line differs, and its comment is the same.
        let of = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
        let (old, new) = (of(&text), of(after.text()));
        prop_assert_eq!(old.len(), new.len());
        let changed: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
        prop_assert!(changed.len() <= 1, "{:?}", changed);
        for (old, new) in changed {
            let comment = |line: &str| line.split_once(" #").map(|(_, comment)| comment.to_owned());
            prop_assert_eq!(comment(old), comment(new));
        }
    }
}
