//! `registries:`, short names for places in registries: `IC: ic-registry.example/lab`.

use std::collections::BTreeMap;

use super::FILE;
use super::section::Section;
use crate::error::{Error, Result};
use crate::installation::identity::image_name_problem;

/// Aliases and what they stand for.
#[derive(Debug, Clone, Default)]
pub struct Registries(BTreeMap<String, String>);

impl Registries {
    /// Reads the section.
    ///
    /// # Errors
    /// `Usage` when an alias or what it stands for cannot be one.
    pub fn read(section: &Section<'_>) -> Result<Self> {
        let mut registries = BTreeMap::new();
        for (alias, entry) in section.entries()? {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if alias.is_empty() || !alias.chars().all(allowed) {
                return Err(
                    entry.wrong_key("is no alias: letters, digits, `-` and `_` may be in one")
                );
            }
            if alias == "localhost" {
                return Err(entry.wrong_key("is a registry by itself, and no alias"));
            }
            let place = entry.text()?;
            // A registry alone is told from a name with a tag by what follows.
            if let Some(problem) = image_name_problem(&format!("{place}/image")) {
                return Err(entry
                    .wrong(&format!("is no place in a registry: {problem}"))
                    .help("write a registry and a path in it: `registry.example/lab`"));
            }
            registries.insert(alias.to_owned(), place.to_owned());
        }
        Ok(Self(registries))
    }

    /// The full name of a repository.
    ///
    /// # Errors
    /// `Usage` when it is none, or begins with an alias that is not there.
    pub fn resolve(&self, repository: &str) -> Result<String> {
        let (first, rest) = match repository.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (repository, None),
        };
        let full = match (self.0.get(first), rest) {
            (Some(place), Some(rest)) => format!("{place}/{rest}"),
            // `IC` alone is the place itself.
            (Some(place), None) => place.clone(),
            (None, _) => repository.to_owned(),
        };
        let Some(problem) = image_name_problem(&full) else {
            return Ok(full);
        };
        // Hosts may have capitals; names of images may not.
        let like_an_alias =
            |word: &str| !word.contains(['.', ':']) && word.chars().any(char::is_uppercase);
        if !self.0.contains_key(first) && like_an_alias(first) {
            let error =
                Error::usage(format!("there is no registry `{first}` in {FILE}")).help(format!(
                    "say there what it stands for: `registries: {{{first}: registry.example/lab}}`"
                ));
            let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
            return Err(match names.is_empty() {
                true => error,
                false => error.help(format!("registries there are: {}", names.join(", "))),
            });
        }
        Err(Error::usage(format!(
            "`{repository}` is no repository of images: {problem}"
        ))
        .help(
            "a repository is a registry and a path, without a tag: `registry.example/lab/project`",
        ))
    }
}
