//! What differs in how two images or containers are set up.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::engine::{Configuration, Step};
use crate::secrets::{redact_text, redact_value};

/// What differs in how two images or containers are set up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Setup {
    /// Environment variables.
    pub environment: Vec<Setting>,
    /// Entrypoint, command, user, working directory.
    pub settings: Vec<Setting>,
    /// Ports.
    pub ports: Ports,
    /// Bytes of all layers.
    pub size: Sizes,
    /// Steps that are the same, and their bytes.
    pub same_layers: Same,
    /// Steps that one side alone has, or that weigh something else.
    pub layers: Vec<Layer>,
}

/// A setting that differs; `None` where a side has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// The value of the first side.
    pub before: Option<String>,
    /// The value of the second side.
    pub after: Option<String>,
}

/// Ports that one side alone has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// Those of the second side.
    pub added: Vec<String>,
    /// Those of the first side.
    pub removed: Vec<String>,
}

/// Bytes on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// On the first side.
    pub before: u64,
    /// On the second side.
    pub after: u64,
}

/// Steps that are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Same {
    /// How many.
    pub number: usize,
    /// Their bytes.
    pub size: u64,
}

/// A step that one side alone has, or that weighs something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// The instruction.
    pub step: String,
    /// Bytes on the first side.
    pub before: Option<u64>,
    /// Bytes on the second side.
    pub after: Option<u64>,
}

impl Setup {
    /// What differs between two.
    pub fn compare<'a>(before: &'a Configuration, after: &'a Configuration) -> Self {
        let names: BTreeSet<&String> = (before.environment.keys())
            .chain(after.environment.keys())
            .collect();
        let environment = names.into_iter().filter_map(|name| {
            // To most programs an empty variable is as good as none, and Compose sets many.
            let value = |side: &'a Configuration| {
                side.environment.get(name).filter(|value| !value.is_empty())
            };
            let (one, other) = (value(before), value(after));
            let shown = |value: &String| redact_value(name, value);
            (one != other).then(|| Setting {
                name: name.clone(),
                before: one.map(shown),
                after: other.map(shown),
            })
        });
        let settings = [
            (
                "entrypoint",
                before.entrypoint.join(" "),
                after.entrypoint.join(" "),
            ),
            ("command", before.command.join(" "), after.command.join(" ")),
            ("user", before.user.clone(), after.user.clone()),
            (
                "working directory",
                before.working_directory.clone(),
                after.working_directory.clone(),
            ),
        ];
        let settings = settings.into_iter().filter_map(|(name, one, other)| {
            let shown = |text: &str| (!text.is_empty()).then(|| redact_text(text));
            (one != other).then(|| Setting {
                name: name.to_owned(),
                before: shown(&one),
                after: shown(&other),
            })
        });
        let (same_layers, layers) = layers(&before.steps, &after.steps);
        Self {
            environment: environment.collect(),
            settings: settings.collect(),
            ports: Ports {
                added: after.ports.difference(&before.ports).cloned().collect(),
                removed: before.ports.difference(&after.ports).cloned().collect(),
            },
            size: Sizes {
                before: before.size(),
                after: after.size(),
            },
            same_layers,
            layers,
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.environment.is_empty()
            && self.settings.is_empty()
            && self.ports == Ports::default()
            && self.layers.is_empty()
    }
}

/// Steps of the same instruction belong together, in their order.
fn layers(before: &[Step], after: &[Step]) -> (Same, Vec<Layer>) {
    let mut same = Same::default();
    let mut layers = Vec::new();
    let mut left: Vec<&Step> = after.iter().collect();
    for step in before {
        let found = left.iter().position(|other| other.made_by == step.made_by);
        let other = found.map(|index| left.remove(index));
        if other.is_some_and(|other| other.size == step.size) {
            same.number += 1;
            same.size += step.size;
            continue;
        }
        layers.push(Layer {
            step: redact_text(&step.made_by),
            before: Some(step.size),
            after: other.map(|other| other.size),
        });
    }
    layers.extend(left.into_iter().map(|step| Layer {
        step: redact_text(&step.made_by),
        before: None,
        after: Some(step.size),
    }));
    (same, layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(made_by: &str, size: u64) -> Step {
        Step {
            made_by: made_by.into(),
            size,
        }
    }

    fn configuration() -> Configuration {
        Configuration {
            environment: [("TZ", "UTC"), ("TOKEN", "abc")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            entrypoint: vec!["/e".into()],
            ports: ["80/tcp".to_owned()].into(),
            steps: vec![step("ADD", 9), step("RUN a", 5), step("RUN a", 6)],
            ..Configuration::default()
        }
    }

    #[test]
    fn nothing_differs_from_itself() {
        let mut other = configuration();
        other.environment.insert("APT_MIRROR".into(), String::new());
        let setup = Setup::compare(&configuration(), &other);
        assert!(setup.is_empty());
        assert_eq!(
            setup.same_layers,
            Same {
                number: 3,
                size: 20
            }
        );
    }

    #[test]
    fn what_differs_is_told_and_secrets_are_not() {
        let mut after = configuration();
        after.environment.insert("TOKEN".into(), "def".into());
        after.environment.remove("TZ");
        after.entrypoint.clear();
        after.user = "alice".into();
        after.ports = ["81/tcp".to_owned()].into();
        after.steps = vec![step("ADD", 9), step("RUN a", 7), step("RUN b", 1)];
        let setup = Setup::compare(&configuration(), &after);
        let told = serde_json::to_string(&setup).expect("JSON");
        assert!(!told.contains("abc") && !told.contains("def"), "{told}");
        let environment: Vec<&str> = setup.environment.iter().map(|one| &*one.name).collect();
        assert_eq!(environment, ["TOKEN", "TZ"]);
        let settings: Vec<&str> = setup.settings.iter().map(|one| &*one.name).collect();
        assert_eq!(settings, ["entrypoint", "user"]);
        assert_eq!(setup.ports.added, ["81/tcp"]);
        let layers: Vec<_> = setup
            .layers
            .iter()
            .map(|one| (&*one.step, one.before, one.after))
            .collect();
        assert_eq!(
            layers,
            [
                ("RUN a", Some(5), Some(7)),
                ("RUN a", Some(6), None),
                ("RUN b", None, Some(1))
            ]
        );
    }
}
