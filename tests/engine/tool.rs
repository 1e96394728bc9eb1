//! `envtpl tool`, and the script of `envtpl wrap` beside it: a command of an image on one's files.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use rexpect::process::WaitStatus;
use rexpect::session::spawn_command;

use crate::run::shop;
use crate::terminal::PATIENCE;
use crate::toolbox::{Toolbox, Way, Who};
use crate::workshop::{Ended, docker};

/// Words that a shell, a line or a list could take for something else.
fn arguments() -> Vec<String> {
    let odd = [
        "",
        " ",
        "'",
        "\"",
        "\\",
        "$HOME",
        "$(touch x)",
        "`id`",
        "*",
        "?",
        "[a]",
        "~",
        "!",
        "#x",
        "&",
        "|",
        ";",
        "<",
        ">",
        "-",
        "--",
        "-x",
        "--rm",
        "a=b",
        "=",
        "%s",
        "\n",
        "a\n\nb\n",
        "\t",
        "\r",
        "é",
        "日本語",
        "\u{1F600}",
        "\u{7f}",
        "\u{1}",
        "{a,b}",
        "$1",
        "${x}",
        "\\n",
        "''",
        "\"\"",
        "a'b\"c",
        "@",
        "//",
        "x\\",
    ];
    let odd = odd.iter().cycle().take(300).enumerate();
    odd.map(|(number, word)| match number % 3 {
        0 => (*word).to_owned(),
        1 => format!("{word}{number}"),
        _ => format!("{number} {word}"),
    })
    .collect()
}

#[test]
fn arguments_streams_status_and_files_are_the_callers() {
    let toolbox = Toolbox::new("tool");
    crate::run::give_to_alice(toolbox.shop.root());
    let arguments = arguments();
    assert_eq!(arguments.len(), 300);
    let script = r#"printf '%s\0' "$@"
        cat
        touch "made é" && touch "$HOME/new"
        printf '%s\n' "$(id -u) $(id -g) $(id -un) $USER $PWD $WORD" >&2
        exit 42"#;
    let mut expected: Vec<u8> = arguments.join("\0").into_bytes();
    expected.push(0);
    let input: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    expected.extend(&input);

    let shells = ["dash", "bash", "zsh", "busybox sh"].map(Way::Script);
    let ways = [&[Way::Tool][..], &shells].concat();
    let mut cases: Vec<(Way, Who)> = Vec::new();
    for who in [Who::Root, Who::Alice] {
        cases.extend(ways.iter().map(|way| (way.clone(), who)));
    }
    // Without root it needs numbers that this machine has set apart for the person.
    cases.push((Way::Podman, Who::Root));
    for (way, who) in cases {
        let directory = toolbox.directory(who);
        let command = ["sh", "-c", script, "sh"].into_iter();
        let words: Vec<&str> = command
            .chain(arguments.iter().map(String::as_str))
            .collect();
        let mut command = toolbox.command(&way, who, &directory, &words);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        let sent = input.clone();
        let feeder = std::thread::spawn(move || stdin.write_all(&sent));
        let output = child.wait_with_output().expect("it ends");
        feeder.join().expect("no panic").expect("sent");
        let name = match who {
            Who::Root => "root",
            Who::Alice => "user1234",
        };
        let told = format!("{0} {0} {name} {name} /work first", who.id());
        let ended = Ended::of(output.clone());
        assert_eq!(ended.status, 42, "{way:?} {who:?}: {}", ended.stderr);
        // What podman says of its first fetch comes before.
        assert_eq!(ended.stderr.lines().last(), Some(&*told), "{way:?} {who:?}");
        assert!(output.stdout == expected, "{way:?} {who:?}");
        let made = directory.join("made é");
        let owner = std::fs::metadata(&made).expect("made");
        assert_eq!(
            (owner.uid(), owner.gid()),
            (who.id(), who.id()),
            "{way:?} {who:?}"
        );
        std::fs::remove_file(made).expect("removed");
    }
}

#[test]
fn signals_and_statuses_pass() {
    let toolbox = Toolbox::new("tool-signals");
    let directory = toolbox.directory(Who::Root);
    for way in [Way::Tool, Way::Script("dash"), Way::Podman] {
        let run = |words: &[&str]| {
            let ended = Ended::run(&mut toolbox.command(&way, Who::Root, &directory, words));
            ended.status
        };
        for status in [0, 1, 125, 130, 255] {
            assert_eq!(
                run(&["sh", "-c", &format!("exit {status}")]),
                status,
                "{way:?}"
            );
        }
        assert_eq!(run(&["sh", "-c", "kill -9 $$"]), 137, "{way:?}");
        assert_eq!(run(&["no-such-command"]), 127, "{way:?}");
        assert_eq!(run(&["/etc/passwd"]), 126, "{way:?}");
        for (signal, status) in [("TERM", 143), ("INT", 130)] {
            let words = ["sh", "-c", "echo up; exec sleep 300"];
            let mut command = toolbox.command(&way, Who::Root, &directory, &words);
            let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
            let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
            let mut line = String::new();
            stdout.read_line(&mut line).expect("it says that it is up");
            assert_eq!(line, "up\n");
            let killed = Command::new("kill")
                .args([format!("-{signal}"), child.id().to_string()])
                .output();
            Ended::of(killed.expect("kill runs")).expect(0);
            assert_eq!(
                child.wait().expect("ends").code(),
                Some(status),
                "{way:?} {signal}"
            );
        }
    }
    let repository = toolbox.image.rsplit_once(':').expect("a tag").0;
    for engine in ["docker", "podman"] {
        let left = Command::new(engine)
            .args(["ps", "--all", "--format={{.Image}}"])
            .output();
        let left = Ended::of(left.expect("it runs")).expect(0).stdout;
        assert!(!left.contains(repository), "{engine}: {left}");
    }
}

