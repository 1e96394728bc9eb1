//! Which service of the Compose files a start uses.

use crate::commands::start::gpus;
use crate::commands::workplace::Workplace;
use crate::engine::machine::GpuChoice;
use crate::error::{Error, Place, Result};
use crate::installation::dotenv::Dotenv;
use crate::installation::flavour::Flavour;

/// The service for the flavour and the acceleration that `.env` asks for. `auto` is decided by the
/// GPUs that the person chose, else by all of them.
///
/// # Errors
/// `Usage` when there is none, with those there are.
pub fn choose(
    workplace: &Workplace<'_>,
    dotenv: &Dotenv,
    flavour: Flavour,
    choice: Option<&GpuChoice>,
) -> Result<String> {
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
        "auto" => gpus::automatic(workplace, &prefix, &known, choice)?.to_string(),
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
