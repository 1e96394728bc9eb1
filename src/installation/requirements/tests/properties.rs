//! What holds for files that no person would write.

use proptest::prelude::*;

use super::*;

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
