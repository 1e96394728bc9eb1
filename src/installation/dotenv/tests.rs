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
        ("A= # comment", ""),
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
fn what_is_no_setting_is_refused_at_its_line() {
    for (text, line) in [
        ("A=1\nrm -rf /\n", 2),
        ("A='open\n", 1),
        ("A=\"x\" y\n", 1),
        ("=1\n", 1),
        ("A=1\n\nB=${X\n", 3),
        ("A=${}\n", 1),
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
    fn whatever_is_read_is_printed_unchanged(text in "([A-C]=[a-z'\"$#{}:\\\\ -]{0,8}\r?\n|# x\n|\n){0,8}") {
        if let Ok(dotenv) = Dotenv::parse(Path::new(".env"), &text) {
            prop_assert_eq!(dotenv.to_string(), text.clone());
            let mut changed = dotenv.clone();
            changed.set("NEW", "x").expect("a key");
            prop_assert!(changed.to_string().starts_with(text.trim_end_matches('\n')));
        }
    }
}
