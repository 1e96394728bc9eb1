//! The images of one layer of an installation, both flavours, and where they go.

use crate::commands::building::{self, BuildArgs};
use crate::commands::sharing::{Place, Standing};
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{Image, REVISION_LABEL, commit_tag};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::installation::identity::split_tag;
use crate::project::Revision;

/// The images of one layer of an installation.
pub struct Stack<'a> {
    /// The installation, ready to be asked.
    pub workplace: Workplace<'a>,
    /// Which layer.
    pub layer: Layer,
    /// Where they go.
    pub place: Place,
    revision: Revision,
}

/// An image with the names that it gets in a registry.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// Which of the two.
    pub flavour: Flavour,
    /// Its name on this machine.
    pub local: &'a str,
    /// The image; `None` while it is still to be built.
    pub image: Option<Image>,
    /// The commit that it is built from, in full.
    pub commit: String,
    /// Its name there that carries the commit.
    pub by_commit: String,
    /// Its name there that the next one takes over.
    pub latest: String,
}

impl<'a> Stack<'a> {
    /// The images of a layer, with the state of the files that they are built from.
    ///
    /// # Errors
    /// `Failed` when there is no commit that they could be built from.
    pub fn new(workplace: Workplace<'a>, layer: Layer, place: Place) -> Result<Self> {
        let revision = Revision::of(workplace.installation.directory())?;
        if revision.tag(false).is_none() {
            return Err(Error::failed(format!(
                "{} has no commit yet, so no tag of its images would be true",
                workplace.installation.name()
            ))
            .help("git add --all && git commit"));
        }
        Ok(Self {
            workplace,
            layer,
            place,
            revision,
        })
    }

    /// The layers that have to be built before this one can be pushed, each with why.
    ///
    /// # Errors
    /// As [`Standing::of`].
    pub fn unbuilt(&self) -> Result<Vec<(Layer, &'static str)>> {
        let mut unbuilt = Vec::new();
        let Some(why) = self.why_unbuilt(self.layer)? else {
            return Ok(unbuilt);
        };
        if self.layer == Layer::User
            && let Some(why) = self.why_unbuilt(Layer::Generic)?
        {
            unbuilt.push((Layer::Generic, why));
        }
        unbuilt.push((self.layer, why));
        Ok(unbuilt)
    }

    fn why_unbuilt(&self, layer: Layer) -> Result<Option<&'static str>> {
        let mut why = None;
        for flavour in Flavour::ALL {
            match Standing::of(&self.workplace, layer, flavour)? {
                Standing::Missing => return Ok(Some("not there yet")),
                Standing::Stale => {
                    why = Some("built from other files than those that are there now");
                }
                Standing::True(_) => {}
            }
        }
        Ok(why)
    }

    /// Builds what has to be.
    ///
    /// # Errors
    /// Those of a build.
    pub fn build(&self) -> Result<()> {
        let Workplace {
            context,
            project,
            installation,
            ..
        } = self.workplace;
        for (layer, why) in self.unbuilt()? {
            context.printer.note(format_args!(
                "the {layer} images of {} are {why}, so they are built first",
                installation.name()
            ));
            let args = BuildArgs::default();
            building::build(context, project, installation, layer, &args)?;
        }
        Ok(())
    }

    /// The images with their names there; those that are still to be built as they will be.
    ///
    /// # Errors
    /// As [`Standing::of`]; `Usage` when both images would have one name.
    pub fn parcels(&self) -> Result<Vec<Parcel<'_>>> {
        let mut parcels = Vec::new();
        for flavour in Flavour::ALL {
            let image = match Standing::of(&self.workplace, self.layer, flavour)? {
                Standing::True(image) => Some(*image),
                Standing::Missing | Standing::Stale => None,
            };
            let commit = match &image {
                Some(image) => image.labels.get(REVISION_LABEL).cloned(),
                None => Some(self.revision.label(false)),
            };
            let commit = commit.unwrap_or_default();
            let local = self.workplace.image(&self.layer.service(flavour))?;
            let by_commit = commit_tag(local, &self.revision.abbreviate(&commit));
            let there = |name: &str| self.place.image(split_tag(name).1.unwrap_or("latest"));
            parcels.push(Parcel {
                flavour,
                local,
                image,
                commit,
                by_commit: there(&by_commit),
                latest: there(local),
            });
        }
        Ok(parcels)
    }
}

/// Refuses images that would take each other's name, as those of a Compose file can that names
/// them otherwise.
///
/// # Errors
/// `Usage`, for the first two.
pub fn refuse_clashes<'a>(parcels: impl Iterator<Item = &'a Parcel<'a>>) -> Result<()> {
    let mut seen: Vec<&Parcel<'_>> = Vec::new();
    for parcel in parcels {
        if let Some(other) = seen.iter().find(|other| other.latest == parcel.latest) {
            return Err(Error::usage(format!(
                "`{}` and `{}` would both be `{}` there",
                other.local, parcel.local, parcel.latest
            ))
            .help("give them different tags: `image:` in compose.yaml")
            .help("or push one installation alone: `-i NAME`"));
        }
        seen.push(parcel);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_images_do_not_go_by_one_name() {
        let parcel = |local, latest: &str| Parcel {
            flavour: Flavour::Run,
            local,
            image: None,
            commit: String::new(),
            by_commit: String::new(),
            latest: latest.to_owned(),
        };
        let (run, dev) = (parcel("p-run:1", "h/p:1"), parcel("p-dev:1", "h/p:1"));
        let error = refuse_clashes([&run, &dev].into_iter()).expect_err("one name");
        assert!(error.message().contains("`p-run:1` and `p-dev:1`"));
        refuse_clashes([&run, &parcel("p-dev:2", "h/p:2")].into_iter()).expect("two");
    }
}
