//! Looking into steps that fail: each way in which a Dockerfile can be written, on a real engine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::workshop::{BARE, Ended, Workshop, docker};

/// A project whose generic images are built from this Dockerfile; `BASE` in it is the bare base.
pub fn shop(name: &str, dockerfile: &str) -> Workshop {
    let shop = Workshop::with(name, "amd64-cpu", &["--base-image", BARE]);
    shop.write("Dockerfile", &dockerfile.replace("BASE", BARE));
    shop
}

/// What a debug run told, and the directory of its evidence.
pub struct Looked {
    pub ended: Ended,
    pub report: Value,
    directory: PathBuf,
}

impl Looked {
    pub fn file(&self, name: &str) -> String {
        let text = std::fs::read(self.directory.join(name));
        String::from_utf8_lossy(&text.expect(name)).into_owned()
    }

    pub fn status(&self) -> Option<i64> {
        self.report["status"].as_i64()
    }
}

pub fn debug(shop: &Workshop, arguments: &[&str], status: i32) -> Looked {
    let mut words = vec!["debug", "--format", "json", "-o", "evidence"];
    words.extend(arguments);
    let before = shop.read("Dockerfile");
    let ended = shop.envtpl(&words).expect(status);
    assert_eq!(shop.read("Dockerfile"), before);
    let report = serde_json::from_str(&ended.stdout).expect("JSON");
    Looked {
        ended,
        report,
        directory: shop.root().join("evidence"),
    }
}

/// The text of every file below a directory.
fn all_files(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => all.extend(all_files(&path)),
            false => all.extend(std::fs::read(path).expect("a file")),
        }
    }
    all
}

#[test]
fn the_whole_output_the_files_and_the_answers_of_a_failed_step_are_handed_over() {
    let shop = shop(
        "debug-all",
        "FROM BASE AS prep\nRUN echo err >/CMakeError.log\nFROM prep AS development-generic\n\
         WORKDIR /work\nRUN mkdir -p 'build/a b' && echo deep >'build/a b/x.log' && echo no >build/y.txt && \\\n  \
         # more than any log of BuildKit holds\n  seq 600000 && echo last >&2 && exit 5\n",
    );
    let looked = debug(
        &shop,
        &["--keep", "build/**/*.log", "--probe", "ls build; pwd"],
        1,
    );
    assert_eq!(looked.status(), Some(5));
    assert_eq!(looked.report["line"], 5);
    assert_eq!(looked.report["step"], serde_json::json!([2, 2]));
    looked
        .ended
        .clone()
        .says("exit status 5")
        .says("Dockerfile:5");
    let log = looked.file("log.txt");
    assert_eq!(log.lines().count(), 600_001);
    assert!(log.starts_with("1\n2\n") && log.ends_with("\n600000\nlast\n"));
    assert_eq!(looked.file("files/work/build/a b/x.log"), "deep\n");
    assert_eq!(looked.file("files/CMakeError.log"), "err\n");
    assert!(!looked.directory.join("files/work/build/y.txt").exists());
    assert!(
        looked
            .file("probes/probe-1.txt")
            .contains("a b\ny.txt\n/work\n# exit status 0")
    );
    assert!(looked.file("probes/dpkg-query.txt").contains("dash"));
    // Nothing of it stays, and nothing was changed.
    assert!(shop.tags().is_empty());
    let listed = docker(&["images", "--format={{.Repository}}"])
        .expect(0)
        .stdout;
    assert!(!listed.contains("envtpl-derived"), "{listed}");

    // Again into the same directory: stale files do not survive; elsewhere nothing is overwritten.
    let looked = debug(&shop, &["5"], 1);
    assert!(!looked.directory.join("files/work").exists());
    std::fs::write(shop.root().join("mine"), "").expect("written");
    shop.envtpl(&["debug", "-o", "."])
        .expect(2)
        .says("is no evidence");
}

