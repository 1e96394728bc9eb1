//! Whether the GPUs of a machine do for an image.

use super::cuda::{self, Supported};
use super::dotted::Dotted;
use super::image::ImageNeeds;
use super::kfd::KfdGpu;
use super::nvidia::{NvidiaDetails, NvidiaGpu};
use super::requirement::{Facts, Met, Requirement};

/// Judges NVIDIA's GPUs. `details` asks the driver for more; it is called only where the answer
/// depends on it.
///
/// Gives what a person should know although the image runs: GPUs among them that do not do.
///
/// # Errors
/// Why the image does not run on them, as the first half of a sentence.
pub fn judge_nvidia(
    needs: &ImageNeeds,
    gpus: &[NvidiaGpu],
    details: impl FnOnce() -> NvidiaDetails,
) -> Result<Option<String>, String> {
    let mut asked = Asked::No(details);
    // NVIDIA's runtime looks at each GPU that a container gets, and one is enough to refuse it.
    for gpu in gpus {
        judge_driver(needs, gpu, &mut asked)?;
    }
    let unfit: Vec<&NvidiaGpu> = gpus
        .iter()
        .filter(|gpu| too_different(needs, gpu).is_some())
        .collect();
    let Some(worst) = unfit.first() else {
        return Ok(None);
    };
    let why = too_different(needs, worst).unwrap_or_default();
    if unfit.len() == gpus.len() {
        return Err(format!(
            "this machine's GPU {} (compute capability {}) {why}",
            worst.name,
            capability(worst)
        ));
    }
    let fit: Vec<String> = gpus
        .iter()
        .filter(|gpu| !unfit.contains(gpu))
        .map(|gpu| gpu.index.to_string())
        .collect();
    Ok(Some(format!(
        "GPU {}, {} (compute capability {}), {why}; `--gpus {}` leaves it out",
        worst.index,
        worst.name,
        capability(worst),
        fit.join(",")
    )))
}

/// The long answer, asked for once.
enum Asked<F> {
    No(F),
    Now,
    Yes(NvidiaDetails),
}

impl<F: FnOnce() -> NvidiaDetails> Asked<F> {
    fn details(&mut self) -> &NvidiaDetails {
        if matches!(self, Self::No(_))
            && let Self::No(ask) = std::mem::replace(self, Self::Now)
        {
            *self = Self::Yes(ask());
        }
        static NOTHING: NvidiaDetails = NvidiaDetails {
            cuda: None,
            brands: Vec::new(),
        };
        match self {
            Self::Yes(details) => details,
            _ => &NOTHING,
        }
    }
}

fn judge_driver<F: FnOnce() -> NvidiaDetails>(
    needs: &ImageNeeds,
    gpu: &NvidiaGpu,
    asked: &mut Asked<F>,
) -> Result<(), String> {
    let supported = cuda::supported_by(&gpu.driver);
    let mut relies_on_driver = false;
    for requirement in &needs.requirements {
        relies_on_driver |= require(requirement, gpu, &supported, asked)?;
    }
    let Some(cuda) = &needs.cuda else {
        return Ok(());
    };
    let too_old = match cuda::oldest_driver(cuda) {
        Some(oldest) => (gpu.driver < oldest).then(|| format!(">= {oldest}")),
        // A CUDA that is newer than the tables: a driver in them knows none of its generation.
        None => match &supported {
            Supported::UpTo(newest) if newest.major() < cuda.major() => {
                Some(format!("one for CUDA {}", cuda.major()))
            }
            _ => None,
        },
    };
    let Some(needed) = too_old else {
        return Ok(());
    };
    if !relies_on_driver && !needs.brings_driver_library {
        return Err(older(&gpu.driver, cuda, &needed));
    }
    // The image's own driver library works on GPUs for data centers and some for work stations.
    // https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
    let name = gpu.name.to_lowercase();
    if name.contains("geforce") || name.contains("titan") {
        return Err(format!(
            "{}, and what the image brings for older drivers does not work on a {}",
            older(&gpu.driver, cuda, &needed),
            gpu.name
        ));
    }
    Ok(())
}

