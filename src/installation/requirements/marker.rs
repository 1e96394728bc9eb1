//! Environment markers, `python_version < "3.11" and sys_platform == "linux"`: what they say, and
//! whether they hold.
//!
//! Format: the grammar of dependency specifiers,
//! <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>.

mod comparison;

use std::fmt;

use super::fault::{Fault, shown};
use super::names::normalise;
use comparison::Comparison;

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

/// Words that are no variables.
const KEYWORDS: [&str; 4] = ["and", "or", "in", "not"];

/// What two values are compared with, besides `in` and `not in`.
const OPERATORS: [&str; 8] = ["<", "<=", ">", ">=", "==", "!=", "~=", "==="];

/// A piece of a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Text(String),
    Word(String),
    Operator(String),
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }
}

/// As it is written in a marker.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::Text(text) if text.contains('"') => write!(f, "'{text}'"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Word(word) | Self::Operator(word) => f.write_str(word),
        }
    }
}

/// A marker that follows the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Values and operators take turns, `and` and `or` stand between comparisons, brackets match.
    tokens: Vec<Token>,
}

/// In one form: equal markers that differ in white space and quotes come out equal.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.tokens.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}{token}")?;
        }
        Ok(())
    }
}

/// Checks a marker that a person wrote and brings it into one form. The error says what is wrong.
pub(super) fn normalised(marker: &str) -> Result<String, String> {
    if marker.contains("${") {
        return Ok(marker.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let marker = Marker::parse(marker)?;
    match marker.unknown_variable() {
        Some(word) => Err(format!("`{word}` is no variable of markers")),
        None => Ok(marker.to_string()),
    }
}

/// Checks a marker; it stays as it is written.
pub(super) fn checked(marker: &str) -> Result<String, Fault<'_>> {
    let marker = marker.trim();
    match normalised(marker) {
        Ok(_) => Ok(marker.to_owned()),
        Err(why) => Err(Fault::new(
            marker,
            format!(
                "`{}` is no environment marker: {}",
                shown(marker),
                shown(&why)
            ),
            "write it as in `name ; python_version < \"3.11\" and sys_platform == \"linux\"`",
        )),
    }
}

impl Marker {
    /// Reads a marker; the error says what is wrong. Its variables need not be known.
    ///
    /// # Errors
    /// When it does not follow the grammar.
    pub fn parse(marker: &str) -> Result<Self, String> {
        let tokens = tokens(marker)?;
        check(&tokens)?;
        Ok(Self { tokens })
    }

    /// Whether it holds where `value` tells what a variable is and the package that it stands in
    /// is wanted with `extra` (or without any). A comparison with what is not known holds.
    pub fn holds(&self, value: impl Fn(&str) -> Option<String>, extra: Option<&str>) -> bool {
        // Comparisons and operators wait for the end of what binds more strongly; nothing here
        // recurses, since a package may write as many brackets as it likes.
        let (mut results, mut operators) = (Vec::new(), Vec::new());
        let mut rest = self.tokens.as_slice();
        loop {
            rest = match rest {
                [] => break,
                [Token::Open, rest @ ..] => {
                    operators.push(Connective::Open);
                    rest
                }
                [Token::Close, rest @ ..] => {
                    reduce(&mut results, &mut operators, Connective::Or);
                    operators.pop();
                    rest
                }
                [Token::Word(word), rest @ ..] if word == "and" => {
                    reduce(&mut results, &mut operators, Connective::And);
                    operators.push(Connective::And);
                    rest
                }
                [Token::Word(word), rest @ ..] if word == "or" => {
                    reduce(&mut results, &mut operators, Connective::Or);
                    operators.push(Connective::Or);
                    rest
                }
                rest => {
                    let Ok((compared, rest)) = comparison(rest) else {
                        return true;
                    };
                    results.push(compared.holds(&value, extra));
                    rest
                }
            };
        }
        reduce(&mut results, &mut operators, Connective::Or);
        results.pop().unwrap_or(true)
    }

    /// The extras that it asks about, normalised.
    pub fn extras(&self) -> impl Iterator<Item = String> {
        self.tokens.windows(3).filter_map(|window| match window {
            [word, Token::Operator(_), Token::Text(extra)]
            | [Token::Text(extra), Token::Operator(_), word]
                if word.is_word("extra") =>
            {
                Some(normalise(extra))
            }
            _ => None,
        })
    }

    fn unknown_variable(&self) -> Option<&str> {
        self.tokens.iter().find_map(|token| match token {
            Token::Word(word) if KEYWORDS.contains(&word.as_str()) => None,
            Token::Word(word) if VARIABLES.contains(&word.as_str()) => None,
            Token::Word(word) => Some(word.as_str()),
            _ => None,
        })
    }
}

/// What connects comparisons, from what binds least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Connective {
    Open,
    Or,
    And,
}

