//! envtpl: research environments in Docker, frozen so that anyone can rebuild them.
//!
//! The code is built in floors; a module uses what stands below it and nothing above or beside:
//! `dispatch`, `cli` and `commands`, then `environment`, `templates`, `engine` and `project`, then
//! `registry`, then `installation`, then the doors to the outside: `files`, `process`, `network` and
//! `output`.

pub mod cli;
pub mod commands;
pub mod dispatch;
pub mod engine;
pub mod environment;
pub mod error;
pub mod files;
pub mod installation;
pub mod network;
pub mod output;
pub mod process;
pub mod project;
pub mod registry;
pub mod secrets;
pub mod templates;
