//! From what a person typed to an environment, and to what is known of it.

use std::path::Path;

use crate::commands::Context;
use crate::commands::diff::side::{Place, Side};
use crate::commands::workplace::{Layer, Workplace, settings};
use crate::engine::{Configuration, Images, Tools};
use crate::environment::compare::Packages;
use crate::environment::contents::{self, Contents, Depth};
use crate::environment::lock::{self, Lock};
use crate::environment::probe::{Answer, Question};
use crate::environment::snapshot::Snapshot;
use crate::environment::snapshot_file::SnapshotFile;
use crate::error::{self, Error, Kind, Result};
use crate::files;
use crate::installation::flavour::Flavour;
use crate::project::{Git, Project};

/// What an environment can be looked for as, in the order in which it is.
const KINDS: [&str; 6] = [
    "installation",
    "lock",
    "snapshot",
    "commit",
    "container",
    "image",
];

/// Finds environments by what a person types.
pub struct Resolver<'a> {
    context: &'a Context,
    /// Commands outside of a project compare images, containers and files.
    project: Option<Project>,
    flavour: Flavour,
    tools: Tools,
    images: Images,
}

impl<'a> Resolver<'a> {
    /// Looks where we are.
    ///
    /// # Errors
    /// `Usage` when the project around us cannot be read.
    pub fn new(context: &'a Context, flavour: Flavour) -> Result<Self> {
        let project = match context.project() {
            Ok(project) => Some(project),
            Err(error) if error.kind() == Kind::Usage && context.requested.is_empty() => None,
            Err(error) => return Err(error),
        };
        // Without a clear installation, the tools are the usual ones.
        let settings = project.as_ref().and_then(|project| {
            let installation = context.installation(project).ok()?;
            settings(installation).ok()
        });
        let setting = |name| settings.as_ref().and_then(|settings| settings.get(name));
        let tools = Tools::new(setting("DOCKER").as_deref(), setting("COMPOSE").as_deref());
        let images = Images::open(&tools, &context.printer);
        Ok(Self {
            context,
            project,
            flavour,
            tools,
            images,
        })
    }

    /// What a person means.
    ///
    /// # Errors
    /// `Usage` when it is nothing that there is.
    pub fn resolve(&self, text: &str) -> Result<Place> {
        if let Some((kind, rest)) = text.split_once(':')
            && let Some(kind) = KINDS.iter().find(|known| **known == kind)
        {
            let found = self.as_kind(kind, rest)?;
            return found.ok_or_else(|| Self::nothing(text, &format!("no {kind} `{rest}`")));
        }
        for kind in KINDS {
            if let Some(place) = self.as_kind(kind, text)? {
                return Ok(place);
            }
        }
        Err(Self::nothing(
            text,
            "neither an installation, a file, a commit, a running container nor an image",
        ))
    }

    fn nothing(text: &str, what: &str) -> Error {
        Error::usage(format!(
            "there is nothing to compare in `{text}`: it is {what}"
        ))
        .help("`envtpl diff --help` says what can be compared; `envtpl ls` lists images")
    }

    fn as_kind(&self, kind: &str, text: &str) -> Result<Option<Place>> {
        match kind {
            "installation" => self.installation(text),
            "lock" => self.lock(text),
            "snapshot" => Ok(self.snapshot(text)),
            "commit" => self.commit(text),
            "container" => self.container(text),
            _ => self.image(text),
        }
    }

    fn installation(&self, text: &str) -> Result<Option<Place>> {
        let Some(project) = &self.project else {
            return Ok(None);
        };
        let Ok(installation) = project.find(text) else {
            return Ok(None);
        };
        let workplace = Workplace::open(self.context, project, installation)?;
        let service = Layer::Generic.service(self.flavour);
        let image = workplace.image(&service)?;
        if workplace.find(&service)?.is_none() {
            let name = installation.name();
            return Err(
                Images::missing(image, &format!("envtpl build-generic -i {name}"))
                    .help(format!("or compare its lock: `lock:{name}`")),
            );
        }
        Ok(Some(Place::Image {
            name: image.to_owned(),
            installation: Some(installation.name().to_string()),
        }))
    }

    fn lock(&self, text: &str) -> Result<Option<Place>> {
        let mut path = self.context.directory.join(text);
        if !files::exists(&path)
            && let Some(project) = &self.project
            && let Ok(installation) = project.find(text)
        {
            path = installation.path(lock::FILE);
        }
        if !files::exists(&path) || files::is_directory(&path) {
            return Ok(None);
        }
        let written = files::read_text(&path)?;
        // Both are text; only a snapshot is JSON.
        if written.trim_start().starts_with('{') {
            return Ok(None);
        }
        let named_so = path
            .extension()
            .is_some_and(|extension| extension == "lock");
        if !named_so && !Lock::looks_like_one(&written) {
            return Err(
                Error::usage(format!("`{text}` is neither a lock nor a snapshot"))
                    .at(error::Place::file(&path))
                    .help(format!(
                        "compare an `{}`, or a file that `update-env-file` wrote; `commit:{text}` \
                         or `image:{text}` if you mean that",
                        lock::FILE
                    )),
            );
        }
        Ok(Some(Place::Lock {
            name: text.to_owned(),
            lock: Box::new(Lock::parse(&path, &written)?),
            of_commit: false,
        }))
    }

    fn snapshot(&self, text: &str) -> Option<Place> {
        let path = self.context.directory.join(text);
        let is_file = files::exists(&path) && !files::is_directory(&path);
        is_file.then_some(Place::Snapshot(path))
    }

