//! The command line: the list of commands. Types only.

use clap::{Parser, Subcommand};

use crate::commands::{self, Global};

/// Research environments in Docker: the same on a laptop, a lab server and a cluster, changed
/// while you work, and frozen so that anyone can rebuild them.
#[derive(Debug, Parser)]
#[command(
    name = "envtpl",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Examples:
  envtpl init                               scaffold amd64-cuda and an environment for this machine
  envtpl edit-platform amd64-cuda arm64-cpu turn one installation into another
  envtpl build-user                         build the images for your user
  envtpl run -- python -m my_project.experiment
  envtpl freeze                             keep what you installed"
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Scaffold installations for a new or an existing Python project
    Init(commands::init::Args),
    /// Turn an installation into one for another platform, acceleration or variant
    #[command(alias = "edit_platform")]
    EditPlatform(commands::edit_platform::Args),
    /// Switch an installation between an image that has a Python and a plain one with conda
    #[command(alias = "edit_from_base")]
    EditFromBase(commands::edit_from_base::Args),
    /// Write `.env` for you and this machine, or add what is missing in it
    Env(commands::env::Args),
    /// Build the generic images, run and dev
    #[command(alias = "build_generic")]
    BuildGeneric(commands::build_generic::Args),
    /// Build the images for your user, and the generic ones if they are missing
    #[command(alias = "build_user")]
    BuildUser(commands::build_user::Args),
    /// Build the generic images, then the user images
    Build(commands::build::Args),
    /// Push the generic images, run and dev, so that team-mates pull them; true tags only
    #[command(alias = "push_generic")]
    PushGeneric(commands::push_generic::Args),
    /// Push the images for your user
    #[command(alias = "push_user")]
    PushUser(commands::push_user::Args),
    /// Push the generic images and those for your user
    Push(commands::push::Args),
    /// Pull the generic images that a team-mate pushed, instead of building them
    #[command(alias = "pull_generic")]
    PullGeneric(commands::pull_generic::Args),
    /// Pull the images for your user
    #[command(alias = "pull_user")]
    PullUser(commands::pull_user::Args),
    /// List the builds that are kept, or show one
    Builds(commands::builds::Args),
    /// Write a page about a build: what ran when, what it waited for, what weighs what
    Report(commands::report::Args),
    /// Look into a step that fails: its whole output, its files, a shell where it failed
    Debug(commands::debug::Args),
    /// Say why a build failed: the first cause in its log, and what to do
    Explain(commands::explain::Args),
    /// Run a command in the run image, with the project mounted
    Run(commands::run::Args),
    /// Run a command, or a shell, in the dev image, with the project mounted
    Dev(commands::dev::Args),
    /// Run a command in the running workspace, which `dev --up` starts
    Exec(commands::exec::Args),
    /// Open a shell in the running workspace
    Attach(commands::attach::Args),
    /// Show what the workspace has printed
    Logs(commands::logs::Args),
    /// Remove the workspace
    Down(commands::down::Args),
    /// List the project's containers
    Ps(commands::ps::Args),
    /// Free the space of what nothing needs any more: shows it, and asks
    Clean(commands::clean::Args),
    /// List what was run, with image, code and exit status
    Runs(commands::runs::Args),
    /// Run something again, in the same image
    Rerun(commands::rerun::Args),
    /// Open a shell in the generic dev image, without the project
    #[command(alias = "empty_interactive", alias = "empty-interactive")]
    Shell(commands::shell::Args),
    /// Run a command of the generic image on the files of a directory, as you
    Tool(commands::tool::Args),
    /// Print a script that does what `tool` does, for whoever has no envtpl
    Wrap(commands::wrap::Args),
    /// List the packages that are installed in an image
    #[command(alias = "list_env")]
    ListEnv(commands::list_env::Args),
    /// Write what an image is made of, for other tools: SPDX or CycloneDX
    Sbom(commands::sbom::Args),
    /// Keep what you installed: declare what is new, and lock every version
    Freeze(commands::freeze::Args),
    /// Build again from the lock alone, and say whether the result is the same
    Verify(commands::verify::Args),
    /// Compare two environments: images, containers, locks, commits, snapshots
    Diff(commands::diff::Args),
    /// Keep every file that the lock names, for builds without network
    Sources(commands::sources::Args),
    /// List installations and their images
    Ls(commands::ls::Args),
    /// Read and judge an installation without building it
    Check(commands::check::Args),
    /// Show the stages of a Dockerfile: what they take, what is skipped and why, who sees which ARG
    Stages(commands::stages::Args),
    /// Take files out of any stage of a Dockerfile
    Export(commands::export::Args),
    /// Look at this machine: engine, GPU, disk, emulation, network; each finding with its fix
    Doctor(commands::doctor::Args),
    /// Make a base image from Debian's or Ubuntu's packages, without a container registry
    BootstrapBase(commands::bootstrap_base::Args),
    /// Print what makes a shell complete envtpl's commands and options
    Completions(commands::completions::Args),
    /// Write manual pages, one for each command
    Man(commands::man::Args),
    /// Wait for a container in the background; started by `run -d` and `dev -d`
    #[command(hide = true)]
    WatchContainer(commands::detached::WatchArgs),
}
