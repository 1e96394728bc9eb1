//! Where in the Dockerfile the steps of a build stand, and what they see there.

use std::collections::BTreeMap;
use std::path::Path;

use crate::commands::building::ServiceDockerfile;
use crate::engine::progress::StepName;
use crate::error::Result;
use crate::installation::dockerfile::{Dockerfile, Given, Graph, Scope, Sheet, Stage};
use crate::project::BuildTarget;
use crate::secrets::{redact_text, redact_value};

/// Lines that an excerpt shows before and after the instruction.
const AROUND: usize = 2;

/// The Dockerfile of a build, as it was when the build began.
pub struct Places {
    dockerfile: Dockerfile,
    graph: Graph,
    given: Given,
}

impl Places {
    /// The Dockerfile of a service, which is built with what is given.
    ///
    /// # Errors
    /// `Usage` when it is none that can be built.
    pub fn new(original: &ServiceDockerfile, given: Given) -> Result<Self> {
        let dockerfile = Dockerfile::parse(&original.path, &original.text)?;
        Ok(Self {
            graph: Graph::new(&dockerfile, &given),
            dockerfile,
            given,
        })
    }

    /// The stages, for a build of these targets, of which one without a stage is the last one;
    /// `shown` is the Dockerfile's path as it is told.
    pub fn sheet(&self, targets: &[BuildTarget], shown: &Path) -> Sheet {
        let mut wanted: Vec<&Stage> = Vec::new();
        for target in targets {
            let stage = match &target.stage {
                Some(name) => self.dockerfile.find_stage(name),
                None => self.dockerfile.stages().last(),
            };
            let is_known = |stage: &&Stage| wanted.iter().any(|one| one.index == stage.index);
            wanted.extend(stage.filter(|stage| !is_known(stage)));
        }
        Sheet::of(&self.dockerfile, &self.graph, &self.given, wanted, shown)
    }

    /// The line that a step's instruction begins in.
    pub fn line(&self, step: &StepName) -> Option<usize> {
        let instruction = &self.dockerfile.instructions()[self.instruction(step)?];
        Some(*instruction.lines.start())
    }

    /// The build arguments and variables that a step sees, as they may be shown.
    pub fn arguments(&self, step: &StepName) -> BTreeMap<String, String> {
        let Some(instruction) = self.instruction(step) else {
            return BTreeMap::new();
        };
        let scope = Scope::before(&self.dockerfile, &self.graph, &self.given, instruction);
        let variables = scope.variables().iter();
        variables
            .filter_map(|(name, variable)| {
                let value = variable.value.as_deref()?;
                Some((name.clone(), redact_value(name, value)))
            })
            .collect()
    }

    /// The lines round a step's instruction, as BuildKit prints them after a failure.
    pub fn excerpt(&self, step: &StepName) -> Vec<String> {
        let Some(instruction) = self.instruction(step) else {
            return Vec::new();
        };
        let lines = &self.dockerfile.instructions()[instruction].lines;
        let name = self.dockerfile.path().file_name().unwrap_or_default();
        let rule = "-".repeat(20);
        let mut excerpt = vec![
            format!("{}:{}", name.to_string_lossy(), lines.start()),
            rule.clone(),
        ];
        let numbered = (1..).zip(self.dockerfile.text().lines());
        let first = lines.start().saturating_sub(AROUND);
        let around = numbered
            .skip_while(|(number, _)| *number < first)
            .take_while(|(number, _)| *number <= lines.end() + AROUND);
        excerpt.extend(around.map(|(number, line)| {
            let mark = match lines.contains(&number) {
                true => ">>>",
                false => "   ",
            };
            let line = redact_text(line);
            format!("{number:4} | {mark} {line}").trim_end().to_owned()
        }));
        excerpt.push(rule);
        excerpt
    }

    fn instruction(&self, step: &StepName) -> Option<usize> {
        let (number, total) = step.position?;
        self.graph.instruction_of(
            &self.dockerfile,
            step.stage.as_deref(),
            usize::try_from(number).ok()?,
            usize::try_from(total).ok()?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_in_its_file_with_what_it_sees() {
        let text = "ARG BASE=x\nFROM $BASE AS tools\nARG JOBS=1\nARG API_KEY\nWORKDIR /w\nRUN make \\\n  \
                    -j$JOBS\nENV DONE=1\nFROM tools\nCOPY a b\n";
        let original = ServiceDockerfile {
            service: "image".into(),
            path: "/p/Dockerfile".into(),
            text: text.into(),
        };
        let given = [("JOBS", "4"), ("API_KEY", "abc")];
        let given = Given {
            args: given
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Given::default()
        };
        let places = Places::new(&original, given).expect("read");
        let step = StepName {
            stage: Some("tools".into()),
            position: Some((3, 3)),
            ..StepName::default()
        };
        assert_eq!(places.line(&step), Some(6));
        let seen = places.arguments(&step);
        assert_eq!(seen.get("JOBS").map(String::as_str), Some("4"));
        assert_eq!(seen.get("API_KEY").map(String::as_str), Some("****"));
        assert_eq!(seen.get("DONE"), None);
        let rule = "-".repeat(20);
        assert_eq!(
            places.excerpt(&step),
            [
                "Dockerfile:6",
                &rule,
                "   4 |     ARG API_KEY",
                "   5 |     WORKDIR /w",
                "   6 | >>> RUN make \\",
                "   7 | >>>   -j$JOBS",
                "   8 |     ENV DONE=1",
                "   9 |     FROM tools",
                &rule
            ]
        );
        let unnamed = StepName {
            stage: Some("stage-1".into()),
            position: Some((1, 1)),
            ..StepName::default()
        };
        assert_eq!(places.line(&unnamed), Some(10));
        assert_eq!(places.line(&StepName::default()), None);
        let target = |stage: Option<&str>| BuildTarget {
            name: "x".into(),
            service: "x".into(),
            stage: stage.map(str::to_owned),
        };
        let sheet = places.sheet(
            &[target(Some("TOOLS")), target(Some("tools"))],
            &original.path,
        );
        assert_eq!(sheet.targets, ["tools"]);
        assert!(sheet.stages[1].skipped.is_some());
        let secret = sheet.args.iter().find(|arg| arg.name == "API_KEY");
        let secret = secret.and_then(|arg| arg.value.as_deref());
        assert_eq!(secret, Some("****"));
        let sheet = places.sheet(&[target(None)], &original.path);
        assert_eq!(sheet.targets, ["stage-1"]);
    }
}
