//! `envtpl run`: a command in the run image, with the project mounted.

use std::ffi::OsString;

use crate::commands::Context;
use crate::commands::start::{StartArgs, start};
use crate::error::Result;
use crate::installation::flavour::Flavour;

/// Options of `envtpl run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl run python -m my_project.experiment
  envtpl run -e SEED=1 -- python train.py --epochs 3
  envtpl run --env-file keys.env python train.py
  envtpl run python -c 'print(1)' > out.txt      only the command's own output
  envtpl run -d python train.py                  in the background
  envtpl run --gpus 0,2 python train.py          on these GPUs, whatever compose.yaml reserves

In the background, the container's log and exit status are kept below .envtpl/logs/ when it fails, and
the next `run -d` or `ls` says so.

GPUs go by the numbers or UUIDs of `nvidia-smi -L` (for AMD, by ROCm's numbers), parts of divided ones
by 1:0 or MIG-…. In the container they are counted from 0, in the order of the PCI bus. This shell's
CUDA_VISIBLE_DEVICES does not reach the container; `-e CUDA_VISIBLE_DEVICES=1` chooses among the GPUs
that the container has.

The exit status is the command's own, 128+n when signal n killed it, and 125 when envtpl failed
before the command began.")]
pub struct Args {
    #[command(flatten)]
    start: StartArgs,

    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

/// Runs the command.
///
/// # Errors
/// As [`start`].
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    start(context, Flavour::Run, &args.start, &args.command)
}
