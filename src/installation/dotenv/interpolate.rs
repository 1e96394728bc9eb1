//! Fills in variables: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
//! `${NAME:+other}`, `${NAME+other}`, `${NAME:?message}`, `${NAME?message}` and `$$`.

/// Fills in the variables of a template; one that is not found is empty. Nothing is executed:
/// `$(command)` stays as it is.
///
/// # Errors
/// The reason, when a `${` is not closed or holds no name.
pub fn expand(template: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(dollar) = rest.find('$') {
        text.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let end = closing_brace(inside).ok_or("a `${` is not closed")?;
            text.push_str(&braced(&inside[..end], look_up)?);
            rest = &inside[end + 1..];
        } else {
            let (name, after) = rest.split_at(name_length(rest));
            if name.is_empty() {
                text.push('$');
            } else {
                text.push_str(&look_up(name).unwrap_or_default());
            }
            rest = after;
        }
    }
    text.push_str(rest);
    Ok(text)
}

fn braced(inside: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, operator) = inside.split_at(name_length(inside));
    if name.is_empty() {
        return Err(format!("`${{{inside}}}` holds no name"));
    }
    let value = look_up(name);
    let filled = value.as_deref().is_some_and(|value| !value.is_empty());
    let found = value.is_some();
    let or_empty = value.unwrap_or_default();
    let mut characters = operator.chars();
    let (present, kind) = match characters.next() {
        None => return Ok(or_empty),
        Some(':') => (filled, characters.next()),
        other => (found, other),
    };
    let word = characters.as_str();
    match kind {
        Some('-') if !present => expand(word, look_up),
        Some('+') if present => expand(word, look_up),
        Some('+') => Ok(String::new()),
        Some('-' | '?') => Ok(or_empty),
        _ => Err(format!("`${{{inside}}}` is no variable")),
    }
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (index, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

fn name_length(text: &str) -> usize {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}