    fn commit(&self, text: &str) -> Result<Option<Place>> {
        let Some(git) = Git::open(&self.context.directory)? else {
            return Ok(None);
        };
        let Some(commit) = git.commit(text) else {
            return Ok(None);
        };
        let Some(project) = &self.project else {
            return Ok(None);
        };
        let installation = self.context.installation(project)?;
        let path = installation.path(lock::FILE);
        let short: String = commit.chars().take(12).collect();
        let shown = format!("{text}:{}", below(project.root(), &path).display());
        let Some(bytes) = git.file_at(&commit, &path)? else {
            return Err(Error::usage(format!(
                "{} has no lock at {text} ({short})",
                installation.name()
            ))
            .help("choose another installation with `-i`, or a commit after its first freeze"));
        };
        let written = String::from_utf8_lossy(&bytes);
        Ok(Some(Place::Lock {
            lock: Box::new(Lock::parse(Path::new(&shown), &written)?),
            name: shown,
            of_commit: true,
        }))
    }

    fn container(&self, text: &str) -> Result<Option<Place>> {
        let found = Configuration::of_container(&self.tools, text, &self.context.printer)?;
        Ok(found.map(|_| Place::Container(text.to_owned())))
    }

    fn image(&self, text: &str) -> Result<Option<Place>> {
        let found = self.images.find(text, &self.context.printer);
        match found {
            // What no image can be called is none; the engine says so with an error.
            Err(error) if error.kind() == Kind::Failed => Ok(None),
            found => Ok(found?.map(|_| Place::Image {
                name: text.to_owned(),
                installation: None,
            })),
        }
    }

    /// What is known of a place.
    ///
    /// # Errors
    /// `NotReady` when the engine does not answer; `Failed` or `Usage` when the place does not
    /// tell what it holds.
    pub fn read(&self, place: Place) -> Result<Side> {
        match &place {
            Place::Lock { lock, .. } => {
                let mut basics = vec![
                    ("base image", lock.base.image.clone()),
                    ("system", lock.base.os.clone()),
                    ("platform", lock.platform.clone()),
                ];
                if let Some(python) = &lock.python {
                    basics.push(("Python", python.version.clone()));
                }
                let packages = Packages::of_lock(lock, self.flavour);
                Ok(Side {
                    place,
                    packages,
                    base: None,
                    basics,
                    configuration: None,
                })
            }
            Place::Snapshot(path) => {
                let (now, base) = snapshots(path)?;
                Ok(side(place, &now, base.as_ref(), None, None))
            }
            Place::Image { name, .. } => {
                let found = Configuration::of_image(&self.tools, name, &self.context.printer)?;
                let platform = format!("linux/{}", found.architecture);
                let question = question().to_image(self.tools.docker(), name, &platform);
                let printed = self.tools.read(&question, &self.context.printer)?;
                answered(place, &printed, found)
            }
            Place::Container(name) => {
                let found = Configuration::of_container(&self.tools, name, &self.context.printer)?;
                let found = found
                    .ok_or_else(|| Error::not_ready(format!("the container `{name}` has gone")))?;
                let question = question().to_container(self.tools.docker(), name);
                let printed = self.tools.read(&question, &self.context.printer)?;
                answered(place, &printed, found)
            }
        }
    }
}

fn below<'p>(root: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(root).unwrap_or(path)
}

/// The RECORDs tell whether a package is made of the same files; reading them is quick.
fn question() -> Question {
    Question::records_and_now().with_contents(contents::Question {
        depth: Depth::Records,
        ..contents::Question::default()
    })
}

fn answered(place: Place, printed: &str, configuration: Configuration) -> Result<Side> {
    let name = place.name();
    let mut answer = Answer::parse(printed, &name)?;
    let contents = answer.contents()?;
    let base = answer.record("base");
    let now = answer.now()?;
    Ok(side(
        place,
        &now,
        base.as_ref(),
        Some(&contents),
        Some(configuration),
    ))
}

fn side(
    place: Place,
    now: &Snapshot,
    base: Option<&Snapshot>,
    contents: Option<&Contents>,
    configuration: Option<Configuration>,
) -> Side {
    let mut basics = vec![
        ("system", now.os.to_string()),
        ("platform", now.platform.clone()),
    ];
    if let Some(python) = &now.python {
        basics.push(("Python", python.version.clone()));
    }
    let packages = Packages::of_snapshot(now);
    Side {
        place,
        packages: match contents {
            Some(contents) => packages.with_contents(contents),
            None => packages,
        },
        base: base.map(Packages::of_snapshot),
        basics,
        configuration,
    }
}

/// What `update-env-file` wrote in a container tells of the base image; what `snapshot.sh` printed
/// does not.
fn snapshots(path: &Path) -> Result<(Snapshot, Option<Snapshot>)> {
    let json = files::read(path)?;
    let name = path.display().to_string();
    let document: serde_json::Value = serde_json::from_slice(&json).map_err(|source| {
        Error::usage("the file is neither a lock nor a snapshot")
            .at(error::Place::file(path))
            .because(source)
    })?;
    if document.get("kind").is_some() {
        let file = SnapshotFile::parse(&json, &name)?;
        return Ok((file.now, Some(file.base)));
    }
    let snapshot = Snapshot::parse(&json, &name);
    let snapshot =
        snapshot.map_err(|error| error.with_kind(Kind::Usage).at(error::Place::file(path)))?;
    Ok((snapshot, None))
}
