//! GPUs: the device, its driver, and what lets containers use it.

use super::Wanted;
use super::finding::{Finding, Status};
use crate::engine::EngineFacts;
use crate::engine::machine::{
    AmdGpu, Graphics, KfdGpu, Machine, Membership, NvidiaGpu, NvidiaProblem,
};
use crate::error::Result;
use crate::installation::name::Acceleration;
use crate::output::Printer;

/// NVIDIA's own guide; its packages come from a repository that has to be set up first.
const TOOLKIT_GUIDE: &str =
    "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html";

/// Looks for GPUs and what they need.
///
/// # Errors
/// When the person stopped it.
pub fn examine(
    machine: &Machine,
    engine: Option<&EngineFacts>,
    wanted: &Wanted,
    user: &str,
    printer: &Printer,
) -> Result<Vec<Finding>> {
    let graphics = machine.graphics();
    let mut findings = Vec::new();
    let driver = machine.ask_nvidia(printer)?;
    // On a machine without any sign of a GPU, tools came with its system's image.
    let only_tools = matches!(driver, None | Some(Err(NvidiaProblem::NoDriver)));
    if graphics.shows_nvidia() || !only_tools {
        let toolkit = machine.has_nvidia_toolkit() || engine.is_some_and(EngineFacts::knows_nvidia);
        findings.extend(nvidia(
            graphics,
            driver,
            Toolkit {
                present: toolkit,
                install: toolkit_line(machine),
            },
            wanted,
        ));
    }
    if graphics.amd_device {
        let membership = machine.membership("/dev/kfd", user);
        findings.extend(rocm(
            &amd_names(&machine.ask_amd(printer)?, &machine.amd_gpus()),
            &machine.render_devices(),
            membership,
            user,
            wanted,
        ));
    } else if graphics.amd_hardware && wanted.installation(Acceleration::Rocm).is_some() {
        findings.push(
            Finding::new(
                "gpu",
                wanted.severity(Acceleration::Rocm),
                "there is an AMD GPU, but not its compute device /dev/kfd",
            )
            .help("install AMD's kernel driver (amdgpu): https://rocm.docs.amd.com/projects/install-on-linux"),
        );
    }
    if findings.is_empty() {
        findings.push(none(wanted));
    }
    Ok(findings)
}

/// No GPU is no fault: images for one are built here and run elsewhere.
fn none(wanted: &Wanted) -> Finding {
    let accelerated: Vec<String> = [Acceleration::Cuda, Acceleration::Rocm]
        .into_iter()
        .filter_map(|acceleration| wanted.installation(acceleration))
        .collect();
    if accelerated.is_empty() {
        Finding::ok("gpu", "none; installations for cpu need none")
    } else {
        Finding::ok(
            "gpu",
            format!(
                "none: {} can be built here, and runs with ACCELERATION=cpu",
                accelerated.join(", ")
            ),
        )
    }
}

/// The container toolkit: whether it is there, and how it gets there.
struct Toolkit {
    present: bool,
    install: String,
}

fn toolkit_line(machine: &Machine) -> String {
    format!(
        "{} && sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
        machine.install_line("nvidia-container-toolkit")
    )
}

fn nvidia(
    graphics: Graphics,
    driver: Option<Result<Vec<NvidiaGpu>, NvidiaProblem>>,
    toolkit: Toolkit,
    wanted: &Wanted,
) -> Vec<Finding> {
    let severity = wanted.severity(Acceleration::Cuda);
    let gpus = match driver {
        Some(Ok(gpus)) => gpus,
        failed => {
            return vec![nvidia_driver(
                graphics,
                failed.and_then(Result::err),
                severity,
            )];
        }
    };
    let mut findings: Vec<Finding> = vec![Finding::ok("gpu", list(&gpus))];
    findings.push(if toolkit.present || graphics.windows_device {
        Finding::ok("gpu-containers", "containers can use NVIDIA GPUs")
    } else {
        Finding::new(
            "gpu-containers",
            severity,
            "NVIDIA's container toolkit is missing: containers cannot use the GPU",
        )
        .help(toolkit.install)
        .help(format!(
            "its packages come from NVIDIA's repository: {TOOLKIT_GUIDE}"
        ))
    });
    findings
}