#[test]
fn a_terminal_is_the_commands_own() {
    let toolbox = Toolbox::new("tool-terminal");
    let directory = toolbox.directory(Who::Root);
    for way in [Way::Tool, Way::Script("dash")] {
        for options in [&[][..], &["-it"]] {
            let words = [
                options,
                &["sh", "-c", "stty size && echo up; exec sleep 300"],
            ]
            .concat();
            let mut command = toolbox.command(&way, Who::Root, &directory, &words);
            command.stdin(Stdio::inherit());
            let mut session = spawn_command(command, Some(PATIENCE)).expect("starts");
            session
                .exp_string("up")
                .expect("it has a terminal and is up");
            session.send_control('c').expect("sent");
            let ended = session.process().wait().expect("ends");
            assert!(
                matches!(ended, WaitStatus::Exited(_, 130)),
                "{way:?}: {ended:?}"
            );
        }
    }
}

#[test]
fn the_home_is_never_in_the_callers_directory() {
    let toolbox = Toolbox::new("tool-home");
    let directory = toolbox.directory(Who::Alice);
    let run = |words: &[&str]| {
        let way = Way::Script("sh");
        Ended::run(&mut toolbox.command(&way, Who::Alice, &directory, words)).expect(0)
    };
    let script = "cd && touch x && pwd && cat /etc/passwd";
    for (at, home) in [
        ("/work", "/home/user1234"),
        ("/home", "/tmp/home-1234"),
        ("/home/user1234", "/tmp/home-1234"),
        ("/home/user1234/a/b", "/home/user1234"),
        ("/tmp", "/home/user1234"),
    ] {
        let ended = run(&["--at", at, "sh", "-c", script]);
        let entry = format!("user1234:x:1234:1234::{home}:/bin/sh\n");
        assert!(
            ended.stdout.starts_with(&format!("{home}\n")),
            "{at}: {}",
            ended.stdout
        );
        assert!(ended.stdout.ends_with(&entry), "{at}: {}", ended.stdout);
        assert_eq!(ended.stderr, "");
        assert_eq!(
            std::fs::read_dir(&directory).expect("there").count(),
            0,
            "{at}"
        );
    }
    let ended = run(&[
        "-e",
        "HOME=/work",
        "-e",
        "USER=ann",
        "sh",
        "-c",
        "echo $HOME $USER; id -G",
    ]);
    assert!(
        ended.stdout.starts_with("/work ann\n1234 "),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("4999"), "{}", ended.stdout);
}

#[test]
fn a_generic_image_has_its_environment_and_says_nothing() {
    let shop = shop();
    let image = shop.id("dev-latest-root").expect("built");
    let program = "import getpass, os, six; print(getpass.getuser(), os.getcwd(), os.access(os.path.expanduser('~'), os.W_OK))";
    let shown = shop
        .envtpl(&["tool", "--at", "same", "python3", "-c", program])
        .expect(0)
        .silent();
    assert_eq!(
        shown.stdout,
        format!("root {} True\n", shop.root().display())
    );
    let script = shop.envtpl(&["wrap", "--local"]).expect(0).stdout;
    assert!(script.contains(&format!("envtpl_image='{image}'")));
    let mut child = Command::new("setpriv");
    let socket = std::fs::metadata("/var/run/docker.sock").expect("the engine's socket");
    child.args([
        "--reuid=1234",
        "--regid=1234",
        &format!("--groups={}", socket.gid()),
    ]);
    child.args(["sh", "-c", &script, "toolchain", "python3", "-c", program]);
    child
        .current_dir(shop.root())
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    let ended = Ended::run(&mut child).expect(0).silent();
    // Alice is in the lists of the base image by no name.
    assert_eq!(ended.stdout, "user1234 /work True\n");
    // A run is not written down.
    let listed = shop.envtpl(&["runs"]).expect(0).stdout;
    assert!(!listed.contains("getpass"), "{listed}");
    let left = docker(&["ps", "--all", "--no-trunc", "--format={{.Command}}"]).expect(0);
    assert!(!left.stdout.contains("getpass"), "{}", left.stdout);
}
