use super::*;
use crate::error::{Error, Kind};
use proptest::prelude::*;

fn read(text: &str) -> AptList {
    AptList::parse(Path::new("apt.txt"), text).expect(text)
}

fn refused(text: &str) -> Error {
    AptList::parse(Path::new("apt.txt"), text).expect_err(text)
}

#[test]
fn names_versions_and_architectures_are_read() {
    let list = read("jq=1.6-2.1\n  libc6:i386=2.36-9+deb12u4 g++\t# a compiler\n\n#curl\n");
    let shown: Vec<_> = list.entries().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["jq=1.6-2.1", "libc6:i386=2.36-9+deb12u4", "g++"]);
    assert_eq!(list.entries()[1].arch.as_deref(), Some("i386"));
    assert_eq!(list.entries()[1].version.as_deref(), Some("2.36-9+deb12u4"));
    assert!(list.contains("libc6") && !list.contains("curl"));
}

#[test]
fn other_systems_line_endings_and_marks_are_no_part_of_names() {
    let text = "\u{feff}# list\r\njq\r\ncurl";
    let mut list = read(text);
    assert_eq!(list.names().collect::<Vec<_>>(), ["jq", "curl"]);
    assert_eq!(list.to_string(), text);
    assert!(list.add("git").expect("a name"));
    assert_eq!(list.text(), "\u{feff}# list\r\njq\r\ncurl\r\ngit\r\n");
}

#[test]
fn an_empty_list_takes_names() {
    for (text, expected) in [
        ("", "jq\n"),
        ("\u{feff}", "\u{feff}jq\n"),
        ("# x", "# x\njq\n"),
    ] {
        let mut list = read(text);
        assert!(list.add("jq").expect("a name"));
        assert!(!list.add("jq=1.6").expect("a name"));
        assert_eq!(list.text(), expected);
    }
}

#[test]
fn removing_leaves_the_other_names_of_a_line() {
    for (text, expected) in [
        ("a1 bb c3 # all\n", "a1 c3 # all\n"),
        ("bb c3\n", "c3\n"),
        ("  a1 bb\r\nc3", "  a1\r\nc3"),
        ("a1 bb # comment\n", "a1 # comment\n"),
        ("a1\nbb # why\n# more\n", "a1\n# more\n"),
        ("\u{feff}bb\nc3\n", "\u{feff}c3\n"),
        ("bb bb\nbb:i386 a1", "a1"),
    ] {
        let mut list = read(text);
        assert!(list.remove("bb"));
        assert_eq!(list.text(), expected, "{text:?}");
        assert_eq!(list, read(expected));
        assert!(!list.remove("bb"));
    }
}

#[test]
fn pins_change_the_version_alone() {
    let mut list = read("\u{feff}jq curl=1 # two\r\njq:i386 jq\t# again\r\n");
    assert!(list.pin("jq", None, "1.6-2.1").expect("a version"));
    assert!(list.pin("curl", None, "2:7.88+x~1").expect("a version"));
    let expected = "\u{feff}jq=1.6-2.1 curl=2:7.88+x~1 # two\r\njq:i386 jq=1.6-2.1\t# again\r\n";
    assert_eq!(list.text(), expected);
    assert_eq!(list, read(expected));
    assert!(!list.pin("jq", None, "1.6-2.1").expect("a version"));
    assert!(!list.pin("git", None, "1").expect("a version"));
    assert!(list.pin("jq", Some("i386"), "1").expect("a version"));
    list.pin("jq", None, "1 2").expect_err("no version");
}

#[test]
fn duplicates_are_told() {
    let list = read("jq curl\njq=1 curl:i386\njq\n");
    let shown: Vec<_> = list
        .duplicates()
        .into_iter()
        .map(|(first, again)| (first.span.start, again.to_string()))
        .collect();
    assert_eq!(shown, [(0, "jq=1".to_owned()), (0, "jq".to_owned())]);
}

