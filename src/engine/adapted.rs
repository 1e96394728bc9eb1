//! Compose's answer with changes for one start: an image by its id, variables of a file, ports.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

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
    publishes: bool,
}

impl Adapted {
    /// A service of the model, without any change so far.
    pub fn new(model: &Model, service: &str) -> Self {
        Self {
            document: model.document().clone(),
            service: service.to_owned(),
            changes: Vec::new(),
            publishes: false,
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

    /// Makes a port of the container one of this machine. `docker compose run` publishes no port of
    /// the service by itself, and so these come in the place of the service's own.
    pub fn publish(&mut self, reached: SocketAddr, inside: u16) {
        self.changes.push(format!("ports: {reached}:{inside}"));
        let is_first = !std::mem::replace(&mut self.publishes, true);
        let ports = &mut self.service()["ports"];
        if is_first || !ports.is_array() {
            *ports = Value::Array(Vec::new());
        }
        let port = json!({
            "host_ip": reached.ip().to_string(),
            "published": reached.port().to_string(),
            "target": inside,
            "protocol": "tcp",
            "mode": "ingress",
        });
        ports.as_array_mut().into_iter().for_each(|ports| {
            ports.push(port.clone());
        });
    }

    /// Whether a port is published, for which `docker compose run` needs `--service-ports`.
    pub fn publishes(&self) -> bool {
        self.publishes
    }

    /// Shows a directory of this machine in the container.
    pub fn mount(&mut self, source: &Path, target: &str, read_only: bool) {
        self.changes
            .push(format!("volumes: {} at {target}", source.display()));
        let volume = json!({
            "type": "bind",
            "source": escaped(&source.to_string_lossy()),
            "target": target,
            "read_only": read_only,
            "bind": {"create_host_path": false},
        });
        match &mut self.service()["volumes"] {
            Value::Array(volumes) => volumes.push(volume),
            volumes => *volumes = Value::Array(vec![volume]),
        }
    }

    /// Gives the container a label; of a name that it has already, the value gets one more word.
    pub fn add_label(&mut self, name: &str, word: &str) {
        let labels = &mut self.service()["labels"];
        if !labels.is_object() {
            *labels = Value::Object(Map::new());
        }
        let known = labels[name].as_str().map(|known| format!("{known} "));
        labels[name] = Value::String(known.unwrap_or_default() + &word.replace('$', "$$"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_mounts_and_labels_come_into_the_service_of_one_start() {
        let model = Model::parse(
            br#"{"name": "p", "services": {"dev": {"ports": [{"target": 80}], "volumes":
                 [{"target": "/p"}]}, "other": {}}}"#,
        )
        .expect("a model");
        let mut adapted = Adapted::new(&model, "dev");
        assert!(!adapted.publishes());
        adapted.publish("127.0.0.1:2222".parse().expect("an address"), 2223);
        adapted.publish("[::1]:8888".parse().expect("an address"), 8887);
        adapted.mount(Path::new("/home/a$b"), "/run/x", true);
        adapted.add_label("ports", "ssh=1");
        adapted.add_label("ports", "jupyter=2");
        assert!(adapted.publishes());
        let file: Value = serde_json::from_slice(&adapted.file()).expect("JSON");
        let service = &file["services"]["dev"];
        assert_eq!(service["ports"][0]["host_ip"], "127.0.0.1");
        assert_eq!(service["ports"][0]["published"], "2222");
        assert_eq!(service["ports"][0]["target"], 2223);
        assert_eq!(service["ports"][1]["host_ip"], "::1");
        assert_eq!(service["ports"].as_array().map(Vec::len), Some(2));
        assert_eq!(service["volumes"][0]["target"], "/p");
        assert_eq!(service["volumes"][1]["source"], "/home/a$$b");
        assert_eq!(service["labels"]["ports"], "ssh=1 jupyter=2");
        assert_eq!(file["services"]["other"], json!({}));
    }
}
