//! Black-box tests of the program, without an engine: where a test needs one, a small script
//! named `docker` stands in for it.

mod background;
mod bootstrap_base;
mod build;
mod check;
mod desk;
mod diff;
mod docs;
mod doctor;
#[path = "../support/ended.rs"]
mod ended;
mod env_file;
mod exit_status;
mod explain;
mod export;
#[path = "../support/files_server.rs"]
mod files_server;
mod freeze;
mod gpu;
mod help;
mod jupyter;
mod lints;
mod list_env;
mod packages;
mod sbom;
mod sharing;
mod sources;
mod ssh;
mod stages;
mod stand_in;
mod tool;
mod verify;
