//! What `ls` says of containers in the background that failed; starting them is tested on a real
//! engine.

use crate::desk::Desk;

#[test]
fn a_failure_in_the_background_is_told_once_and_in_its_own_installation() {
    let desk = Desk::new();
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu", "-i", "arm64-cpu"])
        .expect(0);
    let ls = |installation: &str| {
        let arguments = ["ls", "--no-engine", "-i", installation, "--format", "json"];
        let ended = desk.envtpl(&arguments).expect(0);
        assert_eq!(ended.json()[0]["installation"], installation);
        ended.stderr
    };
    let note = r#"{"installation": "amd64-cpu", "command": "envtpl run -d python train.py",
        "status": 137, "ended": "2026-01-02T03:04:05Z"}"#;
    desk.write(".envtpl/logs/c0ffee.json", note);
    desk.write(".envtpl/logs/c0ffee.log", "killed\n");
    desk.write(".envtpl/logs/broken.json", "{");
    assert_eq!(ls("arm64-cpu"), "");
    let told = ls("amd64-cpu");
    assert!(
        told.contains("`envtpl run -d python train.py` ended with exit status 137"),
        "{told}"
    );
    assert!(told.contains(".envtpl/logs/c0ffee.log"), "{told}");
    assert_eq!(told.lines().count(), 1);
    assert_eq!(ls("amd64-cpu"), "");
    assert!(desk.has(".envtpl/logs/c0ffee.log"));
}
