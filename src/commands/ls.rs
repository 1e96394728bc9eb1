//! `envtpl ls`: installations and their images, and whether these are still what the files say.

use serde::Serialize;

use crate::commands::verify::{Outcome, Verdict};
use crate::commands::workplace::{Layer, Workplace, settings, user_inputs};
use crate::commands::{Context, detached};
use crate::engine::{INPUTS_LABEL, Image, REVISION_LABEL, USER_INPUTS_LABEL};
use crate::error::{Kind, Result};
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::installation::flavour::Flavour;
use crate::installation::name::Name;
use crate::installation::pin;
use crate::output::{Table, age, megabytes};
use crate::project::{Installation, Project, digest};

/// Options of `envtpl ls`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl ls                        what is built, and from which commit
  envtpl ls --no-engine            the installations alone, at once
  envtpl ls --format json | jq '.[] | select(.stale != null)'

An image is stale when the files that it was built from, or your name and numbers in .env, have
changed since (`files`), or when the engine's copy of its base or generic image has (`base`).")]
pub struct Args {
    /// Start no process and ask no engine
    #[arg(long)]
    no_engine: bool,
}

/// One image of an installation, or the installation without any.
#[derive(Debug, Serialize)]
struct Row {
    installation: String,
    base: Option<String>,
    image: Option<String>,
    flavour: Option<Flavour>,
    layer: Option<Layer>,
    built: Option<String>,
    commit: Option<String>,
    size: Option<u64>,
    stale: Option<&'static str>,
    /// What `envtpl verify` found for the lock as it is now.
    verified: Option<Verified>,
    /// Why the images of this installation are not known.
    problem: Option<String>,
}

/// What a verification found.
#[derive(Debug, Clone, Serialize)]
struct Verified {
    date: String,
    verdict: Outcome,
}

/// Prints the table.
///
/// # Errors
/// `NotReady` when the engine does not answer; a broken installation is a row and a warning.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let asked = context.installations_or_all(&project)?;
    let names: Vec<&Name> = asked.iter().map(|one| one.name()).collect();
    let mut rows = Vec::new();
    for installation in asked {
        let bare = Row::bare(installation);
        if args.no_engine {
            rows.push(bare);
            continue;
        }
        match images(context, &project, installation) {
            Ok(images) if images.is_empty() => rows.push(bare),
            Ok(images) => rows.extend(images),
            // One installation that cannot be read must not hide the others.
            Err(error) if error.kind() == Kind::Usage => {
                context.printer.warn_about(&error);
                rows.push(Row {
                    problem: Some(error.to_string()),
                    ..bare
                });
            }
            Err(error) => return Err(error),
        }
    }
    context
        .printer
        .report(&rows, |rows| table(rows, args.no_engine))?;
    detached::tell_failures(context, &project, &names)
}

impl Row {
    /// The base image without its digest, which says nothing to people.
    fn base_name(&self) -> Option<&str> {
        self.base.as_deref().map(|base| pin::split(base).0)
    }

    fn bare(installation: &Installation) -> Self {
        Self {
            installation: installation.name().to_string(),
            base: base(installation),
            image: None,
            flavour: None,
            layer: None,
            built: None,
            commit: None,
            size: None,
            stale: None,
            verified: None,
            problem: None,
        }
    }
}

/// The base image as compose-base.yaml names it; a file that cannot be read has none.
fn base(installation: &Installation) -> Option<String> {
    let path = installation.path("compose-base.yaml");
    let text = files::read_text(&path).ok()?;
    ComposeFile::parse(&path, &text)
        .ok()?
        .build_arg("BASE_IMAGE")
        .map(str::to_owned)
}

