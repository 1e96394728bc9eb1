use super::*;

const TEXT: &str = "ARG BASE_IMAGE=x\nFROM ${BASE_IMAGE} AS tools\nARG A=1 B\nRUN <<EOF\nFROM \
                    no AS stage\nEOF\n\nFROM tools AS runtime-generic\r\nCOPY --from=tools /a /b\r\n";

fn read(text: &str) -> Dockerfile {
    Dockerfile::parse(Path::new("Dockerfile"), text).expect("valid")
}

fn graph(dockerfile: &Dockerfile) -> Graph {
    Graph::new(dockerfile, &Given::default())
}

#[test]
fn stages_are_found_and_heredocs_are_not_mistaken_for_them() {
    let dockerfile = read(TEXT);
    let names: Vec<_> = dockerfile
        .stages()
        .iter()
        .map(|stage| (stage.name.clone(), stage.base.clone()))
        .collect();
    assert_eq!(
        names,
        [
            (Some("tools".into()), "${BASE_IMAGE}".into()),
            (Some("runtime-generic".into()), "tools".into())
        ]
    );
    let stage = dockerfile.stage("RUNTIME-generic").expect("there");
    assert_eq!(dockerfile.place(stage).line_number(), Some(8));
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let error = read(TEXT).stage("runtime").expect_err("missing");
    assert!(error.helps()[0].contains("runtime-generic"));
    let error = read(TEXT).arg("C").expect_err("missing");
    assert!(error.helps()[0].contains("A, B, BASE_IMAGE"));
    read(TEXT).arg("B").expect("declared");
    read(TEXT).arg("HTTPS_PROXY").expect("predefined");
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    for (text, line) in [
        ("FROM x\nCOPY\n", 2),
        ("FROM x\n\nRUNN a\n", 3),
        ("RUN a\n", 1),
        ("FROM a b\n", 1),
        ("FROM a\nRUN <<E\n", 2),
        ("FROM a\nSHELL sh\n", 2),
        ("# only this\n", 1),
    ] {
        let error = Dockerfile::parse(Path::new("Dockerfile"), text).expect_err(text);
        assert_eq!(error.places()[0].line_number(), Some(line), "{text}");
    }
}

#[test]
fn every_instruction_knows_its_bytes_and_lines() {
    let text = "# escape=`\r\nFROM a AS b\r\n  RUN --mount=type=bind,from=b,target=/x `\r\n# c\r\n  \
                make `\r\n  -j\r\nRUN cat <<E > f\r\nx\r\nE\r\nENV A=\"1 2\" B=$A\r\n";
    let dockerfile = read(text);
    let shown: Vec<_> = dockerfile
        .instructions()
        .iter()
        .map(|one| (&text[one.span.clone()], one.lines.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            ("FROM a AS b", 2..=2),
            (
                "RUN --mount=type=bind,from=b,target=/x `\r\n# c\r\n  make `\r\n  -j",
                3..=6
            ),
            ("RUN cat <<E > f\r\nx\r\nE", 7..=9),
            ("ENV A=\"1 2\" B=$A", 10..=10),
        ]
    );
    let run = &dockerfile.instructions()[1];
    assert_eq!(run.arguments, "make   -j");
    assert_eq!(
        &text[run.flags[0].span.clone()],
        "--mount=type=bind,from=b,target=/x"
    );
    assert_eq!(run.from_elsewhere(), ["b"]);
    assert_eq!(&text[run.offset(7)..][..2], "-j");
    let pairs = dockerfile.instructions()[3].pairs(dockerfile.escape());
    assert_eq!(pairs[0].value.as_deref(), Some("\"1 2\""));
    assert_eq!(&text[pairs[1].offset..][..4], "B=$A");
    assert_eq!(dockerfile.at_line(5), Some(1));
    assert_eq!(dockerfile.at_line(1), None);
}

#[test]
fn forms_of_a_command_are_told_apart() {
    let text = "FROM a\nRUN [\"a\", \"b c\"] # x\nRUN [ -e x ]\nRUN <<E\necho\nE\nRUN sh <<E\nx\nE\nRUN \
                --network=none <<'E' \nz\nE\n";
    let dockerfile = read(text);
    let forms: Vec<_> = dockerfile.instructions()[1..]
        .iter()
        .map(|one| one.form.clone())
        .collect();
    let list = vec!["a".to_owned(), "b c".to_owned()];
    assert_eq!(
        forms,
        [
            Form::Exec(list),
            Form::Shell,
            Form::Script,
            Form::Shell,
            Form::Script
        ]
    );
    let shell_text = |index: usize| dockerfile.instructions()[index].shell_text(text);
    assert_eq!(shell_text(3).as_deref(), Some("echo\n"));
    assert_eq!(shell_text(4).as_deref(), Some("sh <<E\nx\nE"));
    assert_eq!(shell_text(1), None);
}

