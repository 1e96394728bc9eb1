//! GPUs on a machine that has some: `make test-gpu`, which says so where there is none. What the
//! driver's own tool says is compared with what programs in containers compute on.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::gpu::built;
use crate::workshop::{BASE, Ended, Workshop};

/// Computes on each GPU that CUDA's driver library shows, and prints their UUIDs' digits; prints
/// nothing where there is no such library, or no GPU.
const COMPUTE: &str = r#"
import ctypes, sys
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError:
    sys.exit()
def call(name, *arguments):
    status = getattr(cuda, name)(*arguments)
    if status:
        sys.exit(f"{name} answers {status}")
if cuda.cuInit(0) == 100:  # CUDA_ERROR_NO_DEVICE
    sys.exit()
count = ctypes.c_int()
call("cuInit", 0)
call("cuDeviceGetCount", ctypes.byref(count))
for number in range(count.value):
    device, uuid = ctypes.c_int(), (ctypes.c_ubyte * 16)()
    call("cuDeviceGet", ctypes.byref(device), number)
    # The second version knows parts of divided GPUs.
    call("cuDeviceGetUuid_v2", uuid, device)
    context, memory, back = ctypes.c_void_p(), ctypes.c_uint64(), (ctypes.c_uint32 * 1024)()
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(4096))
    call("cuMemsetD32_v2", memory, ctypes.c_uint(7), ctypes.c_size_t(1024))
    call("cuMemcpyDtoH_v2", back, memory, ctypes.c_size_t(4096))
    assert list(back) == [7] * 1024
    print(bytes(uuid).hex())
"#;

/// The GPUs that NVIDIA's tool lists, parts of divided ones in their place: the digits of their
/// UUIDs.
fn listed() -> Vec<String> {
    let output = Command::new("nvidia-smi").arg("-L").output();
    let ended = Ended::of(output.expect("nvidia-smi runs")).expect(0);
    let mut gpus: Vec<String> = Vec::new();
    let mut whole = false;
    for line in ended.stdout.lines() {
        let Some((_, uuid)) = line.split_once("(UUID: ") else {
            continue;
        };
        let is_part = line.starts_with(' ');
        if is_part && whole {
            gpus.pop();
        }
        whole = !is_part;
        gpus.push(uuid.trim_end_matches(')').to_owned());
    }
    assert!(!gpus.is_empty(), "{}", ended.stdout);
    gpus
}

fn digits(uuid: &str) -> String {
    let (_, uuid) = uuid.split_once('-').expect("GPU-… or MIG-…");
    uuid.replace('-', "")
}

/// Runs envtpl, computing in a container; gives the digits of the GPUs that took part, sorted.
fn computed_on(shop: &Workshop, acceleration: &str, options: &[&str]) -> (Vec<String>, Ended) {
    let arguments = [&["run"], options, &["--", "python3", "-c", COMPUTE]].concat();
    let ended = Ended::run(
        shop.command(&arguments)
            .env("ACCELERATION", acceleration)
            .stdin(Stdio::null()),
    )
    .expect(0);
    let mut gpus: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
    gpus.sort();
    (gpus, ended)
}

#[test]
fn nvidia_auto_computes_on_the_device() {
    let shop = built("gpu-device");
    let listed = listed();
    for acceleration in ["auto", "cuda"] {
        let (gpus, ended) = computed_on(&shop, acceleration, &[]);
        assert!(!gpus.is_empty(), "nothing computed: {}", ended.stderr);
        let all: Vec<String> = listed.iter().map(|uuid| digits(uuid)).collect();
        assert!(gpus.iter().all(|gpu| all.contains(gpu)), "{gpus:?} {all:?}");
        // CUDA uses one part alone of a divided GPU.
        if listed.iter().all(|uuid| uuid.starts_with("GPU-")) {
            assert_eq!(gpus.len(), all.len());
        }
    }
    assert!(computed_on(&shop, "cpu", &[]).0.is_empty());
}

