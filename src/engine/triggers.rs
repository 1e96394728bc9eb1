//! An image without the triggers that it has for builds.

use crate::engine::Images;
use crate::error::Result;
use crate::output::Printer;

impl Images {
    /// Gives a name to an image of the same layers as that of an id, which has none of its
    /// triggers (`ONBUILD`). Of what commands run with, `SHELL` is lost.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn without_triggers(&self, id: &str, name: &str, printer: &Printer) -> Result<()> {
        // An image that is made from a container has no triggers; it need not run for that.
        let container = name.replace(':', "-");
        let docker = || self.tools.docker();
        let create = docker().args(["create", "--name", &container, id, "true"]);
        let commit = docker().args(["commit", &container, name]);
        let made = (self.tools.read(&create, printer))
            .and_then(|_| self.tools.read(&commit, printer).map(drop));
        let remove = docker().args(["rm", "--force", "--volumes", &container]);
        if let Err(error) = remove.capture_even_when_interrupted(printer) {
            printer.verbose(error);
        }
        made
    }
}
