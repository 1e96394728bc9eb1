//! Answers of several drivers. Their forms are those of public records: in issues of
//! huggingface/candle (470 and `compute_cap`), canonical/inference-snaps (programs of another
//! driver), NVIDIA/open-gpu-kernel-modules (lost GPUs), NVIDIA's MIG user guide (divided GPUs), and
//! logs of `nvidia-smi -q` of drivers 460 to 580. GPUs and numbers are made up.

use super::*;

const NEW: &str = "0, GPU-6c1c2e07-4a0c-4ce9-a9b2-0f6b8f9a1c01, 570.124.06, 143771, 9.0, Disabled, NVIDIA H200\n\
     1, GPU-6c1c2e07-4a0c-4ce9-a9b2-0f6b8f9a1c02, 570.124.06, 143771, 9.0, Disabled, NVIDIA H200\n";

fn read(output: &str) -> Vec<NvidiaGpu> {
    NvidiaQuery::default().read(true, output).expect("GPUs")
}

/// The answer of a driver that does not know some fields, one question after the other.
fn asked(answers: &[&str]) -> Result<Vec<NvidiaGpu>, NvidiaProblem> {
    let mut query = NvidiaQuery::default();
    for answer in answers {
        match query.clone().without_unknown(answer) {
            Some(simpler) => query = simpler,
            None => return query.read(true, answer),
        }
    }
    panic!("the last answer is an answer")
}

#[test]
fn gpus_are_read_line_by_line() {
    let gpus = read(NEW);
    assert_eq!(gpus.len(), 2);
    assert_eq!(gpus[1].index, 1);
    assert_eq!(gpus[1].uuid, "GPU-6c1c2e07-4a0c-4ce9-a9b2-0f6b8f9a1c02");
    assert_eq!(gpus[0].name, "NVIDIA H200");
    assert_eq!(gpus[0].memory, Some(143_771));
    assert_eq!(gpus[0].driver.to_string(), "570.124.06");
    assert_eq!(gpus[0].capability, Some(Capability::new(9, 0)));
    assert!(!gpus[0].is_divided);
}

#[test]
fn the_question_names_the_columns_that_are_read() {
    assert_eq!(
        NvidiaQuery::default().invocation("nvidia-smi").to_string(),
        "nvidia-smi \
         --query-gpu=index,uuid,driver_version,memory.total,compute_cap,mig.mode.current,name \
         --format=csv,noheader,nounits"
    );
}

#[test]
fn driver_470_does_not_know_the_compute_capability() {
    let gpus = asked(&[
        "Field \"compute_cap\" is not a valid field to query.\n\n",
        "0, GPU-0f2d3b7a-91b5-8a52-9d52-7a5f0a5f7d11, 470.182.03, 15109, [N/A], Tesla T4\n",
    ])
    .expect("a GPU");
    assert_eq!(gpus[0].capability, None);
    assert_eq!(gpus[0].name, "Tesla T4");
    assert_eq!(gpus[0].memory, Some(15_109));
}

#[test]
fn driver_418_knows_nothing_of_mig_either() {
    let gpus = asked(&[
        "Field \"compute_cap\" is not a valid field to query.\n\n",
        "Field \"mig.mode.current\" is not a valid field to query.\n\n",
        "0, GPU-b4f8c1de-2a30-f1a7-5d0e-52d9be6f5f21, 418.87.00, 11441, Tesla K80\n\
         1, GPU-b4f8c1de-2a30-f1a7-5d0e-52d9be6f5f22, 418.87.00, 11441, Tesla K80\n",
    ])
    .expect("GPUs");
    assert_eq!(gpus.len(), 2);
    assert_eq!(gpus[1].name, "Tesla K80");
    assert!(!gpus[1].is_divided);
}

#[test]
fn a_field_that_must_be_known_is_not_given_up() {
    let answer = "Field \"uuid\" is not a valid field to query.\n";
    assert!(NvidiaQuery::default().without_unknown(answer).is_none());
    assert_eq!(
        asked(&[answer]),
        Err(NvidiaProblem::Other(answer.trim().to_owned()))
    );
}

#[test]
fn a_gpu_that_shares_the_memory_of_its_machine_does_not_say_how_much() {
    let gpus = read(
        "0, GPU-3a5d1b52-4a6f-8d5c-6b69-9f6f4d1d7a31, 580.95.05, [N/A], 12.1, [N/A], NVIDIA GB10\n",
    );
    assert_eq!(gpus[0].memory, None);
    assert_eq!(gpus[0].capability, Some(Capability::new(12, 1)));
    let gpus = read(
        "0, 4c2e27f2-6d4d-5b5b-9d14-6a5f9b1b1c41, 540.4.0, [Not Supported], 8.7, [N/A], Orin (nvgpu)\n",
    );
    assert_eq!(gpus[0].name, "Orin (nvgpu)");
}

#[test]
fn a_virtual_gpu_is_a_gpu() {
    let gpus = read(
        "0, GPU-9d3b2b6c-11f1-11ef-8a3f-4a5b6c7d8e51, 535.161.07, 10240, 8.0, [N/A], GRID A100D-10C\n",
    );
    assert_eq!(gpus[0].name, "GRID A100D-10C");
    assert_eq!(gpus[0].driver.to_string(), "535.161.07");
}

