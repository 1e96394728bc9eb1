//! What nothing needs any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::commands::workplace::{Layer, Workplace};
use crate::commands::workspace;
use crate::engine::{
    Disk, FAMILY_LABEL, StoredImage, is_commit_tag, short_id, unnamed_images, unused_networks,
};
use crate::error::Result;
use crate::installation::flavour::Flavour;
use crate::project::{Project, Run};

/// Which kinds are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    /// Containers that have stopped, and are neither a workspace nor an editor's.
    pub containers: bool,
    /// Images that lost their name to a newer one.
    pub unnamed_images: bool,
    /// Images that are still called by the commit of an earlier build.
    pub earlier_images: bool,
    /// Networks that no container is on.
    pub networks: bool,
    /// The engine's build cache.
    pub build_cache: bool,
}

/// What a leftover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftoverKind {
    /// A stopped container.
    Container,
    /// An image, or one of its names.
    Image,
    /// A network.
    Network,
    /// Build steps of all projects.
    BuildCache,
}

/// Something that can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// By which name the engine removes it.
    pub name: String,
    /// The installation that it is of; none for what all share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// Bytes that removing it frees by itself.
    pub bytes: u64,
    /// The runs that were recorded with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<usize>,
    /// Why it could not be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// All that can go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Leftovers {
    /// In the order in which they have to go: containers before what they use.
    pub items: Vec<Leftover>,
    /// Bytes, at least.
    pub bytes: u64,
}

/// A moment that lies some time before now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlderThan {
    before: Timestamp,
    seconds: i64,
}

impl OlderThan {
    /// How long ago the moment is.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Whether something was made before the moment. What has no time is not known to be old.
    fn takes(&self, made: Option<Timestamp>) -> bool {
        made.is_some_and(|made| made < self.before)
    }
}

