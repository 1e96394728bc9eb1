//! GPUs without a GPU: a small script in the place of `nvidia-smi`, with what drivers answer.

use crate::desk::{Desk, Ended};

/// What the composed project of a cuda installation says, as Compose writes it.
const MODEL: &str = r#"{"name": "p", "services": {
    "run-local-cpu": {"image": "p:run", "environment": {}, "volumes": []},
    "run-local-cuda": {"image": "p:run", "environment": {"TZ": "Etc/UTC"}, "volumes": [], "deploy":
        {"resources": {"reservations": {"devices": [
            {"capabilities": ["gpu"], "driver": "nvidia", "count": -1}]}}, "placement": {}}},
    "dev-local-cuda": {"image": "p:dev", "deploy":
        {"resources": {"reservations": {"devices": [
            {"capabilities": ["gpu"], "driver": "nvidia", "count": -1}]}}, "placement": {}}}}}"#;

/// A project whose image has the given environment, on a machine whose `nvidia-smi` is the given
/// script. The engine is a script as well: it keeps the Compose file that it was given, and prints
/// the service that it was to start.
fn desk(environment: &[&str], nvidia_smi: &str) -> Desk {
    let environment: Vec<String> = environment.iter().map(|one| format!("{one:?}")).collect();
    let platform = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let image = format!(
        r#"[{{"Id": "sha256:1", "Architecture": "{platform}", "Config": {{"Env": [{}]}}}}]"#,
        environment.join(", ")
    );
    let docker = format!(
        r#"case "$*" in
        *"config --format json"*) cat <<'END'
{MODEL}
END
        ;;
        "image inspect"*) cat <<'END'
{image}
END
        ;;
        "container inspect"*) echo '[]'; echo 'Error: No such container' >&2; exit 1 ;;
        compose*" run "*)
            while [ $# -gt 0 ]; do
                case "$1" in
                --file) cp "$2" "$HOME/file.json"; shift ;;
                run-local-* | dev-local-*) echo "$1" ;;
                esac
                shift
            done ;;
        *) echo "unexpected: $*" >&2; exit 64 ;;
        esac"#
    );
    let desk = Desk::new()
        .program("docker", &docker)
        .program("nvidia-smi", nvidia_smi);
    // A socket that is not there: the engine is local, and its command line is asked.
    let socket = format!("unix://{}/no.sock", desk.work().display());
    let desk = desk.variable("DOCKER_HOST", &socket);
    let name = format!("{platform}-cuda");
    desk.envtpl(&["init", "--yes", "-i", &name]).expect(0);
    // A Compose of one's own is started as it is, and not as the plugin that it mostly is.
    let settings = format!("installation/{name}/.env");
    let text = desk.text(&settings) + "COMPOSE='docker compose --ansi=never'\n";
    desk.write(&settings, text);
    desk
}

/// `nvidia-smi` of a driver that knows every field, on a machine with these GPUs.
fn new_driver(gpus: &[&str]) -> String {
    format!(
        "case \"$1\" in --query-gpu=*) printf '%s\\n' {} ;; *) exit 3 ;; esac",
        gpus.iter()
            .map(|gpu| format!("'{gpu}'"))
            .collect::<Vec<_>>()
            .join(" ")
    )
}

const H200: [&str; 2] = [
    "0, GPU-aaaa1111-0000-0000-0000-000000000000, 570.124.06, 143771, 9.0, Disabled, NVIDIA H200",
    "1, GPU-bbbb2222-0000-0000-0000-000000000000, 570.124.06, 143771, 9.0, Disabled, NVIDIA H200",
];

/// `nvidia-smi` 470, which does not know `compute_cap`.
const OLD_DRIVER: &str = r#"case "$1" in
    *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2 ;;
    --query-gpu=*) echo '0, GPU-cccc3333-0000-0000-0000-000000000000, 470.57.02, 15109, [N/A], Tesla T4' ;;
    *) exit 3 ;;
    esac"#;

fn auto(desk: &Desk, arguments: &[&str]) -> Ended {
    let arguments = [&["run"], arguments, &["true"]].concat();
    desk.envtpl_with(("ACCELERATION", "auto"), &arguments)
}

#[test]
fn auto_takes_the_gpu_where_driver_and_device_do() {
    let desk = desk(
        &[
            "NVIDIA_REQUIRE_CUDA=cuda>=12.4",
            "TORCH_CUDA_ARCH_LIST=8.0 9.0+PTX",
        ],
        &new_driver(&H200),
    );
    let ended = auto(&desk, &[]).expect(0).prints("run-local-cuda");
    assert!(!ended.stderr.contains("cpu"), "{}", ended.stderr);
}

