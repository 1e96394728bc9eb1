//! Which driver and which GPU a version of CUDA needs, as NVIDIA publishes it.

use super::dotted::{Capability, Dotted};

/// The driver that each CUDA toolkit came with on Linux, newest first: a driver supports the CUDA
/// of its row and those below. From the table "CUDA Toolkit and Corresponding Driver Versions" of
/// the CUDA Toolkit release notes (<https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/>),
/// the first release of each version.
const DRIVERS: [(&str, &str); 26] = [
    ("13.3", "610.43.02"),
    ("13.2", "595.45.04"),
    ("13.1", "590.44.01"),
    ("13.0", "580.65.06"),
    ("12.9", "575.51.03"),
    ("12.8", "570.26"),
    ("12.6", "560.28.03"),
    ("12.5", "555.42.02"),
    ("12.4", "550.54.14"),
    ("12.3", "545.23.06"),
    ("12.2", "535.54.03"),
    ("12.1", "530.30.02"),
    ("12.0", "525.60.13"),
    ("11.8", "520.61.05"),
    ("11.7", "515.43.04"),
    ("11.6", "510.39.01"),
    ("11.5", "495.29.05"),
    ("11.4", "470.42.01"),
    ("11.3", "465.19.01"),
    ("11.2", "460.27.03"),
    ("11.1", "455.23"),
    ("11.0", "450.36.06"),
    ("10.2", "440.33"),
    ("10.1", "418.39"),
    ("10.0", "410.48"),
    ("9.0", "384.81"),
];

/// The oldest driver on which programs of any CUDA of a major version run (minor version
/// compatibility, since CUDA 11). From the table "CUDA Toolkit and Minimum Required Driver Version
/// for CUDA Minor Version Compatibility" of the same release notes.
const OLDEST_DRIVERS: [(u32, &str); 3] = [(13, "580"), (12, "525.60.13"), (11, "450.80.02")];

/// The least that a GPU must be able to compute for the libraries of a major version of CUDA.
/// From the release notes and the lists "Deprecated Functionality" of cuFFT and cuBLAS: 11.0
/// removed 3.0, 12.0 removed 3.5 and 3.7, 13.0 removed all before 7.5.
const OLDEST_CAPABILITIES: [(u32, Capability); 5] = [
    (13, Capability::new(7, 5)),
    (12, Capability::new(5, 0)),
    (11, Capability::new(3, 5)),
    (10, Capability::new(3, 0)),
    (9, Capability::new(3, 0)),
];

/// What a driver supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supported {
    /// This CUDA and older ones.
    UpTo(Dotted),
    /// This CUDA at least: the driver is newer than what we know of.
    AtLeast(Dotted),
    /// The driver is older than all that we know of.
    Nothing,
}

/// The newest CUDA that a driver supports.
pub fn supported_by(driver: &Dotted) -> Supported {
    for (row, (cuda, first)) in DRIVERS.iter().enumerate() {
        let (Some(cuda), Some(first)) = (Dotted::parse(cuda), Dotted::parse(first)) else {
            continue;
        };
        if *driver >= first {
            return if row == 0 {
                Supported::AtLeast(cuda)
            } else {
                Supported::UpTo(cuda)
            };
        }
    }
    Supported::Nothing
}

/// The oldest driver on which programs of a CUDA version run; `None` for versions that are newer
/// or older than those published here.
pub fn oldest_driver(cuda: &Dotted) -> Option<Dotted> {
    let of_major = OLDEST_DRIVERS
        .iter()
        .find(|(major, _)| *major == cuda.major())
        .and_then(|(_, driver)| Dotted::parse(driver));
    [of_major, own_driver(cuda)].into_iter().flatten().min()
}

/// The driver that a CUDA version came with.
pub fn own_driver(cuda: &Dotted) -> Option<Dotted> {
    let short = cuda.short();
    let (_, driver) = DRIVERS.iter().find(|(version, _)| *version == short)?;
    Dotted::parse(driver)
}

