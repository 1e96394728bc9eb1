//! What the registry of a place says: whether it takes a push, before anything long, and why it did
//! not when a transfer failed, since it says more of that than the engine does.

use std::collections::BTreeSet;

use crate::commands::reach::Reach;
use crate::commands::registries;
use crate::commands::sharing::Place;
use crate::commands::sharing::stack::Stack;
use crate::commands::workplace::Workplace;
use crate::engine::Image;
use crate::error::{Error, Result};
use crate::registry::{Access, Refusal, Repository, Session};

/// Asks each registry whether it takes a push.
///
/// # Errors
/// `NotReady` when one does not, with what to do.
pub fn ask(stacks: &[Stack<'_>]) -> Result<()> {
    let mut asked = BTreeSet::new();
    for stack in stacks {
        if asked.insert(&stack.place.name) {
            let printer = &stack.workplace.context.printer;
            printer.status(
                "Asking",
                format_args!("whether {} takes a push", stack.place.name),
            );
            let answer = may_push(&stack.workplace, &stack.place);
            match answer {
                // The engine may reach what this machine does not.
                Err(refusal) if stack.workplace.engine_is_elsewhere() => {
                    printer.warn_about(&refusal);
                }
                answer => answer?,
            }
        }
    }
    Ok(())
}

/// What the registry says to a push that failed, or the failure itself where it has nothing
/// against it.
pub fn explain(stack: &Stack<'_>, failure: Error) -> Error {
    may_push(&stack.workplace, &stack.place)
        .err()
        .unwrap_or(failure)
}

fn may_push(workplace: &Workplace<'_>, place: &Place) -> Result<()> {
    let reach = Reach::of(workplace.installation)?;
    registries::check_push(&reach, &repository(place)?, &workplace.context.printer).map(drop)
}

/// A registry that is asked about one repository.
pub struct Asked {
    /// For the questions.
    pub session: Session,
    reach: Reach,
    access: Access,
}

impl Asked {
    /// Opens a session about a place.
    ///
    /// # Errors
    /// `NotReady` when the registry does not want to, with what to do.
    pub fn open(workplace: &Workplace<'_>, place: &Place, access: Access) -> Result<Self> {
        let reach = Reach::of(workplace.installation)?;
        let printer = &workplace.context.printer;
        Ok(Self {
            session: registries::open(&reach, &repository(place)?, access, printer)?,
            reach,
            access,
        })
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// A refusal, with what to do.
    pub fn answer<T>(&self, answer: Result<T, Refusal>) -> Result<T> {
        let (repository, tools) = (self.session.repository(), self.reach.tools());
        answer.map_err(|refusal| registries::error(&refusal, repository, self.access, &tools))
    }
}

/// What the repository knows an image by, as far as the engine has been told.
pub fn digest(image: &Image, place: &Place) -> Option<String> {
    let there = repository(place).ok()?;
    let mut digests = image.repo_digests.iter().filter_map(|known| {
        let (name, digest) = known.split_once('@')?;
        (name.parse::<Repository>().ok()? == there).then(|| digest.to_owned())
    });
    digests.next()
}

fn repository(place: &Place) -> Result<Repository> {
    place.name.parse().map_err(|problem| {
        Error::usage(format!(
            "`{}` is no repository of images: {problem}",
            place.name
        ))
    })
}
