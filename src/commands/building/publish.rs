//! Giving finished images their names.

use crate::commands::building::{BuildArgs, Built, Plan};
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{REVISION_LABEL, commit_tag};
use crate::error::{Error, Result};
use crate::project::Revision;

/// Gives the finished images their names, all at once, so that an interrupted build leaves the
/// tags of the one before.
pub fn publish(
    workplace: &Workplace<'_>,
    plan: &Plan,
    layer: Layer,
    args: &BuildArgs,
    before: &Revision,
) -> Result<Vec<Built>> {
    let printer = &workplace.context.printer;
    let after = Revision::of(workplace.installation.directory())?;
    let unchanged = &after == before;
    if !unchanged {
        printer.warn("files changed while the build ran, so no commit tag was given");
    }
    let mut built = Vec::new();
    for (target, name) in plan.targets.iter().zip(&plan.names) {
        let Some(image) = workplace.images.find(&target.image, printer)? else {
            return Err(Error::failed(format!(
                "the build ended well but left no image `{}`",
                target.image
            )));
        };
        let Some(name) = name else { continue };
        let mut tags = vec![name.clone()];
        let commit = match layer {
            Layer::Generic => before.tag(!args.build_args.is_empty()),
            // A user image carries the commit of the image that it stands on.
            Layer::User => image
                .labels
                .get(REVISION_LABEL)
                .filter(|label| !label.is_empty())
                .map(|label| before.abbreviate(label)),
        };
        if let Some(commit) = commit.filter(|_| unchanged && args.stage.is_none()) {
            tags.push(commit_tag(name, &commit));
        }
        built.push((target, image, tags));
    }
    let mut reports = Vec::new();
    for (target, image, tags) in built {
        for tag in &tags {
            workplace.images.tag(&target.image, tag, printer)?;
        }
        reports.push(Built {
            installation: workplace.installation.name().to_string(),
            service: target.name.clone(),
            id: image.id,
            size: image.size,
            tags,
        });
    }
    workplace.images.untag(
        plan.targets.iter().map(|target| target.image.as_str()),
        printer,
    );
    if before.tag(false).is_none() {
        printer.warn("there is no commit yet, so no image carries one in its tag");
    }
    Ok(reports)
}
