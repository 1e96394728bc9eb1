//! `envtpl stages`.

use serde_json::{Value, json};

use crate::desk::Desk;

/// Stages as people write them to take a long build apart.
const DOCKERFILE: &str = "\
ARG ubuntu_ver=22.04
ARG ocv_ver
FROM ubuntu:$ubuntu_ver AS prep-stage
ARG ocv_ver=4.8.0
RUN prepare

FROM prep-stage AS build-stage
ARG build_thread_count
RUN make -j${build_thread_count}
RUN make install

FROM build-stage AS test-stage
RUN ctest
FROM test-stage AS measure-stage
RUN --mount=type=bind,from=prep-stage,target=/prep measure

FROM scratch AS export-stage
COPY --from=prep-stage /log .
COPY --from=build-stage /build/compile_commands.json /build/log ./
";

#[test]
fn stages_are_drawn_below_what_they_start_from() {
    let desk = Desk::new().file("Dockerfile", DOCKERFILE);
    let drawn = desk.envtpl(&["stages", "-f", "Dockerfile"]).expect(0);
    assert_eq!(
        drawn.stdout,
        "Dockerfile, for export-stage

STAGE                      LINE  STEPS  BUILT                                     FILES FROM
ubuntu:22.04
└─ prep-stage              3     2      yes
   └─ build-stage          7     2      yes
      └─ test-stage        12    1      no: only measure-stage, not built either
         └─ measure-stage  14    1      no: nothing takes from it                 prep-stage
scratch
└─ export-stage            17    2      wanted                                    prep-stage, build-stage

ARG                 LINE  VALUE  SEEN BY
ubuntu_ver          1     22.04  FROM of prep-stage
ocv_ver             2     none   no FROM line
ocv_ver             4     4.8.0  prep-stage, build-stage, test-stage, measure-stage
build_thread_count  8     none   build-stage, test-stage, measure-stage
"
    );
    assert_eq!(drawn.stderr, "");
}

#[test]
fn another_target_needs_other_stages_and_values_can_be_given() {
    let desk = Desk::new().file("Dockerfile", DOCKERFILE);
    let told = desk
        .envtpl(&[
            "stages",
            "--file=Dockerfile",
            "--target=MEASURE-stage",
            "--build-arg=ubuntu_ver=24.04",
            "--build-arg=ocv_ver=5",
            "--format=json",
        ])
        .expect(0)
        .json();
    let skipped = |name: &str| -> Value {
        let stages = told[0]["stages"].as_array().expect("a list");
        let stage = stages.iter().find(|stage| stage["name"] == name);
        stage.expect("there")["skipped"].clone()
    };
    assert_eq!(told[0]["targets"], json!(["measure-stage"]));
    assert_eq!(skipped("test-stage"), Value::Null);
    assert_eq!(skipped("export-stage"), json!({"why": "unused", "by": []}));
    assert_eq!(
        told[0]["stages"][0],
        json!({"name": "prep-stage", "line": 3, "from": {"kind": "image", "name": "ubuntu:24.04"},
            "takes": [], "steps": 2, "target": false, "skipped": null})
    );
    assert_eq!(
        told[0]["stages"][3]["takes"],
        json!([{"how": "mount", "from": {"kind": "stage", "name": "prep-stage"}, "line": 15}])
    );
    assert_eq!(
        told[0]["args"][2],
        json!({"name": "ocv_ver", "line": 4, "stage": "prep-stage", "default": "4.8.0", "value": "5",
            "visible": ["prep-stage", "build-stage", "test-stage", "measure-stage"]})
    );
}

