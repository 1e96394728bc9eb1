//! Building images: what `build-generic`, `build-user` and `build` have in common.

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::Context;
use crate::engine::{Compose, Image, Images, Model, Target, emulates};
use crate::error::{Error, Place, Result};
use crate::files::{self, ChangeSet, Lock};
use crate::installation::dockerfile::Dockerfile;
use crate::installation::dotenv::Dotenv;
use crate::installation::identity;
use crate::installation::name::Platform;
use crate::output::Table;
use crate::process::{Invocation, interrupted, quote};
use crate::project::{Flavour, Git, Installation, Project, Revision, digest, user_digest};

/// The label of the commit (OCI image specification, "annotations").
pub const REVISION_LABEL: &str = "org.opencontainers.image.revision";

/// Options of the commands that build.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BuildArgs {
    /// Set a build argument of the Dockerfile for this build alone
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    pub build_args: Vec<String>,

    /// Build a side stage too, such as tests; the build fails if it fails
    #[arg(long = "with", value_name = "STAGE")]
    pub with: Vec<String>,

    /// Build this stage instead of the images
    #[arg(long, value_name = "STAGE", conflicts_with = "with")]
    pub stage: Option<String>,

    /// Run every step again
    #[arg(long)]
    pub no_cache: bool,

    /// Build from files that are not committed; the commit tag then ends in `-dirty`
    #[arg(long)]
    pub allow_dirty: bool,

    /// Commit this installation's files first
    #[arg(long, conflicts_with = "allow_dirty")]
    pub commit: bool,
}

impl BuildArgs {
    /// The same for another Dockerfile, which does not have these stages.
    pub fn without_stages(&self) -> Self {
        Self {
            with: Vec::new(),
            stage: None,
            ..self.clone()
        }
    }

    /// The same for another Dockerfile, which does not know these build arguments.
    pub fn without_build_args(&self) -> Self {
        Self {
            build_args: Vec::new(),
            ..self.clone()
        }
    }
}

/// Which layer of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The images for everybody.
    Generic,
    /// The thin layer with the person's user.
    User,
}

impl Layer {
    /// The Compose service that builds the image of a flavour.
    pub fn service(self, flavour: Flavour) -> String {
        match self {
            Self::Generic => format!("image-{flavour}-root"),
            Self::User => format!("image-{flavour}-user"),
        }
    }
}

/// An image that was built, with all its names.
#[derive(Debug, Serialize)]
pub struct Built {
    installation: String,
    service: String,
    id: String,
    size: u64,
    tags: Vec<String>,
}

/// One installation, ready to be built or run.
pub struct Workplace<'a> {
    /// How the command was started.
    pub context: &'a Context,
    /// The project.
    pub project: &'a Project,
    /// The installation.
    pub installation: &'a Installation,
    /// Its Compose project.
    pub compose: Compose,
    /// What its Compose files mean.
    pub model: Model,
    /// The engine's images.
    pub images: Images,
}

impl<'a> Workplace<'a> {
    /// Reads the installation's settings and asks Compose what its files mean.
    ///
    /// # Errors
    /// `Usage` when `.env` or the Compose files are missing or wrong.
    pub fn open(
        context: &'a Context,
        project: &'a Project,
        installation: &'a Installation,
    ) -> Result<Self> {
        let dotenv = settings(installation)?;
        let compose = context.compose(project, installation, &dotenv);
        let model = compose.model(&context.printer)?;
        let images = Images::open(compose.tools(), &context.printer);
        Ok(Self {
            context,
            project,
            installation,
            compose,
            model,
            images,
        })
    }

    /// The name of the image that a service builds or runs.
    ///
    /// # Errors
    /// `Usage` when the service or its image is missing.
    pub fn image(&self, service: &str) -> Result<&str> {
        self.model.image(service, &self.compose.file())
    }

    /// The image of a service, if the engine has it.
    ///
    /// # Errors
    /// As [`Self::image`]; `NotReady` when the engine does not answer.
    pub fn find(&self, service: &str) -> Result<Option<Image>> {
        self.images
            .find(self.image(service)?, &self.context.printer)
    }
}

