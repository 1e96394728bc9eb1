//! What is told of the stages of a Dockerfile, and kept with a build of it: as data, without
//! secrets that are known as such.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Dockerfile, Given, Graph, How, Keyword, Lexer, Scope, Skipped, Source, Stage};
use crate::error::Result;
use crate::secrets::{redact_text, redact_value};

/// The stages of one Dockerfile, for what is built of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The Dockerfile, as it is to be shown.
    pub file: PathBuf,
    /// The stages that are wanted.
    pub targets: Vec<String>,
    /// All stages, in the order of the file.
    pub stages: Vec<StageRow>,
    /// All build arguments, in the order of the file.
    pub args: Vec<ArgRow>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRow {
    /// Its name, or what the builder calls it.
    pub name: String,
    /// The line of its `FROM`.
    pub line: usize,
    /// What it starts from, with arguments replaced; `null` where a context stands in for it.
    pub from: Option<Origin>,
    /// What it takes files from, in the order of the file.
    pub takes: Vec<Taken>,
    /// How many steps a build shows for it.
    pub steps: usize,
    /// Whether it is wanted itself.
    pub target: bool,
    /// Why it is left out, if it is.
    pub skipped: Option<Reason>,
}

/// An image, a stage, a context, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Which of them.
    pub kind: OriginKind,
    /// Its name.
    pub name: String,
}

/// What a stage may start from or take files from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginKind {
    /// A stage of this file.
    Stage,
    /// An image.
    Image,
    /// A further context that the build is given.
    Context,
    /// Nothing.
    Scratch,
}

/// Files taken from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// `copy` or `mount`.
    pub how: How,
    /// From where.
    pub from: Origin,
    /// The line of the instruction.
    pub line: usize,
}

/// Why a stage is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In one word.
    pub why: Why,
    /// The skipped stages that use it.
    pub by: Vec<String>,
}

/// Why a stage is left out, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No stage takes anything from it.
    Unused,
    /// Only stages do that are left out themselves.
    OnlyBySkipped,
    /// A context stands in for it.
    Replaced,
}

/// A build argument where it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgRow {
    /// Its name.
    pub name: String,
    /// The line of its `ARG`.
    pub line: usize,
    /// The stage that declares it; `null` before the first `FROM`.
    pub stage: Option<String>,
    /// Its default as written.
    pub default: Option<String>,
    /// The value that it has there, as far as it is known.
    pub value: Option<String>,
    /// What the Compose files give it, where only the variables in that tell the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// The stages that see it: the one that declares it from its line on, and all that start from
    /// that one. Before the first `FROM`, those whose `FROM` line names it.
    pub visible: Vec<String>,
}

impl Sheet {
    /// The report on a Dockerfile; without `targets` its last stage is meant.
    ///
    /// # Errors
    /// `Usage` when one of the targets is no stage.
    pub fn new(
        dockerfile: &Dockerfile,
        given: &Given,
        targets: &[String],
        shown: &Path,
    ) -> Result<Self> {
        let mut wanted = Vec::new();
        for target in targets {
            wanted.push(dockerfile.stage(target)?);
        }
        let graph = Graph::new(dockerfile, given);
        Ok(Self::of(dockerfile, &graph, given, wanted, shown))
    }

    /// The same for stages that are known; without any the last one is meant.
    pub fn of<'a>(
        dockerfile: &'a Dockerfile,
        graph: &Graph,
        given: &Given,
        mut wanted: Vec<&'a Stage>,
        shown: &Path,
    ) -> Self {
        if wanted.is_empty() {
            wanted.extend(dockerfile.stages().last());
        }
        let reachable = graph.reachable(wanted.iter().map(|stage| stage.index));
        let view = View {
            dockerfile,
            given,
            graph,
            reachable: &reachable,
        };
        let stages = dockerfile.stages().iter().map(|stage| {
            let target = wanted.iter().any(|one| one.index == stage.index);
            view.stage(stage, target)
        });
        Self {
            file: shown.to_owned(),
            targets: wanted.iter().map(|stage| stage.label()).collect(),
            stages: stages.collect(),
            args: view.args(),
        }
    }

    /// Says of these arguments what they are given, since their values are not known.
    pub fn leave_open(&mut self, written: &BTreeMap<String, String>) {
        for arg in &mut self.args {
            if let Some(text) = written.get(&arg.name) {
                arg.value = None;
                arg.written = Some(redact_value(&arg.name, text));
            }
        }
    }
}

