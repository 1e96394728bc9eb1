//! `envtpl list-env`: what is installed in the generic images.

use serde::Serialize;

use crate::commands::Context;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::Images;
use crate::environment::origin::Found;
use crate::environment::probe::{Answer, Question};
use crate::environment::snapshot::{Distribution, Snapshot};
use crate::error::Result;
use crate::installation::flavour::Flavour;
use crate::output::Table;
use crate::project::{Installation, Project};

/// Options of `envtpl list-env`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl list-env                            what unattended jobs run with
  envtpl list-env --flavour dev              the development tools as well
  envtpl list-env -i amd64-cuda -i amd64-cpu --format json")]
pub struct Args {
    /// Which of the two images
    #[arg(long, value_enum, default_value_t = Flavour::Run)]
    flavour: Flavour,
}

/// What is installed in one image.
#[derive(Debug, Serialize)]
struct Listing {
    installation: String,
    flavour: Flavour,
    image: String,
    platform: String,
    os: String,
    python: Option<String>,
    packages: Vec<Package>,
}

/// One installed package.
#[derive(Debug, Serialize)]
struct Package {
    kind: Kind,
    name: String,
    version: String,
    /// Whether the base image has it already.
    base: bool,
    /// Whether somebody asked for it, and it is not there as a dependency alone.
    requested: bool,
    /// Where it came from, when that was not an index or an archive that the image does not name.
    origin: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Apt,
    Pip,
    Conda,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Apt => "apt",
            Self::Pip => "pip",
            Self::Conda => "conda",
        })
    }
}

/// Lists the packages; needs no user image and starts nothing but a shell in the image.
///
/// # Errors
/// `NotReady` when an image is missing.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let project = context.project()?;
    let mut listings = Vec::new();
    for installation in context.installations(&project)? {
        listings.extend(listing(context, &project, installation, args.flavour)?);
    }
    if context.dry_run {
        return Ok(());
    }
    context
        .printer
        .report(&listings, |listings| table(listings))
}

fn listing(
    context: &Context,
    project: &Project,
    installation: &Installation,
    flavour: Flavour,
) -> Result<Option<Listing>> {
    let workplace = Workplace::open(context, project, installation)?;
    let image = workplace.image(&Layer::Generic.service(flavour))?;
    if workplace.images.find(image, &context.printer)?.is_none() {
        return Err(Images::missing(
            image,
            &format!("envtpl build-generic -i {}", installation.name()),
        ));
    }
    let tools = workplace.compose.tools();
    let platform = installation.name().platform().docker();
    let question = Question::records_and_now().to_image(tools.docker(), image, &platform);
    if context.dry_run {
        context.printer.data(format!("{question}\n"))?;
        return Ok(None);
    }
    let mut answer = Answer::parse(&tools.read(&question, &context.printer)?, image)?;
    let base = answer.record("base").unwrap_or_default();
    let now = answer.now()?;
    Ok(Some(Listing {
        installation: installation.name().to_string(),
        flavour,
        image: image.to_owned(),
        packages: packages(&now, &base),
        python: now.python.map(|python| python.version),
        platform: now.platform,
        os: now.os.to_string(),
    }))
}

fn packages(now: &Snapshot, base: &Snapshot) -> Vec<Package> {
    let apt = now.apt.iter().map(|package| Package {
        kind: Kind::Apt,
        name: package.name.clone(),
        version: package.version.clone(),
        base: base.apt.iter().any(|known| {
            (&known.name, &known.version, &known.architecture)
                == (&package.name, &package.version, &package.architecture)
        }),
        requested: package.manual,
        origin: None,
    });
    let conda = now.conda.iter().map(|package| Package {
        kind: Kind::Conda,
        name: package.name.clone(),
        version: package.version.clone(),
        base: base
            .conda
            .iter()
            .any(|known| (&known.name, &known.build) == (&package.name, &package.build)),
        requested: package.requested.is_some(),
        origin: Some(package.url.clone()).filter(|url| !url.is_empty()),
    });
    // Python packages that conda installed are conda's.
    let pip = now
        .distributions()
        .iter()
        .filter(|distribution| distribution.installer != "conda")
        .map(|distribution| Package {
            kind: Kind::Pip,
            name: distribution.name.clone(),
            version: distribution.version.clone(),
            base: base.distributions().iter().any(|known| {
                (known.key(), &known.version) == (distribution.key(), &distribution.version)
            }),
            requested: distribution.requested,
            origin: origin(distribution),
        });
    apt.chain(conda).chain(pip).collect()
}

fn origin(distribution: &Distribution) -> Option<String> {
    distribution.direct_url.as_ref()?;
    Some(match Found::of(distribution) {
        Found::Origin(origin) => origin.describe(),
        Found::Directory { path, .. } => path,
        Found::Nowhere(why) => why,
    })
}

fn table(listings: &[Listing]) -> String {
    let several = listings.len() > 1;
    let row = |listing: &Listing, package: &Package| {
        let origin = match (&package.origin, package.base) {
            (_, true) => "base image",
            (Some(origin), false) => origin.as_str(),
            (None, false) if package.requested => "asked for",
            (None, false) => "dependency",
        };
        [
            listing.installation.clone(),
            package.kind.to_string(),
            package.name.clone(),
            package.version.clone(),
            origin.to_owned(),
        ]
    };
    let rows = listings.iter().flat_map(|listing| {
        listing
            .packages
            .iter()
            .map(move |package| row(listing, package))
    });
    if several {
        let mut table = Table::new(["installation", "kind", "name", "version", "from"]);
        rows.for_each(|cells| table.row(cells));
        return table.to_string();
    }
    let mut table = Table::new(["kind", "name", "version", "from"]);
    rows.for_each(|[_, kind, name, version, from]| table.row([kind, name, version, from]));
    table.to_string()
}
