//! `envtpl wrap`: a script that does what `envtpl tool` does, for whoever has no envtpl.

mod reference;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::Context;
use crate::commands::workplace::Workplace;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::installation::flavour::Flavour;
use crate::templates::toolchain;
use reference::pinned;

/// Options of `envtpl wrap`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl wrap -o toolchain         then, with docker or podman alone: ./toolchain make -j8
  envtpl wrap >toolchain           the same; make it a program: chmod +x toolchain
  envtpl wrap --repository ic-registry.example/lab/project
  ./toolchain --envtpl-update      pins it to what the image's name means now
  ./toolchain --envtpl-help

The script is one file for any POSIX shell, and fetches the image by its digest; so a registry must
have the image: push it first.")]
pub struct Args {
    /// Write the script into FILE, as a program
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Which of the two images
    #[arg(long, value_enum, default_value_t = Flavour::Dev)]
    flavour: Flavour,

    /// Fetch the image from here, when several registries have it
    #[arg(long, value_name = "REGISTRY/NAME", conflicts_with = "local")]
    repository: Option<String>,

    /// Pin the image of this machine's engine, which no registry has; works nowhere else
    #[arg(long)]
    local: bool,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    script: PathBuf,
    image: String,
}

/// Prints or writes the script.
///
/// # Errors
/// `NotReady` when the image is missing, or no registry has it; `Usage` when FILE is something else.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let path = args.output.as_ref().filter(|path| *path != Path::new("-"));
    let path = path.map(|path| context.directory.join(path));
    if let Some(path) = &path {
        refuse_other_file(path)?;
    }
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let (name, image) = workplace.generic(args.flavour)?;
    let mut reference = match args.local {
        true => image.id.clone(),
        false => pinned(name, &image, args.repository.as_deref())?,
    };
    // The digests that podman tells are also those of images as it has them, and no registry does.
    if workplace.compose.tools().is_podman()
        && let Some(digest) = reference.find('@')
    {
        reference.truncate(digest);
        let what = "podman does not say by which digest a registry has the image";
        (context.printer).warn(format_args!("{what}, so the script names none yet"));
        (context.printer).help("the script asks for it, and pins it: `--envtpl-update`");
    }
    let script = toolchain::script(&reference)?;
    let Some(path) = path else {
        return context.printer.data(script);
    };
    if context.dry_run {
        context.printer.status("Would write", path.display());
        return context.printer.data(script);
    }
    // What a link leads to is written, and the link stays.
    let path = path.canonicalize().unwrap_or(path);
    files::keep_program(&path, script.as_bytes())?;
    let written = Written {
        script: path,
        image: reference,
    };
    context.printer.report(&written, |written| {
        format!("{}\n", written.script.display())
    })
}

/// Refuses to write over what is no such script.
fn refuse_other_file(path: &Path) -> Result<()> {
    let wrong = |message: &str| Err(Error::usage(message).at(Place::file(path)));
    if files::is_directory(path) {
        return wrong("it is a directory, and the script is a file");
    }
    match files::read_if_exists(path)? {
        Some(bytes) if !toolchain::is_script(&String::from_utf8_lossy(&bytes)) => {
            wrong("it is there, and is no script of `envtpl wrap`")
                .map_err(|error| error.help("name a file that is not there yet, or remove it"))
        }
        _ => Ok(()),
    }
}