/// The GPUs in a line, equal ones counted.
fn list(gpus: &[NvidiaGpu]) -> String {
    let mut shown: Vec<(String, usize)> = Vec::new();
    for gpu in gpus {
        let memory = gpu
            .memory
            .map(|mebibytes| format!(", {} GiB", mebibytes.div_ceil(1024)))
            .unwrap_or_default();
        let text = format!("{}{memory}", gpu.name);
        match shown.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => shown.push((text, 1)),
        }
    }
    let shown: Vec<String> = shown
        .into_iter()
        .map(|(text, count)| {
            if count == 1 {
                text
            } else {
                format!("{count} × {text}")
            }
        })
        .collect();
    let driver = gpus
        .first()
        .map(|gpu| gpu.driver.to_string())
        .unwrap_or_default();
    format!("{} (driver {driver})", shown.join("; "))
}

/// Why the driver names no GPU.
fn nvidia_driver(graphics: Graphics, problem: Option<NvidiaProblem>, severity: Status) -> Finding {
    let finding = |message: String| Finding::new("gpu", severity, message);
    let install = "install NVIDIA's driver, on Ubuntu: `sudo ubuntu-drivers install`, on Debian: \
                   `sudo apt-get install nvidia-driver` (non-free); then reboot";
    match problem {
        None if graphics.nvidia_device => finding(
            "there is an NVIDIA device, but no nvidia-smi: the driver's tools are not installed"
                .to_owned(),
        )
        .help("install the package nvidia-smi, or nvidia-utils of the driver's version"),
        None => finding("there is an NVIDIA GPU, but no driver for it".to_owned()).help(install),
        Some(problem) => {
            let finding = finding(problem.sentence());
            match problem {
                NvidiaProblem::NoDriver => finding.help("sudo modprobe nvidia").help(
                    "if that fails: reboot, or install the driver again for the kernel that runs (`uname -r`)",
                ),
                NvidiaProblem::Mismatch | NvidiaProblem::NoDevice(_) => {
                    finding.help("sudo reboot")
                }
                NvidiaProblem::Other(_) => finding.help("run `nvidia-smi` and mend what it says"),
            }
        }
    }
}

/// AMD's GPUs in a line: as its tools name them, else as the kernel does.
fn amd_names(said: &[AmdGpu], known: &[KfdGpu]) -> String {
    let names: Vec<&str> = said.iter().map(|gpu| gpu.name.as_str()).collect();
    let driver = said.first().and_then(|gpu| gpu.driver.as_deref());
    match (names.as_slice(), driver) {
        ([], _) if known.is_empty() => "an AMD compute device, /dev/kfd".to_owned(),
        ([], _) => {
            let known: Vec<String> = known.iter().map(KfdGpu::shown).collect();
            known.join("; ")
        }
        (names, Some(driver)) => format!("{} (driver {driver})", names.join("; ")),
        (names, None) => names.join("; "),
    }
}

