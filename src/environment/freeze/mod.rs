//! What freezing an environment means: which packages are new and asked for, what the lock says,
//! and what cannot be frozen. Pure: facts go in, a plan comes out.

mod apt;
mod artefacts;
mod conda;
mod contrary;
mod drift;
mod flavours;
mod graph;
mod locked;
mod python;
mod settled;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::environment::declared::{Addition, Declared, List};
use crate::environment::index::Question;
use crate::environment::lock::{self, Lock};
use crate::environment::requires::Interpreter;
use crate::environment::snapshot::Snapshot;
use crate::installation::name::Acceleration;

pub use apt::apt_label;
pub use artefacts::{Artefacts, DEFAULT_INDEX};
pub use contrary::{Contrary, contrary};
pub use drift::{DriftedList, drifted_lists};
pub use flavours::{as_in_dev, dev_by_lock};
pub use graph::{Extras, Graph};
pub use locked::{DIRECTORY as LOCKED_DIRECTORY, LockedFile, files as locked_files};
pub use settled::{MissingExtra, answers};

/// Tools of the installation, not of the code: a newer one may replace the base image's, and the
/// build brings them along without being asked.
const TOOLS: [&str; 3] = ["pip", "setuptools", "wheel"];

/// Everything that a plan depends on.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The base image.
    pub base: Snapshot,
    /// The run image as it was built.
    pub run: Snapshot,
    /// The dev image as it was built.
    pub dev: Snapshot,
    /// The stage that built packages from source, when there was need for it.
    pub apt_build: Option<Snapshot>,
    /// What is installed now: in the dev container, or in the dev image.
    pub now: Snapshot,
    /// What people declared.
    pub declared: Declared,
    /// The lock of the freeze before.
    pub previous: Option<Lock>,
    /// What the lock says about the base image.
    pub base_image: lock::Base,
    /// Where containers have the project.
    pub project_root_at: Option<String>,
    /// Where this machine's settings say that conda's channels are.
    pub conda_channel_alias: Option<String>,
    /// Directories with repositories that a build finds in the image.
    pub directories_in_image: BTreeSet<String>,
    /// What the installation computes on; `None` when it does not matter.
    pub acceleration: Option<Acceleration>,
    /// The list that new system packages go to.
    pub new_apt: AptTarget,
    /// Python packages, by normalised name, that a build would not get as they are: what asking
    /// around showed. (What a package's own record says is found out here.)
    pub lost: BTreeMap<String, Lost>,
    /// What is known of the files that packages came from.
    pub artefacts: Artefacts,
}

/// Why a build would not get a package as it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Why, as a sentence that begins with "it" or the like.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

/// A list of system packages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AptTarget {
    /// `apt-build.txt`: needed only to build Python packages; in no image.
    Build,
    /// `apt-runtime.txt`: needed to run the code; in both images.
    Runtime,
    /// `apt-dev.txt`: needed to develop; in the dev image alone.
    #[default]
    Dev,
}

impl AptTarget {
    /// The declared list.
    pub fn list(self) -> List {
        match self {
            Self::Build => List::AptBuild,
            Self::Runtime => List::AptRuntime,
            Self::Dev => List::AptDev,
        }
    }
}

/// What a freeze does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The lock.
    pub lock: Lock,
    /// What is added to the declared files.
    pub additions: Vec<Addition>,
    /// What cannot be frozen; the lock marks it, and no list has it.
    pub refused: Vec<Refusal>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
    /// What must be asked of the package index before the lock is whole.
    pub unknown: Question,
}

/// A package that cannot be frozen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refusal {
    /// The package's name.
    pub name: String,
    /// The version that is installed.
    pub version: String,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

impl Facts {
    /// The interpreter that markers of requirements ask about.
    fn interpreter(&self) -> Interpreter {
        Interpreter::of(&self.now)
    }
}

/// Takes back what would be declared though no build can get it: the next one would fail.
fn declare_no_unfrozen(plan: &mut Plan) {
    let python = plan.lock.python_packages().iter();
    let python = python.filter(|package| package.unfrozen.is_some());
    let python: BTreeSet<&str> = python.map(|package| package.name.as_str()).collect();
    plan.additions
        .retain(|added| added.list != List::Python || !python.contains(added.name.as_str()));
}

/// Plans a freeze.
pub fn plan(facts: &Facts) -> Plan {
    let mut plan = Plan {
        lock: Lock::new(&facts.now.platform, facts.base_image.clone()),
        additions: Vec::new(),
        refused: Vec::new(),
        notes: Vec::new(),
        unknown: Question::default(),
    };
    apt::plan(facts, &mut plan);
    conda::plan(facts, &mut plan);
    python::plan(facts, &mut plan);
    artefacts::plan(facts, &mut plan);
    declare_no_unfrozen(&mut plan);
    tools::plan(facts, &mut plan);
    settled::plan(facts, &mut plan);
    plan.lock.sort();
    plan.additions.sort();
    plan.refused.sort();
    plan
}