struct View<'a> {
    dockerfile: &'a Dockerfile,
    given: &'a Given,
    graph: &'a Graph,
    reachable: &'a BTreeSet<usize>,
}

impl View<'_> {
    fn stage(&self, stage: &Stage, target: bool) -> StageRow {
        let uses = self.graph.uses(stage.index);
        let taken = uses
            .iter()
            .filter(|one| one.how != How::From)
            .map(|one| Taken {
                how: one.how,
                from: self.origin(&one.source),
                line: self.line(one.instruction),
            });
        let mut own = stage.instructions.clone();
        StageRow {
            name: stage.label(),
            line: self.line(stage.instructions.start),
            from: self.graph.parent(stage.index).map(|from| self.origin(from)),
            takes: taken.collect(),
            steps: own
                .find_map(|index| self.graph.step(index))
                .map_or(0, |step| step.total),
            target,
            skipped: (self.graph.skipped(stage.index, self.reachable))
                .map(|skipped| self.reason(skipped)),
        }
    }

    fn origin(&self, source: &Source) -> Origin {
        let (kind, name) = match source {
            Source::Stage(index) => (OriginKind::Stage, self.label(*index)),
            Source::Image(name) => (OriginKind::Image, redact_text(name)),
            Source::Context(name) => (OriginKind::Context, name.clone()),
            Source::Scratch => (OriginKind::Scratch, "scratch".to_owned()),
        };
        Origin { kind, name }
    }

    fn reason(&self, skipped: Skipped) -> Reason {
        let (why, by) = match skipped {
            Skipped::Unused => (Why::Unused, Vec::new()),
            Skipped::OnlyBySkipped(by) => (Why::OnlyBySkipped, by),
            Skipped::Replaced => (Why::Replaced, Vec::new()),
        };
        Reason {
            why,
            by: by.into_iter().map(|index| self.label(index)).collect(),
        }
    }

    fn args(&self) -> Vec<ArgRow> {
        let mut rows = Vec::new();
        for (index, one) in self.dockerfile.instructions().iter().enumerate() {
            if one.keyword != Keyword::Arg {
                continue;
            }
            let after = Scope::after(self.dockerfile, self.graph, self.given, index);
            for pair in one.pairs(self.dockerfile.escape()) {
                let value = (after.variables().get(&pair.name))
                    .filter(|variable| variable.instruction == Some(index))
                    .and_then(|variable| variable.value.as_deref());
                let shown = |value: &str| redact_value(&pair.name, value);
                rows.push(ArgRow {
                    line: self.line(index),
                    stage: one.stage.map(|stage| self.label(stage)),
                    default: pair.value.as_deref().map(shown),
                    value: value.map(shown),
                    written: None,
                    visible: self.visible(&pair.name, one.stage),
                    name: pair.name,
                });
            }
        }
        rows
    }

    /// The stages that see an argument, which this stage declares.
    fn visible(&self, name: &str, stage: Option<usize>) -> Vec<String> {
        let all = self.dockerfile.stages().iter();
        let seeing = all.filter(|other| match stage {
            Some(stage) => self.graph.chain(other.index).contains(&stage),
            None => {
                let from = &self.dockerfile.instructions()[other.instructions.start];
                let options = from.flags.iter().filter_map(|flag| flag.value.as_deref());
                let mut texts = options.chain([other.base.as_str()]);
                texts.any(|text| self.names(text, name))
            }
        });
        seeing.map(Stage::label).collect()
    }

    /// Whether a text has a variable of this name.
    fn names(&self, text: &str, name: &str) -> bool {
        let asked = std::cell::Cell::new(false);
        let lexer = Lexer::new(self.dockerfile.escape());
        // A text that cannot be read asks for what stands before the fault.
        let _ = lexer.expand(text, &|variable| {
            if variable == name {
                asked.set(true);
            }
            None
        });
        asked.get()
    }

    fn label(&self, stage: usize) -> String {
        self.dockerfile.stages()[stage].label()
    }

    fn line(&self, instruction: usize) -> usize {
        *self.dockerfile.instructions()[instruction].lines.start()
    }
}
