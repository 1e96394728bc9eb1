//! Builds from a Dockerfile that is thrown away: everything else is as the service's own build has
//! it, by Compose's own answer.

use std::path::{Path, PathBuf};

use crate::commands::building::Failure;
use crate::commands::building::bake::{FOR_PROGRAMS, bake};
use crate::commands::building::listen::listen;
use crate::commands::building::view::View;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::failure;
use crate::engine::progress::{PlainLog, Steps, Told};
use crate::engine::{Target, with_dockerfile, with_fresh_stages};
use crate::error::{Error, Place, Result};
use crate::files::{self, Scratch};
use crate::installation::dockerfile::{Dockerfile, Given};
use crate::installation::flavour::Flavour;
use crate::process::Invocation;
use crate::secrets::redact_text;

/// What the build is called while it runs.
const TARGET: &str = "derived";
/// How many of the last lines of a failing step are shown.
const SHOWN_LINES: usize = 10;

/// The Dockerfile of a service's build.
#[derive(Debug, Clone)]
pub struct ServiceDockerfile {
    /// The service.
    pub service: String,
    /// Where it is, for messages too.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

impl ServiceDockerfile {
    /// The Dockerfile that a service is built from.
    ///
    /// # Errors
    /// `Usage` when the service is built from none, or it is not there.
    pub fn of(workplace: &Workplace<'_>, service: &str) -> Result<Self> {
        let path = Self::locate(workplace, service)?;
        Ok(Self {
            service: service.to_owned(),
            text: files::read_text(&path)?,
            path,
        })
    }

    /// Where the Dockerfile is that a service is built from.
    ///
    /// # Errors
    /// `Usage` when the service is built from none.
    pub fn locate(workplace: &Workplace<'_>, service: &str) -> Result<PathBuf> {
        let file = workplace.compose.file();
        let Some(build) = &workplace.model.service(service, &file)?.build else {
            return Err(Error::usage(format!("service `{service}` is not built"))
                .at(Place::file(&file))
                .help("name one that has a `build:` with `--service`"));
        };
        let directory = workplace.installation.directory();
        let context = (build.context.as_ref())
            .map_or_else(|| directory.to_owned(), |context| directory.join(context));
        Ok(context.join(build.dockerfile.as_deref().unwrap_or("Dockerfile")))
    }

    /// The Dockerfile of the service named, else that of the generic dev image, or of the user's
    /// if that alone has the stage.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with_stage(
        workplace: &Workplace<'_>,
        stage: &str,
        service: Option<&str>,
    ) -> Result<Self> {
        if let Some(service) = service {
            return Self::of(workplace, service);
        }
        let generic = Self::of(workplace, &Layer::Generic.service(Flavour::Dev))?;
        if !generic.has(stage)
            && let Ok(user) = Self::of(workplace, &Layer::User.service(Flavour::Dev))
            && user.has(stage)
        {
            return Ok(user);
        }
        Ok(generic)
    }

    fn has(&self, stage: &str) -> bool {
        let file = Dockerfile::parse(&self.path, &self.text);
        file.is_ok_and(|file| file.find_stage(stage).is_some())
    }

    /// What the service's build is given, by Compose's own answer and by options, `NAME=VALUE`.
    pub fn given(&self, workplace: &Workplace<'_>, build_args: &[String]) -> Given {
        let build = workplace.model.services.get(&self.service);
        let build = build.and_then(|service| service.build.as_ref());
        let mut given = Given {
            platform: Some(workplace.installation.name().platform().docker()),
            ..Given::default()
        };
        if let Some(build) = build {
            let set = build.args.iter();
            let set = set.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
            given.args.extend(set);
            given.target.clone_from(&build.target);
        }
        let own = build_args
            .iter()
            .filter_map(|argument| argument.split_once('='));
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        given.args.extend(own);
        given
    }
}

