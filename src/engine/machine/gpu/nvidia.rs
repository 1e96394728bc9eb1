//! What `nvidia-smi` says.

use crate::process::Invocation;

/// A GPU that NVIDIA's driver drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvidiaGpu {
    /// Its product name.
    pub name: String,
    /// Its memory in MiB; some devices do not say.
    pub memory: Option<u64>,
    /// The driver's version.
    pub driver: String,
}

/// Why `nvidia-smi` names no GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NvidiaProblem {
    /// The driver is not loaded.
    NoDriver,
    /// The driver was updated, the one in the kernel is the old one.
    Mismatch,
    /// The driver runs and finds no GPU, or has lost it.
    NoDevice(String),
    /// Something else, in its own words.
    Other(String),
}

/// The question that [`parse_nvidia`] reads the answer of.
pub fn nvidia_query() -> Invocation {
    Invocation::new("nvidia-smi").args([
        "--query-gpu=name,memory.total,driver_version",
        "--format=csv,noheader,nounits",
    ])
}

/// Reads the answer to [`nvidia_query`]; errors are on standard output as well.
///
/// # Errors
/// Why there is no GPU to name.
pub fn parse_nvidia(success: bool, output: &str) -> Result<Vec<NvidiaGpu>, NvidiaProblem> {
    let gpus: Vec<NvidiaGpu> = output.lines().filter_map(gpu).collect();
    if success && !gpus.is_empty() {
        return Ok(gpus);
    }
    let said = output.lines().find(|line| !line.trim().is_empty());
    let said = said.unwrap_or("it said nothing").trim().to_owned();
    let lower = output.to_lowercase();
    Err(if lower.contains("version mismatch") {
        NvidiaProblem::Mismatch
    } else if lower.contains("couldn't communicate with the nvidia driver")
        || lower.contains("driver not loaded")
    {
        NvidiaProblem::NoDriver
    } else if lower.contains("no devices were found")
        || lower.contains("gpu is lost")
        || lower.contains("unable to determine the device handle")
    {
        NvidiaProblem::NoDevice(said)
    } else {
        NvidiaProblem::Other(said)
    })
}

/// One line, `name, memory, driver`; a name may contain commas.
fn gpu(line: &str) -> Option<NvidiaGpu> {
    let mut fields = line.rsplitn(3, ", ");
    let driver = fields.next()?.trim();
    let memory = fields.next()?.trim();
    let name = fields.next()?.trim();
    // `[N/A]`, `[Not Supported]`, `[GPU is lost]` stand where there is no value.
    let known = |value: &str| !value.is_empty() && !value.starts_with('[');
    (known(name) && driver.starts_with(|c: char| c.is_ascii_digit())).then(|| NvidiaGpu {
        name: name.to_owned(),
        memory: memory.parse().ok(),
        driver: driver.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_read_line_by_line() {
        let output = "NVIDIA H200, 143771, 570.124.06\nNVIDIA H200, 143771, 570.124.06\n";
        let gpus = parse_nvidia(true, output).expect("two GPUs");
        assert_eq!(gpus.len(), 2);
        assert_eq!(gpus[0].name, "NVIDIA H200");
        assert_eq!(gpus[0].memory, Some(143_771));
        assert_eq!(gpus[0].driver, "570.124.06");
    }

    #[test]
    fn a_gpu_that_shares_the_memory_of_its_machine_does_not_say_how_much() {
        let gpus = parse_nvidia(true, "NVIDIA GB10, [N/A], 580.95.05\n").expect("a GPU");
        assert_eq!(gpus[0].memory, None);
        let gpus = parse_nvidia(true, "Orin (nvgpu), [Not Supported], 540.4.0\n").expect("a GPU");
        assert_eq!(gpus[0].name, "Orin (nvgpu)");
    }

    #[test]
    fn failures_are_told_apart() {
        let problem = |output| parse_nvidia(false, output).expect_err("no GPU");
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
        assert_eq!(
            problem(
                "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  \
                 Reboot the system to recover this GPU\n"
            ),
            NvidiaProblem::NoDevice(
                "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  \
                 Reboot the system to recover this GPU"
                    .into()
            )
        );
        assert_eq!(
            problem("Failed to initialize NVML: Insufficient Permissions\n"),
            NvidiaProblem::Other("Failed to initialize NVML: Insufficient Permissions".into())
        );
        assert_eq!(problem(""), NvidiaProblem::Other("it said nothing".into()));
    }
}