#[test]
fn without_a_directory_the_evidence_is_in_the_state_directory() {
    let shop = shop(
        "debug-state",
        "FROM BASE AS development-generic\nRUN exit 3\n",
    );
    let ended = shop.envtpl(&["debug"]).expect(1);
    // Why it failed stands before where the evidence is.
    let builds = shop.root().join(".envtpl/builds");
    let mut paths = ended.stdout.lines().map(PathBuf::from);
    let directory = paths.find(|path| path.starts_with(&builds));
    let directory = directory.unwrap_or_else(|| panic!("no directory in:\n{}", ended.stdout));
    assert!(directory.ends_with("debug") && directory.join("debug.json").exists());
    assert_eq!(shop.git(&["status", "--porcelain", "--", ".envtpl"]), "");
}

#[test]
fn commands_in_every_form_are_run_as_they_are_written() {
    let shop = shop(
        "debug-forms",
        "FROM BASE AS base\nARG WHO=world\n\
         FROM base AS comment\nRUN echo comment; exit 3 # the end\n\
         FROM base AS exec\nRUN [\"/bin/sh\", \"-c\", \"echo \\\"exec $0\\\"; exit 4\", \"a b\"]\n\
         FROM base AS missing\nRUN [\"/no/such/program\"]\n\
         FROM base AS shebang\nRUN <<EOF\n#!/usr/bin/perl\nprint \"perl $WHO\\n\"; exit 5\nEOF\n\
         FROM base AS heredoc\nRUN cat - <<A && sh -s <<'B'\n$WHO\nA\necho \"$0\"; exit 6\nB\n\
         FROM base AS pipefail\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\n\
         FROM pipefail AS bash\nRUN [[ a == a ]] && echo $BASH_VERSION; false | true\n\
         FROM pipefail AS inherited\nRUN [[ a == a ]] && exit 7\n\
         FROM base AS user\nRUN mkdir /its && chown 1000 /its\nUSER 1000:1000\nWORKDIR /its\nRUN id -u; touch here; exit 8\n\
         FROM base AS mounts\nRUN --mount=type=cache,target=/cache,id=envtpl-test-debug --network=none --mount=type=tmpfs,target=/t \\\n  \
         echo kept >/cache/x.log; cat /sys/class/net/*/ifindex | wc -l; exit 9\n\
         FROM base AS scope\nARG LATE\nENV LATE=\"of $WHO\"\nRUN echo \"$LATE\" \"$NEVER\"; exit 10\n\
         FROM base AS continued\nRUN echo continued; \\\n  exit 11 \\\n",
    );
    for (stage, status, log) in [
        ("comment", 3, "comment\n"),
        ("exec", 4, "exec a b\n"),
        ("shebang", 5, "perl \n"),
        ("heredoc", 6, "world\nsh\n"),
        ("inherited", 7, ""),
        ("user", 8, "1000\n"),
        ("mounts", 9, "1\n"),
        ("scope", 10, "of world \n"),
        ("continued", 11, "continued\n"),
    ] {
        let looked = debug(&shop, &[stage, "--keep", "/cache/*"], 1);
        assert_eq!(looked.status(), Some(status), "{stage}: {:?}", looked.ended);
        assert_eq!(looked.report["stage"], stage);
        assert_eq!(looked.file("log.txt"), log, "{stage}");
        if stage == "mounts" {
            assert_eq!(looked.file("files/cache/x.log"), "kept\n");
        }
    }
    let looked = debug(&shop, &["missing"], 1);
    assert_eq!(looked.status(), Some(127));
    assert!(looked.file("log.txt").contains("/no/such/program"));
    let looked = debug(&shop, &["bash"], 1);
    assert_eq!(looked.status(), Some(1));
    assert!(looked.file("log.txt").starts_with("5."));
    let looked = debug(&shop, &["scope", "--build-arg", "WHO=you"], 1);
    assert_eq!(looked.file("log.txt"), "of you \n");
}

