//! `envtpl debug` seen at work on a terminal, and stopped before its end.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use rexpect::process::WaitStatus;
use rexpect::session::spawn_command;
use rustix::process::{Pid, Signal, kill_process};

use crate::debug::shop;
use crate::debug_triggers::{build_image, left_behind};
use crate::terminal::PATIENCE;
use crate::waiting::{MINUTE, eventually};
use crate::workshop::{BARE, Workshop, docker, image_name};

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let listed = std::fs::read_dir(directory).expect("a directory");
    let names = listed.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Whether a process of this machine has these words in its command line.
fn runs(words: &str) -> bool {
    let mut processes = std::fs::read_dir("/proc").expect("listed").flatten();
    processes.any(|process| {
        // One may have ended meanwhile.
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        process.file_name() != *"self" && line.starts_with(words)
    })
}

/// Runs envtpl, sends it Ctrl-C when it says so, and looks for what it left.
fn stop(shop: &Workshop, arguments: &[&str], when: &str) {
    let temporary = tempfile::tempdir().expect("a directory");
    let before = names(shop.root());
    let state = shop.root().join(".envtpl");
    let kept = state.exists().then(|| names(&state.join("builds")));
    let mut command = shop.command(arguments);
    command
        .env("TMPDIR", temporary.path())
        // A shell that opens all the same ends at once, otherwise than by Ctrl-C.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
    let mut said = Vec::new();
    let reached = told.by_ref().map_while(Result::ok).any(|line| {
        said.push(line);
        said.last().is_some_and(|line| line.ends_with(when))
    });
    assert!(reached, "no `{when}` in:\n{}", said.join("\n"));
    kill_process(Pid::from_child(&child), Signal::INT).expect("sent");
    said.extend(told.map_while(Result::ok));
    let mut data = String::new();
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_to_string(&mut data).expect("read");
    let status = child.wait().expect("it ends").code();
    assert_eq!(status, Some(130), "{}", said.join("\n"));
    assert_eq!(data, "");

    assert_eq!(names(temporary.path()), Vec::<String>::new());
    let mut now = names(shop.root());
    now.retain(|name| name != ".envtpl");
    let before: Vec<_> = before
        .into_iter()
        .filter(|name| name != ".envtpl")
        .collect();
    assert_eq!(now, before);
    assert_eq!(names(&state.join("builds")), kept.unwrap_or_default());
    assert!(shop.tags().is_empty());
    let process = format!("envtpl-debug:{}", child.id());
    let images = docker(&["images", "--format={{.Repository}}:{{.Tag}}"]).expect(0);
    assert!(!images.stdout.contains(&process), "{}", images.stdout);
    let containers = docker(&["ps", "--all", "--format={{.Image}}"]).expect(0);
    assert!(
        !containers.stdout.contains(&process),
        "{}",
        containers.stdout
    );
}

#[test]
fn ctrl_c_while_the_step_works_leaves_nothing_behind() {
    let sleep = format!("sleep 4{}", std::process::id());
    let image = image_name("debug-stopped-base");
    build_image(
        &image,
        &format!("FROM {BARE}\nONBUILD RUN echo it works; {sleep}; exit 3\n"),
    );
    let shop = shop(
        "debug-stopped",
        &format!(
            "FROM BASE AS development-generic\nRUN echo it works; {sleep}; exit 3\n\
             FROM {image} AS triggered\nRUN true\n"
        ),
    );
    let all = ["--progress=plain", "debug"];
    for arguments in [
        &["2"][..],
        &["2", "--shell"],
        &["2", "-o", "new/evidence"],
        &[],
        &["3"],
    ] {
        stop(&shop, &[&all, arguments].concat(), " it works");
        eventually("the step is stopped", MINUTE, || !runs(&sleep));
    }
    let cached = docker(&["buildx", "du", "--verbose"]).expect(0).stdout;
    assert!(!cached.contains(&sleep), "{cached}");
    assert_eq!(left_behind(), "");
    docker(&["image", "rm", "--force", &image]).expect(0);
}

#[test]
fn ctrl_c_before_the_shell_starts_leaves_no_image_and_no_container() {
    let shop = shop(
        "debug-stopped-shell",
        "FROM BASE AS development-generic\nRUN --mount=target=/context exit 3\n",
    );
    shop.write("Dockerfile.dockerignore", "*\n!large\n");
    let large = std::fs::File::create(shop.path("large")).expect("created");
    // Of zeros that are there, so that copying them takes a while.
    std::io::copy(&mut std::io::repeat(0).take(300 << 20), &mut &large).expect("written");
    shop.envtpl(&["debug"]).expect(1);
    stop(&shop, &["-v", "debug", "--shell"], r#"carry","/context"]"#);
}

#[test]
fn on_a_terminal_the_step_is_seen_at_work() {
    let shop = shop(
        "debug-live",
        "FROM BASE AS development-generic\nRUN echo it works; sleep 300\n",
    );
    let command = shop.command(&["debug", "2"]);
    let mut session = spawn_command(command, Some(PATIENCE * 5)).expect("starts");
    session.exp_string("Trying").expect("what it does");
    session
        .exp_regex(r"development-generic [0-9]/[0-9] +[0-9.]+ s  RUN echo[^\n]* it works\r")
        .expect("the last line that it printed");
    session.send_control('c').expect("sent");
    let ended = session.process().wait().expect("ends");
    assert!(matches!(ended, WaitStatus::Exited(_, 130)), "{ended:?}");
}
