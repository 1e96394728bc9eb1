//! Which Python an image of the person's own has.

use crate::commands::Context;
use crate::engine::Tools;
use crate::error::{Kind, Result};
use crate::templates::{Catalogue, Python};

/// Prints the version as `3.12`.
const PROGRAM: &str = "import sys; print('%d.%d' % sys.version_info[:2])";

/// When a version was asked for and neither the catalogue nor the image's name tells which one it
/// has, asks the image itself, if the engine has it. An image with another version is refused by
/// the catalogue, which is told here.
///
/// # Errors
/// `Usage` when the image has another Python than asked for, `Interrupted`.
pub(super) fn check(context: &Context, image: &str, python: Python) -> Result<Python> {
    let Python::Exactly(wanted) = &python else {
        return Ok(python);
    };
    if Catalogue::embedded()?.python_of(image).is_some() {
        return Ok(python);
    }
    match ask(context, image)? {
        Some(version) if version == *wanted => Ok(python),
        Some(version) => Err(crate::templates::other_python(image, &version, wanted)),
        None => {
            context.printer.warn(format_args!(
                "cannot tell whether `{image}` has Python {wanted}: the engine does not have it"
            ));
            Ok(python)
        }
    }
}

fn ask(context: &Context, image: &str) -> Result<Option<String>> {
    let asked = Tools::default()
        .docker()
        .args(["run", "--rm", "--pull", "never", "--network", "none"])
        .args(["--entrypoint", "python3", image, "-c", PROGRAM])
        .capture(&context.printer);
    match asked {
        Ok(finished) if finished.status.success() => Ok(Some(finished.text())),
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        _ => Ok(None),
    }
}
