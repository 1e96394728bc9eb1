//! Starting a container of the project: what `run` and `dev` have in common.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::commands::workplace::{Workplace, check_named_files, settings};
use crate::commands::{Context, detached};
use crate::engine::{Images, Model, usable_acceleration};
use crate::error::{Error, Place, Result};
use crate::installation::dotenv::Dotenv;
use crate::installation::flavour::Flavour;
use crate::process::Invocation;

/// Options of `envtpl run` and `envtpl dev`.
#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// Start in the background and print the container's name
    #[arg(short, long)]
    pub detach: bool,

    /// Set an environment variable, or pass on the one of this name
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,

    /// Run this program instead of the image's entrypoint, which sets the project up
    #[arg(long, value_name = "PROGRAM")]
    pub entrypoint: Option<OsString>,
}

/// Runs a command in a new container of the flavour's service; the container is removed when the
/// command ends; gives the exit status that envtpl ends with. Does not return when the command
/// runs in the foreground: this process becomes it, so that terminal, signals and exit status are
/// its own.
///
/// # Errors
/// `Usage` when the settings ask for what there is not; `NotReady` when the image is missing.
pub fn start(
    context: &Context,
    flavour: Flavour,
    args: &StartArgs,
    command: &[OsString],
) -> Result<u8> {
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let dotenv = settings(installation)?;
    check_named_files(installation, &dotenv)?;
    let service = service(&workplace, &dotenv, flavour)?;
    let image = workplace.image(&service)?;
    if workplace.find(&service)?.is_none() {
        return Err(Images::missing(
            image,
            &format!("envtpl build-user -i {}", installation.name()),
        ));
    }

    let mut invocation = if args.detach {
        workplace.compose.invocation().arg("run")
    } else {
        workplace.compose.in_foreground().args(["run", "--rm"])
    };
    let directory = directory_inside(&workplace.model, &service, &context.directory);
    if let Some(directory) = directory {
        invocation = invocation.arg("--workdir").arg(directory);
    }
    if let Some(entrypoint) = &args.entrypoint {
        invocation = invocation.arg("--entrypoint").arg(entrypoint);
    }
    for variable in &args.env {
        invocation = invocation.arg("--env").arg(variable);
    }
    if args.detach {
        invocation = invocation.arg("--detach");
    } else if !has_terminal() {
        invocation = invocation.arg("--no-TTY");
    }
    let invocation = invocation.arg(&service).args(command);

    if context.dry_run {
        context.printer.data(format!("{invocation}\n"))?;
        return Ok(0);
    }
    if args.detach {
        let docker = dotenv.get("DOCKER");
        let started = Invocation::new("envtpl")
            .args([&flavour.to_string(), "-d"])
            .args(command);
        return detached::start(
            &workplace,
            docker.as_deref(),
            &invocation,
            &started.to_string(),
        );
    }
    Err(invocation.replace_this_process(&context.printer))
}

/// The service for the flavour and the acceleration that `.env` asks for.
fn service(workplace: &Workplace<'_>, dotenv: &Dotenv, flavour: Flavour) -> Result<String> {
    let path = workplace.installation.path(".env");
    let values = dotenv.values(|name| std::env::var(name).ok());
    let asked = values
        .get("ACCELERATION")
        .map(String::as_str)
        .unwrap_or_default();
    let prefix = format!("{flavour}-local-");
    let known: Vec<&str> = workplace
        .model
        .services
        .keys()
        .filter_map(|name| name.strip_prefix(&prefix))
        .collect();
    let acceleration = match asked {
        "" => workplace.installation.name().acceleration().to_string(),
        "auto" => {
            let usable = usable_acceleration().to_string();
            if known.contains(&usable.as_str()) {
                usable
            } else {
                "cpu".to_owned()
            }
        }
        named => named.to_owned(),
    };
    if known.contains(&acceleration.as_str()) {
        return Ok(prefix + &acceleration);
    }
    Err(Error::usage(format!(
        "`ACCELERATION` is `{acceleration}`, and compose.yaml has no service `{prefix}{acceleration}`"
    ))
    .at(match std::env::var_os("ACCELERATION") {
        Some(_) => Place::file("the environment of this command"),
        None => dotenv.place(&path, "ACCELERATION").unwrap_or_else(|| Place::file(&path)),
    })
    .help(if known.is_empty() {
        format!("services of this kind are called `{prefix}<acceleration>`; there is none")
    } else {
        format!("values with a service: {}, auto", known.join(", "))
    }))
}

/// The directory in the container that is the given one outside, if a mount shows it there. The
/// deepest mount wins, as it does in the container.
fn directory_inside(model: &Model, service: &str, outside: &Path) -> Option<OsString> {
    let volumes = &model.services.get(service)?.volumes;
    let (depth, inside) = volumes
        .iter()
        .filter_map(|volume| {
            let source = Path::new(&volume.source).canonicalize().ok()?;
            let below = outside.strip_prefix(&source).ok()?;
            let inside = Path::new(&volume.target).join(below);
            // Joining an empty path would leave a slash at the end.
            let inside: PathBuf = inside.components().collect();
            Some((source.components().count(), inside))
        })
        .max_by_key(|(depth, _)| *depth)?;
    // A mount of the whole file system says nothing about where the project is.
    (depth > 1).then(|| inside.into_os_string())
}

/// Whether the command can have a terminal: both of its ends must be ours.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
