//! Editors: dev containers brought up by the dev containers' own command line, and what editors'
//! servers leave in a home.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use serde_json::Value;

use crate::ended::Ended;
use crate::run::give_to_alice;
use crate::workshop::{Workshop, docker};

/// The dev containers' command line on the project's only installation.
fn devcontainer(shop: &Workshop, verb: &str, command: &[&str]) -> Ended {
    let program = std::env::var("ENVTPL_TEST_DEVCONTAINER").expect("scripts/test.sh sets it");
    let file = format!(".devcontainer/{}/devcontainer.json", shop.installation);
    let mut run = Command::new(program);
    run.arg(verb)
        .args(["--workspace-folder", "."])
        .args(["--config", &file])
        .args(command)
        .current_dir(shop.root());
    Ended::run(&mut run)
}

/// Brings it up; gives the container's id.
fn up(shop: &Workshop) -> String {
    let ended = devcontainer(shop, "up", &[]).expect(0);
    let said: Value = serde_json::from_str(ended.stdout.trim()).expect("JSON");
    assert_eq!(said["outcome"], "success");
    let place = format!("/project/{}", shop.project);
    assert_eq!(said["remoteWorkspaceFolder"], place);
    said["containerId"].as_str().expect("an id").to_owned()
}

/// Removes what Compose has made, as a person would by hand.
fn down(shop: &Workshop) {
    let file = shop.path("compose.yaml");
    let file = file.to_str().expect("UTF-8");
    docker(&["compose", "--file", file, "down"]).expect(0);
}

#[test]
fn a_dev_container_is_the_dev_service_as_the_person() {
    let shop = Workshop::new("editors");
    give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);

    let container = up(&shop);
    let module = shop.project.replace('-', "_");
    let script = format!(
        "id -un; id -u; pwd; python -c 'import {module}'; echo mine >made.txt; \
         mkdir -p ~/.vscode-server/bin ~/.cache/JetBrains/RemoteDev/dist ~/.java/.userPrefs/jetbrains; \
         echo 1 >~/.vscode-server/bin/kept; echo 2 >~/.java/.userPrefs/jetbrains/kept"
    );
    // The environment is that of the entrypoint, which editors ask a shell for.
    let entered = devcontainer(
        &shop,
        "exec",
        &["sh", "-c", "echo $ENVTPL_ENTERED; echo $PATH"],
    );
    assert!(entered.stdout.starts_with("1\n"), "{}", entered.stdout);
    assert!(
        entered.stdout.contains("/current/bin:"),
        "{}",
        entered.stdout
    );
    let ended = devcontainer(&shop, "exec", &["sh", "-ec", &script]).expect(0);
    assert_eq!(
        ended.stdout,
        format!("alice\n1234\n/project/{}\n", shop.project)
    );
    let made = std::fs::metadata(shop.root().join("made.txt")).expect("made");
    assert_eq!((made.uid(), made.gid()), (1234, 1234));

    // It is an ordinary service of the installation, and there once.
    let label = "{{index .Config.Labels \"com.docker.compose.service\"}}";
    let service = docker(&["inspect", "--format", label, &container]).expect(0);
    assert_eq!(service.stdout, "dev-local-cpu\n");
    assert_eq!(up(&shop), container);
    let listed = shop.envtpl(&["ps"]).expect(0).stdout;
    assert!(listed.contains("dev-local-cpu"), "{listed}");
    assert!(listed.contains("(dev container)"), "{listed}");
    // An editor that is closed stops it; what was installed in it is not a leftover.
    docker(&["stop", "--time=1", &container]).expect(0);
    let leftovers = shop.envtpl(&["clean"]).expect(0).stdout;
    assert_eq!(leftovers, "nothing to remove\n");
    assert_eq!(up(&shop), container);

    // What an editor's server has put into the home is in the next container, whoever starts it.
    down(&shop);
    assert_ne!(docker(&["inspect", &container]).status, 0);
    let read = "cat ~/.vscode-server/bin/kept ~/.java/.userPrefs/jetbrains/kept; \
                stat -c '%U %a' /var/lib/envtpl/kept; ls -d ~/.cursor-server/ ~/.config/JetBrains/";
    let kept = "1\n2\nalice 700\n/home/alice/.config/JetBrains/\n/home/alice/.cursor-server/\n";
    let ended = shop.envtpl(&["dev", "sh", "-c", read]).expect(0).silent();
    assert_eq!(ended.stdout, kept);
    let next = up(&shop);
    assert_ne!(next, container);
    let ended = devcontainer(&shop, "exec", &["sh", "-ec", read]).expect(0);
    assert_eq!(ended.stdout, kept);
    down(&shop);

    // Without a volume the links lead to directories all the same.
    let ended = shop.in_image(
        "dev-latest-alice",
        "touch ~/.vscode-server/x && ls ~/.vscode-server",
    );
    assert_eq!(ended.expect(0).stdout, "x\n");

    // A directory of one's own counts instead.
    let own = shop.root().join("kept here");
    std::fs::create_dir(&own).expect("made");
    give_to_alice(&own);
    let at = format!("/project/{}/kept here", shop.project);
    let variables = ["VSCODE_SERVER_AT", "JETBRAINS_SERVER_AT"].map(|name| format!("{name}={at}"));
    let write = "touch ~/.vscode-server/there ~/.java/.userPrefs/there";
    shop.envtpl(&[
        "dev",
        "-e",
        &variables[0],
        "-e",
        &variables[1],
        "sh",
        "-ec",
        write,
    ])
    .expect(0)
    .silent();
    let below = own.join(format!("projects/project-{}", shop.project));
    assert!(below.join("there").exists() && below.join("userPrefs/there").exists());
}
