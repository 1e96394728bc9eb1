//! Environment markers, `python_version < "3.11" and sys_platform == "linux"`: their grammar.

/// The variables of the dependency specifiers' standard, and the older spellings that pip takes.
const VARIABLES: [&str; 20] = [
    "python_version",
    "python_full_version",
    "os_name",
    "sys_platform",
    "platform_release",
    "platform_system",
    "platform_version",
    "platform_machine",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "extra",
    "extras",
    "dependency_groups",
    "os.name",
    "sys.platform",
    "platform.version",
    "platform.machine",
    "platform.python_implementation",
    "python_implementation",
];

/// A piece of a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Text(&'a str),
    Word(&'a str),
    Operator(&'a str),
}

/// Checks a marker and brings it into one form: equal markers that differ in white space and
/// quotes come out equal. The error says what is wrong.
pub(super) fn normalised(marker: &str) -> Result<String, String> {
    if marker.contains("${") {
        return Ok(marker.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let tokens = tokens(marker)?;
    check(&tokens)?;
    let words: Vec<String> = tokens.iter().map(print).collect();
    Ok(words.join(" "))
}

fn print(token: &Token<'_>) -> String {
    match token {
        Token::Open => "(".to_owned(),
        Token::Close => ")".to_owned(),
        Token::Text(text) if text.contains('"') => format!("'{text}'"),
        Token::Text(text) => format!("\"{text}\""),
        Token::Word(word) | Token::Operator(word) => (*word).to_owned(),
    }
}

fn tokens(marker: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' | '\'' => {
                let length = rest[1..].find(first).ok_or("a quote is not closed")?;
                (Token::Text(&rest[1..=length]), length + 2)
            }
            c if "<>=!~".contains(c) => {
                let length = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                (Token::Operator(&rest[..length]), length)
            }
            c if c.is_ascii_alphabetic() => {
                let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
                (Token::Word(&rest[..length]), length)
            }
            c => return Err(format!("`{}` is not expected", c.escape_debug())),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Values and operators take turns, `and` and `or` stand between comparisons, brackets match.
fn check(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut rest = tokens;
    let mut depth = 0_usize;
    loop {
        while let [Token::Open, tail @ ..] = rest {
            depth += 1;
            rest = tail;
        }
        rest = comparison(rest)?;
        while let [Token::Close, tail @ ..] = rest {
            depth = depth.checked_sub(1).ok_or("`)` has no `(`")?;
            rest = tail;
        }
        match rest {
            [] if depth > 0 => return Err("a `(` is not closed".to_owned()),
            [] => return Ok(()),
            [Token::Word("and" | "or"), tail @ ..] => rest = tail,
            [token, ..] => return Err(format!("`{}` is not expected", print(token))),
        }
    }
}

/// One comparison from the start of the tokens; gives back what follows it.
fn comparison<'a, 't>(tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], String> {
    let tokens = value(tokens)?;
    let tokens = match tokens {
        [
            Token::Operator("<" | "<=" | ">" | ">=" | "==" | "!=" | "~=" | "==="),
            rest @ ..,
        ]
        | [Token::Word("in"), rest @ ..]
        | [Token::Word("not"), Token::Word("in"), rest @ ..] => rest,
        [token, ..] => return Err(format!("`{}` is no comparison", print(token))),
        [] => return Err("a comparison is missing at its end".to_owned()),
    };
    value(tokens)
}

fn value<'a, 't>(tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], String> {
    match tokens {
        [Token::Text(_), rest @ ..] => Ok(rest),
        [Token::Word(word), rest @ ..] if VARIABLES.contains(word) => Ok(rest),
        [Token::Word(word), ..] => Err(format!("`{word}` is no variable of markers")),
        [token, ..] => Err(format!(
            "`{}` stands where a value is expected",
            print(token)
        )),
        [] => Err("a value is missing at its end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_markers_come_out_equal() {
        for (marker, expected) in [
            ("python_version<'3.11'", "python_version < \"3.11\""),
            (
                " ( os_name == 'nt' or  sys_platform==\"linux\" ) and extra == 'x'",
                "( os_name == \"nt\" or sys_platform == \"linux\" ) and extra == \"x\"",
            ),
            ("'win' not in sys_platform", "\"win\" not in sys_platform"),
            ("python_version < '${V}'", "python_version < '${V}'"),
        ] {
            assert_eq!(normalised(marker).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_marker_is_explained() {
        for (marker, why) in [
            ("", "a value is missing"),
            ("python_version", "a comparison is missing"),
            ("python_version <", "a value is missing"),
            ("python < '3'", "`python` is no variable"),
            ("python_version < 3", "`3` is not expected"),
            ("python_version = '3'", "`=` is no comparison"),
            ("python_version < '3", "a quote"),
            ("(os_name == 'a'", "`(` is not closed"),
            ("os_name == 'a')", "has no `(`"),
            ("os_name == 'a' os_name == 'b'", "`os_name` is not expected"),
            ("os_name == 'a' and", "a value is missing"),
        ] {
            let error = normalised(marker).expect_err(marker);
            assert!(error.contains(why), "{marker:?}: {error}");
        }
        assert!(normalised(&"(".repeat(100_000)).is_err());
    }
}
