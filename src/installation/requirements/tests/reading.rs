//! What a file says, and what is told about one that says nothing sensible.

use super::*;
use crate::error::Kind as ErrorKind;

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
