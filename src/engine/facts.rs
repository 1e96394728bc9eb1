//! What the engine says about itself.

use serde::Deserialize;
use serde_json::Value;

use crate::engine::{Tools, Version};
use crate::error::{Kind, Result};
use crate::output::Printer;
use crate::process::Invocation;

/// What the engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// Its version as it prints it.
    pub version: String,
    /// The system it runs on, such as `Debian GNU/Linux 12 (bookworm)` or `Docker Desktop`.
    pub system: String,
    /// What its containers run: `linux`, or `windows`.
    pub containers: String,
    /// The processor in the kernel's words: `x86_64`, `aarch64`.
    pub processor: String,
    /// The storage driver.
    pub storage: String,
    /// The directory of its images and containers, on the machine that it runs on.
    pub data_root: String,
    /// The runtimes that containers can choose, by name.
    pub runtimes: Vec<String>,
    /// Devices of the Container Device Interface that it knows.
    pub devices: Vec<String>,
    /// It runs without root's rights.
    pub rootless: bool,
    /// It gives containers other user ids than the host's.
    pub remaps_users: bool,
    /// Whether it fetches images through a proxy.
    pub has_proxy: bool,
}

/// The fields of `docker info` that are read, in the engine API's spelling (`GET /info`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Info {
    server_version: String,
    operating_system: String,
    #[serde(rename = "OSType")]
    os_type: String,
    architecture: String,
    driver: String,
    docker_root_dir: String,
    runtimes: Option<serde_json::Map<String, Value>>,
    discovered_devices: Option<Vec<Value>>,
    security_options: Option<Vec<String>>,
    http_proxy: String,
    https_proxy: String,
    server_errors: Option<Vec<String>>,
}

impl EngineFacts {
    /// Asks the engine; `None` when it answers, but not as Docker does.
    ///
    /// # Errors
    /// `NotReady` when there is no command line for it or it does not answer, with the next step.
    pub fn ask(tools: &Tools, printer: &Printer) -> Result<Option<Self>> {
        let invocation = tools.docker().args(["info", "--format", "{{json .}}"]);
        let finished = invocation.capture(printer)?;
        let answer = parse(&finished.text());
        if finished.status.success()
            && let Ok(facts) = answer
        {
            return Ok(facts);
        }
        let talk = match answer {
            Err(told) => format!("{}\n{told}", finished.talk()),
            Ok(_) => finished.talk(),
        };
        let talk = talk.trim();
        let failure = invocation.failure(finished.status, talk);
        Err(tools.explain(&invocation, talk, failure.with_kind(Kind::NotReady)))
    }

    /// The version's numbers, when it is a version at all.
    pub fn number(&self) -> Option<Version> {
        Version::find(&self.version)
    }

    /// Whether it runs in a virtual machine that is looked after for the person (macOS, Windows).
    pub fn is_desktop(&self) -> bool {
        self.system.contains("Docker Desktop")
    }

    /// Its platform in Docker's words.
    pub fn platform(&self) -> &str {
        match self.processor.as_str() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        }
    }

    /// Whether containers can ask it for NVIDIA's GPUs by a runtime or by the Container Device
    /// Interface.
    pub fn knows_nvidia(&self) -> bool {
        self.runtimes.iter().any(|name| name.starts_with("nvidia"))
            || self
                .devices
                .iter()
                .any(|device| device.starts_with("nvidia.com/gpu"))
    }
}

/// Reads the answer. An error is what some command lines put into it, with a good status.
fn parse(answer: &str) -> Result<Option<EngineFacts>, String> {
    let info: Info = serde_json::from_str(answer).unwrap_or_default();
    if let Some(errors) = info.server_errors.filter(|errors| !errors.is_empty()) {
        return Err(errors.join("\n"));
    }
    if info.server_version.is_empty() {
        return Ok(None);
    }
    let options = info.security_options.unwrap_or_default();
    let option = |name: &str| options.iter().any(|option| option.contains(name));
    Ok(Some(EngineFacts {
        version: info.server_version,
        system: info.operating_system,
        containers: info.os_type,
        processor: info.architecture,
        storage: info.driver,
        data_root: info.docker_root_dir,
        runtimes: info
            .runtimes
            .map(|runtimes| runtimes.keys().cloned().collect())
            .unwrap_or_default(),
        devices: info
            .discovered_devices
            .unwrap_or_default()
            .iter()
            .filter_map(|device| Some(device.get("ID")?.as_str()?.to_owned()))
            .collect(),
        rootless: option("name=rootless"),
        remaps_users: option("name=userns"),
        has_proxy: !info.http_proxy.is_empty() || !info.https_proxy.is_empty(),
    }))
}

