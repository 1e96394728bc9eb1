//! The files that are neither templates nor frozen: the record and the person's settings.

use crate::commands::turn::aside::{Aside, Kept, Pair};
use crate::commands::turn::merging::same_bytes;
use crate::commands::turn::{Turn, settings};
use crate::error::Result;
use crate::files;
use crate::templates::merge::merge;
use crate::templates::{Answers, RECORD, Record, render};

impl Turn<'_> {
    pub(super) fn add_record(
        &self,
        files: &mut Aside,
        aside: Option<&Aside>,
        answers: &Answers,
    ) -> Result<()> {
        let mine = self.mine(RECORD)?;
        let restored = aside
            .and_then(|aside| aside.files.get(RECORD))
            .filter(|pair| same_bytes(pair.written.as_ref(), mine.as_ref()))
            .and_then(|pair| pair.original.clone());
        let written = match restored {
            Some(kept) => kept,
            None => Kept {
                bytes: Record::new(answers.clone(), &render::installation(answers)?)?
                    .to_text()?
                    .into_bytes(),
                mode: mine.as_ref().map_or(0o644, |kept| kept.mode),
            },
        };
        let written = Some(written);
        files.files.insert(
            RECORD.to_owned(),
            Pair {
                original: mine,
                written,
            },
        );
        Ok(())
    }

    /// `.env` goes with a renamed installation: the settings that name it follow.
    pub(super) fn add_dotenv(&self, files: &mut Aside, aside: Option<&Aside>) -> Result<()> {
        let path = ".env";
        let Some(mine) = self.mine(path)? else {
            return Ok(());
        };
        if self.target.copy {
            return Ok(());
        }
        let kept = aside.and_then(|aside| aside.files.get(path));
        let restored = kept.and_then(|pair| {
            let original = pair.original.as_ref()?;
            let written = pair.written.as_ref()?;
            merge(
                Some(&written.bytes),
                Some(&mine.bytes),
                Some(&original.bytes),
            )
            .ok()?
        });
        let bytes = match restored {
            Some(bytes) => bytes,
            None => {
                let text = files::read_text(&self.source.path(path))?;
                let place = self.source.path(path);
                settings::follow(&place, &text, self.source.name(), &self.target.name)?.into_bytes()
            }
        };
        if bytes != mine.bytes {
            let mode = mine.mode;
            files.files.insert(
                path.to_owned(),
                Pair {
                    original: Some(mine),
                    written: Some(Kept { bytes, mode }),
                },
            );
        }
        Ok(())
    }
}
