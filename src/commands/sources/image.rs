//! Sharing through a registry: an image that holds nothing but the files. The engine's own login
//! is used, and no registry needs to know anything but images.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::registries;
use crate::commands::sources::index::{self, Index};
use crate::commands::sources::scene::Scene;
use crate::environment::sources::Store;
use crate::error::{Error, Result};
use crate::files::{self, Scratch};
use crate::installation::identity::split_tag;
use crate::process::Invocation;
use crate::registry::Repository;

/// Where the files are in the image.
const INSIDE: &str = "envtpl-sources";

/// The image is for no processor; a registry wants to hear one.
const PLATFORM: &str = "linux/amd64";

/// For whoever did not mean a registry.
const NO_DIRECTORY: &str = "a directory instead of a registry is written like ./sources";

/// Makes the image, sends it, and gives its digest.
///
/// # Errors
/// `NotReady` when the engine does not answer, or the registry refuses.
pub fn push(scenes: &[Scene<'_>], name: &str) -> Result<String> {
    let Some(scene) = scenes.first() else {
        return Err(Error::usage("there is nothing to share"));
    };
    let printer = &scene.context.printer;
    let tools = scene.tools();
    registries::check_push(&scene.reach, &repository(name)?, printer)
        .map_err(|error| error.help(NO_DIRECTORY))?;
    let before = tools
        .docker()
        .args(["image", "inspect", "--format", "{{.Id}}", name]);
    let before = before.capture(printer)?.status.success();
    let context = context(scenes, scene)?;
    let build = tools
        .docker()
        .args([
            "build",
            "--quiet",
            "--network=none",
            "--platform",
            PLATFORM,
            "--tag",
            name,
        ])
        .arg(context.path());
    printer.status("Packing", name);
    tools.read(&build, printer)?;
    printer.status("Pushing", name);
    let push = tools.docker().args(["push", name]);
    let pushed = tools
        .read(&push, printer)
        .map_err(|error| error.help(NO_DIRECTORY));
    if !before {
        let remove = tools.docker().args(["image", "rm", name]);
        // It only takes room: the files are in the store, and the layers in the build's cache.
        let _ = remove.capture_even_when_interrupted(printer);
    }
    let pushed = pushed?;
    let digest = pushed
        .lines()
        .filter_map(|line| line.split_once("digest: "))
        .filter_map(|(_, rest)| rest.split_whitespace().next())
        .next_back();
    digest.map(str::to_owned).ok_or_else(|| {
        Error::failed("the engine pushed the image and did not say its digest")
            .because(std::io::Error::other(pushed.clone()))
    })
}

/// Where an image's name says that it is.
fn repository(name: &str) -> Result<Repository> {
    let without_tag = split_tag(name).0;
    without_tag.parse().map_err(|why: String| {
        Error::usage(format!("`{name}` is no name of an image: {why}")).help(NO_DIRECTORY)
    })
}

/// The build's context: the files by the first digit of their digests, a layer each, so that a new
/// file sends one of these layers again and not all.
fn context(scenes: &[Scene<'_>], scene: &Scene<'_>) -> Result<Scratch> {
    let context = scene.scratch()?;
    let mut groups = BTreeSet::new();
    let mut index = Index::default();
    for scene in scenes {
        for digest in scene.inventory.digests() {
            let path = Store::relative(digest);
            let kind = path.iter().next().unwrap_or_default().to_string_lossy();
            let group = format!("{kind}-{}", &digest.digits()[..1]);
            let target = context.path().join(&group).join(&path);
            if !files::exists(&target) {
                files::link(&scene.store.path(digest), &target)?;
                let noted = scene.store.path(digest).with_extension("sha256");
                if kind == "git" {
                    files::link(&noted, &target.with_extension("sha256"))?;
                }
            }
            groups.insert(group);
        }
        index.add(scene);
    }
    index.write(context.path())?;
    let copies = groups
        .iter()
        .map(|group| format!("COPY {group}/ /{INSIDE}/\n"));
    let copies: String = copies.collect();
    let dockerfile = format!("FROM scratch\n{copies}COPY {} /{INSIDE}/\n", index::FILE);
    let mut file = files::Unfinished::open(&context.path().join("Dockerfile"))?
        .ok_or_else(|| Error::failed("another process writes in a directory of ours"))?;
    file.append(dockerfile.as_bytes())?;
    Ok(context)
}

/// Fetches an image and gives what it holds, in a directory that goes when its name goes.
///
/// # Errors
/// `NotReady` when the engine does not answer, or there is no such image; `Failed` when it holds no
/// sources.
pub fn unpack(scene: &Scene<'_>, name: &str) -> Result<(Scratch, Store)> {
    let printer = &scene.context.printer;
    let tools = scene.tools();
    printer.status("Pulling", name);
    let pull = tools
        .docker()
        .args(["pull", "--quiet", "--platform", PLATFORM, name]);
    let read = |invocation: &Invocation| tools.read(invocation, printer);
    read(&pull)
        .map_err(|error| error.help(format!("if `{name}` is a directory, write ./{name}")))?;
    let create = tools.docker().args([
        "create",
        "--platform",
        PLATFORM,
        "--network=none",
        name,
        "none",
    ]);
    let container = read(&create)?;
    let directory = scene.scratch()?;
    let from = format!("{container}:/{INSIDE}");
    let copied = read(
        &tools
            .docker()
            .args(["cp", "--quiet", &from])
            .arg(directory.path()),
    );
    let remove = tools.docker().args(["rm", "--volumes", &container]);
    let _ = remove.capture_even_when_interrupted(printer);
    copied.map_err(|error| {
        error.help(format!(
            "`envtpl sources push {name}` makes an image that holds sources"
        ))
    })?;
    let store = Store::at(Path::new(directory.path()).join(INSIDE));
    Ok((directory, store))
}