/// The settings in an installation's `.env`.
///
/// # Errors
/// `Usage` when the file is missing or cannot be read as `.env`.
pub fn settings(installation: &Installation) -> Result<Dotenv> {
    let path = installation.path(".env");
    match files::read_if_exists(&path)? {
        Some(_) => Dotenv::parse(&path, &files::read_text(&path)?),
        None => Err(Error::usage("your personal settings are missing")
            .at(Place::file(&path))
            .help(format!(
                "write them: `envtpl env -i {}`",
                installation.name()
            ))),
    }
}

/// Builds one layer of an installation's images, both flavours in one build.
///
/// # Errors
/// Everything that is wrong with the files, the checkout, the base or the engine is found before
/// the build begins; `Failed` when the build fails, with nothing tagged.
pub fn build(
    context: &Context,
    project: &Project,
    installation: &Installation,
    layer: Layer,
    args: &BuildArgs,
) -> Result<Vec<Built>> {
    let _lock = lock(context, project, installation)?;
    if args.commit && !context.dry_run {
        commit(context, installation)?;
    }
    let revision = Revision::of(installation.directory())?;
    refuse_dirty(&revision, installation, args)?;
    check_identity(installation)?;
    check_dockerfile(installation, layer, args)?;
    if !context.dry_run {
        record_inputs(project, installation, &revision, args)?;
    }
    let workplace = Workplace::open(context, project, installation)?;
    check_platform(&workplace)?;

    let plan = Plan::new(&workplace, layer, args)?;
    let invocation = plan.invocation(&workplace, args)?;
    if context.dry_run {
        context.printer.data(format!(
            "# with this Compose file on standard input:\n{}\n{invocation}\n",
            plan.document(&workplace)?
        ))?;
        return Ok(Vec::new());
    }
    run_build(&workplace, &plan, &invocation)?;
    publish(&workplace, &plan, layer, args, &revision)
}

/// Prints what was built.
///
/// # Errors
/// When standard output cannot be written.
pub fn report(context: &Context, built: &[Built]) -> Result<()> {
    if context.dry_run {
        return Ok(());
    }
    context.printer.report(&built, |built| {
        let mut table = Table::new(["image", "id", "size"]);
        for image in built.iter() {
            for tag in &image.tags {
                table.row([tag.clone(), short_id(&image.id), megabytes(image.size)]);
            }
        }
        table.to_string()
    })
}

/// The first twelve digits of an image id, as `docker images` shows them.
pub fn short_id(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}

/// Bytes as Docker shows them: decimal megabytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", (bytes + 500_000) / 1_000_000)
}

/// The name of an image with a commit in its tag: `…-run-latest-root` becomes `…-run-<sha>-root`.
pub fn commit_tag(image: &str, commit: &str) -> String {
    match image.rsplit_once("-latest-") {
        Some((start, end)) => format!("{start}-{commit}-{end}"),
        // The person named the image otherwise in compose.yaml.
        None => format!("{image}-{commit}"),
    }
}

fn lock(context: &Context, project: &Project, installation: &Installation) -> Result<Lock> {
    let printer = context.printer.clone();
    Lock::acquire(
        project.root(),
        &installation.name().to_string(),
        "build",
        interrupted,
        |holder| printer.note(format_args!("waiting for {holder}")),
    )
}

/// Commits the installation's files with the person's own git: hooks and signatures count.
fn commit(context: &Context, installation: &Installation) -> Result<()> {
    let Some(git) = Git::open(installation.directory())? else {
        return Err(Error::usage("there is no git repository to commit to").help("git init"));
    };
    if git.changes(installation.directory())?.is_empty() {
        return Ok(());
    }
    let message = format!("Change the environment {}", installation.name());
    for arguments in [
        vec!["add", "--", "."],
        vec!["commit", "--quiet", "-m", &message, "--", "."],
    ] {
        let invocation = Invocation::new("git")
            .args(arguments)
            .directory(installation.directory());
        let status = invocation.stream_to_stderr(&context.printer)?;
        if !status.success() {
            return Err(invocation.failure(status, ""));
        }
    }
    Ok(())
}

