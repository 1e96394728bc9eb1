//! Typed, lossless views of what a person edits: text in, text out.

pub mod apt_list;
pub mod compose;
pub mod conda_environment;
pub mod dependency;
pub mod devcontainer;
pub mod dockerfile;
pub mod dotenv;
pub mod flavour;
pub mod identity;
pub mod layer;
pub mod name;
pub mod pin;
pub mod project_settings;
pub mod pyproject;
pub mod readme;
pub mod requirements;
pub mod setup_cfg;
pub mod yaml_document;