/// The registries that the engine's settings call insecure by name. Addresses of whole networks
/// are not read.
///
/// # Errors
/// `NotReady` when the engine does not answer.
pub fn insecure_registries(tools: &Tools, printer: &Printer) -> Result<Vec<String>> {
    let asked = ["info", "--format", "{{json .RegistryConfig}}"];
    let answer = tools.read(&tools.docker().args(asked), printer)?;
    Ok(insecure(&answer))
}

/// Reads `RegistryConfig` of `GET /info`; engines of another make have none.
fn insecure(answer: &str) -> Vec<String> {
    let known: Value = serde_json::from_str(answer).unwrap_or_default();
    let known = known["IndexConfigs"].as_object().into_iter().flatten();
    known
        .filter(|(_, registry)| registry["Secure"] == false)
        .map(|(host, _)| host.clone())
        .collect()
}

/// The version of a tool beside the engine, as it says it.
///
/// # Errors
/// `NotReady` when it is not there.
pub fn tool_version(tools: &Tools, invocation: &Invocation, printer: &Printer) -> Result<String> {
    let finished = invocation.capture(printer)?;
    let text = finished.text();
    // A command line without the plugin prints its help, and some do so with a good status.
    if finished.status.success() && Version::find(&text).is_some() {
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let talk = finished.talk();
    let failure = invocation.failure(finished.status, &talk);
    Err(tools.explain(invocation, &talk, failure.with_kind(Kind::NotReady)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"ServerVersion":"26.1.5+dfsg1","OperatingSystem":"Debian GNU/Linux 12 (bookworm)",
        "OSType":"linux","Architecture":"x86_64","Driver":"overlay2","DockerRootDir":"/var/lib/docker",
        "Runtimes":{"nvidia":{"path":"nvidia-container-runtime"},"runc":{"path":"runc"}},
        "SecurityOptions":["name=seccomp,profile=builtin","name=rootless"],"HttpProxy":"","HttpsProxy":"http://p:1",
        "CDISpecDirs":[],"Warnings":null,"ServerErrors":null}"#;

    fn answer(text: &str) -> EngineFacts {
        parse(text).expect("no error").expect("an answer")
    }

    #[test]
    fn an_answer_is_read() {
        let facts = answer(ANSWER);
        assert_eq!(
            facts.number(),
            Some(Version::find("26.1.5").expect("a version"))
        );
        assert_eq!(facts.platform(), "amd64");
        assert_eq!(facts.runtimes, ["nvidia", "runc"]);
        assert!(facts.knows_nvidia() && facts.rootless && !facts.remaps_users && facts.has_proxy);
        assert!(!facts.is_desktop());
    }

    #[test]
    fn devices_of_the_container_device_interface_count() {
        let facts = answer(
            r#"{"ServerVersion":"28.3.0","DiscoveredDevices":[{"Source":"cdi","ID":"nvidia.com/gpu=all"}]}"#,
        );
        assert!(facts.knows_nvidia());
        let facts = answer(r#"{"ServerVersion":"28.3.0","Runtimes":{"runc":{}}}"#);
        assert!(!facts.knows_nvidia());
    }

    #[test]
    fn registries_without_encryption_are_those_that_the_settings_name() {
        let answer = r#"{"InsecureRegistryCIDRs":["127.0.0.0/8"],"IndexConfigs":{
            "docker.io":{"Name":"docker.io","Secure":true},"old.lab:5000":{"Secure":false}}}"#;
        assert_eq!(insecure(answer), ["old.lab:5000"]);
        assert!(insecure("null").is_empty() && insecure("<no value>").is_empty());
    }

    #[test]
    fn errors_inside_the_document_are_errors() {
        let told =
            parse(r#"{"ServerVersion":"","ServerErrors":["Cannot connect to the Docker daemon"]}"#);
        assert_eq!(told, Err("Cannot connect to the Docker daemon".into()));
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("host:\n  arch: amd64"), Ok(None));
    }
}
