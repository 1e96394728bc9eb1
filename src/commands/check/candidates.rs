//! Asks the base image's own apt, in a container that is thrown away, whether it has the packages
//! of the lists: names differ between releases.

use serde::{Deserialize, Serialize};

use super::dependencies::Listed;
use super::finding::Findings;
use crate::commands::Context;
use crate::engine::{Images, Tools};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::installation::dotenv::Dotenv;
use crate::project::{Installation, Project};
use crate::templates::render;

const SCRIPT: &str = include_str!("candidates.sh");
/// The installation's own way of reaching package archives, and those of other machines.
const STEPS: [&str; 2] = ["apt-settings.sh", "apt-foreign.sh"];
/// The script's status when there are no package lists to be had.
const NO_LISTS: i32 = 75;

/// Packages that a base image is known to have; asking takes some seconds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    base: String,
    packages: Vec<String>,
}

/// Asks, when the engine has the base image.
///
/// # Errors
/// When the person stopped it.
pub fn check(
    context: &Context,
    findings: &mut Findings,
    project: &Project,
    installation: &Installation,
    dotenv: &Dotenv,
    base: &str,
    listed: &[Listed],
) -> Result<()> {
    let tools = Tools::new(
        dotenv.get("DOCKER").as_deref(),
        dotenv.get("COMPOSE").as_deref(),
    );
    let printer = &context.printer;
    let images = Images::open(&tools, printer);
    let image = match images.find(base, printer) {
        Ok(Some(image)) => image,
        Err(error) if error.kind() == Kind::Interrupted => return Err(error),
        // Fetching gigabytes is nothing that a check may do; an engine that does not answer is
        // the doctor's business.
        Ok(None) | Err(_) => return Ok(()),
    };
    let cache = format!("cache/apt-{}.json", installation.name());
    let mut known = remembered(project, &cache, &image.id);
    let asked: Vec<&Listed> = listed
        .iter()
        .filter(|one| !known.packages.contains(&one.package))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = asked.iter().map(|one| one.package.as_str()).collect();
    printer.status(
        "Asking",
        format_args!("{base} for {} packages", names.len()),
    );
    let answer = match ask(context, &tools, dotenv, base, installation, &names) {
        Ok(answer) => answer,
        Err(error) if error.kind() == Kind::Interrupted => return Err(error),
        Err(error) => {
            let reason = error.causes().pop().unwrap_or_default();
            let reason = reason.lines().next_back().unwrap_or_default().trim();
            findings
                .note(
                    &Place::file(installation.path("dependencies")),
                    format!(
                        "packages were not compared with those of {base}: {} {reason}",
                        error.message()
                    ),
                )
                .help("`envtpl doctor` looks at proxies and certificates");
            return Ok(());
        }
    };
    for line in answer.lines() {
        let (package, reason) = line.split_once('\t').unwrap_or((line, ""));
        match asked.iter().find(|one| one.package == package) {
            Some(one) => findings
                .error(&one.place, format!("{base} has no package to install for `{package}`: {reason}"))
                .help("names differ between releases; search at packages.debian.org or packages.ubuntu.com"),
            None => findings.error(
                &Place::file(installation.path("dependencies")),
                format!("these packages cannot be installed together: {reason}"),
            ),
        };
    }
    if answer.is_empty() {
        known.packages.extend(names.into_iter().map(str::to_owned));
        remember(project, &cache, &known);
    }
    Ok(())
}

fn remembered(project: &Project, cache: &str, base: &str) -> Known {
    let path = project.root().join(files::STATE_DIRECTORY).join(cache);
    files::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok())
        .filter(|known| known.base == base)
        .unwrap_or_else(|| Known {
            base: base.to_owned(),
            packages: Vec::new(),
        })
}

/// Not being able to remember costs some seconds the next time, no more.
fn remember(project: &Project, cache: &str, known: &Known) {
    if let Ok(bytes) = serde_json::to_vec(known) {
        let _ = files::keep(project.root(), cache, &bytes);
    }
}

/// The script's answer: a line for each package that cannot be installed.
fn ask(
    context: &Context,
    tools: &Tools,
    dotenv: &Dotenv,
    base: &str,
    installation: &Installation,
    names: &[&str],
) -> Result<String> {
    let mut invocation = tools.docker().args([
        "run",
        "--rm",
        "--interactive",
        "--user=0",
        "--entrypoint=sh",
    ]);
    invocation = invocation.arg(format!(
        "--platform={}",
        installation.name().platform().docker()
    ));
    // By name alone, so that credentials of a proxy stand in no list of processes.
    for (setting, variable) in [
        ("HTTP_PROXY", "http_proxy"),
        ("HTTPS_PROXY", "https_proxy"),
        ("NO_PROXY", "no_proxy"),
        ("APT_MIRROR", "APT_MIRROR"),
    ] {
        if let Some(value) = dotenv.get(setting).filter(|value| !value.is_empty()) {
            invocation = invocation
                .arg(format!("--env={variable}"))
                .env(variable, value);
        }
    }
    if let Some(bundle) = dotenv.get("CA_BUNDLE").filter(|bundle| !bundle.is_empty()) {
        let bundle = installation.path(bundle);
        let inside = "/run/envtpl/ca-bundle.pem";
        invocation = invocation
            .arg(format!(
                "--mount=type=bind,source={},target={inside},readonly",
                bundle.display()
            ))
            .arg(format!("--env=ENVTPL_CA={inside}"));
    }
    let mut script = String::new();
    for step in STEPS {
        let text = render::source(&format!("installation/common/build-steps/{step}"))?;
        script += &format!("cat >/tmp/{step} <<'END_OF_STEP'\n{text}\nEND_OF_STEP\n");
    }
    let invocation = invocation
        .args([base, "-s", "--"])
        .args(names)
        .stdin(script + SCRIPT);
    let finished = invocation.capture(&context.printer)?;
    let talk = finished.talk();
    match finished.status.code() {
        Some(0) => Ok(finished.text()),
        Some(NO_LISTS) => Err(Error::not_ready("its package lists cannot be fetched;")
            .because(std::io::Error::other(talk))),
        _ => Err(invocation.failure(finished.status, &talk)),
    }
}
