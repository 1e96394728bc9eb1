//! What this machine can do by itself: its GPUs, and the processors it can emulate.

use std::path::Path;

use crate::engine::machine::{
    Emulation, GpuChoice, ImageNeeds, KfdGpu, Machine, NvidiaGpu, NvidiaProblem, choose_amd,
    choose_nvidia, judge_amd, judge_nvidia,
};
use crate::engine::reservation::Reserved;
use crate::error::{Error, Result};
use crate::files;
use crate::installation::name::{Acceleration, Platform};
use crate::output::Printer;

/// The acceleration that this machine's devices are made for, by a look at its files alone: what
/// is to be worked on when nobody says. Whether an image runs on them is for [`find_gpus`].
pub fn usable_acceleration() -> Acceleration {
    let present = |path: &str| files::exists(Path::new(path));
    // /dev/dxg is the GPU of the Windows Subsystem for Linux.
    if present("/dev/nvidiactl") || present("/dev/dxg") {
        Acceleration::Cuda
    } else if present("/dev/kfd") {
        Acceleration::Rocm
    } else {
        Acceleration::Cpu
    }
}

/// Whether this machine's containers run programs of another platform.
pub fn emulates(platform: Platform) -> bool {
    Machine::here().emulation(platform) == Emulation::Everywhere
}

/// The GPUs of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostGpus {
    /// NVIDIA's, one at least.
    Nvidia(Vec<NvidiaGpu>),
    /// AMD's, one at least.
    Amd(Vec<KfdGpu>),
    /// There is a device or a driver, but none that computes, and why.
    Broken(String),
    /// No sign of any.
    Absent,
}

/// Looks for the GPUs that an acceleration is made for. Where there is no sign of any, this costs
/// a look at some files; else it asks their driver.
///
/// # Errors
/// When the person stopped it.
pub fn find_gpus(
    machine: &Machine,
    acceleration: Acceleration,
    printer: &Printer,
) -> Result<HostGpus> {
    match acceleration {
        Acceleration::Cpu => Ok(HostGpus::Absent),
        Acceleration::Cuda => find_nvidia(machine, printer),
        Acceleration::Rocm => Ok(find_amd(machine)),
    }
}

fn find_nvidia(machine: &Machine, printer: &Printer) -> Result<HostGpus> {
    let answer = machine.ask_nvidia(printer)?;
    Ok(nvidia_gpus(
        answer,
        || machine.graphics().shows_nvidia(),
        || machine.loaded_nvidia_gpus(),
    ))
}

/// What the answer of NVIDIA's tool comes to; `None` stands for no such tool. A device may come
/// only when it is first asked for, so the tool is asked before the device is looked for.
fn nvidia_gpus(
    answer: Option<Result<Vec<NvidiaGpu>, NvidiaProblem>>,
    is_there: impl Fn() -> bool,
    loaded: impl FnOnce() -> Vec<NvidiaGpu>,
) -> HostGpus {
    match answer {
        Some(Ok(gpus)) => HostGpus::Nvidia(gpus),
        // On a machine without any sign of a GPU, the tool came with its system's image.
        Some(Err(NvidiaProblem::NoDriver)) | None if !is_there() => HostGpus::Absent,
        Some(Err(problem)) => HostGpus::Broken(problem.sentence()),
        None => match loaded() {
            gpus if gpus.is_empty() => {
                HostGpus::Broken("there is an NVIDIA GPU, but no driver for it".to_owned())
            }
            gpus => HostGpus::Nvidia(gpus),
        },
    }
}

fn find_amd(machine: &Machine) -> HostGpus {
    let gpus = machine.amd_gpus();
    if !machine.has_amd_device() {
        HostGpus::Absent
    } else if gpus.is_empty() {
        HostGpus::Broken("the driver behind /dev/kfd has no GPU that computes".to_owned())
    } else {
        HostGpus::Amd(gpus)
    }
}

impl HostGpus {
    /// What a choice of GPUs means here: what a container gets, and the GPUs of that choice.
    ///
    /// # Errors
    /// `Usage` when one is not there, with what there is.
    pub fn choose(
        self,
        machine: &Machine,
        choice: &GpuChoice,
        printer: &Printer,
    ) -> Result<(Reserved, Self)> {
        let named = match choice {
            GpuChoice::None => return Ok((Reserved::None, self)),
            GpuChoice::All => return Ok((Reserved::All, self)),
            GpuChoice::Some(named) => named,
        };
        match self {
            Self::Nvidia(gpus) => {
                let parts = || machine.ask_mig_devices(printer);
                let chosen = choose_nvidia(named, &gpus, parts)?;
                Ok((Reserved::Nvidia(chosen.ids), Self::Nvidia(chosen.gpus)))
            }
            Self::Amd(gpus) => {
                let chosen = choose_amd(named, &gpus)?;
                let devices = chosen.iter().map(|gpu| {
                    gpu.render_device.clone().ok_or_else(|| {
                        Error::not_ready(format!("GPU {} has no render device", gpu.index))
                            .help("see whether the kernel has loaded amdgpu: `lsmod | grep amdgpu`")
                    })
                });
                let devices: Result<Vec<String>> = devices.collect();
                Ok((Reserved::Amd(devices?), Self::Amd(chosen)))
            }
            Self::Broken(why) => Err(Error::not_ready(why).help("`envtpl doctor` says more")),
            Self::Absent => Err(Error::usage(format!(
                "this machine has no GPU `{}`: it has none",
                named.join(",")
            ))),
        }
    }