#[test]
fn nvidia_chosen_gpus_are_those_that_compute() {
    let shop = built("gpu-chosen");
    for uuid in listed() {
        let (gpus, _) = computed_on(&shop, "cuda", &["--gpus", &uuid]);
        assert_eq!(gpus, [digits(&uuid)]);
    }
    if let [first, ..] = &listed()[..]
        && first.starts_with("GPU-")
    {
        let (gpus, _) = computed_on(&shop, "auto", &["--gpus", "0"]);
        assert_eq!(gpus, [digits(first)]);
    }
    assert!(computed_on(&shop, "cuda", &["--gpus", "none"]).0.is_empty());
    shop.command(&["run", "--gpus", "GPU-ffffffff", "true"])
        .env("ACCELERATION", "cuda")
        .output()
        .map(|output| {
            Ended::of(output)
                .expect(125)
                .says("this machine has no GPU")
        })
        .expect("envtpl runs");
}

#[test]
fn nvidia_an_image_for_a_driver_to_come_computes_on_the_cpu() {
    let shop = built("gpu-future");
    let compose = shop.read("compose.yaml");
    let cuda = "  run-local-cuda:\n    <<: *run\n";
    for needs in ["CUDA_VERSION: 99.0.0", "NVIDIA_REQUIRE_CUDA: cuda>=99.0"] {
        let with = format!("{cuda}    environment: {{{needs}}}\n");
        shop.write("compose.yaml", &compose.replace(cuda, &with));
        let (gpus, ended) = computed_on(&shop, "auto", &[]);
        assert!(gpus.is_empty());
        ended.says("99.0").says(": running on the cpu");
    }
}

#[test]
fn nvidia_the_doctor_names_the_device() {
    let shop = built("gpu-doctor");
    let output = Command::new("nvidia-smi")
        .args(["--query-gpu=name", "--format=csv,noheader"])
        .output();
    let names = Ended::of(output.expect("nvidia-smi runs")).expect(0);
    let report = shop.envtpl(&["doctor"]);
    for name in names.stdout.lines() {
        assert!(report.stdout.contains(name.trim()), "{}", report.stdout);
    }
    assert!(
        report
            .stdout
            .contains("amd64-cuda runs on this machine's GPUs"),
        "{}",
        report.stdout
    );
}

#[test]
fn nvidia_the_driver_is_known_without_its_tool() {
    let shop = built("gpu-toolless");
    let programs = tempfile::tempdir().expect("a directory");
    for name in ["docker", "git", "sh"] {
        let program = which::which(name).expect(name);
        symlink(program, programs.path().join(name)).expect("linked");
    }
    Ended::run(
        shop.command(&["run", "--gpus", "all", "true"])
            .env("PATH", programs.path())
            .env("ACCELERATION", "auto")
            .stdin(Stdio::null()),
    )
    .expect(0);
    let listed = shop.envtpl(&["runs", "--format", "json"]).expect(0);
    assert!(
        listed.stdout.contains("run-local-cuda"),
        "{}",
        listed.stdout
    );
}

#[test]
fn amd_containers_get_the_devices_that_are_chosen() {
    let shop = Workshop::with("gpu-amd", "amd64-rocm", &["--base-image", BASE]);
    crate::run::give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    let devices = |acceleration: &str, gpus: &str| {
        let script = "for device in /dev/kfd /dev/dri/renderD*; do test -r \"$device\" && echo \"$device\"; done";
        let ended = Ended::run(
            shop.command(&["run", "--gpus", gpus, "sh", "-c", script])
                .env("ACCELERATION", acceleration)
                .stdin(Stdio::null()),
        );
        ended.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = devices("auto", "all");
    assert!(all.len() > 1 && all[0] == "/dev/kfd", "{all:?}");
    let first = devices("rocm", "0");
    assert!(
        first.len() == 2 && all.contains(&first[1]),
        "{first:?} {all:?}"
    );
    assert!(devices("rocm", "none").is_empty());
}
