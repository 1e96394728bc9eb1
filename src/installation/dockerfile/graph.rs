//! What stages take from each other, what a target needs of them, and how the builder counts
//! their steps.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Dockerfile, Given, Instruction, Keyword, Lexer, Scope, Stage};

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A stage of this file.
    Stage(usize),
    /// An image.
    Image(String),
    /// A further context that the build is given, by its name.
    Context(String),
    /// Nothing: `FROM scratch`.
    Scratch,
}

/// How a stage takes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It starts from it.
    From,
    /// `COPY --from`.
    Copy,
    /// `RUN --mount=…,from=`.
    Mount,
}

/// One thing that a stage takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The instruction, as its index.
    pub instruction: usize,
    /// In which way.
    pub how: How,
    /// From where.
    pub source: Source,
}

/// Why a build leaves a stage out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// No stage takes anything from it.
    Unused,
    /// Only these do, which are left out themselves.
    OnlyBySkipped(Vec<usize>),
    /// The build is given a context that stands in for it.
    Replaced,
}

/// A step as the builder shows it: `[stage 2/5]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What stands before the numbers, in lower case; `None` where the file has one stage and takes from no
    /// image beside it.
    pub stage: Option<String>,
    /// Which step of its stage it is, counted from 1.
    pub number: usize,
    /// How many steps its stage has. Triggers (`ONBUILD`) of an image are not known here: a build
    /// shows more steps then.
    pub total: usize,
}

/// The graph of a Dockerfile's stages, for what a build is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    uses: Vec<Vec<Use>>,
    replaced: BTreeSet<usize>,
    steps: BTreeMap<usize, Step>,
    /// Steps that a stage inherits as triggers from the stage it starts from.
    triggers: Vec<usize>,
}

impl Graph {
    /// The graph for what a build is given.
    pub fn new(dockerfile: &Dockerfile, given: &Given) -> Self {
        let global = Scope::global(dockerfile, given);
        let lexer = Lexer::new(dockerfile.escape());
        let mut graph = Self {
            uses: Vec::new(),
            replaced: BTreeSet::new(),
            steps: BTreeMap::new(),
            triggers: Vec::new(),
        };
        for stage in dockerfile.stages() {
            let is_context = |name: &str| {
                let mut contexts = given.contexts.iter();
                contexts.any(|context| context.eq_ignore_ascii_case(name))
            };
            let mut uses = Vec::new();
            let mut triggers = 0;
            if stage.name.as_deref().is_some_and(is_context) {
                graph.replaced.insert(stage.index);
            } else {
                let base = match lexer.expand(&stage.base, &|name| global.value(name)) {
                    Ok(base) if base.unset.is_empty() => base.text,
                    // Half a name would be another image's.
                    _ => global.shown(&stage.base),
                };
                let earlier = &dockerfile.stages()[..stage.index];
                let parent = source(&base, earlier, given);
                if let Source::Stage(parent) = parent {
                    triggers = inherit(dockerfile, stage, parent, given, &mut uses);
                }
                uses.insert(
                    0,
                    Use {
                        instruction: stage.instructions.start,
                        how: How::From,
                        source: parent,
                    },
                );
                for index in stage.instructions.clone().skip(1) {
                    let instruction = &dockerfile.instructions()[index];
                    if instruction.keyword != Keyword::Onbuild {
                        taken(dockerfile, instruction, index, given, &mut uses);
                    }
                }
            }
            graph.uses.push(uses);
            graph.triggers.push(triggers);
        }
        graph.count(dockerfile);
        graph
    }

    /// What a stage starts from; `None` for one that a context stands in for.
    pub fn parent(&self, stage: usize) -> Option<&Source> {
        self.uses[stage].first().map(|first| &first.source)
    }

    /// What a stage takes, its parent first, then in the order of the file.
    pub fn uses(&self, stage: usize) -> &[Use] {
        &self.uses[stage]
    }

    /// The stages that a stage starts from, nearest first, itself before all.
    pub fn chain(&self, stage: usize) -> Vec<usize> {
        let mut chain = vec![stage];
        // A stage starts from an earlier one only, so this ends.
        while let Some(Source::Stage(parent)) = chain.last().and_then(|last| self.parent(*last)) {
            chain.push(*parent);
        }
        chain
    }

    /// The stages that take something from a stage.
    pub fn users(&self, stage: usize) -> Vec<usize> {
        let all = 0..self.uses.len();
        all.filter(|user| {
            let mut uses = self.uses[*user].iter();
            uses.any(|one| one.source == Source::Stage(stage))
        })
        .collect()
    }

    /// The stages that are built for the given targets, these included.
    pub fn reachable(&self, targets: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut reachable = BTreeSet::new();
        let mut open: Vec<usize> = targets.into_iter().collect();
        while let Some(stage) = open.pop() {
            if self.replaced.contains(&stage) || !reachable.insert(stage) {
                continue;
            }
            open.extend(self.uses[stage].iter().filter_map(|one| match one.source {
                Source::Stage(source) => Some(source),
                _ => None,
            }));
        }
        reachable
    }

