//! `envtpl ps`: the containers of the project.

use serde::Serialize;

use crate::commands::Context;
use crate::commands::start::PORTS_LABEL;
use crate::commands::workplace::settings;
use crate::commands::workspace::{EDITORS_LABEL, LABEL};
use crate::engine::{Images, ListedContainer};
use crate::error::{Kind, Result};
use crate::output::{Table, age};

/// Options of `envtpl ps`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl ps                what runs, of all installations
  envtpl ps --all          what has stopped as well
  envtpl ps --format json | jq -r '.[].name'")]
pub struct Args {
    /// Stopped containers as well
    #[arg(short, long)]
    all: bool,
}

/// A container of an installation.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    installation: String,
    service: String,
    workspace: bool,
    /// Whether an editor brought it up.
    dev_container: bool,
    state: String,
    created: String,
    image: String,
    command: String,
    /// Where its servers are reached, as `ssh=127.0.0.1:21043`.
    ports: Vec<String>,
}

/// Prints the containers.
///
/// # Errors
/// `NotReady` when the engine does not answer.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let asked = context.installations_or_all(&project)?;
    let mut rows = Vec::new();
    for installation in asked {
        let settings = match settings(installation) {
            Ok(settings) => settings,
            // Nothing was ever started there.
            Err(error) if error.kind() == Kind::Usage => continue,
            Err(error) => return Err(error),
        };
        let compose = context.compose(&project, installation, &settings);
        let images = Images::open(compose.tools(), &context.printer);
        let containers =
            images.of_directory(installation.directory(), args.all, &context.printer)?;
        rows.extend(containers.into_iter().map(|container| {
            let ListedContainer {
                name,
                service,
                labels,
                state,
                created,
                image,
                command,
            } = container;
            Row {
                name,
                installation: installation.name().to_string(),
                service,
                workspace: labels.contains_key(LABEL),
                dev_container: labels.contains_key(EDITORS_LABEL),
                ports: (labels.get(PORTS_LABEL).into_iter())
                    .flat_map(|ports| ports.split_whitespace().map(str::to_owned))
                    .collect(),
                state,
                created,
                image,
                command,
            }
        }));
    }
    context.printer.report(&rows, |rows| table(rows))
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new([
        "container",
        "installation",
        "service",
        "state",
        "created",
        "command",
    ]);
    for row in rows {
        let command = if row.workspace {
            "(workspace)"
        } else if row.dev_container {
            "(dev container)"
        } else {
            &row.command
        };
        let ports = row.ports.iter().map(|port| format!(" {port}"));
        let command = command.to_owned() + &ports.collect::<String>();
        table.row([
            row.name.clone(),
            row.installation.clone(),
            row.service.clone(),
            row.state.clone(),
            age(&row.created).unwrap_or_else(|| row.created.clone()),
            command,
        ]);
    }
    if table.is_empty() {
        return "no container of this project runs\n".to_owned();
    }
    table.to_string()
}
