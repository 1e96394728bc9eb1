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
        .says("nosuch.log");
    // An empty standard input is a log, too.
    desk.envtpl(&["explain", "-"]).expect(1);
}
