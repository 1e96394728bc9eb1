//! Running: streams, statuses, signals, directories, what is left behind.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::waiting::{SOON, eventually};
use crate::workshop::{Ended, Workshop, docker};

/// One built project for all tests that only run things in it; the last of them removes it.
pub fn shop() -> Arc<Workshop> {
    static SHOP: Mutex<Weak<Workshop>> = Mutex::new(Weak::new());
    let mut shared = SHOP.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let shop = Workshop::new("run");
        shop.append("dependencies/apt-dev.txt", "zsh\n");
        give_to_alice(shop.root());
        shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
        let shop = Arc::new(shop);
        *shared = Arc::downgrade(&shop);
        shop
    })
}

/// The person of the workshop's containers.
pub fn give_to_alice(directory: &Path) {
    let owned = std::process::Command::new("chown")
        .args(["-R", "1234:1234"])
        .arg(directory)
        .output()
        .expect("chown runs");
    Ended::of(owned).expect(0);
}

#[test]
fn standard_output_is_the_commands_own() {
    let shop = shop();
    let ended = shop
        .envtpl(&["run", "--", "python3", "-c", "print(1)"])
        .expect(0);
    assert_eq!(ended.stdout, "1\n");
}

#[test]
fn exit_statuses_and_signals_are_the_commands_own() {
    let shop = shop();
    for status in [0, 1, 2, 7, 125, 126, 127, 130, 254, 255] {
        shop.envtpl(&["run", "sh", "-c", &format!("exit {status}")])
            .expect(status);
    }
    shop.envtpl(&["run", "sh", "-c", "kill -9 $$"]).expect(137);
    shop.envtpl(&["run", "sh", "-c", "kill -TERM $$"])
        .expect(143);
}

