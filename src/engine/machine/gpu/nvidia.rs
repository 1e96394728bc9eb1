//! What `nvidia-smi` says.

use super::dotted::{Capability, Dotted};
use crate::process::Invocation;

/// A GPU that NVIDIA's driver drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvidiaGpu {
    /// Its number, in the order of the PCI bus: what container engines take as well.
    pub index: u32,
    /// `GPU-` and a UUID, the same after any change of the machine.
    pub uuid: String,
    /// Its product name.
    pub name: String,
    /// Its memory in MiB; some devices do not say.
    pub memory: Option<u64>,
    /// The driver's version.
    pub driver: Dotted,
    /// What it can compute; drivers before 510 do not say.
    pub capability: Option<Capability>,
    /// It is divided into MIG devices.
    pub is_divided: bool,
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

impl NvidiaProblem {
    /// The problem in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoDriver => "NVIDIA's driver is installed, but not loaded".to_owned(),
            Self::Mismatch => {
                "NVIDIA's driver was updated, and the old one is still loaded".to_owned()
            }
            Self::NoDevice(said) => format!("NVIDIA's driver has no GPU to offer: {said}"),
            Self::Other(said) => format!("nvidia-smi fails: {said}"),
        }
    }
}

/// What is asked, in the order of the answer's columns. The name comes last, since it may contain
/// commas. `compute_cap` is known since driver 510, `mig.mode.current` since 450.
const FIELDS: [&str; 7] = [
    "index",
    "uuid",
    "driver_version",
    "memory.total",
    "compute_cap",
    "mig.mode.current",
    "name",
];

/// What can be left out for a driver that does not know it.
const NEWER_FIELDS: [&str; 2] = ["compute_cap", "mig.mode.current"];

/// A question for `nvidia-smi` about all GPUs, and how its answer is read.
#[derive(Debug, Clone)]
pub struct NvidiaQuery {
    fields: Vec<&'static str>,
}

impl Default for NvidiaQuery {
    fn default() -> Self {
        Self {
            fields: FIELDS.to_vec(),
        }
    }
}

impl NvidiaQuery {
    /// The question, for the program of this name or path.
    pub fn invocation(&self, program: &str) -> Invocation {
        Invocation::new(program).args([
            format!("--query-gpu={}", self.fields.join(",")),
            "--format=csv,noheader,nounits".to_owned(),
        ])
    }

    /// The same question without what this driver does not know:
    /// `Field "compute_cap" is not a valid field to query.` Such an answer names the first.
    pub fn without_unknown(mut self, output: &str) -> Option<Self> {
        let unknown = output.lines().find_map(|line| {
            line.trim()
                .strip_prefix("Field \"")?
                .strip_suffix("\" is not a valid field to query.")
        })?;
        let known = self.fields.len();
        self.fields
            .retain(|field| *field != unknown || !NEWER_FIELDS.contains(field));
        (self.fields.len() < known).then_some(self)
    }

    /// Reads the answer; errors are on standard output as well.
    ///
    /// # Errors
    /// Why there is no GPU to name.
    pub fn read(&self, success: bool, output: &str) -> Result<Vec<NvidiaGpu>, NvidiaProblem> {
        let gpus: Vec<NvidiaGpu> = output.lines().filter_map(|line| self.gpu(line)).collect();
        if success && !gpus.is_empty() {
            return Ok(gpus);
        }
        Err(problem(output))
    }

    /// One line. `[N/A]`, `[Not Supported]`, `[GPU is lost]` stand where there is no value.
    fn gpu(&self, line: &str) -> Option<NvidiaGpu> {
        let values: Vec<&str> = line.splitn(self.fields.len(), ", ").collect();
        let value = |field: &str| {
            let at = self.fields.iter().position(|known| *known == field)?;
            let value = values.get(at)?.trim();
            (!value.is_empty() && !value.starts_with('[')).then_some(value)
        };
        Some(NvidiaGpu {
            index: value("index")?.parse().ok()?,
            uuid: value("uuid")?.to_owned(),
            name: value("name")?.to_owned(),
            memory: value("memory.total").and_then(|value| value.parse().ok()),
            driver: Dotted::parse(value("driver_version")?)?,
            capability: value("compute_cap").and_then(Capability::parse),
            is_divided: value("mig.mode.current") == Some("Enabled"),
        })
    }
}

/// What an answer without GPUs means.
fn problem(output: &str) -> NvidiaProblem {
    let lost = |line: &&str| line.contains("GPU is lost");
    let mut lines = output.lines().filter(|line| !line.trim().is_empty());
    let said = (lines.clone().find(lost))
        .or_else(|| lines.next())
        .unwrap_or("it said nothing");
    let said = said.trim().to_owned();
    let lower = output.to_lowercase();
    if lower.contains("version mismatch") {
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
    }
}

/// What only the long answer of `nvidia-smi -q` says. It takes a while, so it is asked for only
/// where something depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NvidiaDetails {
    /// The newest CUDA that the driver supports.
    pub cuda: Option<Dotted>,
    /// What kind of product each GPU is, in the order of their numbers: `Tesla`, `GeForce`.
    pub brands: Vec<String>,
}

impl NvidiaDetails {
    /// The question, for the program of this name or path.
    pub fn invocation(program: &str) -> Invocation {
        Invocation::new(program).arg("-q")
    }

    /// Reads the answer, lines of `Name : value`. Where there is no value stands `Not Found`,
    /// `N/A` or `ERR!`.
    pub fn read(output: &str) -> Self {
        let mut details = Self::default();
        for line in output.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            match name.trim() {
                "CUDA Version" => details.cuda = Dotted::parse(value),
                "Product Brand" => details.brands.push(value.trim().to_owned()),
                _ => {}
            }
        }
        details
    }
}

/// A part of a GPU that is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigDevice {
    /// The number of its GPU.
    pub gpu: u32,
    /// Its number among the parts of that GPU.
    pub index: u32,
    /// `MIG-` and a UUID; drivers before 470 make it from the GPU's: `MIG-GPU-…/7/0`.
    pub uuid: String,
    /// Its size, such as `3g.20gb`.
    pub profile: String,
}

/// The question that [`parse_mig_devices`] reads the answer of.
pub fn mig_query(program: &str) -> Invocation {
    Invocation::new(program).arg("-L")
}

/// Reads `nvidia-smi -L`, where the parts of a GPU stand below it:
/// `GPU 0: NVIDIA A100 (UUID: GPU-…)`, `  MIG 3g.20gb     Device  0: (UUID: MIG-…)`.
pub fn parse_mig_devices(output: &str) -> Vec<MigDevice> {
    let mut devices = Vec::new();
    let mut gpu = None;
    for line in output.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("GPU ") {
            gpu = rest
                .split_once(':')
                .and_then(|(index, _)| index.parse().ok());
        } else if let Some(rest) = line.strip_prefix("MIG ") {
            devices.extend(gpu.and_then(|gpu| mig_device(gpu, rest)));
        }
    }
    devices
}

fn mig_device(gpu: u32, rest: &str) -> Option<MigDevice> {
    let (profile, rest) = rest.split_once("Device")?;
    let (index, rest) = rest.split_once(':')?;
    let uuid = rest.trim().strip_prefix("(UUID:")?.strip_suffix(')')?;
    Some(MigDevice {
        gpu,
        index: index.trim().parse().ok()?,
        uuid: uuid.trim().to_owned(),
        profile: profile.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests;
