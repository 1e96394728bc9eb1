//! Declared lines that what is installed does not meet. A build goes by the lines, so it would make
//! another environment than the one that is frozen.

use crate::environment::declared::{Asked, DeclaredLine};
use crate::environment::freeze::settled::{MissingExtra, Scene, answers};
use crate::environment::freeze::{Facts, Plan};
use crate::environment::origin::{Found, Origin};
use crate::environment::snapshot::{AptPackage, Distribution};
use crate::installation::apt_list::AptEntry;
use crate::installation::requirements::{Entry, Kind};

/// A declared line that what is installed does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contrary<'a> {
    /// The line.
    pub line: &'a DeclaredLine,
    /// What is installed by the name that it gives, as in `six 1.17.0`; `None` when nothing is.
    pub installed: Option<String>,
    /// The extra that is missing, when it is the right version and that is all.
    pub missing: Option<MissingExtra>,
}

/// The declared lines that what a plan locks does not meet, in their order. Those of packages that
/// cannot be frozen are not among them.
pub fn contrary<'a>(facts: &'a Facts, plan: &'a Plan) -> Vec<Contrary<'a>> {
    let scene = Scene::new(facts, &plan.lock);
    let is_refused = |name: &str| plan.refused.iter().any(|refused| refused.name == name);
    let of_apt = |line, list: Option<&[AptPackage]>, entry: &AptEntry| {
        let found = list?.iter().find(|package| package.name == entry.name);
        let unmet = !answers(&plan.lock, line) && !is_refused(&entry.name);
        unmet.then(|| found.map(|found| format!("{} {}", found.name, found.version)))
    };
    let lines = facts.declared.lines.iter();
    let unmet = lines.filter_map(|line| {
        let installed = match &line.asked {
            Asked::Python(entry) => of_python(&scene, entry, &line.text)?,
            Asked::Constraint(entry) if scene.keeps_to(entry) => return None,
            Asked::Constraint(entry) => by_name(&scene, entry),
            // Nobody here can tell.
            Asked::Elsewhere => return None,
            Asked::Conda(asked) => {
                if answers(&plan.lock, line) || is_refused(&asked.name) {
                    return None;
                }
                let mut conda = facts.now.conda.iter();
                let found = conda.find(|package| package.name == asked.name);
                found.map(|found| format!("{} {}", found.name, found.version))
            }
            Asked::AptRuntime(entry) => of_apt(line, Some(&facts.run.apt), entry)?,
            Asked::AptDev(entry) => of_apt(line, Some(&facts.now.apt), entry)?,
            Asked::AptBuild(entry) => {
                let build = facts.apt_build.as_ref();
                of_apt(line, build.map(|build| build.apt.as_slice()), entry)?
            }
        };
        let missing = match &line.asked {
            Asked::Python(entry) => scene.lacks(entry, &line.text),
            _ => None,
        };
        Some(Contrary {
            line,
            installed,
            missing,
        })
    });
    unmet.collect()
}

fn of_python(scene: &Scene<'_>, entry: &Entry, text: &str) -> Option<Option<String>> {
    // Directories of the project are not locked, and each build takes them as they are.
    let comparable = matches!(
        entry.kind,
        Kind::Named { .. } | Kind::Url { .. } | Kind::Vcs { .. }
    );
    let unmet = comparable && scene.holds(entry) && scene.meets(entry, text).is_none();
    unmet.then(|| by_name(scene, entry))
}

fn by_name(scene: &Scene<'_>, entry: &Entry) -> Option<String> {
    let key = entry.normalised()?;
    let installed: &Distribution = scene.now.get(&key)?;
    let version = &installed.version;
    Some(match Found::of(installed) {
        Found::Origin(origin @ (Origin::Vcs(_) | Origin::Archive(_))) => {
            format!("{key} {version} ({})", origin.describe())
        }
        _ => format!("{key} {version}"),
    })
}