/// Why a stage could not be built, with the end of what its failing step printed.
pub fn stage_failure(ended: &Ended, original: &ServiceDockerfile, stage: &str) -> Error {
    let name = original.path.file_name().unwrap_or_default();
    let failure = Failure::read(&ended.said, &name.to_string_lossy());
    let tail = failure.log.len().saturating_sub(SHOWN_LINES);
    let mut said = failure.log[tail..].to_vec();
    said.push(failure.message);
    let error = Error::failed(format!("the stage `{stage}` cannot be built"))
        .because(std::io::Error::other(said.join("\n")));
    if failure.step.is_none() {
        return with_advice(error, &ended.said);
    }
    error.help(format!(
        "`envtpl debug {stage}` shows all that the step printed, and its files"
    ))
}

/// An error with what to do about a build that failed without a step to look into.
pub fn with_advice(error: Error, said: &[String]) -> Error {
    match failure::explain(said.join("\n").as_bytes()) {
        Ok(failure::Outcome::Failed(why)) => why.advice.into_iter().fold(error, Error::help),
        _ => error,
    }
}

/// What a build makes of its last stage.
#[derive(Debug, Clone, Copy)]
pub enum Output<'a> {
    /// Nothing: that it can be built is all that is wanted.
    Nothing,
    /// Its files, in a directory that is there.
    Directory(&'a Path),
    /// Its files, in a tar file.
    Tar(&'a Path),
    /// An image of this name.
    Image(&'a str),
}

/// A build from a derived Dockerfile.
pub struct Derived<'a> {
    workplace: &'a Workplace<'a>,
    original: &'a ServiceDockerfile,
    /// What the Dockerfile says; the original's text until it is changed.
    pub text: String,
    /// The stage to build; the last one when none is given.
    pub stage: Option<String>,
    /// Further contexts, by the names that the Dockerfile has for them.
    pub contexts: Vec<(&'a str, PathBuf)>,
    /// Build arguments for this build alone, as `NAME=VALUE`.
    pub build_args: Vec<String>,
    /// The platform, as `linux/amd64`.
    pub platform: String,
    /// Stages that are built again.
    pub fresh: Vec<String>,
}

/// How a build ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// Whether it was built.
    pub built: bool,
    /// What was said, line by line.
    pub said: Vec<String>,
}

impl<'a> Derived<'a> {
    /// A build of the last stage of a service's Dockerfile, for the installation's platform.
    pub fn new(workplace: &'a Workplace<'a>, original: &'a ServiceDockerfile) -> Self {
        Self {
            workplace,
            original,
            text: original.text.clone(),
            stage: None,
            contexts: Vec::new(),
            build_args: Vec::new(),
            platform: workplace.installation.name().platform().docker(),
            fresh: Vec::new(),
        }
    }

    /// Builds, with what is needed for it in a directory that is gone afterwards, outside of the
    /// project.
    ///
    /// # Errors
    /// When it cannot be begun, and `Interrupted`. A build that fails is no error here.
    pub fn build(&self, output: Output<'_>) -> Result<Ended> {
        let scratch = Scratch::inside(&std::env::temp_dir())?;
        let dockerfile = self.write(scratch.path())?;
        let workplace = self.workplace;
        let invocation = self.invocation(&dockerfile, output)?;
        let mut heard = Heard {
            steps: Steps::new([TARGET]),
            plain: PlainLog::default(),
            view: View::of_a_part(workplace.context, workplace.installation),
            said: Vec::new(),
        };
        let status = listen(&invocation, &workplace.context.printer, |told| {
            told.into_iter().for_each(|told| heard.take(told));
            heard.view.show(&heard.steps);
        });
        let lines = heard.plain.end(&heard.steps);
        heard.say(lines);
        Ok(Ended {
            built: status?.success(),
            said: heard.said,
        })
    }

    /// What `--dry-run` shows: the Dockerfile, the Compose file, and the command.
    ///
    /// # Errors
    /// When the Compose file cannot be written as JSON.
    pub fn shown(&self, output: Output<'_>) -> Result<String> {
        let dockerfile = Path::new("/tmp/.new-…").join(self.name());
        Ok(format!(
            "# with this Dockerfile, outside of the project:\n{}\n\
             # with this Compose file on standard input:\n{}\n{}\n",
            self.text,
            self.document(&dockerfile)?,
            self.invocation(&dockerfile, output)?
        ))
    }

    fn name(&self) -> &std::ffi::OsStr {
        let name = self.original.path.file_name();
        name.unwrap_or("Dockerfile".as_ref())
    }

    /// The Dockerfile has the original's name, since messages have it too, and what is ignored in
    /// the context may stand in a file of that name.
    fn write(&self, directory: &Path) -> Result<PathBuf> {
        let dockerfile = directory.join(self.name());
        files::keep_readable(&dockerfile, self.text.as_bytes())?;
        let ignored = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(".dockerignore");
            PathBuf::from(name)
        };
        if let Some(bytes) = files::read_if_exists(&ignored(&self.original.path))? {
            files::keep_readable(&ignored(&dockerfile), &bytes)?;
        }
        Ok(dockerfile)
    }

    fn document(&self, dockerfile: &Path) -> Result<String> {
        let target = Target {
            name: TARGET.to_owned(),
            service: self.original.service.clone(),
            image: format!("envtpl-{TARGET}"),
            stage: None,
        };
        let mut document = self.workplace.model.build_document(&[target]);
        let contexts: Vec<(&str, &Path)> = (self.contexts.iter())
            .map(|(name, path)| (*name, path.as_path()))
            .collect();
        with_dockerfile(&mut document, dockerfile, &contexts);
        if !self.fresh.is_empty() {
            with_fresh_stages(&mut document, &self.fresh);
        }
        let build = &mut document["services"][TARGET]["build"];
        if let Some(build) = build.as_object_mut() {
            // Neither an image's names nor a cache elsewhere are for what is thrown away.
            for key in ["target", "platforms", "tags", "cache_to"] {
                build.remove(key);
            }
        }
        serde_json::to_string_pretty(&document).map_err(|source| {
            Error::failed("cannot write the build's Compose file").because(source)
        })
    }

    fn invocation(&self, dockerfile: &Path, output: Output<'_>) -> Result<Invocation> {
        let mut invocation = bake(
            self.workplace,
            [&*self.original.service],
            FOR_PROGRAMS,
            &self.platform,
        )?
        .arg(format!("--set=*.output={}", written(output)));
        if let Output::Image(name) = output {
            invocation = invocation.arg(format!("--set=*.tags={name}"));
        }
        if let Some(stage) = &self.stage {
            invocation = invocation.arg(format!("--set=*.target={stage}"));
        }
        for argument in &self.build_args {
            invocation = invocation.arg(format!("--set=*.args.{argument}"));
        }
        Ok(invocation.arg(TARGET).stdin(self.document(dockerfile)?))
    }
}

