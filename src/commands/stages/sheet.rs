//! What is reported of one Dockerfile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::installation::dockerfile::{
    Dockerfile, Given, Graph, How, Keyword, Lexer, Scope, Skipped, Source, Stage,
};

/// The stages of one Dockerfile, for what is built of it.
#[derive(Debug, Serialize)]
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
#[derive(Debug, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Which of them.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// Files taken from elsewhere.
#[derive(Debug, Serialize)]
pub struct Taken {
    /// `copy` or `mount`.
    pub how: &'static str,
    /// From where.
    pub from: Origin,
    /// The line of the instruction.
    pub line: usize,
}

/// Why a stage is left out.
#[derive(Debug, Serialize)]
pub struct Reason {
    /// `unused`, `only-by-skipped` or `replaced`.
    pub why: &'static str,
    /// The skipped stages that use it.
    pub by: Vec<String>,
}

/// A build argument where it is declared.
#[derive(Debug, Serialize)]
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
        if wanted.is_empty() {
            wanted.extend(dockerfile.stages().last());
        }
        let graph = Graph::new(dockerfile, given);
        let reachable = graph.reachable(wanted.iter().map(|stage| stage.index));
        let view = View {
            dockerfile,
            given,
            graph: &graph,
            reachable: &reachable,
        };
        let stages = dockerfile.stages().iter().map(|stage| {
            let target = wanted.iter().any(|one| one.index == stage.index);
            view.stage(stage, target)
        });
        Ok(Self {
            file: shown.to_owned(),
            targets: wanted.iter().map(|stage| stage.label()).collect(),
            stages: stages.collect(),
            args: view.args(),
        })
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
                how: if one.how == How::Copy {
                    "copy"
                } else {
                    "mount"
                },
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
            Source::Stage(index) => ("stage", self.label(*index)),
            Source::Image(name) => ("image", name.clone()),
            Source::Context(name) => ("context", name.clone()),
            Source::Scratch => ("scratch", "scratch".to_owned()),
        };
        Origin { kind, name }
    }

    fn reason(&self, skipped: Skipped) -> Reason {
        let (why, by) = match skipped {
            Skipped::Unused => ("unused", Vec::new()),
            Skipped::OnlyBySkipped(by) => ("only-by-skipped", by),
            Skipped::Replaced => ("replaced", Vec::new()),
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
                    .and_then(|variable| variable.value.clone());
                rows.push(ArgRow {
                    line: self.line(index),
                    stage: one.stage.map(|stage| self.label(stage)),
                    default: pair.value,
                    value,
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
