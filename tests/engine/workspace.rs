//! The workspace: one container that stays, and what is run in it.

use std::io::Write;
use std::process::Stdio;

use crate::run::give_to_alice;
use crate::waiting::{SOON, eventually};
use crate::workshop::{Ended, Workshop, docker};

#[test]
fn a_workspace_stays_and_is_worked_in() {
    let shop = Workshop::new("workspace");
    let name = format!("{}-amd64-cpu-alice-dev", shop.project);
    give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    for command in [&["exec", "true"][..], &["attach"]] {
        shop.envtpl(command)
            .expect(125)
            .says("the workspace of amd64-cpu is not there")
            .says("envtpl dev --up -i amd64-cpu");
    }
    shop.envtpl(&["logs"]).expect(3).says("has no workspace");
    shop.envtpl(&["down"]).expect(0).says("has no workspace");

    let up = shop.envtpl(&["dev", "--up", "-e", "COLOUR=blue"]).expect(0);
    assert_eq!(up.stdout, format!("{name}\n"));
    let again = shop.envtpl(&["dev", "--up"]).expect(0).says("runs already");
    assert_eq!(again.stdout, format!("{name}\n"));

    // Streams, status, environment and directory are as with `dev`.
    let below = shop.root().join("src");
    let module = shop.project.replace('-', "_");
    let script =
        format!("cat; pwd; id -un; echo $COLOUR $SEED; python -c 'import {module}'; exit 7");
    let mut child = shop
        .command(&["exec", "-e", "SEED=1", "--", "sh", "-c", &script])
        .current_dir(&below)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"in\n").expect("sent");
    drop(stdin);
    let ended = Ended::of(child.wait_with_output().expect("ends")).expect(7);
    let expected = format!("in\n/project/{}/src\nalice\nblue 1\n", shop.project);
    assert_eq!(ended.stdout, expected);
    std::fs::write(shop.root().join("keys.env"), "KEY='as it is'\nSEED=9\n").expect("written");
    let ask = ["sh", "-c", "echo \"$KEY $SEED\""];
    let seeded = ["exec", "-e", "SEED=1", "--env-file", "keys.env", "--"];
    let ended = shop.envtpl(&[&seeded[..], &ask].concat()).expect(0);
    assert_eq!(ended.stdout, "'as it is' 1\n");
    std::fs::write(shop.root().join("keys.env"), "export KEY=sesame\n").expect("written");
    shop.envtpl(&[&seeded[..], &ask].concat())
        .expect(125)
        .says("keys.env:1")
        .keeps_quiet_about("sesame");
    let root = shop
        .envtpl(&["exec", "--user", "root", "id", "-u"])
        .expect(0);
    assert_eq!(root.stdout, "0\n");

    // What is done in it stays, also when it is stopped in between.
    shop.envtpl(&["exec", "touch", "/tmp/kept"]).expect(0);
    shop.envtpl(&["down", "--stop"]).expect(0);
    shop.envtpl(&["exec", "true"])
        .expect(125)
        .says("it is exited");
    assert_eq!(shop.envtpl(&["ps"]).expect(0).stdout.lines().count(), 1);
    let listed = shop.envtpl(&["ps", "--all", "--format", "json"]).expect(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["name"], name);
    assert_eq!(listed[0]["workspace"], true);
    assert_eq!(listed[0]["state"], "exited");
    shop.envtpl(&["dev", "--up"]).expect(0);
    shop.envtpl(&["exec", "ls", "/tmp/kept"]).expect(0);

    // A shell reads its commands where there is no terminal.
    let mut child = shop
        .command(&["attach"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"echo $COLOUR; exit 5\n").expect("sent");
    drop(stdin);
    let ended = Ended::of(child.wait_with_output().expect("ends")).expect(5);
    assert_eq!(ended.stdout, "blue\n");

    // An image that was built again is not the one that the workspace runs.
    let dockerfile = shop.read("Dockerfile-user") + "RUN true\n";
    shop.write("Dockerfile-user", &dockerfile);
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    shop.envtpl(&["dev", "--up"])
        .expect(0)
        .says("runs an older ")
        .says("envtpl freeze");

    shop.envtpl(&["down"]).expect(0).says(&name);
    let left = docker(&["container", "inspect", &name]);
    assert_ne!(left.status, 0, "it is removed");
    let networks = docker(&["network", "ls", "--format={{.Name}}"]).expect(0);
    assert!(!networks.stdout.contains(&shop.project));

    // One that cannot stay says why.
    let compose = shop.read("compose.yaml");
    shop.write(
        "compose.yaml",
        &compose.replace(
            "    working_dir:",
            "    entrypoint: [sh, -c, \"echo why; exit 3\"]\n    working_dir:",
        ),
    );
    shop.envtpl(&["dev", "--up"])
        .expect(125)
        .says("ended at once")
        .says("why");
    eventually("nothing of it is left", SOON, || {
        docker(&["container", "inspect", &name]).status != 0
    });
}