#[test]
fn files_in_mounts_that_go_with_the_step_are_kept_as_it_left_them() {
    let shop = shop(
        "debug-mounts",
        "FROM BASE AS development-generic\nARG PLACE=/temporary\nWORKDIR /work\nUSER 1000\n\
         RUN --mount=type=bind,rw,target=/context --mount=type=tmpfs,target=$PLACE/t \\\n  \
         --mount=type=tmpfs,target=here --mount=type=bind,target=read \\\n  \
         cd /temporary/t && echo cmake >CMakeError.log && mkdir -p 'a b/c' && echo deep >'a b/c/x.log' && \\\n  \
         echo relative >/work/here/y.txt && echo no >/work/here/z.txt && exit 7\n\
         FROM BASE AS root\n\
         RUN [\"sh\", \"-c\", \"echo changed >/c/Dockerfile; echo $0 >/c/config.log; exit 8\", \"an arg\"]\n",
    );
    let exec = "RUN --mount=type=bind,rw,target=/c [\"sh\"";
    shop.write(
        "Dockerfile",
        &shop.read("Dockerfile").replace("RUN [\"sh\"", exec),
    );
    let keep = [
        "--keep",
        "/temporary/**/*.log",
        "--keep",
        "here/y*",
        "--keep",
        "read/Dockerfile",
    ];
    let looked = debug(&shop, &keep, 1);
    assert_eq!(looked.status(), Some(7), "{:?}", looked.ended);
    assert_eq!(looked.file("files/temporary/t/CMakeError.log"), "cmake\n");
    assert_eq!(looked.file("files/temporary/t/a b/c/x.log"), "deep\n");
    assert_eq!(looked.file("files/work/here/y.txt"), "relative\n");
    assert_eq!(
        looked.file("files/work/read/Dockerfile"),
        shop.read("Dockerfile")
    );
    let names = looked.report["files"].to_string();
    assert!(!names.contains("z.txt"), "{names}");

    // What the step made of a file is kept, and not the file that it was before.
    let looked = debug(&shop, &["root", "--keep", "/c/Dockerfile"], 1);
    assert_eq!(looked.status(), Some(8), "{:?}", looked.ended);
    assert_eq!(looked.file("files/c/Dockerfile"), "changed\n");
    assert_eq!(looked.file("files/c/config.log"), "an arg\n");
    // On the kept tree nothing of the earlier trial is left.
    let looked = debug(&shop, &["--resume"], 1);
    assert!(!looked.report["files"].to_string().contains("/c/Dockerfile"));
    assert_eq!(looked.file("files/c/config.log"), "an arg\n");
}

#[test]
fn a_file_with_carriage_returns_or_another_escape_is_left_as_it_is() {
    let shop = shop(
        "debug-escape",
        "# escape=`\r\n# check=error=true\r\nFROM BASE AS development-generic\r\nRUN echo 'C:\\' `\r\n  \
         && exit 3\r\n",
    );
    let looked = debug(&shop, &[], 1);
    assert_eq!(
        (looked.status(), looked.file("log.txt")),
        (Some(3), "C:\\\n".to_owned())
    );
}

