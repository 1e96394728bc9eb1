//! A Compose file as a person wrote it, without asking Compose what it means.
//!
//! Format: Compose specification, <https://docs.docker.com/reference/compose-file/>. Variables are
//! not expanded and other files are not read; what a whole project means, Compose itself says.

use std::path::Path;

use serde_yaml::{Mapping, Value};

use crate::error::{Error, Place, Result};
use crate::installation::yaml_document::{Step, YamlDocument};

/// One Compose file.
#[derive(Debug, Clone)]
pub struct ComposeFile {
    document: YamlDocument,
    /// What the document says, merge keys (`<<`) applied.
    merged: Value,
}

/// What a Compose file says of a build argument's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenArg {
    /// This, with variables as they are written.
    Text(String),
    /// What the variable of its name has.
    Environment,
}

impl ComposeFile {
    /// Reads a Compose file; `path` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is not YAML or not a mapping, with the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = YamlDocument::parse(path, text)?;
        let mut merged = document.value().clone();
        merged.apply_merge().map_err(|source| {
            Error::usage("a merge key (`<<`) stands where nothing can be merged")
                .at(Place::file(path))
                .because(source)
        })?;
        if !merged.is_mapping() {
            return Err(Error::usage("a Compose file is a mapping with `services:`")
                .at(Place::line(path, text, 1)));
        }
        let services = [Step::Key("services")];
        match merged.get("services") {
            None | Some(Value::Null | Value::Mapping(_)) => {}
            Some(_) => {
                return Err(
                    Error::usage("`services` is no mapping of names to services")
                        .at(document.place(&services)),
                );
            }
        }
        Ok(Self { document, merged })
    }

    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// The names of its services, in the order of the file.
    pub fn services(&self) -> Vec<&str> {
        self.all_services()
            .flat_map(Mapping::keys)
            .filter_map(Value::as_str)
            .collect()
    }

    /// Where a service stands, for messages.
    pub fn place(&self, service: &str) -> Place {
        self.document
            .place(&[Step::Key("services"), Step::Key(service)])
    }

    /// The image of a service, as written.
    pub fn image(&self, service: &str) -> Option<&str> {
        self.service(service)?.get("image")?.as_str()
    }

    /// The platform of a service, as written.
    pub fn platform(&self, service: &str) -> Option<&str> {
        self.service(service)?.get("platform")?.as_str()
    }

    /// The Dockerfile and the stage that a service builds, as written.
    pub fn build_target(&self, service: &str) -> Option<(&str, &str)> {
        let build = self.service(service)?.get("build")?;
        let dockerfile = build.get("dockerfile").and_then(Value::as_str);
        let stage = build.get("target")?.as_str()?;
        Some((dockerfile.unwrap_or("Dockerfile"), stage))
    }

    /// The service that a service extends, and the file that it is in when it is another one.
    pub fn extends(&self, service: &str) -> Option<(&str, Option<&str>)> {
        match self.service(service)?.get("extends")? {
            Value::String(other) => Some((other, None)),
            extends => {
                let file = extends.get("file").and_then(Value::as_str);
                Some((extends.get("service")?.as_str()?, file))
            }
        }
    }

    /// A build argument as written, of whichever service has it first; both spellings of `args:`
    /// are read, `NAME: value` and `- NAME=value`.
    pub fn build_arg(&self, name: &str) -> Option<&str> {
        self.all_services()
            .flat_map(Mapping::values)
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

    /// A build argument with what a build takes for its value, of whichever service has it first.
    pub fn given_arg(&self, name: &str) -> Option<GivenArg> {
        self.all_services()
            .flat_map(Mapping::values)
            .filter_map(|service| service.get("build")?.get("args"))
            .find_map(|args| match args {
                Value::Mapping(args) => match args.get(name)? {
                    Value::String(text) => Some(GivenArg::Text(text.clone())),
                    Value::Number(number) => Some(GivenArg::Text(number.to_string())),
                    Value::Bool(value) => Some(GivenArg::Text(value.to_string())),
                    Value::Null => Some(GivenArg::Environment),
                    _ => None,
                },
                Value::Sequence(list) => list.iter().filter_map(Value::as_str).find_map(|item| {
                    match item.split_once('=') {
                        Some((key, value)) if key == name => Some(GivenArg::Text(value.to_owned())),
                        None if item == name => Some(GivenArg::Environment),
                        _ => None,
                    }
                }),
                _ => None,
            })
    }

    /// Whether some service gives a build argument, with whatever value; one of the environment
    /// (`- NAME`, `NAME:`) counts.
    pub fn names_build_arg(&self, name: &str) -> bool {
        self.all_services()
            .flat_map(Mapping::values)
            .filter_map(|service| service.get("build")?.get("args"))
            .any(|args| match args {
                Value::Mapping(args) => args.contains_key(name),
                Value::Sequence(list) => list
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|item| item.split('=').next() == Some(name)),
                _ => false,
            })
    }

    /// Sets a build argument where it stands, in either spelling, or adds it to the first service
    /// that has build arguments. Says whether the file changed.
    ///
    /// # Errors
    /// `Usage` when no service has build arguments, `Failed` when the file cannot be edited
    /// safely, with what to write by hand.
    pub fn set_build_arg(&mut self, name: &str, value: &str) -> Result<bool> {
        let Some((service, index)) = self.args_with(name) else {
            return Err(Error::usage("no service of this file has build arguments")
                .at(self.document.place(&[Step::Key("services")]))
                .help(format!("write `{name}: {value}` below `build: args:`")));
        };
        let args = [
            Step::Key("services"),
            Step::Key(&service),
            Step::Key("build"),
            Step::Key("args"),
        ];
        let mut document = self.document.clone();
        let is_list = document.get(&args).is_some_and(Value::is_sequence);
        let written = format!("{name}={value}");
        let changed = match (is_list, index) {
            (false, _) => document.set(&way(&args, Step::Key(name)), value)?,
            (true, Some(index)) => document.set(&way(&args, Step::Item(index)), &written)?,
            (true, None) => {
                document.insert(&args, usize::MAX, &written)?;
                true
            }
        };
        let mut merged = document.value().clone();
        // It could be merged before, and the edit has added no merge key.
        if merged.apply_merge().is_ok() {
            *self = Self { document, merged };
        }
        Ok(changed)
    }

    /// The service whose own `args:` has the argument, with its number in a list; or else the
    /// first service that has `args:` of its own.
    fn args_with(&self, name: &str) -> Option<(String, Option<usize>)> {
        let services = self.document.get(&[Step::Key("services")])?.as_mapping()?;
        let with_args: Vec<(&str, &Value)> = services
            .iter()
            .filter_map(|(key, service)| Some((key.as_str()?, service.get("build")?.get("args")?)))
            .collect();
        let is_it = |item: &Value| {
            let key = item.as_str().and_then(|item| item.split('=').next());
            key == Some(name)
        };
        let own = with_args.iter().find_map(|(service, args)| match args {
            Value::Mapping(args) if args.contains_key(name) => Some((*service, None)),
            Value::Sequence(list) => Some((*service, Some(list.iter().position(is_it)?))),
            _ => None,
        });
        let first = || with_args.first().map(|(service, _)| (*service, None));
        let (service, index) = own.or_else(first)?;
        Some((service.to_owned(), index))
    }

    fn all_services(&self) -> impl Iterator<Item = &Mapping> {
        self.merged
            .get("services")
            .and_then(Value::as_mapping)
            .into_iter()
    }

    fn service(&self, name: &str) -> Option<&Value> {
        self.merged.get("services")?.get(name)
    }
}