fn refuse_dirty(revision: &Revision, installation: &Installation, args: &BuildArgs) -> Result<()> {
    let Revision::Dirty { changes, .. } = revision else {
        return Ok(());
    };
    if args.allow_dirty {
        return Ok(());
    }
    let shown: Vec<String> = changes
        .iter()
        .take(10)
        .map(|path| path.display().to_string())
        .collect();
    let more = changes.len().saturating_sub(shown.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let directory = quote(installation.directory());
    Err(Error::failed(format!(
        "{} has files that are not committed: {}{more}",
        installation.name(),
        shown.join(", ")
    ))
    .help(format!(
        "git add {directory} && git commit -m 'Change the environment {}'",
        installation.name()
    ))
    .help("or let `--commit` do that, or build with `--allow-dirty` (the tag says so)"))
}

/// The names and numbers of `.env` that end up in image names and in the user layer.
fn check_identity(installation: &Installation) -> Result<()> {
    let dotenv = settings(installation)?;
    identity::check(&installation.path(".env"), &dotenv, |name| {
        std::env::var(name).ok()
    })
}

fn check_dockerfile(installation: &Installation, layer: Layer, args: &BuildArgs) -> Result<()> {
    let path = installation.path(match layer {
        Layer::Generic => "Dockerfile",
        Layer::User => "Dockerfile-user",
    });
    let dockerfile = Dockerfile::parse(&path, &files::read_text(&path)?)?;
    let own = match layer {
        Layer::Generic => ["runtime-generic", "development-generic"],
        Layer::User => ["runtime-user", "development-user"],
    };
    for stage in own
        .into_iter()
        .chain(args.with.iter().map(String::as_str))
        .chain(args.stage.as_deref())
    {
        dockerfile.stage(stage)?;
    }
    for build_arg in &args.build_args {
        let name = build_arg
            .split_once('=')
            .map_or(build_arg.as_str(), |(name, _)| name);
        dockerfile.arg(name)?;
    }
    Ok(())
}

/// Writes into `.env` what the labels of the images will say, so that `docker compose build` by
/// hand puts on the same ones.
fn record_inputs(
    project: &Project,
    installation: &Installation,
    revision: &Revision,
    args: &BuildArgs,
) -> Result<()> {
    let path = installation.path(".env");
    let before = settings(installation)?;
    let values = before.values(|name| std::env::var(name).ok());
    let person: Vec<(&str, String)> = identity::PERSONAL
        .iter()
        .map(|name| (*name, values.get(*name).cloned().unwrap_or_default()))
        .collect();
    let directory = installation.directory();
    let labels = [
        (
            "ENVTPL_REVISION",
            revision.label(!args.build_args.is_empty()),
        ),
        ("ENVTPL_CREATED", revision.time().unwrap_or_default()),
        ("ENVTPL_SOURCE", revision.source().unwrap_or_default()),
        ("ENVTPL_INPUTS_RUN", digest(directory, Flavour::Run)?),
        ("ENVTPL_INPUTS_DEV", digest(directory, Flavour::Dev)?),
        ("ENVTPL_INPUTS_USER", user_digest(directory, &person)?),
    ];
    let mut after = before.clone();
    for (name, value) in &labels {
        after.set(name, value)?;
    }
    if after.to_string() == before.to_string() {
        return Ok(());
    }
    let mut changes = ChangeSet::new(project.root());
    changes.write_keeping_mode(relative(project, &path), after.to_string())?;
    changes.commit()
}

fn relative(project: &Project, path: &std::path::Path) -> PathBuf {
    path.strip_prefix(project.root()).unwrap_or(path).to_owned()
}

/// Refuses what could only fail after a long while: another processor than the base's, or one
/// that this machine can neither run nor emulate.
fn check_platform(workplace: &Workplace<'_>) -> Result<()> {
    let platform = workplace.installation.name().platform();
    let service = Layer::Generic.service(Flavour::Run);
    let file = workplace.compose.file();
    let base = workplace
        .model
        .service(&service, &file)?
        .build
        .as_ref()
        .and_then(|build| build.args.get("BASE_IMAGE").cloned().flatten());
    if let Some(base) = base
        && let Some(image) = workplace.images.find(&base, &workplace.context.printer)?
        && image.architecture != platform.to_string()
    {
        return Err(Error::failed(format!(
            "the base image `{base}` is for {}, and this installation is for {platform}",
            image.architecture
        ))
        .at(Place::file(
            workplace.installation.path("compose-base.yaml"),
        ))
        .help(format!(
            "name a base image for {platform} in compose-base.yaml (BASE_IMAGE)"
        ))
        .help(format!(
            "or pull the right one: `docker pull --platform linux/{platform} {base}`"
        )));
    }
    let native = Platform::host() == platform;
    if !native && workplace.images.is_local() && !emulates(platform) {
        return Err(Error::not_ready(format!(
            "this machine can neither run nor emulate {platform}"
        ))
        .help("Debian, Ubuntu: `sudo apt-get install qemu-user-static binfmt-support`")
        .help("or build it on a machine of that kind"));
    }
    Ok(())
}

/// What one `docker compose build` makes, under names that nobody uses until all of it is there.
struct Plan {
    targets: Vec<Target>,
    /// The final name of each target; `None` for a side stage that is only built.
    names: Vec<Option<String>>,
}

impl Plan {
    fn new(workplace: &Workplace<'_>, layer: Layer, args: &BuildArgs) -> Result<Self> {
        let mut plan = Self {
            targets: Vec::new(),
            names: Vec::new(),
        };
        let flavours = if args.stage.is_some() {
            &[Flavour::Dev][..]
        } else {
            &Flavour::ALL[..]
        };
        for flavour in flavours {
            let service = layer.service(*flavour);
            let image = workplace.image(&service)?.to_owned();
            match &args.stage {
                Some(stage) => {
                    plan.push(
                        &service,
                        &service,
                        commit_tag(&image, stage),
                        Some(stage),
                        true,
                    );
                }
                None => plan.push(&service, &service, image, None, true),
            }
        }
        for stage in &args.with {
            let service = layer.service(Flavour::Dev);
            let image = commit_tag(workplace.image(&service)?, stage);
            plan.push(
                &format!("with-{stage}"),
                &service,
                image,
                Some(stage),
                false,
            );
        }
        Ok(plan)
    }

    fn push(
        &mut self,
        name: &str,
        service: &str,
        image: String,
        stage: Option<&String>,
        kept: bool,
    ) {
        self.targets.push(Target {
            name: name.to_owned(),
            service: service.to_owned(),
            image: format!("{image}-building"),
            stage: stage.cloned(),
        });
        self.names.push(kept.then_some(image));
    }

    fn document(&self, workplace: &Workplace<'_>) -> Result<String> {
        let document = workplace.model.build_document(&self.targets);
        serde_json::to_string_pretty(&document).map_err(|source| {
            Error::failed("cannot write the build's Compose file").because(source)
        })
    }

    fn invocation(&self, workplace: &Workplace<'_>, args: &BuildArgs) -> Result<Invocation> {
        let mut invocation = workplace
            .compose
            .invocation()
            .args(["--project-directory", ".", "-f", "-", "build"])
            .stdin(self.document(workplace)?);
        for build_arg in &args.build_args {
            invocation = invocation.args(["--build-arg", build_arg]);
        }
        if args.no_cache {
            invocation = invocation.arg("--no-cache");
        }
        let printer = &workplace.context.printer;
        use crate::cli::Progress;
        match workplace.context.progress {
            Progress::None => invocation = invocation.arg("--quiet"),
            _ if printer.is_quiet() => invocation = invocation.arg("--quiet"),
            // The variable is understood by every Compose; the option moved between versions.
            Progress::Plain => invocation = invocation.env("BUILDKIT_PROGRESS", "plain"),
            Progress::Auto => {}
        }
        Ok(invocation.args(self.targets.iter().map(|target| &target.name)))
    }
}

fn run_build(workplace: &Workplace<'_>, plan: &Plan, invocation: &Invocation) -> Result<()> {
    let printer = &workplace.context.printer;
    let names: Vec<&str> = plan
        .targets
        .iter()
        .map(|target| target.name.as_str())
        .collect();
    printer.status(
        "Building",
        format_args!("{} ({})", workplace.installation.name(), names.join(", ")),
    );
    let outcome = invocation.stream_to_stderr(printer).and_then(|status| {
        if status.success() {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the build of {} failed",
            workplace.installation.name()
        ))
        .help("the first error is further up; `--progress plain` shows every line")
        .help("`envtpl check` looks at the files without building"))
    });
    if outcome.is_err() {
        workplace.images.untag(
            plan.targets.iter().map(|target| target.image.as_str()),
            printer,
        );
    }
    outcome
}

/// Gives the finished images their names, all at once, so that an interrupted build leaves the
/// tags of the one before.
fn publish(
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
