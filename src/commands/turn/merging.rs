//! What envtpl wrote, what is there and what envtpl would write, merged file by file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::commands::turn::aside::{Aside, Kept, Pair};
use crate::commands::turn::{Turn, carry, composition, lock};
use crate::error::Result;
use crate::installation::readme;
use crate::templates::merge::{Refusal, Refused, is_sound, merge, refusal};
use crate::templates::{Answers, Catalogue, RECORD, Written, blob_id, render};

/// What a file was as envtpl wrote it, and what it would be.
#[derive(Debug, Default)]
pub(super) struct Sides {
    base: Option<Written>,
    theirs: Option<Kept>,
}

pub(super) fn sides_of_aside(aside: &Aside) -> BTreeMap<String, Sides> {
    let sides = |pair: &Pair| Sides {
        base: pair
            .written
            .as_ref()
            .map(|kept| Written::Known(kept.bytes.clone())),
        theirs: pair.original.clone(),
    };
    aside
        .files
        .iter()
        .map(|(path, pair)| (path.clone(), sides(pair)))
        .collect()
}

pub(super) fn same_bytes(one: Option<&Kept>, other: Option<&Kept>) -> bool {
    one.map(|kept| &kept.bytes) == other.map(|kept| &kept.bytes)
}

/// The template writes the image between quotes, which a person who replaces it may not.
fn spelled_alike(rendered: Vec<u8>, mine: &[u8], image: &str) -> Vec<u8> {
    let (rendered, mine) = (
        String::from_utf8_lossy(&rendered),
        String::from_utf8_lossy(mine),
    );
    let spelled = [image.to_owned(), format!("'{image}'")]
        .map(|value| format!("BASE_IMAGE: {value}"))
        .into_iter()
        .find(|line| mine.contains(line.as_str()));
    let quoted = format!("BASE_IMAGE: \"{image}\"");
    match spelled {
        Some(line) => rendered.replace(&quoted, &line).into_bytes(),
        None => rendered.into_owned().into_bytes(),
    }
}

