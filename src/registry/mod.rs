//! The registries of images: what they are called, and how one logs in there.

mod host;

pub use host::Host;