fn images(context: &Context, project: &Project, installation: &Installation) -> Result<Vec<Row>> {
    let workplace = Workplace::open(context, project, installation)?;
    let printer = &context.printer;
    let base = base(installation);
    let base_image = match &base {
        Some(base) => workplace.images.find(base, printer)?,
        None => None,
    };
    let user_inputs = user_inputs(installation, &settings(installation)?)?;
    let verified = Verdict::of(project, installation).map(|found| Verified {
        date: found.date,
        verdict: found.verdict,
    });
    let mut rows = Vec::new();
    for layer in [Layer::Generic, Layer::User] {
        for flavour in Flavour::ALL {
            let service = layer.service(flavour);
            let Some(image) = workplace.find(&service)? else {
                continue;
            };
            let generic = match layer {
                Layer::Generic => None,
                Layer::User => workplace.find(&Layer::Generic.service(flavour))?,
            };
            let expected = Expected {
                inputs: digest(installation.directory(), flavour)?,
                user_inputs: (layer == Layer::User).then_some(user_inputs.as_str()),
                below: [base_image.as_ref(), generic.as_ref()],
            };
            rows.push(Row {
                image: Some(workplace.image(&service)?.to_owned()),
                flavour: Some(flavour),
                layer: Some(layer),
                built: Some(image.created.clone()),
                commit: image
                    .labels
                    .get(REVISION_LABEL)
                    .filter(|commit| !commit.is_empty())
                    .cloned(),
                size: Some(image.size),
                stale: expected.stale(&image),
                verified: (layer == Layer::Generic)
                    .then(|| verified.clone())
                    .flatten(),
                ..Row::bare(installation)
            });
        }
    }
    Ok(rows)
}

/// What an image would be if it were built now.
struct Expected<'a> {
    inputs: String,
    user_inputs: Option<&'a str>,
    /// The images that it stands on, as far as the engine has them.
    below: [Option<&'a Image>; 2],
}

impl Expected<'_> {
    fn stale(&self, image: &Image) -> Option<&'static str> {
        let label = |name: &str| image.labels.get(name).map(String::as_str);
        let other_user = self
            .user_inputs
            .is_some_and(|inputs| label(USER_INPUTS_LABEL) != Some(inputs));
        if label(INPUTS_LABEL) != Some(&self.inputs) || other_user {
            return Some("files");
        }
        let mut below = self.below.iter().flatten();
        (!below.all(|below| image.layers.starts_with(&below.layers))).then_some("base")
    }
}

fn table(rows: &[Row], no_engine: bool) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    if no_engine {
        let mut table = Table::new(["installation", "base"]);
        for row in rows {
            table.row([row.installation.clone(), or_dash(row.base_name())]);
        }
        return table.to_string();
    }
    let mut table = Table::new([
        "installation",
        "image",
        "built",
        "commit",
        "size",
        "stale",
        "base",
    ]);
    for row in rows {
        let built = row
            .built
            .as_deref()
            .map(|time| age(time).unwrap_or_else(|| time.to_owned()));
        let commit = row.commit.as_deref().map(abbreviated);
        table.row([
            row.installation.clone(),
            match (&row.image, &row.problem) {
                (Some(image), _) => image.clone(),
                (None, Some(_)) => "unknown".to_owned(),
                (None, None) => "not built".to_owned(),
            },
            or_dash(built.as_deref()),
            or_dash(commit.as_deref()),
            or_dash(row.size.map(megabytes).as_deref()),
            or_dash(row.stale),
            or_dash(row.base_name()),
        ]);
    }
    table.to_string()
}

/// A commit of a label, short, with what is behind its first dash (`-dirty`).
fn abbreviated(commit: &str) -> String {
    let (id, rest) = commit.split_at(commit.find('-').unwrap_or(commit.len()));
    format!("{}{rest}", id.chars().take(7).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(inputs: &str, user_inputs: &str, layers: &[&str]) -> Image {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Image {
            labels: [
                label(INPUTS_LABEL, inputs),
                label(USER_INPUTS_LABEL, user_inputs),
            ]
            .into(),
            layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
            ..Image::default()
        }
    }

    #[test]
    fn a_user_image_is_stale_for_its_own_files_and_for_the_images_below() {
        let (base, generic) = (built("", "", &["a"]), built("i", "", &["a", "b"]));
        let expected = Expected {
            inputs: "i".into(),
            user_inputs: Some("u"),
            below: [Some(&base), Some(&generic)],
        };
        for (image, stale) in [
            (built("i", "u", &["a", "b", "c"]), None),
            (built("j", "u", &["a", "b", "c"]), Some("files")),
            (built("i", "v", &["a", "b", "c"]), Some("files")),
            (built("i", "u", &["a", "old", "c"]), Some("base")),
            (built("i", "u", &["z", "b", "c"]), Some("base")),
        ] {
            assert_eq!(expected.stale(&image), stale, "{image:?}");
        }
    }

    #[test]
    fn commits_are_shortened_but_stay_dirty() {
        assert_eq!(abbreviated("0123456789abcdef-dirty"), "0123456-dirty");
        assert_eq!(abbreviated("0123456789abcdef"), "0123456");
    }
}
