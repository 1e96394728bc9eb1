//! The commands that write files: init, env, edit-platform, edit-from-base.

mod edit_from_base;
mod edit_platform;
mod env;
mod init;
#[path = "../support/mod.rs"]
mod support;
