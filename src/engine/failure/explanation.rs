//! Why a build failed, as data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a log says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The build failed.
    Failed(Box<Explanation>),
    /// Nothing failed.
    Nothing(Passed),
}

/// A log in which nothing failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// How many lines it has.
    pub lines: u64,
    /// Errors that steps printed which succeeded all the same: something may hide the failure.
    pub masked: Vec<Brief>,
    /// Whether BuildKit left out part of what was printed.
    pub clipped: bool,
}

/// Why a build failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What kind of failure this is: `compiler`, `pip`, `network` and so on; `unknown` when no rule
    /// knows it.
    pub kind: String,
    /// The rule that it fits, by its name in the data file.
    pub rule: Option<String>,
    /// What went wrong, in the words of whoever said it.
    pub message: String,
    /// Where, in the files that were built.
    pub place: Option<Spot>,
    /// What was printed with it: the line at fault, the last lines of a step.
    pub excerpt: Vec<String>,
    /// The files that include the one at fault, or the calls that led there; the nearest first.
    pub chain: Vec<Frame>,
    /// What was being made.
    pub target: Option<String>,
    /// The step of the build.
    pub step: Option<StepPlace>,
    /// The instruction of the Dockerfile.
    pub dockerfile: Option<DockerfileLine>,
    /// The exit status of the step.
    pub exit_code: Option<i32>,
    /// The line of the log, from 1.
    pub log_line: Option<u64>,
    /// How many other errors the failed steps told that do not follow from this one.
    pub other_errors: u64,
    /// The first of them.
    pub others: Vec<Brief>,
    /// What was left out since it follows from the first cause.
    pub hidden: Hidden,
    /// Other steps that failed.
    pub other_steps: Vec<StepPlace>,
    /// Whether BuildKit left out part of what was printed.
    pub clipped: bool,
    /// Whether the log ends before the build did.
    pub unfinished: bool,
    /// What was named: `header`, `program`, `package`, `module`, `library`, `host` and the like.
    pub facts: BTreeMap<String, String>,
    /// What to know beside it.
    pub notes: Vec<String>,
    /// What to do.
    pub advice: Vec<String>,
    /// What to look for in the failed file system.
    pub looks: Vec<Look>,
    /// The lines of an installation's lists that ask for what could not be installed; a log alone
    /// does not tell them.
    #[serde(default)]
    pub declared: Vec<DeclaredAt>,
}

/// A line of an installation's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredAt {
    /// The list, below the project.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In one line, without comments and credentials.
    pub text: String,
}

impl fmt::Display for DeclaredAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

impl Explanation {
    /// What went wrong and where, in one line: `cv2.hpp:36:10: fatal error: …`.
    pub fn headline(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// As it was printed.
    pub file: String,
    /// From 1.
    pub line: Option<u32>,
    /// From 1.
    pub column: Option<u32>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        let mut numbers = [self.line, self.column].into_iter().flatten();
        numbers.try_for_each(|number| write!(f, ":{number}"))
    }
}

/// One link of a chain of includes or calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Where it is.
    pub place: Option<Spot>,
    /// The function, or what was printed of it.
    pub text: Option<String>,
}

/// A step of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlace {
    /// BuildKit's number for it in this build.
    pub number: Option<u32>,
    /// The stage, as the Dockerfile names it, or `stage-0`.
    pub stage: Option<String>,
    /// What stands before the stage: the service or target and the platform.
    pub scope: Option<String>,
    /// Which step of the stage it is, from 1.
    pub index: Option<u32>,
    /// How many the stage has.
    pub of: Option<u32>,
    /// What it does.
    pub instruction: Option<String>,
}

/// A line of the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerfileLine {
    /// As BuildKit names it.
    pub file: String,
    /// From 1: where the instruction begins.
    pub line: u32,
    /// The instruction's lines.
    pub text: Vec<String>,
}

/// An error in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// What was printed.
    pub message: String,
    /// Where, in the files that were built.
    pub place: Option<Spot>,
    /// The line of the log, from 1.
    pub log_line: u64,
    /// The stage and its step, when known: `build 2/5`.
    pub step: Option<String>,
}

/// What follows from the cause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// How many different lines.
    pub count: u64,
    /// One of each kind.
    pub examples: Vec<String>,
}

/// Something that a person would look for in the failed file system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// A header, as `#include` names it: `numpy/ndarrayobject.h`.
    Header(String),
    /// A program, by name or path.
    Program(String),
    /// A library to link, as after `-l`.
    Library(String),
    /// A shared library, by the name that a program asks for: `libGL.so.1`.
    Shared(String),
    /// A Python module.
    Module(String),
    /// What CMake's `find_package` looks for.
    CmakePackage(String),
    /// What pkg-config looks for.
    PkgConfig(String),
    /// A system package.
    AptPackage(String),
    /// A Python package, as it is required.
    Requirement(String),
    /// A file, by the path that was printed.
    File(String),
}
