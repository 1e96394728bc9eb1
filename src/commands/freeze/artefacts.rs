//! Asking the package index, where the packages are, for what nothing else knows.

use std::collections::BTreeMap;

use crate::commands::Context;
use crate::commands::freeze::source::Source;
use crate::commands::workplace::{Workplace, settings};
use crate::engine::Service;
use crate::environment::declared::Declared;
use crate::environment::freeze::{self, Artefacts, DEFAULT_INDEX, Facts, Plan};
use crate::environment::index::{Answer, Question};
use crate::error::Result;
use crate::files;
use crate::process::Invocation;
use crate::project::Installation;

/// The container's own end of the certificates and credentials of `.env`.
const MOUNTED: &str = "/run/envtpl/";

/// What settings and declared files say about indexes.
///
/// # Errors
/// `Usage` when `.env` cannot be read.
pub fn settings_of(installation: &Installation, declared: &Declared) -> Result<Artefacts> {
    let values = values(installation)?;
    let first = declared.indexes.index.as_ref();
    let first = first.or_else(|| values.get("PIP_INDEX_URL"));
    Ok(Artefacts {
        default_index: first.cloned().unwrap_or_else(|| DEFAULT_INDEX.to_owned()),
        declared: declared.indexes.clone(),
        ..Artefacts::default()
    })
}

/// The settings of `.env` that are not empty; none where there is no such file.
fn values(installation: &Installation) -> Result<BTreeMap<String, String>> {
    if !files::exists(&installation.path(".env")) {
        return Ok(BTreeMap::new());
    }
    let mut values = settings(installation)?.values(|name| std::env::var(name).ok());
    values.retain(|_, value| !value.is_empty());
    Ok(values.into_iter().collect())
}

/// Who asks the index.
pub struct Asker<'a> {
    /// How the command was started.
    pub context: &'a Context,
    /// The installation.
    pub installation: &'a Installation,
    /// The engine's side of it, where there is an engine.
    pub workplace: Option<&'a Workplace<'a>>,
}

impl Asker<'_> {
    /// The plan, with the index asked for what it needs.
    ///
    /// # Errors
    /// `Failed` when an index does not answer.
    pub fn whole_plan(&self, source: &Source, facts: &mut Facts) -> Result<Plan> {
        let mut plan = freeze::plan(facts);
        // First which files there are, then the digests that the index does not tell.
        for _ in 0..2 {
            if plan.unknown.is_empty() {
                break;
            }
            let answer = self.ask(source, &plan.unknown)?;
            facts.artefacts.learn(&plan.unknown, answer);
            plan = freeze::plan(facts);
        }
        Ok(plan)
    }

    fn ask(&self, source: &Source, question: &Question) -> Result<Answer> {
        let printer = &self.context.printer;
        printer.verbose(format_args!(
            "asking the package index for the files of {} packages",
            question.packages.len()
        ));
        let (printed, origin) = match (source, self.workplace) {
            (Source::Container(name), Some(workplace)) => {
                let tools = workplace.compose.tools();
                let invocation = question.to_container(tools.docker(), name);
                (tools.read(&invocation, printer)?, name)
            }
            (Source::Image(image), Some(workplace)) => {
                let tools = workplace.compose.tools();
                let invocation = to_image(workplace, question, image);
                (tools.read(&invocation, printer)?, image)
            }
            // A snapshot's container is elsewhere; this machine has the settings of `.env`.
            (Source::Container(name) | Source::Image(name) | Source::Snapshot(name), _) => {
                let question = Question {
                    environment: of_this_machine(values(self.installation)?),
                    ..question.clone()
                };
                let asked = question.here().read(printer);
                let asked = asked.map_err(|error| {
                    error.help("or freeze where an engine is, from the image or a container")
                });
                (asked?, name)
            }
        };
        Answer::parse(&printed, origin, question)
    }
}

/// The settings of `.env` under the names that programs on this machine know.
fn of_this_machine(values: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let known = |(name, value): (String, String)| {
        let name = match name.as_str() {
            "CA_BUNDLE" => "PIP_CERT",
            "NETRC_FILE" => "NETRC",
            "HTTP_PROXY" => "http_proxy",
            "HTTPS_PROXY" => "https_proxy",
            "NO_PROXY" => "no_proxy",
            "PIP_INDEX_URL" | "PIP_EXTRA_INDEX_URL" => return Some((name, value)),
            _ => return None,
        };
        Some((name.to_owned(), value))
    };
    values.into_iter().filter_map(known).collect()
}

fn to_image(workplace: &Workplace<'_>, question: &Question, image: &str) -> Invocation {
    let mut services = workplace.model.services.iter();
    let local = services.find(|(name, _)| name.starts_with("dev-local-"));
    let local = local
        .map(|(_, service)| service.clone())
        .unwrap_or_default();
    let platform = workplace.installation.name().platform().docker();
    let mut options = vec![format!("--platform={platform}")];
    options.extend(network(&local));
    let question = Question {
        environment: environment(&local),
        ..question.clone()
    };
    question.to_image(workplace.compose.tools().docker(), &options, image)
}

/// The options that give a container of an image the network of the installation's own: the
/// certificates and credentials that they have mounted, and the kind of network.
fn network(service: &Service) -> Vec<String> {
    let mounts = service.volumes.iter();
    let mounts = mounts.filter(|volume| volume.target.starts_with(MOUNTED));
    let mut options: Vec<String> = mounts
        .map(|volume| {
            let source = unescaped(&volume.source);
            format!(
                "--mount=type=bind,source={source},target={},readonly",
                volume.target
            )
        })
        .collect();
    if let Some(mode) = &service.network_mode {
        options.push(format!("--network={mode}"));
    }
    options
}

/// The environment variables of the installation's own containers.
fn environment(service: &Service) -> BTreeMap<String, String> {
    let variables = service.environment.iter();
    variables
        .filter_map(|(name, value)| {
            let value = match value {
                Some(value) => unescaped(value),
                None => std::env::var(name).ok()?,
            };
            Some((name.clone(), value))
        })
        .collect()
}

/// Compose answers with `$$` for a dollar sign.
fn unescaped(text: &str) -> String {
    text.replace("$$", "$")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Volume;

    #[test]
    fn an_image_is_asked_with_the_settings_of_its_containers() {
        let volume = |source: &str, target: &str| Volume {
            source: source.into(),
            target: target.into(),
            ..Volume::default()
        };
        let service = Service {
            environment: [
                (
                    "PIP_INDEX_URL".to_owned(),
                    Some("https://u:a$$b@i".to_owned()),
                ),
                ("ENVTPL_TEST_NOT_SET".to_owned(), None),
            ]
            .into(),
            volumes: vec![
                volume("/home/a/p", "/project/p"),
                volume("/etc/$$ca.pem", "/run/envtpl/ca-bundle.pem"),
            ],
            network_mode: Some("host".into()),
            ..Service::default()
        };
        assert_eq!(
            network(&service),
            [
                "--mount=type=bind,source=/etc/$ca.pem,target=/run/envtpl/ca-bundle.pem,readonly",
                "--network=host",
            ]
        );
        let environment = environment(&service);
        assert_eq!(environment["PIP_INDEX_URL"], "https://u:a$b@i");
        assert_eq!(environment.len(), 1);
    }
}
