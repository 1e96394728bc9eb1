//! NVIDIA's GPUs as the kernel's driver describes them, for machines without its tools.

use super::super::Machine;
use super::dotted::Dotted;
use super::nvidia::NvidiaGpu;

/// Where NVIDIA's kernel driver describes itself and its GPUs.
const DRIVER: &str = "/proc/driver/nvidia";

/// Where the Windows Subsystem for Linux puts NVIDIA's tools, which is not always on PATH.
const WINDOWS_TOOL: &str = "/usr/lib/wsl/lib/nvidia-smi";

impl Machine {
    /// The program to ask NVIDIA's driver with; `None` when there is none.
    pub fn nvidia_tool(&self) -> Option<&'static str> {
        if which::which("nvidia-smi").is_ok() {
            Some("nvidia-smi")
        } else {
            self.has(WINDOWS_TOOL).then_some(WINDOWS_TOOL)
        }
    }

    /// The GPUs of the driver that is loaded, in the order of the PCI bus. What they can compute
    /// is not said.
    pub fn loaded_nvidia_gpus(&self) -> Vec<NvidiaGpu> {
        let Some(driver) = self
            .text(&format!("{DRIVER}/version"))
            .and_then(|text| driver_version(&text))
        else {
            return Vec::new();
        };
        let mut places = self.names(&format!("{DRIVER}/gpus"));
        places.sort();
        let mut gpus = Vec::new();
        for place in places {
            let information = self
                .text(&format!("{DRIVER}/gpus/{place}/information"))
                .unwrap_or_default();
            let value = |name: &str| {
                let mut lines = information.lines().filter_map(|line| line.split_once(':'));
                let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
                Some(value.trim().to_owned())
            };
            let Ok(index) = u32::try_from(gpus.len()) else {
                break;
            };
            gpus.push(NvidiaGpu {
                index,
                uuid: value("GPU UUID").unwrap_or_default(),
                name: value("Model").unwrap_or_else(|| "NVIDIA GPU".to_owned()),
                memory: None,
                driver: driver.clone(),
                capability: None,
                is_divided: false,
            });
        }
        gpus
    }
}

/// The version in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 …`, or in
/// that of the open driver: `NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build …`.
fn driver_version(text: &str) -> Option<Dotted> {
    let line = text.lines().find(|line| line.starts_with("NVRM version"))?;
    line.split_whitespace()
        .filter(|word| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .find_map(Dotted::parse)
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::machine;
    use super::*;

    #[test]
    fn the_kernel_knows_driver_and_gpus() {
        let (_root, machine) = machine(&[
            (
                "/proc/driver/nvidia/version",
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n\
                 GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
            ),
            (
                "/proc/driver/nvidia/gpus/0000:4f:00.0/information",
                "Model: \t\t NVIDIA RTX A6000\nIRQ:   \t\t 87\nGPU UUID: \t GPU-880b8a57-8586-fe40-bec5-fb703f80ff91\nDevice Minor: \t 1\n",
            ),
            (
                "/proc/driver/nvidia/gpus/0000:01:00.0/information",
                "Model: \t\t Tesla T4\nGPU UUID: \t GPU-????????-????-????-????-????????????\n",
            ),
        ]);
        let gpus = machine.loaded_nvidia_gpus();
        let shown: Vec<(u32, &str)> = gpus
            .iter()
            .map(|gpu| (gpu.index, gpu.name.as_str()))
            .collect();
        assert_eq!(shown, [(0, "Tesla T4"), (1, "NVIDIA RTX A6000")]);
        assert_eq!(gpus[1].uuid, "GPU-880b8a57-8586-fe40-bec5-fb703f80ff91");
        assert_eq!(gpus[0].driver.to_string(), "535.104.05");
    }

    #[test]
    fn the_open_driver_writes_its_version_elsewhere_in_the_line() {
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build  (dvs-builder@U16)\n";
        let version = driver_version(open).map(|version| version.to_string());
        assert_eq!(version.as_deref(), Some("550.54.14"));
        assert_eq!(driver_version("GCC version: 12.2.0\n"), None);
    }

    #[test]
    fn without_a_loaded_driver_there_is_nothing() {
        assert_eq!(machine(&[]).1.loaded_nvidia_gpus(), []);
    }
}
