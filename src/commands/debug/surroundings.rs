//! What a step is run with.

use crate::commands::debug::evidence;
use crate::commands::debug::trial::Trial;
use crate::engine::Image;
use crate::installation::dockerfile::{Graph, Scope, Source, derived};

impl Trial<'_> {
    /// Where files are that the step alone sees as it leaves them. A place whose name has a
    /// variable that nobody knows is left out.
    pub fn passing(&self, instruction: usize) -> Vec<String> {
        let step = &self.dockerfile.instructions()[instruction];
        let places = derived::passing(step);
        if !places.iter().any(|place| place.contains('$')) {
            return places.into_iter().map(str::to_owned).collect();
        }
        let graph = Graph::new(self.dockerfile, &self.given);
        let scope = Scope::before(self.dockerfile, &graph, &self.given, instruction);
        let expanded = places.into_iter().filter_map(|place| {
            let expanded = scope.expand(place).ok()?;
            expanded.unset.is_empty().then_some(expanded.text)
        });
        expanded.collect()
    }

    /// The script that keeps files of these places in the step itself; may be empty.
    pub fn then(&self, instruction: usize) -> String {
        evidence::collect_passing(&self.args.keep, &self.passing(instruction))
    }

    /// What runs commands at an instruction: what the file says, else what the base image does.
    pub fn shell(&self, instruction: usize) -> Vec<String> {
        let (chain, base) = self.below(instruction);
        let own = self.dockerfile.shell_at(instruction, &chain);
        let shell = own.or_else(|| base.map(|base| base.shell));
        let shell = shell.filter(|shell| !shell.is_empty());
        shell.unwrap_or_else(derived::default_shell)
    }

    /// Who runs commands at an instruction, as it is written; likewise.
    pub fn user(&self, instruction: usize) -> Option<String> {
        let (chain, base) = self.below(instruction);
        let own = self
            .dockerfile
            .user_at(instruction, &chain)
            .map(str::to_owned);
        let user = own.or_else(|| base.map(|base| base.user));
        user.filter(|user| !user.is_empty())
    }

    /// The stages below an instruction, its own first, and the image that they start from. One that
    /// is not here is fetched by the build, and then rarely has a shell of its own.
    fn below(&self, instruction: usize) -> (Vec<usize>, Option<Image>) {
        let stage = self.dockerfile.instructions()[instruction].stage;
        let graph = Graph::new(self.dockerfile, &self.given);
        let chain = graph.chain(stage.unwrap_or_default());
        let image = match chain.last().and_then(|root| graph.parent(*root)) {
            Some(Source::Image(image)) => {
                let found = self
                    .workplace
                    .images
                    .find(image, &self.workplace.context.printer);
                found.ok().flatten()
            }
            _ => None,
        };
        (chain, image)
    }
}
