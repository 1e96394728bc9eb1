//! Containers that are ranks of one job: what is done once, and who waits for whom.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::entrypoint::{Alices, Container, shop, start};
use crate::waiting::{MINUTE, eventually, found};
use crate::workshop::{Ended, Workshop, docker};

/// A build backend that notes each install, and goes on when the test opens the gate.
const SLOW: &str = r#"
import zipfile
METADATA = {"METADATA": "Metadata-Version: 2.1\nName: lamp\nVersion: 1\n",
            "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
def get_requires_for_build_editable(settings=None):
    return []
def prepare_metadata_for_build_editable(directory, settings=None):
    import os
    os.mkdir(directory + "/lamp-1.dist-info")
    for name, text in METADATA.items():
        open(directory + "/lamp-1.dist-info/" + name, "w").write(text)
    return "lamp-1.dist-info"
def build_editable(directory, settings=None, metadata=None):
    open("begun", "a").write("x")
    open("gate").read()
    with zipfile.ZipFile(directory + "/lamp-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("lamp.pth", open("lamp.path").read())
        for name, text in METADATA.items():
            wheel.writestr("lamp-1.dist-info/" + name, text)
        wheel.writestr("lamp-1.dist-info/RECORD", "")
    return "lamp-1-py3-none-any.whl"
"#;
const PYPROJECT: &str = r#"[build-system]
requires = []
build-backend = "slow"
backend-path = ["."]
"#;
const ROOT: &str = "--env=PROJECT_ROOT_AT=/project";

pub fn slow_project() -> Alices {
    let project = Alices::new(&[
        ("pyproject.toml", PYPROJECT),
        ("slow.py", SLOW),
        ("lamp.path", "/project/code\n"),
        ("code/lamp.py", "BRIGHT = 7\n"),
        // What the containers of a node share.
        ("shm/x", ""),
    ]);
    let made = Command::new("mkfifo")
        .args(["-m", "666"])
        .arg(project.path().join("gate"))
        .output()
        .expect("mkfifo runs");
    Ended::of(made).expect(0);
    let shm = project.path().join("shm");
    std::fs::set_permissions(shm, std::fs::Permissions::from_mode(0o1777)).expect("set");
    project
}

/// One rank in the background, in the first step of job 7.
fn rank(shop: &Workshop, project: &Alices, name: &'static str, options: &[&str]) -> Container {
    docker(&["rm", "--force", name]);
    let mounts = [
        project.at("/project"),
        format!("--volume={}/shm:/dev/shm", project.path().display()),
    ];
    let image = shop.tag("run-latest-alice");
    let slurm = ["--env=SLURM_JOB_ID=7", "--env=SLURM_STEP_ID=0"];
    let fixed = [
        "run",
        "--detach",
        "--network=none",
        "--name",
        name,
        &mounts[0],
        &mounts[1],
        ROOT,
    ];
    let command = [&image, "python3", "-c", "import lamp; print(lamp.BRIGHT)"];
    docker(&[&fixed[..], &slurm, options, &command].concat()).expect(0);
    Container(name)
}

pub fn begun(project: &Alices, installs: &str) {
    eventually("the install begins", MINUTE, || {
        project.read("begun") == installs
    });
}

/// The programs of a rank once one of them is `program`.
fn programs(rank: &Container, program: &str) -> String {
    found(program, MINUTE, || {
        let top = docker(&["top", rank.0, "-eo", "pid,args"]).expect(0).stdout;
        top.contains(program).then_some(top)
    })
}

pub fn open_gate(project: &Alices) {
    std::fs::write(project.path().join("gate"), "go").expect("opened");
}

fn ended(rank: &Container) -> Ended {
    let status = docker(&["wait", rank.0]).expect(0).stdout;
    let logs = docker(&["logs", rank.0]);
    logs.expect(0).expect_rank(status.trim())
}

trait OfRank {
    fn expect_rank(self, status: &str) -> Self;
}

impl OfRank for Ended {
    #[track_caller]
    fn expect_rank(self, status: &str) -> Self {
        assert_eq!((status, &*self.stdout), ("0", "7\n"), "{}", self.stderr);
        self
    }
}

/// Two ranks of a job on one node, of which `first` comes first: it installs, and the other waits.
fn one_installs_and_the_other_waits(
    names: [&'static str; 2],
    first: &[&str],
    second: &[&str],
    marker: &str,
) {
    let shop = shop();
    let project = slow_project();
    let one = rank(&shop, &project, names[0], first);
    begun(&project, "x");
    let two = rank(&shop, &project, names[1], second);
    let waiting = programs(&two, "flock 7");
    assert!(!waiting.contains("project.sh"), "{waiting}");
    assert!(!waiting.contains("sleep"), "{waiting}");
    open_gate(&project);
    ended(&one).silent();
    ended(&two).silent();
    assert_eq!(project.read("begun"), "x");
    assert!(project.read(marker).starts_with("0\n"), "{marker}");
}

#[test]
fn on_a_node_one_rank_installs_and_the_other_waits() {
    let node = "shm/envtpl-1234/7.0.0.project";
    one_installs_and_the_other_waits(
        ["envtpl-test-node-one", "envtpl-test-node-two"],
        &["--env=SLURM_PROCID=2", "--env=SLURM_LOCALID=0"],
        &["--env=SLURM_PROCID=3", "--env=SLURM_LOCALID=1"],
        node,
    );
    // Whoever comes first; and by the established name.
    let established = "--env=SLURM_ONE_ENTRYPOINT_SCRIPT_PER_NODE=1";
    one_installs_and_the_other_waits(
        ["envtpl-test-node-one", "envtpl-test-node-two"],
        &["--env=SLURM_PROCID=1", "--env=SLURM_LOCALID=1", established],
        &["--env=SLURM_PROCID=0", "--env=SLURM_LOCALID=0", established],
        node,
    );
}

#[test]
fn in_a_job_one_rank_installs_and_the_others_wait_on_shared_storage() {
    for asked in [
        "--env=ENVTPL_ONCE=job",
        "--env=SLURM_ONE_ENTRYPOINT_SCRIPT_PER_JOB=1",
    ] {
        one_installs_and_the_other_waits(
            ["envtpl-test-job-one", "envtpl-test-job-two"],
            &["--env=SLURM_PROCID=0", "--env=SLURM_LOCALID=0", asked],
            &["--env=SLURM_PROCID=8", "--env=SLURM_LOCALID=0", asked],
            ".envtpl/project/once/7.0.0.project",
        );
    }
}

#[test]
fn when_the_rank_that_installs_is_killed_the_next_goes_on() {
    let shop = shop();
    let project = slow_project();
    let one = rank(
        &shop,
        &project,
        "envtpl-test-rank-killed",
        &["--env=SLURM_LOCALID=0"],
    );
    begun(&project, "x");
    let two = rank(
        &shop,
        &project,
        "envtpl-test-rank-next",
        &["--env=SLURM_LOCALID=1"],
    );
    programs(&two, "flock 7");
    docker(&["kill", one.0]).expect(0);
    begun(&project, "xx");
    open_gate(&project);
    ended(&two).silent();
}

#[test]
fn ranks_that_share_nothing_come_to_one_install_all_the_same() {
    let shop = shop();
    let project = slow_project();
    let never = "--env=ENVTPL_ONCE=never";
    let one = rank(
        &shop,
        &project,
        "envtpl-test-rank-alone",
        &["--env=SLURM_LOCALID=0", never],
    );
    begun(&project, "x");
    let two = rank(
        &shop,
        &project,
        "envtpl-test-rank-too",
        &["--env=SLURM_LOCALID=1", never],
    );
    programs(&two, "flock 8");
    open_gate(&project);
    ended(&one).silent();
    ended(&two).silent();
    assert_eq!(project.read("begun"), "x");
    assert!(!project.path().join("shm/envtpl-1234").exists());
}

/// The two ranks of a node, one after the other.
fn both(shop: &Workshop, options: &[&str], command: &[&str], status: i32) -> [Ended; 2] {
    ["0", "1"].map(|number| {
        let own = [
            format!("--env=SLURM_PROCID={number}"),
            format!("--env=SLURM_LOCALID={number}"),
        ];
        let slurm = [
            "--env=SLURM_JOB_ID=7",
            "--env=SLURM_STEP_ID=0",
            &own[0],
            &own[1],
        ];
        start(shop, &[&slurm[..], options].concat(), command).expect(status)
    })
}

#[test]
fn what_is_wrong_for_all_ranks_is_told_by_the_first_and_each_has_its_environment() {
    let shop = shop();
    let keys = Alices::new(&[("hf", "a-token")]);
    let mount = keys.at("/keys");
    let options = [
        "--user=4321",
        ROOT,
        &mount,
        "--env=HF_TOKEN_AT=/keys/hf",
        "--env=WANDB_API_KEY_FILE_AT=/keys/none",
        "--env=HTTP_PROXY=http://proxy.example",
    ];
    let command = [
        "sh",
        "-c",
        "echo $HF_TOKEN $HOME $USER $http_proxy ${PATH##*:}",
    ];
    let [first, second] = both(&shop, &options, &command, 0);
    let found = "a-token /tmp/home-4321 user4321 http://proxy.example /tmp/home-4321/.local/bin\n";
    assert_eq!((&*first.stdout, &*second.stdout), (found, found));
    assert_eq!(first.stderr.lines().count(), 3, "{}", first.stderr);
    second.silent();
    // Nobody would wait for a rank that does not come.
    let strict = [&options[..], &["--env=ENVTPL_STRICT=1"]].concat();
    for ended in both(&shop, &strict, &command, 1) {
        assert_eq!(ended.stdout, "");
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn what_failed_in_one_rank_is_not_tried_by_the_next() {
    let shop = shop();
    let failing = SLOW.replace("open(\"gate\").read()", "raise SystemExit('no lamp')");
    for strict in [false, true] {
        let project = slow_project();
        std::fs::write(project.path().join("slow.py"), &failing).expect("written");
        let mounts = [
            project.at("/project"),
            format!("--volume={}/shm:/dev/shm", project.path().display()),
        ];
        let options = [
            &*mounts[0],
            &mounts[1],
            ROOT,
            if strict {
                "--env=ENVTPL_STRICT=1"
            } else {
                "--env=X="
            },
        ];
        let [first, second] = both(&shop, &options, &["echo", "it runs"], i32::from(strict));
        first.says("installing it failed: ");
        if strict {
            second.says("error: what this rank needs failed in another rank of its node");
        } else {
            assert_eq!(second.silent().stdout, "it runs\n");
        }
        assert_eq!(project.read("begun"), "x");
    }
}

#[test]
fn where_files_cannot_be_locked_ranks_say_so_once_and_each_does_it() {
    let shop = shop();
    let project = Alices::project();
    // As on a file system without locks: "No locks available", at once.
    let tools = Alices::new(&[("flock", "#!/bin/sh\nexit 69\n"), ("shm/x", "")]);
    let flock = tools.path().join("flock");
    std::fs::set_permissions(&flock, std::fs::Permissions::from_mode(0o755)).expect("set");
    let options = [
        &project.at("/project"),
        &format!("--volume={}:/usr/bin/flock:ro", flock.display()),
        ROOT,
        "--env=ENVTPL_ONCE=job",
    ];
    let [first, second] = both(&shop, &options, &["python3", "-c", "import lamp"], 0);
    let told = "warning: /project/.envtpl/project/once has no file locks";
    assert_eq!(first.says(told).stderr.lines().count(), 1);
    second.silent();
}

#[test]
fn a_mark_is_for_one_run_and_one_thing() {
    let shop = shop();
    let shared = Alices::new(&[]);
    let script = ". /opt/envtpl/entrypoints/say.sh; . /opt/envtpl/entrypoints/once.sh; \
                  once counting \"$1\" sh -c 'echo again >>/shared/count; exit 3'; \
                  echo $?; if rank_has_servers; then echo serves; fi";
    let count = |run: &str, what: &str| {
        let ids: Vec<String> = [
            "JOB_ID",
            "STEP_ID",
            "RESTART_COUNT",
            "PROCID",
            "LOCALID",
            "ONE_REMOTE_DEV",
        ]
        .iter()
        .zip(run.split(' '))
        .map(|(name, value)| format!("--env=SLURM_{name}={value}"))
        .collect();
        let mut options: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mounts = [shared.at("/shared"), shared.at("/dev/shm")];
        options.extend([&*mounts[0], &mounts[1], "--entrypoint=sh"]);
        let ended = start(&shop, &options, &["-c", script, "sh", what]).expect(0);
        let times = shared.read("count").lines().count();
        format!("{times} {}", ended.stdout.replace('\n', " "))
    };
    let serves = |run: &str| count(run, "a").ends_with("serves ");
    assert_eq!(count("7 0 0 0 0 0", "a"), "1 3 serves ");
    assert_eq!(
        count("7 0 0 1 1 0", "a"),
        "1 3 ",
        "the same run: its status, and no second time"
    );
    assert_eq!(count("7 0 0 0 0 0", "b"), "2 3 serves ", "another thing");
    assert_eq!(count("7 0 1 0 0 0", "b"), "3 3 serves ", "requeued");
    assert_eq!(count("7 1 1 0 0 0", "b"), "4 3 serves ", "another step");
    assert_eq!(count("8 1 1 0 0 0", "b"), "5 3 serves ", "another job");
    // Servers are the first rank's of a node, or of the job alone.
    assert!(serves("8 1 1 4 0 0"));
    assert!(!serves("8 1 1 4 0 1"));
    assert!(serves("8 1 1 0 0 1"));
    // Somebody else's directory is no place to meet.
    let owned = Command::new("chown")
        .args(["-R", "4242:4242"])
        .arg(shared.path().join("envtpl-1234"))
        .output()
        .expect("chown runs");
    Ended::of(owned).expect(0);
    let before = shared.read("count").lines().count();
    count("9 0 0 0 0 0", "a");
    count("9 0 0 1 1 0", "a");
    assert_eq!(shared.read("count").lines().count(), before + 2);
}

#[test]
fn a_word_that_is_none_is_told() {
    let options = ["--env=SKIP_INSTALL_PROJECT=1", "--env=ENVTPL_ONCE=twice"];
    start(&shop(), &options, &["true"])
        .expect(0)
        .says("warning: ENVTPL_ONCE=twice is none of node, job and never, so it is never");
}
