//! `envtpl shell`: a shell in the generic dev image, to look around in the bare environment, or in
//! any stage of a Dockerfile.

use crate::commands::Context;
use crate::commands::building::{Derived, Output, ServiceDockerfile, stage_failure};
use crate::commands::start::has_terminal;
use crate::commands::workplace::{Workplace, check_identity};
use crate::error::Result;
use crate::installation::dockerfile::Dockerfile;
use crate::installation::flavour::Flavour;
use crate::process::Invocation;

/// The shell that there is: bash, or else sh.
const ANY_SHELL: &str = "if command -v bash >/dev/null; then exec bash; fi; exec sh";

/// Options of `envtpl shell`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl shell                       look around; nothing of the project is in there
  envtpl shell --stage apt-build     in a stage of the Dockerfile, as its last step left it
  echo 'pip list' | envtpl shell     without a terminal the shell reads its commands

A stage is built as far as it is not cached; what you change in the shell goes with it. In the
state of a step that fails, there is `envtpl debug --shell`. The exit status is the shell's own, and
125 when envtpl failed before it began.")]
pub struct Args {
    /// Open this stage of the installation's Dockerfiles
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,

    /// Build this stage without its cache first
    #[arg(long, value_name = "STAGE", requires = "stage")]
    fresh: Vec<String>,
}

/// Opens the shell; needs no user image and mounts nothing. Gives its exit status.
///
/// # Errors
/// `NotReady` when the generic dev image is missing; `Failed` when the stage cannot be built.
pub fn run(context: &Context, args: &Args) -> Result<u8> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    if let Some(stage) = &args.stage {
        check_identity(installation)?;
        let workplace = Workplace::open(context, &project, installation)?;
        return open(&workplace, stage, &args.fresh);
    }
    let workplace = Workplace::open(context, &project, installation)?;
    let (image, _) = workplace.generic(Flavour::Dev)?;
    let invocation = container(&workplace).args([image, "/bin/bash"]);
    if context.dry_run {
        return context.printer.data(format!("{invocation}\n")).map(|()| 0);
    }
    Err(invocation.replace_this_process(&context.printer))
}

/// A container that goes with its shell.
fn container(workplace: &Workplace<'_>) -> Invocation {
    let mut invocation = workplace.compose.tools().docker().args([
        "run",
        "--rm",
        "--init",
        "--interactive",
        "--network=host",
        "--platform",
        &workplace.installation.name().platform().docker(),
    ]);
    if has_terminal() {
        invocation = invocation.arg("--tty");
    }
    invocation
}

/// Opens a stage, under a name that goes with the shell.
fn open(workplace: &Workplace<'_>, stage: &str, fresh: &[String]) -> Result<u8> {
    let printer = &workplace.context.printer;
    let original = ServiceDockerfile::with_stage(workplace, stage, None)?;
    let dockerfile = Dockerfile::parse(&original.path, &original.text)?;
    let found = dockerfile.stage(stage)?;
    for fresh in fresh {
        dockerfile.stage(fresh)?;
    }
    let mut derived = Derived::new(workplace, &original);
    derived.stage.clone_from(&found.name);
    derived.fresh = fresh.to_vec();
    let image = format!("envtpl-shell:{}", std::process::id());
    let invocation = container(workplace)
        .arg("--entrypoint=/bin/sh")
        .args([&image, "-c", ANY_SHELL]);
    if workplace.context.dry_run {
        let shown = derived.shown(Output::Image(&image))?;
        return printer.data(format!("{shown}{invocation}\n")).map(|()| 0);
    }
    printer.status("Opening", format_args!("stage {}", found.label()));
    let ended = derived.build(Output::Image(&image))?;
    if !ended.built {
        return Err(stage_failure(&ended, &original, &found.label()));
    }
    let status = invocation.run_in_foreground(printer);
    workplace.images.untag(std::iter::once(&*image), printer);
    status
}
