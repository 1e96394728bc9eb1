//! `envtpl report`: a build as one page for a browser, which needs no network.

mod critical;
mod page;

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::Context;
use crate::commands::workplace::Workplace;
use crate::environment::sizes::{self, PackageSize};
use crate::error::Result;
use crate::files;
use crate::project::{Build, Project, build_directory};

/// How many packages of an image are shown.
const PACKAGES: usize = 40;

/// Options of `envtpl report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl report                    a page about the newest build; prints its path
  envtpl report 20261122-01        about another one, by the beginning of its id
  envtpl report -o build.html      somewhere else, to send to a colleague
  envtpl report -o - | less        on standard output

The page shows what ran at the same time and what was there already, what the stages took from each
other and which were left out, the chain of steps that the build waited for, what each layer and
package adds to the images, and what is different from the build before. It needs no network, and
holds no secret that envtpl knows as such.")]
pub struct Args {
    /// The build, by its id or the beginning of it; the newest if there is none
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Where to write the page; `-` is standard output [default: report.html beside the build]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    build: String,
    page: PathBuf,
}

/// The packages of an image.
#[derive(Debug, Serialize)]
pub struct ImagePackages {
    target: String,
    packages: Vec<PackageSize>,
    /// Bytes of those that are not among them.
    rest: u64,
}

/// Writes the page.
///
/// # Errors
/// `Usage` when there is no such build.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let build = Build::find(project.root(), args.id.as_deref(), |_| true)?;
    let before = build.before(project.root())?;
    let to_stdout = args
        .output
        .as_ref()
        .is_some_and(|path| path.as_os_str() == "-");
    let path = match &args.output {
        Some(path) => context.directory.join(path),
        None => build_directory(project.root(), &build.id).join("report.html"),
    };
    if context.dry_run && !to_stdout {
        context.printer.status("Would write", path.display());
        return Ok(());
    }
    let packages = packages(context, &project, &build);
    let page = page::render(&build, before.as_ref(), &packages)?;
    if to_stdout {
        return context.printer.data(page);
    }
    files::keep_readable(&path, page.as_bytes())?;
    let written = Written {
        build: build.id,
        page: path,
    };
    (context.printer).report(&written, |written| format!("{}\n", written.page.display()))
}

/// The packages of those images of the build that the engine still has. A page without them is
/// better than none.
fn packages(context: &Context, project: &Project, build: &Build) -> Vec<ImagePackages> {
    let Ok(installation) = project.find(&build.installation) else {
        return Vec::new();
    };
    let workplace = match Workplace::open(context, project, installation) {
        Ok(workplace) => workplace,
        Err(error) => {
            context
                .printer
                .verbose(format_args!("no packages: {error}"));
            return Vec::new();
        }
    };
    let platform = installation.name().platform().docker();
    let mut all = Vec::new();
    for image in &build.images {
        let docker = workplace.compose.tools().docker();
        let asked = sizes::question(docker, &image.id, &platform).read(&context.printer);
        let printed = match asked {
            Ok(printed) => printed,
            Err(error) => {
                context
                    .printer
                    .verbose(format_args!("no packages: {error}"));
                continue;
            }
        };
        let mut packages = sizes::parse(&printed);
        let rest = packages.split_off(packages.len().min(PACKAGES));
        all.push(ImagePackages {
            target: image.target.clone(),
            packages,
            rest: rest.iter().map(|package| package.bytes).sum(),
        });
    }
    all
}
