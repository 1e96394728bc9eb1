//! Additions, pins and removals, each without a change of what stands beside it.

use super::*;

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
