//! `--env-file`: what the engine's command line gets to see of it, and what is kept.

use std::os::unix::fs::PermissionsExt;

use crate::desk::Desk;

/// A project whose engine is a script: it writes down its arguments, and keeps the Compose file
/// that it was given, with its permissions.
fn desk() -> Desk {
    let platform = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let docker = format!(
        r#"echo "$*" >> "$HOME/arguments"
        case "$*" in
        *"config --format json"*)
            echo '{{"name": "p", "services": {{
                "run-local-cpu": {{"image": "p:run", "environment": {{"A": "own", "B": "own"}}}},
                "dev-local-cpu": {{"image": "p:dev"}}}}}}' ;;
        "image inspect"*)
            echo '[{{"Id": "sha256:1", "Architecture": "{platform}", "Config": {{}}}}]' ;;
        "container inspect"*) echo 'Error: No such container' >&2; exit 1 ;;
        compose*" run "*)
            while [ $# -gt 0 ]; do
                if [ "$1" = --file ]; then cp -p "$2" "$HOME/file.json"; fi
                shift
            done ;;
        exec*) ;;
        *) echo "unexpected: $*" >&2; exit 64 ;;
        esac"#
    );
    let desk = Desk::new().program("docker", &docker);
    // A socket that is not there: the engine is local, and its command line is asked.
    let socket = format!("unix://{}/no.sock", desk.work().display());
    let desk = desk.variable("DOCKER_HOST", &socket);
    let name = format!("{platform}-cpu");
    desk.envtpl(&["init", "--yes", "-i", &name]).expect(0);
    // A Compose of one's own is started as it is, and not as the plugin that it mostly is.
    let settings = format!("installation/{name}/.env");
    let text = desk.text(&settings) + "COMPOSE='docker compose --ansi=never'\n";
    desk.write(&settings, text);
    desk
}

fn environment(desk: &Desk, service: &str) -> serde_json::Value {
    let file: serde_json::Value = serde_json::from_str(&desk.text("../file.json")).expect("JSON");
    file["services"][service]["environment"].clone()
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
