//! GPUs: the device in the machine, its driver, what images need of them, and whether containers
//! get at it.

mod asking;
mod choice;
mod cuda;
mod dotted;
mod image;
mod kfd;
mod loaded;
mod nvidia;
mod requirement;
mod rocm;
mod verdict;

use super::Machine;

pub use choice::{GpuChoice, choose_amd, choose_nvidia};
pub use dotted::{Capability, Dotted};
pub use image::{ImageNeeds, UnreadableRequirement};
pub use kfd::KfdGpu;
pub use nvidia::{NvidiaGpu, NvidiaProblem};
pub use rocm::AmdGpu;
pub use verdict::{judge_amd, judge_nvidia};

/// The vendor of a PCI device, by its PCI vendor id.
const NVIDIA: &str = "0x10de";
const AMD: &str = "0x1002";

/// What GPU devices there are, whatever the drivers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Graphics {
    /// An NVIDIA GPU is on the PCI bus.
    pub nvidia_hardware: bool,
    /// The NVIDIA driver has made its devices (`/dev/nvidiactl`).
    pub nvidia_device: bool,
    /// An AMD GPU for computing or display is on the PCI bus.
    pub amd_hardware: bool,
    /// The AMD driver has made its compute device (`/dev/kfd`).
    pub amd_device: bool,
    /// The GPU of Windows is passed on (`/dev/dxg`).
    pub windows_device: bool,
}

impl Graphics {
    /// Whether there is any sign of an NVIDIA GPU.
    pub fn shows_nvidia(&self) -> bool {
        self.nvidia_hardware || self.nvidia_device || self.windows_device
    }
}

impl Machine {
    /// What GPU devices there are.
    pub fn graphics(&self) -> Graphics {
        let mut graphics = Graphics {
            nvidia_device: self.has("/dev/nvidiactl") || self.has("/dev/nvidia0"),
            amd_device: self.has_amd_device(),
            windows_device: self.has("/dev/dxg"),
            ..Graphics::default()
        };
        let bus = "/sys/bus/pci/devices";
        for device in self.names(bus) {
            let read = |file| {
                self.text(&format!("{bus}/{device}/{file}"))
                    .unwrap_or_default()
            };
            // Class 0x03 is a display controller, 0x12 a processing accelerator (PCI codes).
            let class = read("class");
            if !class.starts_with("0x03") && !class.starts_with("0x12") {
                continue;
            }
            match read("vendor").trim() {
                NVIDIA => graphics.nvidia_hardware = true,
                AMD => graphics.amd_hardware = true,
                _ => {}
            }
        }
        graphics
    }

    /// Whether there is the compute device of AMD's driver.
    pub fn has_amd_device(&self) -> bool {
        self.has("/dev/kfd")
    }

    /// Whether NVIDIA's container toolkit is installed: its hook is what the engine looks for, and
    /// a CDI file is what newer engines read.
    pub fn has_nvidia_toolkit(&self) -> bool {
        let programs = [
            "/usr/bin/nvidia-container-runtime-hook",
            "/usr/local/bin/nvidia-container-runtime-hook",
            "/usr/bin/nvidia-container-toolkit",
        ];
        programs.iter().any(|program| self.has(program)) || self.has_nvidia_cdi()
    }

    /// Whether NVIDIA's GPUs are described for the Container Device Interface.
    fn has_nvidia_cdi(&self) -> bool {
        ["/etc/cdi", "/var/run/cdi", "/run/cdi"]
            .into_iter()
            .flat_map(|directory| {
                self.names(directory)
                    .into_iter()
                    .map(move |name| format!("{directory}/{name}"))
            })
            .filter_map(|path| self.text(&path))
            .any(|text| text.contains("nvidia.com/gpu"))
    }

    /// The render devices (`/dev/dri/renderD128`…), which containers for AMD GPUs need too.
    pub fn render_devices(&self) -> Vec<String> {
        self.names("/dev/dri")
            .into_iter()
            .filter(|name| name.starts_with("renderD"))
            .map(|name| format!("/dev/dri/{name}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::machine;

    #[test]
    fn a_gpu_is_seen_before_its_driver() {
        let (_root, machine) = machine(&[
            ("/sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n"),
            ("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n"),
            // NVIDIA makes network cards too.
            ("/sys/bus/pci/devices/0000:02:00.0/class", "0x020000\n"),
            ("/sys/bus/pci/devices/0000:02:00.0/vendor", "0x1002\n"),
        ]);
        let graphics = machine.graphics();
        assert!(graphics.nvidia_hardware && !graphics.nvidia_device);
        assert!(!graphics.amd_hardware && !graphics.amd_device);
    }

    #[test]
    fn accelerators_without_a_display_count() {
        let (_root, machine) = machine(&[
            ("/sys/bus/pci/devices/0000:c1:00.0/class", "0x120000\n"),
            ("/sys/bus/pci/devices/0000:c1:00.0/vendor", "0x1002\n"),
            ("/dev/kfd", ""),
            ("/dev/dri/card0", ""),
            ("/dev/dri/renderD128", ""),
        ]);
        let graphics = machine.graphics();
        assert!(graphics.amd_hardware && graphics.amd_device);
        assert_eq!(machine.render_devices(), ["/dev/dri/renderD128"]);
    }

    #[test]
    fn the_toolkit_is_a_hook_or_a_description() {
        assert!(!machine(&[]).1.has_nvidia_toolkit());
        let (_root, hook) = machine(&[("/usr/bin/nvidia-container-runtime-hook", "")]);
        assert!(hook.has_nvidia_toolkit());
        let (_root, cdi) = machine(&[("/etc/cdi/nvidia.yaml", "kind: nvidia.com/gpu\n")]);
        assert!(cdi.has_nvidia_toolkit());
        let (_root, other) = machine(&[("/etc/cdi/other.yaml", "kind: vendor.com/net\n")]);
        assert!(!other.has_nvidia_toolkit());
    }
}
