//! Compose files: readable, with the services that commands use, for the right platform.

use std::path::Path;

use super::finding::Findings;
use crate::engine::Compose;
use crate::error::{Kind, Place, Result};
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::output::Printer;
use crate::project::Installation;
use crate::templates::check_image;

/// The services that commands build from.
const BUILT: [&str; 4] = [
    "image-run-root",
    "image-dev-root",
    "image-run-user",
    "image-dev-user",
];

/// A stage that a service builds: Dockerfile and stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The service.
    pub service: String,
    /// The Dockerfile, relative to the installation.
    pub dockerfile: String,
    /// The stage.
    pub stage: String,
}

/// What the Compose files say, as far as the other checks need it.
#[derive(Debug, Default)]
pub struct Said {
    /// The stages that are built.
    pub stages: Vec<Wanted>,
    /// The base image, when its name holds no variable.
    pub base: Option<String>,
    /// The services of `compose.yaml`.
    pub services: Vec<String>,
}

/// Reads and judges the files as they are written.
///
/// # Errors
/// When the person stopped it.
pub fn check(findings: &mut Findings, installation: &Installation) -> Result<Said> {
    let mut said = Said::default();
    if let Some(file) = read(findings, &installation.path("compose.yaml"))? {
        services(findings, &file, installation);
        said.stages = stages(&file);
        said.services = file.services().into_iter().map(str::to_owned).collect();
    }
    if let Some(file) = read(findings, &installation.path("compose-base.yaml"))? {
        said.base = base(findings, &file, installation)?;
    }
    let own = installation.path("compose.override.yaml");
    if files::exists(&own) {
        read(findings, &own)?;
    }
    Ok(said)
}

fn read(findings: &mut Findings, path: &Path) -> Result<Option<ComposeFile>> {
    match findings.value(files::read_text_if_exists(path), path)? {
        Some(Some(text)) => findings.value(ComposeFile::parse(path, &text), path),
        Some(None) => {
            findings
                .error(&Place::file(path), "it is missing")
                .help("take it back from git, or scaffold the installation again");
            Ok(None)
        }
        None => Ok(None),
    }
}

fn services(findings: &mut Findings, file: &ComposeFile, installation: &Installation) {
    let path = installation.path("compose.yaml");
    let name = installation.name();
    let known = file.services();
    let mut wanted: Vec<String> = BUILT.map(str::to_owned).into();
    for flavour in ["run", "dev"] {
        wanted.push(format!("{flavour}-local-cpu"));
        wanted.push(format!("{flavour}-local-{}", name.acceleration()));
    }
    wanted.dedup();
    for service in &wanted {
        if !known.contains(&service.as_str()) {
            findings
                .error(
                    &Place::file(&path),
                    format!("there is no service `{service}`, which commands use"),
                )
                .help(format!("services there are: {}", known.join(", ")));
        }
    }
    let platform = name.platform().docker();
    for service in known {
        if let Some(other) = file.platform(service)
            && other.starts_with("linux/")
            && other != platform
        {
            findings
                .error(
                    &file.place(service),
                    format!(
                        "service `{service}` is for {other}, and the installation for {platform}"
                    ),
                )
                .help("`envtpl edit-platform` changes the platform everywhere");
        }
    }
}

fn stages(file: &ComposeFile) -> Vec<Wanted> {
    BUILT
        .iter()
        .filter_map(|service| {
            let (dockerfile, stage) = file.build_target(service)?;
            let plain = |text: &str| !text.contains('$');
            (plain(dockerfile) && plain(stage)).then(|| Wanted {
                service: (*service).to_owned(),
                dockerfile: dockerfile.to_owned(),
                stage: stage.to_owned(),
            })
        })
        .collect()
}

fn base(
    findings: &mut Findings,
    file: &ComposeFile,
    installation: &Installation,
) -> Result<Option<String>> {
    let path = installation.path("compose-base.yaml");
    let Some(base) = file.build_arg("BASE_IMAGE").filter(|base| !base.is_empty()) else {
        findings.error(
            &Place::file(&path),
            "no service has the build argument `BASE_IMAGE`, the image to start from",
        );
        return Ok(None);
    };
    if base.contains('$') {
        return Ok(None);
    }
    let line = file
        .text()
        .lines()
        .position(|line| !line.trim_start().starts_with('#') && line.contains("BASE_IMAGE"));
    let place = line.map_or_else(
        || Place::file(&path),
        |line| Place::line(&path, file.text(), line + 1),
    );
    if let Err(error) = check_image(base) {
        findings.take(&error.at(place), &path)?;
        return Ok(None);
    }
    if let Some(url) = file.build_arg("CONDA_URL").filter(|url| !url.contains('$')) {
        let digest = file.build_arg("CONDA_SHA256").unwrap_or_default();
        let whole = digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
        if !url.is_empty() && !whole && !digest.contains('$') {
            findings
                .error(
                    &Place::file(&path),
                    "`CONDA_SHA256` is no sha256 of 64 hexadecimal digits",
                )
                .help(format!(
                    "it is that of what `CONDA_URL` names: curl -L {url} | sha256sum"
                ));
        }
    }
    Ok(Some(base.to_owned()))
}

/// Asks Compose itself, which knows its format best.
///
/// # Errors
/// When the person stopped it.
pub fn ask(findings: &mut Findings, compose: &Compose, printer: &Printer) -> Result<()> {
    match compose.model(printer) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == Kind::NotReady => {
            findings
                .note(
                    &Place::file(compose.file()),
                    format!("not shown to Compose: {}", error.message()),
                )
                .help("`envtpl check --no-engine` does without it");
            Ok(())
        }
        Err(error) => findings.take(&error, &compose.file()),
    }
}
