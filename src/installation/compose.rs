//! A Compose file as a person wrote it, without asking Compose what it means.
//!
//! Format: Compose specification, <https://docs.docker.com/reference/compose-file/>. Variables are
//! not expanded and other files are not read; what a whole project means, Compose itself says.

use std::path::Path;

use serde_yaml::Value;

use crate::error::{Error, Place, Result};

/// One Compose file.
#[derive(Debug, Clone)]
pub struct ComposeFile {
    document: Value,
}

impl ComposeFile {
    /// Reads a Compose file; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is not YAML or not a mapping, with the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |source: serde_yaml::Error| {
            let place = match source.location() {
                Some(location) => Place::line(path, text, location.line()),
                None => Place::file(path),
            };
            Error::usage("this is not valid YAML")
                .at(place)
                .because(source)
        };
        let mut document: Value = serde_yaml::from_str(text).map_err(wrong)?;
        document.apply_merge().map_err(wrong)?;
        if !document.is_mapping() {
            return Err(Error::usage("a Compose file is a mapping with `services:`")
                .at(Place::line(path, text, 1)));
        }
        Ok(Self { document })
    }

    /// The names of its services, in the order of the file.
    pub fn services(&self) -> Vec<&str> {
        self.document
            .get("services")
            .and_then(Value::as_mapping)
            .into_iter()
            .flat_map(|services| services.keys())
            .filter_map(Value::as_str)
            .collect()
    }

    /// A build argument as written, of whichever service has it first; both spellings of `args:`
    /// are read, `NAME: value` and `- NAME=value`.
    pub fn build_arg(&self, name: &str) -> Option<&str> {
        let services = self.document.get("services")?.as_mapping()?;
        services
            .values()
            .filter_map(|service| service.get("build")?.get("args"))
            .find_map(|args| match args {
                Value::Mapping(_) => args.get(name)?.as_str(),
                Value::Sequence(list) => list
                    .iter()
                    .filter_map(|item| item.as_str()?.split_once('='))
                    .find_map(|(key, value)| (key == name).then_some(value)),
                _ => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_arguments_are_read_in_both_spellings() {
        for text in [
            "services:\n  b:\n    build:\n      args:\n        BASE_IMAGE: x:1\n",
            "services:\n  b:\n    build:\n      args:\n        - BASE_IMAGE=x:1\n",
            "x-a: &a\n  args: {BASE_IMAGE: 'x:1'}\nservices:\n  b:\n    build:\n      <<: *a\n",
        ] {
            let file = ComposeFile::parse(Path::new("compose-base.yaml"), text).expect("valid");
            assert_eq!(file.build_arg("BASE_IMAGE"), Some("x:1"), "{text}");
            assert_eq!(file.build_arg("OTHER"), None);
            assert_eq!(file.services(), ["b"]);
        }
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_line() {
        let text = "services:\n  a: [\n";
        let error = ComposeFile::parse(Path::new("compose.yaml"), text).expect_err("wrong");
        assert!(error.places()[0].line_number().is_some(), "{error}");
    }
}
