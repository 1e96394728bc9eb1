//! Indexes: one name for the images of all platforms, of which each machine pulls its own. What an
//! index refers to stays in the registry as it is, by its digest.
//!
//! Source: OCI image specification 1.1, "Image Index"; Docker's "Image Manifest Version 2, Schema
//! 2", "Manifest List".

use serde_json::{Map, Value, json};

use crate::commands::sharing::permission::Asked;
use crate::commands::sharing::report;
use crate::commands::sharing::stack::{Parcel, Stack};
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::installation::identity::split_tag;
use crate::installation::layer::Layer;
use crate::project::Installation;
use crate::registry::{Access, Manifest, MediaType};

/// The longest configuration of an image that is read; they take some kilobytes.
const LONGEST_CONFIGURATION: u64 = 8 << 20;

/// Installations that differ only in their platform.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// What their names have in common: `cuda`, `cuda-jax`.
    name: String,
    /// Their names.
    members: Vec<String>,
}

/// What an index will be made of.
struct Joint<'s> {
    stack: &'s Stack<'s>,
    tag: String,
    parts: Vec<Part<'s>>,
}

/// An image of an index.
#[derive(Clone)]
struct Part<'s> {
    stack: &'s Stack<'s>,
    parcel: &'s Parcel<'s>,
    /// As Docker writes it: `linux/amd64`.
    platform: String,
}

impl<'s> Part<'s> {
    fn new(stack: &'s Stack<'s>, parcel: &'s Parcel<'s>) -> Self {
        Self {
            stack,
            parcel,
            platform: stack.workplace.installation.name().platform().docker(),
        }
    }
}

/// The installations that differ only in their platform, where there are several.
///
/// # Errors
/// `Usage` when two of them are for the same one.
pub fn groups(installations: &[&Installation]) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut seen: Vec<&Installation> = Vec::new();
    for installation in installations {
        let name = installation.name();
        if let Some(other) = seen.iter().find(|one| one.name().same_environment(name)) {
            return Err(Error::usage(format!(
                "{} and {name} are for the same platform, so they cannot be one image",
                other.name()
            ))
            .help(format!("choose which: `--all -i {name},…`")));
        }
        seen.push(installation);
        let common = name.without_platform();
        match groups.iter_mut().find(|group| group.name == common) {
            Some(group) => group.members.push(name.to_string()),
            None => groups.push(Group {
                name: common,
                members: vec![name.to_string()],
            }),
        }
    }
    groups.retain(|group| group.members.len() > 1);
    Ok(groups)
}

/// The indexes as they would be made.
///
/// # Errors
/// `Usage` when images of one group go to several repositories, or are called in a way of their
/// own.
pub fn planned(
    stacks: &[Stack<'_>],
    parcels: &[Vec<Parcel<'_>>],
    groups: &[Group],
) -> Result<Vec<report::Index>> {
    let mut planned = Vec::new();
    for group in groups {
        let joints = joints(stacks, parcels, group)?;
        planned.extend(joints.into_iter().map(|joint| joint.report(None)));
    }
    Ok(planned)
}

/// Makes the indexes of images that were pushed.
///
/// # Errors
/// When the registry refuses; `Usage` when images of one group went to several repositories.
pub fn make(
    stacks: &[Stack<'_>],
    parcels: &[Vec<Parcel<'_>>],
    groups: &[Group],
) -> Result<Vec<report::Index>> {
    let mut made = Vec::new();
    for group in groups {
        for joint in joints(stacks, parcels, group)? {
            let Stack {
                workplace, place, ..
            } = joint.stack;
            let name = place.image(&joint.tag);
            workplace.context.printer.status("Joining", &name);
            let registry = Asked::open(workplace, place, Access::Push)?;
            let mut entries = Vec::new();
            for part in &joint.parts {
                entries.extend(entries_of(&registry, tag(&part.parcel.by_commit))?);
            }
            let manifest = manifest(entries)?;
            registry.answer(registry.session.put_manifest(&joint.tag, &manifest))?;
            made.push(joint.report(Some(manifest.digest)));
        }
    }
    Ok(made)
}

impl Joint<'_> {
    fn report(&self, digest: Option<String>) -> report::Index {
        report::Index {
            name: self.stack.place.image(&self.tag),
            digest,
            platforms: self
                .parts
                .iter()
                .map(|part| part.platform.clone())
                .collect(),
        }
    }
}

/// The indexes of a group: for each layer and flavour the one of the commit, where all images are
/// of the same, and the one that the next takes over.
fn joints<'s>(
    stacks: &'s [Stack<'_>],
    parcels: &'s [Vec<Parcel<'_>>],
    group: &Group,
) -> Result<Vec<Joint<'s>>> {
    let mut joints = Vec::new();
    for (layer, flavour) in [Layer::Generic, Layer::User]
        .into_iter()
        .flat_map(|layer| Flavour::ALL.map(|flavour| (layer, flavour)))
    {
        let parts: Vec<Part<'_>> = stacks
            .iter()
            .zip(parcels)
            .filter(|(stack, _)| stack.layer == layer && group.has(stack))
            .flat_map(|(stack, parcels)| parcels.iter().map(move |parcel| (stack, parcel)))
            .filter(|(_, parcel)| parcel.flavour == flavour)
            .map(|(stack, parcel)| Part::new(stack, parcel))
            .collect();
        let Some(first) = parts.first() else { continue };
        let stack = first.stack;
        one_repository(&parts)?;
        let mut tags = vec![group.tag(&parts, |parcel| &parcel.latest)?];
        if parts
            .iter()
            .all(|part| part.parcel.commit == first.parcel.commit)
        {
            tags.insert(0, group.tag(&parts, |parcel| &parcel.by_commit)?);
        }
        joints.extend(tags.into_iter().map(|tag| Joint {
            stack,
            tag,
            parts: parts.clone(),
        }));
    }
    Ok(joints)
}

