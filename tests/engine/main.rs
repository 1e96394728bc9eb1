//! What envtpl does on a real engine. `make test` runs these; see `scripts/test.sh`.
#![allow(clippy::disallowed_methods, reason = "tests look from outside")]
#![allow(missing_docs, reason = "tests")]

mod allowed;
mod archive;
mod asked;
mod bases;
mod browser;
mod build;
mod builds;
mod busy;
mod clean;
mod cmake_case;
mod company;
mod compilers;
mod debug;
mod debug_stopped;
mod debug_triggers;
mod declared_since;
mod diff;
mod editors;
#[path = "../support/ended.rs"]
mod ended;
mod entrypoint;
mod env_file;
mod explain;
mod export;
#[path = "../failures/cases.rs"]
mod failure_cases;
mod freeze;
mod freeze_edges;
mod frozen_cases;
mod gpu;
#[cfg(feature = "gpu-tests")]
mod gpu_device;
mod image;
mod jupyter;
mod machine;
mod odd_files;
mod provided_names;
mod ranks;
mod readme;
mod refusals;
mod refused;
mod registries;
mod registry;
mod run;
mod runs;
mod sbom;
mod scanner;
mod scratch;
mod second_engine;
mod servers;
mod sessions;
mod sharing;
mod shells;
mod slurm;
mod sources;
mod ssh;
mod steps;
mod terminal;
mod tool;
mod toolbox;
mod toolchain;
mod user;
mod verify;
mod waiting;
mod wire;
mod working;
mod workshop;
mod workspace;
mod wrap;