#[test]
fn an_installation_is_asked_for_what_its_compose_files_build() {
    let desk = Desk::with_installation();
    let told = desk
        .envtpl(&["stages", "--format", "json"])
        .expect(0)
        .json();
    let files: Vec<_> = (told.as_array().expect("a list").iter())
        .map(|sheet| (sheet["file"].clone(), sheet["targets"].clone()))
        .collect();
    assert_eq!(
        files,
        [
            (
                json!("installation/amd64-cpu/Dockerfile"),
                json!(["runtime-generic", "development-generic"])
            ),
            (
                json!("installation/amd64-cpu/Dockerfile-user"),
                json!(["runtime-user", "development-user"])
            ),
        ]
    );
    // The value is that of compose-base.yaml, and no stage of ours is left out.
    let drawn = desk.envtpl(&["stages"]).expect(0);
    assert!(
        drawn.stdout.contains("\ndebian:12\n└─ base"),
        "{}",
        drawn.stdout
    );
    assert!(!drawn.stdout.contains("no: "), "{}", drawn.stdout);
    let only = desk.envtpl(&["stages", "--target", "uv"]).expect(0);
    assert!(
        only.stdout.contains("no: nothing takes from it"),
        "{}",
        only.stdout
    );
    assert!(!only.stdout.contains("Dockerfile-user"), "{}", only.stdout);
    desk.envtpl(&["stages", "--target", "no-such"])
        .expect(2)
        .says("no stage `no-such`");
}

#[test]
fn arguments_have_the_values_that_compose_would_give_them() {
    let desk = Desk::new();
    let init = [
        "init",
        "--yes",
        "-i",
        "amd64-cpu",
        "--base-image",
        "debian:12",
    ];
    desk.envtpl(&init).expect(0);
    let at = |name: &str| format!("installation/amd64-cpu/{name}");
    let dockerfile = desk.text(&at("Dockerfile"));
    desk.write(
        &at("Dockerfile"),
        dockerfile + "ARG JOBS=1\nARG FROM_HERE\nARG API_TOKEN\nARG NEVER\n",
    );
    desk.write(
        &at("compose.override.yaml"),
        "services:\n  image-dev-root:\n    build:\n      args:\n        JOBS: 4\n        \
         FROM_HERE:\n        API_TOKEN: ${SOME_TOKEN}\n",
    );
    let settings = "PROJECT_NAME=demo\nIMAGE_NAME=lab/demo\nIMAGE_PLATFORM=amd64-cpu\nUSR=jo\n\
                    USRID=1000\nGRP=jo\nGRPID=1000\nFROM_HERE=here\nSOME_TOKEN=planted-secret\n";
    let value = |name: &str| {
        let drawn = desk.envtpl_with(("USR", "outside"), &["stages"]).expect(0);
        assert!(!drawn.stdout.contains("planted"), "{}", drawn.stdout);
        let rows = drawn.stdout.lines().map(str::split_whitespace);
        let mut rows = rows.map(Iterator::collect::<Vec<_>>);
        let row = rows.find(|row| row.first() == Some(&name) && row.len() > 3);
        (row.expect(name)[2].to_owned(), drawn.stdout)
    };
    desk.write(&at(".env"), settings);
    for (name, expected) in [
        ("PROJECT_NAME", "demo"),
        // The environment goes before .env.
        ("USR", "outside"),
        ("USRID", "1000"),
        ("JOBS", "4"),
        ("FROM_HERE", "here"),
        ("API_TOKEN", "****"),
        ("NEVER", "none"),
        ("GENERIC_IMAGE", "lab/demo:amd64-cpu"),
    ] {
        assert_eq!(value(name).0, expected, "{name}");
    }
    let drawn = value("JOBS").1;
    assert!(
        drawn.contains("\nlab/demo:amd64-cpu-run-latest-root\n└─ runtime-user"),
        "{drawn}"
    );

    // Without .env it is told where a value would come from.
    desk.remove(&at(".env"));
    assert_eq!(value("PROJECT_NAME").0, "${PROJECT_NAME}");
    assert_eq!(value("FROM_HERE").0, "${FROM_HERE}");
    assert_eq!(value("JOBS").0, "4");
    let told = desk
        .envtpl(&["stages", "--format", "json"])
        .expect(0)
        .json();
    let args = told[0]["args"].as_array().expect("a list");
    let named = args
        .iter()
        .find(|arg| arg["name"] == "PROJECT_NAME")
        .expect("there");
    assert_eq!(
        (&named["value"], &named["written"]),
        (&Value::Null, &json!("${PROJECT_NAME}"))
    );
}

#[test]
fn a_dockerfile_that_cannot_be_built_is_refused_with_its_line() {
    let desk = Desk::new().file("Dockerfile", "FROM a\nRUN <<E\nx\n");
    desk.envtpl(&["stages", "-f", "Dockerfile"])
        .expect(2)
        .says("Dockerfile:2");
}