#[test]
fn a_step_without_a_command_is_told_with_the_state_before_it() {
    let shop = shop(
        "debug-copy",
        "FROM BASE AS base\nRUN echo before >/CMakeError.log\n\
         FROM base AS copy\nCOPY missing /\n\
         FROM base AS add\nADD --chmod=644 https://no.such.host.invalid/x /\n\
         FROM base AS stage\nCOPY --from=base /missing /\n\
         FROM envtpl-test/no-such-image:none AS from\nRUN true\n\
         FROM base AS user\nUSER nobody-at-all\nRUN true\n\
         FROM scratch AS empty\nCOPY Dockerfile /\nRUN true\n\
         FROM scratch AS nothing\nCOPY missing /\n",
    );
    for (stage, line, said) in [
        ("copy", 4, "/missing"),
        ("add", 6, "no.such.host.invalid"),
        ("stage", 8, "/missing"),
        ("user", 13, "nobody-at-all"),
    ] {
        let looked = debug(&shop, &[stage], 1);
        assert_eq!(
            looked.report["seen"], "before",
            "{stage}: {:?}",
            looked.ended
        );
        assert_eq!(looked.report["line"], line);
        assert_eq!(looked.status(), None);
        assert!(
            looked.file("log.txt").contains(said),
            "{}",
            looked.file("log.txt")
        );
        assert_eq!(looked.file("files/CMakeError.log"), "before\n");
        looked.ended.clone().says("before the step");
    }
    for (stage, line, said) in [
        ("from", 9, "no-such-image"),
        ("empty", 16, "/bin/sh"),
        ("nothing", 18, "/missing"),
    ] {
        let looked = debug(&shop, &[stage], 1);
        assert_eq!(looked.report["seen"], "log", "{stage}: {:?}", looked.ended);
        assert_eq!(looked.report["line"], line, "{stage}");
        assert!(
            looked.file("log.txt").contains(said),
            "{}",
            looked.file("log.txt")
        );
    }
}

#[test]
fn the_step_that_fails_is_found_wherever_it_is() {
    let shop = shop(
        "debug-where",
        "FROM BASE AS one\nRUN sleep 5; exit 3\nFROM BASE AS two\nRUN exit 4\n\
         FROM BASE AS three\nRUN true\n\
         FROM three AS development-generic\nCOPY --from=two /etc/hostname /two\nCOPY --from=one /etc/hostname /one\nRUN true\n\
         FROM one AS later\nRUN exit 9\n",
    );
    let looked = debug(&shop, &[], 1);
    assert_eq!(
        (looked.report["line"].as_i64(), looked.status()),
        (Some(4), Some(4))
    );
    let too = serde_json::json!(["[one 2/2] RUN sleep 5; exit 3"]);
    assert_eq!(looked.report["failed_too"], too);
    // A line behind a step that fails cannot be reached.
    let looked = debug(&shop, &["12"], 1);
    assert_eq!(
        (looked.report["line"].as_i64(), looked.status()),
        (Some(2), Some(3))
    );
    looked.ended.clone().says("an earlier step fails");
    shop.envtpl(&["debug", "three"])
        .expect(0)
        .says("nothing fails");
    shop.envtpl(&["debug", "99"])
        .expect(2)
        .says("belongs to no step");
    shop.envtpl(&["debug", "four"])
        .expect(2)
        .says("one, two, three");
}

#[test]
fn what_is_ignored_stays_ignored_and_triggers_are_told_from_steps() {
    let shop = shop(
        "debug-ignored",
        "FROM BASE AS base\nONBUILD RUN echo triggered; exit 4\n\
         FROM BASE AS development-generic\nCOPY . /context/\nRUN ls /context; exit 3\n\
         FROM base AS triggered\nRUN true\n\
         FROM BASE AS late\nONBUILD RUN exit 9\nRUN exit 5\n",
    );
    shop.write("Dockerfile.dockerignore", "*\n!dependencies\n");
    let looked = debug(&shop, &[], 1);
    assert_eq!(looked.file("log.txt"), "dependencies\n");
    let looked = debug(&shop, &["late"], 1);
    assert_eq!(looked.status(), Some(5));
}

#[test]
fn secrets_still_work_and_are_in_no_file() {
    let shop = shop(
        "debug-secrets",
        "FROM BASE AS development-generic\n\
         RUN --mount=type=secret,id=apt_mirror --mount=type=secret,id=netrc,target=/root/.netrc \\\n  \
         cp /run/secrets/apt_mirror /copied.log; wc -c </root/.netrc; cat /run/secrets/apt_mirror /root/.netrc; exit 3\n",
    );
    shop.set("APT_MIRROR", "a-very-secret-value");
    let netrc = shop.root().join("netrc");
    std::fs::write(&netrc, "machine h.example login joe password hunter22\n").expect("written");
    shop.set("NETRC_FILE", netrc.to_str().expect("UTF-8"));
    let looked = debug(
        &shop,
        &[
            "--keep",
            "/copied.log",
            "--keep",
            "/root/**",
            "--keep",
            "/run/**",
            "--probe",
            "cat /run/secrets/*",
        ],
        1,
    );
    let log = looked.file("log.txt");
    assert!(
        log.starts_with("46\n*******************machine h.example login joe password ********"),
        "{log}"
    );
    assert_eq!(looked.file("files/copied.log"), "*".repeat(19));
    let all = String::from_utf8_lossy(&all_files(&looked.directory)).into_owned();
    for secret in ["a-very-secret-value", "hunter22"] {
        assert!(
            !all.contains(secret) && !looked.ended.stderr.contains(secret),
            "{all}"
        );
        assert!(!looked.ended.stdout.contains(secret));
    }
}