/// What a build said so far, as lines, and what a person sees of it.
struct Heard {
    steps: Steps,
    plain: PlainLog,
    view: View,
    said: Vec<String>,
}

impl Heard {
    fn take(&mut self, told: Told) {
        let lines = match told {
            Told::Event(event) => {
                let event = event.redacted();
                let changes = self.steps.take(&event);
                self.plain.take(&self.steps, &changes)
            }
            Told::Text(text) => vec![redact_text(&text)],
        };
        self.say(lines);
    }

    fn say(&mut self, lines: Vec<String>) {
        self.view.lines(&lines);
        self.said.extend(lines);
    }
}

fn written(output: Output<'_>) -> String {
    let to = |kind: &str, path: &Path| {
        // The value is a line of comma-separated values.
        let destination = format!("dest={}", path.display()).replace('"', "\"\"");
        format!("type={kind},\"{destination}\"")
    };
    match output {
        Output::Nothing => "type=cacheonly".to_owned(),
        Output::Directory(path) => to("local", path),
        Output::Tar(path) => to("tar", path),
        Output::Image(_) => "type=docker".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_may_have_any_characters() {
        let written = written(Output::Directory(Path::new("/a, \"b\"=c")));
        assert_eq!(written, "type=local,\"dest=/a, \"\"b\"\"=c\"");
    }
}
