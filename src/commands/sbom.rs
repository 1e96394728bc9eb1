//! `envtpl sbom`: what an image is made of, as SPDX or CycloneDX.

mod destinations;
mod subject;

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::Context;
use crate::environment::probe::{Answer, Question};
use crate::environment::sbom::{Bill, Contents, Spec};
use crate::error::{Error, Result};
use crate::files;
use crate::installation::flavour::Flavour;
use crate::process::Invocation;

use destinations::{Destination, Place};
use subject::Found;

/// Options of `envtpl sbom`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl sbom >run.spdx.json                        the run image, in SPDX 2.3
  envtpl sbom --spec cyclonedx --flavour dev        the dev image, in CycloneDX 1.6
  envtpl sbom -o run.spdx.json -o run.cdx.json      both, with one look at the image
  envtpl sbom registry.example/lab/p:main           any image that the engine has

The packages are those of the image's own databases: dpkg, conda, and the metadata of the Python
that it runs. The same image gives the same document; SOURCE_DATE_EPOCH sets its time.")]
pub struct Args {
    /// An image of the engine [default: the generic image of the installation]
    image: Option<String>,

    /// Which of the installation's two images
    #[arg(long, value_enum, default_value_t = Flavour::Run, conflicts_with = "image")]
    flavour: Flavour,

    /// The format [default: by the name of the file (*.spdx.json, *.cdx.json), else spdx]
    #[arg(long, value_enum)]
    spec: Option<Spec>,

    /// Write a file, and not to standard output; may be given once for each format
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    image: String,
    id: String,
    packages: usize,
    files: Vec<WrittenFile>,
}

#[derive(Debug, Serialize)]
struct WrittenFile {
    spec: Spec,
    file: PathBuf,
}

/// Writes the documents.
///
/// # Errors
/// `Usage` for files whose format nobody says; `NotReady` when there is no such image.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let destinations = destinations::read(context, args.spec, &args.output)?;
    let found = match &args.image {
        Some(image) => Found::by_name(context, image)?,
        None => Found::of_installation(context, args.flavour)?,
    };
    let question = Question::records_and_now().with_notes().to_image(
        found.tools.docker(),
        &found.subject.id,
        &found.platform,
    );
    if context.dry_run {
        return plan(context, &question.to_string(), &destinations);
    }
    let name = found.subject.name.clone();
    let printed = asked(context, &found, &question)?;
    let mut answer = Answer::parse(&printed, &name)?;
    let contents = Contents {
        base: answer.record("base").unwrap_or_default(),
        now: answer.now()?,
        notes: answer.notes(),
        resolved: answer.resolved(),
        lock: found.lock.as_ref(),
    };
    let bill = Bill::new(found.subject.clone(), &contents);
    write(context, &found, &bill, &destinations)
}

/// What the engine says when an image lacks the program that is to be started.
const NOT_FOUND: &str = "executable file not found";

fn asked(context: &Context, found: &Found, question: &Invocation) -> Result<String> {
    let finished = question.capture(&context.printer)?;
    let talk = finished.talk();
    if finished.status.success() {
        return Ok(finished.text());
    }
    if talk.contains(NOT_FOUND) {
        return Err(Error::failed(format!(
            "`{}` has no shell, so nothing in it can say what is installed",
            found.subject.name
        ))
        .help("a scanner that unpacks images may see more, for instance syft"));
    }
    let failure = question.failure(finished.status, &talk);
    Err(found.tools.explain(question, &talk, failure))
}

fn plan(context: &Context, question: &str, destinations: &[Destination]) -> Result<()> {
    context.printer.data(format!("{question}\n"))?;
    for destination in destinations {
        if let Place::File(path) = &destination.place {
            context.printer.status("Would write", path.display());
        }
    }
    Ok(())
}

fn write(
    context: &Context,
    found: &Found,
    bill: &Bill,
    destinations: &[Destination],
) -> Result<()> {
    let mut written = Vec::new();
    for destination in destinations {
        let document = bill.write(destination.spec);
        match &destination.place {
            Place::Stdout => context.printer.data(document)?,
            Place::File(path) => {
                files::keep_readable(path, document.as_bytes())?;
                written.push(WrittenFile {
                    spec: destination.spec,
                    file: path.clone(),
                });
            }
        }
    }
    if written.len() < destinations.len() {
        // The document is the data.
        return Ok(());
    }
    let written = Written {
        image: found.subject.name.clone(),
        id: found.subject.id.clone(),
        packages: bill.packages().len(),
        files: written,
    };
    context.printer.report(&written, |written| {
        let lines = written.files.iter();
        lines
            .map(|one| format!("{}\n", one.file.display()))
            .collect()
    })
}