#[test]
fn a_divided_gpu_keeps_its_memory_from_ordinary_users() {
    let gpus = read(
        "0, GPU-48aeb943-9458-4282-da24-e5f49e0db461, 535.104.05, [Insufficient Permissions], 8.0, Enabled, NVIDIA A100-SXM4-40GB\n\
         1, GPU-48aeb943-9458-4282-da24-e5f49e0db462, 535.104.05, 40960, 8.0, Disabled, NVIDIA A100-SXM4-40GB\n",
    );
    assert!(gpus[0].is_divided && !gpus[1].is_divided);
    assert_eq!(gpus[0].memory, None);
}

#[test]
fn a_gpu_that_was_lost_is_none_of_the_others() {
    let gpus = read(
        "0, GPU-67a571b1-79ee-1016-8ea3-c1fff3f1c171, 520.61.05, 11264, 7.5, [N/A], NVIDIA GeForce RTX 2080 Ti\n\
         1, [GPU is lost], 520.61.05, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]\n\
         2, GPU-67a571b1-79ee-1016-8ea3-c1fff3f1c173, 520.61.05, 11264, 7.5, [N/A], NVIDIA GeForce RTX 2080 Ti\n",
    );
    let indices: Vec<u32> = gpus.iter().map(|gpu| gpu.index).collect();
    assert_eq!(indices, [0, 2]);
}

#[test]
fn failures_are_told_apart() {
    let problem = |output: &str| {
        NvidiaQuery::default()
            .read(false, output)
            .expect_err("no GPU")
    };
    assert_eq!(
        problem(
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. \
             Make sure that the latest NVIDIA driver is installed and running.\n\n"
        ),
        NvidiaProblem::NoDriver
    );
    assert_eq!(
        problem(
            "Failed to initialize NVML: Driver/library version mismatch\n\
             NVML library version: 550.120\n"
        ),
        NvidiaProblem::Mismatch
    );
    assert_eq!(
        problem("Failed to initialize NVML: Driver Not Loaded\n"),
        NvidiaProblem::NoDriver
    );
    assert_eq!(
        problem("No devices were found\n"),
        NvidiaProblem::NoDevice("No devices were found".into())
    );
    let lost = "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  \
                Reboot the system to recover this GPU";
    assert_eq!(
        problem(&format!("{lost}\n\n")),
        NvidiaProblem::NoDevice(lost.into())
    );
    let unknown = "Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error";
    assert_eq!(problem(unknown), NvidiaProblem::NoDevice(unknown.into()));
    assert_eq!(
        problem("Failed to initialize NVML: Insufficient Permissions\n"),
        NvidiaProblem::Other("Failed to initialize NVML: Insufficient Permissions".into())
    );
    assert_eq!(problem(""), NvidiaProblem::Other("it said nothing".into()));
}

#[test]
fn the_only_gpu_lost_is_no_gpu() {
    let line =
        "0, [GPU is lost], 520.61.05, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]";
    assert_eq!(
        NvidiaQuery::default().read(true, line),
        Err(NvidiaProblem::NoDevice(line.into()))
    );
}

#[test]
fn the_long_answer_tells_cuda_and_what_kind_of_products_they_are() {
    let output = "
==============NVSMI LOG==============

Timestamp                                 : Thu Nov 21 18:31:40 2024
Driver Version                            : 545.23.08
CUDA Version                              : 12.3

Attached GPUs                             : 2
GPU 00000000:19:00.0
    Product Name                          : NVIDIA H100 80GB HBM3
    Product Brand                         : NVIDIA
    Product Architecture                  : Hopper
    MIG Mode
        Current                           : Disabled
GPU 00000000:4F:00.0
    Product Name                          : NVIDIA GeForce GTX 1650
    Product Brand                         : GeForce
";
    let details = NvidiaDetails::read(output);
    assert_eq!(details.cuda, Dotted::parse("12.3"));
    assert_eq!(details.brands, ["NVIDIA", "GeForce"]);
    let output = "CUDA Version                              : Not Found\n";
    assert_eq!(NvidiaDetails::read(output), NvidiaDetails::default());
}

#[test]
fn parts_of_gpus_are_read_below_their_gpu() {
    let output = "\
GPU 0: NVIDIA A100 80GB PCIe (UUID: GPU-4101de38-535a-4255-ac14-a63e072d7a81)
  MIG 3g.40gb     Device  0: (UUID: MIG-d771d938-b556-4f9d-b742-2dd26b864082)
  MIG 1g.10gb     Device  1: (UUID: MIG-761ea9d1-82ac-41cb-9e19-d3593973f183)
GPU 1: NVIDIA A100 80GB PCIe (UUID: GPU-4101de38-535a-4255-ac14-a63e072d7a84)
GPU 2: A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc85)
  MIG 1g.5gb Device 0: (UUID: MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc85/7/0)
";
    let shown: Vec<String> = parse_mig_devices(output)
        .iter()
        .map(|mig| format!("{}:{} {} {}", mig.gpu, mig.index, mig.profile, mig.uuid))
        .collect();
    assert_eq!(
        shown,
        [
            "0:0 3g.40gb MIG-d771d938-b556-4f9d-b742-2dd26b864082",
            "0:1 1g.10gb MIG-761ea9d1-82ac-41cb-9e19-d3593973f183",
            "2:0 1g.5gb MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc85/7/0",
        ]
    );
    assert_eq!(
        parse_mig_devices("No devices found.\n  MIG 1g Device 0: (UUID: MIG-x)"),
        []
    );
}