/// Refuses parts that are in several repositories: an index refers to what is beside it.
fn one_repository(parts: &[Part<'_>]) -> Result<()> {
    for pair in parts.windows(2) {
        let [one, other] = [pair[0].stack, pair[1].stack];
        if one.place.name != other.place.name {
            return Err(Error::usage(format!(
                "{} goes to {} and {} to {}, so they cannot be one image",
                one.workplace.installation.name(),
                one.place.written,
                other.workplace.installation.name(),
                other.place.written
            ))
            .help("give them one repository in envtpl.yaml")
            .help("or push them one by one, with `-i` and without `--all`"));
        }
    }
    Ok(())
}

impl Group {
    fn has(&self, stack: &Stack<'_>) -> bool {
        let name = stack.workplace.installation.name().to_string();
        self.members.contains(&name)
    }

    /// The tag of the index: that of each image without its platform.
    fn tag(
        &self,
        parts: &[Part<'_>],
        name: impl for<'p> Fn(&'p Parcel<'_>) -> &'p str,
    ) -> Result<String> {
        let mut tags = parts.iter().map(|part| {
            let installation = part.stack.workplace.installation.name().to_string();
            let tag = tag(name(part.parcel));
            let rest = tag.strip_prefix(&installation)?;
            Some(format!("{}{rest}", self.name))
        });
        let first = tags.next().flatten();
        match first {
            Some(first) if tags.all(|other| other.as_ref() == Some(&first)) => Ok(first),
            _ => {
                let names: Vec<&str> = parts.iter().map(|part| name(part.parcel)).collect();
                Err(Error::usage(format!(
                    "{} are not called alike but for their platform, so they cannot be one image",
                    names.join(" and ")
                ))
                .help("tags begin with the installation's name: see `image:` in compose.yaml")
                .help("or push them one by one, with `-i` and without `--all`"))
            }
        }
    }
}

fn tag(name: &str) -> &str {
    split_tag(name).1.unwrap_or("latest")
}

/// What an index says of the image that a tag stands for; several entries where that is an index
/// itself, as builders make them that add attestations.
fn entries_of(registry: &Asked, tag: &str) -> Result<Vec<Value>> {
    let session = &registry.session;
    let Some(manifest) = registry.answer(session.manifest(tag))? else {
        return Err(Error::failed(format!(
            "{}:{tag} was just pushed, and is not there",
            session.repository()
        )));
    };
    let unreadable =
        |source| Error::failed(format!("the manifest of {tag} cannot be read")).because(source);
    let document: Value = serde_json::from_slice(&manifest.bytes).map_err(unreadable)?;
    if manifest.media_type.is_index() {
        return Ok(document["manifests"]
            .as_array()
            .cloned()
            .unwrap_or_default());
    }
    let configuration = document["config"]["digest"].as_str().unwrap_or_default();
    let configuration = session.blob(configuration, 0);
    let configuration = configuration.and_then(|reply| Ok(reply.bytes(LONGEST_CONFIGURATION)?));
    let configuration = registry.answer(configuration)?;
    let configuration: Value = serde_json::from_slice(&configuration).map_err(unreadable)?;
    let platform: Map<String, Value> = ["architecture", "os", "variant"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), configuration.get(key)?.clone())))
        .collect();
    Ok(vec![json!({
        "mediaType": manifest.media_type.name(),
        "digest": manifest.digest,
        "size": manifest.bytes.len(),
        "platform": platform,
    })])
}

/// An index with these entries, of the kind that all of them are.
fn manifest(entries: Vec<Value>) -> Result<Manifest> {
    let docker = MediaType::DockerImage.name();
    let media_type = match entries.iter().all(|entry| entry["mediaType"] == docker) {
        true => MediaType::DockerList,
        false => MediaType::OciIndex,
    };
    let document = json!({
        "schemaVersion": 2,
        "mediaType": media_type.name(),
        "manifests": entries,
    });
    let bytes = serde_json::to_vec_pretty(&document)
        .map_err(|source| Error::failed("cannot write an index").because(source))?;
    Ok(Manifest::new(media_type, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_of_the_kind_of_its_images() {
        let entry = |media_type: MediaType| json!({"mediaType": media_type.name(), "digest": "d"});
        let docker = manifest(vec![entry(MediaType::DockerImage)]).expect("written");
        assert_eq!(docker.media_type, MediaType::DockerList);
        let mixed = vec![entry(MediaType::DockerImage), entry(MediaType::OciImage)];
        let mixed = manifest(mixed).expect("written");
        assert_eq!(mixed.media_type, MediaType::OciIndex);
        let read: Value = serde_json::from_slice(&mixed.bytes).expect("JSON");
        assert_eq!(
            read["manifests"][1]["mediaType"],
            MediaType::OciImage.name()
        );
        assert_eq!(read["mediaType"], MediaType::OciIndex.name());
    }
}