/// Applies the operators that wait, back to one that binds less strongly than `next`.
fn reduce(results: &mut Vec<bool>, operators: &mut Vec<Connective>, next: Connective) {
    while let Some(operator) = operators.pop_if(|operator| *operator >= next) {
        let (Some(right), Some(left)) = (results.pop(), results.pop()) else {
            return;
        };
        results.push(match operator {
            Connective::And => left && right,
            Connective::Or | Connective::Open => left || right,
        });
    }
}

fn tokens(marker: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' | '\'' => {
                let length = rest[1..].find(first).ok_or("a quote is not closed")?;
                (Token::Text(rest[1..=length].to_owned()), length + 2)
            }
            c if "<>=!~".contains(c) => {
                let length = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                (Token::Operator(rest[..length].to_owned()), length)
            }
            c if c.is_ascii_alphabetic() => {
                let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            c => return Err(format!("`{}` is not expected", c.escape_debug())),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Whether the tokens follow the grammar.
fn check(tokens: &[Token]) -> Result<(), String> {
    let mut rest = tokens;
    let mut depth = 0_usize;
    loop {
        while let [Token::Open, tail @ ..] = rest {
            depth += 1;
            rest = tail;
        }
        (_, rest) = comparison(rest)?;
        while let [Token::Close, tail @ ..] = rest {
            depth = depth.checked_sub(1).ok_or("`)` has no `(`")?;
            rest = tail;
        }
        match rest {
            [] if depth > 0 => return Err("a `(` is not closed".to_owned()),
            [] => return Ok(()),
            [word, tail @ ..] if word.is_word("and") || word.is_word("or") => rest = tail,
            [token, ..] => return Err(format!("`{token}` is not expected")),
        }
    }
}

/// One comparison from the start of the tokens, and what follows it.
fn comparison(tokens: &[Token]) -> Result<(Comparison<'_>, &[Token]), String> {
    let (left, tokens) = value(tokens)?;
    let (operator, tokens) = match tokens {
        [Token::Operator(operator), rest @ ..] if OPERATORS.contains(&operator.as_str()) => {
            (operator.as_str(), rest)
        }
        [word, rest @ ..] if word.is_word("in") => ("in", rest),
        [not, word, rest @ ..] if not.is_word("not") && word.is_word("in") => ("not in", rest),
        [token, ..] => return Err(format!("`{token}` is no comparison")),
        [] => return Err("a comparison is missing at its end".to_owned()),
    };
    let (right, tokens) = value(tokens)?;
    let comparison = Comparison {
        left,
        operator,
        right,
    };
    Ok((comparison, tokens))
}

fn value(tokens: &[Token]) -> Result<(&Token, &[Token]), String> {
    match tokens {
        [value @ Token::Text(_), rest @ ..] => Ok((value, rest)),
        [value @ Token::Word(word), rest @ ..] if !KEYWORDS.contains(&word.as_str()) => {
            Ok((value, rest))
        }
        [token, ..] => Err(format!("`{token}` stands where a value is expected")),
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
            ("and == 'a'", "`and` stands where a value"),
        ] {
            let error = normalised(marker).expect_err(marker);
            assert!(error.contains(why), "{marker:?}: {error}");
        }
        assert!(normalised(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn and_binds_more_strongly_than_or_and_brackets_most() {
        let holds = |marker: &str| {
            let marker = Marker::parse(marker).expect(marker);
            marker.holds(|variable| Some(variable.to_owned()), None)
        };
        for (marker, expected) in [
            ("t == 't' or t == 't' and t == 'f'", true),
            ("(t == 't' or t == 't') and t == 'f'", false),
            ("t == 'f' and t == 'f' or t == 't'", true),
            ("t == 'f' and (t == 'f' or (t == 't'))", false),
            ("t == 'f' or t == 'f' or t == 't' and (t == 't')", true),
        ] {
            assert_eq!(holds(marker), expected, "{marker}");
        }
        let brackets = 100_000;
        assert!(!holds(&format!(
            "{}t == 'f'{}",
            "(".repeat(brackets),
            ")".repeat(brackets)
        )));
    }
}
