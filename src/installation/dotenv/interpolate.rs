//! Fills in variables: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
//! `${NAME:+other}`, `${NAME+other}`, `${NAME:?message}`, `${NAME?message}` and `$$`.
//!
//! Source: compose-go's `template/template.go`, whose regular expression takes the longest match
//! on the line and then looks for the brace that closes it; both are followed here, since braces
//! inside a default are read by the one and counted by the other.

/// How deep defaults may stand inside defaults, so that no file can exhaust the stack.
const DEEPEST: usize = 50;

/// Why a text could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not of the form that Compose reads.
    Form(String),
    /// A variable that it demands (`${NAME:?message}`) has no value.
    Missing {
        /// The variable.
        name: String,
        /// What the person wrote behind the question mark; may be empty.
        message: String,
    },
}

/// Fills in the variables of a template; one that is not found is empty. Nothing is executed:
/// `$(command)` stays as it is.
pub fn expand(template: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    Filling {
        look_up,
        only_form: false,
    }
    .fill(template, 0)
}

/// Checks the form alone, in every branch, whatever the variables may be.
pub fn check_form(template: &str) -> Result<(), Fault> {
    let look_up = |_: &str| None;
    Filling {
        look_up: &look_up,
        only_form: true,
    }
    .fill(template, 0)
    .map(drop)
}

struct Filling<'a> {
    look_up: &'a dyn Fn(&str) -> Option<String>,
    /// Read every default, used or not, and demand nothing.
    only_form: bool,
}

impl Filling<'_> {
    fn fill(&self, template: &str, depth: usize) -> Result<String, Fault> {
        if depth > DEEPEST {
            return Err(Fault::Form(format!(
                "more than {DEEPEST} defaults stand inside each other"
            )));
        }
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(dollar) = rest.find('$') {
            text.push_str(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                text.push('$');
                rest = after;
            } else if rest.starts_with('{') {
                let (inside, after) = braces(rest)?;
                text.push_str(&self.braced(inside, depth)?);
                rest = after;
            } else {
                let (name, after) = rest.split_at(name_length(rest));
                match name.is_empty() {
                    true => text.push('$'),
                    false => text.push_str(&(self.look_up)(name).unwrap_or_default()),
                }
                rest = after;
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    /// The value of what stands between `${` and `}`.
    fn braced(&self, inside: &str, depth: usize) -> Result<String, Fault> {
        let (name, operator) = inside.split_at(name_length(inside));
        let value = (self.look_up)(name);
        let (is_present, operator) = match operator.strip_prefix(':') {
            Some(rest) => (
                value.as_deref().is_some_and(|value| !value.is_empty()),
                rest,
            ),
            None => (value.is_some(), operator),
        };
        let value = value.unwrap_or_default();
        let mut characters = operator.chars();
        let kind = characters.next();
        let word = characters.as_str();
        if self.only_form {
            return self.fill(word, depth + 1);
        }
        match kind {
            Some('-') if !is_present => self.fill(word, depth + 1),
            Some('+') if is_present => self.fill(word, depth + 1),
            Some('?') if !is_present => Err(Fault::Missing {
                name: name.to_owned(),
                message: self.fill(word, depth + 1)?,
            }),
            // With `+` and without a value, or `:+` and an empty one, nothing is left.
            _ => Ok(value),
        }
    }
}

/// Splits what follows a `$`, which begins with `{`, into what stands between the braces and
/// what follows them.
fn braces(text: &str) -> Result<(&str, &str), Fault> {
    let name = name_length(&text[1..]);
    let behind_name = &text[1 + name..];
    if name > 0 && behind_name.starts_with('}') {
        return Ok((&text[1..=name], &behind_name[1..]));
    }
    let operator = behind_name.strip_prefix(':').unwrap_or(behind_name);
    if name == 0 || !operator.starts_with(['-', '+', '?']) {
        let shown: String = text.chars().take(30).collect();
        let shown = shown.lines().next().unwrap_or_default();
        return Err(Fault::Form(format!("`${shown}` is no variable")));
    }
    // The longest match ends at the last brace of the line.
    let line = text.split('\n').next().unwrap_or_default();
    let Some(last) = line.rfind('}') else {
        return Err(Fault::Form(format!(
            "`${{{}` is not closed on its line",
            &text[1..=name]
        )));
    };
    let end = first_closing(&text.as_bytes()[..=last]).unwrap_or(last);
    Ok((&text[1..end], &text[end + 1..]))
}

/// The brace that closes the first one; as in Compose, whatever stands right behind an opening
/// brace is not looked at.
fn first_closing(text: &[u8]) -> Option<usize> {
    let mut depth = 0_i32;
    let mut index = 0;
    while let Some(byte) = text.get(index) {
        match byte {
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(index);
                }
            }
            b'{' => {
                depth += 1;
                index += 1;
            }
            _ => {}
        }
        index += 1;
    }
    None
}

fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}
