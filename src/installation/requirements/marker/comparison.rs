//! Two values of a marker held against each other.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifier};

use super::Token;
use crate::installation::requirements::names::normalise;

/// Two values and what is asked of them.
pub(super) struct Comparison<'t> {
    pub(super) left: &'t Token,
    pub(super) operator: &'t str,
    pub(super) right: &'t Token,
}

impl Comparison<'_> {
    /// Whether it holds, as [`Marker::holds`](super::Marker::holds) has it.
    pub(super) fn holds(
        &self,
        value: &impl Fn(&str) -> Option<String>,
        extra: Option<&str>,
    ) -> bool {
        let pair = match (self.left, self.right) {
            (word, Token::Text(asked)) | (Token::Text(asked), word) if word.is_word("extra") => {
                let same = extra == Some(normalise(asked).as_str());
                return same != (self.operator == "!=");
            }
            pair => pair,
        };
        let value = |token: &Token| match token {
            Token::Text(text) => Some(text.clone()),
            Token::Word(word) => value(word),
            _ => None,
        };
        let (Some(left), Some(right)) = (value(pair.0), value(pair.1)) else {
            return true;
        };
        match self.operator {
            "in" => right.contains(&left),
            "not in" => !right.contains(&left),
            operator => as_versions(&left, operator, &right)
                .unwrap_or_else(|| as_texts(&left, operator, &right)),
        }
    }
}

/// The comparison of two versions (PEP 440); `None` for what are none.
fn as_versions(left: &str, operator: &str, right: &str) -> Option<bool> {
    let left = Version::from_str(left).ok()?;
    let asked = |right: &str| VersionSpecifier::from_str(&format!("{operator}{right}")).ok();
    // Older packages write `>= "3.5.*"`, which has no meaning of its own.
    let asked = asked(right).or_else(|| asked(right.trim_end_matches(".*")))?;
    Some(asked.contains(&left))
}

fn as_texts(left: &str, operator: &str, right: &str) -> bool {
    match operator {
        "==" | "===" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        _ => true,
    }
}