    /// Why a stage is left out when `reachable` are built; `None` for one of them.
    pub fn skipped(&self, stage: usize, reachable: &BTreeSet<usize>) -> Option<Skipped> {
        if self.replaced.contains(&stage) {
            return Some(Skipped::Replaced);
        }
        if reachable.contains(&stage) {
            return None;
        }
        let users = self.users(stage);
        Some(match users.is_empty() {
            true => Skipped::Unused,
            false => Skipped::OnlyBySkipped(users),
        })
    }

    /// The step that an instruction is; `None` for one that the builder does not show.
    pub fn step(&self, instruction: usize) -> Option<&Step> {
        self.steps.get(&instruction)
    }

    /// The instruction behind a step `[stage number/total]` of a build, as its index. Where the
    /// base image brought triggers, the build counts more steps than the file: these are its
    /// `FROM`.
    pub fn instruction_of(
        &self,
        dockerfile: &Dockerfile,
        stage: Option<&str>,
        number: usize,
        total: usize,
    ) -> Option<usize> {
        let stage = dockerfile.labelled(stage)?;
        let own = stage.instructions.clone();
        let counted = |index: &usize| self.steps.contains_key(index);
        let known = own.clone().filter(counted).count();
        let triggers = self.triggers[stage.index];
        // BuildKit before 0.17 leaves triggers out of the total, which is then exceeded.
        let unknown = total.checked_sub(known)?.saturating_sub(triggers);
        let from = own.start;
        let before = usize::from(self.steps.contains_key(&from));
        if number <= before + triggers + unknown {
            return (number > 0).then_some(from);
        }
        own.filter(counted)
            .find(|index| self.steps[index].number + unknown == number)
    }

    /// Counts steps as BuildKit does (`dockerfile2llb/convert.go`): what changes files, and a
    /// `FROM` that names an image; what was inherited as a trigger comes before the stage's own.
    fn count(&mut self, dockerfile: &Dockerfile) {
        let elsewhere: BTreeSet<&Source> = self
            .uses
            .iter()
            .flatten()
            .filter(|one| one.how != How::From)
            .map(|one| &one.source)
            .filter(|source| matches!(source, Source::Image(_)))
            .collect();
        let alone = dockerfile.stages().len() == 1 && elsewhere.is_empty();
        for stage in dockerfile.stages() {
            let is_step = |index: &usize| match dockerfile.instructions()[*index].keyword {
                Keyword::From => matches!(self.parent(stage.index), Some(Source::Image(_))),
                keyword => keyword.is_step(),
            };
            let steps: Vec<usize> = stage.instructions.clone().filter(is_step).collect();
            let triggers = self.triggers[stage.index];
            let total = steps.len() + triggers;
            for (before, index) in steps.into_iter().enumerate() {
                let is_from = index == stage.instructions.start;
                let step = Step {
                    stage: (!alone).then(|| stage.label().to_lowercase()),
                    number: before + 1 + if is_from { 0 } else { triggers },
                    total,
                };
                self.steps.insert(index, step);
            }
        }
    }
}

/// What an instruction takes from elsewhere.
fn taken(
    dockerfile: &Dockerfile,
    instruction: &Instruction,
    index: usize,
    given: &Given,
    uses: &mut Vec<Use>,
) {
    let how = match instruction.keyword {
        Keyword::Copy => How::Copy,
        _ => How::Mount,
    };
    for from in instruction.from_elsewhere() {
        let by_number = from.parse().ok().filter(|number| {
            // Mounts know names only.
            how == How::Copy && *number < dockerfile.stages().len()
        });
        uses.push(Use {
            instruction: index,
            how,
            source: match by_number {
                Some(number) => Source::Stage(number),
                None => source(from, dockerfile.stages(), given),
            },
        });
    }
}

/// What the triggers of the stage that a stage starts from take. Gives how many steps they are.
fn inherit(
    dockerfile: &Dockerfile,
    stage: &Stage,
    parent: usize,
    given: &Given,
    uses: &mut Vec<Use>,
) -> usize {
    let parent = dockerfile.stages()[parent].instructions.clone();
    let all = dockerfile.instructions()[parent].iter();
    let triggers: Vec<&Instruction> = all
        .filter_map(|instruction| instruction.trigger.as_deref())
        .collect();
    for trigger in &triggers {
        taken(dockerfile, trigger, stage.instructions.start, given, uses);
    }
    let steps = triggers.iter().filter(|trigger| trigger.keyword.is_step());
    steps.count()
}

/// What a name means: a further context, a stage, nothing, or an image.
fn source(name: &str, stages: &[Stage], given: &Given) -> Source {
    let mut contexts = given.contexts.iter();
    if let Some(context) = contexts.find(|context| context.eq_ignore_ascii_case(name)) {
        return Source::Context(context.clone());
    }
    let stage = stages.iter().rev().find(|stage| {
        let own = stage.name.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    });
    match stage {
        Some(stage) => Source::Stage(stage.index),
        None if name == "scratch" => Source::Scratch,
        None => Source::Image(name.to_owned()),
    }
}
