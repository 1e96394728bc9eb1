//! Triggers (`ONBUILD`) that fail: the stage that has them from its base, with them written out, so
//! that each is looked into as any step is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::commands::debug::trial::{Failing, Trial};
use crate::commands::workplace::Workplace;
use crate::engine::Image;
use crate::error::{Error, Place, Result};
use crate::installation::dockerfile::derived::{BARE, Base, Spelled};
use crate::installation::dockerfile::{Dockerfile, Graph, Keyword, Source};

/// A Dockerfile with the triggers of a stage written out.
pub struct Written<'a> {
    /// The file.
    pub spelled: Spelled,
    /// Whose triggers they are.
    pub origin: Origin,
    /// What the stage starts from now, where that is an image.
    image: Option<Bare<'a>>,
}

/// Whose triggers they are: enough to write them out once more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Origin {
    /// The stage that has them from its base, by its index.
    stage: usize,
    base: Base,
}

impl Origin {
    /// An earlier Dockerfile with its triggers written out.
    ///
    /// # Errors
    /// `Usage` when a trigger is no instruction.
    pub fn written_out(&self, file: &Dockerfile) -> Result<Dockerfile> {
        Ok(file.spelled(self.stage, &self.base)?.dockerfile)
    }
}

/// An image that goes when nobody needs it any more.
struct Bare<'a> {
    workplace: &'a Workplace<'a>,
    name: String,
}

impl Drop for Bare<'_> {
    fn drop(&mut self) {
        let name = std::iter::once(self.name.as_str());
        self.workplace
            .images
            .untag(name, &self.workplace.context.printer);
    }
}

impl<'a> Written<'a> {
    /// Writes the triggers out if one of them is what fails, and gives the one that does where that
    /// is known already; `None` when it is another step.
    ///
    /// # Errors
    /// `Usage` when a trigger is no instruction; when the engine refuses.
    pub fn of(trial: &Trial<'a>, failing: &Failing) -> Result<Option<(Self, Option<usize>)>> {
        let file = trial.dockerfile;
        let instruction = &file.instructions()[failing.instruction];
        let Some(own) = instruction.stage else {
            return Ok(None);
        };
        let graph = Graph::new(file, &trial.given);
        // The line of an ONBUILD is the step that it is in the first stage that has it.
        let (stage, before) = match instruction.keyword {
            Keyword::From => (Some(own), None),
            Keyword::Onbuild => {
                let mut users = graph.users(own).into_iter();
                let first = file.stages()[own].instructions.start;
                let before = file.instructions()[first..failing.instruction].iter();
                let before = before.filter(|one| one.keyword == Keyword::Onbuild);
                let is_child = |user: &usize| graph.parent(*user) == Some(&Source::Stage(own));
                (users.find(is_child), Some(before.count()))
            }
            _ => (None, None),
        };
        let Some(stage) = stage else {
            return Ok(None);
        };
        let base = match graph.parent(stage) {
            Some(Source::Stage(parent)) if file.has_triggers(*parent) => Base::Stage(*parent),
            Some(Source::Image(name)) => match image(trial, name, failing)? {
                Some(found) if !found.triggers.is_empty() => Base::Image {
                    name: name.clone(),
                    triggers: found.triggers,
                    shell: found.shell,
                    user: found.user,
                },
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let written = Self::from(trial.workplace, file, Origin { stage, base })?;
        let spelled = &written.spelled;
        let graph = Graph::new(&spelled.dockerfile, &trial.given);
        let mut triggers = spelled.triggers.clone();
        let known = match before {
            Some(before) => Some(spelled.triggers.start + before),
            None => triggers.find(|index| {
                let number = graph.step(*index).map(|step| step.number);
                number.is_some() && number == failing.number
            }),
        };
        Ok(Some((written, known)))
    }

    /// Writes them out once more, in the Dockerfile as it is now.
    ///
    /// # Errors
    /// `Usage` when the stage is gone or starts from something else; otherwise as [`Self::of`].
    pub fn again(
        workplace: &'a Workplace<'a>,
        file: &Dockerfile,
        before: &Dockerfile,
        origin: &Origin,
    ) -> Result<Self> {
        let old = &before.stages()[origin.stage];
        let now = match &old.name {
            Some(name) => file.find_stage(name),
            None => file.stages().get(origin.stage),
        };
        let same = now.filter(|now| now.base == old.base);
        let parent = |stage: usize, file: &Dockerfile| {
            let stages = &file.stages()[..stage];
            stages.iter().rposition(|one| {
                let name = one.name.as_deref();
                name.is_some_and(|name| name.eq_ignore_ascii_case(&old.base))
            })
        };
        let base = match (&origin.base, same) {
            (Base::Stage(_), Some(now)) => parent(now.index, file).map(Base::Stage),
            (base @ Base::Image { .. }, Some(_)) => Some(base.clone()),
            (_, None) => None,
        };
        let Some((now, base)) = same.zip(base) else {
            return Err(
                Error::usage("the stage whose trigger failed begins otherwise now")
                    .at(Place::file(file.path()))
                    .help("without `--resume` it is built from its beginning"),
            );
        };
        let stage = now.index;
        Self::from(workplace, file, Origin { stage, base })
    }

    fn from(workplace: &'a Workplace<'a>, file: &Dockerfile, origin: Origin) -> Result<Self> {
        let spelled = file.spelled(origin.stage, &origin.base)?;
        let image = match &origin.base {
            Base::Image { name, .. } if !workplace.context.dry_run => {
                Some(Bare::make(workplace, name)?)
            }
            _ => None,
        };
        Ok(Self {
            spelled,
            origin,
            image,
        })
    }

    /// What the name that the stage starts from means for a build; a stage of the file means itself.
    pub fn context(&self) -> Option<(&'static str, PathBuf)> {
        let Base::Image { .. } = self.origin.base else {
            return None;
        };
        let name = self.image.as_ref().map_or(BARE, |image| &image.name);
        Some((BARE, format!("docker-image://{name}").into()))
    }

    /// Who gave the triggers, for people.
    pub fn giver(&self, original: &Dockerfile) -> String {
        match &self.origin.base {
            Base::Stage(stage) => format!("stage `{}`", original.stages()[*stage].label()),
            Base::Image { name, .. } => format!("image `{name}`"),
        }
    }
}

impl<'a> Bare<'a> {
    fn make(workplace: &'a Workplace<'a>, image: &str) -> Result<Self> {
        let printer = &workplace.context.printer;
        let Some(found) = workplace.images.find(image, printer)? else {
            return Err(Error::failed(format!("the image `{image}` is gone")));
        };
        let made = Self {
            workplace,
            name: format!("{BARE}:{}", std::process::id()),
        };
        workplace
            .images
            .without_triggers(&found.id, &made.name, printer)?;
        Ok(made)
    }
}

/// The image that a stage starts from. One that only the builder has is fetched where a step of it
/// fails, since who builds does not tell what its triggers are.
fn image(trial: &Trial<'_>, name: &str, failing: &Failing) -> Result<Option<Image>> {
    let workplace = trial.workplace;
    let printer = &workplace.context.printer;
    let found = workplace.images.find(name, printer)?;
    if found.is_some() || !failing.is_trigger || workplace.context.dry_run {
        return Ok(found);
    }
    printer.status("Fetching", format_args!("{name}, whose trigger fails"));
    let docker = workplace.compose.tools().docker();
    let pull = docker.args(["pull", "--quiet", "--platform", &trial.platform, name]);
    workplace.compose.tools().read(&pull, printer)?;
    workplace.images.find(name, printer)
}