fn rocm(
    shown: &str,
    render_devices: &[String],
    membership: Option<Membership>,
    user: &str,
    wanted: &Wanted,
) -> Vec<Finding> {
    let severity = wanted.severity(Acceleration::Rocm);
    let mut findings = vec![Finding::ok("gpu", shown)];
    findings.push(if render_devices.is_empty() {
        Finding::new(
            "gpu-containers",
            severity,
            "there is /dev/kfd, but no render device in /dev/dri, which containers need too",
        )
        .help("see whether the kernel has loaded amdgpu: `lsmod | grep amdgpu`")
    } else {
        match membership {
            Some(Membership::Outside { group }) => Finding::new(
                "gpu-containers",
                severity,
                format!("you are not in the group {group}, which owns /dev/kfd"),
            )
            .help(format!(
                "sudo usermod -aG {group},video {user}   # then log out and in again"
            )),
            Some(Membership::NextLogin { group }) => Finding::new(
                "gpu-containers",
                severity,
                format!("you are in the group {group}, but were not at login"),
            )
            .help("log out and in again"),
            _ => Finding::ok(
                "gpu-containers",
                format!(
                    "containers can use /dev/kfd and {}",
                    render_devices.join(", ")
                ),
            ),
        }
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::machine::{Capability, Dotted};

    const DEVICE: Graphics = Graphics {
        nvidia_hardware: true,
        nvidia_device: true,
        amd_hardware: false,
        amd_device: false,
        windows_device: false,
    };

    fn wanted(names: &[&str]) -> Wanted {
        Wanted::new(
            names
                .iter()
                .map(|name| name.parse().expect("a name"))
                .collect(),
            false,
        )
    }

    fn toolkit(present: bool) -> Toolkit {
        Toolkit {
            present,
            install: "INSTALL".into(),
        }
    }

    fn gpu() -> NvidiaGpu {
        NvidiaGpu {
            index: 0,
            uuid: "GPU-6c1c2e07".into(),
            name: "NVIDIA H200".into(),
            memory: Some(143_771),
            driver: Dotted::parse("570.124.06").expect("a version"),
            capability: Some(Capability::new(9, 0)),
            is_divided: false,
        }
    }

    fn shown(findings: Vec<Finding>) -> String {
        super::super::finding::Report::new(findings).human()
    }

    #[test]
    fn equal_gpus_are_counted() {
        assert_eq!(
            list(&[gpu(), gpu()]),
            "2 × NVIDIA H200, 141 GiB (driver 570.124.06)"
        );
    }

    #[test]
    fn a_missing_toolkit_is_a_problem_where_the_project_computes_with_cuda() {
        let host = crate::installation::name::Platform::host();
        let cuda = wanted(&[&format!("{host}-cuda")]);
        let found = nvidia(DEVICE, Some(Ok(vec![gpu()])), toolkit(false), &cuda);
        assert_eq!(found[1].status(), Status::Problem);
        assert!(shown(found).contains("help: INSTALL"));
        let found = nvidia(DEVICE, Some(Ok(vec![gpu()])), toolkit(false), &wanted(&[]));
        assert_eq!(found[1].status(), Status::Warning);
        let found = nvidia(DEVICE, Some(Ok(vec![gpu()])), toolkit(true), &cuda);
        assert_eq!(found[1].status(), Status::Ok);
    }

    #[test]
    fn each_trouble_with_the_driver_has_its_own_way_out() {
        let help = |problem| shown(nvidia(DEVICE, problem, toolkit(true), &wanted(&[])));
        assert!(help(None).contains("nvidia-smi"));
        assert!(help(Some(Err(NvidiaProblem::NoDriver))).contains("modprobe nvidia"));
        assert!(help(Some(Err(NvidiaProblem::Mismatch))).contains("sudo reboot"));
        let bus_only = Graphics {
            nvidia_device: false,
            ..DEVICE
        };
        let found = shown(nvidia(bus_only, None, toolkit(true), &wanted(&[])));
        assert!(found.contains("no driver"), "{found}");
    }

    #[test]
    fn an_amd_device_needs_its_group_and_render_devices() {
        let render = ["/dev/dri/renderD128".to_owned()];
        let outside = || {
            Some(Membership::Outside {
                group: "render".into(),
            })
        };
        let found = shown(rocm("MI210", &render, outside(), "alice", &wanted(&[])));
        assert!(found.contains("usermod -aG render,video alice"), "{found}");
        let found = shown(rocm(
            "MI210",
            &[],
            Some(Membership::Open),
            "alice",
            &wanted(&[]),
        ));
        assert!(found.contains("no render device"), "{found}");
        let found = rocm(
            "MI210",
            &render,
            Some(Membership::Open),
            "alice",
            &wanted(&[]),
        );
        assert!(found.iter().all(|finding| finding.status() == Status::Ok));
    }

    #[test]
    fn a_machine_without_gpu_is_ready() {
        let finding = none(&wanted(&["amd64-cuda", "amd64-cpu"]));
        assert_eq!(finding.status(), Status::Ok);
        assert!(shown(vec![finding]).contains("amd64-cuda can be built here"));
    }
}
