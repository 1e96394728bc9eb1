//! Facts about this machine that decide what can be built and run on it.
//!
//! Nearly all of them are read from files that the kernel and the distribution keep, below a root
//! that tests replace; GPUs are asked for through the programs of their drivers. Nothing here
//! changes anything.

mod certificates;
mod disk;
mod emulation;
mod gpu;
mod groups;
mod packages;
mod proxies;
mod system;

use std::path::PathBuf;

pub use certificates::{CertificateHint, Certificates};
pub use disk::{free_space, readable_size};
pub use emulation::Emulation;
pub use gpu::{
    AmdGpu, Capability, Dotted, GpuChoice, Graphics, ImageNeeds, KfdGpu, NvidiaGpu, NvidiaProblem,
    UnreadableRequirement, choose_amd, choose_nvidia, judge_amd, judge_nvidia,
};
pub use groups::Membership;
pub use packages::PackageManager;
pub use proxies::{Proxy, proxies};
pub use system::System;

/// The machine, seen through its file system.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        Self { root: "/".into() }
    }

    /// A directory that looks like a machine's root, for tests.
    #[cfg(test)]
    fn at(root: &std::path::Path) -> Self {
        Self { root: root.into() }
    }

    /// A file by its absolute path.
    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    fn has(&self, absolute: &str) -> bool {
        crate::files::exists(&self.path(absolute))
    }

    /// A file's text; an unreadable file is as good as none for a fact.
    fn text(&self, absolute: &str) -> Option<String> {
        let bytes = crate::files::read_if_exists(&self.path(absolute)).ok()??;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names of what a directory contains; none when it is not there.
    fn names(&self, absolute: &str) -> Vec<String> {
        crate::files::list(&self.path(absolute))
            .unwrap_or_default()
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect()
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests make the machines they look at"
)]
pub(in crate::engine) mod fake {
    use super::Machine;

    /// A machine with the given files.
    pub(in crate::engine) fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = root.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("created");
            std::fs::write(path, text).expect("written");
        }
        let machine = Machine::at(root.path());
        (root, machine)
    }
}
