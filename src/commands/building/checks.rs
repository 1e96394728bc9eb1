//! What is looked at before a build begins, since it could only fail after a long while.

use crate::commands::building::BuildArgs;
use crate::commands::workplace::{Layer, Workplace};
use crate::engine::{OLDEST_ENGINE, emulates};
use crate::environment::declared::DeclaredFiles;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::installation::dockerfile::Dockerfile;
use crate::installation::flavour::Flavour;
use crate::installation::name::Platform;
use crate::process::quote;
use crate::project::{Installation, Revision};

/// Refuses files that are not committed, with the line that commits them, unless they are wanted.
pub fn refuse_dirty(
    revision: &Revision,
    installation: &Installation,
    args: &BuildArgs,
) -> Result<()> {
    if args.allow_dirty {
        return Ok(());
    }
    refuse_uncommitted(revision, installation).map_err(|error| {
        error.help("or let `--commit` do that, or build with `--allow-dirty` (the tag says so)")
    })
}

/// Refuses files that are not committed, with the line that commits them.
pub fn refuse_uncommitted(revision: &Revision, installation: &Installation) -> Result<()> {
    let Revision::Dirty { changes, .. } = revision else {
        return Ok(());
    };
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
    )))
}

/// An engine that is new enough for what the Dockerfile says.
pub fn engine(workplace: &Workplace<'_>) -> Result<()> {
    match workplace
        .images
        .engine_version(&workplace.context.printer)?
    {
        Some(version) if version < OLDEST_ENGINE => Err(Error::not_ready(format!(
            "the engine is Docker {version}, and envtpl needs {OLDEST_ENGINE} or later"
        ))
        .help("install a newer one: https://docs.docker.com/engine/install/")),
        _ => Ok(()),
    }
}

/// The stages and build arguments that this build needs.
pub fn dockerfile(installation: &Installation, layer: Layer, args: &BuildArgs) -> Result<()> {
    let path = installation.path(match layer {
        Layer::Generic => "Dockerfile",
        Layer::User => "Dockerfile-user",
    });
    let Some(text) = files::read_text_if_exists(&path)? else {
        return Err(Error::usage("the Dockerfile is missing")
            .at(Place::file(&path))
            .help("if it was committed: `git checkout -- ` and its path"));
    };
    let dockerfile = Dockerfile::parse(&path, &text)?;
    let own = match layer {
        Layer::Generic => ["runtime-generic", "development-generic"],
        Layer::User => ["runtime-user", "development-user"],
    };
    for stage in own
        .into_iter()
        .chain(args.with.iter().map(String::as_str))
        .chain(args.stage.as_deref())
        .chain(args.fresh.iter().map(String::as_str))
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

/// The lists of packages: a wrong line is better told with its place than from within a build.
pub fn declared(installation: &Installation) -> Result<()> {
    DeclaredFiles::read(installation.directory()).map(drop)
}

/// The base image that a build starts from.
pub fn base_image(workplace: &Workplace<'_>, args: &BuildArgs) -> Result<Option<String>> {
    let given = args
        .build_args
        .iter()
        .rev()
        .find_map(|argument| argument.strip_prefix("BASE_IMAGE="));
    if let Some(image) = given {
        return Ok(Some(image.to_owned()));
    }
    let service = Layer::Generic.service(Flavour::Run);
    let service = (workplace.model).service(&service, &workplace.compose.file())?;
    let named = service
        .build
        .as_ref()
        .and_then(|build| build.args.get("BASE_IMAGE"));
    Ok(named.cloned().flatten())
}

/// Refuses what could only fail after a long while: another processor than the base's, or one
/// that this machine can neither run nor emulate.
pub fn platform(workplace: &Workplace<'_>, args: &BuildArgs) -> Result<()> {
    let platform = workplace.installation.name().platform();
    let base = base_image(workplace, args)?;
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
