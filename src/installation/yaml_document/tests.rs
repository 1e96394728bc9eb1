use proptest::prelude::*;

use super::*;

fn read(text: &str) -> YamlDocument {
    YamlDocument::parse(Path::new("f.yaml"), text).expect(text)
}

use Step::{Item, Key};

#[test]
fn a_value_keeps_its_quotes_and_comments() {
    let text = "# head\r\nservices:\r\n  a: {image: \"x:1\", n: 'q'} # in flow\r\n  b:\r\n    image: y  # why\r\n# tail\r\n";
    let mut document = read(text);
    document
        .set(&[Key("services"), Key("a"), Key("image")], "z,1")
        .expect("set");
    document
        .set(&[Key("services"), Key("b"), Key("image")], "no")
        .expect("set");
    document
        .set(&[Key("services"), Key("b"), Key("platform")], "linux/amd64")
        .expect("set");
    assert_eq!(
        document.text(),
        "# head\r\nservices:\r\n  a: {image: \"z,1\", n: 'q'} # in flow\r\n  b:\r\n    image: 'no'  # why\r\n    platform: linux/amd64\r\n# tail\r\n"
    );
    assert!(
        !document
            .set(&[Key("services"), Key("b"), Key("image")], "no")
            .expect("same")
    );
}

#[test]
fn items_go_right_behind_the_item_before() {
    let text = "l:\n- a # one\n# about b\n- b\n\n# tail\nm: 1\n";
    let mut document = read(text);
    document.insert(&[Key("l")], 1, "x").expect("insert");
    document.insert(&[Key("l")], 9, "z").expect("insert");
    document.insert(&[Key("l")], 0, "w").expect("insert");
    assert_eq!(
        document.text(),
        "l:\n- w\n- a # one\n- x\n# about b\n- b\n- z\n\n# tail\nm: 1\n"
    );
    assert!(document.remove(&[Key("l"), Item(1)]).expect("remove"));
    assert!(!document.remove(&[Key("l"), Item(9)]).expect("nothing"));
    assert_eq!(
        document.text(),
        "l:\n- w\n- x\n# about b\n- b\n- z\n\n# tail\nm: 1\n"
    );
}

#[test]
fn lists_of_every_form_take_items() {
    for (text, expected) in [
        ("l: [a, b] # c\n", "l: [a, b, x] # c\n"),
        ("l: []\n", "l: [x]\n"),
        ("l:\n  - a", "l:\n  - a\n  - x\n"),
        ("\u{feff}l:\n  -   a\n", "\u{feff}l:\n  -   a\n  -   x\n"),
        ("l:\n  - - a\n", "l:\n  - - a\n  - x\n"),
        (
            "l:\n  - k: 1\n    j: 2 # c\n",
            "l:\n  - k: 1\n    j: 2 # c\n  - x\n",
        ),
        ("l:\n  - |\n    block\n", "l:\n  - |\n    block\n  - x\n"),
    ] {
        let mut document = read(text);
        document.insert(&[Key("l")], 99, "x").expect(text);
        assert_eq!(document.text(), expected, "{text:?}");
    }
}

#[test]
fn a_list_is_added_under_a_key() {
    let mut document = read("l:\n  - a\n# tail\n");
    document.add_list(&[Key("l")], "pip", "x").expect("add");
    document.add_list(&[], "m", "z").expect("add");
    assert_eq!(
        document.text(),
        "l:\n  - a\n  - pip:\n      - x\n# tail\nm:\n  - z\n"
    );
}

#[test]
fn what_cannot_be_edited_safely_is_refused_with_what_to_write() {
    // The anchor's text is used elsewhere: setting it would change both.
    let text = "a: &x [1]\nb: *x\n";
    let mut document = read(text);
    let error = document.insert(&[Key("a")], 9, "new").expect_err("refused");
    assert!(error.helps()[0].contains("- new"), "{error:?}");
    assert_eq!(error.places()[0].line_number(), Some(1));
    assert_eq!(document.text(), text);
    let error = document
        .set(&[Key("b"), Item(0)], "v")
        .expect_err("refused");
    assert_eq!(error.kind(), crate::error::Kind::Failed);
    let error = document
        .set(&[Key("c"), Key("d")], "v")
        .expect_err("refused");
    assert_eq!(error.kind(), crate::error::Kind::Failed);
}

