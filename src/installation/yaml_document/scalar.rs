//! Writes a text as a YAML scalar that every reader takes for that text.

use serde_yaml::Value;

/// Words that readers of YAML 1.1 (PyYAML, ruamel and yaml-cpp among them) take for booleans or
/// nothing, though YAML 1.2 has them as text.
const NOT_TEXT_ELSEWHERE: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "null", "~"];

/// How a scalar is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes where that is possible.
    Plain,
    /// Between single quotes where that is possible.
    Single,
    /// Between double quotes.
    Double,
}

impl Style {
    /// The style of a scalar as it stands in a file; `None` for block scalars and for what is
    /// tagged, anchored or an alias.
    pub fn of(written: &str) -> Option<Self> {
        match written.chars().next()? {
            '"' => Some(Self::Double),
            '\'' => Some(Self::Single),
            '|' | '>' | '&' | '*' | '!' | '{' | '[' => None,
            _ => Some(Self::Plain),
        }
    }
}

/// The text as a scalar on one line; `in_flow` where brackets and commas have a meaning.
pub fn scalar(text: &str, style: Style, in_flow: bool) -> String {
    let is_plain = style == Style::Plain && is_plain(text, in_flow);
    if is_plain {
        text.to_owned()
    } else if style == Style::Double {
        double_quoted(text)
    } else {
        quoted(text)
    }
}

/// The text between quotes: single ones where no character must be escaped.
pub fn quoted(text: &str) -> String {
    if text.chars().any(needs_escape) {
        double_quoted(text)
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn is_plain(text: &str, in_flow: bool) -> bool {
    let lower = text.to_ascii_lowercase();
    if text.chars().any(needs_escape) || NOT_TEXT_ELSEWHERE.contains(&lower.as_str()) {
        return false;
    }
    // As an item and as a value: `a: b` and `- a` would be more than a text.
    let document = match in_flow {
        true => format!("[{text}, {{k: {text}}}]"),
        false => format!("- {text}\n- k: {text}\n"),
    };
    let read: Result<Value, _> = serde_yaml::from_str(&document);
    let Ok(Value::Sequence(items)) = read else {
        return false;
    };
    matches!(items.as_slice(), [item, mapping]
        if item.as_str() == Some(text) && mapping.get("k").and_then(Value::as_str) == Some(text))
}

/// Characters that some reader takes for a line break, or refuses.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn double_quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            c if needs_escape(c) => written.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn package_names_need_no_quotes_and_odd_texts_get_them() {
        for plain in [
            "numpy",
            "numpy>=1.2,<2",
            "x @ git+https://h/x#egg=x",
            "pytorch::cuda",
        ] {
            assert_eq!(scalar(plain, Style::Plain, false), plain);
        }
        for (text, written) in [
            ("1.5", "'1.5'"),
            ("no", "'no'"),
            ("", "''"),
            ("a: b", "'a: b'"),
            ("a # b", "'a # b'"),
            ("- a", "'- a'"),
            ("it's: x", "'it''s: x'"),
            ("a\nb", "\"a\\nb\""),
            ("*x", "'*x'"),
        ] {
            assert_eq!(scalar(text, Style::Plain, false), written);
        }
        assert_eq!(scalar("a,b", Style::Plain, true), "'a,b'");
        assert_eq!(scalar("a\"b", Style::Double, false), "\"a\\\"b\"");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), style in 0..3) {
            let style = [Style::Plain, Style::Single, Style::Double][style as usize];
            for in_flow in [false, true] {
                let written = scalar(&text, style, in_flow);
                let file = match in_flow {
                    true => format!("[{written}, {{k: {written}}}]"),
                    false => format!("- {written}\n- k: {written}\n"),
                };
                let read: Value = serde_yaml::from_str(&file).expect("valid");
                prop_assert_eq!(read[0].as_str(), Some(text.as_str()));
                prop_assert_eq!(read[1]["k"].as_str(), Some(text.as_str()));
            }
        }
    }
}