    /// Whether an image runs on all of these, or on one of those that a container gets. Gives what
    /// a person should know although it does.
    ///
    /// # Errors
    /// Why it does not, as the first half of a sentence.
    pub fn run(
        &self,
        machine: &Machine,
        needs: &ImageNeeds,
        printer: &Printer,
    ) -> Result<Option<String>, String> {
        match self {
            Self::Nvidia(gpus) => judge_nvidia(needs, gpus, || machine.ask_nvidia_details(printer)),
            Self::Amd(gpus) => judge_amd(needs, gpus),
            Self::Broken(why) => Err(why.clone()),
            Self::Absent => Err("this machine has no such GPU".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::machine::Dotted;
    use crate::engine::machine::fake::machine;
    use crate::output::{Color, Format};

    fn printer() -> Printer {
        Printer::new(Format::Human, Color::Never, true, 0)
    }

    const AMD: [(&str, &str); 3] = [
        ("/dev/kfd", ""),
        (
            "/sys/class/kfd/kfd/topology/nodes/0/properties",
            "cpu_cores_count 16\nsimd_count 0\n",
        ),
        (
            "/sys/class/kfd/kfd/topology/nodes/1/properties",
            "simd_count 1216\ngfx_target_version 90402\ndrm_render_minor 128\n",
        ),
    ];

    #[test]
    fn amd_s_gpus_become_devices_of_a_container() {
        let (_root, machine) = machine(&AMD);
        let found = find_gpus(&machine, Acceleration::Rocm, &printer()).expect("found");
        let choice = "0".parse().expect("a choice");
        let (reserved, chosen) = found
            .choose(&machine, &choice, &printer())
            .expect("it is there");
        assert_eq!(reserved, Reserved::Amd(vec!["/dev/dri/renderD128".into()]));
        let needs = |arch| ImageNeeds::read([("PYTORCH_ROCM_ARCH", arch)].into_iter());
        let run = |arch| {
            let needs = needs(arch).expect("readable");
            chosen.run(&machine, &needs, &printer())
        };
        assert_eq!(run("gfx90a;gfx942"), Ok(None));
        assert!(run("gfx1100").is_err());
    }

    #[test]
    fn a_driver_without_a_gpu_is_not_the_same_as_no_driver() {
        let find = |files: &[(&str, &str)]| {
            let (_root, machine) = machine(files);
            find_gpus(&machine, Acceleration::Rocm, &printer()).expect("found")
        };
        assert_eq!(find(&[]), HostGpus::Absent);
        assert!(matches!(find(&AMD[..2]), HostGpus::Broken(_)));
        // The kernel describes what a container that this runs in may not use.
        assert_eq!(find(&AMD[1..]), HostGpus::Absent);
    }

    #[test]
    fn a_tool_alone_is_no_gpu_and_a_gpu_without_its_tool_is_one() {
        let gpu = || NvidiaGpu {
            index: 0,
            uuid: "GPU-1".into(),
            name: "Tesla T4".into(),
            memory: None,
            driver: Dotted::parse("535.104.05").expect("a version"),
            capability: None,
            is_divided: false,
        };
        let no_driver = || Some(Err(NvidiaProblem::NoDriver));
        let found = nvidia_gpus(no_driver(), || false, Vec::new);
        assert_eq!(found, HostGpus::Absent);
        assert_eq!(nvidia_gpus(None, || false, Vec::new), HostGpus::Absent);
        let found = nvidia_gpus(no_driver(), || true, Vec::new);
        assert!(matches!(found, HostGpus::Broken(why) if why.contains("not loaded")));
        let lost = Some(Err(NvidiaProblem::NoDevice("GPU is lost".into())));
        let found = nvidia_gpus(lost, || false, Vec::new);
        assert!(matches!(found, HostGpus::Broken(why) if why.contains("GPU is lost")));
        let found = nvidia_gpus(None, || true, || vec![gpu()]);
        assert_eq!(found, HostGpus::Nvidia(vec![gpu()]));
        let found = nvidia_gpus(None, || true, Vec::new);
        assert!(matches!(found, HostGpus::Broken(why) if why.contains("no driver")));
    }

    #[test]
    fn what_is_not_there_cannot_be_chosen() {
        let (_root, machine) = machine(&[]);
        let choice = "0,2".parse().expect("a choice");
        let error = HostGpus::Absent
            .choose(&machine, &choice, &printer())
            .expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "this machine has no GPU `0,2`: it has none"
        );
        let broken = HostGpus::Broken("NVIDIA's driver is installed, but not loaded".into());
        assert!(broken.choose(&machine, &choice, &printer()).is_err());
    }
}