#[test]
fn auto_falls_back_with_one_line_where_the_driver_is_too_old() {
    let desk = desk(&["CUDA_VERSION=12.4.1"], OLD_DRIVER);
    let ended = auto(&desk, &[]).expect(0).prints("run-local-cpu");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "warning: this machine's NVIDIA driver 470.57.02 is older than CUDA 12.4 of the image \
          needs (>= 525.60.13): running on the cpu"
        ]
    );
}

#[test]
fn auto_falls_back_where_the_image_is_not_compiled_for_the_gpu() {
    let desk = desk(&["TORCH_CUDA_ARCH_LIST=7.5 8.0 8.6"], &new_driver(&H200));
    auto(&desk, &[])
        .expect(0)
        .prints("run-local-cpu")
        .says("NVIDIA H200 (compute capability 9.0) is none that the image is compiled for");
}

#[test]
fn auto_falls_back_where_the_driver_does_not_work() {
    for (said, told) in [
        (
            "Failed to initialize NVML: Driver/library version mismatch",
            "the old one is still loaded",
        ),
        (
            "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU",
            "GPU is lost",
        ),
        ("No devices were found", "has no GPU to offer"),
    ] {
        let desk = desk(&[], &format!("echo '{said}'; exit 9"));
        auto(&desk, &[])
            .expect(0)
            .prints("run-local-cpu")
            .says(told)
            .says(": running on the cpu");
    }
}

#[test]
fn what_the_driver_says_at_length_is_asked_only_where_it_decides() {
    // The first question is answered alike; the brand is known to the second alone.
    let script = |brand: &str| {
        format!(
            r#"case "$1" in
            --query-gpu=*) echo '0, GPU-dddd4444, 535.104.05, 81559, 8.0, Disabled, NVIDIA A100' ;;
            -q) printf 'CUDA Version : 12.2\n    Product Brand : {brand}\n' ;;
            *) exit 3 ;;
            esac"#
        )
    };
    let image = ["NVIDIA_REQUIRE_CUDA=cuda>=12.4 brand=tesla,driver>=535,driver<536"];
    auto(&desk(&image, &script("Tesla")), &[])
        .expect(0)
        .prints("run-local-cuda");
    auto(&desk(&image, &script("NVIDIA")), &[])
        .expect(0)
        .prints("run-local-cpu")
        .says("driver 535.104.05 is older than CUDA 12.4");
}

#[test]
fn nothing_is_asked_where_nothing_depends_on_it() {
    let desk = desk(&["CUDA_VERSION=99.0"], "echo asked >> \"$HOME/asked\"");
    for acceleration in ["cpu", "cuda"] {
        desk.envtpl_with(("ACCELERATION", acceleration), &["run", "true"])
            .expect(0)
            .prints(&format!("run-local-{acceleration}"));
    }
    auto(&desk, &["--gpus", "none"])
        .expect(0)
        .prints("run-local-cpu");
    assert!(!desk.has("../asked"));
}

/// The reservation in the Compose file that the engine was given.
fn reservation(desk: &Desk) -> serde_json::Value {
    let text = desk.text("../file.json");
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    file["services"]["run-local-cuda"].clone()
}

fn run_with(desk: &Desk, gpus: &str) -> Ended {
    desk.envtpl_with(("ACCELERATION", "cuda"), &["run", "--gpus", gpus, "true"])
}

#[test]
fn chosen_gpus_are_reserved_for_the_container() {
    let desk = desk(&[], &new_driver(&H200));
    let path = "/deploy/resources/reservations/devices";
    for (gpus, ids) in [
        ("1", vec!["1"]),
        ("1,0", vec!["1", "0"]),
        (
            "GPU-bbbb2222",
            vec!["GPU-bbbb2222-0000-0000-0000-000000000000"],
        ),
    ] {
        run_with(&desk, gpus).expect(0).prints("run-local-cuda");
        let expected = serde_json::json!([
            {"capabilities": ["gpu"], "driver": "nvidia", "device_ids": ids}
        ]);
        assert_eq!(reservation(&desk).pointer(path), Some(&expected), "{gpus}");
    }
    run_with(&desk, "all").expect(0);
    assert_eq!(
        reservation(&desk).pointer(path).expect("there")[0]["count"],
        -1
    );
    run_with(&desk, "none").expect(0).prints("run-local-cuda");
    let service = reservation(&desk);
    assert_eq!(service.pointer(path), Some(&serde_json::json!([])));
    assert_eq!(service["environment"]["NVIDIA_VISIBLE_DEVICES"], "void");
    assert_eq!(service["environment"]["TZ"], "Etc/UTC");
    assert_eq!(service.get("devices"), None);
}

