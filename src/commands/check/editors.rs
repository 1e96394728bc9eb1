//! The file for editors: readable, and about services and a directory that there are.

use std::path::Path;

use super::finding::Findings;
use crate::error::{Place, Result};
use crate::files;
use crate::installation::devcontainer::Devcontainer;
use crate::installation::dotenv::Dotenv;
use crate::project::Installation;
use crate::templates::render;

/// Reads and judges the file, if there is one; `services` are those of `compose.yaml`.
///
/// # Errors
/// When the person stopped it.
pub fn check(
    findings: &mut Findings,
    project_root: &Path,
    installation: &Installation,
    services: &[String],
    dotenv: Option<&Dotenv>,
) -> Result<()> {
    let name = installation.name().to_string();
    let path = project_root.join(render::place(&name, render::DEVCONTAINER));
    let Some(Some(text)) = findings.value(files::read_text_if_exists(&path), &path)? else {
        return Ok(());
    };
    let Some(file) = findings.value(Devcontainer::parse(&path, &text), &path)? else {
        return Ok(());
    };
    let expected = format!("installation/{name}/compose.yaml");
    let compose_files = file.compose_files();
    if !compose_files.iter().any(|file| file.ends_with(&expected)) {
        findings.note(
            &Place::file(&path),
            format!(
                "it is not about {expected}, so editors open another container than `envtpl dev`"
            ),
        );
        return Ok(());
    }
    for (service, place) in file.services() {
        // Further files may have further services.
        if compose_files.len() == 1 && !services.iter().any(|known| known == service) {
            findings
                .error(&place, format!("compose.yaml has no service `{service}`"))
                .help(format!("services there are: {}", services.join(", ")));
        }
    }
    let environment = |name: &str| std::env::var(name).ok();
    let values = dotenv.map(|dotenv| dotenv.values(environment));
    let root = values.and_then(|values| values.get("PROJECT_ROOT_AT").cloned());
    if let (Some(root), Some((folder, place))) = (root, file.workspace_folder(environment))
        && !Path::new(&folder).starts_with(&root)
    {
        findings
            .warning(
                &place,
                format!("editors open `{folder}`, and the project is mounted at `{root}`"),
            )
            .help(format!(
                "start the editor with PROJECT_ROOT_AT={root} in its environment, or change one of the two"
            ));
    }
    Ok(())
}
