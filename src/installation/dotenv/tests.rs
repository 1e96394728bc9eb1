use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Dotenv {
    Dotenv::parse(Path::new(".env"), text).expect(text)
}

#[test]
fn values_are_what_compose_reads() {
    // Checked against `docker compose config` of Compose 2.26.1.
    for (text, value) in [
        ("A=plain", "plain"),
        ("A = spaced value # inline", "spaced value"),
        ("A=has \"quotes\" inside", "has \"quotes\" inside"),
        ("A: value", "value"),
        ("A=${MISSING:-dflt}", "dflt"),
        ("A=${MISSING-d}", "d"),
        ("A=cost$$5", "cost$5"),
        ("A=C:\\new", "C:\\new"),
        ("A=$(date)", "$(date)"),
        ("A='single $X'", "single $X"),
        ("X=1\nA=\"dq ${X}\"", "dq 1"),
        ("X=1\nA=${X:+alt}", "alt"),
        ("A=${X:+alt}", ""),
        ("A=${X:-${Y:-deep}}", "deep"),
        ("export A=1", "1"),
        ("A=\"two\nlines\"", "two\nlines"),
        ("A=a#b", "a#b"),
        ("A=", ""),
        ("A= # comment", "# comment"),
        ("A=a # b # c", "a"),
        ("A=a\t#b", "a\t#b"),
        ("A='a\\\\'", "a\\\\"),
        ("A='a\\'b'", "a'b"),
        ("A=\"x\r\ny\"\r\n", "x\r\ny"),
        ("A=\"\\0101 \\012 \\c \\z\"", "A \\12 \\c \\z"),
        ("A=${X:-{y}z}", "{y}z"),
        ("A=${X:-1}} ${Y:-2}", "1} 2"),
        ("A=\u{2003}b\u{2003}", "\u{2003}b"),
        ("A=$1 $ ${Y}", "$1 $ "),
        ("\u{feff}A=1\r\nB=2\r\n", "1"),
        ("A=\"\\$x \\\"q\\\" \\\\\"", "$x \"q\" \\"),
        ("A=1\nA=2", "2"),
    ] {
        assert_eq!(read(text).get("A").as_deref(), Some(value), "{text:?}");
    }
}

#[test]
fn the_environment_goes_before_the_file() {
    let environment = |name: &str| (name == "A").then(|| "outside".to_owned());
    let values = read("A=inside\nB=${A}\nC\n").values(environment);
    assert_eq!(values["A"], "outside");
    assert_eq!(values["B"], "outside");
    assert!(!values.contains_key("C"));
}

#[test]
fn texts_of_compose_files_are_filled_in() {
    let settings = read("A=x\nB=${A}y\n");
    let environment = |name: &str| (name == "C" || name == "B").then(|| "outside".to_owned());
    for (text, filled) in [
        ("${A}-$B", Some("x-outside")),
        ("${C}${D}${E:-e}$$", Some("outsidee$")),
        ("${D:?no}", None),
    ] {
        let told = settings.fill(text, environment);
        assert_eq!(told.as_deref(), filled, "{text}");
    }
}

#[test]
fn what_is_no_setting_is_refused_at_its_line() {
    for (text, line) in [
        ("A=1\nrm -rf /\n", 2),
        ("A='open\n", 1),
        ("A=\"x\" y\n", 1),
        ("=1\n", 1),
        ("A=1\n\nB=${X\n", 3),
        ("A=${}\n", 1),
        ("B=${A:-x}\nA=${A:+${1}}\n", 2),
        ("A=\"${X:-a\nb}\"\n", 1),
        ("A=1\nB", 2),
        ("A=1\nB=\0\n", 2),
        ("A B=1\n", 1),
    ] {
        let error = Dotenv::parse(Path::new(".env"), text).expect_err(text);
        assert_eq!(error.places()[0].line_number(), Some(line), "{text:?}");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
    }
}

#[test]
fn an_edit_leaves_the_rest_alone() {
    let text = "# head\r\nexport A = old  # why\r\n\r\nB='x'\r\nC\r\n# tail";
    let mut dotenv = read(text);
    dotenv.set("A", "new value").expect("a key");
    dotenv.set("C", "3").expect("a key");
    dotenv.set("D", "it's").expect("a key");
    assert_eq!(
        dotenv.to_string(),
        "# head\r\nexport A = 'new value'  # why\r\n\r\nB='x'\r\nC=3\r\n# tail\r\nD=\"it's\"\r\n"
    );
}

