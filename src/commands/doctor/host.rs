//! The machine itself: its system, git, disk space, and the platforms that it emulates.

use std::path::Path;

use super::Wanted;
use super::finding::{Finding, Status};
use crate::engine::EngineFacts;
use crate::engine::machine::{Emulation, Machine, System, free_space, readable_size};
use crate::error::{Kind, Result};
use crate::installation::name::Platform;
use crate::output::Printer;
use crate::process::Invocation;

const GIGABYTE: u64 = 1_000_000_000;

/// Where files of Windows are mounted in its Linux.
const WINDOWS_FILES: &str = "/mnt/";

/// What kind of system this is, and what that means for containers.
pub fn system(machine: &Machine, directory: &Path) -> Finding {
    match machine.system() {
        System::Linux(name) => Finding::ok("system", name),
        System::Wsl(name) if directory.starts_with(WINDOWS_FILES) => Finding::warning(
            "system",
            format!("{name} in Windows, and this project lies on a Windows drive: files are slow there"),
        )
        .help("move the project into the Linux file system, such as ~/projects"),
        System::Wsl(name) => Finding::ok("system", format!("{name} in Windows (WSL)")),
        System::MacOs => Finding::warning(
            "system",
            "macOS: containers run in a Linux virtual machine, without a GPU; host networking is the machine's",
        )
        .help("develop in an installation for cpu of this Mac's platform, compute on a Linux machine"),
        System::Other(name) => Finding::warning("system", format!("{name} is not tested"))
            .help("use Linux, macOS, or Windows with WSL 2"),
    }
}

/// git, which tells what an image was built from.
///
/// # Errors
/// When the person stopped it.
pub fn git(machine: &Machine, printer: &Printer) -> Result<Finding> {
    match Invocation::new("git").arg("--version").read(printer) {
        Ok(version) => Ok(Finding::ok(
            "git",
            version.trim_start_matches("git version ").to_owned(),
        )),
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(_) => Ok(Finding::warning(
            "git",
            "it is not installed: images cannot say which commit they are",
        )
        .help(machine.install_line("git"))),
    }
}

/// Space for images where the engine keeps them, if that is on this machine, and for the project.
pub fn disk(engine: Option<&EngineFacts>, local: bool, directory: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(engine) = engine.filter(|engine| local && !engine.is_desktop()) {
        let root = Path::new(&engine.data_root);
        // Without the right to look, the space is still that of its file system.
        if let Some(free) = free_space(root) {
            findings.push(space("images", root, free, 3 * GIGABYTE, 20 * GIGABYTE).help_if_low(
                "docker system df shows what takes space; `docker builder prune` frees old build steps",
            ));
        }
    }
    if let Some(free) = free_space(directory) {
        findings.push(
            space("the project", directory, free, GIGABYTE / 10, GIGABYTE)
                .help_if_low("free some space there, or work on another disk"),
        );
    }
    findings
}

fn space(what: &str, path: &Path, free: u64, least: u64, comfortable: u64) -> Finding {
    let message = format!(
        "{} free for {what} in {}",
        readable_size(free),
        path.display()
    );
    let status = match free {
        free if free < least => Status::Problem,
        free if free < comfortable => Status::Warning,
        _ => Status::Ok,
    };
    Finding::new("disk", status, message)
}

impl Finding {
    fn help_if_low(self, help: &str) -> Self {
        if self.status() == Status::Ok {
            self
        } else {
            self.help(help)
        }
    }
}

/// The platforms of the project's installations that are not the engine's own.
pub fn emulation(
    machine: &Machine,
    engine: Option<&EngineFacts>,
    local: bool,
    wanted: &Wanted,
) -> Vec<Finding> {
    let own = engine.map_or_else(
        || Platform::host().to_string(),
        |engine| engine.platform().to_owned(),
    );
    let foreign = wanted
        .platforms()
        .into_iter()
        .filter(|platform| platform.to_string() != own);
    // A virtual machine that is looked after brings its emulators; another machine's are its own.
    let here = local && engine.is_none_or(|engine| !engine.is_desktop());
    foreign
        .map(|platform| {
            if here {
                emulated(platform, machine.emulation(platform), machine, wanted)
            } else {
                Finding::ok(
                    "emulation",
                    format!("{platform} is emulated by the engine's machine, if it can"),
                )
            }
        })
        .collect()
}

fn emulated(
    platform: Platform,
    emulation: Emulation,
    machine: &Machine,
    wanted: &Wanted,
) -> Finding {
    let names = wanted.of_platform(platform).join(", ");
    let install = machine.install_line("qemu-user-static binfmt-support");
    let status = if wanted.explicit {
        Status::Problem
    } else {
        Status::Warning
    };
    match emulation {
        Emulation::Everywhere => Finding::ok(
            "emulation",
            format!("{platform} programs run here, emulated (5 to 8 times slower), for {names}"),
        ),
        Emulation::OutsideContainers => Finding::new(
            "emulation",
            status,
            format!("{platform} programs run here, but not in containers, which {names} needs"),
        )
        .help(format!(
            "install an emulator that is registered with the flag F: {install}"
        )),
        Emulation::Nowhere => Finding::new(
            "emulation",
            status,
            format!("this machine cannot run {platform} programs, which {names} needs"),
        )
        .help(install)
        .help("or build it on a machine of that platform"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Report;
    use super::*;

    fn wanted(explicit: bool) -> Wanted {
        let names = ["amd64-cuda", "arm64-cpu"];
        Wanted::new(
            names
                .iter()
                .map(|name| name.parse().expect("a name"))
                .collect(),
            explicit,
        )
    }

    #[test]
    fn a_platform_that_cannot_run_here_comes_with_the_line_that_changes_it() {
        let machine = Machine::here();
        let finding =
            |emulation, explicit| emulated(Platform::Arm64, emulation, &machine, &wanted(explicit));
        let shown = Report::new(vec![finding(Emulation::Nowhere, false)]).human();
        assert!(
            shown.contains("arm64-cpu") && shown.contains("qemu-user-static"),
            "{shown}"
        );
        assert!(!shown.contains("amd64-cuda"), "{shown}");
        assert_eq!(finding(Emulation::Nowhere, false).status(), Status::Warning);
        assert_eq!(finding(Emulation::Nowhere, true).status(), Status::Problem);
        assert_eq!(finding(Emulation::Everywhere, true).status(), Status::Ok);
    }

    #[test]
    fn little_space_is_said_before_a_build_finds_out() {
        let path = Path::new("/var/lib/docker");
        let status = |free| space("images", path, free, 3 * GIGABYTE, 20 * GIGABYTE).status();
        assert_eq!(status(GIGABYTE), Status::Problem);
        assert_eq!(status(10 * GIGABYTE), Status::Warning);
        assert_eq!(status(70 * GIGABYTE), Status::Ok);
    }
}