fn way<'a>(before: &[Step<'a>], last: Step<'a>) -> Vec<Step<'a>> {
    before.iter().copied().chain([last]).collect()
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
            assert_eq!(
                file.given_arg("BASE_IMAGE"),
                Some(GivenArg::Text("x:1".into()))
            );
            assert_eq!(file.given_arg("OTHER"), None);
            assert_eq!(file.services(), ["b"]);
        }
    }

    #[test]
    fn a_build_argument_is_set_where_it_stands() {
        for (text, expected) in [
            (
                "services:\n  b:\n    build:\n      args:\n        # the base\n        BASE_IMAGE: \"x:1\" # why\n        A: 1\n",
                "services:\n  b:\n    build:\n      args:\n        # the base\n        BASE_IMAGE: \"y:2\" # why\n        A: 1\n",
            ),
            (
                "services:\n  a: {}\n  b:\n    build:\n      args:\n        - A=1\n        - BASE_IMAGE=x:1 # why\n",
                "services:\n  a: {}\n  b:\n    build:\n      args:\n        - A=1\n        - BASE_IMAGE=y:2 # why\n",
            ),
            (
                "services:\n  b:\n    build:\n      args:\n        - A=1\n",
                "services:\n  b:\n    build:\n      args:\n        - A=1\n        - BASE_IMAGE=y:2\n",
            ),
            (
                "services: {b: {build: {args: {BASE_IMAGE: }}}}\n",
                "services: {b: {build: {args: {BASE_IMAGE: y:2}}}}\n",
            ),
        ] {
            let path = Path::new("compose-base.yaml");
            let mut file = ComposeFile::parse(path, text).expect("valid");
            assert!(file.set_build_arg("BASE_IMAGE", "y:2").expect(text));
            assert_eq!(file.text(), expected);
            assert_eq!(file.build_arg("BASE_IMAGE"), Some("y:2"));
            assert!(!file.set_build_arg("BASE_IMAGE", "y:2").expect("the same"));
        }
        let mut file = ComposeFile::parse(Path::new("c"), "services: {a: {}}\n").expect("valid");
        let error = file.set_build_arg("A", "1").expect_err("no arguments");
        assert!(error.helps()[0].contains("A: 1"));
    }

    #[test]
    fn services_tell_what_is_written() {
        let text = "x-p: &p {platform: linux/arm64}\nservices:\n  a:\n    <<: *p\n    image: ${I}:t\n    extends: {file: compose-base.yaml, service: b}\n  c:\n    extends: a\n";
        let file = ComposeFile::parse(Path::new("compose.yaml"), text).expect("valid");
        assert_eq!(file.image("a"), Some("${I}:t"));
        assert_eq!(file.platform("a"), Some("linux/arm64"));
        assert_eq!(file.extends("a"), Some(("b", Some("compose-base.yaml"))));
        assert_eq!(file.extends("c"), Some(("a", None)));
        assert_eq!(file.place("c").line_number(), Some(8));
        ComposeFile::parse(Path::new("c"), "services: [a]\n").expect_err("a list");
    }

    #[test]
    fn a_build_names_its_dockerfile_and_stage() {
        let text = "x-b: &b {target: t}\nservices:\n  a: {build: {<<: *b, dockerfile: D}}\n  b: {build: {<<: *b}}\n  c: {build: .}\n";
        let file = ComposeFile::parse(Path::new("compose.yaml"), text).expect("valid");
        assert_eq!(file.build_target("a"), Some(("D", "t")));
        assert_eq!(file.build_target("b"), Some(("Dockerfile", "t")));
        assert_eq!(file.build_target("c"), None);
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_line() {
        let text = "services:\n  a: [\n";
        let error = ComposeFile::parse(Path::new("compose.yaml"), text).expect_err("wrong");
        assert!(error.places()[0].line_number().is_some(), "{error}");
    }
}
