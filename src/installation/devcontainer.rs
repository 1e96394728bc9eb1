//! `devcontainer.json`: how editors open an installation.
//!
//! Format: JSON with comments and trailing commas, <https://containers.dev/implementors/json_reference/>.

use std::path::{Path, PathBuf};

use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde_json::Value;

use crate::error::{Error, Place, Result};

/// Whether a text is JSON as editors read it, with comments.
pub fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| read(text).is_ok())
}

fn read(text: &str) -> Result<Value, jsonc_parser::errors::ParseError> {
    // What editors take; the rest that the library would is a mistake.
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        ..ParseOptions::default()
    };
    parse_to_serde_value(text, &options)
}

/// The file as a person wrote it.
#[derive(Debug)]
pub struct Devcontainer {
    path: PathBuf,
    text: String,
    value: Value,
}

impl Devcontainer {
    /// Reads the text; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is not JSON, with the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let value = read(text).map_err(|source| {
            let what = source.kind().to_string();
            Error::usage(format!("editors cannot read it: {}", decapitalised(&what)))
                .at(Place::line(path, text, source.line_display()))
        })?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            value,
        })
    }

    /// The Compose files that it is about, as it names them: relative to its own directory.
    pub fn compose_files(&self) -> Vec<&str> {
        match self.value.get("dockerComposeFile") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The services that it names, each with its place.
    pub fn services(&self) -> Vec<(&str, Place)> {
        let further = self.value.get("runServices").and_then(Value::as_array);
        let further = further
            .into_iter()
            .flatten()
            .map(|name| (name, "runServices"));
        let service = self.value.get("service").map(|name| (name, "service"));
        let all = service.into_iter().chain(further);
        all.filter_map(|(name, key)| Some((name.as_str()?, self.place(key))))
            .collect()
    }

    /// The directory in the container that editors open; what the file takes from the editor's
    /// environment is asked of `environment`. `None` when it is not said, or not to be told from here.
    pub fn workspace_folder(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Option<(String, Place)> {
        let mut rest = self.value.get("workspaceFolder")?.as_str()?;
        let mut folder = String::new();
        while let Some((before, variable)) = rest.split_once("${") {
            let (variable, after) = variable.split_once('}')?;
            let (name, default) = variable.strip_prefix("localEnv:")?.split_once(':')?;
            folder += before;
            folder += &environment(name).unwrap_or_else(|| default.to_owned());
            rest = after;
        }
        Some((folder + rest, self.place("workspaceFolder")))
    }

    fn place(&self, key: &str) -> Place {
        let key = format!("\"{key}\"");
        let is_it = |line: &str| line.trim_start().starts_with(&key);
        match self.text.lines().position(is_it) {
            Some(index) => Place::line(&self.path, &self.text, index + 1),
            None => Place::file(&self.path),
        }
    }
}

fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_read() {
        let text = "// why\n{\n  \"dockerComposeFile\": [\"a.yaml\"], /* and */\n  \"service\": \"dev\",\n  \
                    \"runServices\": [\"db\"],\n  \"workspaceFolder\": \"/x/${localEnv:A:b}/c\",\n}\n";
        let file = Devcontainer::parse(Path::new("d.json"), text).expect("read");
        assert_eq!(file.compose_files(), ["a.yaml"]);
        let services = file.services();
        let names: Vec<_> = services.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["dev", "db"]);
        assert_eq!(services[0].1.line_number(), Some(4));
        let folder = |value: Option<&str>| {
            let value = value.map(str::to_owned);
            file.workspace_folder(|_| value.clone()).expect("one").0
        };
        assert_eq!(folder(None), "/x/b/c");
        assert_eq!(folder(Some("y")), "/x/y/c");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let error = Devcontainer::parse(Path::new("d.json"), "{\n  \"a\": 1\n  \"b\": 2\n}\n");
        let error = error.expect_err("no comma");
        assert_eq!(error.places()[0].to_string(), "d.json:2");
        assert!(!is_json(b"{\xff}") && is_json(b"{} // why\n"));
    }
}
