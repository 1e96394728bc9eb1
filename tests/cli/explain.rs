//! `envtpl explain`: why a build failed, from its log.

use crate::desk::Desk;

const SEED: &str = include_str!("../failures/seed/log.txt");

#[test]
fn a_log_is_explained_for_people_and_for_programs() {
    let desk = Desk::new().file("build.log", SEED);
    desk.envtpl(&["explain", "build.log"])
        .expect(0)
        .silent()
        .prints("modules/python/src2/cv2.hpp:36:10: fatal error: numpy/ndarrayobject.h: No such file")
        .prints("  included from /usr/local/Dev/opencv-4.8.0/modules/python/src2/cv2.cpp:5\n")
        .prints("step          build-stage 1/5: RUN make -j14\n")
        .prints("Dockerfile    OpenCVDockerFile.dockerfile:139\n")
        .prints("left out      5 lines that follow from it: ")
        .prints("help: if nothing installed has the header: add `numpy` to dependencies/requirements.txt");
    let told = desk
        .envtpl(&["explain", "build.log", "--format", "json"])
        .expect(0);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["place"]["line"], 36);
    assert_eq!(told["looks"][0]["header"], "numpy/ndarrayobject.h");
}

#[test]
fn the_status_says_whether_there_was_something_to_explain() {
    let desk = Desk::new().file("fine.log", "#1 [1/1] RUN x\n#1 DONE 0.1s\n");
    desk.envtpl(&["explain", "fine.log"])
        .expect(1)
        .silent()
        .prints("nothing failed in this log (2 lines)");
    desk.envtpl(&["explain", "nosuch.log"])
        .expect(2)
        .says("there is no log and no build `nosuch.log`");
    // An empty standard input is a log, too.
    desk.envtpl(&["explain", "-"]).expect(1);
}

/// A build that failed, as `envtpl build` keeps it.
fn keep(desk: &Desk, id: &str, outcome: &str, log: &str) {
    let report = serde_json::json!({
        "id": id, "started": "2026-11-22T01:00:00Z", "seconds": 1.0, "outcome": outcome,
        "installation": "amd64-cpu", "dockerfile": "Dockerfile", "command": [], "arguments": {},
        "targets": [], "steps": []
    });
    desk.write(
        &format!(".envtpl/builds/{id}/report.json"),
        report.to_string(),
    );
    desk.write(&format!(".envtpl/builds/{id}/log.txt"), log);
}

#[test]
fn the_newest_build_that_failed_is_explained_or_one_by_its_id() {
    let desk = Desk::new().file("installation/amd64-cpu/compose.yaml", "services: {}\n");
    desk.envtpl(&["explain"]).expect(2).says("no such build");
    keep(
        &desk,
        "20261122-010000-0001",
        "failed",
        "make: cc: No such file or directory\n",
    );
    keep(&desk, "20261122-020000-0002", "failed", SEED);
    keep(
        &desk,
        "20261122-030000-0003",
        "built",
        "#1 [1/1] RUN x\n#1 DONE 0.1s\n",
    );
    desk.envtpl(&["explain"]).expect(0).prints("cv2.hpp:36:10");
    desk.envtpl(&["explain", "20261122-01"])
        .expect(0)
        .prints("the program `cc` is not there")
        .prints("help: add `gcc` to dependencies/apt-build.txt");
    desk.envtpl(&["explain", "20261122-03"]).expect(1);
    desk.envtpl(&["explain", "2025"])
        .expect(2)
        .says("there is no log and no build `2025`");
}

/// What a builder tells of a step that fails, one event a line.
fn events() -> Vec<String> {
    use base64::Engine as _;
    let printed = "cc -c a.c\na.c:1:10: fatal error: zlib.h: No such file or directory\n";
    let printed = base64::engine::general_purpose::STANDARD.encode(printed);
    let step = |more: serde_json::Value| {
        let mut step = serde_json::json!({
            "digest": "sha256:1", "name": "[made 2/3] RUN make", "started": "2026-11-22T01:00:00Z",
        });
        let (Some(step_map), Some(more)) = (step.as_object_mut(), more.as_object()) else {
            unreachable!("both are objects");
        };
        step_map.extend(more.clone());
        serde_json::json!({"vertexes": [step]}).to_string()
    };
    let log = serde_json::json!({"logs": [{
        "vertex": "sha256:1", "stream": 2, "data": printed, "timestamp": "2026-11-22T01:00:01Z",
    }]});
    let error = "process \"/bin/sh -c make\" did not complete successfully: exit code: 2";
    vec![
        step(serde_json::json!({})),
        log.to_string(),
        step(serde_json::json!({"completed": "2026-11-22T01:00:02Z", "error": error})),
    ]
}

