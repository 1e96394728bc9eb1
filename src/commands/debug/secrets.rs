//! What a build's secrets are, so that nothing that is handed over has one.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::workplace::{Workplace, settings};
use crate::error::Result;
use crate::files::{self, EntryKind};
use crate::secrets::{HIDDEN, ranges};

/// Shorter texts are too common to be looked for.
const SHORTEST: usize = 4;

/// The secrets that the build of a service may read.
pub struct Secrets {
    values: BTreeSet<Vec<u8>>,
}

impl Secrets {
    /// Reads them as the build would.
    ///
    /// # Errors
    /// `Usage` when `.env` cannot be read. A secret that cannot be read is none.
    pub fn of(workplace: &Workplace<'_>, service: &str) -> Result<Self> {
        let settings = settings(workplace.installation)?;
        let settings = settings.values(|name| std::env::var(name).ok());
        let build = workplace.model.services.get(service);
        let build = build.and_then(|service| service.build.as_ref());
        let mut values = BTreeSet::new();
        for used in build.iter().flat_map(|build| &build.secrets) {
            let Some(secret) = workplace.model.secrets.get(&used.source) else {
                continue;
            };
            let file = secret.file.as_ref();
            let file = file.map(|file| workplace.installation.path(file));
            let text = match (file, &secret.environment) {
                // A device has no end.
                (Some(path), _) if files::size(&path).is_some_and(|size| size > 0) => {
                    files::read(&path).unwrap_or_default()
                }
                (None, Some(name)) => {
                    let value = std::env::var(name).ok();
                    let value = value.or_else(|| settings.get(name).cloned());
                    value.unwrap_or_default().into_bytes()
                }
                _ => Vec::new(),
            };
            values.extend(parts(&text));
        }
        Ok(Self { values })
    }

    /// Hides them in a text, byte for byte, so that what stands behind them stays where it is.
    /// Whether there was one.
    pub fn hide(&self, text: &mut [u8]) -> bool {
        let mut found = false;
        for value in &self.values {
            let mut at = 0;
            while let Some(next) = find(&text[at..], value) {
                text[at + next..at + next + value.len()].fill(b'*');
                at += next + value.len();
                found = true;
            }
        }
        found
    }

    /// Hides them in every file below a directory.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn hide_below(&self, directory: &Path) -> Result<()> {
        if self.values.is_empty() {
            return Ok(());
        }
        for entry in files::walk(directory)? {
            if entry.kind == EntryKind::File {
                let path = directory.join(entry.path);
                let mut text = files::read(&path)?;
                if self.hide(&mut text) {
                    files::keep_readable(&path, &text)?;
                }
            }
        }
        Ok(())
    }
}

/// What of a secret is one: passwords of a `.netrc`, of an address what it has of a login, nothing
/// of certificates, which are public, and otherwise all of it and each of its lines.
fn parts(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(secret);
    let text = text.trim();
    let mut words = text.split_whitespace().peekable();
    let found: Vec<&str> = if text.contains("-----BEGIN CERTIFICATE") && !text.contains("PRIVATE") {
        Vec::new()
    } else if words
        .peek()
        .is_some_and(|word| ["machine", "default"].contains(word))
    {
        let mut passwords = Vec::new();
        while let Some(word) = words.next() {
            if word == "password" {
                passwords.extend(words.next());
            }
        }
        passwords
    } else if text.contains("://") {
        ranges(text).into_iter().map(|range| &text[range]).collect()
    } else {
        text.lines().map(str::trim).chain([text]).collect()
    };
    let long = found
        .into_iter()
        .filter(|part| part.len() >= SHORTEST && *part != HIDDEN);
    long.map(|part| part.as_bytes().to_owned()).collect()
}

fn find(text: &[u8], value: &[u8]) -> Option<usize> {
    let first = *value.first()?;
    let mut at = 0;
    while let Some(next) = text[at..].iter().position(|byte| *byte == first) {
        if text[at + next..].starts_with(value) {
            return Some(at + next);
        }
        at += next + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_hidden_and_what_is_not_stays() {
        for (secret, said, shown) in [
            ("s3cr3t\n", "a s3cr3t b s3cr3t", "a ****** b ******"),
            (
                "machine h.example login joe password pw12345",
                "joe at h.example: pw12345, password",
                "joe at h.example: *******, password",
            ),
            (
                "https://joe:pw1@h.example/simple",
                "https://joe:pw1@h.example/simple",
                "https://*******@h.example/simple",
            ),
            (
                "https://h.example/simple",
                "https://h.example/simple",
                "https://h.example/simple",
            ),
            (
                "one long line\nand\n",
                "one long line, and",
                "*************, and",
            ),
            ("-----BEGIN CERTIFICATE-----\nMIIC\n", "MIIC", "MIIC"),
        ] {
            let values = parts(secret.as_bytes()).into_iter().collect();
            let mut text = said.as_bytes().to_owned();
            Secrets { values }.hide(&mut text);
            assert_eq!(String::from_utf8_lossy(&text), shown, "{secret}");
        }
    }
}
