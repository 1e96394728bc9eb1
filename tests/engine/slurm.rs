//! Ranks as a real scheduler starts them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::entrypoint::shop;
use crate::ranks::{begun, open_gate, slow_project};
use crate::waiting::{MINUTE, found};
use crate::workshop::{Ended, docker};

/// A Slurm cluster of this machine alone; it ends with this value, or with the test program.
struct Cluster {
    script: Child,
    /// What `SLURM_CONF` says for it.
    settings: String,
}

impl Cluster {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-slurm.sh");
        let mut script = Command::new(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut settings = String::new();
        let printed = script.stdout.take().expect("a pipe");
        BufReader::new(printed)
            .read_line(&mut settings)
            .expect("it prints");
        let settings = settings.trim().to_owned();
        assert!(settings.ends_with("slurm.conf"), "the cluster is there");
        Self { script, settings }
    }

    /// Starts a job of two ranks on one node, each in a container of that name and its number,
    /// which has the scheduler's variables. What a rank says begins with its number.
    fn run(&self, name: &str, options: &[&str]) -> Child {
        let rank = r#"exec docker run --rm --network=none --name "$0-$SLURM_PROCID" \
            $(env | sed -n 's/^\(SLURM_[A-Z0-9_]*\)=.*/--env=\1/p') "$@""#;
        Command::new("srun")
            .env("SLURM_CONF", &self.settings)
            .args(["--label", "--ntasks=2", "sh", "-c", rank, name])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("srun runs")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is the end of the cluster.
        drop(self.script.stdin.take());
        drop(self.script.wait());
    }
}

/// The contents of the only file of a directory whose name ends so.
fn marker(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).expect("there").flatten();
    let found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|is| is == "project"))
        .collect();
    let [one] = found.as_slice() else {
        panic!("{found:?}");
    };
    std::fs::read_to_string(one).expect("readable")
}

#[test]
fn two_ranks_of_a_real_job_are_set_up_once_and_the_first_has_the_servers() {
    let shop = shop();
    let cluster = Cluster::start();
    let name = format!("envtpl-test-slurm-{}", std::process::id());
    for (once, place) in [("node", "shm/envtpl-1234"), ("job", ".envtpl/project/once")] {
        let project = slow_project();
        let mounts = [
            project.at("/project"),
            format!("--volume={}/shm:/dev/shm", project.path().display()),
        ];
        let asked = format!("--env=ENVTPL_ONCE={once}");
        let job = cluster.run(
            &name,
            &[
                &mounts[0],
                &mounts[1],
                &asked,
                "--env=PROJECT_ROOT_AT=/project",
                "--env=ENVTPL_VERBOSE=1",
                "--env=VSCODE_SERVER_AT=/project/code-server",
                &shop.tag("run-latest-alice"),
                "python3",
                "-c",
                "import lamp; print(lamp.BRIGHT)",
            ],
        );
        begun(&project, "x");
        found("the other rank waits", MINUTE, || {
            let mut ranks = (0..2).map(|number| format!("{name}-{number}"));
            ranks.find(|rank| {
                let top = docker(&["top", rank, "-eo", "pid,args"]);
                top.stdout.contains("flock 7") && !top.stdout.contains("sleep")
            })
        });
        open_gate(&project);
        let ended = Ended::of(job.wait_with_output().expect("ends")).expect(0);
        let mut printed: Vec<&str> = ended.stdout.lines().collect();
        printed.sort_unstable();
        assert_eq!(printed, ["0: 7", "1: 7"]);
        assert_eq!(project.read("begun"), "x");
        assert!(marker(&project.path().join(place)).starts_with("0\n"));
        let said = |what: &str| -> Vec<&str> {
            let lines = ended.stderr.lines();
            lines.filter(|line| line.contains(what)).collect()
        };
        let [first, other] = [
            format!("for all ranks of this {once}: project"),
            format!("another rank of this {once} did it: project"),
        ];
        assert_eq!(
            (said(&first).len(), said(&other).len()),
            (1, 1),
            "{ended:?}"
        );
        let servers = said(".vscode-server is kept in /project/code-server/");
        assert_eq!(servers.len(), 1, "{}", ended.stderr);
        assert!(servers[0].starts_with("0: "), "{servers:?}");
    }
}
