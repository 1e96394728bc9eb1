//! What an image needs of a GPU, as its environment variables say.

use super::cuda::Architectures;
use super::dotted::Dotted;
use super::requirement::Requirement;

/// What an image says of the GPUs that it is made for. Images that say nothing run on any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageNeeds {
    /// What NVIDIA's container runtime checks before it starts a container: all of them must hold.
    pub requirements: Vec<Requirement>,
    /// The CUDA that its programs use.
    pub cuda: Option<Dotted>,
    /// It brings a CUDA driver library of its own for older drivers (forward compatibility), and
    /// chooses it by itself.
    pub brings_driver_library: bool,
    /// The NVIDIA GPUs that its programs were compiled for.
    pub architectures: Option<Architectures>,
    /// The AMD GPUs that its programs were compiled for: `gfx90a`, `gfx1100`.
    pub targets: Vec<String>,
    /// The AMD GPU that every other one is taken for, as `HSA_OVERRIDE_GFX_VERSION` says.
    pub taken_for: Option<String>,
}

impl ImageNeeds {
    /// Reads the environment of a container of the image.
    ///
    /// - `NVIDIA_REQUIRE_*`: conditions, which NVIDIA's container runtime checks as well, unless
    ///   `NVIDIA_DISABLE_REQUIRE` is true. Those on Jetson's software (`NVIDIA_REQUIRE_JETPACK*`)
    ///   are not for it either.
    /// - `CUDA_VERSION`, in images of NVIDIA and made from them.
    /// - `_CUDA_COMPAT_PATH`, in NVIDIA's images for frameworks: where they keep their own CUDA
    ///   driver library.
    /// - `TORCH_CUDA_ARCH_LIST`, `PYTORCH_ROCM_ARCH`: what `PyTorch` and its extensions are
    ///   compiled for.
    /// - `HSA_OVERRIDE_GFX_VERSION`: ROCm takes each GPU for this one, `10.3.0` for `gfx1030`.
    ///
    /// # Errors
    /// The requirement that cannot be read, for the container would not start either.
    pub fn read<'a>(
        environment: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, UnreadableRequirement> {
        let mut needs = Self::default();
        let mut is_checked = true;
        let mut requirements = Vec::new();
        for (name, value) in environment {
            match name {
                "NVIDIA_DISABLE_REQUIRE" => is_checked = !is_true(value),
                "CUDA_VERSION" => needs.cuda = Dotted::parse(value),
                "_CUDA_COMPAT_PATH" => needs.brings_driver_library = !value.is_empty(),
                "TORCH_CUDA_ARCH_LIST" => needs.architectures = Architectures::parse(value),
                "PYTORCH_ROCM_ARCH" => needs.targets = targets(value),
                "HSA_OVERRIDE_GFX_VERSION" => needs.taken_for = target_of_version(value),
                name if name.starts_with("NVIDIA_REQUIRE_")
                    && !name.starts_with("NVIDIA_REQUIRE_JETPACK") =>
                {
                    requirements.push((name.to_owned(), value));
                }
                _ => {}
            }
        }
        if is_checked {
            for (variable, value) in requirements {
                let requirement =
                    Requirement::parse(value).map_err(|condition| UnreadableRequirement {
                        variable,
                        condition,
                    })?;
                needs.requirements.push(requirement);
            }
        }
        if needs.cuda.is_none() {
            needs.cuda = needs.requirements.iter().find_map(Requirement::cuda);
        }
        Ok(needs)
    }
}

/// A variable with a requirement that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRequirement {
    /// The variable.
    pub variable: String,
    /// The condition in it that is none.
    pub condition: String,
}

/// The words that Go's `strconv.ParseBool` takes for true, as NVIDIA's runtime does.
fn is_true(value: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True"].contains(&value)
}

/// The GPUs in a list `gfx906;gfx90a:xnack-`; nothing where an entry is no single GPU.
fn targets(text: &str) -> Vec<String> {
    let entries = text
        .split([';', ' ', ','])
        .filter(|entry| !entry.is_empty());
    let targets: Option<Vec<String>> = entries
        .map(|entry| {
            let (target, _) = entry.split_once(':').unwrap_or((entry, ""));
            let number = target.strip_prefix("gfx")?;
            let is_plain = number.len() >= 3 && number.chars().all(|c| c.is_ascii_hexdigit());
            is_plain.then(|| target.to_owned())
        })
        .collect();
    targets.unwrap_or_default()
}

