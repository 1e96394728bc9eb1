use super::*;
use crate::error::{Error, Kind as ErrorKind};
use proptest::prelude::*;

const HASH: &str = "--hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn read(text: &str) -> Requirements {
    Requirements::parse(Path::new("requirements.txt"), text)
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn refused(text: &str) -> Error {
    Requirements::parse(Path::new("requirements.txt"), text).expect_err(text)
}

fn shown_entries(text: &str) -> Vec<String> {
    read(text)
        .entries()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn only(text: &str) -> Kind {
    let requirements = read(text);
    assert_eq!(requirements.entries().len(), 1, "{text:?}");
    requirements.entries()[0].kind.clone()
}

#[test]
fn names_extras_versions_and_markers_are_read() {
    let kind = only("Foo_Bar.baz [a, B-c] >= 1.0, <2,  ; python_version < '3.12'  # why\n");
    assert_eq!(
        kind,
        Kind::Named {
            name: "Foo_Bar.baz".into(),
            normalised: "foo-bar-baz".into(),
            extras: vec!["a".into(), "B-c".into()],
            specifier: ">= 1.0, <2,".into(),
            marker: Some("python_version < '3.12'".into()),
        }
    );
    for text in [
        "a",
        "a==1.0+cu121",
        "a (>=1,<2)",
        "a~=1.4.2",
        "a===any-thing",
        "a==1.*",
        "a!=1.5",
        "a[]",
        "a==${V}",
    ] {
        assert!(matches!(only(text), Kind::Named { .. }), "{text}");
    }
}

#[test]
fn addresses_are_read() {
    for (text, name, revision) in [
        (
            "https://h/x/foo_bar-1.0-py3-none-any.whl",
            Some("foo-bar"),
            None,
        ),
        ("https://h/x.tar.gz#sha256=12", None, None),
        (
            "foo @ https://h/x.zip ; os_name == 'posix'",
            Some("foo"),
            None,
        ),
        ("foo[a]@https://h/x.zip", Some("foo"), None),
        ("file:///w/foo-1.0-py3-none-any.whl", Some("foo"), None),
        (
            "git+https://h/o/r.git@v1.0#egg=Foo[a]&subdirectory=s",
            Some("foo"),
            Some("v1.0"),
        ),
        ("git+ssh://git@h/o/r.git", None, None),
        (
            "foo @ git+file:///srv/r.git@0123abc",
            Some("foo"),
            Some("0123abc"),
        ),
        ("${INDEX}://h/x.zip", None, None),
    ] {
        let requirements = read(text);
        let entry = &requirements.entries()[0];
        assert_eq!(entry.normalised().as_deref(), name, "{text}");
        let found = match &entry.kind {
            Kind::Vcs { revision, .. } => revision.as_deref(),
            Kind::Url { .. } => None,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(found, revision, "{text}");
        assert_eq!(requirements.text(), text);
    }
}

#[test]
fn paths_and_editables_are_read() {
    for (text, name) in [
        ("./wheels/foo_x-1.0-py3-none-any.whl", Some("foo-x")),
        ("foo-1.0.tar.gz", None),
        ("../project[all] ; os_name == 'posix'", None),
        ("foo @ ./wheels/foo.whl", Some("foo")),
        ("${WHEELS}/foo-1.0-py3-none-any.whl", Some("foo")),
        (".", None),
    ] {
        let kind = only(text);
        assert!(matches!(kind, Kind::Path { .. }), "{text}: {kind:?}");
        assert_eq!(kind.name().map(normalise).as_deref(), name, "{text}");
    }
    for (text, name, target) in [
        ("-e .", None, "."),
        ("-e './my project[dev]'", None, "./my project[dev]"),
        (
            "--editable=git+https://h/r@main#egg=foo",
            Some("foo"),
            "git+https://h/r@main#egg=foo",
        ),
        (
            "-e \"foo[a] @ file:///x\"",
            Some("foo"),
            "foo[a] @ file:///x",
        ),
    ] {
        let Kind::Editable {
            name: found,
            target: to,
        } = only(text)
        else {
            panic!("{text}")
        };
        assert_eq!((found.as_deref(), to.as_written()), (name, target));
    }
}

#[test]
fn options_of_the_file_and_of_requirements_are_read() {
    let text = format!(
        "\u{feff}# all\r\n-r base.txt\r\n-c lock.txt # pins\r\n--index-url https://u:pa55@h/simple\r\n\
         --extra-index-url=https://h2 --pre\r\n--no-binary :all:\r\nnumpy==1.26 \\\r\n    {HASH} \\\r\n    {HASH}\r\n    # via x\r\n"
    );
    let requirements = read(&text);
    let values = |name| {
        let values = requirements.option_values(name).map(Location::as_written);
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(values("--requirement"), ["base.txt"]);
    assert_eq!(values("--constraint"), ["lock.txt"]);
    assert_eq!(values("--index-url"), ["https://u:pa55@h/simple"]);
    assert_eq!(values("--extra-index-url"), ["https://h2"]);
    assert_eq!(requirements.names(), ["numpy"]);
    let numpy = requirements.find("NumPy")[0];
    assert_eq!(numpy.hashes().count(), 2);
    assert!(
        text[numpy.span.clone()].starts_with("numpy") && text[numpy.span.clone()].ends_with("cdef")
    );
    assert_eq!(requirements.text(), text);
}

#[test]
fn what_is_no_requirement_is_refused_with_place_and_help() {
    for (line, why, help) in [
        ("foo=1.0", "`=` is no comparison", "`foo==1.0`"),
        ("foo bar", "`bar` is not expected", "one requirement a line"),
        (
            "foo==1 bar",
            "no version specifier",
            "one requirement a line",
        ),
        ("foo>=", "no version specifier", "compared with"),
        ("foo>=1,,<2", "no version specifier", "compared with"),
        ("foo==1.0.x", "no version specifier", "compared with"),
        ("foo^1.2", "`^1.2` is not expected", "Poetry"),
        ("foo#bar", "is not expected", "a space before"),
        ("foo==1#bar", "no version specifier", "a space before"),
        (
            "foo==1\t--pre",
            "no version specifier",
            "a space before an option",
        ),
        ("foo \\ ", "continues nothing", "remove it"),
        ("foo[a", "`[` is not closed", "brackets"),
        ("foo[a b]", "no name of an extra", "commas"),
        ("foo-", "`foo-` is no name", "both ends"),
        ("é", "does not start with a name", "letters"),
        (">=1.0", "does not start with a name", "a name is missing"),
        (
            "WARNING: You are using pip",
            "`:` is not expected",
            "message of pip",
        ),
        ("pip install foo", "not expected", "a command"),
        (
            "foo ; python < '3'",
            "no environment marker",
            "python_version",
        ),
        ("foo @", "a URL is missing", "`name @"),
        ("foo @ https://h/a b", "ends at a space", "%20"),
        (
            "git@host:o/r.git",
            "SSH address",
            "git+ssh://git@host/o/r.git",
        ),
        ("git://h/r", "no addresses with `git:`", "git+https"),
        ("--bogus", "no option `--bogus`", "-r, -c"),
        ("foo --pre", "ignores `--pre`", "line of its own"),
        ("-e . -r x", "ignores the others", "line of its own"),
        (HASH, "behind no requirement", "ends with"),
        ("foo --hash=sha256:1", "is no hash", "64"),
        ("-r a b", "belongs to no option", "quotes"),
    ] {
        let error = refused(&format!("numpy\n{line}\n"));
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(error.places()[0].line_number(), Some(2), "{line:?}");
        assert!(error.message().contains(why), "{line:?}: {error}");
        assert!(
            error.helps().concat().contains(help),
            "{line:?}: {:?}",
            error.helps()
        );
    }
}

#[test]
fn a_comment_that_swallows_a_line_is_refused() {
    let error = refused("numpy\nscipy # for x \\\npandas\n");
    assert_eq!(error.places()[0].line_number(), Some(2));
    assert!(error.message().contains("hides"), "{error}");
}

#[test]
fn two_versions_of_one_distribution_are_refused_with_both_lines() {
    let error = refused("Foo.bar==1.0\nnumpy\nfoo_bar[x] === 1.1\n");
    assert!(error.message().contains("`foo-bar`"), "{error}");
    assert!(
        error
            .message()
            .contains("`1.0` (line 1) and `1.1` (line 3)"),
        "{error}"
    );
    let lines: Vec<_> = error
        .places()
        .iter()
        .map(crate::error::Place::line_number)
        .collect();
    assert_eq!(lines, [Some(3), Some(1)]);
    for fine in [
        "foo==1.0\nfoo==1\n",
        "foo==1 ; python_version < '3.9'\nfoo==2 ; python_version >= '3.9'\n",
        "foo==1\nfoo>=1\n",
    ] {
        read(fine);
    }
    refused("foo==1;os_name=='posix'\nfoo==2 ; os_name == \"posix\"\n");
}

#[test]
fn no_message_shows_credentials() {
    let url = "https://user:pa55word@host/x";
    for text in [
        format!("-i {url}\nfoo=1\n"),
        format!("{url} bad\n"),
        format!("foo @ {url} bad\n"),
        format!("foo=={url}\n"),
        format!("--index-url={url} {url}\n"),
        format!("--bogus={url}\n"),
        format!("-r '{url}\n"),
        format!("foo --hash={url}\n"),
        format!("foo ; '{url}'\n"),
        "foo[user:pa55word@host]\n".to_owned(),
        format!("-i {url}\nfoo==1\nfoo==2\n"),
        format!("s3+{url}\n"),
        "foo @ user:pa55word@host bad\n".to_owned(),
        "git @ user:pa55word@host:x\n".to_owned(),
    ] {
        let error = refused(&text);
        assert!(
            !format!("{error:?}{error}").contains("pa55"),
            "{text:?}: {error:?}"
        );
    }
    let requirements = read(&format!("-i {url}\nfoo @ {url}?token=pa55\n-e git+{url}\n"));
    assert!(!format!("{requirements:?}").contains("pa55"));
    assert!(!shown_entries(requirements.text()).concat().contains("pa55"));
    assert!(requirements.text().contains("pa55word"));
    let mut requirements = requirements;
    let error = requirements
        .add(&format!("{url} bad"))
        .expect_err("refused");
    assert!(!format!("{error:?}").contains("pa55"));
}

#[test]
fn additions_go_to_a_sensible_place() {
    for (text, expected) in [
        ("", "new\n"),
        ("\u{feff}", "\u{feff}new\n"),
        ("# x", "# x\nnew\n"),
        ("zz", "zz\nnew\n"),
        ("zz \\", "zz \\\n\nnew\n"),
        ("zz \\\n", "zz \\\n\nnew\n"),
        ("zz\r\n# end\r\n", "zz\r\nnew\r\n# end\r\n"),
        (
            "zz\n    # via x\n\n--pre\n",
            "zz\n    # via x\nnew\n\n--pre\n",
        ),
        ("a\nb\nzz # z\n", "a\nb\nnew\nzz # z\n"),
        ("x\ny\nzz\n", "new\nx\ny\nzz\n"),
        ("a\nb\nc\n", "a\nb\nc\nnew\n"),
        ("a\n# about b\nb\nzz\n", "a\n# about b\nb\nzz\nnew\n"),
        ("a\nzz\n", "a\nzz\nnew\n"),
    ] {
        let mut requirements = read(text);
        assert!(requirements.add("new").expect("a name"), "{text:?}");
        assert_eq!(requirements.text(), expected, "{text:?}");
        assert!(!requirements.add("NEW>=1").expect("a name"));
        assert_eq!(requirements, read(expected));
    }
}

#[test]
fn only_one_requirement_can_be_added() {
    let mut requirements = read("a\n");
    for wrong in ["", "# x", "--pre", "-r x", "x\ny", "x \\", "x=1", "x y"] {
        requirements.add(wrong).expect_err(wrong);
        assert_eq!(requirements.text(), "a\n");
    }
    for fine in [
        "-e .",
        "./x",
        "b[c]>=1 ; os_name == 'posix'",
        "d @ git+file:///r@0",
    ] {
        assert!(requirements.add(fine).expect(fine));
        assert!(!requirements.add(fine).expect(fine));
    }
}

#[test]
fn pins_replace_the_versions_alone() {
    for (text, expected) in [
        ("foo\n", "foo==2.0\n"),
        ("foo # why\n", "foo==2.0 # why\n"),
        (
            "Foo [a] ; os_name=='nt'\n",
            "Foo [a]==2.0 ; os_name=='nt'\n",
        ),
        (
            "foo >= 1 , < 3;os_name=='nt'\n",
            "foo ==2.0;os_name=='nt'\n",
        ),
        ("foo (>=1)\n", "foo ==2.0\n"),
        (
            "foo \\\n  >=1 \\\n  --global-option=x\n",
            "foo \\\n  ==2.0 \\\n  --global-option=x\n",
        ),
        (
            "foo \\\n  --global-option=x\n",
            "foo==2.0 \\\n  --global-option=x\n",
        ),
        ("\u{feff}x\r\nfoo==1\r\n", "\u{feff}x\r\nfoo==2.0\r\n"),
    ] {
        let mut requirements = read(text);
        assert!(
            requirements.pin("FOO", "2.0").expect("a version"),
            "{text:?}"
        );
        assert_eq!(requirements.text(), expected);
        assert!(!requirements.pin("foo", "2.0.0").expect("a version"));
    }
    let mut requirements = read(&format!("a @ https://h/a.zip\nb==1 {HASH}\nc<1\nc>2\n"));
    assert!(!requirements.pin("a", "1").expect("a version"));
    assert!(!requirements.pin("none", "1").expect("a version"));
    assert!(!requirements.pin("b", "1.0").expect("a version"));
    for (name, version, why) in [
        ("b", "2", "hashes"),
        ("c", "1", "several"),
        ("b", "x", "no version"),
    ] {
        let error = requirements.pin(name, version).expect_err(name);
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn a_repository_is_pinned_to_a_commit() {
    let mut requirements = read(
        "# ours\r\na[x] @ git+https://u:p@h/a@main#subdirectory=s ; os_name=='posix' # why\r\nb\r\n",
    );
    let at = |name: &str, requirements: &mut Requirements| {
        requirements
            .pin_to(name, Pin::Commit("0123"))
            .expect("an edit")
    };
    assert!(at("A", &mut requirements));
    assert!(!at("a", &mut requirements) && !at("b", &mut requirements));
    assert_eq!(
        requirements.text(),
        "# ours\r\na[x] @ git+https://u:p@h/a@0123#subdirectory=s ; os_name=='posix' # why\r\nb\r\n"
    );
    assert_eq!(requirements, read(requirements.text()));
    let mut broken = read("a @ git+https://h/\\\na\n");
    assert!(!at("a", &mut broken), "an address in two lines stays");
}

#[test]
fn removals_take_whole_lines() {
    let mut requirements = read("a\nB.b \\\n  >=1 # x\n# c\nb_b @ https://h/b.zip\nd");
    assert!(requirements.remove("b-b"));
    assert_eq!(requirements.text(), "a\n# c\nd");
    assert_eq!(requirements, read("a\n# c\nd"));
    assert!(!requirements.remove("b-b"));
    assert!(requirements.remove("d"));
    assert_eq!(requirements.text(), "a\n# c\n");
}

#[test]
fn lines_go_to_another_file_with_their_comments() {
    let text = format!(
        "\u{feff}# head\r\n\r\na  # why\r\nb==1 \\\r\n    {HASH}\r\n    # via a\r\n--pre -i https://h/ \\"
    );
    let from = read(&text);
    let lines: Vec<Line> = from.lines().into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines[0].above, ["# head", ""]);
    assert_eq!(lines[0].comment.as_deref(), Some("# why"));
    assert_eq!(lines[1].content, format!("b==1 {HASH}"));
    assert_eq!(lines[2].above, ["    # via a"]);
    assert_eq!(from.lines()[2].1.len(), 2);
    let mut requirements = read("c\n# end \\");
    requirements.append(&lines).expect("appended");
    assert_eq!(
        requirements.text(),
        format!(
            "c\n# end \\\n# head\n\na  # why\nb==1 \\\n    {HASH}\n    # via a\n--pre -i https://h/\n"
        )
    );
    assert!(requirements.remove_line(&format!("b==1 {HASH}")));
    assert!(!requirements.remove_line("b==1") && !requirements.remove_line(""));
    assert_eq!(
        requirements,
        read("c\n# end \\\n# head\n\na  # why\n    # via a\n--pre -i https://h/\n")
    );
    let error = requirements
        .append(&[Line::new("a==1"), Line::new("a==2")])
        .expect_err("two");
    assert!(error.message().contains("two versions"), "{error}");
    assert!(!format!("{:?}", Line::new("-i https://u:pa55@h/")).contains("pa55"));
}

#[test]
fn files_that_are_installed_together_agree() {
    let one = Requirements::parse(Path::new("one.txt"), "# head\na==1\n").expect("read");
    let other = Requirements::parse(Path::new("sub/two.txt"), "A==1.0\n").expect("read");
    check_conflicts([&one, &other]).expect("the same version");
    let other = Requirements::parse(Path::new("sub/two.txt"), "A==2\n").expect("read");
    let error = check_conflicts([&one, &other]).expect_err("two versions");
    assert!(
        error
            .message()
            .contains("`1` (one.txt, line 2) and `2` (two.txt, line 1)"),
        "{error}"
    );
    assert_eq!(error.places().len(), 2);
}

fn any_line() -> impl Strategy<Value = String> {
    let marker = "( ?; ?python_version ?[<>]= ?('3\\.1[0-9]'|\"3\\.9\"))?";
    prop_oneof![
        4 => (
            "[a-dA-D][_.-]?[a-d0-9](\\[x(, ?y)?\\])?",
            "( ?(>=|<|~=|!=) ?[0-9]\\.[0-9](, ?<[0-9])?)?",
            "( \\\\\n +)?",
            marker,
        )
            .prop_map(|(name, specifier, gap, marker)| name + &specifier + &gap + &marker),
        1 => Just(format!("h1 == 1.0 \\\n    {HASH} \\\n  {HASH}")),
        1 => "-[rc] [a-z]{1,4}\\.txt|--pre|--no-index|(-i |--extra-index-url[= ])https://u:p@h/[a-z]{1,3}",
        1 => "(v[0-9] @ )?git\\+https://(u:p@)?h/[a-z]{1,3}(@[a-f0-9]{4})?(#egg=w[0-9])?",
        1 => "-e \\./[a-z]{1,3}|\\./[a-z]{1,3}/x-1-py3-none-any\\.whl|p[0-9] @ https://h/p\\.zip",
        2 => "|[ \t]{0,2}# ?[ -\\[\\]-~é]{0,12}",
    ]
}

fn any_file() -> impl Strategy<Value = String> {
    let line = (any_line(), "(  ?# ?[a-zé\"']{0,6})?", "[ \t]{0,2}")
        .prop_map(|(line, comment, blank)| line + &comment + &blank);
    let lines = proptest::collection::vec(line, 0..7);
    ("\u{feff}?", lines, any::<bool>(), any::<bool>()).prop_map(|(mark, lines, crlf, end)| {
        let text = lines.join("\n") + if end { "\n" } else { "" };
        mark + &if crlf {
            text.replace('\n', "\r\n")
        } else {
            text
        }
    })
}

/// The lines of a text that have a comment.
fn comments(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.find('#').map(|at| &line[at..]))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn printing_is_the_identity(text in any_file()) {
        let requirements = read(&text);
        prop_assert_eq!(requirements.text(), &text);
        for entry in requirements.entries() {
            prop_assert!(text.get(entry.span.clone()).is_some_and(|part| part == part.trim()));
        }
    }

    #[test]
    fn reading_never_panics_and_never_tells(text in "([a-z\\[\\]@:/;=<>#\\\\ '\"\n\r-]|https://u:pa55@|\\PC){0,24}") {
        if let Err(error) = Requirements::parse(Path::new("r"), &text) {
            let hidden = !format!("{error:?}").contains("u:pa55@");
            prop_assert!(hidden, "{:?}", error);
        }
    }

    #[test]
    fn adding_keeps_what_is_there(text in any_file(), name in "[a-d][a-d0-9]|new") {
        let before = read(&text);
        let mut after = before.clone();
        let changed = after.add(&name).expect("a name");
        prop_assert_eq!(changed, !before.contains(&name));
        prop_assert!(after.contains(&name));
        prop_assert_eq!(comments(after.text()), comments(&text));
        prop_assert_eq!(&read(after.text()), &after);
        let mut kinds: Vec<_> = after.entries().iter().map(|entry| entry.kind.clone()).collect();
        if changed {
            kinds.retain(|kind| kind.name() != Some(&name));
            let mut removed = after.clone();
            prop_assert!(removed.remove(&name));
            prop_assert_eq!(removed.text().trim_end(), text.trim_end());
        }
        let known: Vec<_> = before.entries().iter().map(|entry| entry.kind.clone()).collect();
        prop_assert_eq!(kinds, known);
    }

    #[test]
    fn removing_takes_that_name_alone(text in any_file(), name in "[a-d][a-d0-9]|h1|w1") {
        let before = read(&text);
        let mut after = before.clone();
        prop_assert_eq!(after.remove(&name), before.contains(&name));
        let mut kept = before.names();
        kept.retain(|known| *known != name);
        prop_assert_eq!(after.names(), kept);
        prop_assert_eq!(&read(after.text()), &after);
    }

    #[test]
    fn pinning_changes_that_version_alone(text in any_file(), name in "[a-d][a-d0-9]") {
        let before = read(&text);
        let mut after = before.clone();
        if after.pin(&name, "7.1").is_ok_and(|changed| changed) {
            prop_assert_eq!(after.find(&name)[0].kind.exact_version(), Some("7.1"));
        }
        prop_assert_eq!(comments(after.text()), comments(&text));
        prop_assert_eq!(after.names(), before.names());
        prop_assert_eq!(after.entries().len(), before.entries().len());
    }

    #[test]
    fn lines_say_the_same_elsewhere(text in any_file()) {
        let from = read(&text);
        let asked = |read: &Requirements| -> Vec<_> {
            let entries = read.entries().iter();
            entries.map(|entry| (entry.kind.clone(), entry.options.clone())).collect()
        };
        let mut to = read("");
        let lines: Vec<Line> = from.lines().into_iter().map(|(line, _)| line).collect();
        to.append(&lines).expect("appended");
        prop_assert_eq!(asked(&to), asked(&from));
        prop_assert_eq!(comments(to.text()), comments(&text).iter().map(|comment| comment.trim_end()).collect::<Vec<_>>());
        // On one line each, as in a list.
        let joined: String = lines.iter().map(|line| format!("{}\n", line.content)).collect();
        prop_assert_eq!(asked(&read(&joined)), asked(&from));
    }
}

/// A line with its comment, and other names than those of the other lines.
fn numbered_line(number: usize) -> impl Strategy<Value = String> {
    let named = (
        "[a-zA-Z][_.-]?",
        "(\\[x(, ?y)?\\])?",
        "( ?(==|>=|<|~=|!=) ?[0-9]\\.[0-9])?( \\\\\n +)?",
        "( ?; ?python_version ?[<>]= ?('3\\.1[0-9]'|\"3\\.9\"))?",
    )
        .prop_map(move |(start, extras, version, marker)| {
            format!("{start}{number}{extras}{version}{marker}")
        });
    let hashed = Just(format!("h{number}==1.0 \\\n    {HASH} \\\n  {HASH}"));
    // The number goes where `%` is.
    let elsewhere = "v% @ git\\+https://(u:p@)?h/[a-z]{1,3}(@[a-f0-9]{4})?(#subdirectory=w)?|\
                     -e \\./[a-z]{1,3}|p% @ https://h/p\\.zip"
        .prop_map(move |line| line.replace('%', &number.to_string()));
    let other = "-[rc] [a-z]{1,4}\\.txt|--pre|(-i |--extra-index-url[= ])https://u:p@h/[a-z]{1,3}";
    let line = prop_oneof![5 => named, 1 => hashed, 1 => elsewhere, 1 => other, 1 => "|# ?[ -\\[\\]-~é]{0,12}"];
    (line, "(  ?# ?[a-zé\"']{0,6})?").prop_map(|(line, comment)| line + &comment)
}

proptest! {
    // A thousand files of ten lines.
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn ten_thousand_lines_are_printed_as_written_and_an_edit_is_the_edit_of_a_value(
        lines in (0..10_usize).map(numbered_line).collect::<Vec<_>>(),
        mark in "\u{feff}?",
        crlf in any::<bool>(),
        at in any::<prop::sample::Index>(),
    ) {
        let text = mark + &lines.join("\n") + "\n";
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let before = read(&text);
        prop_assert_eq!(before.text(), &text);
        prop_assume!(!before.entries().is_empty());
        let index = at.index(before.entries().len());
        let edited = &before.entries()[index];
        let mut kinds: Vec<Kind> = before.entries().iter().map(|entry| entry.kind.clone()).collect();
        let mut after = before.clone();
        if let Some(name) = edited.normalised() {
            let pinned = after.pin(&name, "7.12");
            match &mut kinds[index] {
                Kind::Named { specifier, .. } if edited.hashes().next().is_none() => {
                    *specifier = "==7.12".to_owned();
                    prop_assert!(pinned.expect("a pin"));
                }
                Kind::Named { .. } => prop_assert!(pinned.is_err(), "hashes of another version"),
                _ => prop_assert!(!pinned.expect("nothing to pin")),
            }
            let pinned = after.pin_to(&name, Pin::Commit("01234")).expect("an edit");
            if let Kind::Vcs { url, revision, .. } = &mut kinds[index] {
                prop_assert!(pinned);
                *url = Location::new(location::at_revision(url.as_written(), "01234"));
                *revision = Some("01234".to_owned());
            } else {
                prop_assert!(!pinned);
            }
        }
        let now: Vec<Kind> = after.entries().iter().map(|entry| entry.kind.clone()).collect();
        prop_assert_eq!(now, kinds);
        prop_assert_eq!(comments(after.text()), comments(&text));
        prop_assert_eq!(&read(after.text()), &after);
        // All other lines are as they were, to the byte.
        let other = |text: &str| {
            let lines = text.split_inclusive('\n').map(str::to_owned);
            lines.collect::<Vec<_>>()
        };
        let (old, new) = (other(&text), other(after.text()));
        prop_assert_eq!(old.len(), new.len());
        let changed = old.iter().zip(&new).filter(|(old, new)| old != new).count();
        prop_assert!(changed <= 1, "{changed} lines changed");
    }
}
