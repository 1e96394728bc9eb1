//! `envtpl bootstrap-base`: a Debian or Ubuntu base image from distribution packages, for
//! machines that reach no container registry.

use std::path::Path;

use serde::Serialize;
use tempfile::TempDir;

use crate::commands::Context;
use crate::commands::Progress;
use crate::engine::bootstrap::{Builder, Mirrors, Recipe};
use crate::engine::machine::{Emulation, Machine, free_space, readable_size};
use crate::engine::{EngineFacts, Images, Tools};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::installation::name::Platform;
use crate::output::Format;
use crate::process::Invocation;
use crate::templates::check_image;

/// What the tree and its archive take, with room for a few packages more.
const SPACE: u64 = 2_000_000_000;

/// Options of `envtpl bootstrap-base`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl bootstrap-base bookworm                       for this machine's platform
  envtpl bootstrap-base noble --platform arm64         for another one, emulated
  envtpl bootstrap-base trixie --include git,gfortran --tag lab/base:trixie
  envtpl init --base-image \"$(envtpl bootstrap-base bookworm)\" -i amd64-cpu

mmdebstrap or debootstrap does the work, whichever is installed. debootstrap needs root's rights;
mmdebstrap needs them, or user namespaces and ids of your own in /etc/subuid and /etc/subgid.")]
pub struct Args {
    /// Release of Debian or Ubuntu, such as bookworm, 12, noble or 24.04
    suite: String,

    /// Platform of the image, amd64 or arm64 [default: this machine's]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// Name of the image [default: envtpl/SUITE-python:PLATFORM]
    #[arg(long, value_name = "REF")]
    tag: Option<String>,

    /// Archive to fetch packages from, instead of the distribution's own. Debian's security updates
    /// are then left out, unless --security-mirror says where they are
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,

    /// Archive to fetch security updates from [default: the distribution's own, or for Ubuntu
    /// that of --mirror]
    #[arg(long, value_name = "URL")]
    security_mirror: Option<String>,

    /// Further packages, separated by commas
    #[arg(long, value_name = "PACKAGES", value_delimiter = ',')]
    include: Vec<String>,

    /// Put Python, pip and venv into the image (the default)
    #[arg(long, overrides_with = "no_python")]
    python: bool,

    /// Leave Python out, for installations from scratch
    #[arg(long)]
    no_python: bool,
}

/// The image that was made.
#[derive(Debug, Serialize)]
struct Made {
    image: String,
    id: String,
    size: u64,
    suite: &'static str,
    platform: Platform,
    packages: Vec<String>,
}

/// Makes the image.
///
/// # Errors
/// `Usage` for what is no suite, package or image name; `NotReady` when a tool, a keyring, rights
/// or an emulator are missing, with the line that mends it; `Failed` when the packages cannot be
/// fetched or installed.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let platform = args.platform.as_deref().map(str::parse);
    let recipe = Recipe::new(
        args.suite.parse()?,
        platform.transpose()?.unwrap_or_else(Platform::host),
        Mirrors {
            archive: args.mirror.as_deref(),
            security: args.security_mirror.as_deref(),
        },
        args.python || !args.no_python,
        &args.include,
    )?;
    if recipe.misses_security_updates() {
        let printer = &context.printer;
        printer
            .warn("a mirror of Debian's archive has no security updates, so the image misses them");
        printer.help("name an archive that has them: `--security-mirror URL`");
    }
    let tag = args.tag.clone().unwrap_or_else(|| recipe.default_tag());
    check_image(&tag)?;
    let machine = Machine::here();
    let tools = Tools::default();
    let builder = builder(&machine)?;
    check_keyring(&recipe, &machine)?;
    check_rights(builder, &machine)?;
    check_platform(&recipe, &machine)?;

    if context.dry_run {
        let work = std::env::temp_dir().join("envtpl-base");
        let steps = steps(context, &recipe, builder, &work);
        let import = recipe.import(&tools, &archive(&work), &tag);
        let shown: String = steps
            .iter()
            .chain([&import])
            .map(|step| format!("{step}\n"))
            .collect();
        return context.printer.data(shown);
    }

    // A quarter of an hour of emulation is not to be spent in vain.
    EngineFacts::ask(&tools, &context.printer)?;
    let id = make(context, &recipe, builder, &tools, &tag)?;
    report(context, &recipe, &tools, tag, id)
}

