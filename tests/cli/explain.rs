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
