//! YAML for files that envtpl alone writes: one form for one value, plain for people and for git,
//! and the same to readers of YAML 1.1 and 1.2, which take `no`, `1:20` and `1e3` differently.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::installation::yaml_document::quoted;

/// A value as a YAML document, in block style.
///
/// # Errors
/// When the value cannot be serialised.
pub fn to_yaml(value: &impl Serialize) -> Result<String> {
    let value = serde_json::to_value(value)
        .map_err(|source| Error::failed("cannot write YAML").because(source))?;
    let mut text = String::new();
    block(&value, 0, &mut text);
    Ok(text)
}

/// Writes a mapping or a list, each entry on lines of its own.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                text.push_str(&" ".repeat(indent));
                text.push_str(&scalar(&Value::String(key.clone())));
                text.push(':');
                behind_key(value, indent, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                block(item, indent + 2, &mut inner);
                text.push_str(&" ".repeat(indent));
                text.push_str("- ");
                text.push_str(inner.trim_start_matches(' '));
            }
        }
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

fn behind_key(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            text.push('\n');
            block(value, indent + 2, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block(value, indent, text);
        }
        other => {
            text.push(' ');
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) if is_plain(string) => string.clone(),
        Value::String(string) => quoted(string),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// Whether a text without quotes is the same text to every reader: a name, an address, or a
/// version that is no number.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan",
    ];
    let first = text.chars().next();
    let starts = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let version = is_dotted(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./+@:=~".contains(c);
    (starts || version)
        && text.chars().all(allowed)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Three or more numbers with dots: no number in any YAML.
fn is_dotted(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() > 2 && parts.iter().all(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_readers_might_take_for_something_else_is_quoted() {
        for text in [
            "no",
            "Yes",
            "null",
            "y",
            "1.10",
            "1:20",
            "1:2.39.5-0",
            "12",
            "1e3",
            "0x1",
            "",
            "~",
            "a: b",
            "- a",
            "#a",
            "a #b",
            "*a",
            "!a",
            ".nan",
            "-1",
            "a:",
            " a",
            "1_000",
            "2026-01-01",
        ] {
            let yaml = to_yaml(&text).expect("written");
            assert!(yaml.starts_with('\''), "{text:?}: {yaml}");
        }
        for text in [
            "numpy",
            "1.26.4",
            "https://h/x.git",
            "sha256:00ff",
            "lab/x:1",
            "/srv/x",
            "12.1.0.70",
        ] {
            assert_eq!(to_yaml(&text).expect("written"), format!("{text}\n"));
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "[ -~]{0,12}".prop_map(Value::from),
            Just(Value::from("two\nlines\ttab\u{7f}")),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-z #:]{1,6}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(value in any_value()) {
            let yaml = to_yaml(&value).expect("written");
            let read: Value = serde_yaml::from_str(&yaml).unwrap_or_else(|error| panic!("{error}:\n{yaml}"));
            prop_assert_eq!(read, value, "{}", yaml);
        }
    }
}