/// The program that does the work.
fn builder(machine: &Machine) -> Result<Builder> {
    [Builder::Mmdebstrap, Builder::Debootstrap]
        .into_iter()
        .find(|builder| which::which(builder.program()).is_ok())
        .ok_or_else(|| {
            Error::not_ready("neither mmdebstrap nor debootstrap is installed")
                .help(machine.install_line("mmdebstrap"))
                .help("or run this command on a machine that has one, then `docker save` and `docker load`")
        })
}

fn check_keyring(recipe: &Recipe, machine: &Machine) -> Result<()> {
    let distribution = recipe.distribution();
    if files::exists(Path::new(distribution.keyring())) {
        return Ok(());
    }
    Err(Error::not_ready(format!(
        "the keys of {distribution}'s archive are not here: `{}`",
        distribution.keyring()
    ))
    .help(machine.install_line(distribution.keyring_package())))
}

/// A tree with files of many owners takes root's rights, or user namespaces that stand for them.
fn check_rights(builder: Builder, machine: &Machine) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    if builder == Builder::Debootstrap {
        return Err(Error::not_ready("debootstrap needs root's rights")
            .help(format!(
                "{}: it also works without",
                machine.install_line("mmdebstrap")
            ))
            .help("or run this command with sudo"));
    }
    let user = user();
    if which::which("newuidmap").is_err() {
        return Err(Error::not_ready(
            "mmdebstrap needs root's rights, or `newuidmap` in place of them",
        )
        .help(machine.install_line("uidmap"))
        .help("or run this command with sudo"));
    }
    for file in ["/etc/subuid", "/etc/subgid"] {
        let listed = files::read_text_if_exists(Path::new(file))?.unwrap_or_default();
        let own = |line: &str| line.split(':').next() == Some(user.as_str());
        if !listed.lines().any(own) {
            return Err(Error::not_ready(format!(
                "mmdebstrap needs root's rights, or ids for {user} in `{file}`"
            ))
            .help(format!(
                "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            ))
            .help("or run this command with sudo"));
        }
    }
    Ok(())
}

fn check_platform(recipe: &Recipe, machine: &Machine) -> Result<()> {
    let platform = recipe.platform;
    if platform == Platform::host() || machine.emulation(platform) == Emulation::Everywhere {
        return Ok(());
    }
    Err(Error::not_ready(format!(
        "this machine cannot run {platform} programs, and installing packages runs many"
    ))
    .help(machine.install_line("qemu-user-static binfmt-support"))
    .help("or run this command on a machine of that platform"))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn user() -> String {
    std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| rustix::process::getuid().as_raw().to_string())
}

fn archive(work: &Path) -> std::path::PathBuf {
    work.join("base.tar")
}

/// The commands that make the archive.
fn steps(context: &Context, recipe: &Recipe, builder: Builder, work: &Path) -> Vec<Invocation> {
    let archive = archive(work);
    match builder {
        Builder::Mmdebstrap => {
            vec![recipe.mmdebstrap(&archive, is_root(), is_silent(context))]
        }
        Builder::Debootstrap => recipe.debootstrap(&work.join("root"), &archive),
    }
}

fn is_silent(context: &Context) -> bool {
    context.printer.is_quiet() || context.progress == Progress::None
}

/// Makes the archive in a temporary directory, which does not outlive this command, and gives it
/// to the engine; the image's id.
fn make(
    context: &Context,
    recipe: &Recipe,
    builder: Builder,
    tools: &Tools,
    tag: &str,
) -> Result<String> {
    let printer = &context.printer;
    let work = work_directory()?;
    printer.status(
        "Fetching",
        format_args!(
            "{} for {} with {}",
            recipe.suite,
            recipe.platform,
            builder.program()
        ),
    );
    if recipe.platform != Platform::host() {
        printer.note("it is emulated, and takes some minutes");
    }
    let made = steps(context, recipe, builder, work.path())
        .iter()
        .try_for_each(|step| carry_out(context, step));
    if builder == Builder::Debootstrap {
        unmount_below(context, work.path());
    }
    made.map_err(|error| explain(error, recipe))?;
    printer.status("Importing", tag);
    tools.read(&recipe.import(tools, &archive(work.path()), tag), printer)
}

fn work_directory() -> Result<TempDir> {
    let parent = std::env::temp_dir();
    if let Some(free) = free_space(&parent)
        && free < SPACE
    {
        return Err(Error::not_ready(format!(
            "{} are free in `{}`, and a base image takes up to {}",
            readable_size(free),
            parent.display(),
            readable_size(SPACE)
        ))
        .help("name another directory: `TMPDIR=/some/where envtpl bootstrap-base …`"));
    }
    tempfile::Builder::new()
        .prefix("envtpl-base-")
        .tempdir()
        .map_err(|source| Error::io("make a directory in", &parent, source))
}

/// Runs one step, with what it says as progress.
fn carry_out(context: &Context, step: &Invocation) -> Result<()> {
    let printer = &context.printer;
    // Only the programs that fetch have anything to say.
    if is_silent(context) || step.program() == "tee" {
        return step.read(printer).map(|_| ());
    }
    let status = step.stream_to_stderr(printer)?;
    if status.success() {
        Ok(())
    } else {
        Err(step.failure(status, ""))
    }
}

/// What mostly lies behind a failure, since the tools do not say it.
fn explain(error: Error, recipe: &Recipe) -> Error {
    if error.kind() != Kind::Failed {
        return error;
    }
    let distribution = recipe.distribution();
    error
        .help(format!(
            "is {distribution}'s archive reachable from here? A mirror is named with `--mirror URL`, a proxy \
             with the variable http_proxy"
        ))
        .help("in a container without privileges neither tool can work: use the host")
}

/// debootstrap mounts file systems in its tree, and may be stopped before it unmounts them. What
/// is still mounted must not be taken for part of a directory that is to be removed.
fn unmount_below(context: &Context, directory: &Path) {
    let mounts = files::read(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let mounts = String::from_utf8_lossy(&mounts);
    // The fifth field is the mount point (proc(5)); the last mounted goes first.
    for point in mounts
        .lines()
        .rev()
        .filter_map(|line| line.split(' ').nth(4))
    {
        if Path::new(point).starts_with(directory) {
            let unmount = Invocation::new("umount").args(["--lazy", point]);
            if let Err(error) = unmount.capture_even_when_interrupted(&context.printer) {
                context.printer.warn(&error);
            }
        }
    }
}

fn report(
    context: &Context,
    recipe: &Recipe,
    tools: &Tools,
    tag: String,
    id: String,
) -> Result<()> {
    let printer = &context.printer;
    let base = if recipe.has_python() {
        ""
    } else {
        " --from-base from-scratch"
    };
    printer.note(format_args!(
        "use it: envtpl init -i {}-cpu{base} --base-image {tag}",
        recipe.platform
    ));
    if printer.format() == Format::Human {
        return printer.data(format!("{tag}\n"));
    }
    let image = Images::open(tools, printer).find(&tag, printer)?;
    printer.json(&Made {
        image: tag,
        id,
        size: image.map_or(0, |image| image.size),
        suite: recipe.suite.name(),
        platform: recipe.platform,
        packages: recipe.packages.clone(),
    })
}
