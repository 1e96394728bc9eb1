use super::super::dotted::Capability;
use super::*;

/// The form of what NVIDIA's image for CUDA 12.4 holds, shortened.
const CUDA_IMAGE: &str = "cuda>=12.4 brand=tesla,driver>=470,driver<471 \
    brand=geforce,driver>=470,driver<471 brand=tesla,driver>=535,driver<536 \
    brand=geforce,driver>=535,driver<536";

fn needs(environment: &[(&str, &str)]) -> ImageNeeds {
    ImageNeeds::read(environment.iter().copied()).expect("it can be read")
}

fn gpu(index: u32, name: &str, driver: &str, capability: &str) -> NvidiaGpu {
    NvidiaGpu {
        index,
        uuid: format!("GPU-{index}"),
        name: name.into(),
        memory: None,
        driver: Dotted::parse(driver).expect("a version"),
        capability: Capability::parse(capability),
        is_divided: false,
    }
}

fn details(cuda: &str, brands: &[&str]) -> NvidiaDetails {
    NvidiaDetails {
        cuda: Dotted::parse(cuda),
        brands: brands.iter().map(|brand| (*brand).to_owned()).collect(),
    }
}

/// The verdict where nothing depends on the long answer.
fn judged(environment: &[(&str, &str)], gpu: NvidiaGpu) -> Result<Option<String>, String> {
    judge_nvidia(&needs(environment), &[gpu], || {
        panic!("nothing more needs to be asked")
    })
}

#[test]
fn a_driver_below_the_minimum_of_the_image_s_cuda_is_too_old() {
    let image = [("CUDA_VERSION", "12.4.1")];
    assert_eq!(
        judged(&image, gpu(0, "Tesla T4", "470.57", "")),
        Err(
            "this machine's NVIDIA driver 470.57 is older than CUDA 12.4 of the image needs \
             (>= 525.60.13)"
                .into()
        )
    );
    for driver in ["525.60.13", "535.104.05", "550.54.15", "580.95.05", "700.1"] {
        assert_eq!(judged(&image, gpu(0, "Tesla T4", driver, "7.5")), Ok(None));
    }
}

#[test]
fn an_image_that_says_nothing_runs_on_every_device() {
    assert_eq!(judged(&[], gpu(0, "Tesla K80", "418.87.00", "")), Ok(None));
}

#[test]
fn nvidia_s_own_images_are_judged_by_their_requirement() {
    let image = [
        ("NVIDIA_REQUIRE_CUDA", CUDA_IMAGE),
        ("CUDA_VERSION", "12.4.1"),
    ];
    assert_eq!(
        judged(&image, gpu(0, "NVIDIA L4", "550.54.15", "8.9")),
        Ok(None)
    );

    // Not among the branches that the image admits, as NVIDIA's runtime would say too.
    let odd = [gpu(0, "NVIDIA GeForce RTX 4090", "545.23.08", "8.9")];
    assert_eq!(
        judge_nvidia(&needs(&image), &odd, || details("12.3", &["GeForce"])),
        Err(
            "this machine's NVIDIA driver 545.23.08 is older than CUDA 12.4 of the image needs \
             (>= 550.54.14)"
                .into()
        )
    );

    // Minor version compatibility, which the image admits for this branch.
    let branch = [gpu(0, "NVIDIA GeForce RTX 4090", "535.104.05", "8.9")];
    let verdict = judge_nvidia(&needs(&image), &branch, || details("12.2", &["GeForce"]));
    assert_eq!(verdict, Ok(None));
}

#[test]
fn what_the_image_brings_for_older_drivers_is_not_for_every_product() {
    let image = needs(&[
        ("NVIDIA_REQUIRE_CUDA", CUDA_IMAGE),
        ("CUDA_VERSION", "12.4.1"),
    ]);
    let tesla = [gpu(0, "Tesla T4", "470.57.02", "")];
    let verdict = judge_nvidia(&image, &tesla, || details("11.4", &["Tesla"]));
    assert_eq!(verdict, Ok(None));

    let gaming = [gpu(0, "NVIDIA GeForce RTX 3090", "470.57.02", "")];
    let verdict = judge_nvidia(&image, &gaming, || details("11.4", &["GeForce"]));
    let why = verdict.expect_err("CUDA would fail with error 804");
    assert!(why.contains("470.57.02 is older than CUDA 12.4"), "{why}");
    assert!(
        why.contains("does not work on a NVIDIA GeForce RTX 3090"),
        "{why}"
    );
}

#[test]
fn an_image_for_frameworks_relies_on_its_own_driver_library() {
    // Such an image admits every driver and looks for itself.
    let image = [
        ("NVIDIA_REQUIRE_CUDA", "cuda>=9.0"),
        ("CUDA_VERSION", "12.4.1.003"),
        ("_CUDA_COMPAT_PATH", "/usr/local/cuda/compat"),
    ];
    assert_eq!(
        judged(&image, gpu(0, "Tesla V100", "470.57.02", "")),
        Ok(None)
    );
    assert!(judged(&image, gpu(0, "NVIDIA TITAN RTX", "470.57.02", "")).is_err());
    assert!(judged(&image[..2], gpu(0, "Tesla V100", "470.57.02", "")).is_err());
}

