//! Finds the assignments in the text, with their places.

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

fn assignment(text: &str, start: usize) -> Result<(Entry, usize), Problem> {
    let line_end = start + text[start..].find('\n').unwrap_or(text.len() - start);
    let mut key_start = start;
    if let Some(rest) = text[start..line_end].strip_prefix("export")
        && rest.starts_with([' ', '\t'])
    {
        key_start = line_end - rest.trim_start().len();
    }
    let line = &text[key_start..line_end];
    let separator = line.find(['=', ':']);
    let key = line[..separator.unwrap_or(line.len())].trim_end();
    let key_span = key_start..key_start + key.len();
    // Compose allows some more characters than a variable can have (`env_file:` keys).
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    if key.is_empty() || !key.chars().all(allowed) {
        return Err(Problem {
            why: if key.is_empty() {
                "it has no name".into()
            } else {
                format!("`{key}` is no name")
            },
            span: key_start..line_end.min(key_start + line.trim_end().len().max(1)),
        });
    }
    let entry = |value_span, template: String, expands| Entry {
        key: key.to_owned(),
        key_span: key_span.clone(),
        value_span,
        template,
        expands,
    };
    let Some(separator) = separator else {
        return Ok((entry(None, String::new(), false), line_end));
    };

    let after = key_start + separator + 1;
    let blank = text[after..line_end].len() - text[after..line_end].trim_start().len();
    let value_start = after + blank;
    let quote = text[value_start..]
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"'));
    let Some(quote) = quote.filter(|_| value_start < line_end) else {
        let value = unquoted(&text[after..line_end]);
        // An empty value stands right behind the separator, before blanks and a comment.
        let begin = if value.is_empty() { after } else { value_start };
        let span = begin..begin + value.len();
        return Ok((entry(Some(span), value.to_owned(), true), line_end));
    };
    let inside = value_start + 1;
    let Some(end) = closing(text, inside, quote) else {
        return Err(Problem {
            why: format!("the quote {quote} is not closed"),
            span: value_start..line_end,
        });
    };
    let raw = text[inside..end].replace("\r\n", "\n");
    let (template, expands) = match quote {
        '"' => (unescape(&raw), true),
        _ => (raw, false),
    };
    let behind = end + 1;
    let rest_end = behind + text[behind..].find('\n').unwrap_or(text.len() - behind);
    let rest = text[behind..rest_end].trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Err(Problem {
            why: "something stands behind the closing quote".into(),
            span: behind..rest_end,
        });
    }
    Ok((
        entry(Some(value_start..behind), template, expands),
        rest_end,
    ))
}

/// A value without quotes ends before ` #` and before blanks at the end of the line.
fn unquoted(text: &str) -> &str {
    let bytes = text.as_bytes();
    let comment = (1..bytes.len())
        .find(|index| bytes[*index] == b'#' && bytes[index - 1].is_ascii_whitespace());
    text[..comment.unwrap_or(text.len())].trim()
}

/// The position of the closing quote; one behind a backslash does not close.
fn closing(text: &str, from: usize, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in text[from..].char_indices() {
        if c == quote && !escaped {
            return Some(from + index);
        }
        // compose-go looks at the one character before the quote; for double quotes that would
        // leave `\\"` open, which its newer versions read as we do.
        escaped = c == '\\' && !(escaped && quote == '"');
    }
    None
}

/// Escapes between double quotes; `\$` becomes `$$`, which stands for a dollar sign when the
/// variables are filled in.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('a') => text.push('\u{07}'),
            Some('b') => text.push('\u{08}'),
            Some('f') => text.push('\u{0c}'),
            Some('v') => text.push('\u{0b}'),
            Some('$') => text.push_str("$$"),
            Some(other @ ('"' | '\\')) => text.push(other),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}