#[test]
fn a_step_that_passes_this_time_is_called_flaky() {
    let shop = shop(
        "debug-flaky",
        "FROM BASE AS development-generic\nRUN true\n",
    );
    let looked = debug(&shop, &["2"], 0);
    assert_eq!(looked.report["outcome"], "passed");
    looked.ended.clone().says("flaky");
    shop.envtpl(&["debug"]).expect(0).says("nothing fails");
    // What would be done is shown, and nothing is.
    let ended = shop
        .envtpl(&["debug", "2", "--dry-run", "-o", "other"])
        .expect(0);
    assert!(
        ended
            .stdout
            .contains("SHELL [\"/bin/sh\",\"/.envtpl-debug/run\"")
    );
    assert!(ended.stdout.contains("docker buildx bake"));
    assert!(!shop.root().join("other").exists());
}

#[test]
fn an_edited_command_goes_on_from_the_failed_state() {
    let steps = "FROM BASE AS base\nRUN true\nFROM base AS development-generic\nWORKDIR /work\n";
    let fails =
        "RUN --mount=type=cache,target=/c,id=envtpl-test-resume echo ran >>ran; [ -e fixed ]\n";
    let shop = shop("debug-resume", &format!("{steps}{fails}"));
    shop.envtpl(&["debug", "--resume", "-o", "evidence"])
        .expect(2)
        .says("no failed state");
    let looked = debug(&shop, &["--keep", "ran"], 1);
    assert_eq!(looked.file("files/work/ran"), "ran\n");
    // The same command again, on what it left.
    let looked = debug(&shop, &["--resume", "--keep", "ran"], 1);
    assert_eq!(looked.file("files/work/ran"), "ran\nran\n");
    // A step that is put before it runs on that tree too.
    let edited = format!("{steps}RUN touch fixed\n{fails}").replace("BASE", BARE);
    shop.write("Dockerfile", &edited);
    let looked = debug(&shop, &["--resume", "--keep", "ran"], 0);
    assert_eq!(looked.file("files/work/ran"), "ran\nran\nran\n");
    assert_eq!(looked.report["line"], 6);
    looked.ended.says("passes now");
    // The real build has none of it.
    let looked = debug(&shop, &["6", "--keep", "ran"], 0);
    looked.ended.says("nothing fails");
    shop.write("Dockerfile", &format!("FROM {BARE} AS other\n"));
    shop.envtpl(&["debug", "--resume", "-o", "evidence"])
        .expect(2)
        .says("is gone");
}