impl Turn<'_> {
    pub(super) fn sides_of_templates(&self, answers: &Answers) -> Result<BTreeMap<String, Sides>> {
        let mut sides: BTreeMap<String, Sides> = BTreeMap::new();
        for (path, written) in self.written(answers)? {
            sides.entry(path).or_default().base = Some(written);
        }
        for (path, file) in render::installation(answers)? {
            let mode = file.mode();
            sides.entry(path).or_default().theirs = Some(Kept {
                bytes: file.bytes,
                mode,
            });
        }
        Ok(sides)
    }

    /// What envtpl wrote. With `--base-image` an image that the person put into compose-base.yaml
    /// counts as written, since it is to be replaced.
    fn written(&self, answers: &Answers) -> Result<BTreeMap<String, Written>> {
        let mut written = self.record.written(self.root)?;
        if self.target.base_image.is_some() && answers.from_base == self.record.answers.from_base {
            let mut edited = self.record.answers.clone();
            if let Some(image) = self.custom(&Catalogue::embedded()?)?.image {
                edited.base.base_image = image;
            }
            let path = composition::BASE;
            let rendered = render::installation(&self.record.answers)?;
            let as_written = matches!(
                (written.get(path), rendered.get(path)),
                (Some(Written::Known(bytes)), Some(file)) if *bytes == file.bytes
            );
            if let (true, Some(file)) = (as_written, render::installation(&edited)?.remove(path)) {
                let mine = self.mine(path)?.map(|kept| kept.bytes).unwrap_or_default();
                let bytes = spelled_alike(file.bytes, &mine, &edited.base.base_image);
                written.insert(path.to_owned(), Written::Known(bytes));
            }
        }
        Ok(written)
    }

    /// Declared packages go with the installation from one kind of base to the other.
    pub(super) fn carry(&self, sides: &mut BTreeMap<String, Sides>) -> Result<()> {
        let old_kind = self.record.answers.from_base;
        if old_kind == self.kind {
            return Ok(());
        }
        let (old, new) = (carry::file(old_kind), carry::file(self.kind));
        let Some(mine) = self.mine(old)? else {
            return Ok(());
        };
        let path = self.source.path(old);
        let Some(Written::Known(written)) = sides.get(old).and_then(|side| side.base.as_ref())
        else {
            return Ok(());
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let edits = carry::edits(old_kind, &path, &text(written), &text(&mine.bytes))?;
        if let Some(theirs) = sides.get_mut(new).and_then(|side| side.theirs.as_mut()) {
            let carried = carry::apply(self.kind, Path::new(new), &text(&theirs.bytes), &edits)?;
            theirs.bytes = carried.into_bytes();
        }
        // They have gone over, so the old file is as good as unedited.
        if let Some(side) = sides.get_mut(old) {
            side.base = Some(Written::Known(mine.bytes));
        }
        Ok(())
    }

    /// `README.md` with the other name in the line that says where to pull the images.
    fn renamed_readme(&self, path: &str, mine: Option<&Kept>) -> Option<Vec<u8>> {
        if path != "README.md" {
            return None;
        }
        let text = String::from_utf8(mine?.bytes.clone()).ok()?;
        let (from, to) = (self.source.name(), &self.target.name);
        Some(readme::renamed(&text, from, to).into_bytes())
    }

    /// Merges all files; gives those that change.
    pub(super) fn merge(&self, sides: &BTreeMap<String, Sides>) -> Result<Aside> {
        let mut files = Aside::default();
        let mut refused = Vec::new();
        for (path, side) in sides {
            if path == RECORD || path == ".env" || lock::is_lock(path) {
                continue;
            }
            let mine = self.mine(path)?;
            let adapted = (self.without_pin(path, mine.as_ref()))
                .or_else(|| self.renamed_readme(path, mine.as_ref()));
            let mine_bytes = adapted.as_deref();
            let mine_bytes = mine_bytes.or(mine.as_ref().map(|kept| kept.bytes.as_slice()));
            let theirs = side.theirs.as_ref().map(|kept| kept.bytes.as_slice());
            let base = match (&side.base, mine_bytes) {
                (None, _) => None,
                (Some(Written::Known(bytes)), _) => Some(bytes.as_slice()),
                (Some(Written::Lost(id)), Some(mine)) if blob_id(mine)? == *id => Some(mine),
                (Some(Written::Lost(_)), mine) if mine == theirs || mine.is_none() => mine,
                (Some(Written::Lost(_)), mine) => {
                    refused.push(Refused {
                        path: self.shown(path),
                        mine: mine.unwrap_or_default().to_vec(),
                        refusal: Refusal::Unknown,
                    });
                    continue;
                }
            };
            let merged = merge(base, mine_bytes, theirs).and_then(|merged| {
                let bytes = [mine_bytes, theirs, merged.as_deref()];
                match bytes {
                    [Some(mine), Some(theirs), Some(merged)]
                        if !is_sound(path, mine, theirs, merged) =>
                    {
                        Err(Refusal::NoLongerRead)
                    }
                    _ => Ok(merged),
                }
            });
            match merged {
                Ok(merged) => {
                    // The mode of a file that is there is the person's.
                    let mode = mine.as_ref().or(side.theirs.as_ref());
                    let mode = mode.map_or(0o644, |kept| kept.mode);
                    let written = merged.map(|bytes| Kept { bytes, mode });
                    if !same_bytes(written.as_ref(), mine.as_ref()) {
                        let original = mine;
                        files.files.insert(path.clone(), Pair { original, written });
                    }
                }
                Err(refusal) => refused.push(Refused {
                    path: self.shown(path),
                    mine: mine_bytes.unwrap_or_default().to_vec(),
                    refusal,
                }),
            }
        }
        if refused.is_empty() {
            return Ok(files);
        }
        let what = match self.target.from_base {
            Some(kind) => format!("`{}` cannot be turned into {kind}", self.source.name()),
            None => format!(
                "`{}` cannot be turned into `{}`",
                self.source.name(),
                self.target.name
            ),
        };
        let message =
            format!("{what}: your edits contradict what would be written; nothing was changed");
        Err(refusal(message, &refused)
            .help("take these edits back, run the command again, then make them anew"))
    }
}
