//! The script of `envtpl wrap`, as whoever has no envtpl uses it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::toolbox::{Toolbox, Way, Who};
use crate::workshop::{Ended, docker};

#[test]
fn the_script_is_pinned_until_it_is_updated() {
    let toolbox = Toolbox::new("wrap");
    let directory = toolbox.directory(Who::Root);
    let run = |way: &Way, words: &[&str]| {
        Ended::run(&mut toolbox.command(way, Who::Root, &directory, words))
    };
    let script = Way::Script("sh");
    let word = ["sh", "-c", "echo $WORD"];
    let text = || std::fs::read_to_string(&toolbox.script).expect("read");
    let pinned = |text: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("envtpl_image="));
        line.expect("the line").trim_matches('\'').to_owned()
    };
    let first = pinned(&text());
    assert!(
        first.starts_with(&format!("{}@sha256:", toolbox.image)),
        "{first}"
    );
    run(&script, &["--envtpl-update"])
        .expect(0)
        .prints(&format!("already the newest: {first}\n"));

    // The name means another image: the script's is the same, also when it has to be fetched.
    toolbox.push("second");
    docker(&["image", "rm", "--force", &toolbox.image]).expect(0);
    for way in [&script, &Way::Podman] {
        assert_eq!(run(way, &word).expect(0).stdout, "first\n", "{way:?}");
    }
    // Through a link, which stays one.
    let link = directory.join("link");
    std::os::unix::fs::symlink(&toolbox.script, &link).expect("linked");
    let mut updated = Command::new("sh");
    updated
        .arg(&link)
        .arg("--envtpl-update")
        .stdin(Stdio::null());
    let updated = Ended::run(&mut updated).expect(0);
    let second = pinned(&text());
    assert_ne!(first, second);
    assert_eq!(updated.stdout, format!("old: {first}\nnew: {second}\n"));
    assert!(link.is_symlink());
    let mode = std::fs::metadata(&toolbox.script)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
    for way in [&script, &Way::Podman] {
        assert_eq!(run(way, &word).expect(0).stdout, "second\n", "{way:?}");
    }
    // With podman, and from a script that has no digest yet, as an image prints it.
    let unpinned = text().replace(&second, &toolbox.image);
    std::fs::write(&toolbox.script, &unpinned).expect("written");
    assert_eq!(run(&script, &word).expect(0).stdout, "second\n");
    run(&Way::Podman, &["--envtpl-update"]).expect(0);
    assert_eq!(pinned(&text()), second);

    // What cannot be done changes nothing.
    let before = text();
    run(
        &script,
        &["--envtpl-update", &toolbox.registry.name("lab/none:1")],
    )
    .expect(1)
    .says("could not be fetched");
    std::fs::write(&toolbox.script, &unpinned).expect("written");
    let mut alice = toolbox.command(&script, Who::Alice, &directory, &["--envtpl-update"]);
    Ended::run(&mut alice)
        .expect(1)
        .says("could not be written, and is as it was");
    assert_eq!(text(), unpinned);
    std::fs::write(&toolbox.script, &before).expect("written");
    let left = std::fs::read_dir(toolbox.beside.path()).expect("there");
    let left = left.map(|entry| entry.expect("an entry").file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with("toolchain."))
    );
}

#[test]
fn the_page_on_tools_tells_what_happens() {
    let toolbox = Toolbox::new("tools-page");
    std::fs::write(toolbox.shop.root().join("notes.txt"), "one\ntwo\n").expect("written");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tools.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let blocks = page.split("```console\n").skip(1);
    let lines: Vec<&str> = blocks
        .flat_map(|block| block.split_once("```").expect("its end").0.lines())
        .collect();
    let program = Path::new(env!("CARGO_BIN_EXE_envtpl"))
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut typed = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let shown = lines[at + 1..]
            .iter()
            .take_while(|line| !line.starts_with("$ "));
        let shown: Vec<String> = shown
            .map(|line| {
                line.replace(
                    "/home/me/my-project",
                    &toolbox.shop.root().display().to_string(),
                )
                .replace(
                    "ic-registry.example/lab/my-project:amd64-cpu-dev-latest-root",
                    &toolbox.image,
                )
            })
            .collect();
        let mut sh = Command::new("sh");
        sh.args(["-c", command]).current_dir(toolbox.shop.root());
        sh.env("PATH", format!("{}:{path}", program.display()));
        let ended = Ended::run(sh.stdin(Stdio::null())).expect(0);
        let real: Vec<&str> = ended.stdout.lines().collect();
        assert_eq!(real.len(), shown.len(), "{command}: {real:?}");
        for (real, shown) in real.iter().zip(&shown) {
            match shown.strip_suffix('…') {
                Some(start) => assert!(real.starts_with(start), "{command}: {real}"),
                None => assert_eq!(real, shown, "{command}"),
            }
        }
        typed += 1;
    }
    assert_eq!(typed, 5);
}
