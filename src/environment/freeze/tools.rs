//! What the build itself used: uv, and what packages that are built from source ask for. No image
//! holds it, and a build needs it all the same.

use crate::environment::freeze::artefacts::{Known, of_index};
use crate::environment::freeze::{Facts, Plan};
use crate::environment::lock::Tool;
use crate::environment::snapshot::{BuildTool, Distribution};

/// Adds the build's tools to a plan. What is still to be asked is in [`Plan::unknown`].
pub fn plan(facts: &Facts, plan: &mut Plan) {
    for used in &facts.dev.tools {
        let files = match known(facts, used, plan) {
            Known::Files(files, _) => files,
            Known::Digests(files) => {
                plan.unknown.files.extend(files);
                Vec::new()
            }
            Known::Nothing => {
                let asked = (used.name.clone(), used.version.clone());
                if !plan.unknown.packages.contains(&asked) {
                    plan.unknown.packages.push(asked);
                }
                Vec::new()
            }
            Known::Nowhere(why, _) => {
                plan.notes.push(format!(
                    "{} {}, which the build used, cannot be kept for another: {why}",
                    used.name, used.version
                ));
                Vec::new()
            }
        };
        plan.lock.tools.push(Tool {
            name: used.name.clone(),
            version: used.version.clone(),
            files,
        });
    }
    if !plan.unknown.is_empty() {
        plan.unknown.declared = facts.artefacts.declared.clone();
    }
}

fn known(facts: &Facts, used: &BuildTool, plan: &mut Plan) -> Known {
    if !used.files.is_empty() {
        return Known::Files(used.files.clone(), None);
    }
    let mut previous = facts.previous.iter().flat_map(|lock| &lock.tools);
    let previous = previous.find(|tool| {
        (&tool.name, &tool.version) == (&used.name, &used.version) && !tool.files.is_empty()
    });
    if let Some(previous) = previous {
        return Known::Files(previous.files.clone(), None);
    }
    let as_installed = Distribution {
        name: used.name.clone(),
        version: used.version.clone(),
        tags: used.tags.clone(),
        ..Distribution::default()
    };
    of_index(facts, &as_installed, plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::freeze;
    use crate::environment::index::Listed;
    use crate::environment::lock::PythonFile;

    fn file(name: &str) -> PythonFile {
        PythonFile {
            name: name.into(),
            url: format!("https://f/{name}"),
            sha256: "ab".repeat(32),
            size: None,
        }
    }

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.dev.tools = vec![
            BuildTool {
                name: "uv".into(),
                version: "1".into(),
                files: vec![file("uv-1.whl")],
                ..BuildTool::default()
            },
            BuildTool {
                name: "hatchling".into(),
                version: "2.0".into(),
                tags: vec!["py3-none-any".into()],
                ..BuildTool::default()
            },
        ];
        facts
    }

    #[test]
    fn what_the_build_used_is_locked_with_its_files() {
        let mut facts = facts();
        let plan = freeze::plan(&facts);
        let asked = ("hatchling".to_owned(), "2.0".to_owned());
        assert_eq!(plan.unknown.packages, std::slice::from_ref(&asked));
        let wheel = Listed {
            name: "hatchling-2.0-py3-none-any.whl".into(),
            url: "https://f/h.whl".into(),
            sha256: Some("cd".repeat(32)),
            ..Listed::default()
        };
        facts.artefacts.asked.insert(asked, vec![wheel]);
        let plan = freeze::plan(&facts);
        assert!(plan.unknown.is_empty());
        let names: Vec<&str> = plan
            .lock
            .tools
            .iter()
            .flat_map(|tool| &tool.files)
            .map(|file| file.name.as_str())
            .collect();
        assert_eq!(names, ["hatchling-2.0-py3-none-any.whl", "uv-1.whl"]);

        // What the lock knows is not asked for again.
        facts.artefacts.asked.clear();
        facts.previous = Some(plan.lock.clone());
        let again = freeze::plan(&facts);
        assert!(again.unknown.is_empty());
        assert_eq!(again.lock.tools, plan.lock.tools);
    }
}
