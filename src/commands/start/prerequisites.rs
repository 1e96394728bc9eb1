//! What every server in a container needs.

use crate::commands::workplace::Workplace;
use crate::error::{Error, Place, Result};
use crate::files;

/// Refuses a server, `ssh` say, that cannot be had: where the engine is on another machine, which
/// `elsewhere` says of that server, and where the installation has no such script in its
/// `entrypoints`.
///
/// # Errors
/// `Usage` in both cases.
pub fn check(workplace: &Workplace<'_>, server: &str, script: &str, elsewhere: &str) -> Result<()> {
    if workplace.engine_is_elsewhere() {
        return Err(
            Error::usage(format!("the engine is on another machine, {elsewhere}")).help(format!(
                "start it there: log in by ssh, and `envtpl dev --{server}`"
            )),
        );
    }
    let script = workplace.installation.path("entrypoints").join(script);
    if !files::exists(&script) {
        return Err(Error::usage(format!(
            "these installation files are of an envtpl without `--{server}`"
        ))
        .at(Place::file(&script))
        .help("copy entrypoints/ and build-steps/ of a new project (`envtpl init`), and build"));
    }
    Ok(())
}