#[test]
fn a_build_whose_log_is_gone_or_cut_is_explained_by_its_events() {
    let id = "20261122-010000-0001";
    let desk = Desk::new().file("installation/amd64-cpu/compose.yaml", "services: {}\n");
    let file = |name: &str| format!(".envtpl/builds/{id}/{name}");
    let all = events().join("\n") + "\n";
    let cause = "a.c:1:10: fatal error: zlib.h: No such file or directory\n";
    keep(&desk, id, "failed", "");
    let report = serde_json::json!({
        "id": id, "started": "2026-11-22T01:00:00Z", "seconds": 1.0, "outcome": "failed",
        "installation": "amd64-cpu", "dockerfile": "x/Dockerfile", "command": [], "arguments": {},
        "targets": [], "failed": 1, "steps": [{
            "number": 1, "name": "[made 2/3] RUN make", "instruction": "RUN make", "line": 17,
            "inputs": [], "began": 0.0, "seconds": 2.0,
        }],
    });
    desk.write(&file("report.json"), report.to_string());

    // The log ends before the cause.
    desk.write(&file("events.jsonl"), &all);
    for log in [
        "",
        "#1 [made 2/3] RUN make\n#1 1.000 cc -c",
        "#1 [made 2/3] RUN make\n#1 1.000 a.c:1:10: fatal error: x",
    ] {
        desk.write(&file("log.txt"), log);
        desk.envtpl(&["explain"])
            .expect(0)
            .prints(cause)
            .prints("step          made 2/3: RUN make\n")
            .prints("exit status   2\n")
            .prints("Dockerfile    Dockerfile:17\n");
    }
    desk.remove(&file("log.txt"));
    desk.envtpl(&["explain", id]).expect(0).prints(cause);

    // The events end within the last one: as far as they go.
    let cut = &all[..all.len() - 40];
    desk.write(&file("events.jsonl"), cut);
    desk.envtpl(&["explain"])
        .expect(0)
        .prints(cause)
        .prints("note: the log ends before the step did");
    // A build that was killed has no report either.
    desk.remove(&file("report.json"));
    desk.envtpl(&["explain", "20261122-01"])
        .expect(0)
        .prints(cause);
    // The stream by itself, as a CI may keep it.
    desk.envtpl(&["explain", &file("events.jsonl")])
        .expect(0)
        .prints(cause);
    desk.remove(&file("events.jsonl"));
    desk.envtpl(&["explain", "20261122-01"])
        .expect(1)
        .says("nothing is left of what build `20261122-010000-0001` printed");
}

#[test]
fn a_package_that_cannot_be_installed_is_told_with_the_line_that_asks_for_it() {
    let desk = Desk::new()
        .file("installation/amd64-cpu/compose.yaml", "services: {}\n")
        .file(
            "installation/amd64-cpu/dependencies/requirements.txt",
            "# plots\nmatplotlib\nNoSuch_Package>=1 # ours\n",
        );
    let log = "\
#5 [python-plan 1/1] RUN uv pip compile
#5 0.687   × No solution found when resolving dependencies:
#5 0.687   ╰─▶ Because nosuch-package was not found in the package registry
#5 0.687       and you require nosuch-package>=1, we can conclude that your
#5 0.687       requirements are unsatisfiable.
#5 ERROR: process \"/bin/sh -c uv pip compile\" did not complete successfully: exit code: 1
";
    keep(&desk, "20261122-010000-0001", "failed", log);
    let line = "installation/amd64-cpu/dependencies/requirements.txt:3: NoSuch_Package>=1";
    desk.envtpl(&["explain"])
        .expect(0)
        .prints(&format!("\nrequirement   {line}\n"));
    // The same in a log that lies about, and for programs.
    desk.write("ci.log", log);
    let told = desk
        .envtpl(&["explain", "ci.log", "-i", "amd64-cpu", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        told["declared"],
        serde_json::json!([{
            "file": "installation/amd64-cpu/dependencies/requirements.txt",
            "line": 3,
            "text": "NoSuch_Package>=1",
        }])
    );
}
