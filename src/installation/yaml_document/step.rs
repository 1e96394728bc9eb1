//! The way to a node of a YAML document.

use std::fmt;

use serde_yaml::Value;

/// One step from a node to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// To the value of a key.
    Key(&'a str),
    /// To an item of a list, counted from 0.
    Item(usize),
}

/// A way, for a person: `services.run.image`, `dependencies[2]`.
pub struct Way<'a>(pub &'a [Step<'a>]);

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

/// The node at the end of a way.
pub fn follow<'v>(value: &'v Value, way: &[Step]) -> Option<&'v Value> {
    way.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(*key),
        Step::Item(item) => value.get(*item),
    })
}

/// The node at the end of a way, to change it.
pub fn follow_mut<'v>(value: &'v mut Value, way: &[Step]) -> Option<&'v mut Value> {
    way.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(*key),
        Step::Item(item) => value.get_mut(*item),
    })
}