#[test]
fn what_is_no_package_is_refused_with_place_and_help() {
    for (text, why, help) in [
        ("jq\nCurl\n", "upper case", "`curl`"),
        ("jq\nfoo>=1\n", "`>` is not allowed", "exact versions"),
        ("jq\nfoo==1\n", "pip's", "`foo=1`"),
        ("jq\nfoo;reboot\n", "`;` is not", "names alone"),
        ("jq\n$(id)\n", "`$` is not", "names alone"),
        ("jq\ncurl \\\n", "not allowed", "need no"),
        ("jq\ncurl, git\n", "`,` is not", "no comma"),
        ("jq\ncurl#x\n", "`#` is not", "a space before"),
        ("jq\nlib_x\n", "`_` is not", "`lib-x`"),
        ("jq\nfoo/sid\n", "`/` is not", "name=version"),
        ("jq\n-y\n", "starts with `-`", "options"),
        ("jq\nfoo-\n", "would remove", "remove the line"),
        ("jq\nx\n", "one character", "two or more"),
        ("jq\n=1\n", "no name", "two or more"),
        ("jq\nfoo=\n", "is no version", "apt-cache policy"),
        ("jq\nfoo=1$x\n", "`1$x` is no version", "apt-cache policy"),
        ("jq\nfoo:\n", "is no architecture", "amd64"),
        ("jq\ncurl\u{a0}git\n", "\\u{a0}", "a-z"),
        ("jq\né\n", "`é` is not", "a-z"),
    ] {
        let error = refused(text);
        assert_eq!(error.kind(), Kind::Usage);
        assert_eq!(error.places()[0].line_number(), Some(2), "{text:?}");
        assert!(error.message().contains(why), "{text:?}: {error}");
        assert!(
            error.helps().concat().contains(help),
            "{text:?}: {:?}",
            error.helps()
        );
    }
}

fn any_list() -> impl Strategy<Value = String> {
    let word = "[a-d][a-d0-9]{1,2}(:i386)?(=[0-9]\\.[0-9]-[0-9])?";
    let line = (
        proptest::collection::vec(word, 0..4),
        "[ \t]{0,2}",
        "( #[ -~é]{0,8})?",
        prop_oneof![Just("\n"), Just("\r\n")],
    )
        .prop_map(|(words, indent, comment, end)| {
            format!("{indent}{}{comment}{end}", words.join(" "))
        });
    (
        "\u{feff}?",
        proptest::collection::vec(line, 0..8),
        any::<bool>(),
    )
        .prop_map(|(mark, lines, cut)| {
            let text = mark + &lines.concat();
            if cut {
                text.trim_end().to_owned()
            } else {
                text
            }
        })
}

proptest! {
    #[test]
    fn printing_is_the_identity(text in any_list()) {
        prop_assert_eq!(read(&text).to_string(), text);
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,40}") {
        let _ = AptList::parse(Path::new("apt.txt"), &text);
    }

    #[test]
    fn adding_keeps_what_is_there(text in any_list(), name in "[a-d][a-d0-9]{1,2}") {
        let before = read(&text);
        let mut after = before.clone();
        let changed = after.add(&name).expect("a name");
        prop_assert!(after.contains(&name));
        prop_assert!(after.text().starts_with(&text));
        prop_assert_eq!(after.entries().len(), before.entries().len() + usize::from(changed));
        prop_assert!(!after.add(&name).expect("a name"));
        prop_assert_eq!(&read(after.text()), &after);
    }

    #[test]
    fn pinning_changes_that_version_alone(text in any_list(), name in "[a-d][a-d0-9]{1,2}") {
        let before = read(&text);
        let mut after = before.clone();
        let known = before.entries().iter().any(|entry| {
            entry.name == name && entry.arch.is_none() && entry.version.as_deref() != Some("7-1")
        });
        prop_assert_eq!(after.pin(&name, None, "7-1").expect("a version"), known);
        prop_assert_eq!(&read(after.text()), &after);
        let mut expected = before.entries().to_vec();
        for (entry, now) in expected.iter_mut().zip(after.entries()) {
            if entry.name == name && entry.arch.is_none() {
                entry.version = Some("7-1".into());
            }
            entry.span = now.span.clone();
        }
        prop_assert_eq!(after.entries(), expected.as_slice());
        let comments = |text: &str| text.matches('#').count();
        prop_assert_eq!(comments(after.text()), comments(&text));
    }

    #[test]
    fn removing_takes_that_name_alone(text in any_list(), name in "[a-d][a-d0-9]{1,2}") {
        let before = read(&text);
        let mut after = before.clone();
        prop_assert_eq!(after.remove(&name), before.contains(&name));
        let kept: Vec<_> = before.names().filter(|known| *known != name).collect();
        prop_assert_eq!(after.names().collect::<Vec<_>>(), kept);
        prop_assert_eq!(&read(after.text()), &after);
    }
}
