//! What BuildKit tells while it builds.
//!
//! Format: `SolveStatus` of BuildKit's client as buildx prints it with `--progress=rawjson`
//! (moby/buildkit, client/graph.go): JSON objects one after the other, each with what is new.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::secrets::{redact, redact_text};

/// What is new.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Steps that are known now, began or ended.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_none"
    )]
    pub vertexes: Vec<Vertex>,
    /// How far parts of steps are.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_none"
    )]
    pub statuses: Vec<Status>,
    /// What commands print.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_none"
    )]
    pub logs: Vec<Log>,
    /// What BuildKit has against the Dockerfile.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_none"
    )]
    pub warnings: Vec<serde_json::Value>,
}

/// A step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vertex {
    /// What tells it from others.
    pub digest: String,
    /// The digests of those whose results it uses; the first is what it stands on.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_none"
    )]
    pub inputs: Vec<String>,
    /// What people see: `[stage 2/5] RUN …`.
    #[serde(default)]
    pub name: String,
    /// When it began; it may begin more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
    /// Its result was there already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// How far a part of a step is, such as a layer that is fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What tells it from other parts of its step.
    pub id: String,
    /// The step's digest.
    pub vertex: String,
    /// What is done, where it is not the id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Bytes that are done.
    #[serde(default)]
    pub current: i64,
    /// Bytes in all, 0 when nobody knows.
    #[serde(default)]
    pub total: i64,
    /// When this was so.
    pub timestamp: Timestamp,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
}

/// What a command printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// The step's digest.
    pub vertex: String,
    /// 1 is its standard output, 2 its standard error.
    #[serde(default)]
    pub stream: i64,
    /// The bytes, in base64.
    #[serde(default)]
    pub data: String,
    /// When.
    pub timestamp: Timestamp,
}

impl Log {
    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.data).unwrap_or_default()
    }
}

impl Event {
    /// The same without what is secret in it, so that it may be shown and kept.
    pub fn redacted(mut self) -> Self {
        for vertex in &mut self.vertexes {
            vertex.name = redact_text(&vertex.name);
            vertex.error = redact_text(&vertex.error);
        }
        for log in &mut self.logs {
            let bytes = log.bytes();
            let text = String::from_utf8_lossy(&bytes);
            let shown = redact(&text);
            if shown != text {
                log.data = STANDARD.encode(shown);
            }
        }
        self
    }
}

/// Go writes an empty list as `null`.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