/// The least that a GPU must be able to compute for a CUDA version. Newer GPUs than a CUDA knows
/// are no matter of versions: they run what was compiled to PTX.
pub fn oldest_capability(cuda: &Dotted) -> Option<Capability> {
    let (_, capability) = OLDEST_CAPABILITIES
        .iter()
        .find(|(major, _)| *major == cuda.major())?;
    Some(*capability)
}

/// The GPUs that a program was compiled for, as `TORCH_CUDA_ARCH_LIST` says: `8.0 8.6 9.0+PTX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Architectures {
    text: String,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    capability: Capability,
    kind: Kind,
    /// Compiled to PTX too, which drivers translate for every newer GPU.
    ptx: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Runs on this generation from this step on.
    Plain,
    /// `9.0a` runs on exactly these GPUs.
    Exact,
    /// `10.0f` runs on its family, which is the generation from this step on.
    Family,
}

/// The names that `TORCH_CUDA_ARCH_LIST` may hold in place of numbers, and what `PyTorch` makes of
/// them (`torch/utils/cpp_extension.py`).
const NAMES: [(&str, &str); 13] = [
    ("Kepler+Tesla", "3.7"),
    ("Kepler", "3.5+PTX"),
    ("Maxwell+Tegra", "5.3"),
    ("Maxwell", "5.0;5.2+PTX"),
    ("Pascal", "6.0;6.1+PTX"),
    ("Volta+Tegra", "7.2"),
    ("Volta", "7.0+PTX"),
    ("Turing", "7.5+PTX"),
    ("Ampere+Tegra", "8.7"),
    ("Ampere", "8.0;8.6+PTX"),
    ("Ada", "8.9+PTX"),
    ("Hopper", "9.0+PTX"),
    ("Blackwell", "10.0;12.0+PTX"),
];

impl Architectures {
    /// Reads a list, whose entries stand apart by spaces or semicolons; `None` when an entry is
    /// not understood, or there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let targets = targets(text)?;
        (!targets.is_empty()).then(|| Self {
            text: text.trim().to_owned(),
            targets,
        })
    }

    /// Whether a GPU runs what was compiled for these.
    pub fn run_on(&self, gpu: Capability) -> bool {
        self.targets.iter().any(|target| {
            let own = match target.kind {
                Kind::Exact => gpu == target.capability,
                Kind::Plain | Kind::Family => {
                    gpu.major == target.capability.major && gpu.minor >= target.capability.minor
                }
            };
            own || (target.ptx && gpu >= target.capability)
        })
    }

    /// The list as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn targets(text: &str) -> Option<Vec<Target>> {
    let mut targets = Vec::new();
    let entries = text.split([' ', ';', ',']).filter(|part| !part.is_empty());
    for entry in entries {
        if let Some((_, meaning)) = NAMES.iter().find(|(name, _)| *name == entry) {
            targets.extend(meaning.split(';').filter_map(target));
        } else {
            targets.push(target(entry)?);
        }
    }
    Some(targets)
}