/// `10.3.0` is `gfx1030`; minor and stepping are hexadecimal in the name.
fn target_of_version(text: &str) -> Option<String> {
    let numbers: Vec<u32> = text
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [major, minor, stepping] = numbers[..] else {
        return None;
    };
    Some(target(major, minor, stepping))
}

/// The name of an AMD GPU's instruction set.
pub(super) fn target(major: u32, minor: u32, stepping: u32) -> String {
    format!("gfx{major}{minor:x}{stepping:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(environment: &[(&str, &str)]) -> ImageNeeds {
        ImageNeeds::read(environment.iter().copied()).expect("it can be read")
    }

    #[test]
    fn an_image_that_says_nothing_needs_nothing() {
        let python = needs(&[("PATH", "/usr/bin"), ("PYTHON_VERSION", "3.12.4")]);
        assert_eq!(python, ImageNeeds::default());
    }

    #[test]
    fn all_requirements_count_unless_they_are_disabled() {
        let environment = [
            ("NVIDIA_REQUIRE_CUDA", "cuda>=12.4 brand=tesla,driver>=535"),
            ("NVIDIA_REQUIRE_ARCH", "arch>=7.0"),
            ("NVIDIA_REQUIRE_JETPACK_HOST_MOUNTS", "no expression"),
        ];
        let read = needs(&environment);
        assert_eq!(read.requirements.len(), 2);
        assert_eq!(read.cuda, Dotted::parse("12.4"));
        let disabled = [&environment[..], &[("NVIDIA_DISABLE_REQUIRE", "true")]].concat();
        assert_eq!(needs(&disabled), ImageNeeds::default());
        let enabled = [&environment[..], &[("NVIDIA_DISABLE_REQUIRE", "0")]].concat();
        assert_eq!(needs(&enabled).requirements.len(), 2);
    }

    #[test]
    fn the_image_s_own_word_for_its_cuda_counts_first() {
        let framework = needs(&[
            ("NVIDIA_REQUIRE_CUDA", "cuda>=9.0"),
            ("CUDA_VERSION", "12.4.1.003"),
            ("_CUDA_COMPAT_PATH", "/usr/local/cuda/compat"),
            ("TORCH_CUDA_ARCH_LIST", "8.0 9.0+PTX"),
        ]);
        assert_eq!(framework.cuda.map(|cuda| cuda.short()), Some("12.4".into()));
        assert!(framework.brings_driver_library);
        assert_eq!(
            framework.architectures.map(|list| list.text().to_owned()),
            Some("8.0 9.0+PTX".into())
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_variable() {
        let environment = [("NVIDIA_REQUIRE_CUDA", "cuda>=12.4 cuda~12")];
        assert_eq!(
            ImageNeeds::read(environment.into_iter()),
            Err(UnreadableRequirement {
                variable: "NVIDIA_REQUIRE_CUDA".into(),
                condition: "cuda~12".into()
            })
        );
    }

    #[test]
    fn amd_gpus_are_listed_by_their_instruction_sets() {
        let rocm = needs(&[("PYTORCH_ROCM_ARCH", "gfx906;gfx90a:xnack-;gfx1100")]);
        assert_eq!(rocm.targets, ["gfx906", "gfx90a", "gfx1100"]);
        let generic = needs(&[("PYTORCH_ROCM_ARCH", "gfx906;gfx11-generic")]);
        assert_eq!(generic.targets, [""; 0]);
        let taken = needs(&[("HSA_OVERRIDE_GFX_VERSION", "10.3.0")]);
        assert_eq!(taken.taken_for.as_deref(), Some("gfx1030"));
        let taken = needs(&[("HSA_OVERRIDE_GFX_VERSION", "9.0.10")]);
        assert_eq!(taken.taken_for.as_deref(), Some("gfx90a"));
    }
}
