//! Base images from distribution packages, for machines that reach no container registry.

mod recipe;
mod suite;

pub use recipe::{Builder, LABEL, Mirrors, Recipe};
pub use suite::{Distribution, Suite};