impl FromStr for OlderThan {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` is no duration such as 30d, 12h or 2w");
        let span: Span = text.parse().map_err(|_| wrong())?;
        let now = Timestamp::now();
        let before = (now.to_zoned(TimeZone::UTC).checked_sub(span))
            .map_err(|_| wrong())?
            .timestamp();
        let seconds = now.as_second() - before.as_second();
        if seconds < 0 {
            return Err(wrong());
        }
        Ok(Self { before, seconds })
    }
}

impl fmt::Display for LeftoverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Network => "network",
            Self::BuildCache => "build cache",
        })
    }
}

impl Leftovers {
    /// Asks the engine. The installations are those of one project and use one engine.
    ///
    /// # Errors
    /// `NotReady` when the engine does not answer.
    pub fn find(
        workplaces: &[Workplace<'_>],
        kinds: Kinds,
        older: Option<&OlderThan>,
    ) -> Result<Self> {
        let Some(first) = workplaces.first() else {
            return Ok(Self::default());
        };
        let mut items = Vec::new();
        if kinds.containers {
            for workplace in workplaces {
                items.extend(containers(workplace)?);
            }
        }
        if kinds.unnamed_images || kinds.earlier_images || kinds.build_cache {
            let printer = &first.context.printer;
            printer.status("Asking", "the engine what takes how much space");
            let disk = Disk::read(first.compose.tools(), printer)?;
            let runs = runs(first.project)?;
            for workplace in workplaces {
                items.extend(images(workplace, &disk, kinds, &runs)?);
            }
            if kinds.build_cache {
                items.extend(build_cache(&disk, older));
            }
        }
        let old = |item: &Leftover| older.is_none_or(|older| older.takes(item.made));
        items.retain(old);
        if kinds.networks {
            let mut unused = Vec::new();
            for workplace in workplaces {
                unused.extend(networks(workplace, &items)?);
            }
            items.extend(unused.into_iter().filter(old));
        }
        items.sort_by_key(|item| item.kind);
        let mut seen = BTreeSet::new();
        items.retain(|item| seen.insert((item.kind, item.name.clone())));
        Ok(Self {
            bytes: items.iter().map(|item| item.bytes).sum(),
            items,
        })
    }
}

fn containers(workplace: &Workplace<'_>) -> Result<Vec<Leftover>> {
    let directory = workplace.installation.directory();
    let printer = &workplace.context.printer;
    let all = workplace.images.of_directory(directory, true, printer)?;
    let stopped = all.into_iter().filter(|container| {
        matches!(container.state.as_str(), "exited" | "created" | "dead")
            && !container.labels.contains_key(workspace::LABEL)
            && !container.labels.contains_key(workspace::EDITORS_LABEL)
    });
    Ok(stopped
        .map(|container| Leftover {
            made: container.created.parse().ok(),
            ..leftover(LeftoverKind::Container, container.name, workplace)
        })
        .collect())
}

/// Images of the installation other than those that its services name now.
fn images(
    workplace: &Workplace<'_>,
    disk: &Disk,
    kinds: Kinds,
    runs: &BTreeMap<String, Vec<usize>>,
) -> Result<Vec<Leftover>> {
    let mut current = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut unnamed = BTreeSet::new();
    for layer in [Layer::Generic, Layer::User] {
        for flavour in Flavour::ALL {
            let service = layer.service(flavour);
            names.insert(workplace.image(&service)?.to_owned());
            current.extend(workplace.find(&service)?.map(|image| image.id));
        }
    }
    if kinds.unnamed_images {
        for family in families(workplace) {
            let tools = workplace.compose.tools();
            let printer = &workplace.context.printer;
            unnamed.extend(unnamed_images(tools, FAMILY_LABEL, &family, printer)?);
        }
    }
    let goes = |image: &&StoredImage| {
        // A commit's name for an image in use costs nothing and says where it comes from.
        !current.contains(&image.id)
            && match &image.name {
                None => unnamed.contains(&image.id),
                Some(name) => {
                    kinds.earlier_images && names.iter().any(|image| is_commit_tag(image, name))
                }
            }
    };
    Ok(disk
        .images
        .iter()
        .filter(goes)
        .map(|image| Leftover {
            made: image.created,
            bytes: image.unique,
            runs: runs.get(&image.id).cloned().unwrap_or_default(),
            ..leftover(
                LeftoverKind::Image,
                image.name.clone().unwrap_or_else(|| short_id(&image.id)),
                workplace,
            )
        })
        .collect())
}

/// What the labels of the installation's images say that they are of.
fn families(workplace: &Workplace<'_>) -> BTreeSet<String> {
    let builds = workplace.model.services.values();
    let labels = builds.filter_map(|service| service.build.as_ref()?.labels.get(FAMILY_LABEL));
    labels.cloned().collect()
}

fn networks(workplace: &Workplace<'_>, going: &[Leftover]) -> Result<Vec<Leftover>> {
    let tools = workplace.compose.tools();
    let printer = &workplace.context.printer;
    let containers = going
        .iter()
        .filter(|item| item.kind == LeftoverKind::Container);
    let going = containers.map(|item| item.name.as_str()).collect();
    let unused = unused_networks(tools, &workplace.model.name, &going, printer)?;
    Ok(unused
        .into_iter()
        .map(|network| Leftover {
            made: network.created,
            ..leftover(LeftoverKind::Network, network.name, workplace)
        })
        .collect())
}

/// The whole of the build cache that is old enough, as one thing: its records have no names.
fn build_cache(disk: &Disk, older: Option<&OlderThan>) -> Option<Leftover> {
    let records = || {
        let old = |used| older.is_none_or(|older| older.takes(used));
        disk.cache.iter().filter(move |record| old(record.used))
    };
    let last_used = records().filter_map(|record| record.used).max();
    records().next()?;
    Some(Leftover {
        kind: LeftoverKind::BuildCache,
        name: format!("{} steps of all projects", records().count()),
        installation: None,
        made: last_used,
        bytes: records().map(|record| record.bytes).sum(),
        runs: Vec::new(),
        failure: None,
    })
}

fn leftover(kind: LeftoverKind, name: String, workplace: &Workplace<'_>) -> Leftover {
    Leftover {
        kind,
        name,
        installation: Some(workplace.installation.name().to_string()),
        made: None,
        bytes: 0,
        runs: Vec::new(),
        failure: None,
    }
}

/// The numbers of the runs by the id of their image; lines that are no run count for nothing.
fn runs(project: &Project) -> Result<BTreeMap<String, Vec<usize>>> {
    let mut runs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, run) in Run::all(project.root())? {
        if let Ok(run) = run {
            runs.entry(run.image.id).or_default().push(number);
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_do() {
        for (text, seconds) in [
            ("30d", 2_592_000),
            ("12h", 43_200),
            ("2w", 1_209_600),
            ("1d 12h", 129_600),
        ] {
            let older: OlderThan = text.parse().expect(text);
            assert_eq!(older.seconds(), seconds, "{text}");
        }
        for wrong in ["", "30", "yesterday", "-3d", "99999999999d"] {
            wrong.parse::<OlderThan>().expect_err(wrong);
        }
    }
}