/// Checks one requirement as NVIDIA's runtime does; gives whether it holds only because it admits
/// this driver by its own version.
fn require<F: FnOnce() -> NvidiaDetails>(
    requirement: &Requirement,
    gpu: &NvidiaGpu,
    supported: &Supported,
    asked: &mut Asked<F>,
) -> Result<bool, String> {
    let mut facts = Facts {
        cuda: match supported {
            Supported::UpTo(cuda) | Supported::AtLeast(cuda) => Some(cuda.clone()),
            Supported::Nothing => Dotted::parse("0"),
        },
        driver: Some(gpu.driver.clone()),
        capability: gpu.capability,
        // No brand is called so: what depends on it does not hold as long as it is not asked for.
        brand: Some("?"),
    };
    let mut met = requirement.met(&facts);
    let may_change = requirement.names_brands() || matches!(supported, Supported::AtLeast(_));
    if met == Met::Not && may_change {
        let details = asked.details();
        if let (Supported::AtLeast(_), Some(cuda)) = (supported, &details.cuda) {
            facts.cuda = Some(cuda.clone());
        }
        let position = usize::try_from(gpu.index).unwrap_or(usize::MAX);
        facts.brand = details.brands.get(position).map(String::as_str);
        met = requirement.met(&facts);
    }
    match met {
        Met::Always => Ok(false),
        Met::By(alternative) => Ok(alternative.names_drivers()),
        Met::Not => Err(unmet(requirement, gpu, supported)),
    }
}

fn unmet(requirement: &Requirement, gpu: &NvidiaGpu, supported: &Supported) -> String {
    let too_old = requirement.cuda().filter(|cuda| match supported {
        Supported::UpTo(newest) | Supported::AtLeast(newest) => newest < cuda,
        Supported::Nothing => true,
    });
    match too_old {
        Some(cuda) => {
            let needed = cuda::own_driver(&cuda).map_or_else(
                || format!("one for CUDA {}", cuda.short()),
                |driver| format!(">= {driver}"),
            );
            older(&gpu.driver, &cuda, &needed)
        }
        None => format!(
            "the image does not admit this machine's {} with driver {}: it requires `{}`",
            gpu.name,
            gpu.driver,
            requirement.first()
        ),
    }
}

fn older(driver: &Dotted, cuda: &Dotted, needed: &str) -> String {
    format!(
        "this machine's NVIDIA driver {driver} is older than CUDA {} of the image needs ({needed})",
        cuda.short()
    )
}

fn capability(gpu: &NvidiaGpu) -> String {
    gpu.capability
        .map(|capability| capability.to_string())
        .unwrap_or_default()
}

/// Why the image's programs do not run on a GPU; a GPU that does not say what it can compute is
/// not judged.
fn too_different(needs: &ImageNeeds, gpu: &NvidiaGpu) -> Option<String> {
    let own = gpu.capability?;
    if let Some(list) = &needs.architectures {
        return (!list.run_on(own)).then(|| {
            format!(
                "is none that the image is compiled for (TORCH_CUDA_ARCH_LIST: {})",
                list.text()
            )
        });
    }
    let cuda = needs.cuda.as_ref()?;
    let oldest = cuda::oldest_capability(cuda)?;
    (own < oldest).then(|| {
        format!(
            "is too old for CUDA {} of the image (>= {oldest})",
            cuda.short()
        )
    })
}

/// Judges AMD's GPUs, as [`judge_nvidia`] does NVIDIA's.
///
/// # Errors
/// Why the image does not run on them.
pub fn judge_amd(needs: &ImageNeeds, gpus: &[KfdGpu]) -> Result<Option<String>, String> {
    if gpus.is_empty() {
        return Err("the driver behind /dev/kfd has no GPU that computes".to_owned());
    }
    if needs.targets.is_empty() {
        return Ok(None);
    }
    let runs = |gpu: &&KfdGpu| {
        let target = needs.taken_for.as_ref().unwrap_or(&gpu.target);
        needs.targets.contains(target)
    };
    let (fit, unfit): (Vec<&KfdGpu>, Vec<&KfdGpu>) = gpus.iter().partition(runs);
    let Some(worst) = unfit.first() else {
        return Ok(None);
    };
    let why = format!(
        "is none that the image is compiled for (PYTORCH_ROCM_ARCH: {})",
        needs.targets.join(" ")
    );
    if fit.is_empty() {
        return Err(format!("this machine's GPU {} {why}", worst.shown()));
    }
    let fit: Vec<String> = fit.iter().map(|gpu| gpu.index.to_string()).collect();
    Ok(Some(format!(
        "GPU {}, {}, {why}; `--gpus {}` leaves it out",
        worst.index,
        worst.shown(),
        fit.join(",")
    )))
}

#[cfg(test)]
mod tests;
