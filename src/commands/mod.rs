//! The commands, one file a verb: gather facts, plan, do, report.

pub mod bootstrap_base;
pub mod build;
pub mod build_generic;
pub mod build_user;
mod building;
pub mod check;
pub mod completions;
mod context;
pub mod detached;
pub mod dev;
pub mod diff;
pub mod doctor;
pub mod edit_from_base;
pub mod edit_platform;
pub mod env;
pub mod freeze;
mod global;
pub mod init;
pub mod list_env;
pub mod ls;
pub mod man;
mod planned;
pub mod rerun;
pub mod run;
pub mod runs;
pub mod shell;
pub mod sources;
mod start;
mod turn;
pub mod verify;
mod workplace;

pub use context::Context;
pub use global::{Global, Progress};
