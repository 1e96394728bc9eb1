//! Which variables an instruction sees, and with which values.
//!
//! Source of the rules: Dockerfile reference, "Scope" and "Using ARG variables", and BuildKit,
//! `dispatchArg` and `dispatchEnv` of `dockerfile2llb/convert.go`: a stage begins with what the
//! stage that it starts from ended with; `ARG` and `ENV` of one name follow each other.

use std::collections::BTreeMap;

use super::{Dockerfile, Expanded, Given, Graph, Keyword, Lexer, Source};

/// Build arguments that commands see in every stage without declaring them, when they are given
/// (Dockerfile reference, "Predefined ARGs").
pub const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Build arguments that the builder sets; a stage sees those that it declares (Dockerfile
/// reference, "Automatic platform ARGs in the global scope").
pub const PLATFORMS: [&str; 9] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// What defined a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An `ARG`.
    Arg,
    /// An `ENV`, which stays in the image.
    Env,
    /// The builder.
    Builder,
}

/// A variable that an instruction sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value; `None` for an `ARG` that has no default and was given none, and for what only
    /// the builder knows.
    pub value: Option<String>,
    /// What defined it.
    pub origin: Origin,
    /// The instruction that did, as its index.
    pub instruction: Option<usize>,
}

/// The variables that an instruction sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    escape: char,
    variables: BTreeMap<String, Variable>,
    /// The image whose environment is seen too, which the file does not tell.
    image: Option<String>,
}

impl Scope {
    fn empty(dockerfile: &Dockerfile) -> Self {
        Self {
            escape: dockerfile.escape(),
            variables: BTreeMap::new(),
            image: None,
        }
    }

    /// What a `FROM` sees: the arguments before the first one, and those that the builder sets.
    pub fn global(dockerfile: &Dockerfile, given: &Given) -> Self {
        let mut scope = Self::empty(dockerfile);
        for name in PLATFORMS {
            let value = match given.args.get(name) {
                Some(value) => Some(value.clone()),
                None => platform(name, given),
            };
            let variable = Variable {
                value,
                origin: Origin::Builder,
                instruction: None,
            };
            scope.variables.insert(name.to_owned(), variable);
        }
        let instructions = dockerfile.instructions().iter().enumerate();
        for (index, _) in instructions.take_while(|(_, one)| one.stage.is_none()) {
            scope.take(dockerfile, index, given, None);
        }
        scope
    }

    /// What an instruction sees, before it does anything itself.
    pub fn before(
        dockerfile: &Dockerfile,
        graph: &Graph,
        given: &Given,
        instruction: usize,
    ) -> Self {
        let mut global = Self::global(dockerfile, given);
        let one = &dockerfile.instructions()[instruction];
        let (Some(stage), false) = (one.stage, one.keyword == Keyword::From) else {
            // The arguments before the first FROM see those before them.
            let is_before = |index| index < instruction;
            let seen = |variable: &Variable| variable.instruction.is_none_or(is_before);
            global.variables.retain(|_, variable| seen(variable));
            return global;
        };
        let mut scope = Self::empty(dockerfile);
        let chain = graph.chain(stage);
        scope.image = match chain.last().and_then(|first| graph.parent(*first)) {
            Some(Source::Image(image) | Source::Context(image)) => Some(image.clone()),
            _ => None,
        };
        for stage in chain.into_iter().rev() {
            let own = dockerfile.stages()[stage].instructions.clone();
            for index in own.take_while(|index| *index < instruction) {
                scope.take(dockerfile, index, given, Some(&global));
            }
        }
        scope
    }

    /// What is seen behind an instruction: what it saw, and what it defines.
    pub fn after(
        dockerfile: &Dockerfile,
        graph: &Graph,
        given: &Given,
        instruction: usize,
    ) -> Self {
        let global = Self::global(dockerfile, given);
        let mut scope = Self::before(dockerfile, graph, given, instruction);
        let in_stage = dockerfile.instructions()[instruction].stage.is_some();
        scope.take(dockerfile, instruction, given, in_stage.then_some(&global));
        scope
    }

    /// What an `ARG` or `ENV` adds.
    fn take(
        &mut self,
        dockerfile: &Dockerfile,
        index: usize,
        given: &Given,
        global: Option<&Self>,
    ) {
        let instruction = &dockerfile.instructions()[index];
        let origin = match instruction.keyword {
            Keyword::Arg => Origin::Arg,
            Keyword::Env => Origin::Env,
            _ => return,
        };
        // All of one ENV see what was before it; of one ARG, each sees the one before.
        let before = (origin == Origin::Env).then(|| self.clone());
        for pair in instruction.pairs(self.escape) {
            let written = pair.value.as_deref();
            let seen = before.as_ref().unwrap_or(self);
            let own = written.map(|text| {
                let expanded = seen.expand(text);
                expanded.map_or_else(|_| text.to_owned(), |it| it.text)
            });
            let given_one = given.args.get(&pair.name).filter(|_| origin == Origin::Arg);
            let value = match (given_one, own) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(own)) => Some(own),
                (None, None) => global.and_then(|global| global.value(&pair.name)),
            };
            // An argument that is only declared hides nothing that has a value.
            if value.is_none() && self.value(&pair.name).is_some() {
                continue;
            }
            let variable = Variable {
                value,
                origin,
                instruction: Some(index),
            };
            self.variables.insert(pair.name, variable);
        }
    }

    /// The variables by their names.
    pub fn variables(&self) -> &BTreeMap<String, Variable> {
        &self.variables
    }

    /// The value of a variable, if it has one that is known.
    pub fn value(&self, name: &str) -> Option<String> {
        self.variables.get(name)?.value.clone()
    }

    /// The image at the bottom of the stage, whose own variables are not among these; `None` where
    /// there is none.
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// A command as the builder shows it in its steps: the variables replaced that have a value,
    /// the others and all quotes as they are written.
    pub fn shown(&self, command: &str) -> String {
        let lexer = Lexer {
            raw_quotes: true,
            raw_escapes: true,
            keep_unset: true,
            ..Lexer::new(self.escape)
        };
        let shown = lexer.expand(command, &|name| self.value(name));
        // What cannot be read as words of a Dockerfile is shown as it is.
        shown.map_or_else(|_| command.to_owned(), |it| it.text)
    }

    /// An argument of an instruction with its variables replaced and its quotes taken off.
    ///
    /// # Errors
    /// What the builder refuses the text for, in a few words.
    pub fn expand(&self, text: &str) -> Result<Expanded, String> {
        Lexer::new(self.escape).expand(text, &|name| self.value(name))
    }
}

/// What the builder sets for the platform that is built for; it is known when that is.
fn platform(name: &str, given: &Given) -> Option<String> {
    if name == "TARGETSTAGE" {
        let target = given.target.clone();
        return Some(target.unwrap_or_else(|| "default".to_owned()));
    }
    let whole = given.platform.as_deref()?;
    let mut parts = whole.split('/');
    let (system, processor) = (parts.next()?, parts.next()?);
    match name {
        "TARGETPLATFORM" => Some(whole.to_owned()),
        "TARGETOS" => Some(system.to_owned()),
        "TARGETARCH" => Some(processor.to_owned()),
        "TARGETVARIANT" => Some(parts.next().unwrap_or_default().to_owned()),
        _ => None,
    }
}
