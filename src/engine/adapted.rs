//! Compose's answer with changes for one start: an image by its id, variables of a file.

use serde_json::{Map, Value};

use crate::engine::compose::{Model, escaped};
use crate::engine::machine::GpuChoice;
use crate::engine::reservation::{Reserved, reserve};

/// What one start has otherwise than the Compose files say. It stays Compose's own answer, so a
/// person's overrides count, and no value stands on a command line, which everybody can read.
#[derive(Debug, Clone)]
pub struct Adapted {
    document: Value,
    service: String,
    /// What differs, a line each, for people.
    changes: Vec<String>,
}

impl Adapted {
    /// A service of the model, without any change so far.
    pub fn new(model: &Model, service: &str) -> Self {
        Self {
            document: model.document().clone(),
            service: service.to_owned(),
            changes: Vec::new(),
        }
    }

    /// Runs another image than the service names.
    pub fn run_image(&mut self, image: &str) {
        self.changes.push(format!("image: {image}"));
        self.service()["image"] = escaped(image);
    }

    /// Takes other GPUs than the service does; `choice` is how the person named them.
    pub fn reserve_gpus(&mut self, reserved: &Reserved, choice: &GpuChoice) {
        self.changes.push(format!("gpus: {choice}"));
        reserve(self.service(), reserved);
    }

    /// Sets variables, over those of the service.
    pub fn set_variables<'a>(&mut self, variables: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, value) in variables {
            self.changes.push(format!("environment: {name}"));
            let environment = &mut self.service()["environment"];
            if !environment.is_object() {
                *environment = Value::Object(Map::new());
            }
            environment[name] = escaped(value);
        }
    }

    /// What differs from the Compose files, a line each; values of variables are not shown.
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    /// A Compose file that says it all.
    pub fn file(&self) -> Vec<u8> {
        self.document.to_string().into_bytes()
    }

    fn service(&mut self) -> &mut Value {
        &mut self.document["services"][&self.service]
    }
}