#[test]
fn what_is_not_yaml_is_refused_with_its_line() {
    for (text, line) in [
        ("a: [\n", None),
        ("a: 1\na: 2\n", None),
        ("a: 1\n\tb: 2\n", Some(2)),
    ] {
        let error = YamlDocument::parse(Path::new("f"), text).expect_err(text);
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        if line.is_some() {
            assert_eq!(error.places()[0].line_number(), line);
        }
    }
    YamlDocument::parse(Path::new("f"), "a: 1\n---\nb: 1\n").expect_err("two documents");
}

/// Documents with the oddities that people write, and ways into them.
fn document() -> impl Strategy<Value = String> {
    let comment = prop_oneof![Just(""), Just(" # c"), Just("  # why: x")];
    let text = prop_oneof![
        "[a-z]{1,4}",
        Just("'it''s'".to_owned()),
        Just("\"q # q\"".to_owned()),
        Just("1.5".to_owned()),
        Just("'no'".to_owned()),
        Just("~".to_owned()),
    ];
    let item = (text, comment).prop_map(|(text, comment)| (text, comment.to_owned()));
    let own_line = prop_oneof![3 => Just(""), 1 => Just("# own\n"), 1 => Just("\n"), 1 => Just("    # deep\n")];
    let entry = (item, own_line, 0..6_u8);
    (
        proptest::collection::vec(entry, 1..7),
        any::<bool>(),
        0..3_usize,
    )
        .prop_map(|(entries, crlf, indent)| {
            let indent = " ".repeat(indent);
            let mut text = String::from("# head\nname: x # n\nl:\n");
            for ((item, comment), own_line, kind) in entries {
                text.push_str(own_line);
                text.push_str(&match kind {
                    0 => format!("{indent}- k: {item}{comment}\n{indent}  j: 2\n"),
                    1 => format!("{indent}- pip:{comment}\n{indent}  - {item}\n{indent}  - b\n"),
                    2 => format!("{indent}- [{item}, {{z: 1}}]{comment}\n"),
                    3 => format!("{indent}- |{comment}\n{indent}    block\n{indent}    # text\n"),
                    _ => format!("{indent}- {item}{comment}\n"),
                });
            }
            text.push_str("m: {a: 1, b: [x]} # m\n# tail\n");
            if crlf {
                text.replace('\n', "\r\n")
            } else {
                text
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_edit_does_what_it_says_and_no_more(text in document(), index in 0..8_usize, new in "[ -~é]{0,8}", way in 0..5) {
        let mut document = read(&text);
        prop_assert_eq!(document.text(), &text);
        let l = [Key("l")];
        let item = [Key("l"), Item(index)];
        let result = match way {
            0 => document.insert(&l, index, &new),
            1 => document.set(&item, &new).map(drop),
            2 => document.remove(&item).map(drop),
            3 => document.add_list(&l, "pip", &new),
            _ => document.set(&[Key("m"), Key("new")], &new).map(drop),
        };
        let has_item = read(&text).get(&item).is_some();
        if result.is_err() {
            prop_assert_eq!(document.text(), &text);
            // Texts such as `é:?` between braces are more than the tree can write.
            prop_assert!(way == 4 || way == 1 && !has_item, "refused: {:?}", result);
        } else if way == 0 || way == 3 {
            // Nothing but new lines.
            let mut lines = document.text().lines();
            for line in text.lines() {
                prop_assert!(lines.any(|other| other == line), "{line:?} in\n{}", document.text());
            }
        }
        // The guard holds: the text says what the document says it does.
        let again = read(document.text());
        prop_assert_eq!(again.value(), document.value());
    }
}

#[test]
fn a_mapping_is_added_at_the_end_of_the_document() {
    for (text, expected) in [
        (
            "a: 1 # why\n# tail\n",
            "a: 1 # why\n# tail\nm:\n  k: 'x: y'\n",
        ),
        ("a:\r\n  b: 1\r\n", "a:\r\n  b: 1\r\nm:\r\n  k: 'x: y'\r\n"),
        ("a: 1", "a: 1\nm:\n  k: 'x: y'\n"),
    ] {
        let mut document = read(text);
        document.add_mapping("m", "k", "x: y").expect(text);
        assert_eq!(document.text(), expected);
        assert_eq!(
            document.key_place(&[Key("m"), Key("k")]).line_number(),
            Some(expected.lines().count())
        );
    }
    let error = read("{a: 1}\n")
        .add_mapping("m", "k", "x")
        .expect_err("in flow");
    assert!(error.helps()[0].contains("m: {k: x}"), "{error:?}");
}
