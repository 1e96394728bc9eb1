//! `--env-file`: what the engine's command line gets to see of it, and what is kept.

use std::os::unix::fs::PermissionsExt;

use crate::desk::Desk;
use crate::stand_in;

fn desk() -> Desk {
    stand_in::desk(
        r#""run-local-cpu": {"image": "p:run", "environment": {"A": "own", "B": "own"}},
           "dev-local-cpu": {"image": "p:dev"}"#,
    )
}

fn environment(desk: &Desk, service: &str) -> serde_json::Value {
    stand_in::service(desk, service)["environment"].clone()
}

#[test]
fn what_a_file_of_variables_holds_is_on_no_command_line_and_not_written_down() {
    let desk = desk();
    desk.write("keys.env", "A=from the file\nKEY=sesame\nMONEY=$5\n");
    desk.write("more.env", "A=from the second\n");
    let files = ["--env-file", "keys.env", "--env-file", "more.env"];
    desk.envtpl(&[&["run"], &files[..], &["true"]].concat())
        .expect(0);
    let expected = serde_json::json!(
        {"A": "from the second", "B": "own", "KEY": "sesame", "MONEY": "$$5"}
    );
    assert_eq!(environment(&desk, "run-local-cpu"), expected);
    let file = desk.work().join("../file.json");
    let mode = file.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    desk.remove("../file.json");
    desk.envtpl(&["rerun", "-1"]).expect(0);
    assert_eq!(environment(&desk, "run-local-cpu"), expected);

    desk.envtpl(&[&["dev", "--up"], &files[..]].concat())
        .expect(0);
    assert_eq!(environment(&desk, "dev-local-cpu")["KEY"], "sesame");

    let shown = desk.envtpl(&[&["run", "--dry-run"], &files[..], &["true"]].concat());
    let shown = shown.expect(0).says("environment: KEY");
    for text in [
        desk.text("../arguments"),
        desk.text(".envtpl/runs.jsonl"),
        shown.stdout,
        shown.stderr,
    ] {
        assert!(!text.contains("sesame"), "{text}");
    }
}

#[test]
fn a_wrong_line_is_named_before_anything_starts() {
    let desk = desk();
    desk.write("keys.env", "# mine\nA=1\nexport KEY=sesame\n");
    let ended = desk
        .envtpl(&["run", "--env-file", "keys.env", "true"])
        .expect(125)
        .says("keys.env:3")
        .says("its name holds blanks")
        .says("as `docker run --env-file` reads them");
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
    assert!(!desk.text("../arguments").contains(" run "));
    desk.envtpl(&["run", "--env-file", "none.env", "true"])
        .expect(125)
        .says("none.env");
}