#[test]
fn a_gpu_that_is_not_there_is_refused_with_what_there_is() {
    let desk = desk(&[], &new_driver(&H200));
    for gpus in ["2", "0,7", "GPU-ffff9999", "0:0"] {
        run_with(&desk, gpus)
            .expect(125)
            .says("this machine has no GPU `")
            .says("1 (NVIDIA H200, GPU-bbbb2222-0000-0000-0000-000000000000)");
    }
    run_with(&desk, "first")
        .expect(125)
        .says("`first` names no GPU");
    let cpu = ["run", "--gpus", "0", "true"];
    desk.envtpl_with(("ACCELERATION", "cpu"), &cpu)
        .expect(125)
        .says("the service `run-local-cpu` takes no GPU")
        .says("services that take some: dev-local-cuda, run-local-cuda");
    let none = ["run", "--gpus", "none", "true"];
    desk.envtpl_with(("ACCELERATION", "cpu"), &none)
        .expect(0)
        .prints("run-local-cpu");
}

#[test]
fn whoever_names_a_gpu_does_not_get_the_cpu() {
    let too_old = desk(&["CUDA_VERSION=12.4.1"], OLD_DRIVER);
    auto(&too_old, &["--gpus", "0"])
        .expect(125)
        .says("470.57.02 is older than CUDA 12.4")
        .says("without `--gpus`, it runs on the cpu instead");

    // Only the chosen ones are looked at.
    let mixed = desk(
        &["CUDA_VERSION=12.4.1"],
        &new_driver(&[
            "0, GPU-eeee5555, 550.54.15, 2048, 3.0, [N/A], Quadro K420",
            "1, GPU-ffff6666, 550.54.15, 49140, 8.6, [N/A], NVIDIA RTX A6000",
        ]),
    );
    auto(&mixed, &["--gpus", "1"])
        .expect(0)
        .prints("run-local-cuda");
    auto(&mixed, &[])
        .expect(0)
        .prints("run-local-cuda")
        .says("`--gpus 1` leaves it out");
    auto(&mixed, &["--gpus", "0"])
        .expect(125)
        .says("is too old for CUDA 12.4");
}

#[test]
fn parts_of_a_divided_gpu_are_chosen_by_number_or_uuid() {
    let script = r#"case "$1" in
        --query-gpu=*) echo '0, GPU-aaaa1111, 535.104.05, 81559, 8.0, Enabled, NVIDIA A100' ;;
        -L) printf 'GPU 0: NVIDIA A100 (UUID: GPU-aaaa1111)\n  MIG 3g.40gb     Device  0: (UUID: MIG-0000aaaa)\n  MIG 3g.40gb     Device  1: (UUID: MIG-1111bbbb)\n' ;;
        *) exit 3 ;;
        esac"#;
    let desk = desk(&[], script);
    for gpus in ["0:1", "MIG-1111"] {
        run_with(&desk, gpus).expect(0);
        let ids = "/deploy/resources/reservations/devices/0/device_ids";
        assert_eq!(
            reservation(&desk).pointer(ids),
            Some(&serde_json::json!(["MIG-1111bbbb"]))
        );
    }
    run_with(&desk, "0:2")
        .expect(125)
        .says("0:1 (3g.40gb, MIG-1111bbbb)");
}

#[test]
fn dev_and_its_workspace_take_chosen_gpus_too() {
    let desk = desk(&[], &new_driver(&H200));
    let cuda = ("ACCELERATION", "cuda");
    desk.envtpl_with(cuda, &["dev", "--gpus", "1", "true"])
        .expect(0)
        .prints("dev-local-cuda");
    let text = desk.text("../file.json");
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let service = &file["services"]["dev-local-cuda"];
    let ids = "/deploy/resources/reservations/devices/0/device_ids";
    assert_eq!(service.pointer(ids), Some(&serde_json::json!(["1"])));
    desk.envtpl_with(cuda, &["dev", "--up", "--gpus", "1", "--dry-run"])
        .expect(0)
        .says("otherwise than in compose.yaml: gpus: 1")
        .prints("--detach");
    desk.envtpl_with(cuda, &["dev", "--up", "--gpus", "5"])
        .expect(125)
        .says("this machine has no GPU `5`");
}