#[test]
fn stages_take_from_each_other_by_name_number_image_and_context() {
    let dockerfile = read(
        "ARG WHAT=one\nFROM debian AS one\nFROM ${WHAT} AS two\nCOPY --from=0 /a /b\nCOPY --from=busybox \
         /a /b\nRUN --mount=type=cache,target=/c --mount=from=ctx,target=/d x\nFROM scratch\nCOPY \
         --from=TWO /a /\nFROM one AS side\n",
    );
    let given = Given {
        contexts: ["ctx".to_owned()].into(),
        ..Given::default()
    };
    let graph = Graph::new(&dockerfile, &given);
    let sources: Vec<Vec<_>> = (0..4)
        .map(|stage| {
            graph
                .uses(stage)
                .iter()
                .map(|one| one.source.clone())
                .collect()
        })
        .collect();
    assert_eq!(
        sources,
        [
            vec![Source::Image("debian".into())],
            vec![
                Source::Stage(0),
                Source::Stage(0),
                Source::Image("busybox".into()),
                Source::Context("ctx".into())
            ],
            vec![Source::Scratch, Source::Stage(1)],
            vec![Source::Stage(0)],
        ]
    );
    let reachable = graph.reachable([2]);
    assert_eq!(reachable, [0, 1, 2].into());
    assert_eq!(graph.skipped(3, &reachable), Some(Skipped::Unused));
    let reachable = graph.reachable([0]);
    assert_eq!(
        graph.skipped(1, &reachable),
        Some(Skipped::OnlyBySkipped(vec![2]))
    );
    let given = Given {
        contexts: ["two".to_owned()].into(),
        ..Given::default()
    };
    let replaced = Graph::new(&dockerfile, &given);
    let reachable = replaced.reachable([2]);
    assert_eq!(reachable, [2].into());
    assert_eq!(replaced.skipped(1, &reachable), Some(Skipped::Replaced));
}

#[test]
fn steps_are_counted_as_the_builder_counts_them() {
    let dockerfile = read(
        "FROM debian AS prep\nENV A=1\nRUN a\nWORKDIR /w\nONBUILD RUN t\nFROM prep AS Build-stage\nRUN \
         make\nCMD x\nADD a /\nFROM scratch\nCOPY --from=prep a /\n",
    );
    let graph = graph(&dockerfile);
    let steps: Vec<_> = (0..dockerfile.instructions().len())
        .filter_map(|index| graph.step(index))
        .map(|step| {
            format!(
                "{} {}/{}",
                step.stage.as_deref().unwrap_or(""),
                step.number,
                step.total
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            "prep 1/3",
            "prep 2/3",
            "prep 3/3",
            "build-stage 2/3",
            "build-stage 3/3",
            "stage-2 1/1"
        ]
    );
    let of = |stage, number, total| graph.instruction_of(&dockerfile, Some(stage), number, total);
    assert_eq!(of("prep", 2, 3), Some(2));
    assert_eq!(of("build-stage", 2, 3), Some(6));
    assert_eq!(
        of("build-stage", 1, 3),
        Some(5),
        "the trigger of its parent"
    );
    assert_eq!(of("stage-2", 1, 1), Some(10));
    assert_eq!(
        of("build-stage", 3, 2),
        Some(8),
        "triggers left out of the total"
    );
    assert_eq!(of("prep", 3, 4), Some(2), "the image brought one trigger");
    assert_eq!(of("prep", 2, 4), Some(0));
    assert_eq!(of("nothing", 1, 1), None);
    let alone = read("FROM debian\nRUN a\n");
    let graph = Graph::new(&alone, &Given::default());
    assert_eq!(graph.step(1).map(|step| step.stage.clone()), Some(None));
    assert_eq!(graph.instruction_of(&alone, None, 2, 2), Some(1));
}

#[test]
fn variables_are_seen_along_the_chain_of_stages() {
    let dockerfile = read(
        "ARG V=1\nARG W=${V}2\nARG U\nFROM debian:${W} AS prep\nARG V\nARG T=$V.x N\nENV E=$T\nRUN \
         p\nFROM prep AS build\nARG E=arg TARGETARCH W\nRUN make -j${N}\nFROM scratch AS other\nARG \
         U\nCOPY --from=prep /$V /\n",
    );
    let given = Given {
        args: [("V".to_owned(), "7".to_owned())].into(),
        platform: Some("linux/arm64".to_owned()),
        ..Given::default()
    };
    let graph = Graph::new(&dockerfile, &given);
    assert_eq!(graph.parent(0), Some(&Source::Image("debian:72".into())));
    let at = |text: &str| {
        let mut all = dockerfile.instructions().iter();
        let index = all.position(|one| one.arguments.starts_with(text));
        Scope::before(&dockerfile, &graph, &given, index.expect("there"))
    };
    let run = at("p");
    assert_eq!(
        run.shown("\"$V\" $T ${E} $N ${W} $$ $(x)"),
        "\"7\" 7.x 7.x $N ${W} $$ $(x)"
    );
    assert_eq!(run.image(), Some("debian:72"));
    let make = at("make");
    assert_eq!(make.shown("$E $TARGETARCH $W"), "arg arm64 72");
    assert_eq!(make.variables()["N"].value, None);
    let missing = make.expand("make -j${N} $X").map(|it| it.unset);
    assert_eq!(missing, Ok(["N".to_owned(), "X".to_owned()].into()));
    let copy = at("/$V");
    assert!(!copy.variables().contains_key("V"));
    assert_eq!(copy.image(), None);
    let second = Scope::before(&dockerfile, &graph, &given, 1);
    assert_eq!(second.value("V").as_deref(), Some("7"));
    assert_eq!(second.value("W"), None);
}
