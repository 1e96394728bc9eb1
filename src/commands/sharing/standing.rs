//! What an image that is here is worth to others: whether its tags would be true.

use crate::commands::workplace::{Layer, Workplace, settings, user_inputs};
use crate::engine::{INPUTS_LABEL, Image, REVISION_LABEL, USER_INPUTS_LABEL};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::project::digest;

/// What an image that may be here is worth.
#[derive(Debug)]
pub enum Standing {
    /// It is not here.
    Missing,
    /// It was built from other files than those that are there now, or stands on another image.
    Stale,
    /// It is what the files say, and was built from a commit.
    True(Box<Image>),
}

impl Standing {
    /// Looks at the image of a layer and flavour.
    ///
    /// # Errors
    /// `Failed` when it does not say what it was built from, or was built from more than a commit:
    /// somebody made it so on purpose, and it is not built anew unasked. `NotReady` when the engine
    /// does not answer.
    pub fn of(workplace: &Workplace<'_>, layer: Layer, flavour: Flavour) -> Result<Self> {
        let service = layer.service(flavour);
        let Some(image) = workplace.find(&service)? else {
            return Ok(Self::Missing);
        };
        refuse_untrue(workplace, layer, workplace.image(&service)?, &image)?;
        let label = |name: &str| image.labels.get(name).map(String::as_str);
        let installation = workplace.installation;
        let inputs = digest(installation.directory(), flavour)?;
        if label(INPUTS_LABEL) != Some(&inputs) {
            return Ok(Self::Stale);
        }
        if layer == Layer::User {
            let inputs = user_inputs(installation, &settings(installation)?)?;
            let generic = workplace.find(&Layer::Generic.service(flavour))?;
            let stands_on_it =
                generic.is_none_or(|generic| image.layers.starts_with(&generic.layers));
            if label(USER_INPUTS_LABEL) != Some(&inputs) || !stands_on_it {
                return Ok(Self::Stale);
            }
        }
        Ok(Self::True(Box::new(image)))
    }
}

fn refuse_untrue(workplace: &Workplace<'_>, layer: Layer, name: &str, image: &Image) -> Result<()> {
    let installation = workplace.installation.name();
    let build = match layer {
        Layer::Generic => "build-generic",
        Layer::User => "build",
    };
    let help = format!("build it from what is committed: `envtpl {build} -i {installation}`");
    let revision = image.labels.get(REVISION_LABEL).map(String::as_str);
    match revision.unwrap_or_default() {
        "" => {
            return Err(Error::failed(format!(
                "`{name}` does not say which commit it was built from, so no tag of it would be true"
            ))
            .help(help));
        }
        dirty if dirty.ends_with("-dirty") => {
            return Err(Error::failed(format!(
                "`{name}` was built from more than a commit, so no tag of it would be true: files \
                 that were not committed, or build arguments of the command line"
            ))
            .help(help));
        }
        _ => {}
    }
    let platform = installation.platform();
    if image.architecture != platform.to_string() {
        return Err(Error::failed(format!(
            "`{name}` is for {}, and {installation} is for {platform}",
            image.architecture
        ))
        .help(help));
    }
    Ok(())
}