#[test]
fn a_run_is_run_again_on_the_gpus_that_it_had() {
    let desk = desk(&[], &new_driver(&H200));
    run_with(&desk, "1").expect(0);
    desk.remove("../file.json");
    desk.envtpl_with(("ACCELERATION", "cpu"), &["rerun", "-1"])
        .expect(0)
        .prints("run-local-cuda");
    let ids = "/deploy/resources/reservations/devices/0/device_ids";
    assert_eq!(
        reservation(&desk).pointer(ids),
        Some(&serde_json::json!(["1"]))
    );
}

#[test]
fn a_dry_run_says_what_is_otherwise_than_in_compose_yaml() {
    let desk = desk(&[], &new_driver(&H200));
    let arguments = ["run", "--dry-run", "--gpus", "1", "true"];
    desk.envtpl_with(("ACCELERATION", "cuda"), &arguments)
        .expect(0)
        .says("otherwise than in compose.yaml: gpus: 1");
    assert!(!desk.has("../file.json"));
}

#[test]
fn the_doctor_says_what_auto_would() {
    let unfit = desk(&["CUDA_VERSION=12.4.1"], OLD_DRIVER);
    let ended = unfit.envtpl(&["doctor"]);
    let ended = ended
        .prints("gpu-image")
        .prints("470.57.02 is older than CUDA 12.4 of the image needs (>= 525.60.13)");
    ended.prints("Tesla T4");

    let fit = desk(&["CUDA_VERSION=12.4.1"], &new_driver(&H200));
    fit.envtpl(&["doctor"])
        .prints("2 × NVIDIA H200")
        .prints("-cuda runs on this machine's GPUs");
}

/// The page on GPUs.
fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/gpu.md");
    envtpl::files::read_text(std::path::Path::new(path)).expect("read")
}

#[test]
fn the_page_on_gpus_quotes_what_envtpl_says() {
    let desk = desk(&["CUDA_VERSION=12.4.1"], OLD_DRIVER);
    let line = auto(&desk, &[]).expect(0).stderr;
    assert!(page().contains(&line), "{line}");
}

#[test]
fn the_page_on_gpus_names_the_oldest_driver_of_each_cuda() {
    let page = page();
    let ancient = new_driver(&["0, GPU-1, 396.37, 16160, 7.0, [N/A], Tesla V100"]);
    for (cuda, version) in [("11", "11.8.0"), ("12", "12.4.1"), ("13", "13.0.2")] {
        let version = format!("CUDA_VERSION={version}");
        let ended = auto(&desk(&[&version], &ancient), &[]).expect(0);
        let (_, floor) = ended.stderr.split_once("(>= ").expect("a floor");
        let (floor, _) = floor.split_once(')').expect("a floor");
        let documented = format!("{floor} for CUDA {cuda}");
        let page = page.replace('\n', " ");
        assert!(page.contains(&documented), "{documented}");
    }
}

#[test]
fn the_commands_on_the_page_on_gpus_work() {
    let script = r#"case "$1" in
        --query-gpu=*) printf '%s\n' \
            '0, GPU-aaaa1111, 570.124.06, 81559, 8.0, Disabled, NVIDIA A100' \
            '1, GPU-bbbb2222, 570.124.06, 81559, 8.0, Enabled, NVIDIA A100' \
            '2, GPU-6c1c2e07-0000, 570.124.06, 81559, 8.0, Disabled, NVIDIA A100' ;;
        -L) printf '%s\n' 'GPU 0: NVIDIA A100 (UUID: GPU-aaaa1111)' \
            'GPU 1: NVIDIA A100 (UUID: GPU-bbbb2222)' \
            '  MIG 3g.40gb     Device  0: (UUID: MIG-0000aaaa)' \
            'GPU 2: NVIDIA A100 (UUID: GPU-6c1c2e07-0000)' ;;
        *) exit 3 ;;
        esac"#;
    let desk = desk(&[], script);
    let page = page();
    let commands = page
        .lines()
        .filter_map(|line| line.strip_prefix("envtpl run --gpus "));
    let choices: Vec<&str> = commands.filter_map(|rest| rest.split(' ').next()).collect();
    assert_eq!(choices.len(), 5);
    for choice in choices {
        run_with(&desk, choice).expect(0).prints("run-local-cuda");
    }
}