fn target(entry: &str) -> Option<Target> {
    let (entry, ptx) = match entry.strip_suffix("+PTX") {
        Some(entry) => (entry, true),
        None => (entry, false),
    };
    let (entry, kind) = match (entry.strip_suffix('a'), entry.strip_suffix('f')) {
        (Some(entry), _) => (entry, Kind::Exact),
        (_, Some(entry)) => (entry, Kind::Family),
        _ => (entry, Kind::Plain),
    };
    let capability = Capability::parse(entry)?;
    // What is compiled for one exact GPU has no PTX for others.
    let ptx = ptx && kind == Kind::Plain;
    Some(Target {
        capability,
        kind,
        ptx,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dotted(text: &str) -> Dotted {
        Dotted::parse(text).expect("a version")
    }

    #[test]
    fn a_driver_supports_the_cuda_that_it_came_with_and_older_ones() {
        let supported = |driver| match supported_by(&dotted(driver)) {
            Supported::UpTo(cuda) => format!("<= {cuda}"),
            Supported::AtLeast(cuda) => format!(">= {cuda}"),
            Supported::Nothing => "nothing".to_owned(),
        };
        for (driver, cuda) in [
            ("610.43.02", ">= 13.3"),
            ("700.1", ">= 13.3"),
            ("580.95.05", "<= 13.0"),
            ("570.124.06", "<= 12.8"),
            ("550.54.13", "<= 12.3"),
            ("535.104.05", "<= 12.2"),
            ("470.57.02", "<= 11.4"),
            ("418.87", "<= 10.1"),
            ("340.108", "nothing"),
        ] {
            assert_eq!(supported(driver), cuda, "{driver}");
        }
    }

    #[test]
    fn the_table_goes_down_without_a_step_back() {
        for rows in DRIVERS.windows(2) {
            assert!(dotted(rows[0].0) > dotted(rows[1].0), "{rows:?}");
            assert!(dotted(rows[0].1) > dotted(rows[1].1), "{rows:?}");
        }
    }

    #[test]
    fn minor_versions_are_compatible_since_cuda_11() {
        let oldest = |cuda| oldest_driver(&dotted(cuda)).map(|driver| driver.to_string());
        for (cuda, driver) in [
            ("13.1", Some("580")),
            ("12.4.1.003", Some("525.60.13")),
            ("12.0", Some("525.60.13")),
            ("11.8.0", Some("450.80.02")),
            ("11.0.3", Some("450.36.06")),
            ("10.2.89", Some("440.33")),
            ("10.1", Some("418.39")),
            ("14.0", None),
            ("7.5", None),
        ] {
            assert_eq!(oldest(cuda).as_deref(), driver, "{cuda}");
        }
    }

    #[test]
    fn each_major_cuda_leaves_old_gpus_behind() {
        assert_eq!(
            oldest_capability(&dotted("13.0")),
            Some(Capability::new(7, 5))
        );
        assert_eq!(
            oldest_capability(&dotted("12.8")),
            Some(Capability::new(5, 0))
        );
        assert_eq!(oldest_capability(&dotted("14.0")), None);
    }

    #[test]
    fn compiled_programs_run_on_later_steps_of_their_generation() {
        let list = Architectures::parse("5.2 6.0 6.1 7.0 7.2 7.5 8.0 8.6 9.0").expect("a list");
        let runs = |major, minor| list.run_on(Capability::new(major, minor));
        assert!(runs(8, 9) && runs(8, 0) && runs(5, 3) && runs(9, 0));
        assert!(!runs(5, 0) && !runs(3, 7) && !runs(10, 0) && !runs(12, 0));
    }

    #[test]
    fn ptx_runs_on_everything_newer() {
        let list = Architectures::parse("7.5;8.0+PTX").expect("a list");
        assert!(list.run_on(Capability::new(12, 0)));
        assert!(!list.run_on(Capability::new(7, 0)));
        let exact = Architectures::parse("9.0a").expect("a list");
        assert!(exact.run_on(Capability::new(9, 0)));
        assert!(!exact.run_on(Capability::new(10, 0)));
        let family = Architectures::parse("10.0f").expect("a list");
        assert!(family.run_on(Capability::new(10, 3)) && !family.run_on(Capability::new(12, 0)));
    }

    #[test]
    fn names_of_generations_are_understood_and_others_are_not_guessed() {
        let ampere = Architectures::parse("Ampere").expect("a list");
        assert!(ampere.run_on(Capability::new(8, 9)) && ampere.run_on(Capability::new(12, 0)));
        assert!(!ampere.run_on(Capability::new(7, 5)));
        for other in ["", "  ", "All", "8.0;native", "sm_80"] {
            assert_eq!(Architectures::parse(other), None, "{other}");
        }
    }
}
