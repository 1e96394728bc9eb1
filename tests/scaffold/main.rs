//! The commands that write files: init, env, edit-platform, edit-from-base.

#![expect(
    clippy::disallowed_methods,
    reason = "tests make the links that people have"
)]

mod edit_from_base;
mod edit_platform;
#[path = "../support/ended.rs"]
mod ended;
mod env;
mod environment_awk;
mod faults;
mod imports;
mod init;
mod links;
#[path = "../support/mod.rs"]
mod support;
mod toolchain;
