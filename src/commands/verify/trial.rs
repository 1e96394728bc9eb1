//! Asking the images that were built, and those that people use.

use crate::commands::building::{Apart, BuildArgs, base_image};
use crate::commands::verify::record::TriedImage;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{INPUTS_LABEL, Image, Images, short_id};
use crate::environment::contents::{self, Depth};
use crate::environment::lock::Lock;
use crate::environment::probe::{Answer, Question};
use crate::environment::verdict::{Facts, Trial, to_be_listed};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::installation::pin;
use crate::project::digest;

/// What is to be judged of one flavour, what the verdict says of its images, and what a person
/// should know.
///
/// # Errors
/// `NotReady` when the engine does not answer; `Failed` when an image does not tell.
pub fn gather(
    workplace: &Workplace<'_>,
    apart: &Apart<'_>,
    flavour: Flavour,
) -> Result<(Trial, TriedImage, Option<String>)> {
    let printer = &workplace.context.printer;
    let name = apart
        .image(flavour)
        .ok_or_else(|| Error::failed(format!("no {flavour} image was built")))?;
    let image = (workplace.images.find(name, printer)?)
        .ok_or_else(|| Images::missing(name, "envtpl verify"))?;
    let service = Layer::Generic.service(flavour);
    let own = workplace.image(&service)?;
    let present = workplace.find(&service)?;
    let comparable = match &present {
        Some(present) => is_of_these_files(workplace, present, flavour)?,
        None => false,
    };
    let note = match &present {
        Some(_) if comparable => None,
        Some(_) => Some(format!(
            "{own} was built from other files, so it is not compared: `envtpl build` builds it"
        )),
        None => Some(format!(
            "there is no {own} to compare with: `envtpl build` builds it"
        )),
    };
    let mut trial = Trial {
        flavour,
        rebuilt: facts(workplace, name)?,
        present: match comparable {
            true => Some(facts(workplace, own)?),
            false => None,
        },
    };
    list_what_differs(workplace, (name, own), &mut trial)?;
    let tried = TriedImage {
        flavour,
        rebuilt: image.id,
        layers: image.layers,
        present: present.map(|present| present.id),
        compared: comparable,
    };
    Ok((trial, tried, note))
}

/// A word when the engine has another base image by the name that the lock has, whose packages the
/// lock does not list.
///
/// # Errors
/// `NotReady` when the engine does not answer.
pub fn note_on_base(workplace: &Workplace<'_>, lock: &Lock) -> Result<Option<String>> {
    let base = &lock.base;
    let named = base_image(workplace, &BuildArgs::default())?;
    let named = named.unwrap_or_else(|| base.image.clone());
    if base.digest.is_some() && pin::split(&named).1.is_some() {
        // Whatever its tag stands for by now.
        return Ok(None);
    }
    let image = workplace.images.find(&named, &workplace.context.printer)?;
    let Some(image) = image else {
        return Ok(None);
    };
    let by_id = base.id.as_ref().is_none_or(|id| *id == image.id);
    let by_digest = base.digest.as_ref().is_none_or(|digest| {
        image.repo_digests.is_empty()
            || image
                .repo_digests
                .iter()
                .any(|known| known.ends_with(digest.as_str()))
    });
    Ok((!by_id || !by_digest).then(|| {
        format!(
            "the base image {} is {} on this machine, and the lock was made with {}",
            base.image,
            short_id(&image.id),
            base.digest
                .as_deref()
                .or(base.id.as_deref())
                .map(short_id)
                .unwrap_or_default()
        )
    }))
}

fn is_of_these_files(workplace: &Workplace<'_>, present: &Image, flavour: Flavour) -> Result<bool> {
    let inputs = digest(workplace.installation.directory(), flavour)?;
    Ok(present.labels.get(INPUTS_LABEL) == Some(&inputs))
}

fn facts(workplace: &Workplace<'_>, image: &str) -> Result<Facts> {
    let question = Question::records_and_now().with_contents(contents::Question::default());
    let mut answer = ask(workplace, image, &question)?;
    Ok(Facts {
        now: answer.now()?,
        base: answer.record("base").unwrap_or_default(),
        contents: answer.contents()?,
    })
}

fn ask(workplace: &Workplace<'_>, image: &str, question: &Question) -> Result<Answer> {
    let tools = workplace.compose.tools();
    let platform = workplace.installation.name().platform().docker();
    let question = question.to_image(tools.docker(), image, &platform);
    let printed = tools.read(&question, &workplace.context.printer)?;
    Answer::parse(&printed, image)
}

/// Has the files named of packages that differ between the two images.
fn list_what_differs(
    workplace: &Workplace<'_>,
    (rebuilt_name, present_name): (&str, &str),
    trial: &mut Trial,
) -> Result<()> {
    let Some(present) = &mut trial.present else {
        return Ok(());
    };
    let rebuilt = &mut trial.rebuilt.contents;
    let list = to_be_listed(rebuilt, &present.contents);
    if list.is_empty() {
        return Ok(());
    }
    let question = Question::default().with_contents(contents::Question {
        depth: Depth::Records,
        list,
    });
    rebuilt.take_lists(ask(workplace, rebuilt_name, &question)?.contents()?);
    let listed = ask(workplace, present_name, &question)?.contents()?;
    present.contents.take_lists(listed);
    Ok(())
}
