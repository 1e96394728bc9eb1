//! What the build itself used: uv, and what packages that are built from source ask for. No image
//! holds it, and a build needs it all the same.

use std::collections::BTreeMap;

use crate::environment::freeze::artefacts::{Known, OfIndex, is_as_built, of_index};
use crate::environment::freeze::locked::is_built;
use crate::environment::freeze::{Facts, Plan};
use crate::environment::lock::Tool;
use crate::environment::snapshot::{BuildTool, Distribution};

/// Adds the build's tools to a plan. What is still to be asked is in [`Plan::unknown`].
pub fn plan(facts: &Facts, plan: &mut Plan) {
    for used in &facts.dev.tools {
        let files = match known(facts, used) {
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
    assign(facts, plan);
}

/// Says of each package that is built from source with which tools that was. What somebody
/// installed since the image was built had tools that nobody knows.
fn assign(facts: &Facts, plan: &mut Plan) {
    let distributions = facts.now.distributions().iter();
    let now: BTreeMap<String, &Distribution> = distributions.map(|one| (one.key(), one)).collect();
    let Some(python) = &mut plan.lock.python else {
        return;
    };
    for package in &mut python.packages {
        let Some(installed) = now.get(&package.name) else {
            continue;
        };
        if package.unfrozen.is_some() || !is_built(package) {
            continue;
        }
        if !is_as_built(facts, installed) {
            plan.notes.push(format!(
                "{} {} is built from source; with what is locked by the freeze after the next build",
                installed.name, installed.version
            ));
            continue;
        }
        let used = facts.dev.tools.iter();
        let used = used.filter(|tool| tool.builds.contains(&package.name));
        package.tools = used
            .map(|tool| format!("{}=={}", tool.name, tool.version))
            .collect();
        package.pure = facts.dev.pure.get(&package.name).cloned();
    }
}

fn known(facts: &Facts, used: &BuildTool) -> Known {
    if !used.files.is_empty() {
        return Known::Files(used.files.clone(), OfIndex::default());
    }
    let mut previous = facts.previous.iter().flat_map(|lock| &lock.tools);
    let previous = previous.find(|tool| {
        (&tool.name, &tool.version) == (&used.name, &used.version) && !tool.files.is_empty()
    });
    if let Some(previous) = previous {
        return Known::Files(previous.files.clone(), OfIndex::default());
    }
    let as_installed = Distribution {
        name: used.name.clone(),
        version: used.version.clone(),
        tags: used.tags.clone(),
        ..Distribution::default()
    };
    of_index(facts, &as_installed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::freeze;
    use crate::environment::index::Listed;
    use crate::environment::lock::PythonFile;
    use crate::environment::snapshot::{ArchiveInfo, DirectUrl, Python};

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

    #[test]
    fn a_package_that_was_built_is_locked_with_its_own_tools() {
        let built = |name: &str, direct_url| Distribution {
            name: name.into(),
            version: "1".into(),
            direct_url,
            ..Distribution::default()
        };
        let archive = |name: &str| {
            let url = format!("https://h/{name}");
            let archive_info = Some(ArchiveInfo {
                hashes: [("sha256".to_owned(), "ef".repeat(32))].into(),
                ..ArchiveInfo::default()
            });
            Some(DirectUrl {
                url,
                archive_info,
                ..DirectUrl::default()
            })
        };
        let mut facts = facts();
        let tool = |version: &str, builds: &[&str]| BuildTool {
            name: "setuptools".into(),
            version: version.into(),
            files: vec![file(&format!("setuptools-{version}-py3-none-any.whl"))],
            builds: builds.iter().map(|name| (*name).to_owned()).collect(),
            ..BuildTool::default()
        };
        facts.dev.tools = vec![
            tool("59", &["old-one"]),
            tool("80", &["new-one", "wheel-one"]),
        ];
        let distributions = vec![
            built("Old_One", archive("old-one-1.tar.gz")),
            built("New_One", archive("new-one-1.zip")),
            built("wheel-one", archive("wheel_one-1-py3-none-any.whl")),
        ];
        let python = |distributions| {
            Some(Python {
                version: "3.11.2".into(),
                distributions,
                ..Python::default()
            })
        };
        facts.dev.python = python(distributions.clone());
        let since = [
            distributions,
            vec![built("since", archive("since-1.tar.gz"))],
        ]
        .concat();
        facts.now.python = python(since);
        facts.dev.pure = [("old-one".to_owned(), "12".repeat(32))].into();

        let plan = freeze::plan(&facts);
        let packages = plan.lock.python_packages().iter();
        let tools: Vec<String> = packages.map(|one| one.tools.join(" ")).collect();
        assert_eq!(tools, ["setuptools==80", "setuptools==59", "", ""]);
        let note = "since 1 is built from source; with what is locked by the freeze after";
        assert!(
            plan.notes.iter().any(|said| said.starts_with(note)),
            "{:?}",
            plan.notes
        );
        let lists = freeze::locked_files(&plan.lock);
        let text = |name: &str| {
            let list = lists.iter().find(|list| list.name == name);
            list.and_then(|list| list.text.clone()).unwrap_or_default()
        };
        let hash = format!("--hash=sha256:{}", "ab".repeat(32));
        assert!(
            text("requirements-build.txt")
                .ends_with(&format!("\nsetuptools==59 {hash}\nsetuptools==80 {hash}\n"))
        );
        assert!(
            text("requirements-vcs.txt")
                .contains("\n# built with: setuptools==80\nnew-one @ https://h/new-one-1.zip")
        );
        let digest = "12".repeat(32);
        assert!(text("requirements-vcs.txt").contains(&format!(
            "\n# built with: setuptools==59\n# Python alone: {digest}\nold-one @ https://h/old-one-1.tar.gz"
        )));
    }
}
