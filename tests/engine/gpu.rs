//! Choosing GPUs on an engine that may have none: small scripts stand in for `nvidia-smi`, the
//! containers are real. A real device is for `gpu_device.rs`.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::workshop::{BASE, Ended, Workshop, docker};

/// A built project for cuda, on a base that holds none of CUDA.
pub fn built(name: &str) -> Workshop {
    let shop = Workshop::with(name, "amd64-cuda", &["--base-image", BASE]);
    crate::run::give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    shop
}

/// Runs envtpl with a script in the place of `nvidia-smi`, and `ACCELERATION`.
fn envtpl(shop: &Workshop, acceleration: &str, nvidia_smi: &str, arguments: &[&str]) -> Ended {
    let programs = tempfile::tempdir().expect("a directory");
    let tool = programs.path().join("nvidia-smi");
    std::fs::write(&tool, format!("#!/bin/sh\n{nvidia_smi}\n")).expect("written");
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).expect("set");
    let others = std::env::var("PATH").expect("PATH");
    Ended::run(
        shop.command(arguments)
            .env("PATH", format!("{}:{others}", programs.path().display()))
            .env("ACCELERATION", acceleration)
            .stdin(std::process::Stdio::null()),
    )
}

/// What the driver of an old machine answers.
const OLD_DRIVER: &str = r#"case "$1" in
    *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2 ;;
    --query-gpu=*) echo '0, GPU-cccc3333-0000-0000-0000-000000000000, 470.57.02, 15109, [N/A], Tesla T4' ;;
    *) exit 3 ;;
    esac"#;

fn last_run(shop: &Workshop) -> Value {
    let ended = shop.envtpl(&["runs", "--format", "json"]).expect(0);
    let runs: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    runs.as_array()
        .and_then(|runs| runs.last())
        .expect("one")
        .clone()
}

#[test]
fn auto_computes_on_the_cpu_with_one_line_that_says_why() {
    let shop = built("gpu-auto");
    let no_device = "echo 'No devices were found'; exit 6";
    let question = ["run", "sh", "-c", "echo \"on $(nproc)\"; exit 7"];
    let ended = envtpl(&shop, "auto", no_device, &question).expect(7);
    assert!(ended.stdout.starts_with("on "), "{}", ended.stdout);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        lines.len() == 1 && lines[0].ends_with(": running on the cpu"),
        "{}",
        ended.stderr
    );
    assert_eq!(last_run(&shop)["service"], "run-local-cpu");

    // What a service says of CUDA counts like the image's own word.
    let compose = shop.read("compose.yaml");
    let cuda = "  run-local-cuda:\n    <<: *run\n";
    assert!(compose.contains(cuda));
    let with = format!("{cuda}    environment: {{CUDA_VERSION: 12.4.1}}\n");
    shop.write("compose.yaml", &compose.replace(cuda, &with));
    let ended = envtpl(&shop, "auto", OLD_DRIVER, &question).expect(7);
    assert_eq!(
        ended.stderr,
        "warning: this machine's NVIDIA driver 470.57.02 is older than CUDA 12.4 of the image needs \
         (>= 525.60.13): running on the cpu\n"
    );
    envtpl(&shop, "auto", OLD_DRIVER, &["run", "--gpus", "0", "true"])
        .expect(125)
        .says("470.57.02 is older than CUDA 12.4");
}

#[test]
fn a_container_for_gpus_starts_without_any_when_none_are_wanted() {
    let shop = built("gpu-none");
    let never = "echo 'this was not to be asked' >&2; exit 3";
    let question = [
        "--gpus",
        "none",
        "sh",
        "-c",
        "echo $NVIDIA_VISIBLE_DEVICES; exit 7",
    ];
    let ended = envtpl(&shop, "cuda", never, &[&["run"], &question[..]].concat()).expect(7);
    assert_eq!(ended.stdout, "void\n");
    let run = last_run(&shop);
    assert_eq!(run["service"], "run-local-cuda");
    let gpus = run["gpus"].as_array();
    assert!(gpus.is_none_or(Vec::is_empty), "{run}");
    let again = envtpl(&shop, "auto", never, &["rerun", "-1"]).expect(7);
    assert_eq!(again.stdout, "void\n");
    let ended = envtpl(&shop, "cuda", never, &[&["dev"], &question[..]].concat()).expect(7);
    assert_eq!(ended.stdout, "void\n");
    let left = shop.root().join(".envtpl/start");
    assert_eq!(std::fs::read_dir(left).expect("there").count(), 0);
}

#[test]
fn a_workspace_keeps_the_gpus_that_it_was_started_with() {
    let shop = built("gpu-workspace");
    let never = "exit 3";
    let up = ["dev", "--up", "--gpus", "none"];
    let started = envtpl(&shop, "cuda", never, &up).expect(0);
    let name = started.stdout.trim();
    let inside = ["exec", "sh", "-c", "echo $NVIDIA_VISIBLE_DEVICES"];
    assert_eq!(shop.envtpl(&inside).expect(0).stdout, "void\n");
    let asked = [
        "inspect",
        "--format",
        "{{json .HostConfig.DeviceRequests}}",
        name,
    ];
    let requests = docker(&asked).expect(0).stdout;
    assert!(["null", "[]"].contains(&requests.trim()), "{requests}");
    envtpl(&shop, "cuda", never, &up)
        .expect(0)
        .says("runs already")
        .says("keeps the GPUs that it was started with");
    shop.envtpl(&["down"]).expect(0);
}
