//! Whether a snapshot was taken in the image that this machine has, as far as there is one.

use crate::commands::freeze::facts::{ask_image, record};
use crate::commands::workplace::{Layer, Workplace};
use crate::environment::compare::{Comparison, Packages, What, compare};
use crate::environment::probe::Question;
use crate::environment::snapshot_file::SnapshotFile;
use crate::error::Result;

/// How many packages are named.
const NAMED: usize = 3;

/// Says in one line how the image of a snapshot, by its own record, differs from the one of that
/// installation and flavour here. Digests would tell less: an image that was converted for a
/// cluster, or built twice, has another one and holds the same.
///
/// # Errors
/// When the engine does not answer, or the image has no record.
pub fn tell(workplace: &Workplace<'_>, file: &SnapshotFile, name: &str) -> Result<()> {
    let image = workplace.image(&Layer::Generic.service(file.flavour))?;
    let printer = &workplace.context.printer;
    if workplace.images.find(image, printer)?.is_none() {
        return Ok(());
    }
    let flavour = file.flavour.to_string();
    let here = record(
        &mut ask_image(workplace, &Question::records(), image)?,
        &flavour,
        image,
    )?;
    let Some(there) = file.built() else {
        return Ok(());
    };
    let packages = [there, &here].map(Packages::of_snapshot);
    if let Some(how) = how(&compare(&packages[0], &packages[1])) {
        printer.warn(format_args!(
            "`{name}` was taken in another image than `{image}` is here: {how}"
        ));
        printer.help(
            "what is frozen is the snapshot's; what the image here has besides is not in it, and \
             the next build follows the lock",
        );
    }
    Ok(())
}

/// What differs between the snapshot's image and the one here; `None` when nothing does.
fn how(comparison: &Comparison) -> Option<String> {
    let changed = comparison.changed.iter().map(|change| {
        let differences = change.differences.iter();
        let told = differences.map(|difference| {
            let what = match difference.what {
                What::Version => String::new(),
                other => format!("{other} "),
            };
            format!(
                "{what}{} there and {} here",
                difference.before, difference.after
            )
        });
        format!("{} {}", change.name, told.collect::<Vec<_>>().join(", "))
    });
    let there = comparison.removed.iter();
    let there =
        there.map(|one| format!("{} {} there alone", one.package.name, one.package.version));
    let here = comparison.added.iter();
    let here = here.map(|one| format!("{} {} here alone", one.package.name, one.package.version));
    let mut all: Vec<String> = changed.chain(there).chain(here).collect();
    let number = match all.len() {
        0 => return None,
        1 => "one package differs".to_owned(),
        several => format!("{several} packages differ"),
    };
    if all.len() > NAMED {
        let more = all.len() - NAMED;
        all.truncate(NAMED);
        all.push(format!("and {more} more"));
    }
    Some(format!("{number} ({})", all.join("; ")))
}