#[test]
fn a_demanded_variable_that_is_missing_is_refused_with_the_message() {
    let dotenv = read("A=1\nB=${C:?ask your lab}\n");
    let error = dotenv
        .demand(Path::new(".env"), |_| None)
        .expect_err("missing");
    assert!(error.message().contains("ask your lab"), "{error}");
    assert_eq!(error.places()[0].line_number(), Some(2));
    let environment = |name: &str| (name == "C").then(|| "3".to_owned());
    dotenv.demand(Path::new(".env"), environment).expect("met");
    assert!(!dotenv.values(|_| None).contains_key("B"));
}

#[test]
fn a_comment_behind_a_value_stays_a_comment() {
    for (text, expected) in [
        ("A= # why\n", "A='new' # why\n"),
        ("A=\t# why\n", "A='new'\t # why\n"),
        ("A='x'# why\n", "A='new'# why\n"),
        ("A=\"x\"\t# why\n", "A='new'\t# why\n"),
        ("A=x # why\n", "A=new # why\n"),
        ("A=#value\n", "A=new\n"),
    ] {
        let mut dotenv = read(text);
        dotenv.set("A", "new").expect("a key");
        assert_eq!(dotenv.to_string(), expected);
        assert_eq!(dotenv.get("A").as_deref(), Some("new"), "{text:?}");
    }
}

#[test]
fn a_key_is_removed_with_its_lines_alone() {
    let mut dotenv = read("\u{feff}A=\"1\n2\" # x\r\n# keep\r\nexport A=3\r\nB=4\nA\n");
    assert!(dotenv.unset("A"));
    assert_eq!(dotenv.to_string(), "\u{feff}# keep\r\nB=4\n");
    assert!(!dotenv.unset("A"));
}

#[test]
fn what_other_readers_read_otherwise_is_told() {
    let dotenv = read("A=plain\nB=${X:-d}\nC=C:\\new\n");
    assert_eq!(dotenv.read_differently_elsewhere(), ["B", "C"]);
}

proptest! {
    #[test]
    fn any_value_comes_back_in_both_dialects(value in "[^\0\r]{0,40}", before in "[a-z ]{0,10}") {
        let mut dotenv = read(&format!("# {before}\nA='{before}'\nA_KEY=old # c\nZ=9\n"));
        dotenv.set("A_KEY", &value).expect("a key");
        let text = dotenv.to_string();
        let again = read(&text);
        prop_assert_eq!(again.get("A_KEY"), Some(value.clone()));
        prop_assert_eq!(again.get("Z"), Some("9".to_owned()));
        prop_assert!(text.contains(" # c\n"));
        prop_assert_eq!(again.read_differently_elsewhere(), Vec::<String>::new(), "{}", text);
    }

    #[test]
    fn edits_touch_one_value_alone(text in "([A-C] ?[=:] ?[a-z'\"$#{}:\\\\\t -]{0,8}\r?\n|export B='x\ny'#z\n|# x\n|C\n|\n){0,8}", value in "[ -~é\n\r]{0,8}") {
        if let Ok(dotenv) = Dotenv::parse(Path::new(".env"), &text) {
            prop_assert_eq!(dotenv.to_string(), text.clone());
            let before = dotenv.values(|_| None);
            let comments = text.matches('#').count();
            for key in ["A", "NEW"] {
                let mut changed = dotenv.clone();
                changed.set(key, &value).expect("a key");
                let again = read(&changed.to_string());
                prop_assert_eq!(again.get(key), Some(value.clone()), "{:?}", changed.to_string());
                // Values that mention the changed one follow it; the others stay.
                if !text.contains('$') {
                    let mut expected = before.clone();
                    expected.insert(key.to_owned(), value.clone());
                    prop_assert_eq!(again.values(|_| None), expected);
                }
                if key == "NEW" {
                    prop_assert!(changed.to_string().starts_with(&text));
                    prop_assert!(changed.to_string().matches('#').count() >= comments);
                    changed.unset("NEW");
                    prop_assert_eq!(changed.to_string(), text.clone());
                }
            }
            let mut without = dotenv.clone();
            without.unset("A");
            prop_assert!(without.keys().all(|key| key != "A"));
        }
    }

    #[test]
    fn no_text_panics(text in "[ -~\n\r\té]{0,60}") {
        if let Ok(dotenv) = Dotenv::parse(Path::new(".env"), &text) {
            dotenv.values(|_| None);
        }
    }
}
