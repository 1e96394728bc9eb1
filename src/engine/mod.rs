//! What runs images: the container engine and its Compose, found once, asked through arguments
//! or through the engine's API.

mod compose;
mod host;
mod images;
mod naming;
mod tools;

pub use compose::{Build, Compose, Model, Service, Target, Volume};
pub use host::{emulates, usable_acceleration};
pub use images::{Container, Image, Images};
pub use naming::{REVISION_LABEL, commit_tag, short_id};
pub use tools::Tools;