#[test]
fn a_driver_newer_than_the_tables_says_itself_what_it_supports() {
    let image = needs(&[("NVIDIA_REQUIRE_CUDA", "cuda>=14.1")]);
    let new = [gpu(0, "NVIDIA B300", "650.10.01", "10.3")];
    let verdict = |cuda| judge_nvidia(&image, &new, || details(cuda, &["NVIDIA"]));
    assert_eq!(verdict("14.1"), Ok(None));
    assert!(verdict("14.0").is_err());
    // A driver of the tables knows no CUDA of a generation that came after them.
    let known = gpu(0, "NVIDIA B200", "580.95.05", "10.0");
    assert_eq!(
        judged(&[("CUDA_VERSION", "14.0.1")], known),
        Err(
            "this machine's NVIDIA driver 580.95.05 is older than CUDA 14.0 of the image needs \
             (one for CUDA 14)"
                .into()
        )
    );
}

#[test]
fn a_gpu_that_the_image_is_not_compiled_for_does_not_do() {
    let image = [
        ("TORCH_CUDA_ARCH_LIST", "8.0 8.6 9.0"),
        ("CUDA_VERSION", "12.4"),
    ];
    assert_eq!(
        judged(&image, gpu(0, "NVIDIA L4", "550.54.15", "8.9")),
        Ok(None)
    );
    assert_eq!(
        judged(&image, gpu(0, "NVIDIA B200", "570.26", "10.0")),
        Err(
            "this machine's GPU NVIDIA B200 (compute capability 10.0) is none that the image is \
             compiled for (TORCH_CUDA_ARCH_LIST: 8.0 8.6 9.0)"
                .into()
        )
    );
    // Driver 470 does not say, so nothing is held against the GPU.
    let older = [("TORCH_CUDA_ARCH_LIST", "8.0"), ("CUDA_VERSION", "11.8")];
    assert_eq!(
        judged(&older, gpu(0, "Tesla T4", "470.57.02", "")),
        Ok(None)
    );
}

#[test]
fn a_gpu_that_the_image_s_cuda_has_left_behind_does_not_do() {
    let verdict = judged(
        &[("CUDA_VERSION", "13.0.1")],
        gpu(0, "Tesla V100-SXM2-16GB", "580.95.05", "7.0"),
    );
    assert_eq!(
        verdict,
        Err(
            "this machine's GPU Tesla V100-SXM2-16GB (compute capability 7.0) is too old for CUDA \
             13.0 of the image (>= 7.5)"
                .into()
        )
    );
}

#[test]
fn one_gpu_that_does_is_enough_and_the_others_are_named() {
    let image = needs(&[("CUDA_VERSION", "12.4")]);
    let gpus = [
        gpu(0, "Quadro K420", "550.54.15", "3.0"),
        gpu(1, "NVIDIA RTX A6000", "550.54.15", "8.6"),
        gpu(2, "NVIDIA RTX A6000", "550.54.15", "8.6"),
    ];
    let remark = judge_nvidia(&image, &gpus, NvidiaDetails::default)
        .expect("it runs")
        .expect("a remark");
    assert_eq!(
        remark,
        "GPU 0, Quadro K420 (compute capability 3.0), is too old for CUDA 12.4 of the image \
         (>= 5.0); `--gpus 1,2` leaves it out"
    );
}

#[test]
fn an_architecture_that_the_image_requires_is_checked_for_each_gpu() {
    let image = needs(&[("NVIDIA_REQUIRE_ARCH", "arch>=8.0")]);
    let gpus = [
        gpu(0, "NVIDIA L4", "550.54.15", "8.9"),
        gpu(1, "Tesla T4", "550.54.15", "7.5"),
    ];
    assert_eq!(
        judge_nvidia(&image, &gpus, NvidiaDetails::default),
        Err(
            "the image does not admit this machine's Tesla T4 with driver 550.54.15: it requires \
             `arch>=8.0`"
                .into()
        )
    );
    assert_eq!(
        judge_nvidia(&image, &gpus[..1], NvidiaDetails::default),
        Ok(None)
    );
}

fn amd(index: u32, target: &str) -> KfdGpu {
    KfdGpu {
        index,
        target: target.into(),
        uuid: None,
        render_device: None,
        name: None,
    }
}

#[test]
fn amd_s_gpus_are_judged_by_their_instruction_set() {
    let image = needs(&[("PYTORCH_ROCM_ARCH", "gfx90a;gfx942")]);
    assert_eq!(judge_amd(&image, &[amd(0, "gfx942")]), Ok(None));
    assert_eq!(judge_amd(&needs(&[]), &[amd(0, "gfx1036")]), Ok(None));
    assert_eq!(
        judge_amd(&image, &[amd(0, "gfx1100")]),
        Err(
            "this machine's GPU gfx1100 is none that the image is compiled for \
             (PYTORCH_ROCM_ARCH: gfx90a gfx942)"
                .into()
        )
    );
    let remark = judge_amd(&image, &[amd(0, "gfx942"), amd(1, "gfx1036")]).expect("it runs");
    assert!(
        remark
            .expect("a remark")
            .ends_with("`--gpus 0` leaves it out")
    );
    assert!(judge_amd(&image, &[]).is_err());
}

#[test]
fn an_amd_gpu_may_be_taken_for_another() {
    let image = needs(&[
        ("PYTORCH_ROCM_ARCH", "gfx1030"),
        ("HSA_OVERRIDE_GFX_VERSION", "10.3.0"),
    ]);
    assert_eq!(judge_amd(&image, &[amd(0, "gfx1031")]), Ok(None));
}