#[test]
fn a_shell_is_where_the_command_failed() {
    let shop = shop(
        "debug-shell",
        "FROM BASE AS base\nARG WHO=world\nRUN useradd --create-home joe && mkdir /w && chown joe /w\n\
         FROM base AS development-generic\nARG WHO\nUSER joe\nWORKDIR /w\nSHELL [\"/bin/bash\", \"-c\"]\n\
         RUN --mount=type=cache,target=/cache,id=envtpl-test-shell,uid=1000 --mount=type=secret,id=apt_mirror,target=/s \\\n  \
         --mount=target=/context echo cached >/cache/x; touch left; echo \"hello $WHO\" \\\n  && [[ -e missing ]]\n\
         FROM base AS script\nRUN <<EOF\n#!/usr/bin/perl\nprint \"perl\\n\"; exit 5\nEOF\n\
         FROM base AS list\nRUN [\"sh\", \"-c\", \"echo \\\"list $0\\\"; exit 6\", \"a b\"]\n",
    );
    shop.set("APT_MIRROR", "a-very-secret-value");
    let typed = |arguments: &[&str], commands: &str| {
        let mut command =
            shop.command(&[&["debug", "--shell", "-o", "evidence"], arguments].concat());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(commands.as_bytes()).expect("written");
        drop(stdin);
        Ended::of(child.wait_with_output().expect("it ends"))
    };
    let commands =
        "id -un; pwd; ls; cat /cache/x /s; echo; ls /context | grep Dockerfile$; again; echo $?";
    let ended = typed(&[], commands).expect(1).says("echo \"hello $WHO\"");
    let expected = "joe\n/w\nleft\ncached\na-very-secret-value\nDockerfile\nhello world\n1\n";
    assert_eq!(ended.stdout, expected);
    // Once more, without running the step once more.
    let ended = typed(&[], "ls").expect(1);
    assert_eq!(ended.stdout, "left\n");
    assert!(!ended.stderr.contains("Trying"), "{}", ended.stderr);
    let ended = typed(&["script"], "again; echo $?").expect(1);
    assert_eq!(ended.stdout, "perl\n5\n");
    let ended = typed(&["list"], "again; echo $?").expect(1);
    assert_eq!(ended.stdout, "list a b\n6\n");
    let listed = docker(&["images", "--format={{.Repository}}"])
        .expect(0)
        .stdout;
    assert!(!listed.contains("envtpl-debug"), "{listed}");
}

#[test]
fn of_two_platforms_the_one_that_fails_is_looked_at() {
    let shop = shop(
        "debug-platforms",
        "FROM envtpl-test/base-python:$TARGETARCH AS development-generic\n\
         RUN uname -m; [ \"$(uname -m)\" = x86_64 ]\n",
    );
    let text = shop.read("compose.yaml");
    let service = text.find("  image-dev-root:").expect("the service");
    let build = service + text[service..].find("      target:").expect("its build");
    let both = "      platforms: [linux/amd64, linux/arm64]\n";
    shop.write(
        "compose.yaml",
        &format!("{}{both}{}", &text[..build], &text[build..]),
    );
    let looked = debug(&shop, &[], 1);
    assert_eq!(looked.report["platform"], "linux/arm64");
    assert_eq!(looked.file("log.txt"), "aarch64\n");
}

#[test]
fn the_step_at_which_the_last_build_failed_is_looked_into() {
    let shop = shop(
        "debug-last",
        "FROM BASE AS runtime-generic\nARG MODE=ok\nRUN echo \"mode $MODE\"; [ $MODE = ok ] || exit 7\n\
         FROM runtime-generic AS development-generic\n",
    );
    shop.commit("own");
    shop.envtpl(&["build-generic", "--build-arg", "MODE=bad"])
        .expect(1);
    let builds: Value = {
        let listed = shop.envtpl(&["builds", "--format", "json"]).expect(0);
        serde_json::from_str(&listed.stdout).expect("JSON")
    };
    let id = builds[0]["id"].as_str().expect("an id");
    let ended = shop.envtpl(&["debug", "--format", "json"]).expect(1);
    assert!(
        !ended.stderr.contains("to see which step fails"),
        "{}",
        ended.stderr
    );
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let directory = shop.root().join(".envtpl/builds").join(id).join("debug");
    assert_eq!(report["directory"].as_str(), directory.to_str());
    assert_eq!((&report["line"], &report["status"]), (&3.into(), &7.into()));
    let log = std::fs::read_to_string(directory.join("log.txt")).expect("the log");
    assert_eq!(log, "mode bad\n");
    // Once the newest build is a good one, the image as it is now is meant.
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["debug"]).expect(0).says("nothing fails");
}
