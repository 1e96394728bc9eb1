//! `envtpl.yaml`: readable, and about installations that there are.

use super::finding::{Finding, Findings};
use crate::error::Result;
use crate::installation::project_settings::{FILE, ProjectSettings};
use crate::project::Project;

/// Reads and judges the project's settings.
///
/// # Errors
/// When the person stopped it.
pub fn check(project: &Project) -> Result<Vec<Finding>> {
    let mut findings = Findings::new(project.root(), FILE);
    let read = ProjectSettings::read(project.root());
    let settings = findings.value(read, &project.root().join(FILE))?;
    for (name, place) in settings.iter().flat_map(ProjectSettings::installations) {
        let mut installations = project.installations().iter();
        if !installations.any(|one| one.name().same_environment(name)) {
            findings.warning(&place, format!("there is no installation `{name}`"));
        }
    }
    Ok(findings.into_found())
}
