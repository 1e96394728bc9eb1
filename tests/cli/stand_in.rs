//! An engine that is a script: it shows what it is asked for, and starts nothing.

use crate::desk::Desk;

/// A project whose services are these, in Compose's JSON. The engine writes its arguments into
/// `~/arguments`, and keeps the Compose file that it was given, with its permissions, as
/// `~/file.json`. A container that is given a name is there from then on, and has said `$SAID`;
/// `busy-dev` has an ssh server at port `$TAKEN`.
pub fn desk(services: &str) -> Desk {
    let platform = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let docker = format!(
        r#"echo "$*" >> "$HOME/arguments"
        case "$*" in
        *"config --format json"*)
            echo '{{"name": "digits-cpu-alice", "services": {{{services}}}}}' ;;
        "image inspect"*)
            echo '[{{"Id": "sha256:1", "Architecture": "{platform}", "Config": {{}}}}]' ;;
        "container inspect"*)
            if [ -e "$HOME/started" ]; then
                echo '[{{"Name": "/digits-cpu-alice-dev", "State": {{"Running": true}}}}]'
            else
                echo 'Error: No such container' >&2; exit 1
            fi ;;
        compose*" run "*)
            case $* in *" --name "*) : >"$HOME/started" ;; esac
            while [ $# -gt 0 ]; do
                if [ "$1" = --file ]; then cp -p "$2" "$HOME/file.json"; fi
                shift
            done ;;
        ps*) echo "busy-dev ssh=127.0.0.1:$TAKEN" ;;
        exec*) ;;
        top*) echo "alice 7 sleep infinity" ;;
        logs*) echo "$SAID" >&2 ;;
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
    let text = desk.text(&settings);
    let kept = text.lines().filter(|line| !line.starts_with("USR="));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    let ours = "USR=alice\nCOMPOSE='docker compose --ansi=never'\n";
    desk.write(&settings, kept + ours);
    desk
}

/// A service in the Compose file that the engine was given.
pub fn service(desk: &Desk, name: &str) -> serde_json::Value {
    let file: serde_json::Value = serde_json::from_str(&desk.text("../file.json")).expect("JSON");
    file["services"][name].clone()
}