#[test]
fn a_signal_to_envtpl_alone_ends_the_command_and_its_container() {
    let shop = shop();
    for (signal, status) in [("TERM", 143), ("INT", 130)] {
        let name = format!("{}-signal-{signal}", shop.project);
        let mut child = shop
            .command(&[
                "run",
                "-e",
                &format!("NAME={name}"),
                "sh",
                "-c",
                "echo up; exec sleep 300",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("envtpl runs");
        let mut stdout = std::io::BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).expect("it says that it is up");
        let killed = std::process::Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .output()
            .expect("kill runs");
        Ended::of(killed).expect(0);
        assert_eq!(child.wait().expect("ends").code(), Some(status), "{signal}");
        let left = docker(&["ps", "--all", "--quiet", "--no-trunc", "--format={{.ID}}"]).expect(0);
        for id in left.stdout.lines() {
            let inspect = docker(&["inspect", "--format={{.Config.Env}}", id]);
            assert!(!inspect.stdout.contains(&name), "{id} is left");
        }
    }
}

#[test]
fn standard_input_passes_byte_for_byte() {
    let shop = shop();
    let bytes: Vec<u8> = (0..8_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut child = shop
        .command(&["run", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    let mut stdin = child.stdin.take().expect("piped");
    let sent = bytes.clone();
    let feeder = std::thread::spawn(move || stdin.write_all(&sent));
    let output = child.wait_with_output().expect("ends");
    feeder.join().expect("no panic").expect("sent");
    assert!(
        output.stdout == bytes,
        "{} bytes of {}",
        output.stdout.len(),
        bytes.len()
    );
}

#[test]
fn the_directory_inside_follows_the_one_outside() {
    let shop = shop();
    let below = shop.root().join("data/more data");
    std::fs::create_dir_all(&below).expect("made");
    let project = format!("/project/{}", shop.project);
    for (directory, inside) in [
        (shop.root().to_owned(), project.clone()),
        (below, format!("{project}/data/more data")),
    ] {
        let output = shop
            .command(&["run", "pwd"])
            .current_dir(directory)
            .output()
            .expect("envtpl runs");
        assert_eq!(Ended::of(output).expect(0).stdout.trim(), inside);
    }
}

#[test]
fn variables_are_set_in_all_of_dockers_spellings() {
    let shop = shop();
    let output = shop
        .command(&[
            "run",
            "-e",
            "A=1",
            "-eB=2",
            "--env",
            "C=3",
            "--env=D=a b",
            "-e",
            "E",
            "--",
            "sh",
            "-c",
            "echo \"$A $B $C $D $E\"",
        ])
        .env("E", "5")
        .output()
        .expect("envtpl runs");
    assert_eq!(Ended::of(output).expect(0).stdout, "1 2 3 a b 5\n");

    // What is odd about a value means what the engine makes of it.
    let forms = [
        "--env=EMPTY=",
        "--env=EQUALS=x=y",
        "--env=LINES=one\ntwo",
        "--env=TWICE=1",
        "--env=TWICE=2",
        "--env=NOT_THERE",
        "--env=ODD=$HOME `id` \\n",
        "--env=TZ=Asia/Tokyo",
    ];
    let show = "import os; print([(n, os.environ.get(n)) for n in ('EMPTY', 'EQUALS', 'LINES', \
                'TWICE', 'NOT_THERE', 'ODD', 'TZ')])";
    let command = ["python3", "-c", show];
    let image = shop.tag("run-latest-alice");
    let fixed = ["run", "--rm", "--network=none", "--entrypoint="];
    let theirs = docker(&[&fixed[..], &forms, &[&image], &command].concat()).expect(0);
    let ours = shop.envtpl(&[&["run"], &forms[..], &["--"], &command].concat());
    assert_eq!(ours.expect(0).stdout, theirs.stdout);
}

#[test]
fn files_come_out_owned_by_the_person() {
    let shop = shop();
    use std::os::unix::fs::MetadataExt;
    shop.envtpl(&["run", "touch", "made-inside"]).expect(0);
    let made = std::fs::metadata(shop.root().join("made-inside")).expect("there");
    assert_eq!((made.uid(), made.gid()), (1234, 1234));
}

#[test]
fn the_project_is_importable_without_network_and_prepared_only_once() {
    let shop = shop();
    let project = &shop.project;
    let script = format!("import importlib.metadata as m; print(m.version('{project}'))");
    let script = script.as_str();
    let first = shop.envtpl(&["run", "python", "-c", script]).expect(0);
    assert!(!first.stdout.trim().is_empty());
    let offline = docker(&[
        "run",
        "--rm",
        "--network=none",
        "-v",
        &format!("{}:/project/{project}", shop.root().display()),
        "-e",
        &format!("PROJECT_ROOT_AT=/project/{project}"),
        &shop.tag("run-latest-alice"),
        "python3",
        "-c",
        script,
    ])
    .expect(0);
    assert_eq!(offline.stdout, first.stdout);
    assert_eq!(offline.stderr, "");
}

#[test]
fn a_missing_image_is_named_with_the_command_that_makes_it() {
    let shop = Workshop::new("not-built");
    shop.envtpl(&["run", "true"])
        .expect(125)
        .says("envtpl build-user -i amd64-cpu");
    assert!(shop.tags().is_empty(), "nothing was built by surprise");
}

#[test]
fn an_acceleration_without_a_service_is_refused_with_those_there_are() {
    let shop = shop();
    let output = shop
        .command(&["run", "true"])
        .env("ACCELERATION", "cuda")
        .output()
        .expect("envtpl runs");
    Ended::of(output).expect(125).says("cuda").says("cpu, auto");
}

#[test]
fn a_start_in_the_background_that_fails_keeps_its_log() {
    let shop = shop();
    let started = shop.envtpl(&["run", "-d", "sh", "-c", "echo why-it-failed; exit 4"]);
    // Whether it fails within the second that a start is watched depends on the machine.
    if started.status != 0 {
        started.expect(4).says("why-it-failed");
    }
    let logs = shop.root().join(".envtpl/logs");
    eventually("the log is kept", SOON, || {
        let kept = std::fs::read_dir(&logs).into_iter().flatten().flatten();
        kept.map(|entry| std::fs::read_to_string(entry.path()).expect("readable"))
            .any(|text| text.contains("why-it-failed"))
    });
}

#[test]
fn a_container_in_the_background_stops_at_once_and_is_removed() {
    let shop = shop();
    let started = shop.envtpl(&["run", "-d", "sleep", "300"]).expect(0);
    let container = started.stdout.trim();
    let stopping = Instant::now();
    docker(&["stop", container]).expect(0);
    assert!(
        stopping.elapsed() < Duration::from_secs(2),
        "stopping took {:?}",
        stopping.elapsed()
    );
    eventually("the container is removed", SOON, || {
        docker(&["container", "inspect", container]).status != 0
    });
}

#[test]
fn a_start_in_the_background_that_fails_later_is_told_once() {
    let shop = Workshop::new("later");
    give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    // It fails once its second is long over and it is told to.
    let script = "until [ -e fail ]; do sleep 0.1; done; printf why-it-failed; exit 5";
    let started = shop.envtpl(&["run", "-d", "sh", "-c", script]).expect(0);
    let container = started.stdout.trim().to_owned();
    let log = shop.root().join(format!(".envtpl/logs/{container}.log"));
    let started = started
        .says(&format!("docker wait {}", &container[..12]))
        .says(&format!("docker logs --follow {}", &container[..12]))
        .says(&log.display().to_string());
    assert_eq!(started.stdout.lines().count(), 1);
    shop.envtpl(&["ls", "--no-engine"]).expect(0).silent();

    std::fs::write(shop.root().join("fail"), "").expect("written");
    eventually("the log and the note are kept", SOON, || {
        log.exists() && log.with_extension("json").exists()
    });
    let kept = std::fs::read_to_string(&log).expect("readable");
    let lines: Vec<&str> = kept.lines().collect();
    assert_eq!(lines[0], "why-it-failed");
    assert!(
        lines[1].ends_with("Z") && lines[1].contains("exit status 5 at 2"),
        "{kept}"
    );
    shop.envtpl(&["ls"])
        .expect(0)
        .says("warning: `envtpl run -d sh -c ")
        .says("ended with exit status 5 (just now)")
        .says(&log.display().to_string());
    shop.envtpl(&["ls"]).expect(0).silent();
    assert!(log.exists(), "the log is the person's");

    // Whoever stops a container knows about it.
    let started = shop.envtpl(&["run", "-d", "sleep", "300"]).expect(0);
    let container = started.stdout.trim();
    docker(&["stop", container]).expect(0);
    eventually("the container is removed", SOON, || {
        docker(&["container", "inspect", container]).status != 0
    });
    shop.envtpl(&["ls"]).expect(0).silent();
}

#[test]
fn nothing_is_left_behind() {
    let shop = shop();
    let project = format!("{}-amd64-cpu-alice", shop.project);
    shop.envtpl(&["run", "true"]).expect(0);
    let networks = docker(&[
        "network",
        "ls",
        "--quiet",
        &format!("--filter=name={project}"),
    ]);
    assert_eq!(networks.expect(0).stdout, "");
}

#[test]
fn a_shell_in_the_generic_image_needs_no_user_image() {
    let shop = shop();
    let mut child = shop
        .command(&["shell"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("envtpl runs");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"id -un; exit 5\n")
        .expect("sent");
    let ended = Ended::of(child.wait_with_output().expect("ends")).expect(5);
    assert_eq!(ended.stdout, "root\n");
}

#[test]
fn a_stopped_engine_is_not_ready() {
    let shop = shop();
    let output = shop
        .command(&["ls"])
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .output()
        .expect("envtpl runs");
    Ended::of(output)
        .expect(3)
        .says("no container engine answers");
}

#[test]
fn a_project_that_cannot_be_installed_is_told_and_not_tried_at_each_start() {
    let shop = shop();
    let project = tempfile::tempdir().expect("a directory");
    let file = |name: &str| project.path().join(name);
    let broken = "[build-system]\nrequires = []\nbuild-backend = \"nope\"\n";
    std::fs::write(file("pyproject.toml"), broken).expect("written");
    give_to_alice(project.path());
    let start = |command: &str| {
        docker(&[
            "run",
            "--rm",
            "--network=none",
            "-v",
            &format!("{}:/project/broken", project.path().display()),
            "-e",
            "PROJECT_ROOT_AT=/project/broken",
            &shop.tag("run-latest-alice"),
            "sh",
            "-c",
            command,
        ])
        .expect(0)
    };
    let first = start("true").says("installing it failed: ");
    let (_, named) = first.stderr.split_once("(all of it: ").expect("a log");
    let log = file(named.split_once(')').expect("an end").0);
    assert!(log.starts_with(file(".envtpl/project")), "{log:?}");
    assert!(
        std::fs::read_to_string(&log)
            .expect("kept")
            .contains("nope")
    );

    // Had it been tried again, the log would be another.
    std::fs::write(&log, "untouched\n").expect("written");
    let second = start("true")
        .says("installing it failed before (why: .envtpl/project/")
        .says("rm -r .envtpl/project)");
    assert_eq!(second.stderr.lines().count(), 1, "{}", second.stderr);
    assert_eq!(std::fs::read_to_string(&log).expect("kept"), "untouched\n");

    start("rm -r /project/broken/.envtpl/project").says("failed before");
    start("true").says("installing it failed: ");
    let name = "[project]\nname = \"mended\"\nversion = \"1\"\n[build-system]\n";
    let backend = "requires = []\nbuild-backend = \"hatchling.build\"\n";
    let packages = "[tool.hatch.build.targets.wheel]\npackages = [\"mended\"]\n";
    std::fs::create_dir(file("mended")).expect("made");
    std::fs::write(file("mended/__init__.py"), "").expect("written");
    std::fs::write(file("pyproject.toml"), [name, backend, packages].concat()).expect("written");
    start("cd / && python3 -c 'import mended'").silent();
    assert!(!log.exists());
}

/// `docker exec` starts beside the entrypoint, by hand and from editors.
#[test]
fn programs_that_are_started_beside_the_entrypoint_know_the_certificates() {
    let shop = shop();
    let started = shop.envtpl(&["dev", "-d", "sleep", "300"]).expect(0);
    let container = started.stdout.trim();
    let exec = |options: &[&str], command: &[&str]| {
        docker(&[&["exec"], options, &[container], command].concat())
    };
    let bundle = std::env::var("ENVTPL_TEST_CA_BUNDLE").unwrap_or_default();
    let mounted = if bundle.is_empty() {
        ""
    } else {
        "/run/envtpl/ca-bundle.pem"
    };
    for variable in [
        "SSL_CERT_FILE",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "GIT_SSL_CAINFO",
    ] {
        for options in [&[][..], &["--user", "4242:4242"], &["--user", "root"]] {
            let line = format!(
                "echo \"${variable}\"; [ \"${{{variable}+set}}\" = \"${{{variable}:+set}}\" ]"
            );
            let told = exec(options, &["sh", "-c", &line]).expect(0);
            assert_eq!(told.stdout.trim(), mounted, "{variable}");
        }
    }
    // Through whatever stands between this machine and the index.
    exec(
        &[],
        &[
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            "/tmp",
            "six==1.17.0",
        ],
    )
    .expect(0);
    docker(&["rm", "--force", container]).expect(0);

    // The mirror's settings know the certificates themselves.
    let mirrored = docker(&[
        "run",
        "--rm",
        "--network=none",
        "--env=PROJECT_ROOT_AT=/none",
        "--env=APT_MIRROR=https://mirror.example",
        "--env=APT_CONFIG=/opt/envtpl/entrypoints/apt-ca-bundle.conf",
        &shop.tag("dev-latest-alice"),
        "sh",
        "-c",
        "apt-cache policy; apt-config dump Dir::Etc; echo \"$APT_CONFIG\"",
    ])
    .expect(0);
    assert!(
        mirrored.stdout.contains("/envtpl-apt-1234/apt.conf"),
        "{}",
        mirrored.stdout
    );
}
