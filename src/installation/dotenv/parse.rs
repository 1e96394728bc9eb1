//! Finds the assignments in the text, with their places.
//!
//! Source: compose-go's `dotenv/parser.go`; compared value by value with `docker compose config`
//! of Compose 2.26.1. Two things that Compose lets pass are refused, because it would silently
//! lose what the person wrote: text behind a closing quote, and blanks inside a name.

use std::ops::Range;

use super::Entry;

/// What is wrong, and where.
#[derive(Debug)]
pub struct Problem {
    pub why: String,
    pub span: Range<usize>,
}

/// Whether a text can be a key of ours: what a shell can also have as a variable.
pub fn is_key(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// All assignments of the text.
pub fn entries(text: &str) -> Result<Vec<Entry>, Problem> {
    if let Some(zero) = text.find('\0') {
        return Err(Problem {
            why: "it holds a zero byte, which no variable can".into(),
            span: zero..zero + 1,
        });
    }
    let mut entries = Vec::new();
    let mut position = if text.starts_with('\u{feff}') { 3 } else { 0 };
    while let Some(start) = statement(text, position) {
        let (entry, end) = assignment(text, start)?;
        entries.push(entry);
        position = end;
    }
    Ok(entries)
}

/// Where the next statement begins, behind blank lines and comments.
fn statement(text: &str, mut position: usize) -> Option<usize> {
    loop {
        let rest = &text[position..];
        let start = position + rest.find(|c: char| !c.is_whitespace())?;
        if !text[start..].starts_with('#') {
            return Some(start);
        }
        position = start + text[start..].find('\n')?;
    }
}

/// The assignment that begins at `start`, and where it ends.
fn assignment(text: &str, start: usize) -> Result<(Entry, usize), Problem> {
    let line_end = end_of_line(text, start);
    let (key_span, separator) = key(text, start, line_end)?;
    let entry = |value_span, template: String, expands| Entry {
        key: text[key_span.clone()].to_owned(),
        key_span: key_span.clone(),
        value_span,
        template,
        expands,
    };
    let Some(separator) = separator else {
        return Ok((entry(None, String::new(), false), line_end));
    };

    let behind = separator + 1;
    let line = text[behind..line_end].trim_start_matches(is_blank);
    let value_start = line_end - line.len();
    let quote = match line.chars().next() {
        Some(quote @ ('\'' | '"')) => quote,
        _ => {
            let value = line.split_once(" #").map_or(line, |(value, _)| value);
            let value = value.trim_end();
            // An empty value stands right behind the separator, before blanks.
            let begin = if value.is_empty() {
                behind
            } else {
                value_start
            };
            let span = begin..begin + value.len();
            return Ok((entry(Some(span), value.to_owned(), true), line_end));
        }
    };

    let inside = value_start + 1;
    let Some((content, length)) = content(&text[inside..], quote) else {
        return Err(Problem {
            why: format!("the quote {quote} is not closed"),
            span: value_start..line_end,
        });
    };
    let value_end = inside + length + 1;
    let rest_end = end_of_line(text, value_end);
    let rest = text[value_end..rest_end].trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Err(Problem {
            why: "something stands behind the closing quote".into(),
            span: value_end..rest_end,
        });
    }
    let (template, expands) = match quote {
        '"' => (unescape(&content), true),
        _ => (content, false),
    };
    let value_span = value_start..value_end;
    Ok((entry(Some(value_span), template, expands), rest_end))
}

/// The name that begins at `start`, and where its `=` or `:` stands, if it has one.
fn key(
    text: &str,
    start: usize,
    line_end: usize,
) -> Result<(Range<usize>, Option<usize>), Problem> {
    let mut key_start = start;
    if let Some(rest) = text[start..line_end].strip_prefix("export")
        && rest.starts_with([' ', '\t', '\r', '\x0c'])
    {
        key_start = line_end - rest.trim_start_matches(is_blank).len();
    }
    let line = &text[key_start..line_end];
    let separator = line.find(['=', ':']);
    let key = line[..separator.unwrap_or(line.len())].trim_end();
    // Compose allows some more characters than a variable can have (`env_file:` keys).
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let why = if key.is_empty() {
        "it has no name".to_owned()
    } else if !key.chars().all(allowed) {
        let shown: String = key.chars().take(60).collect();
        format!("`{}` is no name", shown.escape_debug())
    } else if separator.is_none() && line_end == text.len() {
        // Compose 2.26: "setenv: invalid argument".
        "Compose needs a line break behind a name without a value".to_owned()
    } else {
        let span = key_start..key_start + key.len();
        return Ok((span, separator.map(|separator| key_start + separator)));
    };
    Err(Problem {
        why,
        span: key_start..key_start + line.trim_end().len(),
    })
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..]
        .find('\n')
        .map_or(text.len(), |length| from + length)
}

/// Blanks inside a line, as Compose counts them: fewer than Unicode has.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

/// What stands before the closing quote, and its length in the text. A backslash hides a quote
/// and disappears before it; before anything else it stays for [`unescape`].
fn content(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut is_escaped = false;
    for (index, c) in text.char_indices() {
        if c == quote {
            if !is_escaped {
                return Some((content, index));
            }
            is_escaped = false;
        } else if c == '\\' && !is_escaped {
            is_escaped = true;
            continue;
        } else if is_escaped {
            is_escaped = false;
            content.push('\\');
        }
        content.push(c);
    }
    None
}

/// Escapes between double quotes; `\$` becomes `$$`, which stands for a dollar sign when the
/// variables are filled in.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        rest = &rest[backslash + 1..];
        let Some(c) = rest.chars().next() else {
            text.push('\\');
            break;
        };
        let replacement = match c {
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'a' => "\u{07}",
            'b' => "\u{08}",
            'f' => "\u{0c}",
            'v' => "\u{0b}",
            '$' => "$$",
            '"' => "\"",
            '\\' => "\\",
            '0' => {
                let digits = rest[1..]
                    .bytes()
                    .take(3)
                    .take_while(u8::is_ascii_digit)
                    .count();
                text.push_str(&octal(&rest[1..=digits]));
                rest = &rest[1 + digits..];
                continue;
            }
            // Not an escape; the character itself may begin the next one.
            _ => {
                text.push('\\');
                continue;
            }
        };
        text.push_str(replacement);
        rest = &rest[c.len_utf8()..];
    }
    text.push_str(rest);
    text
}

/// `\0` and three octal digits are the character of that number; with fewer, Compose leaves the
/// digits but not the zero.
fn octal(digits: &str) -> String {
    match u8::from_str_radix(digits, 8) {
        Ok(code) if digits.len() == 3 => char::from(code).to_string(),
        _ => format!("\\{digits}"),
    }
}
