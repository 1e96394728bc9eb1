//! Options of every command.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::output::{Color, Format};

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Installation to work on, such as `amd64-cuda`; some commands take several [env:
    /// ENVTPL_INSTALLATION]
    #[arg(
        short = 'i',
        long = "installation",
        value_name = "NAME",
        global = true,
        value_delimiter = ',',
        help_heading = "Global options"
    )]
    pub installation: Vec<String>,

    /// Work as if started in DIR
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        help_heading = "Global options"
    )]
    pub directory: Option<PathBuf>,

    /// Show every file and command, and change nothing
    #[arg(long, global = true, help_heading = "Global options")]
    pub dry_run: bool,

    /// How reports are printed
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        value_name = "FORMAT",
        help_heading = "Global options",
        hide_possible_values = false
    )]
    pub format: Format,

    /// How progress is shown
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub progress: Progress,

    /// When to use colours
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: Color,

    /// Say nothing but warnings and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,

    /// Say more: the commands that are run, as lines to paste
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Global options")]
    pub verbose: u8,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Progress {
    /// Live on a terminal, a plain log otherwise.
    #[default]
    Auto,
    /// A plain log.
    Plain,
    /// Nothing.
    None,
}
