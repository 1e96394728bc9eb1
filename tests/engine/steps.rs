//! The steps of a build, as the real builder numbers them, are found in the Dockerfile.

use std::path::Path;
use std::process::Command;

use envtpl::installation::dockerfile::{Dockerfile, Given, Graph, Scope};

use crate::workshop::BARE;

/// Everything that counts, or does not, in an order of its own.
const DOCKERFILE: &str = "# escape=`
ARG BASE
FROM ${BASE} AS Prep
ARG V=7
ENV E=one
WORKDIR /envtpl-steps
RUN echo prep `
  # a comment
  $V ${E}
FROM prep AS build-stage
ARG N
LABEL a=b
RUN echo \"$V\" ${N} '$E'
RUN cat <<A <<B > /f
FROM no AS stage
A
RUN neither
B
RUN <<S
echo script > /s
S
RUN [\"/bin/sh\", \"-c\", \"echo $V\"]
ADD <<D /d
x
D
CMD [\"x\"]
FROM scratch
COPY --from=build-stage /f /s `
  /d /
COPY --from=0 /envtpl-steps /w
WORKDIR /envtpl-steps-z
";

/// What `RUN` and the like are called by the builder: `[stage 2/5] RUN …`.
fn told(dockerfile: &str) -> Vec<(String, usize, usize, String)> {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("Dockerfile"), dockerfile).expect("written");
    let built = Command::new("docker")
        .args(["buildx", "build", "--no-cache", "--progress=plain"])
        .args([
            "--build-arg",
            &format!("BASE={BARE}"),
            "--output=type=cacheonly",
        ])
        .arg(directory.path())
        .output()
        .expect("docker starts");
    let log = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{log}");
    let steps = log.lines().filter_map(|line| {
        let (name, command) = line.split_once(" [")?.1.split_once("] ")?;
        let (stage, numbers) = name.rsplit_once(' ').unwrap_or(("", name));
        let (number, total) = numbers.split_once('/')?;
        Some((
            stage.to_owned(),
            number.trim().parse().ok()?,
            total.parse().ok()?,
            command.to_owned(),
        ))
    });
    // Builds at the same time share their FROM, under the name that it has in one of them.
    let own = steps.filter(|(.., command)| !command.starts_with("FROM "));
    let mut steps: Vec<_> = own.collect();
    steps.sort();
    steps.dedup();
    steps
}

#[test]
fn the_builders_numbers_lead_to_the_instructions() {
    let dockerfile = Dockerfile::parse(Path::new("Dockerfile"), DOCKERFILE).expect("valid");
    let given = Given {
        args: [("BASE".to_owned(), BARE.to_owned())].into(),
        ..Given::default()
    };
    let graph = Graph::new(&dockerfile, &given);
    let steps = told(DOCKERFILE);
    let own = 0..dockerfile.instructions().len();
    let own = own.filter(|index| dockerfile.instructions()[*index].keyword.is_step());
    let known = own.filter(|index| graph.step(*index).is_some());
    assert_eq!(steps.len(), known.count(), "{steps:#?}");
    for (stage, number, total, command) in steps {
        let found = graph.instruction_of(&dockerfile, Some(&stage), number, total);
        let found = found.unwrap_or_else(|| panic!("no step {number}/{total} of {stage}"));
        let step = graph.step(found).expect("a step");
        assert_eq!(step.stage.as_deref(), Some(stage.as_str()));
        assert_eq!((step.number, step.total), (number, total), "{command}");
        let instruction = &dockerfile.instructions()[found];
        let scope = Scope::before(&dockerfile, &graph, &given, found);
        let keyword = instruction.keyword.to_string();
        assert!(command.starts_with(&keyword), "{command}");
        // The builder writes images in full, and lists in its own way.
        if keyword == "RUN" && !instruction.arguments.starts_with(['[', '<']) {
            assert_eq!(
                command,
                format!("RUN {}", scope.shown(&instruction.arguments))
            );
        }
    }
}

#[test]
fn triggers_of_a_stage_and_a_single_stage_without_a_name_are_counted_too() {
    let text = format!(
        "FROM {BARE} AS one\nONBUILD RUN echo trigger\nRUN echo one\nFROM one AS two\nRUN echo two\n"
    );
    let dockerfile = Dockerfile::parse(Path::new("Dockerfile"), &text).expect("valid");
    let graph = Graph::new(&dockerfile, &Given::default());
    let of = |found: Option<usize>| {
        dockerfile.instructions()[found.expect("found")]
            .arguments
            .clone()
    };
    for (stage, number, total, command) in told(&text) {
        let found = of(graph.instruction_of(&dockerfile, Some(&stage), number, total));
        match command.as_str() {
            "RUN echo trigger" => assert_eq!(found, "one AS two"),
            "RUN echo two" => assert_eq!(found, "echo two"),
            _ => assert_eq!(found, "echo one"),
        }
    }
    let text = format!("FROM {BARE}\nRUN echo alone\n");
    let dockerfile = Dockerfile::parse(Path::new("Dockerfile"), &text).expect("valid");
    let graph = Graph::new(&dockerfile, &Given::default());
    let steps = told(&text);
    assert_eq!(steps.len(), 1, "{steps:?}");
    for (stage, number, total, _) in steps {
        assert_eq!(stage, "");
        let found = graph.instruction_of(&dockerfile, None, number, total);
        assert_eq!(found, Some(number - 1));
    }
}
