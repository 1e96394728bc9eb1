//! What the parts of a word may hold, and what to do about a word that is no package.

use std::fmt;

use crate::error::Error;

/// What is wrong with a word, and what to do about it.
pub(super) struct Fault {
    message: String,
    help: String,
}

impl Fault {
    fn new(word: &str, why: impl fmt::Display, help: impl Into<String>) -> Self {
        Self {
            message: format!("`{}` is no package: {why}", shortened(word)),
            help: help.into(),
        }
    }

    pub(super) fn error(self) -> Error {
        Error::usage(self.message).help(self.help)
    }
}

/// A word that fits in a message, on one line.
fn shortened(word: &str) -> String {
    const LONGEST: usize = 64;
    let shown: String = word
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    let more = if word.chars().nth(LONGEST).is_some() {
        "…"
    } else {
        ""
    };
    format!("{shown}{more}")
}

/// Debian policy 5.6.1: lower case letters, digits, `+`, `-` and `.`, at least two characters, the
/// first one a letter or digit. apt reads `name-` as "remove name", so that is refused too.
pub(super) fn check_name(name: &str, word: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        return Err(wrong_character(c, name, word));
    }
    let rule = "names have two or more of a-z, 0-9, +, - and ., and start with a letter or digit";
    match name.chars().next() {
        None => Err(Fault::new(word, "it has no name", rule)),
        Some('-') => Err(Fault::new(
            word,
            "it starts with `-`",
            "options of apt-get have no place in a list of packages",
        )),
        Some('+' | '.') => Err(Fault::new(
            word,
            "it starts with neither letter nor digit",
            rule,
        )),
        Some(_) if name.len() < 2 => Err(Fault::new(word, "it has one character", rule)),
        Some(_) if name.ends_with('-') => Err(Fault::new(
            word,
            "apt-get would remove what ends with `-`",
            "remove the line instead, and the package with it",
        )),
        Some(_) => Ok(()),
    }
}

/// Explains a character that no name may hold by what somebody probably meant.
fn wrong_character(c: char, name: &str, word: &str) -> Fault {
    let why = format!("`{}` is not allowed in names", c.escape_debug());
    match c {
        '<' | '>' | '~' | '!' => Fault::new(
            word,
            why,
            "apt-get takes exact versions alone: write `name=version`, or the name alone",
        ),
        '#' => Fault::new(
            word,
            why,
            "put a space before the `#` that starts a comment",
        ),
        '\\' => Fault::new(
            word,
            why,
            "lines need no `\\` at their end: one name a line",
        ),
        ',' => Fault::new(
            word,
            why,
            "put a space or a new line between names, no comma",
        ),
        '/' => Fault::new(
            word,
            why,
            "files and target releases are not supported: write `name=version`",
        ),
        '_' => Fault::new(
            word,
            why,
            format!("did you mean `{}`?", name.replace('_', "-")),
        ),
        c if c.is_ascii_uppercase() => Fault::new(
            word,
            "names have no upper case",
            format!("did you mean `{}`?", name.to_lowercase()),
        ),
        c if "$`;|&(){}[]*?'\"".contains(c) => Fault::new(
            word,
            why,
            "a list holds names alone; commands belong in the Dockerfile",
        ),
        _ => Fault::new(
            word,
            why,
            "names have a-z, 0-9, +, - and ., such as `libgl1-mesa-dev`",
        ),
    }
}

/// An architecture as dpkg calls it: letters, digits and `-`.
pub(super) fn check_arch(arch: &str, word: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if arch.is_empty() || !arch.chars().all(allowed) {
        return Err(Fault::new(
            word,
            format!("`{}` is no architecture", shortened(arch)),
            "architectures are amd64, arm64, i386 and so on, as in `libc6:i386`",
        ));
    }
    Ok(())
}

/// Debian policy 5.6.12: letters, digits and `.`, `+`, `-`, `:`, `~`; apt takes `*` besides.
pub(super) fn check_version(version: &str, word: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".+-:~*".contains(c);
    if version.starts_with('=') {
        return Err(Fault::new(
            word,
            "`==` is pip's",
            format!("write `{}`", shortened(&word.replacen("==", "=", 1))),
        ));
    }
    if version.is_empty() || !version.chars().all(allowed) {
        return Err(Fault::new(
            word,
            format!("`{}` is no version", shortened(version)),
            "`apt-cache policy NAME` shows the versions that there are",
        ));
    }
    Ok(())
}
